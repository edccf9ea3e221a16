//! KVM, through `/dev/kvm`.
//!
//! The interface is that of the Linux documentation, "The Definitive KVM (Kernel-based Virtual
//! Machine) API Documentation", section 4.1 and 4.4.

use std::fs::File;
use std::io::ErrorKind;

use kvm_ioctls::{Cap, Kvm};

use crate::State;

const DEVICE: &str = "/dev/kvm";
/// The only version that was ever published; the documentation says to refuse all others.
const VERSION: i32 = 12;

/// What matters to us: a name, and how KVM numbers it.
const CAPABILITIES: [(&str, Cap); 8] = [
    ("user-memory", Cap::UserMemory),
    ("irqfd", Cap::Irqfd),
    ("ioeventfd", Cap::Ioeventfd),
    ("immediate-exit", Cap::ImmediateExit),
    ("one-reg", Cap::OneReg),
    ("mp-state", Cap::MpState),
    ("guest-debug", Cap::SetGuestDebug),
    ("readonly-memory", Cap::ReadonlyMem),
];

/// Opens the device as a machine would, and asks.
pub(crate) fn ask() -> State {
    if let Err(error) = File::options().read(true).write(true).open(DEVICE) {
        let (reason, advice) = match error.kind() {
            ErrorKind::NotFound => (
                format!("{DEVICE} does not exist"),
                "load the module kvm_intel or kvm_amd, or switch virtualisation on in the firmware",
            ),
            ErrorKind::PermissionDenied => (
                format!("no permission for {DEVICE}"),
                "join the group that owns the device: usermod -aG kvm USER",
            ),
            _ => (format!("{DEVICE}: {error}"), "see the kernel's log"),
        };
        return State::Refused { reason, advice };
    }
    let refused = |reason| State::Refused {
        reason,
        advice: "see the kernel's log",
    };
    let kvm = match Kvm::new() {
        Ok(kvm) => kvm,
        Err(error) => return refused(format!("{DEVICE}: {error}")),
    };
    let version = kvm.get_api_version();
    if version != VERSION {
        return refused(format!("{DEVICE} speaks version {version}, not {VERSION}"));
    }
    // A kernel may have the device and still lend no CPU, as in a machine without nesting.
    if let Err(error) = kvm.create_vm() {
        return refused(format!("{DEVICE} makes no machine: {error}"));
    }
    let offered = CAPABILITIES
        .into_iter()
        .filter(|(_, cap)| kvm.check_extension(*cap));
    let capabilities = offered.map(|(name, _)| name).collect();
    State::Available {
        version: format!("API version {version}"),
        capabilities,
    }
}
