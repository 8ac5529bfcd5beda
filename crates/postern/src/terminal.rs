//! What a person types, without echo where it is secret. Secrets never come from the command line.

use std::io::{IsTerminal, Read};

use postern_domain::SecretText;

use crate::exit::Failure;

/// The longest secret read from standard input, in bytes; a private key fits.
const SECRET_LEN_MAX: u64 = 64 * 1024;

/// A password: from standard input when asked for so, else typed without echo.
pub(crate) fn password(from_stdin: bool, prompt: &str) -> Result<SecretText, Failure> {
    if from_stdin {
        let secret = stdin()?;
        let line = secret.expose().split(['\r', '\n']).next().unwrap_or_default().to_owned();
        if line.is_empty() {
            return Err(Failure::usage("--password-stdin: standard input holds no password"));
        }
        return Ok(SecretText::new(line));
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("no terminal to ask for the password on: use --password-stdin"));
    }
    Ok(SecretText::new(rpassword::prompt_password(format!("{prompt}: "))?))
}

/// The whole of standard input.
pub(crate) fn stdin() -> Result<SecretText, Failure> {
    let mut text = String::new();
    std::io::stdin().lock().take(SECRET_LEN_MAX).read_to_string(&mut text)?;
    Ok(SecretText::new(text))
}

/// A one-time code, typed; none when there is no terminal to ask on.
pub(crate) fn code(prompt: &str) -> Result<Option<String>, Failure> {
    if !std::io::stdin().is_terminal() {
        return Ok(None);
    }
    Ok(Some(rpassword::prompt_password(format!("{prompt}: "))?.trim().to_owned()))
}
