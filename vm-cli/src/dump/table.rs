//! Columns of code that belong together line by line.

use std::fmt::Write;

use vm_runtime::Whence;

/// What stands between two columns.
const GAP: usize = 2;

/// A line of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The code.
    pub text: String,
    /// What is said about it.
    pub note: Option<String>,
}

/// A column, with the guest's instruction that each line belongs to.
pub struct Column {
    /// What stands above it.
    pub name: &'static str,
    /// Its lines.
    pub cells: Vec<(Option<Whence>, Cell)>,
}

/// Colours, or none.
#[derive(Clone, Copy, Debug)]
pub struct Paint(pub bool);

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.0 && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// What everything below is about.
    pub fn title(self, text: &str) -> String {
        self.with("1", text)
    }

    /// The head of a part, with a line to the right border.
    pub fn heading(self, text: &str, columns: usize) -> String {
        let rest = columns.saturating_sub(text.chars().count() + 4);
        let line = "-".repeat(rest.min(80));
        let painted = self.with("1;36", &format!("-- {text}"));
        let line = self.dim(&line);
        format!("{painted} {line}").trim_end().to_owned()
    }

    /// Names of columns, and what is said about code.
    pub fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    /// The guest's own code.
    pub fn guest(self, text: &str) -> String {
        self.with("33", text)
    }
}

impl Cell {
    /// How wide it is.
    fn width(&self) -> usize {
        let note = self.note.as_ref().map(|note| note.chars().count() + 4);
        self.text.chars().count() + note.unwrap_or(0)
    }

    /// It, filled up to a width.
    pub fn painted(&self, paint: Paint, width: usize) -> String {
        let fill = " ".repeat(width.saturating_sub(self.width()));
        match &self.note {
            Some(note) => format!("{}{}{fill}", self.text, paint.dim(&format!("  ; {note}"))),
            None => format!("{}{fill}", self.text),
        }
    }
}

impl Column {
    fn width(&self) -> usize {
        let cells = self.cells.iter().map(|(_, cell)| cell.width());
        cells.max().unwrap_or(0).max(self.name.len())
    }

    /// The lines of one instruction.
    fn of(&self, whence: Option<Whence>) -> Vec<&Cell> {
        let cells = self.cells.iter().filter(|(of, _)| *of == whence);
        cells.map(|(_, cell)| cell).collect()
    }
}

/// The columns beside each other, each instruction on a level; `None` if there is no room.
pub fn side_by_side(
    columns: &[Column],
    order: &[Option<Whence>],
    room: usize,
    paint: Paint,
) -> Option<String> {
    let widths: Vec<usize> = columns.iter().map(Column::width).collect();
    let all = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
    if all > room {
        return None;
    }
    let mut text = String::new();
    let names = columns.iter().zip(&widths);
    let names = names.map(|(column, width)| paint.dim(&format!("{:<width$}", column.name)));
    let names = names.collect::<Vec<_>>().join("  ");
    let _ = writeln!(text, "{}", names.trim_end());
    for whence in order {
        let lines: Vec<Vec<&Cell>> = columns.iter().map(|column| column.of(*whence)).collect();
        let height = lines.iter().map(Vec::len).max().unwrap_or(0);
        for row in 0..height {
            let mut line = String::new();
            for (number, (cells, width)) in lines.iter().zip(&widths).enumerate() {
                let width = if number + 1 == widths.len() {
                    0
                } else {
                    width + GAP
                };
                let cell = cells.get(row).map(|cell| cell.painted(paint, width));
                let cell = cell.unwrap_or_else(|| " ".repeat(width));
                line += &if number == 0 {
                    paint.guest(&cell)
                } else {
                    cell
                };
            }
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    Some(text)
}

/// The columns below each other, instruction by instruction.
pub fn stacked(columns: &[Column], order: &[Option<Whence>], paint: Paint) -> String {
    let Some((first, others)) = columns.split_first() else {
        return String::new();
    };
    let mut text = String::new();
    let width = others.iter().map(|column| column.name.len()).max();
    let width = width.unwrap_or(0);
    for whence in order {
        for cell in first.of(*whence) {
            let _ = writeln!(text, "{}", paint.guest(&cell.text));
        }
        for column in others {
            for (row, cell) in column.of(*whence).into_iter().enumerate() {
                let name = if row == 0 { column.name } else { "" };
                let name = paint.dim(&format!("{name:<width$}"));
                let _ = writeln!(text, "    {name}  {}", cell.painted(paint, 0));
            }
        }
    }
    text
}
