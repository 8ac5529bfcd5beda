//! What kind of statement it is, by its first words.

use std::collections::BTreeSet;

use postern_domain::statement::{NotUnderstood, StatementClass as Class, StatementFacts, TableName};
use sqlparser::dialect::MySqlDialect;
use sqlparser::tokenizer::{Token, Word};

use crate::kind::{Facts, about, has, word};
use crate::{ddl, names, visit};

/// Stands among the settings for the database that names without one are in.
pub(super) const DATABASE: &str = "use";
/// Modes in which texts and names are read as they are here.
const MODES: [&str; 14] = [
    "strict_trans_tables",
    "strict_all_tables",
    "no_zero_in_date",
    "no_zero_date",
    "error_for_division_by_zero",
    "no_engine_substitution",
    "no_auto_create_user",
    "no_auto_value_on_zero",
    "no_unsigned_subtraction",
    "only_full_group_by",
    "allow_invalid_dates",
    "traditional",
    "time_truncate_fractional",
    "simultaneous_assignment",
];
/// Functions that do more than compute.
const FUNCTIONS: [(&str, Class); 12] = [
    ("load_file", Class::File),
    ("sys_exec", Class::Program),
    ("sys_eval", Class::Program),
    ("nextval", Class::Update),
    ("setval", Class::Update),
    ("lastval", Class::Read),
    ("master_pos_wait", Class::Admin),
    ("source_pos_wait", Class::Admin),
    ("wait_for_executed_gtid_set", Class::Admin),
    ("outfile", Class::File),
    ("dumpfile", Class::File),
    ("infile", Class::File),
];

/// What one statement does.
pub(super) fn facts(tokens: &[Token]) -> Result<StatementFacts, NotUnderstood> {
    let mut facts = Facts::default();
    by_first_word(tokens, &mut facts)?;
    let mut found = BTreeSet::new();
    for token in tokens {
        let Token::Word(word) = token else { continue };
        let name = name(word);
        if let Some((_, class)) = FUNCTIONS.iter().find(|(known, _)| *known == name)
            && !(name == "infile" && has(tokens, &["local"]))
        {
            facts.does(*class, None);
        }
        found.insert(name);
    }
    let Facts { accesses, settings, read_write } = facts;
    if accesses.is_empty() {
        return Err(NotUnderstood("it is of no known kind".to_owned()));
    }
    // Names are not told apart by case: on some servers they are not.
    let accesses = accesses
        .into_iter()
        .map(|mut access| {
            access.table = access.table.map(|table| TableName {
                schema: table.schema.map(|schema| schema.to_lowercase()),
                name: table.name.to_lowercase(),
            });
            access
        })
        .collect();
    Ok(StatementFacts { accesses, names: found, settings, read_write })
}

fn name(word: &Word) -> String {
    word.value.to_lowercase()
}

fn by_first_word(tokens: &[Token], facts: &mut Facts) -> Result<(), NotUnderstood> {
    let not_understood = |why: &str| Err(NotUnderstood(why.to_owned()));
    let first = word(tokens, 0);
    let second = word(tokens, 1);
    match first.as_str() {
        "select" | "with" | "insert" | "update" | "delete" | "replace" | "truncate" => {
            visit::parsed_in(&MySqlDialect {}, tokens, facts)?;
        }
        "" if tokens.first() == Some(&Token::LParen) => visit::parsed_in(&MySqlDialect {}, tokens, facts)?,
        "table" => match names::leading(tokens.get(1..).unwrap_or_default()) {
            Some((name, used)) if tokens.len() == 1 + used => facts.does(Class::Read, Some(name)),
            _ => return not_understood("write SELECT * FROM in place of TABLE"),
        },
        "values" if !has(tokens, &["select", "table"]) => facts.does(Class::Read, None),
        "explain" | "desc" | "describe" => explain(tokens, facts)?,
        "show" => facts.does(Class::Read, shown(tokens)),
        "help" => facts.does(Class::Read, None),
        "use" => {
            facts.does(Class::Session, None);
            facts.settings.insert(DATABASE.to_owned());
        }
        "begin" if tokens.len() > 1 && second != "work" => return not_understood("a block of statements"),
        "start" if second != "transaction" => facts.does(Class::Admin, None),
        "xa" if !["start", "begin", "end", "prepare", "commit", "rollback", "recover"].contains(&second.as_str()) => {
            return not_understood("XA of no known kind");
        }
        "begin" | "start" | "commit" | "rollback" | "savepoint" | "release" | "xa" => {
            facts.does(Class::Transaction, None);
            facts.read_write = has(tokens, &["write"]);
        }
        "set" => set(tokens, facts)?,
        "lock" => about(&[], &LOCKS, Class::Session, tokens, facts),
        "unlock" | "deallocate" | "close" => facts.does(Class::Session, None),
        "analyze" | "optimize" | "repair" | "check" | "checksum" | "cache" => {
            if has(tokens, &["select", "update", "delete", "insert", "replace", "with"]) {
                return not_understood("ANALYZE of a statement runs it");
            }
            about(&["persistent", "update", "drop"], &MAINTAINS, Class::Maintenance, tokens, facts);
        }
        "handler" => match names::leading(tokens.get(1..).unwrap_or_default()) {
            Some((name, _)) => facts.does(Class::Read, Some(name)),
            None => return not_understood("HANDLER of no table"),
        },
        "load" if second == "index" => about(&[], &MAINTAINS, Class::Maintenance, tokens, facts),
        "load" => load(tokens, facts),
        "call" | "do" | "prepare" | "execute" => facts.does(Class::Dynamic, None),
        "grant" | "revoke" => facts.does(Class::Privilege, None),
        "rename" if second == "user" => facts.does(Class::Privilege, None),
        "rename" => rename(tokens, facts),
        "create" | "alter" | "drop" => definition(tokens, facts)?,
        "flush" | "reset" | "kill" | "shutdown" | "restart" | "purge" | "change" | "stop" | "install" | "uninstall"
        | "binlog" | "clone" | "import" => facts.does(Class::Admin, None),
        _ => return not_understood("it begins with no known word"),
    }
    Ok(())
}

/// Words of locks and of maintenance that are no names.
const LOCKS: [&str; 9] = ["table", "tables", "as", "read", "write", "local", "low_priority", "concurrent", "wait"];
const MAINTAINS: [&str; 20] = [
    "table",
    "tables",
    "view",
    "no_write_to_binlog",
    "local",
    "quick",
    "fast",
    "medium",
    "extended",
    "changed",
    "for",
    "upgrade",
    "use_frm",
    "index",
    "key",
    "cache",
    "into",
    "in",
    "ignore",
    "leaves",
];

/// The table whose columns or indexes are shown.
fn shown(tokens: &[Token]) -> Option<TableName> {
    const OF_TABLES: [&str; 5] = ["columns", "fields", "index", "indexes", "keys"];
    let at = (1..4).find(|at| OF_TABLES.contains(&word(tokens, *at).as_str()))? + 1;
    let is_from = |at: usize| ["from", "in"].contains(&word(tokens, at).as_str());
    let (mut table, used) = names::leading(tokens.get(at + 1..)?).filter(|_| is_from(at))?;
    if is_from(at + 1 + used) {
        table.schema = names::leading(tokens.get(at + 2 + used..)?).map(|(schema, _)| schema.name);
    }
    Some(table)
}

fn explain(tokens: &[Token], facts: &mut Facts) -> Result<(), NotUnderstood> {
    let statements = ["select", "with", "insert", "update", "delete", "replace"];
    let begin = (1..tokens.len()).find(|at| statements.contains(&word(tokens, *at).as_str()));
    match begin {
        // Before the statement there may be words about its form; nothing else.
        Some(begin) if begin <= 5 => visit::parsed_in(&MySqlDialect {}, tokens.get(begin..).unwrap_or_default(), facts),
        Some(_) => Err(NotUnderstood("EXPLAIN of another form".to_owned())),
        None => {
            let table = names::leading(tokens.get(1..).unwrap_or_default()).map(|(name, _)| name);
            facts.does(Class::Read, table);
            Ok(())
        }
    }
}

/// `LOAD DATA` and `LOAD XML`: from the client, or from a file of the server's.
fn load(tokens: &[Token], facts: &mut Facts) {
    let table = (0..tokens.len())
        .find(|at| word(tokens, *at) == "table")
        .and_then(|at| names::leading(tokens.get(at + 1..)?))
        .map(|(name, _)| name);
    facts.does(Class::Insert, table.clone());
    if has(tokens, &["replace"]) {
        facts.does(Class::Delete, table.clone());
    }
    facts.does(if has(tokens, &["local"]) { Class::CopyIn } else { Class::File }, table);
}

fn rename(tokens: &[Token], facts: &mut Facts) {
    let (mut at, mut any) = (2, false);
    while at < tokens.len() {
        match names::leading(tokens.get(at..).unwrap_or_default()) {
            Some((name, used)) => {
                if name.schema.is_some() || name.name != "to" {
                    facts.does(Class::Ddl, Some(name));
                    any = true;
                }
                at += used;
            }
            None => at += 1,
        }
    }
    if !any {
        facts.does(Class::Ddl, None);
    }
}

fn definition(tokens: &[Token], facts: &mut Facts) -> Result<(), NotUnderstood> {
    const SERVER: [&str; 5] = ["server", "tablespace", "logfile", "instance", "undo"];
    if (1..4).any(|at| SERVER.contains(&word(tokens, at).as_str())) {
        facts.does(Class::Admin, None);
        return Ok(());
    }
    let holds_query = has(tokens, &["select", "with"]) && has(tokens, &["table", "view"]);
    if word(tokens, 0) == "create" && holds_query && !has(tokens, &["function", "procedure", "trigger", "event"]) {
        // What is read by it is found by the parser, or nobody.
        visit::parsed_in(&MySqlDialect {}, tokens, facts)?;
    }
    let skipped: Vec<Token> =
        tokens.iter().filter(|token| !is_word(token, &["ignore", "fulltext", "spatial"])).cloned().collect();
    if word(&skipped, 0) == "create" && holds_query {
        facts.does(Class::Ddl, None);
        return Ok(());
    }
    ddl::facts(&skipped, facts)
}

fn is_word(token: &Token, words: &[&str]) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && words.contains(&word.value.to_lowercase().as_str()))
}

/// `SET`: variables of the session, of the server, passwords, roles, what transactions may do.
fn set(tokens: &[Token], facts: &mut Facts) -> Result<(), NotUnderstood> {
    if has(tokens, &["select", "table", "values"]) {
        return Err(NotUnderstood("SET with a query in it".to_owned()));
    }
    if word(tokens, 1) == "statement" {
        return Err(NotUnderstood("SET STATEMENT, which runs another one".to_owned()));
    }
    facts.does(Class::Session, None);
    match (word(tokens, 1).as_str(), word(tokens, 2).as_str()) {
        ("password" | "role", _) | ("default", "role") => facts.does(Class::Privilege, None),
        ("transaction", _) | ("session" | "local", "transaction") => {
            facts.does(Class::Transaction, None);
            facts.read_write = has(tokens, &["write"]);
        }
        ("names", _) | ("character", _) | ("charset", _) => encoding(tokens, facts),
        _ => {}
    }
    let text = |token: &Token| match token {
        Token::Word(word) => Some(name(word)),
        Token::SingleQuotedString(text) | Token::DoubleQuotedString(text) => Some(text.to_lowercase()),
        // `@@name` and `@name`.
        token => Some(token.to_string().to_lowercase()).filter(|text| text.starts_with('@')),
    };
    for token in tokens.iter().skip(1) {
        let Some(text) = text(token) else { continue };
        let text = text.trim_start_matches('@');
        match text {
            "global" | "persist" | "persist_only" | "sql_log_bin" => facts.does(Class::Admin, None),
            "transaction_read_only" | "tx_read_only" => drop(facts.settings.insert(text.to_owned())),
            "character_set_client" | "character_set_connection" => encoding(tokens, facts),
            _ if text.starts_with("global.") || text.starts_with("persist") => facts.does(Class::Admin, None),
            _ => {}
        }
    }
    sql_mode(tokens, facts);
    Ok(())
}

/// Modes are set to names that are known to change nothing here; what could be others is not to be set.
fn sql_mode(tokens: &[Token], facts: &mut Facts) {
    let is_mode = |token: &Token| plain(token).ends_with("sql_mode");
    let Some(at) = tokens.iter().position(is_mode) else { return };
    let mut depth = 0_usize;
    for token in tokens.get(at + 1..).unwrap_or_default() {
        let is_fine = match token {
            Token::Comma if depth == 0 => return,
            Token::LParen => {
                depth += 1;
                true
            }
            Token::RParen => {
                depth = depth.saturating_sub(1);
                true
            }
            Token::Comma | Token::Eq | Token::Assignment | Token::Period | Token::AtSign => true,
            Token::SingleQuotedString(text) | Token::DoubleQuotedString(text) => {
                text.to_lowercase().split(',').all(|mode| mode.trim().is_empty() || MODES.contains(&mode.trim()))
            }
            token => {
                let text = plain(token);
                MODES.contains(&text.as_str())
                    || ["concat", "sql_mode", "session", "session.sql_mode", "default"].contains(&text.as_str())
            }
        };
        if !is_fine {
            facts.settings.insert("sql_mode".to_owned());
            return;
        }
    }
}

/// A word, or a variable of the server's without what marks it as one.
fn plain(token: &Token) -> String {
    let text = token.to_string().to_lowercase();
    text.strip_prefix("@@").map(str::to_owned).unwrap_or(text)
}

/// Statements are read as UTF-8; in some encodings a byte of a letter can look like a backslash.
fn encoding(tokens: &[Token], facts: &mut Facts) {
    const KNOWN: [&str; 8] = ["utf8", "utf8mb3", "utf8mb4", "ascii", "latin1", "binary", "default", "null"];
    const WORDS: [&str; 11] = [
        "set",
        "names",
        "character",
        "charset",
        "collate",
        "session",
        "local",
        "character_set_client",
        "character_set_connection",
        "character_set_results",
        "collation_connection",
    ];
    let is_known = |text: &str| {
        let text = text.to_lowercase();
        let text = text.trim_start_matches('@').trim_start_matches("session.");
        KNOWN.iter().any(|known| text == *known || text.starts_with(&format!("{known}_"))) || WORDS.contains(&text)
    };
    let odd = tokens.iter().any(|token| match token {
        Token::Word(word) => !is_known(&word.value),
        Token::SingleQuotedString(text) | Token::DoubleQuotedString(text) => !is_known(text),
        _ => false,
    });
    if odd {
        facts.settings.insert("character_set_client".to_owned());
    }
}
