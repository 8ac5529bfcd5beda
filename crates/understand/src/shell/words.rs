//! A shell's words: quotes, escapes, operators, here-documents.

use std::iter::Peekable;
use std::str::Chars;

/// A piece of a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A word without its quotes.
    Word(String),
    /// The next word is a file that is read or written.
    Redirect,
    /// A simple command ends.
    End,
}

/// How many pieces are looked at.
const TOKENS_MAX: usize = 4096;

/// The pieces of a text, and the commands within it: `$(...)`, backticks, bodies of here-documents that
/// a shell is given.
pub(super) fn tokens(text: &str) -> (Vec<Token>, Vec<String>) {
    let mut lexer = Lexer { chars: text.chars().peekable(), tokens: Vec::new(), nested: Vec::new(), word: None };
    let mut bodies = Vec::new();
    while lexer.tokens.len() < TOKENS_MAX {
        match lexer.next(&mut bodies) {
            Some(()) => {}
            None => break,
        }
    }
    lexer.end_word();
    (lexer.tokens, lexer.nested)
}

struct Lexer<'a> {
    chars: Peekable<Chars<'a>>,
    tokens: Vec<Token>,
    nested: Vec<String>,
    word: Option<String>,
}

impl Lexer<'_> {
    fn push(&mut self, char: char) {
        self.word.get_or_insert_default().push(char);
    }

    fn end_word(&mut self) {
        if let Some(word) = self.word.take() {
            self.tokens.push(Token::Word(word));
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        self.tokens.push(Token::End);
    }

    /// Whether the next character is this one; takes it then.
    fn takes(&mut self, char: char) -> bool {
        self.chars.next_if_eq(&char).is_some()
    }

    fn next(&mut self, delimiters: &mut Vec<(String, bool)>) -> Option<()> {
        match self.chars.next()? {
            '\'' => self.quoted('\'', false),
            '"' => self.quoted('"', true),
            '\\' => match self.chars.next() {
                Some('\n') | None => {}
                Some(char) => self.push(char),
            },
            '`' => {
                let inner = self.until('`');
                self.inner(inner);
            }
            '$' if self.takes('(') => {
                let inner = self.until(')');
                self.inner(inner);
            }
            '$' if self.chars.peek() == Some(&'\'') => {
                self.chars.next();
                self.quoted('\'', true);
            }
            '#' if self.word.is_none() => while self.chars.next_if(|c| *c != '\n').is_some() {},
            '<' => self.less(delimiters),
            '>' => {
                self.number_word();
                let _ = self.takes('>') || self.takes('|');
                // `2>&1` names no file.
                if self.takes('&') {
                    while self.chars.next_if(|c| c.is_ascii_digit() || *c == '-').is_some() {}
                } else if self.takes('(') {
                    let inner = self.until(')');
                    self.inner(inner);
                } else {
                    self.tokens.push(Token::Redirect);
                }
            }
            '\n' => {
                let shell = self.last_is_shell();
                self.end_command();
                for (delimiter, _) in std::mem::take(delimiters) {
                    let body = self.body(&delimiter);
                    if shell {
                        self.nested.push(body);
                    }
                }
            }
            '&' if self.chars.peek() == Some(&'>') => self.end_word(),
            ';' | '|' | '&' | '(' | ')' => self.end_command(),
            char if char.is_whitespace() => self.end_word(),
            char => self.push(char),
        }
        Some(())
    }

    /// A redirection from something.
    fn less(&mut self, delimiters: &mut Vec<(String, bool)>) {
        self.number_word();
        if self.takes('<') {
            if self.takes('<') {
                return self.end_word();
            }
            let _ = self.takes('-');
            while self.chars.next_if_eq(&' ').is_some() {}
            let mut delimiter = String::new();
            while let Some(char) = self.chars.next_if(|c| !c.is_whitespace() && !";|&<>".contains(*c)) {
                if !matches!(char, '\'' | '"' | '\\') {
                    delimiter.push(char);
                }
            }
            delimiters.push((delimiter, true));
        } else if self.takes('(') {
            let inner = self.until(')');
            self.inner(inner);
        } else if !self.takes('&') {
            self.tokens.push(Token::Redirect);
        }
    }

    /// A word that is only the number of what is redirected is none.
    fn number_word(&mut self) {
        if self.word.as_ref().is_some_and(|word| word.chars().all(|c| c.is_ascii_digit())) {
            self.word = None;
        }
        self.end_word();
    }

    fn inner(&mut self, inner: String) {
        self.word.get_or_insert_default();
        self.nested.push(inner);
    }

    /// Whether a shell, or a connection to one, is given what follows.
    fn last_is_shell(&self) -> bool {
        let start = self.tokens.iter().rposition(|token| *token == Token::End).map_or(0, |at| at + 1);
        self.tokens.iter().skip(start).any(|token| {
            let Token::Word(word) = token else { return false };
            ["sh", "bash", "zsh", "dash", "ksh", "ssh"].contains(&word.rsplit('/').next().unwrap_or_default())
        })
    }

    fn quoted(&mut self, quote: char, escapes: bool) {
        self.word.get_or_insert_default();
        while let Some(char) = self.chars.next() {
            match char {
                char if char == quote => return,
                '\\' if escapes => match self.chars.next() {
                    Some(char @ ('"' | '\\' | '$' | '`' | '\'')) => self.push(char),
                    Some('\n') | None => {}
                    Some(char) => {
                        self.push('\\');
                        self.push(char);
                    }
                },
                '$' if quote == '"' && self.takes('(') => {
                    let inner = self.until(')');
                    self.inner(inner);
                }
                '`' if quote == '"' => {
                    let inner = self.until('`');
                    self.inner(inner);
                }
                char => self.push(char),
            }
        }
    }

    /// Everything up to the closing character that belongs to the one before.
    fn until(&mut self, close: char) -> String {
        let (mut inner, mut depth, mut quote) = (String::new(), 0_u32, None);
        while let Some(char) = self.chars.next() {
            match (char, quote) {
                ('\\', _) => {
                    inner.push(char);
                    inner.extend(self.chars.next());
                    continue;
                }
                (char, Some(open)) if char == open => quote = None,
                ('\'' | '"', None) => quote = Some(char),
                ('(', None) if close == ')' => depth += 1,
                (char, None) if char == close => {
                    if depth == 0 {
                        break;
                    }
                    depth -= 1;
                }
                _ => {}
            }
            inner.push(char);
        }
        inner
    }

    /// The lines up to the one that ends a here-document.
    fn body(&mut self, delimiter: &str) -> String {
        let mut body = String::new();
        loop {
            let mut line = String::new();
            let mut ended = true;
            for char in self.chars.by_ref() {
                if char == '\n' {
                    ended = false;
                    break;
                }
                line.push(char);
            }
            if line.trim_start_matches('\t') == delimiter || (ended && line.is_empty()) {
                return body;
            }
            body.push_str(&line);
            body.push('\n');
            if ended {
                return body;
            }
        }
    }
}

/// Whether a shell would ask for more: a quote or a bracket is open, a here-document has not ended, an
/// operator wants its right side, a loop its end.
pub(crate) fn incomplete(text: &str) -> bool {
    let (mut quote, mut depth, mut blocks) = (None, 0_i32, 0_i32);
    let (mut word, mut last, mut first) = (String::new(), ' ', true);
    let mut chars = text.chars().peekable();
    let mut pending: Vec<String> = Vec::new();
    while let Some(char) = chars.next() {
        match (char, quote) {
            ('\\', Some('\'')) => {}
            ('\\', _) => {
                match chars.next() {
                    None => return true,
                    Some('\n') => {}
                    Some(char) => word.push(char),
                }
                last = 'x';
                continue;
            }
            (char, Some(open)) => {
                if char == open {
                    quote = None;
                }
                continue;
            }
            ('\'' | '"' | '`', None) => quote = Some(char),
            ('(', None) => depth += 1,
            (')', None) => depth -= 1,
            ('#', None) if word.is_empty() && (last.is_whitespace() || last == ';') => {
                while chars.next_if(|c| *c != '\n').is_some() {}
                continue;
            }
            ('<', None) if chars.peek() == Some(&'<') => {
                chars.next();
                if chars.next_if_eq(&'<').is_none() {
                    pending.push(delimiter(&mut chars));
                }
                last = 'x';
                continue;
            }
            _ => {}
        }
        let ends_word = char.is_whitespace() || ";|&()".contains(char);
        if ends_word {
            blocks +=
                if first { block(&word) } else { i32::from(word == "do") - i32::from(word == "done") }.clamp(-1, 1);
            first = if word.is_empty() { first } else { ["do", "then", "else", "!"].contains(&word.as_str()) };
            first |= ";|&(\n".contains(char);
            word.clear();
        } else {
            word.push(char);
        }
        if char == '\n' && !pending.is_empty() && !skip_bodies(&mut chars, &mut pending) {
            return true;
        }
        if !char.is_whitespace() {
            last = char;
        } else if char == '\n' {
            last = ';';
        }
    }
    blocks += if first { block(&word) } else { i32::from(word == "do") - i32::from(word == "done") };
    let wants_more = last == '|' || text.trim_end().ends_with("&&");
    quote.is_some() || depth > 0 || blocks > 0 || wants_more || !pending.is_empty()
}

/// What a word of the grammar opens or closes.
fn block(word: &str) -> i32 {
    match word {
        "if" | "case" | "do" | "{" => 1,
        "fi" | "esac" | "done" | "}" => -1,
        _ => 0,
    }
}

fn delimiter(chars: &mut Peekable<Chars<'_>>) -> String {
    chars.next_if_eq(&'-');
    while chars.next_if_eq(&' ').is_some() {}
    let mut delimiter = String::new();
    while let Some(char) = chars.next_if(|c| !c.is_whitespace() && !";|&<>".contains(*c)) {
        if !matches!(char, '\'' | '"' | '\\') {
            delimiter.push(char);
        }
    }
    delimiter
}

/// Goes past the bodies of here-documents; false when one has not ended.
fn skip_bodies(chars: &mut Peekable<Chars<'_>>, pending: &mut Vec<String>) -> bool {
    for delimiter in std::mem::take(pending) {
        loop {
            let mut line = String::new();
            while let Some(char) = chars.next_if(|c| *c != '\n') {
                line.push(char);
            }
            let more = chars.next().is_some();
            if line.trim_start_matches('\t') == delimiter {
                break;
            }
            if !more {
                return false;
            }
        }
    }
    true
}
