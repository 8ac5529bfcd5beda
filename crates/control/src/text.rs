//! Texts that people write and others read.

use crate::Error;

/// The longest address that notices go to, in bytes.
const EMAIL_LEN_MAX: usize = 254;

/// One line of at most `max` characters; the empty one is refused.
pub(crate) fn line(field: &str, text: &str, max: usize) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > max || text.chars().any(char::is_control) {
        return Err(Error::invalid(field, format!("give one line of at most {max} characters")));
    }
    Ok(text.to_owned())
}

/// One or more lines for people to read, bounded and without control characters; trimmed.
pub(crate) fn words(field: &str, text: &str, max: usize) -> Result<String, Error> {
    let text = text.trim();
    if text.chars().count() > max || text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Error::invalid(field, format!("give at most {max} characters of plain text")));
    }
    Ok(text.to_owned())
}

/// An address that notices can go to; an empty one stands for none.
pub(crate) fn email(text: Option<&str>) -> Result<Option<String>, Error> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let sound = text.len() <= EMAIL_LEN_MAX
        && !text.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';'))
        && text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'));
    if sound { Ok(Some(text.to_owned())) } else { Err(Error::invalid("email", "write it as name@host")) }
}
