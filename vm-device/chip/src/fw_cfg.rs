//! fw_cfg: the box of items and named files that QEMU's machines hand to firmware.
//!
//! After QEMU's "Firmware Configuration (fw_cfg) Device" specification, in its memory-mapped
//! form: a selector, a data port that gives the selected item byte by byte, and an interface
//! that copies between items and RAM on its own (DMA).
//! All numbers are big-endian, but for the content of the item that names the interfaces.

use std::collections::BTreeMap;

use thiserror::Error;
use vm_core::{Answer, Fault, Fields, GuestPhys, Section, StateError, Width};
use vm_device_bus::{Cx, Device, Mmio, Node, Register, Site, registers};
use vm_mem::{GuestRam, RamFault};

registers! {
    /// Registers of fw_cfg.
    pub enum FwCfgRegister: B8 {
        /// Loads of any width give the next bytes of the item, as they stand in it.
        0x00 Data Rw;
        /// Selects an item and its first byte.
        0x08 Selector Rw;
        /// The address of a request; its low half, or all of it at once, starts it.
        0x10 Dma Rw;
    }
}

/// Items that every box has.
mod key {
    pub const SIGNATURE: u16 = 0x00;
    pub const ID: u16 = 0x01;
    pub const DIRECTORY: u16 = 0x19;
    pub const FIRST_FILE: u16 = 0x20;
    /// Once chose writing through the data port; means nothing any more.
    pub const WRITE_CHANNEL: u16 = 0x4000;
}

/// Bits of a request's control word; its high half is the key to select.
mod control {
    pub const ERROR: u32 = 1;
    pub const READ: u32 = 2;
    pub const SKIP: u32 = 4;
    pub const SELECT: u32 = 8;
    pub const WRITE: u32 = 16;
}

/// What a load of the DMA address gives, which tells that there is DMA.
const DMA_SIGNATURE: &[u8; 8] = b"QEMU CFG";
/// The interfaces there are: the data port (bit 0) and DMA (bit 1).
const INTERFACES: u32 = 3;
/// The bytes of a name in the directory, with the zero that ends it.
const NAME_BYTES: usize = 56;
// LIMIT: as many as QEMU's machines have room for by default, and more than any firmware reads.
const MAX_FILES: usize = 0x100;
// LIMIT: requests past an item's end give zeroes; more of them at once than any item's reader
// asks for would only keep the host busy.
const MAX_FILL_BYTES: u32 = 16 << 20;

/// Why a file can not be added.
#[derive(Debug, Error, PartialEq, Eq, Clone)]
pub enum FwCfgError {
    /// The name is empty, too long, or not printable ASCII.
    #[error("`{name}` is not a name for a fw_cfg file: 1 to 55 printable ASCII characters")]
    Name {
        /// The name.
        name: String,
    },
    /// There is a file of that name.
    #[error("there are two fw_cfg files named `{name}`")]
    Twice {
        /// The name.
        name: String,
    },
    /// There are too many files, or one is too large.
    #[error("the fw_cfg file `{name}` has no room: at most {MAX_FILES} files below 4 GiB each")]
    Full {
        /// The name.
        name: String,
    },
}

#[derive(Debug)]
struct File {
    name: String,
    content: Vec<u8>,
    writable: bool,
}

/// The box.
#[derive(Debug)]
pub struct FwCfg {
    items: BTreeMap<u16, Vec<u8>>,
    /// In the order of their names.
    files: Vec<File>,
    selected: u16,
    /// The next byte; never past the end of the selected item.
    offset: u32,
    /// The high half of the next request's address.
    dma_high: u32,
}

impl Default for FwCfg {
    fn default() -> Self {
        Self::new()
    }
}

impl FwCfg {
    /// A box without files.
    #[must_use]
    pub fn new() -> Self {
        let items = BTreeMap::from([
            (key::SIGNATURE, b"QEMU".to_vec()),
            (key::ID, INTERFACES.to_le_bytes().to_vec()),
            (key::DIRECTORY, 0u32.to_be_bytes().to_vec()),
        ]);
        Self {
            items,
            files: Vec::new(),
            selected: key::SIGNATURE,
            offset: 0,
            dma_high: 0,
        }
    }

    /// With a numbered item; those from 0x20 on are files, which are numbered by themselves.
    #[must_use]
    pub fn item(mut self, key: u16, content: Vec<u8>) -> Self {
        self.items.insert(key, content);
        self
    }

    /// With a file that the guest can read.
    pub fn file(self, name: &str, content: Vec<u8>) -> Result<Self, FwCfgError> {
        self.add(name, content, false)
    }

    /// With a file that the guest can also write, in place.
    pub fn writable_file(self, name: &str, content: Vec<u8>) -> Result<Self, FwCfgError> {
        self.add(name, content, true)
    }

    /// The content of a file as it is now.
    #[must_use]
    pub fn content(&self, name: &str) -> Option<&[u8]> {
        let file = self.files.iter().find(|file| file.name == name)?;
        Some(&file.content)
    }

    fn add(mut self, name: &str, content: Vec<u8>, writable: bool) -> Result<Self, FwCfgError> {
        let name = name.to_owned();
        let printable = name.bytes().all(|byte| byte.is_ascii_graphic());
        if name.is_empty() || name.len() >= NAME_BYTES || !printable {
            return Err(FwCfgError::Name { name });
        }
        if self.files.len() >= MAX_FILES || u32::try_from(content.len()).is_err() {
            return Err(FwCfgError::Full { name });
        }
        match self.files.binary_search_by(|file| file.name.cmp(&name)) {
            Ok(_) => return Err(FwCfgError::Twice { name }),
            Err(at) => {
                let file = File {
                    name,
                    content,
                    writable,
                };
                self.files.insert(at, file);
            }
        }
        self.items.insert(key::DIRECTORY, directory(&self.files));
        Ok(self)
    }

    /// The selected item, from its first byte.
    fn content_of(&self, key: u16) -> &[u8] {
        let key = key & !key::WRITE_CHANNEL;
        if let Some(item) = self.items.get(&key) {
            return item;
        }
        let file = key.checked_sub(key::FIRST_FILE);
        let file = file.and_then(|n| self.files.get(usize::from(n)));
        file.map_or(&[], |file| &file.content)
    }

    /// What is left of the selected item, at most `bytes` of it.
    fn rest(&self, bytes: u32) -> &[u8] {
        let rest = self.content_of(self.selected).get(self.offset as usize..);
        let rest = rest.unwrap_or(&[]);
        rest.get(..bytes as usize).unwrap_or(rest)
    }

    fn select(&mut self, key: u16) {
        (self.selected, self.offset) = (key, 0);
    }

    fn skip(&mut self, bytes: u32) -> u32 {
        let bytes = self.rest(bytes).len() as u32;
        self.offset = self.offset.saturating_add(bytes);
        bytes
    }

    /// The bytes that the data port gives next; past the end, zeroes.
    fn next(&mut self, width: Width) -> u64 {
        let mut out = [0; 8];
        for (slot, byte) in out.iter_mut().zip(self.rest(width.bytes() as u32)) {
            *slot = *byte;
        }
        self.skip(width.bytes() as u32);
        u64::from_le_bytes(out)
    }

    /// Carries out the request at this address.
    fn request(&mut self, at: GuestPhys, ram: &GuestRam) {
        let mut bytes = [0; 16];
        let failed = ram.read(at, &mut bytes).is_err() || {
            let [a, b, c, d, rest @ ..] = bytes;
            let [e, f, g, h, address @ ..] = rest;
            let control = u32::from_be_bytes([a, b, c, d]);
            let length = u32::from_be_bytes([e, f, g, h]);
            let addr = GuestPhys(u64::from_be_bytes(address));
            self.transfer(control, length, addr, ram).is_err()
        };
        let answer = if failed { control::ERROR } else { 0 };
        // If even the answer has no place, the guest waits for nothing.
        let _ = ram.write(at, &answer.to_be_bytes());
    }

    fn transfer(
        &mut self,
        control: u32,
        length: u32,
        addr: GuestPhys,
        ram: &GuestRam,
    ) -> Result<(), RamFault> {
        if control & control::SELECT != 0 {
            self.select((control >> 16) as u16);
        }
        if control & control::READ != 0 {
            let bytes = self.rest(length);
            let fault = RamFault {
                addr,
                bytes: u64::from(length),
            };
            let zeroes = length - bytes.len() as u32;
            if zeroes > MAX_FILL_BYTES || !ram.contains(addr, u64::from(length)) {
                return Err(fault);
            }
            ram.write(addr, bytes)?;
            ram.write(addr + bytes.len() as u64, &vec![0; zeroes as usize])?;
            self.skip(length);
            Ok(())
        } else if control & control::WRITE != 0 {
            self.store(length, addr, ram)
        } else {
            if control & control::SKIP != 0 {
                self.skip(length);
            }
            Ok(())
        }
    }

    /// Overwrites a piece of the selected file, all of it or nothing.
    fn store(&mut self, length: u32, addr: GuestPhys, ram: &GuestRam) -> Result<(), RamFault> {
        let number = (self.selected & !key::WRITE_CHANNEL).checked_sub(key::FIRST_FILE);
        let file = number.and_then(|n| self.files.get_mut(usize::from(n)));
        let (start, bytes) = (self.offset as usize, length as usize);
        let place = file.filter(|file| file.writable).and_then(|file| {
            let rest = file.content.get_mut(start..)?;
            rest.get_mut(..bytes)
        });
        let place = place.ok_or(RamFault {
            addr,
            bytes: u64::from(length),
        })?;
        ram.read(addr, place)?;
        self.skip(length);
        Ok(())
    }
}

/// The item that lists the files.
fn directory(files: &[File]) -> Vec<u8> {
    let mut out = (files.len() as u32).to_be_bytes().to_vec();
    for (key, file) in (key::FIRST_FILE..).zip(files) {
        out.extend((file.content.len() as u32).to_be_bytes());
        out.extend(key.to_be_bytes());
        out.extend([0, 0]);
        let mut name = file.name.clone().into_bytes();
        name.resize(NAME_BYTES, 0);
        out.extend(name);
    }
    out
}

impl Device for FwCfg {
    fn kind(&self) -> &'static str {
        "fw_cfg"
    }

    /// Files that the guest has written stay as they are: the machine made them, not the guest.
    fn reset(&mut self) {
        self.select(key::SIGNATURE);
        self.dma_high = 0;
    }

    fn save(&self, out: &mut Section) {
        out.u64("selected", u64::from(self.selected));
        out.u64("offset", u64::from(self.offset));
        out.u64("dma_high", u64::from(self.dma_high));
        for file in self.files.iter().filter(|file| file.writable) {
            out.bytes(&format!("file.{}", file.name), &file.content);
        }
    }

    fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
        let selected = from.below("selected", 0x1_0000)? as u16;
        let offset = from.u32("offset")?;
        if offset as usize > self.content_of(selected).len() {
            return Err(from.bad("offset"));
        }
        let dma_high = from.u32("dma_high")?;
        for file in self.files.iter().filter(|file| file.writable) {
            let field = format!("file.{}", file.name);
            if from.bytes(&field)?.len() != file.content.len() {
                return Err(from.bad(&field));
            }
        }
        for file in self.files.iter_mut().filter(|file| file.writable) {
            let content = from.bytes(&format!("file.{}", file.name))?;
            file.content.copy_from_slice(content);
        }
        (self.selected, self.offset, self.dma_high) = (selected, offset, dma_high);
        Ok(())
    }

    fn describe(&self, site: &Site) -> Option<Node> {
        Some(
            Node::at("fw-cfg", site)
                .text("compatible", &["qemu,fw-cfg-mmio"])
                .flag("dma-coherent"),
        )
    }

    fn mmio(&mut self) -> Option<&mut dyn Mmio> {
        Some(self)
    }
}

impl Mmio for FwCfg {
    fn registers(&self) -> &'static [Register] {
        FwCfgRegister::TABLE
    }

    /// The data port in all widths, the address in halves, the selector in 16 bits.
    fn narrow(&self) -> bool {
        true
    }

    fn read(&mut self, offset: u64, width: Width, _cx: &mut Cx) -> Answer {
        match (FwCfgRegister::at(offset), offset) {
            (Some((FwCfgRegister::Data, _)), 0x00) => Answer::Done(self.next(width)),
            (Some((FwCfgRegister::Dma, _)), _) => {
                let whole = u64::from_le_bytes(*DMA_SIGNATURE);
                let inside = offset.wrapping_sub(0x10);
                Answer::Done((whole >> (8 * (inside & 7))) & width.mask())
            }
            (Some((FwCfgRegister::Selector, _)), _) => Answer::Fault(Fault::ReadOnly),
            _ => Answer::Fault(Fault::NoRegister),
        }
    }

    fn write(&mut self, offset: u64, width: Width, value: u64, cx: &mut Cx) -> Answer {
        match (FwCfgRegister::at(offset), offset, width) {
            // Items are written by requests only.
            (Some((FwCfgRegister::Data, _)), 0x00, _) => {}
            (Some((FwCfgRegister::Selector, _)), 0x08, Width::B2) => {
                self.select((value as u16).swap_bytes());
            }
            (Some((FwCfgRegister::Dma, _)), 0x10, Width::B8) => {
                self.dma_high = 0;
                self.request(GuestPhys(value.swap_bytes()), cx.ram);
            }
            (Some((FwCfgRegister::Dma, _)), 0x10, Width::B4) => {
                self.dma_high = (value as u32).swap_bytes();
            }
            (Some((FwCfgRegister::Dma, _)), 0x14, Width::B4) => {
                let high = u64::from(std::mem::take(&mut self.dma_high));
                let low = u64::from((value as u32).swap_bytes());
                self.request(GuestPhys(high << 32 | low), cx.ram);
            }
            (Some((FwCfgRegister::Data, _)), ..) => return Answer::Fault(Fault::NoRegister),
            (Some(_), ..) => return Answer::Fault(Fault::Size),
            (None, ..) => return Answer::Fault(Fault::NoRegister),
        }
        Answer::Done(0)
    }
}

#[cfg(test)]
mod tests;
