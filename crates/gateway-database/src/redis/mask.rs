//! Hiding what policy wants hidden: the values of keys by the keys' names, and what detectors find in
//! every text.

use std::borrow::Cow;
use std::collections::BTreeSet;

use postern_domain::policy::{Detector, Statements, like};
use postern_wire::redis::{Count, Error, Piece, Replies};

use crate::detect::{self, HIDDEN};

/// What is hidden.
pub(crate) struct Mask {
    keys: BTreeSet<String>,
    detectors: BTreeSet<Detector>,
}

impl Mask {
    /// None where nothing is hidden.
    pub(crate) fn of(statements: &Statements) -> Option<Self> {
        let masking = statements.masking.as_ref()?;
        let (keys, detectors) = (masking.columns.clone(), masking.detectors.clone());
        (!keys.is_empty() || !detectors.is_empty()).then_some(Self { keys, detectors })
    }

    /// Whether the values of some keys are hidden.
    pub(crate) fn hides_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Whether the value of this key is.
    pub(crate) fn is_hidden(&self, key: &[u8]) -> bool {
        let key = String::from_utf8_lossy(key);
        self.keys.iter().any(|pattern| like(pattern, &key))
    }

    /// A value as it is shown.
    pub(crate) fn value<'a>(&self, value: &'a [u8], hides: bool) -> Cow<'a, [u8]> {
        if hides { Cow::Borrowed(HIDDEN) } else { detect::hidden(&self.detectors, value, HIDDEN) }
    }

    /// A whole reply as it is shown. Numbers, errors and what kind of reply it is stay.
    pub(crate) fn reply(&self, reply: &[u8], hides: bool) -> Result<Vec<u8>, Error> {
        let (mut out, mut replies, mut rest) = (Vec::with_capacity(reply.len()), Replies::default(), reply);
        while let Some(piece) = replies.next(rest)? {
            let (here, after) = rest.split_at_checked(piece.length()).unwrap_or((rest, &[]));
            rest = after;
            match piece {
                Piece::Line { kind: b'$' | b'=', count: Count::Bytes(length), .. } => {
                    let length = usize::try_from(length).map_err(|_| Error::Malformed("the length of a text"))?;
                    let text = rest.get(..length).ok_or(Error::Malformed("a text"))?;
                    let is_verbatim = here.first() == Some(&b'=') && text.get(3) == Some(&b':');
                    let (head, text) = text.split_at_checked(if is_verbatim { 4 } else { 0 }).unwrap_or((&[], text));
                    let shown = self.value(text, hides);
                    let kind = if is_verbatim { '=' } else { '$' };
                    out.extend_from_slice(format!("{kind}{}\r\n", head.len() + shown.len()).as_bytes());
                    out.extend_from_slice(head);
                    out.extend_from_slice(&shown);
                    out.extend_from_slice(b"\r\n");
                }
                Piece::Line { kind: b'+', text, .. } if text != b"OK" && text != b"QUEUED" && text != b"PONG" => {
                    out.push(b'+');
                    out.extend_from_slice(&self.value(text, hides));
                    out.extend_from_slice(b"\r\n");
                }
                Piece::Line { .. } => out.extend_from_slice(here),
                // Written with its line.
                Piece::Data { .. } => {}
            }
        }
        Ok(out)
    }
}

/// The single values in a whole reply, in their order; none for null.
pub(crate) fn values(reply: &[u8]) -> Result<Vec<Option<&[u8]>>, Error> {
    let (mut found, mut replies, mut rest) = (Vec::new(), Replies::default(), reply);
    while let Some(piece) = replies.next(rest)? {
        let (_, after) = rest.split_at_checked(piece.length()).unwrap_or((rest, &[]));
        rest = after;
        match piece {
            Piece::Line { count: Count::Bytes(length), .. } => {
                let length = usize::try_from(length).map_err(|_| Error::Malformed("the length of a text"))?;
                found.push(Some(rest.get(..length).ok_or(Error::Malformed("a text"))?));
            }
            Piece::Line { kind: b'_', count: Count::One, .. } => found.push(None),
            Piece::Line { kind: b'$' | b'*', count: Count::One, .. } => found.push(None),
            Piece::Line { count: Count::One, text, .. } => found.push(Some(text)),
            Piece::Line { .. } | Piece::Data { .. } => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_of_a_reply_are_told_in_their_order() {
        let reply = b"*4\r\n$3\r\none\r\n$-1\r\n:7\r\n*1\r\n+fine\r\n";
        assert_eq!(values(reply), Ok(vec![Some(&b"one"[..]), None, Some(b"7"), Some(b"fine")]));
        assert_eq!(values(b"_\r\n"), Ok(vec![None]));
    }
}
