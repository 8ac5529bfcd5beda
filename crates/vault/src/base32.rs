//! Base32 in two alphabets: Crockford's for what people type, RFC 4648's for authenticator apps.

use zeroize::Zeroizing;

/// Crockford's alphabet, lower case: without i, l, o and u.
pub(crate) const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// RFC 4648's alphabet.
pub(crate) const RFC4648: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The text of `bytes`, five bits to a character, the last one filled with zero bits, no padding.
pub(crate) fn encode(alphabet: &[u8; 32], bytes: &[u8]) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(bytes.len().div_ceil(5) * 8));
    let (mut held, mut bits) = (0_u16, 0_u32);
    for byte in bytes {
        held = (held << 8) | u16::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(digit(alphabet, held >> bits));
        }
    }
    if bits > 0 {
        out.push(digit(alphabet, held << (5 - bits)));
    }
    out
}

fn digit(alphabet: &[u8; 32], value: u16) -> char {
    char::from(alphabet.get(usize::from(value & 31)).copied().unwrap_or(b'0'))
}

/// The bytes of `text`, which must use the alphabet only, be of the length that `encode` gives and
/// end in zero bits, so that one value has one text.
pub(crate) fn decode(alphabet: &[u8; 32], text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(Vec::with_capacity(text.len() * 5 / 8));
    let (mut held, mut bits) = (0_u16, 0_u32);
    for byte in text.bytes() {
        let value = alphabet.iter().position(|known| *known == byte)?;
        held = (held << 5) | u16::try_from(value).ok()?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from((held >> bits) & 0xFF).ok()?);
        }
    }
    let rest = held & ((1 << bits) - 1);
    (bits < 5 && rest == 0).then_some(out)
}

/// What a person typed, in the alphabet's own spelling: without blanks and hyphens, lower case, and
/// with the letters that look like digits read as those.
pub(crate) fn fold(typed: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(typed.len()));
    for c in typed.chars().filter(|c| !c.is_whitespace() && *c != '-') {
        out.push(match c.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rfc4648_vectors_without_padding() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(encode(RFC4648, bytes.as_bytes()).as_str(), text);
            assert_eq!(decode(RFC4648, text).unwrap().as_slice(), bytes.as_bytes());
        }
    }

    #[test]
    fn a_second_spelling_of_a_value_is_refused() {
        assert!(decode(RFC4648, "MZ").is_none());
        assert!(decode(RFC4648, "M").is_none());
        assert!(decode(RFC4648, "MYA").is_none());
        assert!(decode(RFC4648, "my").is_none());
    }

    #[test]
    fn folding_forgives_what_people_do() {
        assert_eq!(fold(" O0Il-Ab\n").as_str(), "0011ab");
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let text = encode(CROCKFORD, &bytes);
            let decoded = decode(CROCKFORD, &text).unwrap();
            prop_assert_eq!(decoded.as_slice(), bytes.as_slice());
        }
    }
}
