//! `--dump-code`: how the code at an address came about, for people and as JSON.

mod table;

use serde_json::{Value, json};
use vm_runtime::{CodeDump, DumpedBlock, HostLine, Line, Whence};

use self::table::{Cell, Column, Paint, side_by_side, stacked};

/// How text is shown.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// How many columns there are.
    pub columns: usize,
    /// Whether there are colours.
    pub colors: bool,
}

/// What tiers have made of the code at each of these addresses.
#[must_use]
pub fn text(wanted: &[(String, u64)], dumps: &[CodeDump], left_out: u64, view: View) -> String {
    let paint = Paint(view.colors);
    let mut text = String::new();
    for (named, addr) in wanted {
        let has = |block: &DumpedBlock| covers(block, *addr);
        let here: Vec<&CodeDump> = dumps.iter().filter(|d| d.blocks.iter().any(has)).collect();
        let number = format!("{addr:#x}");
        let title = match *named == number {
            true => format!("code at {number}"),
            false => format!("code at {named} ({number})"),
        };
        text += &format!("\n{}\n", paint.title(&title));
        if here.is_empty() {
            text += "  no code was made of it: no CPU has come there\n";
        }
        let (part, whole): (Vec<_>, Vec<_>) = here.iter().partition(|d| is_part(d, &here));
        for dump in whole {
            text += &one(dump, view);
            text += &parts(dump, &part, paint);
        }
    }
    if left_out > 0 {
        text += &format!("\n{left_out} more pieces of code were made there and not kept\n");
    }
    text
}

/// Whether an address, virtual or physical, lies in a block.
fn covers(block: &DumpedBlock, addr: u64) -> bool {
    let inside = |first: u64| addr.wrapping_sub(first) < block.bytes;
    inside(block.pc) || inside(block.phys)
}

/// Whether it lies in another block of the same tier: its end, or a single instruction, where a
/// slice had ended.
fn is_part(dump: &CodeDump, all: &[&CodeDump]) -> bool {
    all.iter().any(|other| lies_in(dump, other))
}

fn lies_in(dump: &CodeDump, of: &CodeDump) -> bool {
    let ([part], [whole]) = (&dump.blocks[..], &of.blocks[..]) else {
        return false;
    };
    let from = part.phys.wrapping_sub(whole.phys);
    let inside = from.saturating_add(part.bytes) <= whole.bytes && part.bytes < whole.bytes;
    inside && (dump.tier, part.mode) == (of.tier, whole.mode)
}

/// A line about the blocks that are parts of this one.
fn parts(dump: &CodeDump, parts: &[&CodeDump], paint: Paint) -> String {
    let mut begin: Vec<u64> = parts
        .iter()
        .filter(|part| lies_in(part, dump))
        .flat_map(|part| part.blocks.iter().map(|block| block.pc))
        .collect();
    begin.sort_unstable();
    if begin.is_empty() {
        return String::new();
    }
    let begin: Vec<String> = begin.iter().map(|pc| format!("{pc:#x}")).collect();
    let text = format!("parts of it were made, too: from {} on", begin.join(", "));
    format!("{}\n", paint.dim(&text))
}

/// What one tier has made.
fn one(dump: &CodeDump, view: View) -> String {
    let paint = Paint(view.colors);
    let mut text = format!("\n{}\n", paint.heading(&heading(dump), view.columns));
    if dump.refused {
        return text + "  this tier can not do it\n";
    }
    if dump.tier == "region" {
        return text + &region(dump, view);
    }
    let mut columns = vec![guest(dump)];
    for stage in &dump.stages {
        columns.push(Column {
            name: stage.name,
            cells: stage_cells(&stage.lines),
        });
    }
    let (inline, aside): (Vec<_>, Vec<_>) = dump.host.iter().partition(|line| !is_aside(line));
    if !dump.host.is_empty() {
        columns.push(Column {
            name: "host",
            cells: inherited(inline.into_iter().map(host_cell).collect()),
        });
    }
    text += &table(&columns, dump, view);
    if !aside.is_empty() {
        text += &format!("{}\n", paint.dim("out of line"));
        text += &beside(dump, aside.into_iter().map(host_line).collect(), paint);
    }
    text
}

/// A region: its blocks, then what became of all of them.
fn region(dump: &CodeDump, view: View) -> String {
    let paint = Paint(view.colors);
    let mut text = String::new();
    for (number, block) in dump.blocks.iter().enumerate() {
        let place = place(block);
        text += &format!("{}\n", paint.dim(&format!("block {number}  {place}")));
    }
    for stage in &dump.stages {
        if stage.name == "ir" {
            let column = Column {
                name: stage.name,
                cells: stage_cells(&stage.lines),
            };
            text += &table(&[guest(dump), column], dump, view);
            continue;
        }
        text += &format!("{}\n", paint.dim(stage.name));
        let lines = stage.lines.iter();
        let lines = lines.map(|line| (line.whence, None, cell(&line.text, None)));
        text += &beside(dump, lines.collect(), paint);
    }
    text += &format!("{}\n", paint.dim("host"));
    text + &beside(dump, dump.host.iter().map(host_line).collect(), paint)
}

/// What is told in front: the tier, where it stands, what of.
fn heading(dump: &CodeDump) -> String {
    let mut parts = vec![dump.tier.to_owned()];
    match dump.blocks.as_slice() {
        [block] => parts.push(place(block)),
        blocks => parts.push(format!("{} blocks", blocks.len())),
    }
    let insns: usize = dump.blocks.iter().map(|block| block.insns.len()).sum();
    match insns {
        0 => {}
        1 => parts.push("1 instruction".to_owned()),
        many => parts.push(format!("{many} instructions")),
    }
    if let Some(at) = dump.host_at {
        let bytes: usize = dump.host.iter().map(|line| line.bytes.len()).sum();
        parts.push(format!("{bytes} bytes at {at:#x}"));
    }
    if dump.times > 1 {
        parts.push(format!("the last of {}", dump.times));
    }
    parts.join(", ")
}

/// Where a block stands.
fn place(block: &DumpedBlock) -> String {
    let pc = match &block.place {
        Some(place) => format!("{place} ({:#x})", block.pc),
        None => format!("{:#x}", block.pc),
    };
    if block.phys == block.pc {
        pc
    } else {
        format!("{pc}, physical {:#x}", block.phys)
    }
}

/// The guest's instructions.
fn guest(dump: &CodeDump) -> Column {
    let mut cells = Vec::new();
    for (block, of) in dump.blocks.iter().enumerate() {
        for (insn, of) in of.insns.iter().enumerate() {
            let text = format!("{:#x}  {}", of.pc, of.text);
            cells.push((Some(Whence { block, insn }), cell(&text, None)));
        }
    }
    Column {
        name: "guest",
        cells,
    }
}

fn cell(text: &str, note: Option<&str>) -> Cell {
    Cell {
        text: text.to_owned(),
        note: note.map(str::to_owned),
    }
}

fn host_cell(line: &HostLine) -> (Option<Whence>, Cell) {
    let text = format!("{:>5x}  {}", line.at, line.text);
    (line.whence, cell(&text, line.note.as_deref()))
}

fn host_line(line: &HostLine) -> (Option<Whence>, Option<&'static str>, Cell) {
    let (whence, cell) = host_cell(line);
    (whence, line.what, cell)
}

/// Whether it stands behind the code, for what seldom happens.
fn is_aside(line: &HostLine) -> bool {
    is_aside_for(line.what)
}

fn is_aside_for(what: Option<&str>) -> bool {
    what.is_some_and(|what| what != "entry")
}

/// Lines of a stage: heads of blocks go with what follows them, others with what precedes.
fn stage_cells(lines: &[Line]) -> Vec<(Option<Whence>, Cell)> {
    let at = |(number, line): (usize, &Line)| {
        let next = || lines[number..].iter().find_map(|line| line.whence);
        let head = line.text.ends_with(':');
        let whence = if head { next() } else { line.whence };
        (whence, cell(&line.text, None))
    };
    inherited(lines.iter().enumerate().map(at).collect())
}

/// What is of no instruction goes with the one before it.
fn inherited(mut cells: Vec<(Option<Whence>, Cell)>) -> Vec<(Option<Whence>, Cell)> {
    let mut last = None;
    for (whence, _) in &mut cells {
        last = whence.or(last);
        *whence = last;
    }
    cells
}

/// Columns beside each other, or below each other where they have no room.
fn table(columns: &[Column], dump: &CodeDump, view: View) -> String {
    let blocks = dump.blocks.iter().enumerate();
    let order = blocks.flat_map(|(block, of)| {
        let insns = 0..of.insns.len();
        insns.map(move |insn| Some(Whence { block, insn }))
    });
    // What comes before all instructions stands in front.
    let order: Vec<Option<Whence>> = std::iter::once(None).chain(order).collect();
    let paint = Paint(view.colors);
    side_by_side(columns, &order, view.columns, paint)
        .unwrap_or_else(|| stacked(columns, &order, paint))
}

/// Lines with the guest's address beside each, where it is another one than in the line before.
fn beside(
    dump: &CodeDump,
    lines: Vec<(Option<Whence>, Option<&'static str>, Cell)>,
    paint: Paint,
) -> String {
    let pc = |whence: Whence| {
        let block = dump.blocks.get(whence.block)?;
        Some(format!("{:#x}", block.insns.get(whence.insn)?.pc))
    };
    let width = |of: fn(&CodeDump) -> u64| format!("{:#x}", of(dump)).len();
    let width = width(|dump| dump.blocks.iter().map(|block| block.pc).max().unwrap_or(0));
    let (mut text, mut last) = (String::new(), (None, None));
    for (whence, what, cell) in lines {
        // What is of no instruction goes with the one before it, unless it is for something else.
        let whence = whence.or(last.0.filter(|_| what.is_none()));
        let here = whence.and_then(pc).unwrap_or_default();
        let new = last != (whence, what);
        let why = what.filter(|what| new && *what != "entry").unwrap_or("");
        let shown = if new { here.as_str() } else { "" };
        last = (whence, what);
        let why_width = if is_aside_for(what) { 9 } else { 0 };
        let label = format!("{shown:<width$}  {why:<why_width$}");
        text += format!("{}{}", paint.guest(&label), cell.painted(paint, 0)).trim_end();
        text.push('\n');
    }
    text
}

/// The same for programs.
#[must_use]
pub fn json(dumps: &[CodeDump]) -> Value {
    dumps.iter().map(one_json).collect()
}

fn one_json(dump: &CodeDump) -> Value {
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("{b:02x}")).collect() };
    let pc = |whence: Option<Whence>| {
        let whence = whence?;
        let block = dump.blocks.get(whence.block)?;
        Some(format!("{:#x}", block.insns.get(whence.insn)?.pc))
    };
    let blocks = dump.blocks.iter().map(|block| {
        let insns = block.insns.iter().map(|insn| {
            json!({
                "pc": format!("{:#x}", insn.pc),
                "bytes": hex(&insn.bytes),
                "text": insn.text,
            })
        });
        json!({
            "pc": format!("{:#x}", block.pc),
            "place": block.place,
            "physical": format!("{:#x}", block.phys),
            "mode": format!("{:#x}", block.mode),
            "instructions": insns.collect::<Value>(),
        })
    });
    let stages = dump.stages.iter().map(|stage| {
        let lines = stage.lines.iter();
        let lines = lines.map(|line| json!({"pc": pc(line.whence), "text": line.text}));
        json!({"name": stage.name, "lines": lines.collect::<Value>()})
    });
    let host = dump.host.iter().map(|line| {
        json!({
            "offset": line.at,
            "bytes": hex(&line.bytes),
            "pc": pc(line.whence),
            "for": line.what,
            "text": line.text,
            "note": line.note,
        })
    });
    json!({
        "tier": dump.tier,
        "times": dump.times,
        "refused": dump.refused,
        "blocks": blocks.collect::<Value>(),
        "stages": stages.collect::<Value>(),
        "host_address": dump.host_at.map(|at| format!("{at:#x}")),
        "host": host.collect::<Value>(),
    })
}
