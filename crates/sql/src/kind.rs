//! What kind of statement it is, by its first words.

use std::collections::BTreeSet;

use postern_domain::statement::{NotUnderstood, StatementAccess, StatementClass, StatementFacts, TableName};
use sqlparser::tokenizer::Token;

use crate::{ddl, functions, names, visit};

/// What is known of a statement so far.
#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) accesses: BTreeSet<StatementAccess>,
    pub(crate) settings: BTreeSet<String>,
    pub(crate) read_write: bool,
}

impl Facts {
    /// It does this.
    pub(crate) fn does(&mut self, class: StatementClass, table: Option<TableName>) {
        self.accesses.insert(StatementAccess { class, table, without_where: false });
    }

    /// It does this to rows, perhaps without a condition.
    pub(crate) fn changes(&mut self, class: StatementClass, table: Option<TableName>, without_where: bool) {
        self.accesses.insert(StatementAccess { class, table, without_where });
    }

    /// Whether anything is known of it.
    pub(crate) fn is_empty(&self) -> bool {
        self.accesses.is_empty()
    }
}

/// What one statement does.
pub(crate) fn facts(tokens: &[Token]) -> Result<StatementFacts, NotUnderstood> {
    let mut facts = Facts::default();
    by_first_word(tokens, &mut facts)?;
    let mut names = BTreeSet::new();
    for token in tokens {
        if let Token::Word(word) = token {
            let name = names::of_word(word);
            if let Some(class) = functions::class_of(&name) {
                facts.does(class, None);
            }
            names.insert(name);
        }
    }
    let Facts { accesses, settings, read_write } = facts;
    if accesses.is_empty() {
        return Err(NotUnderstood("it is of no known kind".to_owned()));
    }
    Ok(StatementFacts { accesses, names, settings, read_write })
}

/// The word at a place, in lower case, when it is one without quotes.
pub(crate) fn word(tokens: &[Token], at: usize) -> String {
    match tokens.get(at) {
        Some(Token::Word(word)) if word.quote_style.is_none() => word.value.to_ascii_lowercase(),
        _ => String::new(),
    }
}

/// Whether any of these words, without quotes, is among the tokens.
pub(crate) fn has(tokens: &[Token], words: &[&str]) -> bool {
    (0..tokens.len()).any(|at| words.contains(&word(tokens, at).as_str()))
}

fn by_first_word(tokens: &[Token], facts: &mut Facts) -> Result<(), NotUnderstood> {
    use StatementClass as Class;
    let first = word(tokens, 0);
    match first.as_str() {
        "prepare" if word(tokens, 1) == "transaction" => facts.does(Class::Transaction, None),
        "table" => table(tokens.get(1..).unwrap_or_default(), facts)?,
        "select" | "with" | "values" | "insert" | "update" | "delete" | "merge" | "truncate" | "copy" | "explain"
        | "prepare" | "declare" => visit::parsed(tokens, facts)?,
        "" if tokens.first() == Some(&Token::LParen) => visit::parsed(tokens, facts)?,
        "begin" | "start" | "commit" | "end" | "rollback" | "abort" | "savepoint" | "release" => {
            facts.does(Class::Transaction, None);
            facts.read_write = has(tokens, &["write"]);
        }
        "set" => set(tokens, facts),
        "reset" | "discard" => {
            facts.does(Class::Session, None);
            let name =
                names::leading(tokens.get(1..).unwrap_or_default()).map_or_else(String::new, |(name, _)| name.name);
            facts.settings.insert(if first == "discard" { "all".to_owned() } else { name });
        }
        "show" | "fetch" | "move" => facts.does(Class::Read, None),
        "close" | "deallocate" | "execute" | "listen" | "unlisten" | "notify" => facts.does(Class::Session, None),
        "lock" => about(&["in"], &["table", "only", "nowait"], Class::Session, tokens, facts),
        "vacuum" | "analyze" | "analyse" | "reindex" | "cluster" | "refresh" => {
            about(&["using", "with"], &MAINTAINS, Class::Maintenance, tokens, facts);
        }
        "checkpoint" | "load" => facts.does(Class::Admin, None),
        "do" | "call" => facts.does(Class::Dynamic, None),
        "grant" | "revoke" | "reassign" | "security" => facts.does(Class::Privilege, None),
        "create" | "alter" | "drop" | "comment" | "import" => ddl::facts(tokens, facts)?,
        _ => return Err(NotUnderstood("it begins with no known word".to_owned())),
    }
    Ok(())
}

/// Words of maintenance that are no names.
const MAINTAINS: [&str; 14] = [
    "full",
    "freeze",
    "verbose",
    "analyze",
    "analyse",
    "table",
    "index",
    "schema",
    "database",
    "system",
    "materialized",
    "view",
    "concurrently",
    "only",
];

/// Does something to every table that is named after the first word, outside of parentheses and up to one of the words
/// in `ends`; words in `between` are no names.
pub(crate) fn about(ends: &[&str], between: &[&str], class: StatementClass, tokens: &[Token], facts: &mut Facts) {
    let (mut at, mut depth, mut any) = (1, 0_usize, false);
    while at < tokens.len() && !(depth == 0 && ends.contains(&word(tokens, at).as_str())) {
        match tokens.get(at) {
            Some(Token::LParen) => depth += 1,
            Some(Token::RParen) => depth = depth.saturating_sub(1),
            _ if depth > 0 || between.contains(&word(tokens, at).as_str()) => {}
            _ => {
                if let Some((name, used)) = names::leading(tokens.get(at..).unwrap_or_default()) {
                    facts.does(class, Some(name));
                    any = true;
                    at += used - 1;
                }
            }
        }
        at += 1;
    }
    if !any {
        facts.does(class, None);
    }
}

/// `TABLE name`, which is short for `SELECT * FROM name`.
fn table(tokens: &[Token], facts: &mut Facts) -> Result<(), NotUnderstood> {
    let only = usize::from(word(tokens, 0) == "only");
    match names::leading(tokens.get(only..).unwrap_or_default()) {
        Some((name, used)) if tokens.len() == only + used => {
            facts.does(StatementClass::Read, Some(name));
            Ok(())
        }
        _ => Err(NotUnderstood("write SELECT * FROM in place of TABLE".to_owned())),
    }
}

/// `SET`: a setting, the role, or what transactions may do.
fn set(tokens: &[Token], facts: &mut Facts) {
    use StatementClass as Class;
    let skipped = usize::from(["session", "local"].contains(&word(tokens, 1).as_str()));
    let at = 1 + skipped;
    match word(tokens, at).as_str() {
        "role" | "authorization" => facts.does(Class::Privilege, None),
        "transaction" | "characteristics" => {
            facts.does(Class::Transaction, None);
            facts.read_write = has(tokens, &["write"]);
        }
        "constraints" | "time" | "xml" | "schema" => facts.does(Class::Session, None),
        // SET SESSION AUTHORIZATION, of which SESSION was skipped, and SET NAMES.
        "names" => {
            facts.does(Class::Session, None);
            encoding(tokens.get(at + 1..).unwrap_or_default(), facts);
        }
        _ => {
            facts.does(Class::Session, None);
            if let Some((name, used)) = names::leading(tokens.get(at..).unwrap_or_default()) {
                let value = tokens.get(at + used + 1..).unwrap_or_default();
                match (name.schema, name.name.as_str()) {
                    (None, "client_encoding") => encoding(value, facts),
                    (None, "role" | "session_authorization") => facts.does(Class::Privilege, None),
                    (None, name) => drop(facts.settings.insert(name.to_owned())),
                    // With a prefix it is a setting of an extension's.
                    (Some(_), _) => {}
                }
            }
        }
    }
}

/// Statements are read as UTF-8; in other encodings a byte of a letter can look like a backslash.
fn encoding(value: &[Token], facts: &mut Facts) {
    let name = match value.first() {
        Some(Token::SingleQuotedString(text)) => text.clone(),
        Some(Token::Word(word)) => word.value.clone(),
        _ => String::new(),
    };
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    if !["utf8", "unicode", "sqlascii"].contains(&name.as_str()) {
        facts.settings.insert("client_encoding".to_owned());
    }
}
