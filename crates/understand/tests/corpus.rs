//! Replays the fuzz target's corpus, so that what was found once stays fixed.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../../../fuzz/checks/understand.rs"]
mod understand;

#[test]
fn understand_corpus() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/understand");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        understand::check(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 0, "the corpus is empty");
}
