//! Virtio over memory-mapped registers.
//!
//! VIRTIO 1.3, section 4.2, "Virtio Over MMIO".

use vm_core::{Answer, Fault, Fields, Section, StateError, Width};
use vm_device_bus::{Cx, Device, Mmio, Node, Register as Row, Site, registers};

use crate::device::VirtioDevice;
use crate::queue::Layout;
use crate::transport::{Core, Signals};

/// "virt" in little-endian.
const MAGIC: u64 = 0x7472_6976;
/// The version of the register layout; 1 was the one before the standard.
const VERSION: u64 = 2;
/// The vendor that emulated devices have always named here: "QEMU".
const VENDOR: u64 = 0x554d_4551;
/// Where the configuration fields begin.
const CONFIG: u64 = 0x100;
/// The interrupt's reason: chains were used.
const USED: u8 = 1;
/// The interrupt's reason: status or configuration has changed.
const CHANGED: u8 = 2;

registers! {
    /// Registers of virtio over MMIO, named as in the standard.
    pub enum Register: B4 {
        /// The magic word.
        0x000 MagicValue Ro;
        /// The version of this layout.
        0x004 Version Ro;
        /// The type of the device, 0 if there is none.
        0x008 DeviceId Ro;
        /// Who made it.
        0x00c VendorId Ro;
        /// Features that the device offers.
        0x010 DeviceFeatures Ro;
        /// Which 32 of them.
        0x014 DeviceFeaturesSel Wo;
        /// Features that the driver accepts.
        0x020 DriverFeatures Wo;
        /// Which 32 of them.
        0x024 DriverFeaturesSel Wo;
        /// The queue that the next registers mean.
        0x030 QueueSel Wo;
        /// Its greatest size.
        0x034 QueueSizeMax Ro;
        /// Its size.
        0x038 QueueSize Wo;
        /// Whether it is enabled.
        0x044 QueueReady Rw;
        /// There are chains in this queue.
        0x050 QueueNotify Wo;
        /// Reasons for the interrupt.
        0x060 InterruptStatus Ro;
        /// Reasons that were handled.
        0x064 InterruptAck Wo;
        /// Status; zero resets.
        0x070 Status Rw;
        /// The address of the descriptor table.
        0x080 QueueDesc[2] Wo;
        /// The address of the driver's ring.
        0x090 QueueDriver[2] Wo;
        /// The address of the device's ring.
        0x0a0 QueueDevice[2] Wo;
        /// Which shared memory region.
        0x0ac ShmSel Wo;
        /// Its length and address; all ones, because there is none.
        0x0b0 Shm[4] Ro;
        /// Changes with the configuration fields.
        0x0fc ConfigGeneration Ro;
    }
}

/// One slot for a virtio device; its output line 0 is its interrupt.
pub struct MmioSlot {
    core: Option<Core>,
    interrupt: u8,
    scheduled: Option<u64>,
}

impl MmioSlot {
    /// A slot with a device in it.
    #[must_use]
    pub fn new(device: Box<dyn VirtioDevice>) -> Self {
        Self {
            core: Some(Core::new(device)),
            interrupt: 0,
            scheduled: None,
        }
    }

    /// A slot without a device, which drivers recognise by device type 0.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            core: None,
            interrupt: 0,
            scheduled: None,
        }
    }

    /// How many chains a queue has given back since it was enabled.
    #[cfg(test)]
    pub(crate) fn given(&self, queue: usize) -> u16 {
        self.core.as_ref().map_or(0, |core| core.given(queue))
    }

    fn load(&mut self, register: Register) -> u64 {
        let fixed = match register {
            Register::MagicValue => Some(MAGIC),
            Register::Version => Some(VERSION),
            Register::VendorId => Some(VENDOR),
            Register::InterruptStatus => Some(u64::from(self.interrupt)),
            Register::Shm => Some(0xffff_ffff),
            _ => None,
        };
        if let Some(value) = fixed {
            return value;
        }
        let Some(core) = &mut self.core else {
            return 0;
        };
        match register {
            Register::DeviceId => u64::from(core.device().id()),
            Register::DeviceFeatures => u64::from(core.device_features()),
            Register::QueueSizeMax => core.queue().map_or(0, |queue| u64::from(queue.max())),
            Register::QueueReady => core.queue().map_or(0, |queue| u64::from(queue.enabled())),
            Register::Status => u64::from(core.status()),
            Register::ConfigGeneration => u64::from(core.generation()),
            _ => 0,
        }
    }

    fn store(&mut self, register: Register, index: u64, value: u32, cx: &mut Cx) {
        let Some(core) = &mut self.core else {
            return;
        };
        let mut signals = Signals::default();
        match register {
            Register::DeviceFeaturesSel => core.device_feature_select = value,
            Register::DriverFeaturesSel => core.driver_feature_select = value,
            Register::DriverFeatures => core.accept_features(value),
            Register::QueueSel => core.queue_select = value,
            Register::QueueSize => place(core, |layout| {
                layout.size = u16::try_from(value).unwrap_or(0);
            }),
            Register::QueueDesc => place(core, |l| set_half(&mut l.descriptors, index, value)),
            Register::QueueDriver => place(core, |l| set_half(&mut l.driver, index, value)),
            Register::QueueDevice => place(core, |l| set_half(&mut l.device, index, value)),
            Register::QueueReady if value & 1 == 0 => {
                if let Some(queue) = core.queue() {
                    queue.reset();
                }
            }
            Register::QueueReady => signals = core.enable_queue(cx),
            Register::QueueNotify => signals = core.notify(value, cx),
            Register::InterruptAck => self.interrupt &= !(value as u8),
            Register::Status => {
                signals = core.write_status(value as u8, cx);
                if value as u8 == 0 {
                    self.interrupt = 0;
                }
            }
            _ => {}
        }
        self.settle(signals, cx);
    }

    /// Tells the driver what it has to be told, and asks for the next event.
    fn settle(&mut self, signals: Signals, cx: &mut Cx) {
        if signals.queues != 0 {
            self.interrupt |= USED;
        }
        if signals.config {
            self.interrupt |= CHANGED;
        }
        cx.line(0, self.interrupt != 0);
        let due = self.core.as_ref().and_then(Core::due_ns);
        if due != self.scheduled {
            self.scheduled = due;
            match due {
                Some(at_ns) => cx.schedule(at_ns.max(cx.now_ns), 0),
                None => cx.cancel(0),
            }
        }
    }
}

fn place(core: &mut Core, change: impl FnOnce(&mut Layout)) {
    if let Some(queue) = core.queue() {
        queue.place(change);
    }
}

/// Sets the low or the high half of an address.
pub(crate) fn set_half(address: &mut u64, index: u64, value: u32) {
    let value = u64::from(value);
    *address = match index {
        0 => *address & !0xffff_ffff | value,
        _ => *address & 0xffff_ffff | value << 32,
    };
}

impl Mmio for MmioSlot {
    /// Empty, because configuration fields have all widths; the registers are checked here.
    fn registers(&self) -> &'static [Row] {
        &[]
    }

    fn read(&mut self, offset: u64, width: Width, _cx: &mut Cx) -> Answer {
        if let Some(inside) = offset.checked_sub(CONFIG) {
            let core = self.core.as_ref();
            return Answer::Done(core.map_or(0, |core| core.read_config(inside, width)));
        }
        match Row::check(Register::TABLE, offset, width, false, false) {
            Ok(_) => match Register::at(offset) {
                Some((register, _)) => Answer::Done(self.load(register)),
                None => Answer::Fault(Fault::NoRegister),
            },
            Err(fault) => Answer::Fault(fault),
        }
    }

    fn write(&mut self, offset: u64, width: Width, value: u64, cx: &mut Cx) -> Answer {
        if let Some(inside) = offset.checked_sub(CONFIG) {
            if let Some(core) = &mut self.core {
                let signals = core.write_config(inside, width, value, cx);
                self.settle(signals, cx);
            }
            return Answer::Done(0);
        }
        match Row::check(Register::TABLE, offset, width, true, false) {
            Ok(_) => {
                if let Some((register, index)) = Register::at(offset) {
                    self.store(register, index, value as u32, cx);
                }
                Answer::Done(0)
            }
            Err(fault) => Answer::Fault(fault),
        }
    }
}

impl Device for MmioSlot {
    fn kind(&self) -> &'static str {
        self.core
            .as_ref()
            .map_or("virtio-mmio", |core| core.device().kind())
    }

    fn reset(&mut self) {
        if let Some(core) = &mut self.core {
            core.reset();
        }
        self.interrupt = 0;
        self.scheduled = None;
    }

    fn save(&self, out: &mut Section) {
        out.u64("interrupt", u64::from(self.interrupt));
        out.u64(
            "device_id",
            self.core
                .as_ref()
                .map_or(0, |core| u64::from(core.device().id())),
        );
        if let Some(core) = &self.core {
            core.save(out);
        }
    }

    fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
        from.up_to_version(1)?;
        let id = self
            .core
            .as_ref()
            .map_or(0, |core| u64::from(core.device().id()));
        if from.u64("device_id")? != id {
            return Err(from.bad("device_id"));
        }
        self.interrupt = from.below("interrupt", 4)? as u8;
        if let Some(core) = &mut self.core {
            core.restore(from)?;
            self.scheduled = core.due_ns();
        }
        Ok(())
    }

    fn describe(&self, site: &Site) -> Option<Node> {
        let node = Node::at("virtio_mmio", site).text("compatible", &["virtio,mmio"]);
        Some(node.interrupts(site))
    }

    fn mmio(&mut self) -> Option<&mut dyn Mmio> {
        Some(self)
    }

    fn event(&mut self, _tag: u32, cx: &mut Cx) {
        self.scheduled = None;
        if let Some(core) = &mut self.core {
            let signals = core.event(cx);
            self.settle(signals, cx);
        }
    }

    fn wake(&mut self, cx: &mut Cx) {
        if let Some(core) = &mut self.core {
            let signals = core.wake(cx);
            self.settle(signals, cx);
        }
    }
}
