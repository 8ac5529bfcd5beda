//! What gives a person away, found in texts.

use std::borrow::Cow;
use std::collections::BTreeSet;

use postern_domain::policy::Detector;

/// What is shown in place of something hidden.
pub(crate) const HIDDEN: &[u8] = b"***";

/// A target's own text as it is shown.
pub(crate) fn words(detectors: &BTreeSet<Detector>, text: &str) -> String {
    String::from_utf8_lossy(&hidden(detectors, text.as_bytes(), HIDDEN)).into_owned()
}

/// `value` with `instead` in place of each thing that a detector finds.
pub(crate) fn hidden<'a>(detectors: &BTreeSet<Detector>, value: &'a [u8], instead: &[u8]) -> Cow<'a, [u8]> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for detector in detectors {
        match detector {
            Detector::Email => emails(value, &mut found),
            Detector::CardNumber => numbers(value, &mut found, is_card),
            Detector::Phone => numbers(value, &mut found, is_phone),
        }
    }
    if found.is_empty() {
        return Cow::Borrowed(value);
    }
    found.sort_unstable();
    let (mut out, mut at) = (Vec::with_capacity(value.len()), 0);
    for (from, to) in found {
        if from >= at {
            out.extend_from_slice(value.get(at..from).unwrap_or_default());
            out.extend_from_slice(instead);
        }
        at = at.max(to);
    }
    out.extend_from_slice(value.get(at..).unwrap_or_default());
    Cow::Owned(out)
}

/// Where e-mail addresses are.
fn emails(value: &[u8], found: &mut Vec<(usize, usize)>) {
    let is_local = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte) || byte >= 0x80;
    let is_domain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.' || byte >= 0x80;
    for (at, _) in value.iter().enumerate().filter(|(_, byte)| **byte == b'@') {
        let before = value.get(..at).unwrap_or_default();
        let after = value.get(at + 1..).unwrap_or_default();
        let local = before.iter().rev().take_while(|byte| is_local(**byte)).count();
        let domain = after.iter().take_while(|byte| is_domain(**byte)).count();
        let dotted = after.get(..domain).unwrap_or_default().contains(&b'.');
        if local > 0 && domain > 2 && dotted {
            found.push((at - local, at + 1 + domain));
        }
    }
}

/// Where rows of digits are, with single blanks, dots, dashes and brackets between them, that `is` what
/// is looked for.
fn numbers(value: &[u8], found: &mut Vec<(usize, usize)>, is: fn(bool, &[u8]) -> bool) {
    let mut at = 0;
    while let Some(begin) = value.get(at..).and_then(|rest| rest.iter().position(u8::is_ascii_digit)) {
        let begin = at + begin;
        let (mut digits, mut end, mut looked) = (Vec::new(), begin, begin);
        while let Some(byte) = value.get(looked) {
            if byte.is_ascii_digit() {
                digits.push(byte - b'0');
                end = looked + 1;
            } else if !b" -.()/".contains(byte) || looked > end + 1 {
                break;
            }
            looked += 1;
        }
        let plus = begin > 0 && value.get(begin - 1) == Some(&b'+');
        if is(plus, &digits) {
            found.push((begin - usize::from(plus), end));
        }
        at = end;
    }
}

/// Luhn's sum over 13 to 19 digits.
fn is_card(_: bool, digits: &[u8]) -> bool {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| if place % 2 == 0 { u32::from(*digit) } else { doubled(u32::from(*digit)) })
        .sum();
    (13..=19).contains(&digits.len()) && sum.is_multiple_of(10)
}

fn is_phone(plus: bool, digits: &[u8]) -> bool {
    plus && (8..=15).contains(&digits.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detectors_find_what_they_look_for() {
        let all = [Detector::Email, Detector::CardNumber, Detector::Phone].into();
        for (text, shown) in [
            ("write to ada@example.com, please", "write to ***, please"),
            ("4111 1111 1111 1111 and 4111-1111-1111-1112", "*** and 4111-1111-1111-1112"),
            ("call +49 (30) 123456-78.", "call ***."),
            ("order 12345678, 2026-11-25", "order 12345678, 2026-11-25"),
            ("a@b @home x@", "a@b @home x@"),
            ("", ""),
        ] {
            assert_eq!(String::from_utf8_lossy(&hidden(&all, text.as_bytes(), HIDDEN)), shown);
        }
    }
}
