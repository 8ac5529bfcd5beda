//! Replays the fuzz targets' corpora, so that what was found once stays fixed.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../../../fuzz/checks/mysql.rs"]
mod mysql;
#[path = "../../../fuzz/checks/pg.rs"]
mod pg;
#[path = "../../../fuzz/checks/recording.rs"]
mod recording;
#[path = "../../../fuzz/checks/redis.rs"]
mod redis;
#[path = "../../../fuzz/checks/sftp.rs"]
mod sftp;

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
fn recording_corpus() {
    replay("recording", recording::check);
}

#[test]
fn sftp_corpus() {
    replay("sftp", sftp::check);
}

#[test]
fn redis_corpus() {
    replay("redis", redis::check);
}

#[test]
fn mysql_corpus() {
    replay("mysql", mysql::check);
}

#[test]
fn pg_corpus() {
    replay("pg", pg::check);
}
