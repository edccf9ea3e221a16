//! Every target over its corpus, and over changes of it.

use std::fs;
use std::path::Path;

use tests_fuzz::{TARGETS, Target};
use vm_core::Entropy;

/// How many changed inputs each target gets.
const CHANGED: u32 = 1500;
/// The longest that a changed input may become.
const LONGEST: usize = 4096;

fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target.name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let read = |path| fs::read(path).expect("an input");
    let inputs: Vec<_> = paths.iter().map(read).collect();
    assert!(!inputs.is_empty(), "{folder:?} has no inputs");
    inputs
}

/// One input made of the others: bytes changed, cut, put in, taken from another.
fn change(dice: &mut Entropy, inputs: &[Vec<u8>]) -> Vec<u8> {
    let mut below = |limit: usize| dice.next_u64() as usize % limit.max(1);
    let mut out = inputs[below(inputs.len())].clone();
    for _ in 0..1 + below(4) {
        let at = below(out.len() + 1);
        match below(5) {
            0 => out.truncate(at),
            1 => out.insert(at, below(256) as u8),
            2 => {
                let other = &inputs[below(inputs.len())];
                let from = below(other.len() + 1);
                out.truncate(at);
                out.extend(&other[from..]);
            }
            _ => {
                if let Some(byte) = out.get_mut(at) {
                    *byte = if below(2) == 0 {
                        below(256) as u8
                    } else {
                        *byte ^ 1 << below(8)
                    };
                }
            }
        }
    }
    out.truncate(LONGEST);
    out
}

fn check(name: &str) {
    let target = tests_fuzz::find(name).expect("a target");
    let inputs = corpus(target);
    for input in &inputs {
        (target.run)(input);
    }
    let mut dice = Entropy::new(1);
    for number in 0..CHANGED {
        let input = change(&mut dice, &inputs);
        let outcome = std::panic::catch_unwind(|| (target.run)(&input));
        assert!(outcome.is_ok(), "change {number} of {name}: {input:02x?}");
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test] fn $name() { check(stringify!($name)); })*

        #[test]
        fn every_target_is_here() {
            let here = [$(stringify!($name)),*];
            let all: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(all, here);
        }
    };
}

targets! { decoder devices loaders queues state fdt }
