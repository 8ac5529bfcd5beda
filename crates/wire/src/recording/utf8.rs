//! Text from a stream of bytes whose characters may be split anywhere.

/// Turns portions of a byte stream into text. What is not UTF-8 becomes U+FFFD.
#[derive(Clone, Debug, Default)]
pub(super) struct Utf8Stream {
    /// The beginning of a character whose end has not arrived; at most three bytes.
    partial: Vec<u8>,
}

impl Utf8Stream {
    /// Appends the text of `data` to `out`, as far as its last whole character.
    pub(super) fn decode(&mut self, data: &[u8], out: &mut String) {
        let joined;
        let mut rest = if self.partial.is_empty() {
            data
        } else {
            self.partial.extend_from_slice(data);
            joined = std::mem::take(&mut self.partial);
            joined.as_slice()
        };
        loop {
            let error = match str::from_utf8(rest) {
                Ok(text) => {
                    out.push_str(text);
                    return;
                }
                Err(error) => error,
            };
            let (valid, after) = rest.split_at_checked(error.valid_up_to()).unwrap_or((rest, &[]));
            out.push_str(str::from_utf8(valid).unwrap_or_default());
            let Some(bad) = error.error_len() else {
                self.partial = after.to_vec();
                return;
            };
            out.push(char::REPLACEMENT_CHARACTER);
            rest = after.get(bad..).unwrap_or_default();
        }
    }

    /// The stream is over: a character that was begun becomes U+FFFD.
    pub(super) fn finish(&mut self, out: &mut String) {
        if !self.partial.is_empty() {
            self.partial.clear();
            out.push(char::REPLACEMENT_CHARACTER);
        }
    }
}
