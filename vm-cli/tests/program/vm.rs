//! The program that is tested, and what is said to it and by it.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// A command line, to which nobody types anything.
pub fn vm(line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vm"));
    command.args(line.split_whitespace()).stdin(Stdio::null());
    command
}

/// Starts a command that is typed to and listened to.
pub fn start(command: &mut Command) -> Child {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let child = command.stderr(Stdio::piped()).spawn();
    child.expect("the program starts")
}

/// What becomes of a command line in a folder.
pub fn output_in(folder: &Path, line: &str) -> Output {
    let output = vm(line).current_dir(folder).output();
    output.expect("the program starts")
}

/// What becomes of a command line when that is typed at the console.
pub fn typed(line: &str, input: &str) -> Output {
    let mut child = start(vm(line).env("COLUMNS", "120"));
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

/// Adds what is said to what was, up to the prompt or to the end.
pub fn hear(out: &mut (impl Read + ?Sized), said: &mut Vec<u8>, prompt: &str) {
    let mut byte = [0];
    while matches!(out.read(&mut byte), Ok(1)) {
        said.push(byte[0]);
        if said.ends_with(prompt.as_bytes()) {
            return;
        }
    }
}

/// What was said, as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Instruction words as a program.
pub fn program(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}
