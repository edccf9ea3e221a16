//! Statements of GRUB's language.

use std::rc::Rc;

use super::lex::{Token, Word, tokens};

// LIMIT: `grub-mkconfig` nests four deep; a file of nothing but braces ends here.
const MAX_DEPTH: u32 = 32;

/// Statements in a row.
pub(super) type Block = Rc<[Statement]>;

/// A statement.
#[derive(Debug)]
pub(super) enum Statement {
    /// A command with its arguments.
    Command(Vec<Word>),
    /// Conditions with what follows from them, and what follows if none holds.
    If(Vec<(Block, Block)>, Block),
    /// A command of one's own.
    Function(String, Block),
    /// An entry of the menu, or a menu below it: arguments and content.
    Menu {
        words: Vec<Word>,
        content: Block,
        sub: bool,
    },
}

/// The statements of a script.
pub(super) fn parse(text: &str) -> Result<Block, String> {
    let tokens = tokens(text);
    let mut parser = Parser {
        tokens: &tokens,
        at: 0,
        depth: 0,
    };
    let block = parser.block(&[])?;
    match parser.tokens.get(parser.at) {
        None => Ok(block),
        Some(token) => Err(format!("{} has nothing that it ends", shown(token))),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: u32,
}

/// Words that end a block of an `if`.
const THEN: &[&str] = &["then"];
const BRANCH: &[&str] = &["elif", "else", "fi"];
const FI: &[&str] = &["fi"];

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn keyword(&self) -> Option<&str> {
        match self.peek() {
            Some(Token::Word(word)) => word.plain(),
            _ => None,
        }
    }

    /// Statements up to one of these words, to a closing brace, or to the end.
    fn block(&mut self, until: &[&str]) -> Result<Block, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!(
                "blocks stand more than {MAX_DEPTH} deep in one another"
            ));
        }
        let mut statements = Vec::new();
        while let Some(token) = self.peek() {
            let ends = self.keyword().is_some_and(|word| until.contains(&word));
            match token {
                Token::End => self.at += 1,
                Token::Close => break,
                Token::Open => return Err("a brace opens where a command should be".to_owned()),
                Token::Word(_) if ends => break,
                Token::Word(_) => statements.push(self.statement()?),
            }
        }
        self.depth -= 1;
        Ok(statements.into())
    }

    fn statement(&mut self) -> Result<Statement, String> {
        match self.keyword() {
            Some("if") => self.condition(),
            Some("function") => {
                self.at += 1;
                let name = self.keyword().unwrap_or_default().to_owned();
                self.at += 1;
                Ok(Statement::Function(name, self.braces()?))
            }
            Some(word @ ("menuentry" | "submenu")) => {
                let sub = word == "submenu";
                self.at += 1;
                let words = self.words();
                let content = self.braces()?;
                Ok(Statement::Menu {
                    words,
                    content,
                    sub,
                })
            }
            Some(word @ ("while" | "until" | "for")) => Err(format!("a `{word}` loop is not run")),
            Some(word @ ("then" | "elif" | "else" | "fi" | "do" | "done")) => {
                Err(format!("`{word}` has nothing that it belongs to"))
            }
            _ => Ok(Statement::Command(self.words())),
        }
    }

    fn words(&mut self) -> Vec<Word> {
        let mut words = Vec::new();
        while let Some(Token::Word(word)) = self.tokens.get(self.at) {
            words.push(word.clone());
            self.at += 1;
        }
        words
    }

    fn braces(&mut self) -> Result<Block, String> {
        while self.peek() == Some(&Token::End) {
            self.at += 1;
        }
        if self.peek() != Some(&Token::Open) {
            return Err("a block should begin with a brace".to_owned());
        }
        self.at += 1;
        let block = self.block(&[])?;
        if self.peek() != Some(&Token::Close) {
            return Err("a block has no closing brace".to_owned());
        }
        self.at += 1;
        Ok(block)
    }

    fn condition(&mut self) -> Result<Statement, String> {
        let mut branches = Vec::new();
        loop {
            // `if` or `elif`.
            self.at += 1;
            let condition = self.block(THEN)?;
            self.expect("then")?;
            let then = self.block(BRANCH)?;
            branches.push((condition, then));
            match self.keyword() {
                Some("elif") => {}
                Some("else") => {
                    self.at += 1;
                    let otherwise = self.block(FI)?;
                    self.expect("fi")?;
                    return Ok(Statement::If(branches, otherwise));
                }
                _ => {
                    self.expect("fi")?;
                    return Ok(Statement::If(branches, Vec::new().into()));
                }
            }
        }
    }

    fn expect(&mut self, word: &str) -> Result<(), String> {
        if self.keyword() == Some(word) {
            self.at += 1;
            return Ok(());
        }
        let found = self.peek().map_or_else(|| "the end".to_owned(), shown);
        Err(format!("`{word}` should stand where {found} is"))
    }
}

fn shown(token: &Token) -> String {
    match token {
        Token::Word(word) => format!("`{}`", word.plain().unwrap_or("a word")),
        Token::End => "the end of a line".to_owned(),
        Token::Open => "`{`".to_owned(),
        Token::Close => "`}`".to_owned(),
    }
}
