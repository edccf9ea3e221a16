//! The host bridge: the windows through which a CPU reaches the bus.
//!
//! PCI Express Base Specification 3.0, section 7.2.2, "PCI Express Enhanced Configuration Access
//! Mechanism (ECAM)".

use vm_core::{Answer, Fields, Image, Section, Space, StateError, Width};
use vm_device_bus::{Cx, Device, Mmio, Node, Place, Register, Site};

use crate::{Config, Function, Identity};

/// The most devices on the bus.
const SLOTS: usize = 32;

/// A range of the CPU's addresses that leads to a range of the bus.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// Where the CPU finds it.
    pub place: Place,
    /// The first address on the bus.
    pub bus_base: u64,
}

/// All windows of a host bridge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Windows {
    /// Configuration space, 1 MiB a bus.
    pub ecam: Place,
    /// Ports.
    pub ports: Window,
    /// Memory below 4 GiB.
    pub memory32: Window,
    /// Memory above 4 GiB.
    pub memory64: Option<Window>,
}

impl Window {
    /// A memory window whose addresses are the same on both sides.
    #[must_use]
    pub fn identity(base: u64, bytes: u64) -> Self {
        let place = Place {
            space: Space::Memory,
            base,
            bytes,
        };
        Self {
            place,
            bus_base: base,
        }
    }
}

/// Which window an access came through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reach {
    Config,
    /// The bus's ports, or its memory, from this address on.
    Bus {
        ports: bool,
        base: u64,
    },
}

struct Slot {
    function: Box<dyn Function>,
    /// The event that is scheduled for it.
    due_ns: Option<u64>,
}

/// A PCI Express host bridge with one bus; output lines 0 to 3 are INTA to INTD.
///
/// Its places are given to the machine's bus in the order of [`PciHost::places`].
pub struct PciHost {
    pub(crate) windows: Windows,
    pub(crate) parent_address_cells: usize,
    pub(crate) message_parent: Option<u32>,
    slots: [Option<Slot>; SLOTS],
    lines: [bool; 4],
    reach: Reach,
}

impl PciHost {
    /// A bus with nothing on it but the bridge itself, at slot 0.
    #[must_use]
    pub fn new(windows: Windows) -> Self {
        let mut host = Self {
            windows,
            parent_address_cells: 0,
            message_parent: None,
            slots: [const { None }; SLOTS],
            lines: [false; 4],
            reach: Reach::Config,
        };
        host.add(0, Box::new(Bridge(Config::new(&BRIDGE))));
        host
    }

    /// With the number of address cells of the interrupt controller's node in the description.
    #[must_use]
    pub fn with_parent_address_cells(mut self, cells: usize) -> Self {
        self.parent_address_cells = cells;
        self
    }

    /// With the phandle of the controller that takes message interrupts; without one, guests are
    /// told of the four lines only.
    #[must_use]
    pub fn with_message_parent(mut self, phandle: u32) -> Self {
        self.message_parent = Some(phandle);
        self
    }

    /// Puts a function into a slot; false if the slot is taken or does not exist.
    pub fn add(&mut self, slot: u8, function: Box<dyn Function>) -> bool {
        match self.slots.get_mut(usize::from(slot)) {
            Some(free @ None) => {
                *free = Some(Slot {
                    function,
                    due_ns: None,
                });
                true
            }
            _ => false,
        }
    }

    /// The functions on the bus, with their slots.
    pub fn functions(&self) -> impl Iterator<Item = (u8, &dyn Function)> {
        let slots = (0..).zip(&self.slots);
        slots.filter_map(|(number, slot)| Some((number, &*slot.as_ref()?.function)))
    }

    /// The places of the windows, for the machine's bus.
    #[must_use]
    pub fn places(&self) -> Vec<Place> {
        let Windows {
            ecam,
            ports,
            memory32,
            memory64,
        } = self.windows;
        let mut places = vec![ecam, ports.place, memory32.place];
        places.extend(memory64.map(|window| window.place));
        places
    }

    /// Calls a function, then does what its state demands of the bridge.
    fn call<R>(
        &mut self,
        number: usize,
        cx: &mut Cx,
        body: impl FnOnce(&mut dyn Function, &mut Cx) -> R,
    ) -> Option<R> {
        let slot = self.slots.get_mut(number)?.as_mut()?;
        let result = body(&mut *slot.function, cx);
        let due = slot.function.due_ns();
        if due != slot.due_ns {
            slot.due_ns = due;
            match due {
                Some(at_ns) => cx.schedule(at_ns.max(cx.now_ns), number as u32),
                None => cx.cancel(number as u32),
            }
        }
        let lines = self.wanted_lines();
        for (number, (old, new)) in (0..).zip(self.lines.iter().zip(lines)) {
            if *old != new {
                cx.line(number, new);
            }
        }
        self.lines = lines;
        Some(result)
    }

    /// The levels of INTA to INTD, with the usual swizzle.
    fn wanted_lines(&self) -> [bool; 4] {
        let mut lines = [false; 4];
        for (number, function) in self.functions() {
            let config = function.config();
            if let Some(pin) = config.pin().filter(|_| config.line_up()) {
                lines[usize::from((number + pin) % 4)] = true;
            }
        }
        lines
    }

    /// The slot and register of an offset in configuration space.
    fn config_target(offset: u64) -> Option<(usize, u16)> {
        // Bus 0 only, and only function 0 of each slot.
        let slot = usize::try_from(offset >> 15)
            .ok()
            .filter(|slot| *slot < SLOTS)?;
        (offset >> 12 & 7 == 0).then_some((slot, (offset & 0xfff) as u16))
    }

    /// The slot, base address register and offset that answer at an address of the bus.
    fn bus_target(&self, ports: bool, addr: u64) -> Option<(usize, u8, u64)> {
        self.functions().find_map(|(number, function)| {
            let (bar, offset) = function.config().answers(ports, addr)?;
            Some((usize::from(number), bar, offset))
        })
    }

    fn load(&mut self, offset: u64, width: Width, cx: &mut Cx) -> Option<u64> {
        match self.reach {
            Reach::Config => {
                let (slot, register) = Self::config_target(offset)?;
                self.call(slot, cx, |function, cx| {
                    function.read_config(register, width, cx)
                })
            }
            Reach::Bus { ports, base } => {
                let (slot, bar, at) = self.bus_target(ports, base.checked_add(offset)?)?;
                self.call(slot, cx, |function, cx| {
                    let tables = function.config().read_tables(bar, at, width);
                    tables.unwrap_or_else(|| function.read(bar, at, width, cx))
                })
            }
        }
    }

    fn store(&mut self, offset: u64, width: Width, value: u64, cx: &mut Cx) -> Option<()> {
        match self.reach {
            Reach::Config => {
                let (slot, register) = Self::config_target(offset)?;
                self.call(slot, cx, |function, cx| {
                    function.write_config(register, width, value, cx);
                })
            }
            Reach::Bus { ports, base } => {
                let (slot, bar, at) = self.bus_target(ports, base.checked_add(offset)?)?;
                self.call(slot, cx, |function, cx| {
                    if !function
                        .config_mut()
                        .write_tables(bar, at, width, value, cx)
                    {
                        function.write(bar, at, width, value, cx);
                    }
                })
            }
        }
    }
}

impl Mmio for PciHost {
    fn registers(&self) -> &'static [Register] {
        &[]
    }

    fn read(&mut self, offset: u64, width: Width, cx: &mut Cx) -> Answer {
        let value = self.load(offset, width, cx).unwrap_or(u64::MAX);
        Answer::Done(value & width.mask())
    }

    fn write(&mut self, offset: u64, width: Width, value: u64, cx: &mut Cx) -> Answer {
        self.store(offset, width, value, cx);
        Answer::Done(0)
    }
}

impl Device for PciHost {
    fn kind(&self) -> &'static str {
        "pci"
    }

    fn reset(&mut self) {
        for slot in self.slots.iter_mut().flatten() {
            slot.function.reset();
            slot.function.config_mut().reset();
            slot.due_ns = None;
        }
        self.lines = [false; 4];
    }

    fn save(&self, out: &mut Section) {
        let mut slots = Image::new();
        for (number, function) in self.functions() {
            let mut section = Section::new(&format!("slot{number}"), 1);
            function.config().save(&mut section);
            function.save(&mut section);
            slots.push(section);
        }
        out.bytes("slots", &slots.to_bytes());
    }

    fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
        from.up_to_version(1)?;
        let saved = Image::from_bytes(from.bytes("slots")?)?;
        let names: Vec<String> = self
            .functions()
            .map(|(number, _)| format!("slot{number}"))
            .collect();
        saved.only(&names.iter().map(String::as_str).collect::<Vec<_>>())?;
        for (slot, name) in self.slots.iter_mut().flatten().zip(&names) {
            if slot.function.may_be_new() && !saved.names().any(|known| known == name) {
                slot.function.reset();
                slot.function.config_mut().reset();
                continue;
            }
            let fields = saved.section(name)?;
            fields.up_to_version(1)?;
            slot.function.config_mut().restore(&fields)?;
            slot.function.restore(&fields)?;
            slot.due_ns = slot.function.due_ns();
        }
        self.lines = self.wanted_lines();
        Ok(())
    }

    fn describe(&self, site: &Site) -> Option<Node> {
        Some(self.node(site))
    }

    fn mmio(&mut self) -> Option<&mut dyn Mmio> {
        self.window(0)
    }

    fn window(&mut self, place: usize) -> Option<&mut dyn Mmio> {
        let through = |ports, window: Window| Reach::Bus {
            ports,
            base: window.bus_base,
        };
        self.reach = match place {
            0 => Reach::Config,
            1 => through(true, self.windows.ports),
            2 => through(false, self.windows.memory32),
            _ => through(false, self.windows.memory64?),
        };
        Some(self)
    }

    fn event(&mut self, tag: u32, cx: &mut Cx) {
        let number = tag as usize;
        if let Some(Some(slot)) = self.slots.get_mut(number) {
            slot.due_ns = None;
        }
        self.call(number, cx, |function, cx| function.event(cx));
    }

    fn wake(&mut self, cx: &mut Cx) {
        for number in 0..SLOTS {
            self.call(number, cx, |function, cx| function.wake(cx));
        }
    }
}

/// The name that the bridge of this kind of machine has always had on the bus.
const BRIDGE: Identity = Identity {
    vendor: 0x1b36,
    device: 0x0008,
    revision: 0,
    class: 0x06_00_00,
    subsystem_vendor: 0x1af4,
    subsystem: 0x1100,
};

/// The bridge as the bus sees it: a name and nothing else.
struct Bridge(Config);

impl Function for Bridge {
    fn kind(&self) -> &'static str {
        "pci-bridge"
    }

    fn config(&self) -> &Config {
        &self.0
    }

    fn config_mut(&mut self) -> &mut Config {
        &mut self.0
    }

    fn read(&mut self, _bar: u8, _offset: u64, width: Width, _cx: &mut Cx) -> u64 {
        width.mask()
    }

    fn write(&mut self, _bar: u8, _offset: u64, _width: Width, _value: u64, _cx: &mut Cx) {}

    fn reset(&mut self) {}

    fn save(&self, _out: &mut Section) {}

    fn restore(&mut self, _from: &Fields) -> Result<(), StateError> {
        Ok(())
    }
}
