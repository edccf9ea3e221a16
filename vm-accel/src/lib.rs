//! Runs the guest on the host CPU: KVM, HVF, WHPX.
