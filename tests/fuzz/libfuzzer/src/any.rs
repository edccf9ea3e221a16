//! The target whose name stands in `VM_FUZZ_TARGET`.
#![no_main]

use std::sync::LazyLock;

use tests_fuzz::Target;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("VM_FUZZ_TARGET").expect("VM_FUZZ_TARGET names a target");
    *tests_fuzz::find(&name).expect("VM_FUZZ_TARGET names a target")
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (TARGET.run)(bytes));
