//! PLIC: the platform-level interrupt controller of RISC-V machines.
//!
//! After the RISC-V Platform-Level Interrupt Controller Specification, version 1.0.0, with the
//! register map of SiFive's chips: 95 sources, 3 bits of priority, level-sensitive gateways.
//! A context is one hart in one privilege mode; output line `n` is the interrupt of context `n`,
//! and input pin `n` is source `n`.
//! Registers inside the map that belong to no source or context read as zero and ignore writes.

use vm_core::{Answer, Fields, Section, StateError, Width};
use vm_device_bus::{Cx, Device, Mmio, Node, Register, Site, registers};

/// The number of sources; they are numbered from 1.
pub const SOURCES: u32 = 95;

/// Source numbers, with number 0, which means no source.
const NUMBERS: usize = SOURCES as usize + 1;
/// Words of one bit a source.
const WORDS: usize = NUMBERS.div_ceil(32);
/// The highest priority; what is written is cut to its bits.
const MAX_PRIORITY: u64 = 7;
/// The contexts that the register map has room for.
const MAX_CONTEXTS: u32 = 1024;

/// The interrupt numbers of machine and supervisor external at a hart, for the description.
const MACHINE_EXTERNAL: u32 = 11;
const SUPERVISOR_EXTERNAL: u32 = 9;

registers! {
    /// Registers of the PLIC.
    pub enum PlicRegister: B4 {
        /// The priority of each source; zero means never.
        0x00_0000 Priority[1024] Rw;
        /// One bit a source: an interrupt waits to be claimed. Writes are ignored.
        0x00_1000 Pending[32] Rw;
        /// One bit a source, 32 words a context: the context wants the source.
        0x00_2000 Enable[0x7f80] Rw;
        /// 1024 words a context: word 0 is the threshold, word 1 claims and completes.
        0x20_0000 Context[0x10_0000] Rw;
    }
}

/// Words of `Enable` for each context.
const ENABLE_WORDS: u64 = 32;
/// Words of `Context` for each context.
const CONTEXT_WORDS: u64 = 1024;

/// One bit for each source number.
type Sources = [u32; WORDS];

fn bit(sources: &Sources, source: u32) -> bool {
    let word = sources.get(source as usize / 32).copied().unwrap_or(0);
    word >> (source % 32) & 1 != 0
}

fn set_bit(sources: &mut Sources, source: u32, value: bool) {
    if let Some(word) = sources.get_mut(source as usize / 32) {
        *word = *word & !(1 << (source % 32)) | u32::from(value) << (source % 32);
    }
}

#[derive(Debug, Clone, Default)]
struct Context {
    threshold: u32,
    enable: Sources,
}

/// The interrupt controller.
#[derive(Debug)]
pub struct Plic {
    priority: [u32; NUMBERS],
    /// The levels of the inputs.
    level: Sources,
    /// Requests that the gateways have forwarded and nobody has claimed.
    pending: Sources,
    /// Claimed, and not completed: their gateways forward nothing.
    claimed: Sources,
    contexts: Vec<Context>,
}

impl Plic {
    /// A controller with this many contexts (two a hart: machine, then supervisor).
    ///
    /// # Panics
    ///
    /// If the register map has no room for them.
    #[must_use]
    pub fn new(contexts: u32) -> Self {
        let room = contexts <= MAX_CONTEXTS;
        assert!(room, "a PLIC has room for {MAX_CONTEXTS} contexts");
        Self {
            priority: [0; NUMBERS],
            level: Sources::default(),
            pending: Sources::default(),
            claimed: Sources::default(),
            contexts: vec![Context::default(); contexts as usize],
        }
    }

    /// The request that a context gets next, if any: the highest priority, then the lowest
    /// number.
    fn best(&self, context: &Context) -> Option<(u32, u32)> {
        let mut best = None;
        for (n, (pending, enable)) in self.pending.iter().zip(context.enable).enumerate() {
            let mut wanted = pending & enable;
            while wanted != 0 {
                let source = n as u32 * 32 + wanted.trailing_zeros();
                wanted &= wanted - 1;
                let priority = self.priority.get(source as usize).copied().unwrap_or(0);
                if priority > best.map_or(0, |(highest, _)| highest) {
                    best = Some((priority, source));
                }
            }
        }
        best
    }

    /// Drives the lines of all contexts.
    fn drive(&self, cx: &mut Cx) {
        for (line, context) in self.contexts.iter().enumerate() {
            let highest = self.best(context).map_or(0, |(priority, _)| priority);
            cx.line(line as u32, highest > context.threshold);
        }
    }

    /// A source's gateway: forwards a request if the level asks for it and none is under way.
    fn gateway(&mut self, source: u32) {
        if bit(&self.level, source) && !bit(&self.claimed, source) {
            set_bit(&mut self.pending, source, true);
        }
    }

    /// Claims do not look at the threshold (section on the claim process).
    fn claim(&mut self, context: u64) -> u32 {
        let context = self.contexts.get(context as usize);
        let Some((_, source)) = context.and_then(|context| self.best(context)) else {
            return 0;
        };
        set_bit(&mut self.pending, source, false);
        set_bit(&mut self.claimed, source, true);
        source
    }

    /// Completions of sources that the context has not enabled are ignored.
    fn complete(&mut self, context: u64, source: u64) {
        let Ok(source) = u32::try_from(source) else {
            return;
        };
        let enabled = self.contexts.get(context as usize);
        if enabled.is_some_and(|context| bit(&context.enable, source)) {
            set_bit(&mut self.claimed, source, false);
            self.gateway(source);
        }
    }

    /// The state of one word a source or context, for saving.
    fn enables(&self) -> Vec<u64> {
        let words = self.contexts.iter().flat_map(|context| context.enable);
        words.map(u64::from).collect()
    }
}

/// What the guest may store in a word of source bits: source 0 and those past the last do not
/// exist.
fn existing(word: u64) -> u32 {
    match word {
        0 => !1,
        1..WORDS64 => u32::MAX,
        _ => 0,
    }
}
const WORDS64: u64 = WORDS as u64;
const _: () = assert!(
    NUMBERS.is_multiple_of(32),
    "the last word has no spare bits"
);

/// A saved word of bits for each 32 sources.
fn sources(from: &Fields, field: &str) -> Result<Sources, StateError> {
    let words = from.words(field)?;
    let mut out = Sources::default();
    if words.len() != WORDS {
        return Err(from.bad(field));
    }
    for (n, (slot, word)) in (0..).zip(out.iter_mut().zip(words)) {
        let word = u32::try_from(word).map_err(|_| from.bad(field))?;
        if word & !existing(n) != 0 {
            return Err(from.bad(field));
        }
        *slot = word;
    }
    Ok(out)
}

/// Saved priorities or thresholds.
fn priorities(from: &Fields, field: &str, count: usize) -> Result<Vec<u32>, StateError> {
    let words = from.words(field)?;
    if words.len() != count || words.iter().any(|word| *word > MAX_PRIORITY) {
        return Err(from.bad(field));
    }
    Ok(words.into_iter().map(|word| word as u32).collect())
}

impl Device for Plic {
    fn kind(&self) -> &'static str {
        "interrupt-controller"
    }

    fn reset(&mut self) {
        *self = Self::new(self.contexts.len() as u32);
    }

    fn save(&self, out: &mut Section) {
        let wide = |words: &[u32]| words.iter().copied().map(u64::from).collect::<Vec<_>>();
        out.words("priority", &wide(&self.priority));
        out.words("level", &wide(&self.level));
        out.words("pending", &wide(&self.pending));
        out.words("claimed", &wide(&self.claimed));
        let thresholds = self.contexts.iter().map(|c| u64::from(c.threshold));
        out.words("threshold", &thresholds.collect::<Vec<_>>());
        out.words("enable", &self.enables());
    }

    fn restore(&mut self, from: &Fields) -> Result<(), StateError> {
        let priority = priorities(from, "priority", NUMBERS)?;
        let priority: [u32; NUMBERS] = priority.try_into().map_err(|_| from.bad("priority"))?;
        if priority.first().is_some_and(|none| *none != 0) {
            return Err(from.bad("priority"));
        }
        let (level, pending) = (sources(from, "level")?, sources(from, "pending")?);
        let claimed = sources(from, "claimed")?;
        let threshold = priorities(from, "threshold", self.contexts.len())?;
        let enable = from.words("enable")?;
        let (enable, rest) = enable.as_chunks::<WORDS>();
        if enable.len() != self.contexts.len() || !rest.is_empty() {
            return Err(from.bad("enable"));
        }
        for ((level, pending), claimed) in level.iter().zip(pending).zip(claimed) {
            // A gateway has one request under way at most, and has one while its level is high.
            if pending & claimed != 0 || level & !(pending | claimed) != 0 {
                return Err(from.bad("pending"));
            }
        }
        let mut contexts = Vec::new();
        for (words, threshold) in enable.iter().zip(threshold) {
            let mut enable = Sources::default();
            for (n, (slot, word)) in (0..).zip(enable.iter_mut().zip(words)) {
                *slot = u32::try_from(*word).map_err(|_| from.bad("enable"))?;
                if *slot & !existing(n) != 0 {
                    return Err(from.bad("enable"));
                }
            }
            contexts.push(Context { threshold, enable });
        }
        *self = Self {
            priority,
            level,
            pending,
            claimed,
            contexts,
        };
        Ok(())
    }

    fn describe(&self, site: &Site) -> Option<Node> {
        let lines = |cpu: &u32| [*cpu, MACHINE_EXTERNAL, *cpu, SUPERVISOR_EXTERNAL];
        let extended: Vec<u32> = site.cpus.iter().flat_map(lines).collect();
        Some(
            Node::at("plic", site)
                .cells("phandle", &[site.phandle])
                .cells("riscv,ndev", &[SOURCES])
                .cells("interrupts-extended", &extended)
                .flag("interrupt-controller")
                .text("compatible", &["sifive,plic-1.0.0", "riscv,plic0"])
                .cells("#address-cells", &[0])
                .cells("#interrupt-cells", &[1]),
        )
    }

    fn mmio(&mut self) -> Option<&mut dyn Mmio> {
        Some(self)
    }

    fn input(&mut self, pin: u32, level: bool, cx: &mut Cx) {
        if (1..=SOURCES).contains(&pin) {
            // A request that was forwarded stays, even if the level falls before it is claimed.
            set_bit(&mut self.level, pin, level);
            self.gateway(pin);
            self.drive(cx);
        }
    }
}

impl Mmio for Plic {
    fn registers(&self) -> &'static [Register] {
        PlicRegister::TABLE
    }

    fn read(&mut self, offset: u64, _width: Width, cx: &mut Cx) -> Answer {
        let Some((register, index)) = PlicRegister::at(offset) else {
            return Answer::Done(0);
        };
        let word = |words: &[u32], n: u64| words.get(n as usize).copied().unwrap_or(0);
        let value = match register {
            PlicRegister::Priority => word(&self.priority, index),
            PlicRegister::Pending => word(&self.pending, index),
            PlicRegister::Enable => {
                let context = self.contexts.get((index / ENABLE_WORDS) as usize);
                context.map_or(0, |context| word(&context.enable, index % ENABLE_WORDS))
            }
            PlicRegister::Context => {
                let context = index / CONTEXT_WORDS;
                match index % CONTEXT_WORDS {
                    0 => {
                        let context = self.contexts.get(context as usize);
                        context.map_or(0, |context| context.threshold)
                    }
                    1 => {
                        let source = self.claim(context);
                        self.drive(cx);
                        source
                    }
                    _ => 0,
                }
            }
        };
        Answer::Done(u64::from(value))
    }

    fn write(&mut self, offset: u64, _width: Width, value: u64, cx: &mut Cx) -> Answer {
        let Some((register, index)) = PlicRegister::at(offset) else {
            return Answer::Done(0);
        };
        match register {
            PlicRegister::Priority => {
                if let Some(priority) = self.priority.get_mut(index as usize).filter(|_| index > 0)
                {
                    *priority = (value & MAX_PRIORITY) as u32;
                }
            }
            PlicRegister::Pending => {}
            PlicRegister::Enable => {
                let word = index % ENABLE_WORDS;
                let context = self.contexts.get_mut((index / ENABLE_WORDS) as usize);
                if let Some(slot) = context.and_then(|c| c.enable.get_mut(word as usize)) {
                    *slot = value as u32 & existing(word);
                }
            }
            PlicRegister::Context => {
                let context = index / CONTEXT_WORDS;
                match index % CONTEXT_WORDS {
                    0 => {
                        if let Some(context) = self.contexts.get_mut(context as usize) {
                            context.threshold = (value & MAX_PRIORITY) as u32;
                        }
                    }
                    1 => self.complete(context, value),
                    _ => {}
                }
            }
        }
        self.drive(cx);
        Answer::Done(0)
    }
}

#[cfg(test)]
mod tests;
