//! Replays the fuzz target's corpus, so that what was found once stays fixed.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../../../fuzz/checks/sql.rs"]
mod sql;

#[test]
fn sql_corpus() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/sql");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        sql::check(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 0, "the corpus is empty");
}
