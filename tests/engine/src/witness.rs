//! A trace sees every instruction, access and trap, in order, and changes nothing.

use std::sync::{Arc, Mutex};

use vm_core::{GuestVirt, Moment, Trace, TraceEvent, TraceKinds, Vcpu};

use super::rig::{DEVICE, LINE, RAM, Rig};

/// Writes each event down as a line.
struct Lines {
    kinds: TraceKinds,
    lines: Vec<String>,
}

impl Trace for Lines {
    fn kinds(&self) -> TraceKinds {
        self.kinds
    }

    fn wants(&self, _: u32, pc: GuestVirt, _: u32, _: u64) -> bool {
        pc.0 != RAM + 4
    }

    fn event(&mut self, at: Moment, event: &TraceEvent) {
        let text = match event {
            TraceEvent::Insn {
                pc, text, changes, ..
            } => {
                let changes: Vec<_> = changes
                    .iter()
                    .map(|(name, value)| format!("{name}={value:#x}"))
                    .collect();
                format!("{:x} {text} {}", pc.0 - RAM, changes.join(" "))
            }
            TraceEvent::Mem {
                addr,
                bytes,
                value,
                store,
                ..
            } => {
                format!(
                    "{} {:x} {bytes} {value:#x}",
                    if *store { "store" } else { "load" },
                    addr.0
                )
            }
            TraceEvent::Trap {
                pc,
                trap,
                interrupt,
                ..
            } => {
                format!("trap {:x} {} {interrupt}", pc.0 - RAM, trap.cause)
            }
            other => format!("{other:?}"),
        };
        self.lines
            .push(format!("{} {} {}", at.cpu, at.retired, text.trim_end()));
    }
}

const PROGRAM: &str = "
    addi s0, zero, 5
    sd zero, 8(a0)
    sd s0, 3(a0)
    lw s1, 3(a0)
    amoadd.w s2, s0, (a1)
    lb s3, 0(a2)
    ecall
";

fn trace(kinds: TraceKinds) -> (Vec<String>, Rig) {
    let trace = Arc::new(Mutex::new(Lines {
        kinds,
        lines: Vec::new(),
    }));
    let mut rig = Rig::with(1, |engine| engine.set_trace(trace.clone()));
    rig.put(RAM, PROGRAM);
    rig.put(RAM + 0x100, "addi s4, zero, 1");
    for (name, value) in [
        ("a0", RAM + 0x200),
        ("a1", RAM + 0x300),
        ("a2", DEVICE),
        ("mtvec", RAM + 0x100),
    ] {
        rig.set(0, name, value);
    }
    rig.run_cut(7, || 100);
    let lines = std::mem::take(&mut trace.lock().expect("nobody panics").lines);
    (lines, rig)
}

#[test]
fn every_event_is_seen_once_and_in_order() {
    let (lines, _) = trace(
        TraceKinds::INSN
            .with(TraceKinds::MEM)
            .with(TraceKinds::TRAP),
    );
    let wanted = [
        "0 0 0 addi s0, zero, 5 s0=0x5",
        "0 2 8 sd s0, 3(a0)",
        "0 2 store 80000203 8 0x5",
        "0 3 c lw s1, 3(a0) s1=0x5",
        "0 3 load 80000203 4 0x5",
        "0 4 10 amoadd.w s2, s0, (a1)",
        "0 4 load 80000300 4 0x0",
        "0 4 store 80000300 4 0x5",
        "0 5 14 lb s3, 0(a2) s3=0x1",
        "0 5 load 10000000 1 0x1",
        "0 6 trap 18 11 false",
        "0 6 100 addi s4, zero, 1 s4=0x1",
    ];
    assert_eq!(lines, wanted);
}

#[test]
fn an_interrupt_is_told_with_what_came_before_it() {
    let trace = Arc::new(Mutex::new(Lines {
        kinds: TraceKinds::IRQ,
        lines: Vec::new(),
    }));
    let mut rig = Rig::with(1, |engine| engine.set_trace(trace.clone()));
    rig.put(
        RAM,
        "addi s0, s0, 1\naddi s0, s0, 1\naddi s0, s0, 1\ncsrrsi zero, mstatus, 8",
    );
    rig.put(RAM + 0x100, "loop:\njal zero, @loop");
    rig.set(0, "mie", 1 << LINE);
    rig.set(0, "mtvec", RAM + 0x100);
    rig.cpus[0].set_line(LINE, true);
    rig.run(0, 100);
    let lines = std::mem::take(&mut trace.lock().expect("nobody panics").lines);
    assert_eq!(lines, ["0 4 trap 10 11 true"]);
}

#[test]
fn a_trace_changes_nothing() {
    let names = ["pc", "s0", "s1", "s2", "s3", "s4", "mepc"];
    let (lines, plain) = trace(TraceKinds::default());
    assert_eq!(lines, Vec::<String>::new());
    let (_, traced) = trace(TraceKinds::INSN.with(TraceKinds::MEM));
    assert_eq!(
        names.map(|name| plain.get(0, name)),
        names.map(|name| traced.get(0, name))
    );
    assert_eq!(plain.asked, traced.asked);
}
