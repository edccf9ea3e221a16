//! Configuration space.
//!
//! PCI Local Bus Specification 3.0, chapter 6, "Configuration Space"; the header is of type 0.

use vm_core::{Fields, Section, StateError, Width};
use vm_device_bus::Cx;

use crate::Msix;

/// How much of a function's 4 KiB is used; the rest reads as zero, the end of its list.
const BYTES: usize = 256;
const COMMAND: usize = 0x04;
const STATUS: usize = 0x06;
const FIRST_BAR: usize = 0x10;
const CAPABILITIES: usize = 0x34;
const LINE: usize = 0x3c;
const PIN: usize = 0x3d;
/// Where the first capability stands.
const FIRST_CAPABILITY: usize = 0x40;

/// Command: answers to its ports.
const DECODE_PORTS: u8 = 1;
/// Command: answers to its memory ranges.
const DECODE_MEMORY: u8 = 2;
/// Command: may write to memory by itself.
const BUS_MASTER: u8 = 4;
/// Command, second byte: does not use its interrupt line.
const LINE_OFF: u8 = 4;
/// Status: the line would be up.
const LINE_UP: u8 = 8;
/// Status: there is a list of capabilities.
const HAS_LIST: u8 = 0x10;

/// What a function is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Who made it.
    pub vendor: u16,
    /// What they made.
    pub device: u16,
    /// Its revision.
    pub revision: u8,
    /// Class, subclass and programming interface.
    pub class: u32,
    /// Who built it in.
    pub subsystem_vendor: u16,
    /// What they built.
    pub subsystem: u16,
}

/// The kind of a base address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BarKind {
    /// Memory below 4 GiB.
    Memory32,
    /// Memory anywhere, which a driver may read ahead; it takes two registers.
    Memory64,
    /// Ports.
    Ports,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Bar {
    kind: BarKind,
    bytes: u64,
}

/// A function's configuration space.
#[derive(Clone, Debug)]
pub struct Config {
    bytes: [u8; BYTES],
    initial: [u8; BYTES],
    writable: [u8; BYTES],
    bars: [Option<Bar>; 6],
    /// Where the next capability goes, and the byte that will point to it.
    end: usize,
    link: usize,
    msix: Option<(Msix, usize)>,
}

impl Config {
    /// The space of a function without ranges, capabilities and interrupts.
    #[must_use]
    pub fn new(identity: &Identity) -> Self {
        let mut config = Self {
            bytes: [0; BYTES],
            initial: [0; BYTES],
            writable: [0; BYTES],
            bars: [None; 6],
            end: FIRST_CAPABILITY,
            link: CAPABILITIES,
            msix: None,
        };
        config.set(0x00, &identity.vendor.to_le_bytes());
        config.set(0x02, &identity.device.to_le_bytes());
        config.set(
            0x08,
            &(identity.class << 8 | u32::from(identity.revision)).to_le_bytes(),
        );
        config.set(0x2c, &identity.subsystem_vendor.to_le_bytes());
        config.set(0x2e, &identity.subsystem.to_le_bytes());
        // Decoding, mastering, parity and system errors, the line; the cache line's size.
        config.permit(COMMAND, &[0x47, 0x05]);
        config.permit(0x0c, &[0xff]);
        config
    }

    /// With the interrupt line A.
    #[must_use]
    pub fn line(mut self) -> Self {
        self.set(PIN, &[1]);
        self.permit(LINE, &[0xff]);
        self
    }

    /// With a range behind a base address register.
    #[must_use]
    pub fn bar(mut self, index: u8, kind: BarKind, bytes: u64) -> Self {
        let wide = kind == BarKind::Memory64;
        let fits = bytes.is_power_of_two() && bytes >= 16 && index < 6 - u8::from(wide);
        assert!(
            fits && (wide || bytes <= 1 << 31),
            "base address {index} of {bytes:#x} bytes"
        );
        self.bars[usize::from(index)] = Some(Bar { kind, bytes });
        let at = FIRST_BAR + 4 * usize::from(index);
        let fixed = bytes.wrapping_neg();
        self.permit(at, &(fixed as u32 & !0xf).to_le_bytes());
        match kind {
            BarKind::Memory32 => {}
            BarKind::Ports => self.set(at, &[1]),
            BarKind::Memory64 => {
                self.set(at, &[0xc]);
                self.permit(at + 4, &((fixed >> 32) as u32).to_le_bytes());
            }
        }
        self
    }

    /// Adds a capability with this body (what follows identifier and link) and the mask of its
    /// writable bits; where it stands.
    pub fn capability(&mut self, id: u8, body: &[u8], writable: &[u8]) -> u8 {
        let at = self.end;
        let end = (at + 2 + body.len()).next_multiple_of(4);
        assert!(
            end <= BYTES && writable.len() <= body.len(),
            "capability {id:#x} has no room"
        );
        self.set(self.link, &[at as u8]);
        self.set(at, &[id, 0]);
        self.set(at + 2, body);
        self.permit(at + 2, writable);
        self.set(STATUS, &[HAS_LIST]);
        self.link = at + 1;
        self.end = end;
        at as u8
    }

    /// Adds message interrupts, with their tables at these offsets of a base address's range.
    pub fn message_interrupts(&mut self, bar: u8, count: u16, table: u64, pending: u64) {
        let msix = Msix::new(bar, count, table, pending);
        let at = self.capability(0x11, &msix.capability(), &[0, 0xc0]);
        self.msix = Some((msix, usize::from(at) + 3));
    }

    /// Reads; what lies outside reads as zero.
    #[must_use]
    pub fn read(&self, offset: u16, width: Width) -> u64 {
        let bytes = self
            .bytes
            .iter()
            .skip(usize::from(offset))
            .take(width.bytes() as usize);
        bytes
            .rev()
            .fold(0, |value, byte| value << 8 | u64::from(*byte))
    }

    /// Writes what may be written.
    pub fn write(&mut self, offset: u16, width: Width, value: u64, cx: &mut Cx) {
        let start = usize::from(offset);
        for (i, new) in value
            .to_le_bytes()
            .iter()
            .take(width.bytes() as usize)
            .enumerate()
        {
            let at = start + i;
            if let (Some(byte), Some(mask)) = (self.bytes.get_mut(at), self.writable.get(at)) {
                *byte = *byte & !mask | new & mask;
            }
        }
        self.follow();
        self.send(cx);
    }

    /// Whether the guest lets the function write to memory by itself.
    #[must_use]
    pub fn bus_master(&self) -> bool {
        self.bytes[COMMAND] & BUS_MASTER != 0
    }

    /// Says whether the function wants its line to be up.
    pub fn set_line(&mut self, up: bool) {
        let status = self.bytes[STATUS] & !LINE_UP;
        self.bytes[STATUS] = status | if up { LINE_UP } else { 0 };
    }

    /// Whether its line is up: it wants that, and the guest permits it.
    #[must_use]
    pub fn line_up(&self) -> bool {
        let permitted = self.bytes[COMMAND + 1] & LINE_OFF == 0 && !self.messages();
        permitted && self.bytes[STATUS] & LINE_UP != 0
    }

    /// Which of the four lines it uses, 0 for A; `None` if it has none.
    #[must_use]
    pub fn pin(&self) -> Option<u8> {
        self.bytes[PIN].checked_sub(1)
    }

    /// Whether the guest has chosen messages instead of the line.
    #[must_use]
    pub fn messages(&self) -> bool {
        self.msix.as_ref().is_some_and(|(msix, _)| msix.enabled())
    }

    /// How many vectors there are.
    #[must_use]
    pub fn vectors(&self) -> usize {
        self.msix.as_ref().map_or(0, |(msix, _)| msix.count())
    }

    /// Sends the message of a vector, now or when the guest permits it.
    pub fn raise(&mut self, vector: u16, cx: &mut Cx) {
        if let Some((msix, _)) = &mut self.msix {
            msix.raise(vector);
        }
        self.send(cx);
    }

    /// The register number and offset of the base address that answers at an address.
    #[must_use]
    pub fn answers(&self, ports: bool, addr: u64) -> Option<(u8, u64)> {
        let needed = if ports { DECODE_PORTS } else { DECODE_MEMORY };
        if self.bytes[COMMAND] & needed == 0 {
            return None;
        }
        (0..).zip(&self.bars).find_map(|(index, bar)| {
            let bar = bar.filter(|bar| (bar.kind == BarKind::Ports) == ports)?;
            let offset = addr.checked_sub(self.base(index, bar))?;
            (offset < bar.bytes).then_some((index, offset))
        })
    }

    /// Reads the tables of message interrupts, if the access means them.
    pub(crate) fn read_tables(&self, bar: u8, offset: u64, width: Width) -> Option<u64> {
        let (msix, _) = self.msix.as_ref()?;
        let table = msix
            .in_table(bar, offset)
            .map(|at| msix.read_table(at, width));
        table.or_else(|| {
            msix.in_pending(bar, offset)
                .map(|at| msix.read_pending(at, width))
        })
    }

    /// Writes the tables of message interrupts; false if the access does not mean them.
    pub(crate) fn write_tables(
        &mut self,
        bar: u8,
        offset: u64,
        width: Width,
        value: u64,
        cx: &mut Cx,
    ) -> bool {
        let Some((msix, _)) = &mut self.msix else {
            return false;
        };
        let table = msix.in_table(bar, offset);
        if let Some(at) = table {
            msix.write_table(at, width, value);
        }
        let pending = msix.in_pending(bar, offset).is_some();
        self.send(cx);
        table.is_some() || pending
    }

    /// Back to the state after power-on.
    pub(crate) fn reset(&mut self) {
        self.bytes = self.initial;
        if let Some((msix, _)) = &mut self.msix {
            msix.reset(msix.count());
        }
    }

    /// Writes the space down.
    pub(crate) fn save(&self, out: &mut Section) {
        out.bytes("pci.config", &self.bytes);
        if let Some((msix, _)) = &self.msix {
            msix.save(out);
        }
    }

    /// Takes a saved space; what can not be written must be as it is here.
    pub(crate) fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
        let saved = from.bytes("pci.config")?;
        let saved: &[u8; BYTES] = saved.try_into().map_err(|_| from.bad("pci.config"))?;
        for (at, (saved, own)) in saved.iter().zip(&self.initial).enumerate() {
            let free = self.writable[at] | if at == STATUS { LINE_UP } else { 0 };
            if (saved ^ own) & !free != 0 {
                return Err(from.bad("pci.config"));
            }
        }
        self.bytes = *saved;
        if let Some((msix, _)) = &mut self.msix {
            msix.restore(from)?;
        }
        self.follow();
        Ok(())
    }

    fn base(&self, index: u8, bar: Bar) -> u64 {
        let at = FIRST_BAR as u16 + 4 * u16::from(index);
        let width = if bar.kind == BarKind::Memory64 {
            Width::B8
        } else {
            Width::B4
        };
        self.read(at, width) & !0xf
    }

    /// Lets the vectors know what stands in the control word.
    fn follow(&mut self) {
        if let Some((msix, control)) = &mut self.msix {
            msix.control(self.bytes[*control]);
        }
    }

    fn send(&mut self, cx: &mut Cx) {
        let master = self.bus_master();
        if let Some((msix, _)) = self.msix.as_mut().filter(|_| master) {
            msix.send(cx);
        }
    }

    fn set(&mut self, at: usize, bytes: &[u8]) {
        self.initial[at..at + bytes.len()].copy_from_slice(bytes);
        self.bytes = self.initial;
    }

    fn permit(&mut self, at: usize, mask: &[u8]) {
        self.writable[at..at + mask.len()].copy_from_slice(mask);
    }
}
