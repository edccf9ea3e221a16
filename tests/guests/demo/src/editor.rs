//! The prompt: one line at a time, with the few keys everybody tries.

use crate::{console, print, riscv};

/// LIMIT: no command is longer.
const MAX_LINE: usize = 128;

const CTRL_C: u8 = 0x03;
const CTRL_D: u8 = 0x04;
const BACKSPACE: u8 = 0x08;
const CTRL_L: u8 = 0x0c;
const CTRL_U: u8 = 0x15;
const CTRL_W: u8 = 0x17;
const ESCAPE: u8 = 0x1b;
const DELETE: u8 = 0x7f;

/// The line being typed, and the one before it.
pub struct Editor {
    line: [u8; MAX_LINE],
    length: usize,
    previous: [u8; MAX_LINE],
    previous_length: usize,
    /// The last byte ended a line with a carriage return: a line feed right after is part of it.
    after_return: bool,
}

fn next_byte() -> u8 {
    loop {
        if let Some(byte) = console::read() {
            return byte;
        }
        console::flush();
        riscv::sleep_until(console::has_input);
    }
}

impl Editor {
    /// An empty line.
    pub const fn new() -> Self {
        Self {
            line: [0; MAX_LINE],
            length: 0,
            previous: [0; MAX_LINE],
            previous_length: 0,
            after_return: false,
        }
    }

    /// Prompts and reads a line, without the spaces around it.
    pub fn read_line(&mut self) -> &str {
        print!("vm> ");
        self.length = 0;
        loop {
            let byte = next_byte();
            let after_return = core::mem::replace(&mut self.after_return, byte == b'\r');
            match byte {
                b'\n' if after_return => {}
                b'\r' | b'\n' => break,
                CTRL_C => {
                    print!("^C\nvm> ");
                    self.length = 0;
                }
                CTRL_D if self.length == 0 => {
                    print!("(off powers the machine off)\nvm> ");
                }
                BACKSPACE | DELETE => self.erase(1),
                CTRL_U => self.erase(self.length),
                CTRL_W => self.erase(self.last_word()),
                CTRL_L => {
                    print!("\x1b[H\x1b[2Jvm> ");
                    self.echo();
                }
                ESCAPE => self.escape(),
                b' '..=b'~' => self.insert(byte),
                _ => {}
            }
        }
        print!("\n");
        self.finish()
    }

    fn insert(&mut self, byte: u8) {
        if let Some(place) = self.line.get_mut(self.length) {
            *place = byte;
            self.length += 1;
            console::write(byte);
        }
    }

    fn erase(&mut self, count: usize) {
        for _ in 0..count.min(self.length) {
            print!("\x08 \x08");
            self.length -= 1;
        }
    }

    /// Bytes from the start of the last word to the end of the line.
    fn last_word(&self) -> usize {
        let typed = &self.line[..self.length];
        let word_end = typed
            .iter()
            .rposition(|&byte| byte != b' ')
            .map_or(0, |at| at + 1);
        let start = typed[..word_end]
            .iter()
            .rposition(|&byte| byte == b' ')
            .map_or(0, |at| at + 1);
        self.length - start
    }

    fn echo(&self) {
        for &byte in &self.line[..self.length] {
            console::write(byte);
        }
    }

    /// Reads the rest of an escape sequence. Up brings the previous line back; others do nothing.
    fn escape(&mut self) {
        if next_byte() != b'[' {
            return;
        }
        let last = loop {
            let byte = next_byte();
            if (b'@'..=b'~').contains(&byte) {
                break byte;
            }
        };
        match last {
            b'A' => {
                self.erase(self.length);
                self.line = self.previous;
                self.length = self.previous_length;
                self.echo();
            }
            b'B' => self.erase(self.length),
            _ => {}
        }
    }

    fn finish(&mut self) -> &str {
        if self.length != 0 {
            self.previous = self.line;
            self.previous_length = self.length;
        }
        // Only ASCII gets in, so this never fails.
        core::str::from_utf8(&self.line[..self.length])
            .unwrap_or("")
            .trim()
    }
}
