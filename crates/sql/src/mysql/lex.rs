//! Texts as the database reads them: where strings and comments begin and end.

use crate::find::find;
use postern_domain::statement::NotUnderstood;

/// The newest version that every server in use has: what is for this or an older one is always read.
const VERSION_MAX: u32 = 50_100;

/// A stretch of a text.
enum Part<'a> {
    /// Read as it is.
    Code(&'a str),
    /// A string, with its quotes.
    Text(&'a str),
    /// A comment, which stands for a blank.
    Comment,
}

/// The text without comments; what is in those that are read all the same stays.
pub(super) fn plain(text: &str) -> Result<String, NotUnderstood> {
    let mut out = String::with_capacity(text.len());
    parts(text, &mut |part| match part {
        Part::Code(code) | Part::Text(code) => out.push_str(code),
        Part::Comment => out.push(' '),
    })?;
    Ok(out)
}

/// See `mysql_redacted`.
pub(super) fn redacted(text: &str) -> Option<String> {
    let found = [&b"identified"[..], b"password"].iter().filter_map(|word| find(text.as_bytes(), word)).min()?;
    let (before, after) = text.split_at_checked(found)?;
    let (mut out, mut replaced) = (before.to_owned(), false);
    let split = parts(after, &mut |part| match part {
        Part::Code(code) => out.push_str(code),
        Part::Comment => out.push(' '),
        Part::Text(_) => {
            out.push_str("'***'");
            replaced = true;
        }
    });
    match split {
        Ok(()) => replaced.then_some(out),
        Err(_) => Some(format!("{before}***")),
    }
}

fn parts<'a>(text: &'a str, found: &mut dyn FnMut(Part<'a>)) -> Result<(), NotUnderstood> {
    let bytes = text.as_bytes();
    let (mut run, mut at, mut inside) = (0, 0, false);
    let code = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    while let Some(byte) = bytes.get(at).copied() {
        let next = bytes.get(at + 1).copied();
        let end = match (byte, next) {
            (b'\'' | b'"' | b'`', _) => {
                let end = string(bytes, at).ok_or_else(|| NotUnderstood("a string has no end".to_owned()))?;
                found(Part::Code(code(run, at)));
                // Names in backticks are code.
                found(if byte == b'`' { Part::Code(code(at, end)) } else { Part::Text(code(at, end)) });
                (run, at) = (end, end);
                continue;
            }
            (b'#', _) => line(bytes, at),
            (b'-', Some(b'-')) if bytes.get(at + 2).is_none_or(|byte| byte.is_ascii_whitespace() || *byte < 32) => {
                line(bytes, at)
            }
            (b'/', Some(b'*')) => match comment(text, at)? {
                Comment::None(end) => end,
                Comment::Read(begin) if !inside => {
                    inside = true;
                    begin
                }
                Comment::Read(_) => return Err(NotUnderstood("a comment within one that is read".to_owned())),
            },
            (b'*', Some(b'/')) if inside => {
                inside = false;
                at + 2
            }
            _ => {
                at += 1;
                continue;
            }
        };
        found(Part::Code(code(run, at)));
        found(Part::Comment);
        (run, at) = (end, end);
    }
    found(Part::Code(code(run, bytes.len())));
    if inside { Err(NotUnderstood("a comment has no end".to_owned())) } else { Ok(()) }
}

/// Where the string ends that begins here.
fn string(bytes: &[u8], begin: usize) -> Option<usize> {
    let quote = *bytes.get(begin)?;
    let mut at = begin + 1;
    loop {
        let byte = *bytes.get(at)?;
        let escapes = byte == b'\\' && quote != b'`';
        if escapes || byte == quote && bytes.get(at + 1) == Some(&quote) {
            at += 2;
        } else if byte == quote {
            return Some(at + 1);
        } else {
            at += 1;
        }
    }
}

fn line(bytes: &[u8], begin: usize) -> usize {
    let rest = bytes.get(begin..).unwrap_or_default();
    rest.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| begin + end)
}

enum Comment {
    /// It is one, and ends here.
    None(usize),
    /// What follows from here on is read.
    Read(usize),
}

/// What begins with `/*`.
fn comment(text: &str, begin: usize) -> Result<Comment, NotUnderstood> {
    let rest = text.get(begin + 2..).unwrap_or_default();
    let end = || {
        let length = rest.find("*/").ok_or_else(|| NotUnderstood("a comment has no end".to_owned()))?;
        Ok(begin + 2 + length + 2)
    };
    if rest.starts_with("M!") || rest.starts_with("m!") {
        return Err(NotUnderstood("a comment that only MariaDB reads".to_owned()));
    }
    let Some(version) = rest.strip_prefix('!') else {
        let end: usize = end()?;
        // Some versions count comments within comments.
        let inner = text.get(begin + 2..end - 2).unwrap_or_default();
        return if inner.contains("/*") {
            Err(NotUnderstood("a comment within a comment".to_owned()))
        } else {
            Ok(Comment::None(end))
        };
    };
    let digits = version.bytes().take_while(u8::is_ascii_digit).count();
    let read = begin + 3 + digits;
    match (digits, version.get(..digits).and_then(|digits| digits.parse::<u32>().ok())) {
        (0, _) => Ok(Comment::Read(read)),
        (5, Some(number)) if number <= VERSION_MAX => Ok(Comment::Read(read)),
        _ => Err(NotUnderstood("a comment that only some versions read".to_owned())),
    }
}
