use std::collections::BTreeSet;

use super::*;

fn read(text: &str) -> Result<(Vec<&str>, StatementFacts), NotUnderstood> {
    let words: Vec<&[u8]> = text.split(' ').map(str::as_bytes).collect();
    let command = command(&words)?;
    let facts = facts(&command, &words);
    Ok((command.keys.iter().map(|at| text.split(' ').nth(*at).unwrap()).collect(), facts))
}

#[test]
fn keys_are_told_from_other_words() {
    for (text, keys) in [
        ("GET a", vec!["a"]),
        ("mset a 1 b 2", vec!["a", "b"]),
        ("BLPOP a b 0", vec!["a", "b"]),
        ("ZUNIONSTORE z 2 a b WEIGHTS 1 2", vec!["z", "a", "b"]),
        ("EVAL return 2 a b c", vec!["a", "b"]),
        ("XREAD COUNT 2 STREAMS a b 0 0", vec!["a", "b"]),
        ("SORT a BY w_* GET # STORE c", vec!["a", "c"]),
        ("GEORADIUS a 1 2 3 km STORE b STOREDIST c", vec!["a", "b", "c"]),
        ("LMPOP 2 a b LEFT", vec!["a", "b"]),
        ("MIGRATE h 1 a 0 10", vec!["a"]),
        ("OBJECT ENCODING a", vec!["a"]),
        ("BITOP AND d a b", vec!["d", "a", "b"]),
        ("PING", vec![]),
    ] {
        assert_eq!(read(text).unwrap().0, keys, "{text}");
    }
    for odd in ["GET", "EVAL return x a", "EVAL return 9 a", "XREAD STREAMS a b 0", "FROBNICATE", "CONFIG FROB", ""] {
        assert!(read(odd).is_err(), "{odd}");
    }
}

#[test]
fn passwords_are_found() {
    let secrets = |text: &str| {
        let words: Vec<&[u8]> = text.split(' ').map(str::as_bytes).collect();
        command(&words).unwrap().secrets
    };
    assert_eq!(secrets("HELLO 3 AUTH u p SETNAME x"), [3, 4]);
    assert_eq!(secrets("ACL SETUSER u on >pw #hash ~* +@all"), [4, 5]);
    assert_eq!(secrets("CONFIG SET maxmemory 1 requirepass x masterauth y"), [5, 7]);
    assert_eq!(secrets("MIGRATE h 1 a 0 10 AUTH2 u p"), [7, 8]);
}

#[test]
fn no_name_is_there_twice() {
    let names: Vec<_> = commands::all().collect();
    assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len());
    for name in ["sort", "sort_ro"] {
        let facts = read(&format!("{name} a GET x_*")).unwrap().1;
        let table = Some(TableName::keys("x_*".to_owned()));
        let read = StatementAccess { class: StatementClass::Read, table, without_where: false };
        assert!(facts.accesses.contains(&read), "{facts:?}");
    }
}
