//! Replays the fuzz targets' corpora, so that what was found once stays fixed.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../../../fuzz/checks/redis_commands.rs"]
mod redis_commands;
#[path = "../../../fuzz/checks/sql.rs"]
mod sql;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        check(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 0, "the corpus of {target} is empty");
}

#[test]
fn sql_corpus() {
    replay("sql", sql::check);
}

#[test]
fn redis_commands_corpus() {
    replay("redis_commands", redis_commands::check);
}
