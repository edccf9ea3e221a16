//! The command `search`, which looks for a device.

use super::run::{Machine, device};
use crate::volume::Volume;

impl Machine<'_> {
    pub(super) fn search(&mut self, words: &[String]) -> Result<bool, String> {
        let (mut by, mut variable, mut wanted) = ('u', None, None);
        let mut words = words.iter().peekable();
        while let Some(word) = words.next() {
            match word.as_str() {
                "-u" | "--fs-uuid" => by = 'u',
                "-l" | "--label" => by = 'l',
                "-f" | "--file" => by = 'f',
                "-s" | "--set" => {
                    variable = Some("root".to_owned());
                    // `--set NAME WHAT` has one word more than `--set WHAT`.
                    let next_two = words.clone().filter(|word| !word.starts_with('-')).count();
                    if next_two > 1 && words.peek().is_some_and(|word| !word.starts_with('-')) {
                        variable = words.next().cloned();
                    }
                }
                "--hint" | "-h" => {
                    words.next();
                }
                word => match word.strip_prefix("--set=") {
                    Some(name) => variable = Some(name.to_owned()),
                    None if word.starts_with('-') => {}
                    None => wanted = Some(word.to_owned()),
                },
            }
        }
        self.found(
            by,
            &variable.unwrap_or_default(),
            &wanted.unwrap_or_default(),
        )
    }

    /// The forms `search.fs_uuid WHAT VARIABLE HINTS` of GRUB's first configuration.
    pub(super) fn search_short(&mut self, name: &str, words: &[String]) -> Result<bool, String> {
        let by = match name {
            "search.fs_uuid" => 'u',
            "search.fs_label" => 'l',
            _ => 'f',
        };
        let word = |index: usize| words.get(index).cloned().unwrap_or_default();
        self.found(by, &word(1), &word(0))
    }

    fn found(&mut self, by: char, variable: &str, wanted: &str) -> Result<bool, String> {
        let fits = |volume: &&Volume| match by {
            'u' => volume.fs.uuid().eq_ignore_ascii_case(wanted),
            'l' => volume.fs.label() == wanted,
            _ => volume.is_file(wanted),
        };
        let device = self.volumes.iter().find(fits).map(device);
        if let (Some(device), false) = (&device, variable.is_empty()) {
            self.set(variable, device)?;
        }
        Ok(device.is_some())
    }
}
