//! What a client may ask for with its first packet.

use postern_wire::pg::startup::Startup;

/// Settings that are passed on.
const PASSED: [&str; 27] = [
    "application_name",
    "backslash_quote",
    "bytea_output",
    "check_function_bodies",
    "client_encoding",
    "client_min_messages",
    "datestyle",
    "default_transaction_deferrable",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "extra_float_digits",
    "geqo",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "intervalstyle",
    "jit",
    "lc_messages",
    "lc_monetary",
    "lc_numeric",
    "lc_time",
    "lock_timeout",
    "row_security",
    "search_path",
    "standard_conforming_strings",
    "statement_timeout",
    "timezone",
    "work_mem",
];

/// What a client asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The user name as the client spelt it.
    pub(crate) user: String,
    /// The database; none where that is left to the server.
    pub(crate) database: Option<String>,
    /// Settings for the session.
    pub(crate) settings: Vec<(String, String)>,
    /// Whether it wants to replicate, and how.
    pub(crate) replication: Option<String>,
    /// Extensions of the protocol that are not known here.
    pub(crate) unknown: Vec<String>,
}

/// Reads what a client asks for.
///
/// # Errors
/// Says what is not to be had.
pub(crate) fn wanted(startup: &Startup) -> Result<Wanted, String> {
    let mut wanted = Wanted {
        user: startup.get("user").unwrap_or_default().to_owned(),
        database: startup.get("database").filter(|name| !name.is_empty()).map(str::to_owned),
        settings: Vec::new(),
        replication: None,
        unknown: Vec::new(),
    };
    // As a client leaves it that was told a user and nothing else.
    if wanted.database.as_ref() == Some(&wanted.user) {
        wanted.database = None;
    }
    for (name, value) in &startup.parameters {
        match name.to_ascii_lowercase().as_str() {
            "user" | "database" => {}
            "replication" => {
                let off = ["false", "off", "no", "0"].contains(&value.to_ascii_lowercase().as_str());
                wanted.replication = (!off).then(|| value.clone());
            }
            "options" => {
                // What is said by itself comes after them, and counts.
                let said = std::mem::take(&mut wanted.settings);
                for (name, value) in options(value)? {
                    setting(&mut wanted, &name, value)?;
                }
                wanted.settings.extend(said);
            }
            known if known.starts_with("_pq_.") => wanted.unknown.push(name.clone()),
            _ => setting(&mut wanted, name, value.clone())?,
        }
    }
    Ok(wanted)
}

fn setting(wanted: &mut Wanted, name: &str, value: String) -> Result<(), String> {
    let name = name.to_ascii_lowercase().replace('-', "_");
    if !PASSED.contains(&name.as_str()) {
        let name: String = name.chars().take(63).collect();
        return Err(format!("the parameter `{name}` is not passed on\nleave it out, or use SET once connected"));
    }
    wanted.settings.push((name, value));
    Ok(())
}

/// The settings in `options`, which are those of the server's command line: `-c name=value` and
/// `--name=value`, with backslashes before blanks that count.
fn options(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut words: Vec<String> = vec![String::new()];
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match (char, words.last_mut()) {
            ('\\', Some(word)) => word.extend(chars.next()),
            (char, _) if char.is_ascii_whitespace() => words.push(String::new()),
            (char, Some(word)) => word.push(char),
            (_, None) => {}
        }
    }
    let mut words = words.into_iter().filter(|word| !word.is_empty());
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        let assignment =
            match word.strip_prefix("--").or_else(|| word.strip_prefix("-c").filter(|rest| !rest.is_empty())) {
                Some(assignment) => Some(assignment.to_owned()),
                None if word == "-c" => words.next(),
                None => None,
            };
        let parts = assignment.as_ref().and_then(|assignment| assignment.split_once('='));
        let Some((name, value)) = parts else {
            return Err("`options` holds something else than -c name=value\nleave it out".to_owned());
        };
        found.push((name.trim().to_owned(), value.to_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parameters: &[(&str, &str)]) -> Result<Wanted, String> {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        wanted(&Startup { minor: 0, parameters })
    }

    #[test]
    fn settings_are_passed_on_and_others_are_not() {
        let read_ok = read(&[
            ("user", "app@orders"),
            ("database", "shop"),
            ("DateStyle", "ISO"),
            ("options", "-c statement_timeout=5s --search_path=a\\ b  -cjit=off"),
            ("_pq_.x", "1"),
        ]);
        let read_ok = read_ok.unwrap();
        assert_eq!(read_ok.database.as_deref(), Some("shop"));
        let settings: Vec<_> = read_ok.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            settings,
            [("statement_timeout", "5s"), ("search_path", "a b"), ("jit", "off"), ("datestyle", "ISO")],
            "what is said by itself comes last, and counts"
        );
        assert_eq!(read_ok.unknown, ["_pq_.x"]);
        for (name, value) in [("session_preload_libraries", "x"), ("options", "-c role=postgres"), ("options", "-f x")]
        {
            assert!(read(&[("user", "a@b"), (name, value)]).is_err(), "{name} {value}");
        }
    }

    #[test]
    fn a_database_that_is_the_user_is_none() {
        assert_eq!(read(&[("user", "a@b"), ("database", "a@b")]).unwrap().database, None);
        assert_eq!(
            read(&[("user", "a@b"), ("replication", "database")]).unwrap().replication.as_deref(),
            Some("database")
        );
        assert_eq!(read(&[("user", "a@b"), ("replication", "off")]).unwrap().replication, None);
    }
}
