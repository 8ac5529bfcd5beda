use postern_domain::statement::StatementClass as Class;
use proptest::prelude::*;

use super::*;

#[test]
fn the_table_is_decided_as_it_says() {
    let tried = trial::run();
    assert!(tried.len() >= 150, "{}", tried.len());
    let wrong: Vec<_> = tried
        .into_iter()
        .filter(|tried| !tried.as_ref().is_ok_and(|tried| tried.decided == tried.expected))
        .map(|tried| format!("{tried:?}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_statement_does_what_it_does_and_no_more() {
    let facts = postgresql(b"insert into shop.orders select * from incoming").unwrap();
    let done: Vec<_> = facts[0]
        .accesses
        .iter()
        .map(|access| (access.class, access.table.as_ref().map(|table| (table.schema.as_deref(), table.name.as_str()))))
        .collect();
    assert_eq!(done, [(Class::Read, Some((None, "incoming"))), (Class::Insert, Some((Some("shop"), "orders")))]);
    assert_eq!(postgresql(b" ; -- x\n;").unwrap(), []);
}

#[test]
fn names_are_cut_off_where_the_database_does() {
    let long = "s".repeat(70);
    let facts = postgresql(format!("select * from {long}").as_bytes()).unwrap();
    let table = facts[0].accesses.first().and_then(|access| access.table.clone()).unwrap();
    assert_eq!(table.name, "s".repeat(63));
}

#[test]
fn passwords_are_not_kept() {
    let redact = |text: &str| redacted(text).unwrap_or_else(|| text.to_owned());
    assert_eq!(
        redact("alter role app PASSWORD 'hunter2' valid until 'x'"),
        "alter role app PASSWORD '***' valid until 'x'"
    );
    assert_eq!(
        redact("create user a with encrypted password E'hun\\'ter2'"),
        "create user a with encrypted password '***'"
    );
    assert_eq!(
        redact("create user mapping for a server s options (user 'b', password 'c')"),
        "create user mapping for a server s options (user 'b', password '***')"
    );
    assert_eq!(redact("select password from users where name = 'x'"), "select password from users where name = 'x'");
    assert_eq!(redact("select 'it''s' , password from users"), "select 'it''s' , password from users");
    assert_eq!(redact("alter role app password 'open"), "alter role app password***");
}

#[test]
fn a_shape_has_no_literals() {
    assert_eq!(
        shape("select *\n from t -- c\n where a = 'x' and b = 7"),
        Some("select * from t where a = ? and b = ?".to_owned())
    );
    assert_eq!(shape("select 'open"), None);
    assert!(shape(&format!("select {}", "a, ".repeat(5000))).unwrap().len() < 1100);
}

#[test]
fn trees_that_are_too_deep_are_not_understood() {
    std::thread::Builder::new().stack_size(STACK_LEN).spawn(deep_trees).unwrap().join().unwrap();
}

fn deep_trees() {
    for text in [
        format!("select {}1", "1 + ".repeat(100_000)),
        format!("select {}1{}", "(".repeat(100_000), ")".repeat(100_000)),
        format!("select 1 {}", "union all select 1 ".repeat(100_000)),
        format!("select 1{}", "::int".repeat(100_000)),
        format!("select {}true", "not ".repeat(100_000)),
        format!("select {}1", "- ".repeat(100_000)),
        format!("select a{}", "[1]".repeat(100_000)),
        format!("select {}1{}", "case when true then ".repeat(10_000), " end".repeat(10_000)),
    ] {
        assert!(postgresql(text.as_bytes()).is_err(), "{}", &text[..40]);
    }
    let long = format!("select {}true", "id = 1 or ".repeat(200));
    assert!(postgresql(long.as_bytes()).is_ok());
    let wide = format!("insert into t values (1){}", ", (1)".repeat(50_000));
    assert!(postgresql(wide.as_bytes()).is_ok());
}

proptest! {
    #[test]
    fn nothing_panics(text in "(?s).{0,80}") {
        let _ = postgresql(text.as_bytes());
        let _ = (redacted(&text), shape(&text));
    }

    #[test]
    fn words_in_any_order_do_not_panic(words in proptest::collection::vec(proptest::sample::select(vec![
        "select", "from", "t", "*", "(", ")", ",", "with", "as", "delete", "where", "1", "'x'", ";", "insert into",
        "values", "copy", "to", "stdout", "union", "$1", "::", "[", "]", "case", "end", "explain", "create table",
        "alter table", "drop", "u&\"x\"", "$$", "--", "\n", "/*", "*/", "on conflict", "do", "merge into", "using",
    ]), 0..20)) {
        let text = words.join(" ");
        let _ = postgresql(text.as_bytes());
        let _ = (redacted(&text), shape(&text));
    }
}
