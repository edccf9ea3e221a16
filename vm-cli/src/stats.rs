//! `--stats`: what a run has cost, as a table for people and as JSON.

use std::time::Duration;

use serde_json::{Value, json};
use vm_runtime::{Residency, Stats};

/// The table: a counter a line, with what belongs to it behind it.
#[must_use]
pub fn text(stats: &Stats, instructions: u64, seconds: f64) -> String {
    let mut table = Table(String::new());
    let mips = instructions as f64 / 1e6 / seconds.max(1e-9);
    table.head("run");
    table.row(
        "instructions",
        instructions,
        &format!("{mips:.1} million a second"),
    );
    let runs = stats.runs;
    table.row("turns of CPUs", runs.runs, "");
    table.row("  budget spent", runs.budget, "");
    table.row("  devices", runs.access, "");
    table.row("  waiting", runs.idle, "");
    table.row("  firmware", runs.call, "");
    table.row("  other", runs.other, "");
    table.row("traps", runs.traps, "");
    let misses = match per_thousand(runs.walks, instructions) {
        Some(misses) => format!("{misses:.2} in 1000 instructions"),
        None => String::new(),
    };
    table.row("TLB misses", runs.walks, &misses);
    table.head("code");
    let blocks = stats.blocks;
    table.row(
        "blocks",
        blocks.made,
        &format!("{} instructions", blocks.insns),
    );
    table.row(
        "looked up",
        blocks.lookups,
        &share(blocks.lookups, instructions),
    );
    table.row("  not linked", runs.unlinked, "");
    table.row("  computed", runs.indirect, "");
    table.row("  end of turn", runs.fuel, "");
    table.row("  other mode", runs.next, "");
    table.row("pages rewritten", blocks.dropped_pages, "");
    table.row("thinned", blocks.thinned, "");
    table.row("flushes", blocks.flushes, "");
    if let Some(native) = &stats.native {
        let (made, time) = (native.made, native.time);
        let took = |time: Duration, insns: u64, bytes: u64| {
            let part = 100.0 * time.as_secs_f64() / seconds.max(1e-9);
            let ms = time.as_secs_f64() * 1e3;
            format!("{insns} instructions, {bytes} bytes, {ms:.1} ms ({part:.1} % of the run)")
        };
        table.head("native");
        let (insns, bytes) = (made.template_insns, made.template_bytes);
        table.row(
            "templates",
            made.templates,
            &took(time.templates, insns, bytes),
        );
        table.row(
            "blocks",
            made.published,
            &took(time.blocks, made.insns, made.bytes),
        );
        let (insns, bytes) = (made.region_insns, made.region_bytes);
        table.row("regions", made.regions, &took(time.regions, insns, bytes));
        table.row("  of more pages", made.wide_regions, "");
        table.row("refused", made.template_refused + made.refused, "");
        table.row("too late", made.late, "");
        table.row("interpreted", runs.alone, "instructions inside native code");
        let cache = native.cache;
        let live = format!(
            "of {} bytes; {} bytes are dead",
            cache.bytes, cache.dead_bytes
        );
        table.row("cache", cache.live_bytes, &live);
        let units = format!("in {} windows of 256 KiB", cache.evictions);
        table.row("evicted", cache.evicted, &units);
        table.row("no room", made.no_room, "");
        residency(&mut table, runs.residency);
    }
    if let Some(verified) = stats.verified {
        table.head("verified");
        table.row(
            "instructions",
            verified.insns,
            &share(verified.insns, instructions),
        );
        let over = format!("{} passed over", verified.passed_over);
        table.row("turns", verified.runs, &over);
        table.row("pages compared", verified.pages, "");
    }
    table.0
}

/// Who ran the guest's instructions, by the slices that ended there.
fn residency(table: &mut Table, of: Residency) {
    table.head("slices that ended in code of");
    let rows = [
        ("interpreter", of.handlers),
        ("templates", of.templates),
        ("blocks", of.blocks),
        ("regions", of.regions),
    ];
    for (name, count) in rows {
        let part = 100.0 * count as f64 / of.all().max(1) as f64;
        table.row(name, count, &format!("{part:.1} %"));
    }
}

/// How many there are for a thousand instructions, if there are any.
fn per_thousand(count: u64, instructions: u64) -> Option<f64> {
    (instructions > 0).then(|| 1000.0 * count as f64 / instructions as f64)
}

/// One in how many instructions.
fn share(count: u64, instructions: u64) -> String {
    match instructions.checked_div(count) {
        Some(each) => format!("one in {each} instructions"),
        None => String::new(),
    }
}

struct Table(String);

impl Table {
    fn head(&mut self, name: &str) {
        self.0.push_str(name);
        self.0.push('\n');
    }

    fn row(&mut self, name: &str, count: u64, more: &str) {
        let line = format!("  {name:<16} {count:>14}  {more}");
        self.0.push_str(line.trim_end());
        self.0.push('\n');
    }
}

/// The same for programs; times in nanoseconds.
#[must_use]
pub fn json(stats: &Stats, instructions: u64, seconds: f64) -> Value {
    let (runs, blocks) = (stats.runs, stats.blocks);
    let ns = |time: Duration| time.as_nanos() as u64;
    let native = stats.native.map(|native| {
        let (made, cache, time) = (native.made, native.cache, native.time);
        let row = |count: u64, insns: u64, bytes: u64, time: Duration| {
            json!({"made": count, "instructions": insns, "bytes": bytes, "ns": ns(time)})
        };
        let (templates, regions) = (
            row(made.templates, made.template_insns, made.template_bytes, time.templates),
            row(made.regions, made.region_insns, made.region_bytes, time.regions),
        );
        json!({
            "templates": templates,
            "blocks": row(made.published, made.insns, made.bytes, time.blocks),
            "regions": regions,
            "wide_regions": made.wide_regions,
            "refused": made.template_refused + made.refused,
            "late": made.late,
            "interpreted": runs.alone,
            "no_room": made.no_room,
            "cache": {
                "bytes": cache.bytes,
                "live": cache.live_bytes,
                "dead": cache.dead_bytes,
                "evicted": cache.evicted,
                "evictions": cache.evictions,
            },
        })
    });
    let verified = stats.verified.map(|verified| {
        json!({
            "instructions": verified.insns,
            "turns": verified.runs,
            "passed_over": verified.passed_over,
            "pages": verified.pages,
        })
    });
    json!({
        "ns": (seconds * 1e9) as u64,
        "turns": {
            "all": runs.runs,
            "budget": runs.budget,
            "devices": runs.access,
            "waiting": runs.idle,
            "firmware": runs.call,
            "other": runs.other,
        },
        "traps": runs.traps,
        "tlb_misses": runs.walks,
        "tlb_misses_per_1000": per_thousand(runs.walks, instructions),
        "residency": {
            "interpreter": runs.residency.handlers,
            "templates": runs.residency.templates,
            "blocks": runs.residency.blocks,
            "regions": runs.residency.regions,
        },
        "code": {
            "blocks": blocks.made,
            "instructions": blocks.insns,
            "lookups": blocks.lookups,
            "not_linked": runs.unlinked,
            "computed": runs.indirect,
            "end_of_turn": runs.fuel,
            "other_mode": runs.next,
            "pages_rewritten": blocks.dropped_pages,
            "thinned": blocks.thinned,
            "flushes": blocks.flushes,
        },
        "native": native,
        "verified": verified,
    })
}
