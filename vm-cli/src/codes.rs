//! Every complaint of the command line: its code, its title, its exit code, its explanation.

/// A row of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Code {
    /// The number behind `VM`.
    pub number: u16,
    /// What is wrong, for lists.
    pub title: &'static str,
    /// The exit code of a command that ends with it.
    pub exit: u8,
    /// What it means and what can be done, in a few sentences.
    pub text: &'static str,
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "VM{:04}", self.number)
    }
}

/// One constant a row, and the table of all of them.
macro_rules! codes {
    ($($name:ident $number:literal $exit:literal $title:literal $text:literal)*) => {
        $(
            #[doc = $title]
            pub const $name: Code =
                Code { number: $number, title: $title, exit: $exit, text: $text };
        )*
        /// All codes, by number.
        pub const CODES: &[Code] = &[$($name),*];
    };
}

#[rustfmt::skip] // A table: the number, the exit code, the title, the explanation.
codes! {
USAGE 1 2 "the command line is not understood"
"An argument is unknown, lacks its value, or does not go together with another one.
`vm COMMAND --help` shows examples and all flags."

VALUE 2 2 "the value of a flag is not understood"
"Sizes are a number with a unit: 512M, 2G, 64K, 4096B.
Numbers are decimal, or hexadecimal with 0x in front; ranges are two numbers with two dots: 0x80000000..0x80001000.
Disks are FILE, FILE,ro or FILE,ephemeral; traces are kinds with commas, and a file behind a colon: insn,trap:out.txt; a file whose name ends in .perfetto becomes a timeline."

IMAGE_BOOT 3 2 "there is nothing on the disk that could be booted"
"`vm run IMAGE` looks for entries of the Boot Loader Specification, unified kernels, extlinux.conf, GRUB's configuration and kernels by their names, on partitions with ext2, ext3, ext4 or FAT. None were found, or none that could be read.
Give the kernel and its initial RAM disk: vm run IMAGE -k KERNEL -i INITRD --append \"root=/dev/vda1\"; or a firmware that starts the disk's own boot loader: vm run IMAGE --firmware FILE."

NO_MACHINE 4 2 "there is no such machine"
"The name behind --machine is not that of a machine of this program. `vm machine show` shows the one there is."

CPUS 5 2 "the number of CPUs is not possible"
"Each machine has room for a fixed number of CPUs, as its interrupt controller has."

MEMORY 6 2 "the size of memory is not possible"
"A machine has a smallest and a largest memory, in whole pages."

SLOTS 7 2 "there are too many devices"
"A bus of the machine has fewer slots than there are devices to be put on it: leave out a --drive."

PROJECT 8 2 "the settings in vm.toml are not understood"
"`vm run` takes settings from vm.toml in the current folder: a table [vm], and tables [profile.NAME] for --profile NAME.
Keys are the flags of `vm run --help` without their dashes; `vm config show` prints what comes of them. --no-config leaves the file out."

PROFILE 9 2 "there is no such profile"
"The name behind --profile is that of no table [profile.NAME] in vm.toml of the current folder."

NO_FILE 10 2 "there is no such file"
"A file that was named does not exist. A relative name is looked up in the current folder."

UNREADABLE 11 2 "the file can not be read"
"The host refuses access to a file that was named. `ls -l FILE` shows who may read it."

WRONG_ARCH 12 2 "the file is for another architecture"
"The header of the file says which processor it was made for, and no machine of this program has one yet, or not the machine that was chosen.
Guests for RISC-V with 64 bits can be run; ARM64 and x86-64 can be recognised, but not run."

DIRECTORY 13 2 "this is a directory"
"A file is needed, and a directory was named."

TOO_LARGE 14 2 "the file is too large"
"The file is, or unpacks to, more than any guest could hold. It is hardly what it was taken for."

EMPTY 15 2 "the file is empty"
"There is nothing in the file: a download or a build may have failed."

TRUNCATED 16 2 "the file is cut off"
"A header in the file speaks of bytes that are not there. A download or a copy may have been interrupted; fetch it again and compare checksums."

DAMAGED 17 2 "the file is damaged"
"The file contradicts itself: a checksum is wrong, or a header has values that can not be."

COMPRESSION 18 2 "the compression is not known"
"Kernels in gzip, zstd and EFI zboot containers are unpacked. Unpack others by hand, for example with `xz -d`."

NOT_A_KERNEL 19 2 "this is not a kernel"
"No header of a kernel was found: neither ELF, nor a Linux Image, nor PE.
Programs without a header can be run as what they are, without the built-in firmware: vm run -k FILE --firmware none."

NOT_DIRECT 20 2 "this form can not be started directly"
"The file was recognised, but only a firmware could start it. Use the flat kernel of the same build, often named Image or vmlinux."

NO_KERNEL 21 2 "there is nothing to start"
"Neither a kernel nor a firmware was given. `vm run` without any file starts the demo."

RAM_TOO_SMALL 22 2 "the guest's memory is too small for what is to be loaded"
"Kernel, initial RAM disk and device tree must fit into memory together. Give more with -m."

PLACEMENT 23 2 "the file wants memory that is not there"
"The addresses in the file lie outside the machine's RAM or on top of something else. The program was linked for another board: RAM of the machine `virt` begins at 0x80000000."

NESTED 24 2 "the file is packed too many times"
"A container holds a container that holds another one. Unpack it by hand."

TREE 25 2 "the device tree can not be made"
"The description of the machine does not fit its place or can not be written, for example because the command line in it is too long."

NOT_64 26 2 "this is not for a 64-bit little-endian machine"
"Only 64-bit little-endian guests can be run."

CHANGED 27 75 "a file is not what the machine was started with"
"Kernel, firmware and initial RAM disk are read again when the guest restarts, and must be what they were, for a restart is none with other files. One of them was written to, or cut off, while the guest ran.
A file that was removed, or that another one was moved to the place of, is still there for a machine that runs."

DISK_SIZE 30 2 "the disk is no whole number of sectors"
"A raw disk consists of sectors of 512 bytes. A file of another size was cut off, or is not a raw disk: qcow2 and other formats can not be read yet; `qemu-img convert -O raw` makes a raw disk of them."

DISK_LOCKED 31 2 "the disk is in use"
"Another program uses the disk, or it was given twice. Two writers would destroy the file system in it.
Readers can share a disk: --drive FILE,ro, or --drive FILE,ephemeral, which gives the guest a throw-away copy to write to."

NOT_A_FILE 32 2 "the disk is no file"
"A disk is kept in a file; a device, a pipe or a socket was named. A device can be copied to a file: dd if=DEVICE of=FILE bs=1M."

DISK_WRITE 34 75 "the host did not write to a disk"
"The host refused to write what the guest wrote to a disk, or to make it durable: its own disk may be full, or failing. The guest was told that the request failed; nothing that it was told is durable is lost.
After a failed attempt to make writes durable the disk answers no more, for nobody knows what is on it."

DISK_READ 35 75 "the host did not read from a disk"
"The host could not read what the guest asked for: the file may have been cut off by another program, or the host's disk is failing. The guest was told that the request failed."

COPY 36 75 "a throw-away copy of a disk can not be kept"
"What a guest writes to a disk with --ephemeral goes to a file without a name in the folder for temporary files, at most 16 GiB a disk. The folder is $TMPDIR, or /tmp."

SAVE_COPY 37 2 "a state can not be saved beside a throw-away disk"
"A saved state goes on with the disks as they were, and what was written to a throw-away copy is gone. Leave out --save, or let the disk keep what is written."

NOT_A_STATE 40 2 "this is not a saved state"
"The file does not begin as a file written by --save does."

NEWER_STATE 41 2 "the state was saved by a later version"
"The file says that it is in a format, or has a part in a version, that this program does not know. Use the program that wrote it, or a later one."

DAMAGED_STATE 42 2 "the saved state is damaged"
"A part of the file is cut off or is not what was written: its hash does not match."

OTHER_MACHINE 43 2 "the state is of another machine"
"A state can only go on in the machine that it was saved in: with the same --machine, --cpus, -m, --drive and firmware."

HOST_MEMORY 50 69 "the host does not give the memory"
"The guest's memory is taken from the host when the guest first uses it, but the host may refuse its size at once. Give the guest less with -m."

OUTPUT 51 75 "output can not be written"
"Writing to a file or to standard output failed: the disk may be full, or the reader of a pipe has gone."

TERMINAL 52 69 "the terminal can not be used"
"The terminal refused to be set for the guest. With `< /dev/null` no terminal is needed."

NOT_REPLACED 53 2 "what is there can not be replaced"
"A saved state is written beside its place and then put there whole, so that nothing half done is ever found.
At the name that was given stands a device, a pipe or a socket, which must not be put aside. Choose another name."

NO_COMPILER 54 69 "the compiler can not be used"
"Native code is made on x86-64, AArch64 and RISC-V hosts, and the host must give memory for it. Everything runs on the interpreter, too: --engine interp."

NO_CODE 60 2 "there is nothing to disassemble"
"The file or the range has no code, or the hexadecimal digits are not pairs."

HOST_LACKS 61 69 "the host lacks something that is required"
"`vm doctor` lists what was looked for and what was found."

NO_EXPLANATION 62 2 "there is no such code"
"`vm explain` lists all codes; `vm explain exit` lists the exit codes."

NO_ENTRY 63 2 "no entry of the disk's menu is meant"
"--boot takes the number of an entry, its title, its id or the name of its file or kernel, or a part of those that only one entry has. `vm run IMAGE --boot list` prints the menu."

DISK_FORMAT 64 2 "the disk's format can not be used yet"
"Only raw disks can be used. The format is never guessed, because a guest can write anything to its disk: it is raw, unless the file's name ends in .qcow2 or format=qcow2 is given.
`qemu-img convert -O raw FILE FILE.raw` makes a raw disk of another format."

PACKED 65 2 "the image is compressed"
"A disk is read and written in place, so it must not be compressed. Unpack it first. Compressed kernels can be started as they are."

ISO 66 2 "installation discs can not be booted directly"
"An ISO 9660 disc is meant for a firmware. Give one with --firmware, or kernel and initial RAM disk from the disc with -k and -i."

BOOT_FILE 67 2 "a file that a boot entry names can not be read"
"The entry that was to be started names a kernel or an initial RAM disk that is not there or can not be read. `vm run IMAGE --boot list` shows the other entries."

PORT_IN_USE 70 2 "the port is in use"
"Another program listens at a port of the host that -p names, or the port was given twice.
`ss -ltnp` (for /udp: `ss -lunp`) shows who listens where. Any free port will do: -p 2223:22 instead of -p 2222:22; the guest sees no difference."

PORT_REFUSED 71 2 "the port can not be used"
"The host does not let this program listen at an address and port that -p names.
Ports below 1024 need privileges on most hosts: use a higher one, as -p 8080:80. An address must be one of the host's own."

NO_NETWORK 72 2 "there is no network to publish ports of"
"-p was given together with --net none. Leave out one of the two."

NETWORK 73 69 "the network can not be started"
"The host does not give the sockets or the thread that the guest's network needs. `ulimit -n` shows how many files may be open. Without a network: --net none."

DEBUGGER 80 2 "nobody can debug through this address"
"The host refuses the address behind --gdb: another program may listen there, or it is none of this host's.
Without an address GDB is waited for at 127.0.0.1:1234. A port, ADDRESS:PORT or the path of a socket can be given."

NO_SYMBOLS 81 2 "there are no symbols in the file"
"Symbols are read from ELF files that were not stripped, from a System.map, and from Linux kernels with CONFIG_KALLSYMS, packed or not."

NO_SYMBOL 82 2 "there is no such symbol"
"The name is not in the table of symbols. `vm symbols FILE NAME` looks for one."

VERIFY 83 2 "native code can not be verified like this"
"--verify repeats on the interpreter what native code does, and compares. That takes native code, as there is without --engine interp; and a time that can be repeated: --time virtual."

CODE_CACHE 84 2 "a code cache of this size is not possible"
"Native code is kept in memory of the size that --code-cache gives, from 1M to 4G; 64M is enough for a whole Linux. What does not fit is made again when it is needed, so a small cache is slow and nothing else."

INTERNAL 90 125 "an error of this program"
"A table of this program contradicts itself. Please report it, with the command line."

TEST_SYNTAX 91 2 "the test file is not TOML"
"A test file is TOML text: tables in brackets, keys with =, texts in quotes. Backslashes stay as they are in single quotes: '\\d+'."

TEST_KEY 92 2 "the test file has a key that is not known"
"A key is misspelt, or stands in the wrong table. The message lists the keys that are known there; `docs/testing-guests.md` explains each."

TEST_LATER 93 2 "the test file asks for something that is not possible yet"
"The key has its meaning fixed, but this program can not do it yet. It is refused rather than ignored, for a test that is ignored passes."

TEST_VALUE 94 2 "a value in the test file is not possible"
"The value is of another kind than the key takes, or out of range. Sizes and times are texts with a unit: \"512M\", \"60s\"."

TEST_STEP 95 2 "a step of a test can not be carried out as it is written"
"A step is a table with exactly one verb (wait, send, run, expect, reset, expect_end) and what goes with it: { wait = \"login:\" }.
`expect_end` is the last step of a test."

TEST_NAME 96 2 "a test needs a name of its own"
"Each [[test]] of a file has a `name`, a line of at most 120 characters, that no other test of the file has."

TEST_PATTERN 97 2 "the regular expression is not understood"
"With regex = true a text is a regular expression. Write it in single quotes, so that backslashes stay: '^\\d+ ok$'."

TEST_VARIABLE 98 2 "a variable of the test file has no value"
"Names of files may have variables of the environment: $NAME or ${NAME}; $$ is a dollar. VM_IMAGES, the folder of guest images, has a default: $XDG_CACHE_HOME/vm-images, else ~/.cache/vm-images.
Texts of steps may have variables that a `run` step before them has saved: save = \"sum\", then {sum}."

NO_TESTS 99 2 "there is nothing to test"
"A file has no [[test]], a folder has no file that ends with .boot.toml, or no test has the words behind --filter in its name. Nothing tested is not a pass."

TEST_PROCESS 100 75 "a test's process can not be used"
"Each test runs in a process of its own, which the host refused to start or to give a folder for its disks. It is safe to try again."

TEST_SERVE 110 2 "the folder that a test serves can not be used"
"`serve` names a folder of the host whose files the guest can fetch while the test runs. It has to be there, and readable."
}

/// The code that somebody wrote, as `VM0012`, `vm12` or `12`.
#[must_use]
pub fn find(written: &str) -> Option<Code> {
    let digits = written.trim_start_matches(['v', 'V', 'm', 'M']);
    let number: u16 = digits.parse().ok()?;
    CODES.iter().copied().find(|code| code.number == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_their_exit_codes_are_documented() {
        assert!(CODES.windows(2).all(|pair| pair[0].number < pair[1].number));
        for code in CODES {
            assert!(
                crate::exits::EXITS.iter().any(|row| row.code == code.exit),
                "{code}"
            );
            assert!(
                !code.text.is_empty() && !code.title.ends_with('.'),
                "{code}"
            );
        }
    }

    #[test]
    fn a_code_is_found_however_it_is_written() {
        for (written, want) in [
            ("VM0012", Some(WRONG_ARCH)),
            ("vm12", Some(WRONG_ARCH)),
            ("12", Some(WRONG_ARCH)),
            ("VM9999", None),
            ("VM99999999999999", None),
            ("", None),
            ("exit", None),
        ] {
            assert_eq!(find(written), want, "{written:?}");
        }
    }
}
