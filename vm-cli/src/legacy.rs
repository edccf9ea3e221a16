//! What fingers know from other emulators: other spellings, and what is done otherwise here.

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
    ("-hda",       Some("--drive")),
    ("-no-reboot", Some("--no-reboot")),
    // There is no window that could be left out.
    ("-nographic", None),
];

/// Commands and flags that people try and that there are not, with the way that there is.
#[rustfmt::skip] // A table.
const INSTEAD: &[(&[&str], &str)] = &[
    (&["help", "-help"],         "`vm --help` lists the commands, `vm run --help` the flags of one, `vm explain` the codes"),
    (&["start", "boot", "up"],         "`vm run IMAGE` starts a machine"),
    (&["debug", "-s", "-S", "-gdb"],   "`vm run IMAGE --gdb` waits for GDB before the first instruction"),
    (&["trace", "-d"],                 "`vm run IMAGE --trace insn,trap:FILE` writes what happens to a file"),
    (&["replay", "record", "--record"], "`vm run IMAGE --time virtual --seed N` is the same run each time"),
    (&["snap", "fork", "savevm", "-loadvm"], "`vm run IMAGE --save FILE` keeps a state, `--restore FILE` goes on from it"),
    (&["exec", "ssh", "shell"],        "a guest is reached over its console, or with `-p 2222:22` over the network"),
    (&["image", "convert", "create"],  "disks are made by other tools; `vm run IMAGE --boot list` shows what is on one"),
    (&["ps", "stop", "top", "list"],   "a machine ends with its `vm run`: no other process knows of it"),
    (&["--root", "--rootdir", "--volume", "--share", "-virtfs"], "folders can not be shared yet: an initial RAM disk, a disk or the network carries files"),
    (&["-cdrom", "-drive", "-sd"], "`--drive FILE` adds a disk"),
    (&["-netdev", "-nic", "-net", "-device"], "`--net user` and `-p HOST:GUEST` set the network up; a machine's devices are fixed"),
    (&["-serial", "-monitor", "-chardev", "-display"], "the console is the terminal; Ctrl-] opens the menu"),
    (&["-accel", "-enable-kvm", "--kvm", "-cpu"], "`--engine` chooses what runs the guest; the machine decides its CPU"),
    (&["--matrix", "--partition", "--rerun", "--shell"], "not possible yet: `vm test --help` has what there is"),
];

/// What does here what these arguments do elsewhere.
pub fn instead<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<&'static str> {
    words.into_iter().find_map(|word| {
        // `-v` is a flag here, and takes nothing.
        let name = if word.contains(":/") {
            "--volume"
        } else {
            word.split('=').next()?
        };
        let row = INSTEAD.iter().find(|(names, _)| names.contains(&name))?;
        Some(row.1)
    })
}

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
    use clap::CommandFactory;

    use super::*;
    use crate::args::Cli;

    #[test]
    fn what_is_done_otherwise_is_not_there() {
        let cli = Cli::command();
        let run = cli.find_subcommand("run").expect("a command");
        for name in INSTEAD.iter().flat_map(|(names, _)| *names) {
            assert!(cli.find_subcommand(name).is_none(), "{name}");
            let long = name.trim_start_matches('-');
            let flags = run.get_arguments().filter_map(|flag| flag.get_long());
            assert!(!name.starts_with("--") || !flags.into_iter().any(|flag| flag == long));
        }
        assert!(instead(["vm", "run", "--root=/"]).is_some_and(|way| way.contains("folders")));
        assert_eq!(instead([".:/src"]), instead(["--volume"]));
        assert_eq!(instead(["vm", "run", "disk.img"]), None);
    }

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
