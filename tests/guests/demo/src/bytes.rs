//! The functions on bytes that the compiler calls and a C library would bring.
//!
//! In assembly, since the compiler would turn a plain loop into a call of itself.
#![expect(unsafe_code, reason = "the compiler expects these symbols")]
// UNSAFETY: each follows its C contract and the standard calling convention.

use core::arch::global_asm;

global_asm!(
    r#"
    .text
    .globl memcpy
    .globl memmove
    .globl memset
    .globl memcmp
    .globl bcmp

memcpy:
    mv      t0, a0
    or      t1, a0, a1              // words only if both sides are aligned
    andi    t1, t1, 7
    bnez    t1, 3f
    li      t1, 32
1:
    bltu    a2, t1, 2f
    ld      t2, 0(a1)
    ld      t3, 8(a1)
    ld      t4, 16(a1)
    ld      t5, 24(a1)
    sd      t2, 0(t0)
    sd      t3, 8(t0)
    sd      t4, 16(t0)
    sd      t5, 24(t0)
    addi    a1, a1, 32
    addi    t0, t0, 32
    addi    a2, a2, -32
    j       1b
2:
    li      t1, 8
    bltu    a2, t1, 3f
    ld      t2, 0(a1)
    sd      t2, 0(t0)
    addi    a1, a1, 8
    addi    t0, t0, 8
    addi    a2, a2, -8
    j       2b
3:
    beqz    a2, 4f
    lbu     t2, 0(a1)
    sb      t2, 0(t0)
    addi    a1, a1, 1
    addi    t0, t0, 1
    addi    a2, a2, -1
    j       3b
4:
    ret

memmove:
    bleu    a0, a1, memcpy          // forwards is right
    add     t0, a0, a2
    add     a1, a1, a2
1:
    beq     t0, a0, 2f
    addi    a1, a1, -1
    addi    t0, t0, -1
    lbu     t2, 0(a1)
    sb      t2, 0(t0)
    j       1b
2:
    ret

memset:
    add     t0, a0, a2
    mv      t1, a0
1:
    beq     t1, t0, 2f
    sb      a1, 0(t1)
    addi    t1, t1, 1
    j       1b
2:
    ret

memcmp:
bcmp:
    add     t0, a0, a2
1:
    beq     a0, t0, 2f
    lbu     t1, 0(a0)
    lbu     t2, 0(a1)
    addi    a0, a0, 1
    addi    a1, a1, 1
    beq     t1, t2, 1b
    sub     a0, t1, t2
    ret
2:
    li      a0, 0
    ret
    "#
);
