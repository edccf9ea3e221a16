//! Spellings that fingers know from other emulators.

use std::ffi::OsString;

/// What is written, and what stands for it here; nothing for flags that change nothing.
#[rustfmt::skip] // A table.
pub const SPELLINGS: &[(&str, Option<&str>)] = &[
    ("-kernel",    Some("--kernel")),
    ("-initrd",    Some("--initrd")),
    ("-append",    Some("--append")),
    ("-bios",      Some("--firmware")),
    ("-smp",       Some("--cpus")),
    ("--smp",      Some("--cpus")),
    ("-M",         Some("--machine")),
    ("-machine",   Some("--machine")),
    ("-no-reboot", Some("--no-reboot")),
    // There is no window that could be left out.
    ("-nographic", None),
];

/// Arguments of `run` in the spelling of this program; nothing behind `--` is touched.
pub fn translate(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut words = Vec::new();
    let (mut running, mut ours) = (false, true);
    for word in args {
        ours &= word != "--";
        let known = SPELLINGS
            .iter()
            .find(|(theirs, _)| running && ours && word == **theirs);
        match known {
            Some((_, Some(here))) => words.push(OsString::from(here)),
            Some((_, None)) => {}
            None => {
                running |= word == "run";
                words.push(word);
            }
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_arguments_of_run_are_translated() {
        for (given, want) in [
            (
                "vm run -kernel a -smp 4 -nographic",
                "vm run --kernel a --cpus 4",
            ),
            (
                "vm run -m 1G -bios none -no-reboot",
                "vm run -m 1G --firmware none --no-reboot",
            ),
            ("vm disasm -kernel", "vm disasm -kernel"),
            ("vm run -- -kernel", "vm run -- -kernel"),
            ("vm", "vm"),
        ] {
            let got = translate(given.split(' ').map(OsString::from));
            let want: Vec<OsString> = want.split(' ').map(OsString::from).collect();
            assert_eq!(got, want, "{given:?}");
        }
    }
}
