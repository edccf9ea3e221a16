//! Every wrong thing that a user can hand over: its code, its exit code, and a message that names
//! the place and what to do.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::vm::output_in;

/// Runs a command line, and wants this exit code, this code, and these words.
fn check(folder: &Path, line: &str, exit: i32, code: &str, words: &[&str]) {
    let output = output_in(folder, line);
    check_output(line, &output, exit, code, words);
}

fn check_output(line: &str, output: &Output, exit: i32, code: &str, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(exit), "vm {line}\n{said}");
    assert!(
        said.contains(&format!("error[{code}]: ")),
        "vm {line}\n{said}"
    );
    for word in words.iter().chain(&["\n  help: "]) {
        assert!(
            said.contains(word),
            "vm {line} does not say {word:?}:\n{said}"
        );
    }
}

fn folder_of_files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, bytes: &[u8]| {
        fs::write(folder.path().join(name), bytes).expect("a file");
    };
    let header = |magic: &[u8; 4]| {
        let mut image = vec![0; 4096];
        image[16..24].copy_from_slice(&4096_u64.to_le_bytes());
        image[56..60].copy_from_slice(magic);
        image
    };
    let mut bz_image = vec![0; 8192];
    bz_image[0x1f1] = 4;
    bz_image[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    bz_image[0x202..0x206].copy_from_slice(b"HdrS");
    bz_image[0x206..0x208].copy_from_slice(&0x020f_u16.to_le_bytes());
    let elf = |class: u8, machine: u16| {
        let mut elf = vec![0; 64 + 56];
        elf[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', class, 1, 1]);
        elf[16] = 2;
        elf[18..20].copy_from_slice(&machine.to_le_bytes());
        elf[20] = 1;
        elf[52] = 64;
        elf[54] = 56;
        // One segment: the whole file.
        (elf[32], elf[56], elf[64], elf[68]) = (64, 1, 1, 5);
        (elf[64 + 32], elf[64 + 40]) = (120, 120);
        elf
    };
    file("arm.img", &header(b"ARMd"));
    file("pc.img", &bz_image);
    file("pc.elf", &elf(2, 62));
    file("small.elf", &elf(1, 243));
    file("cut.elf", &elf(2, 243)[..40]);
    file("cut.gz", &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1]);
    file("empty", b"");
    file(
        "text",
        b"this is a letter and not a kernel, whatever its name says",
    );
    file("odd.img", &[0; 700]);
    file("disk.img", &[0; 1024]);
    file("disk.qcow2", &[0; 1024]);
    file("q.img", b"QFI\xfb");
    file("v.img", b"KDMV");
    file("d.img.xz", b"\xfd7zXZ\0");
    let mut disc = vec![0; 0x9000];
    disc[0x8001..0x8006].copy_from_slice(b"CD001");
    file("cd.iso", &disc);
    file("kernel", &header(b"RSC\x05"));
    let mut large = header(b"RSC\x05");
    large[16..24].copy_from_slice(&(40_u64 << 20).to_le_bytes());
    file("large", &large);
    fs::create_dir(folder.path().join("folder")).expect("a folder");
    folder
}

#[test]
fn files_that_can_not_be_started_are_named_with_their_fact() {
    let folder = folder_of_files();
    for (line, code, words) in [
        ("run -k missing", "VM0010", &["--> missing: "][..]),
        ("run -k kernel -i missing", "VM0010", &["--> missing: "]),
        ("run --firmware missing", "VM0010", &["--> missing: "]),
        ("run -k folder", "VM0013", &["--> folder: "]),
        ("run -k arm.img", "VM0012", &["--> arm.img: ", "arm64"]),
        ("run -k pc.img", "VM0012", &["--> pc.img: ", "x86_64"]),
        ("run -k pc.elf", "VM0012", &["--> pc.elf: ", "x86_64"]),
        ("run -k small.elf", "VM0026", &["--> small.elf: "]),
        ("run -k cut.elf", "VM0016", &["--> cut.elf: ", "cut off"]),
        ("run -k empty", "VM0015", &["--> empty: "]),
        ("run -k text", "VM0019", &["--> text: ", "74 68 69 73"]),
        ("run -i text", "VM0021", &["-k"]),
        ("run --firmware none", "VM0021", &["-k"]),
        ("run missing.img", "VM0010", &["--> missing.img: "]),
        ("run folder", "VM0013", &["--> folder: "]),
        (
            "run disk.img",
            "VM0003",
            &["--> disk.img: ", "no partitions", "--firmware"],
        ),
        ("run --boot list", "VM0001", &["--> --boot: ", "IMAGE"]),
        (
            "run -k kernel --boot 2",
            "VM0001",
            &["--> --boot: ", "IMAGE"],
        ),
        ("run disk.img --boot list", "VM0003", &["--> disk.img: "]),
        ("run arm.img", "VM0012", &["--> arm.img: ", "arm64"]),
        (
            "run kernel --arch arm64",
            "VM0012",
            &["--> kernel: ", "drop --arch"],
        ),
        (
            "run q.img",
            "VM0064",
            &["--> q.img: ", "qemu-img convert -f qcow2"],
        ),
        (
            "run disk.qcow2",
            "VM0064",
            &["--> disk.qcow2: ", "qemu-img"],
        ),
        (
            "run -k kernel --drive disk.img,format=qcow2",
            "VM0064",
            &["--> disk.img: ", "format=raw"],
        ),
        ("run v.img", "VM0064", &["--> v.img: ", "-f vmdk"]),
        (
            "run d.img.xz",
            "VM0065",
            &["--> d.img.xz: ", "xz -dk d.img.xz"],
        ),
        ("run cd.iso", "VM0066", &["--> cd.iso: ", "--firmware"]),
        ("disasm missing", "VM0010", &["--> missing: "]),
        ("disasm folder", "VM0013", &["--> folder: "]),
        ("disasm pc.elf --arch mips", "VM0012", &["mips", "riscv64"]),
    ] {
        check(folder.path(), line, 2, code, words);
    }
    let output = output_in(folder.path(), "run -k cut.gz");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("VM0016") || said.contains("VM0017"), "{said}");
}

#[test]
fn machines_that_can_not_be_are_refused_with_what_could() {
    let folder = folder_of_files();
    for (line, code, words) in [
        ("run --cpus 0", "VM0005", &["1 to 8"][..]),
        ("run --cpus 9", "VM0005", &["1 to 8"]),
        ("machine show --cpus 9", "VM0005", &["1 to 8"]),
        ("run -m 4K", "VM0006", &["-m"]),
        ("run -m 1000T", "VM0006", &["-m"]),
        ("run -m 0M", "VM0006", &["-m"]),
        ("run --machine toaster", "VM0004", &["toaster", "virt"]),
    ] {
        check(folder.path(), line, 2, code, words);
    }
}

#[test]
fn a_memory_that_does_not_hold_what_is_loaded_is_refused() {
    let folder = folder_of_files();
    for (line, words) in [
        ("run -k large -m 32M", &["--> large: ", "43 MiB", "-m"][..]),
        ("run -k kernel -i large -m 1M", &["1 MiB", "-m"]),
    ] {
        check(folder.path(), line, 2, "VM0022", words);
    }
}

/// A command that runs as somebody to whom the file system's permissions apply, and a folder
/// that this somebody may use.
fn as_nobody() -> (tempfile::TempDir, Command) {
    let folder = folder_of_files();
    fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).expect("a mode");
    let program = folder.path().join("vm");
    fs::copy(env!("CARGO_BIN_EXE_vm"), &program).expect("a copy of the program");
    let mut command = Command::new(program);
    command.current_dir(folder.path()).stdin(Stdio::null());
    if rustix::process::geteuid().is_root() {
        command.uid(65534).gid(65534);
    }
    (folder, command)
}

#[test]
fn files_that_the_host_does_not_let_one_read_are_named() {
    for (line, words) in [
        ("run -k kernel", &["--> kernel: ", "ls -l"][..]),
        ("run -k large -i kernel", &["--> kernel: ", "ls -l"]),
        ("run --firmware kernel", &["--> kernel: ", "ls -l"]),
        ("run --drive kernel,ro", &["--> kernel: ", "ls -l"]),
        ("run --restore kernel", &["--> kernel: ", "ls -l"]),
        ("disasm kernel", &["--> kernel: ", "ls -l"]),
    ] {
        let (folder, mut command) = as_nobody();
        let kernel = folder.path().join("kernel");
        fs::set_permissions(kernel, PermissionsExt::from_mode(0o000)).expect("a mode");
        command.args(line.split(' '));
        let output = loop {
            match command.output() {
                // A program that another test starts just now still has our copy open to write.
                Err(busy) if busy.kind() == ErrorKind::ExecutableFileBusy => {
                    std::thread::yield_now();
                }
                output => break output.expect("it starts"),
            }
        };
        check_output(line, &output, 2, "VM0011", words);
    }
}

#[test]
fn a_state_replaces_files_and_nothing_else() {
    let folder = folder_of_files();
    let socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket"));
    let _socket = socket.expect("a socket");
    let words = &["--> socket: ", "name"];
    check(folder.path(), "run --save socket", 2, "VM0053", words);
    let line = "run --time virtual --limit-insns 1000 --save text";
    let saved = output_in(folder.path(), line);
    assert_eq!(saved.status.code(), Some(124));
    let bytes = fs::read(folder.path().join("text")).expect("the state");
    assert!(!bytes.starts_with(b"this is a letter"));
}

#[test]
fn a_host_that_has_no_room_for_a_state_is_told_of_and_nothing_half_done_stays() {
    let folder = folder_of_files();
    // What a full disk does to a write, without a full disk.
    let shell = "ulimit -f 2; exec \"$0\" \"$@\"";
    let line = "run --time virtual --limit-insns 1000 --save text";
    let mut command = Command::new("bash");
    command.args(["-c", shell, env!("CARGO_BIN_EXE_vm")]);
    command.args(line.split(' ')).current_dir(folder.path());
    let output = command.stdin(Stdio::null()).output().expect("a shell");
    check_output(line, &output, 75, "VM0051", &["--> text: ", "free space"]);
    let text = fs::read(folder.path().join("text")).expect("the old file");
    assert!(text.starts_with(b"this is a letter"));
    assert!(!folder.path().join("text.part").exists());
}

#[test]
fn flags_that_are_not_understood_are_explained() {
    let folder = folder_of_files();
    for (line, code, words) in [
        ("run --what", "VM0001", &["--what", "vm run --help"][..]),
        ("what", "VM0001", &["what"]),
        ("run -k", "VM0001", &["--kernel"]),
        ("run --reboot --no-reboot", "VM0001", &["--no-reboot"]),
        ("run -m 512", "VM0002", &["512M"]),
        ("run -m lots", "VM0002", &["512M"]),
        ("run --cpus many", "VM0002", &["--cpus"]),
        ("run --time never", "VM0002", &["never"]),
        ("run --seed -1", "VM0001", &["-1"]),
        ("run --limit-insns x", "VM0002", &["--limit-insns"]),
        ("run --trace nonsense", "VM0002", &["insn"]),
        (
            "run --trace insn --trace-range 5",
            "VM0082",
            &["no symbol `5`"],
        ),
        ("run --trace-range 0..5", "VM0001", &["--trace"]),
        ("run --drive ,ro", "VM0002", &["FILE,ro"]),
        ("run --net tap", "VM0002", &["tap", "user and none"]),
        ("run --net user,dns=x", "VM0002", &["dns=192.0.2.1"]),
        ("run -p 22", "VM0002", &["HOST:GUEST"]),
        (
            "run -p 8000-8010:80",
            "VM0002",
            &["11 ports", "1 of the guest"],
        ),
        ("run -p 2222:22/sctp", "VM0002", &["/udp"]),
        ("disasm --hex 123", "VM0060", &["123"]),
        ("disasm text --range 0x100..0x200", "VM0060", &["0x0.."]),
        ("explain VM9999", "VM0062", &["VM9999"]),
    ] {
        // Without a file of its own kind: the parser comes first.
        let output = output_in(folder.path(), line);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "vm {line}\n{said}");
        assert!(
            said.starts_with(&format!("error[{code}]: ")),
            "vm {line}\n{said}"
        );
        for word in words {
            assert!(
                said.contains(word),
                "vm {line} does not say {word:?}:\n{said}"
            );
        }
    }
}

#[test]
fn disks_and_states_that_can_not_be_used_are_refused() {
    let folder = folder_of_files();
    let at = folder.path();
    for (line, code, words) in [
        ("run --drive missing", "VM0010", &["--> missing: "][..]),
        ("run --drive folder", "VM0013", &["--> folder: "]),
        ("run --drive odd.img", "VM0030", &["--> odd.img: ", "700"]),
        ("run --drive empty,ro", "VM0030", &["--> empty: "]),
        (
            "run --drive disk.img --drive disk.img",
            "VM0031",
            &["--> disk.img: ", ",ro"],
        ),
        ("run --restore missing", "VM0010", &["--> missing: "]),
        ("run --restore text", "VM0040", &["--> text: ", "--save"]),
        ("run --save folder", "VM0013", &["--> folder: "]),
        (
            "run --save missing/state",
            "VM0010",
            &["--> missing/state: "],
        ),
    ] {
        check(at, line, 2, code, words);
    }
    let held = File::options()
        .read(true)
        .write(true)
        .open(at.join("disk.img"))
        .expect("a disk");
    held.try_lock().expect("a lock");
    check(at, "run --drive disk.img,ro", 2, "VM0031", &["disk.img"]);
    drop(held);

    let saved = output_in(at, "run --time virtual --limit-insns 100000 --save s");
    assert_eq!(saved.status.code(), Some(124));
    check(at, "run --restore s --cpus 2", 2, "VM0043", &["--> s: "]);
    check(
        at,
        "run --restore s -m 256M",
        2,
        "VM0043",
        &["--> s: ", "another size", "-k"],
    );
    let mut bytes = fs::read(at.join("s")).expect("the state");
    let middle = bytes.len() / 2;
    fs::write(at.join("cut"), &bytes[..middle]).expect("a file");
    bytes[middle] ^= 1;
    fs::write(at.join("flipped"), &bytes).expect("a file");
    bytes[middle] ^= 1;
    bytes[8] = 99;
    fs::write(at.join("newer"), &bytes).expect("a file");
    check(at, "run --restore cut", 2, "VM0042", &["--> cut: "]);
    check(at, "run --restore flipped", 2, "VM0042", &["--> flipped: "]);
    check(at, "run --restore newer", 2, "VM0041", &["--> newer: "]);
}

#[test]
fn ports_that_can_not_be_published_are_named_with_a_way_out() {
    let folder = folder_of_files();
    let at = folder.path();
    let held = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = held.local_addr().expect("its address").port();
    let datagrams = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let other = datagrams.local_addr().expect("its address").port();
    let (taken, udp) = (format!("port {port} "), format!("port {other}/udp "));
    for (line, code, words) in [
        (
            format!("run -p {port}:22"),
            "VM0070",
            [taken.as_str(), "ss -ltnp"],
        ),
        (
            format!("run -p {other}:53/udp"),
            "VM0070",
            [udp.as_str(), "ss -lunp"],
        ),
        (
            "run -p 203.0.113.1:8080:80".to_owned(),
            "VM0071",
            ["203.0.113.1:8080", "-p 8080:80"],
        ),
        (
            "run -p 2222:22 --net none".to_owned(),
            "VM0072",
            ["-p", "--net none"],
        ),
    ] {
        check(at, &line, 2, code, &words);
    }
}

#[test]
fn a_result_says_whether_the_run_can_be_repeated() {
    let folder = folder_of_files();
    for (flags, network, repeatable) in [
        ("--time virtual", "none", true),
        ("--time virtual --net user", "user", false),
        ("--time host", "none", false),
    ] {
        let line = format!("run --json --limit-insns 100000 {flags}");
        let output = output_in(folder.path(), &line);
        let object: serde_json::Value =
            serde_json::from_slice(&output.stdout).expect("one JSON object");
        assert_eq!(object["network"], network, "{line}");
        assert_eq!(object["repeatable"], repeatable, "{line}");
    }
}

#[test]
fn an_error_in_json_is_one_object_on_standard_output() {
    let folder = folder_of_files();
    for (line, code) in [
        ("run --json -k missing", "VM0010"),
        ("run --json --what", "VM0001"),
    ] {
        let output = output_in(folder.path(), line);
        let object: serde_json::Value =
            serde_json::from_slice(&output.stdout).expect("one JSON object");
        assert_eq!(object["error"]["code"], code);
        assert_eq!(object["exit_code"], 2);
        assert_eq!(object["verdict"], "error");
    }
}
