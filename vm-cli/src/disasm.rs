//! `vm disasm`: machine code as text.

use std::io::{BufWriter, ErrorKind, Write};
use std::ops::Range;
use std::path::Path;

use serde_json::json;
use vm_runtime::boot::{Addressing, Kernel, Kind};
use vm_runtime::{BoardKind, Symbols, VmError, boards, read_symbols};

use crate::args::{DisasmArgs, Manner};
use crate::diagnose::{diagnose, file};
use crate::report::Report;
use crate::{codes, out, units};

/// The most bytes a kernel may unpack to.
// LIMIT: as for a run, where guest memory must hold it.
const UNPACK_LIMIT: u64 = 1 << 30;

/// Code and where it stands.
struct Piece {
    base: u64,
    bytes: Vec<u8>,
}

/// Prints machine code as text.
pub fn disasm(args: &DisasmArgs, common: &Manner) -> Result<u8, Report> {
    let (arch, pieces) = match (&args.hex, &args.file) {
        (Some(hex), _) => {
            let bytes = units::hex(hex).map_err(|fact| {
                Report::new(codes::NO_CODE, "these are no bytes")
                    .at("--hex", fact)
                    .help("write the bytes in the order of memory, as 3385a500")
            })?;
            (
                None,
                vec![Piece {
                    base: args.base.unwrap_or(0),
                    bytes,
                }],
            )
        }
        (None, Some(path)) => read(path, args)?,
        (None, None) => return Err(Report::new(codes::NO_CODE, "there is nothing to show")),
    };
    let board = board(args.arch.as_deref(), arch)?;
    let symbols = symbols(args)?;
    let range = args.range.clone().unwrap_or(0..u64::MAX);
    let mut any = false;
    let mut to = BufWriter::new(std::io::stdout().lock());
    for piece in &pieces {
        match print(
            piece,
            &range,
            &board,
            symbols.as_ref(),
            common.json,
            &mut to,
        ) {
            Ok(some) => any |= some,
            // A reader that has seen enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(0),
            Err(error) => return Err(out::output_error(&error)),
        }
    }
    match to.flush() {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(out::output_error(&error)),
        _ if any => Ok(0),
        _ => {
            let spans = pieces.iter().map(|piece| {
                let end = piece.base.saturating_add(piece.bytes.len() as u64);
                format!("{:#x}..{end:#x}", piece.base)
            });
            Err(
                Report::new(codes::NO_CODE, "there is no code in this range").at(
                    "--range",
                    format!("there is: {}", spans.collect::<Vec<_>>().join(", ")),
                ),
            )
        }
    }
}

/// The file's own architecture, and its code.
fn read(path: &Path, args: &DisasmArgs) -> Result<(Option<&'static str>, Vec<Piece>), Report> {
    let what = "can not be read as code";
    if path.is_dir() {
        return Err(file(path, what, &ErrorKind::IsADirectory.into()));
    }
    let bytes = std::fs::read(path).map_err(|error| file(path, what, &error))?;
    let kernel = Kernel::open(&bytes, UNPACK_LIMIT).map_err(|source| {
        diagnose(&VmError::Image {
            path: path.to_owned(),
            source,
        })
    })?;
    let arch = kernel.arch.map(vm_runtime::boot::Arch::name);
    if kernel.kind != Kind::Elf {
        let bytes = kernel.file.into_owned();
        return Ok((
            arch,
            vec![Piece {
                base: args.base.unwrap_or(0),
                bytes,
            }],
        ));
    }
    // Without a range, what holds the first instruction; the rest is mostly data.
    let wanted = |at: u64, bytes: u64| match &args.range {
        Some(range) => range.start < at.saturating_add(bytes) && at < range.end,
        None => (at..at.saturating_add(bytes)).contains(&kernel.entry),
    };
    let shift = match kernel.addressing {
        Addressing::Physical => 0,
        Addressing::Relative => args.base.unwrap_or(0),
    };
    let segments = kernel
        .segments
        .iter()
        .filter(|segment| wanted(segment.addr, segment.bytes));
    let pieces = segments.map(|segment| Piece {
        base: segment.addr.wrapping_add(shift),
        bytes: kernel
            .file
            .get(segment.file.clone())
            .unwrap_or_default()
            .to_vec(),
    });
    Ok((arch, pieces.collect()))
}

/// The board whose architecture was named, or that the file says; else the first.
fn board(named: Option<&str>, found: Option<&'static str>) -> Result<BoardKind, Report> {
    let Some(name) = named.or(found) else {
        return boards().into_iter().next().ok_or_else(|| {
            Report::new(codes::INTERNAL, "there is no architecture").help("please report this")
        });
    };
    let known: Vec<&str> = boards().iter().map(|board| board.arch.name()).collect();
    let board = boards().into_iter().find(|board| board.arch.name() == name);
    board.ok_or_else(|| {
        Report::new(
            codes::WRONG_ARCH,
            format!("code for `{name}` can not be shown yet"),
        )
        .help(format!("there are: {}", known.join(", ")))
    })
}

/// Labels: from the file that was named, or from the code's own.
fn symbols(args: &DisasmArgs) -> Result<Option<Symbols>, Report> {
    match (&args.symbols, &args.file) {
        (Some(path), _) => read_symbols(path)
            .map(Some)
            .map_err(|error| diagnose(&error)),
        // Code need not have any.
        (None, Some(path)) => Ok(read_symbols(path).ok()),
        (None, None) => Ok(None),
    }
}

/// The place that an instruction's text ends with the address of.
fn target(symbols: &Symbols, text: &str) -> Option<String> {
    // Shorter numbers are distances and constants.
    const DIGITS: usize = 4;
    let (_, word) = text.rsplit_once([' ', '('])?;
    let digits = word
        .strip_prefix("0x")
        .filter(|digits| digits.len() >= DIGITS)?;
    let addr = u64::from_str_radix(digits, 16).ok()?;
    symbols.lookup(addr).map(|place| format!("  # {place}"))
}

fn print(
    piece: &Piece,
    range: &Range<u64>,
    board: &BoardKind,
    symbols: Option<&Symbols>,
    as_json: bool,
    to: &mut impl Write,
) -> std::io::Result<bool> {
    let frontend = (board.frontend)();
    let skip = range
        .start
        .saturating_sub(piece.base)
        .min(piece.bytes.len() as u64);
    let (mut at, mut any) = (skip as usize, false);
    while let Some(code) = piece.bytes.get(at..).filter(|code| !code.is_empty()) {
        let pc = piece.base.wrapping_add(at as u64);
        if !range.contains(&pc) {
            break;
        }
        let window = &code[..code.len().min(frontend.max_insn_bytes())];
        let line = frontend.disassemble(window, pc);
        let length = line.bytes.clamp(1, window.len());
        let hex: String = window[..length]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let place = symbols.and_then(|symbols| symbols.lookup(pc));
        if as_json {
            let (text, place) = (line.text, place.map(|place| place.to_string()));
            writeln!(
                to,
                "{}",
                json!({"schema": 1, "pc": pc, "bytes": hex, "text": text, "place": place})
            )?;
        } else {
            if let Some(label) = place.filter(|place| place.offset == 0) {
                writeln!(to, "{label}:")?;
            }
            let target = symbols.and_then(|symbols| target(symbols, &line.text));
            let target = target.unwrap_or_default();
            writeln!(to, "{pc:#012x}  {hex:<16}  {}{target}", line.text)?;
        }
        (at, any) = (at + length, true);
    }
    Ok(any)
}
