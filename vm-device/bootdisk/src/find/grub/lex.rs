//! Words and marks of GRUB's language.

/// A piece of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text that stands for itself.
    Text(String),
    /// A variable; outside quotes its value may become several words.
    Variable { name: String, quoted: bool },
}

/// A word: pieces side by side. Quotes make a word even if nothing is in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Word {
    pub pieces: Vec<Piece>,
    pub quoted: bool,
}

impl Word {
    /// The word, if it is plain text without quotes: only then it can be a keyword.
    pub fn plain(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece::Text(text)] if !self.quoted => Some(text),
            _ => None,
        }
    }

    fn text(&mut self, c: char) {
        match self.pieces.last_mut() {
            Some(Piece::Text(text)) => text.push(c),
            _ => self.pieces.push(Piece::Text(c.into())),
        }
    }

    fn is_nothing(&self) -> bool {
        self.pieces.is_empty() && !self.quoted
    }
}

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(Word),
    /// The end of a line, or a semicolon.
    End,
    Open,
    Close,
}

/// The tokens of a script.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer {
        rest: text.chars().peekable(),
        tokens: Vec::new(),
        word: Word::default(),
    };
    lexer.all();
    lexer.tokens
}

struct Lexer<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    tokens: Vec<Token>,
    word: Word,
}

impl Lexer<'_> {
    fn all(&mut self) {
        while let Some(c) = self.rest.next() {
            match c {
                '#' if self.word.is_nothing() => self.comment(),
                ' ' | '\t' | '\r' => self.end_word(),
                '\n' | ';' | '&' | '|' => self.mark(Token::End),
                // Braces are marks where they stand alone; in `${name}` they were taken already.
                '{' if self.word.is_nothing() => self.mark(Token::Open),
                '}' if self.word.is_nothing() => self.mark(Token::Close),
                '\\' => match self.rest.next() {
                    Some('\n') | None => {}
                    Some(c) => self.word.text(c),
                },
                '\'' => self.single(),
                '"' => self.double(),
                '$' => self.variable(false),
                c => self.word.text(c),
            }
        }
        self.mark(Token::End);
    }

    fn end_word(&mut self) {
        let word = std::mem::take(&mut self.word);
        if !word.is_nothing() {
            self.tokens.push(Token::Word(word));
        }
    }

    fn mark(&mut self, token: Token) {
        self.end_word();
        self.tokens.push(token);
    }

    fn comment(&mut self) {
        while self.rest.next_if(|c| *c != '\n').is_some() {}
    }

    fn single(&mut self) {
        self.word.quoted = true;
        while let Some(c) = self.rest.next().filter(|c| *c != '\'') {
            self.word.text(c);
        }
    }

    fn double(&mut self) {
        self.word.quoted = true;
        while let Some(c) = self.rest.next().filter(|c| *c != '"') {
            match c {
                '$' => self.variable(true),
                '\\' => match self.rest.next() {
                    Some(c @ ('$' | '"' | '\\')) => self.word.text(c),
                    Some('\n') | None => {}
                    Some(c) => {
                        self.word.text('\\');
                        self.word.text(c);
                    }
                },
                c => self.word.text(c),
            }
        }
    }

    /// What follows a dollar sign.
    fn variable(&mut self, quoted: bool) {
        let in_name = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        let mut name = String::new();
        if self.rest.next_if_eq(&'{').is_some() {
            while let Some(c) = self.rest.next().filter(|c| *c != '}') {
                name.push(c);
            }
        } else if let Some(c) = self
            .rest
            .next_if(|c| matches!(c, '?' | '#' | '*' | '@' | '0'..='9'))
        {
            name.push(c);
        } else {
            while let Some(c) = self.rest.next_if(in_name) {
                name.push(c);
            }
        }
        if name.is_empty() {
            self.word.text('$');
        } else {
            self.word.pieces.push(Piece::Variable { name, quoted });
        }
    }
}
