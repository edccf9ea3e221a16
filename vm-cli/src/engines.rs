//! What runs guest code, from the arguments to the configuration and to other processes.

use clap::ValueEnum;
use vm_runtime::{Config, EngineMode, JitTier, TimeMode, VmError};

use crate::args::{CODE_CACHE, EngineArgs, EngineKind, TierKind};
use crate::codes;
use crate::diagnose::diagnose;
use crate::report::Report;
use crate::units::size;

/// Puts into a configuration what the arguments say of the engine.
pub fn settle(config: &mut Config, args: &EngineArgs) -> Result<(), Report> {
    config.engine = match args.engine {
        None => EngineMode::Usual,
        Some(EngineKind::Interp) => EngineMode::Interp,
        Some(EngineKind::Jit) => EngineMode::Jit,
        Some(EngineKind::Hybrid) => EngineMode::Hybrid,
    };
    config.jit_threshold = args.jit_threshold;
    config.jit_region_threshold = args.jit_region_threshold;
    config.jit_tiers = args.jit_tiers.as_deref().map(tiers);
    config.code_bytes = args.code_cache;
    config.verify = args.verify;
    if args.verify.is_none() {
        return Ok(());
    }
    if config.engine.name() == EngineMode::Interp.name() {
        return Err(
            Report::new(codes::VERIFY, "there is no native code to be verified")
                .at("--verify", "everything runs on the interpreter")
                .help("leave out --engine interp"),
        );
    }
    if config.time != TimeMode::Virtual {
        return Err(diagnose(&VmError::VerifyTime));
    }
    Ok(())
}

/// The flags that make another process of this program run guests alike; none for the usual.
#[must_use]
pub fn flags(args: &EngineArgs) -> Vec<String> {
    let mut flags = Vec::new();
    let mut add = |flag: &str, value: Option<String>| {
        flags.extend(value.map(|value| format!("--{flag}={value}")));
    };
    add("engine", args.engine.as_ref().map(name));
    let room = (size(CODE_CACHE) != Ok(args.code_cache)).then_some(args.code_cache);
    add("code-cache", room.map(|bytes| format!("{bytes}B")));
    add("jit-threshold", args.jit_threshold.map(|n| n.to_string()));
    let threshold = args.jit_region_threshold;
    add("jit-region-threshold", threshold.map(|n| n.to_string()));
    let tiers = args.jit_tiers.as_deref();
    add(
        "jit-tiers",
        tiers.map(|tiers| tiers.iter().map(name).collect::<Vec<_>>().join(",")),
    );
    add("verify", args.verify.map(|n| format!("1/{n}")));
    flags
}

/// The word for a choice.
fn name<T: ValueEnum>(kind: &T) -> String {
    let value = kind.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

/// The compilers that were named.
fn tiers(kinds: &[TierKind]) -> Vec<JitTier> {
    let tier = |kind: &TierKind| match kind {
        TierKind::Template => JitTier::Template,
        TierKind::Block => JitTier::Block,
        TierKind::Region => JitTier::Region,
    };
    kinds.iter().map(tier).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        engine: EngineArgs,
    }

    #[test]
    fn another_process_gets_what_this_one_was_given() {
        for given in [
            "",
            "--engine interp",
            "--engine hybrid --code-cache 1M",
            "--engine=jit --jit-threshold=3 --jit-region-threshold=1 --verify",
            "--engine=hybrid --jit-tiers template,region --verify=1/50",
        ] {
            let words = std::iter::once("x").chain(given.split_whitespace());
            let first = Alone::parse_from(words).engine;
            let words = std::iter::once("x".to_owned()).chain(flags(&first));
            let second = Alone::parse_from(words).engine;
            assert_eq!(format!("{first:?}"), format!("{second:?}"), "{given}");
        }
    }
}
