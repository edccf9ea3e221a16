//! One operation of the table as host instructions.
//!
//! The block compiler walks a block and calls [`op`] for every operation whose effect is
//! [`Pure`](vm_ir::Effect::Pure) or [`Float`](vm_ir::Effect::Float); everything else (slots,
//! memory, helpers of the guest, traps, markers, the block's end) is its own.
//!
//! ```text
//! let mut cx = Lowering::new(&mut builder, cpu, &host, rules, places, &mut scratch);
//! for inst in &block.insts {
//!     let value = match inst.op.effect() {
//!         Effect::Pure | Effect::Float => {
//!             lower::op(&mut cx, inst.op, inst.ty, from, inst.imm, &args)
//!         }
//!         _ => ...
//!     };
//! }
//! ```
//!
//! **Values.** `I8` to `I64` are host integers of that width, `I1` is a host byte that is 0 or 1.
//! Nothing is kept extended: what stands above a narrow value in its register means nothing.
//! A floating-point result may be a host `F32` or `F64` instead, so that chains of such operations
//! stay in floating-point registers: a store may write either form, and whoever needs the integer
//! asks [`Lowering::int`].
//! `op` takes operands in either form; what only floating-point operations read is best loaded as
//! a float ([`wants_float`]).
//!
//! **Blocks.** Some operations end the current host block and go on in a new one; the builder is
//! left there. Their cold sides come back, so what was made before may be used after.
//! Code that another path can enter begins with [`Lowering::begin`], since values are remembered.
//!
//! **Flags.** The slot of the sticky floating-point flags is read once and remembered; whoever
//! writes it behind the lowering's back (a `set`, a helper of the guest) says
//! [`Lowering::forget_flags`].
//!
//! **Helpers.** What has no good form in instructions is called through a table in
//! [`Helpers`], which stands in the CPU's struct; the calls keep all registers but the result,
//! which comes back in memory, and need no particular alignment of the stack.

mod convert;
mod divide;
mod float;
mod helpers;
mod integer;
mod lowering;
mod thunk;
mod wants;

#[cfg(test)]
mod tests;

pub use helpers::Helpers;
pub use integer::op;
pub use lowering::{Host, Lowering, Places, Scratch};
pub use wants::{LID, boxed, wants_float};
