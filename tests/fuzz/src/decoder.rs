//! Guest code.

use std::sync::LazyLock;

use vm_frontend_arm64::Arm64;
use vm_frontend_riscv64::Riscv64;
use vm_frontend_x86_64::X86_64;
use vm_ir::passes::{Passes, Scratch, optimise};
use vm_ir::verify::verify;
use vm_ir::{Builder, Frontend, Lifted};

use crate::Feed;

static FRONTENDS: LazyLock<[Box<dyn Frontend>; 3]> = LazyLock::new(|| {
    [
        Box::new(Riscv64::new()),
        Box::new(Arm64::new()),
        Box::new(X86_64::new()),
    ]
});

/// The most instructions of a block, as engines ask for them.
const LIMIT: u32 = 64;

/// The first byte chooses the architecture, the second the modes; the rest is code.
pub fn run(bytes: &[u8]) {
    let mut feed = Feed::new(bytes);
    // RISC-V more often: it has the most rows.
    let which = [0, 0, 0, 0, 1, 1, 2, 2][usize::from(feed.u8() % 8)];
    let frontend = &*FRONTENDS[which];
    let limit = if feed.once_in(4) { 1 } else { LIMIT };
    // Modes that CPUs can be in: those of reset state with some slots changed.
    let mut slots = vec![0; frontend.layout().slots.len()];
    frontend.reset(&mut slots, 0);
    // Floating point and vectors on, and any privilege, where an architecture knows these names.
    let gates = feed.u8();
    if gates & 0x80 != 0 {
        frontend.set_register(&mut slots, "mstatus", u64::from(gates & 3) << 13 | 0x600);
        frontend.set_register(
            &mut slots,
            "priv",
            [0, 1, 3, 3][usize::from(gates >> 2 & 3)],
        );
    }
    for _ in 0..feed.u8() % 4 {
        let slot = feed.below(slots.len() as u64) as usize;
        let name = &frontend.layout().slots[slot].name;
        frontend.set_register(&mut slots, name, feed.odd());
    }
    let mode = frontend.context(&slots).code;
    let code = feed.rest();
    if code.is_empty() {
        return;
    }
    let mut out = Builder::new();
    match frontend.lift(code, mode, limit, &mut out) {
        Lifted::Short(needed) => {
            assert!(needed > code.len() && needed <= frontend.max_insn_bytes());
        }
        Lifted::Done => {
            let (layout, helpers) = (frontend.layout(), frontend.helpers());
            let block = out.block();
            assert!(block.insns >= 1 && block.insns <= limit);
            assert!(block.bytes as usize <= code.len());
            assert_eq!(verify(block, layout, helpers), Ok(()));
            optimise(block, &mut Scratch::new(layout, helpers), Passes::ALL);
            assert_eq!(verify(block, layout, helpers), Ok(()));
        }
    }
    let mut at = 0;
    while at < code.len().min(64) {
        let text = frontend.disassemble(&code[at..], 0x1000 + at as u64);
        assert!(text.bytes >= 1 && text.bytes <= code.len() - at, "{text:?}");
        assert!(!text.text.is_empty());
        at += text.bytes;
    }
}
