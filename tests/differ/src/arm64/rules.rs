//! What random encodings need to run alone: which are left out, and what goes before the others.

use vm_frontend_arm64::isa::Row;

/// Why an encoding is left out; nothing if it is not.
pub fn excluded(row: &Row, insn: u32) -> Option<&'static str> {
    let (t, n) = (insn & 31, insn >> 5 & 31);
    let (u, s) = (insn >> 10 & 31, insn >> 16 & 31);
    let name = row.name;
    let pair = name.starts_with("LDP") || name.starts_with("STP");
    let writes_base = name.contains("_pre") || name.contains("_post");
    if matches!(name, "SVC" | "BRK") {
        return Some("it would end the program (case files have it)");
    }
    if name == "HINT" && (2..=5).contains(&(insn >> 5 & 127)) {
        return Some("the judge may give its time away: wfe, wfi, sev, sevl");
    }
    if writes_base && n != 31 && (t == n || pair && u == n) {
        return Some("constrained unpredictable: the base is written twice or stored");
    }
    if name.starts_with("LDP") && t == u {
        return Some("constrained unpredictable: one register is loaded twice");
    }
    if name.contains("_reg") && is_memory(insn) && s == n && s != 31 {
        return Some("one register can not be a base and a small index at once");
    }
    if is_store_exclusive(name) && (s == t && t != 31 || s == n && n != 31) {
        return Some("constrained unpredictable: the status is stored too");
    }
    None
}

/// Whether an encoding is in the group of loads and stores.
pub fn is_memory(insn: u32) -> bool {
    insn >> 25 & 0b101 == 0b100
}

/// Whether a load finds its address by the program counter.
pub fn is_literal(insn: u32) -> bool {
    insn >> 24 & 0b11_1011 == 0b01_1000
}

/// Whether an access must be aligned: all those that are ordered, exclusive or atomic.
pub fn is_atomic(insn: u32) -> bool {
    let exclusive = insn >> 24 & 0b11_1111 == 0b00_1000;
    let lse = insn >> 24 & 0b11_1011 == 0b11_1000 && insn >> 21 & 1 == 1 && insn >> 10 & 3 == 0;
    exclusive || lse
}

/// Whether a row stores to what is reserved.
pub fn is_store_exclusive(name: &str) -> bool {
    name.starts_with("STXR") || name.starts_with("STLXR")
}
