use std::fs;

use proptest::prelude::*;

use super::*;
use crate::hash::{Hash, leaf_hash};
use crate::note::Signer;
use crate::tree::Tree;

fn signer() -> Signer {
    Signer::from_seed("postern.example/audit", &[5; 32]).unwrap()
}

fn root(leaves: &[Vec<u8>]) -> Hash {
    let mut tree = Tree::new();
    for leaf in leaves {
        tree.push(leaf_hash(leaf));
    }
    tree.root()
}

/// A log that was signed at each of `sizes`.
fn log(path: &Path, sizes: &[usize]) -> Vec<Vec<u8>> {
    let leaves: Vec<Vec<u8>> = (0..*sizes.last().unwrap()).map(|n| format!("{{\"n\":{n}}}").into_bytes()).collect();
    let directory = Directory::new(path).unsynced();
    let mut from = 0;
    for size in sizes {
        directory.publish(from as u64, &leaves[from..*size], &root(&leaves[..*size]), &signer()).unwrap();
        from = *size;
    }
    leaves
}

fn verify(path: &Path) -> Report {
    verify_directory(path, signer().verifier(), Options::default())
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

#[test]
fn sound_logs_of_every_shape_are_intact() {
    for sizes in [&[0][..], &[1], &[0, 1, 2], &[255], &[256], &[257], &[100, 256, 512], &[511, 513, 800]] {
        let folder = tempfile::tempdir().unwrap();
        let leaves = log(folder.path(), sizes);
        let report = verify(folder.path());
        assert!(report.is_ok(), "{sizes:?}: {report}");
        assert_eq!(report.leaves, leaves.len() as u64);
        assert_eq!(report.root, Some(root(&leaves)));
        assert_eq!(report.checkpoints, sizes.len());
    }
}

#[test]
fn an_empty_directory_has_no_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let report = verify(folder.path());
    assert_eq!(report.first().unwrap().problem, Problem::CheckpointMissing);
    assert_eq!(verify(&folder.path().join("nothing")).first().unwrap().problem, Problem::CheckpointMissing);
}

#[test]
fn leaves_after_the_checkpoint_matter_only_when_nobody_is_writing() {
    let folder = tempfile::tempdir().unwrap();
    log(folder.path(), &[10, 300]);
    fs::copy(folder.path().join("checkpoints/10"), folder.path().join("checkpoint")).unwrap();
    fs::remove_file(folder.path().join("checkpoints/300")).unwrap();
    let report = verify(folder.path());
    assert_eq!(report.first().unwrap().problem, Problem::Unsigned);
    let live = Options { live: true, ..Options::default() };
    assert!(verify_directory(folder.path(), signer().verifier(), live).is_ok());
}

#[test]
fn a_log_can_be_verified_while_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let sizes: Vec<usize> = (0..=600).step_by(3).collect();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| log(folder.path(), &sizes));
        loop {
            let finished = writer.is_finished();
            let live = Options { live: true, ..Options::default() };
            let report = verify_directory(folder.path(), signer().verifier(), live);
            let begun = !matches!(report.first().map(|first| &first.problem), Some(Problem::CheckpointMissing));
            assert!(report.is_ok() || !begun, "{report}");
            if finished {
                break;
            }
        }
    });
    assert!(verify(folder.path()).is_ok());
}

#[test]
fn the_caller_sees_every_leaf_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let leaves = log(folder.path(), &[300]);
    let mut seen = Vec::new();
    let mut check = |index: u64, leaf: &[u8]| {
        seen.push((index, leaf.to_vec()));
        if index == 270 { Err("is not ours".to_owned()) } else { Ok(()) }
    };
    let options = Options { check: Some(&mut check), ..Options::default() };
    let report = verify_directory(folder.path(), signer().verifier(), options);
    assert_eq!(report.to_string().lines().next(), Some("leaf 270: is not ours (tile/entries/001.p/15)"));
    assert_eq!(seen, (0..).zip(leaves).collect::<Vec<_>>());
}

#[test]
fn a_flood_of_refused_leaves_does_not_drown_what_happened() {
    let folder = tempfile::tempdir().unwrap();
    log(folder.path(), &[600]);
    let bundle = folder.path().join("tile/entries/002.p/88");
    let bytes = fs::read(&bundle).unwrap();
    fs::write(bundle, &bytes[..bytes.len() - 1]).unwrap();
    let mut check = |_: u64, _: &[u8]| Err("is not ours".to_owned());
    let options = Options { check: Some(&mut check), ..Options::default() };
    let report = verify_directory(folder.path(), signer().verifier(), options);
    let truncated = Problem::Truncated { present: 599, signed: 600 };
    assert!(report.findings.iter().any(|finding| finding.problem == truncated), "{report}");
    assert_eq!(report.more, 599 - report::LEAF_FINDINGS_MAX as u64);
}

#[test]
fn an_earlier_checkpoint_of_somebody_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    log(folder.path(), &[10]);
    log(other.path(), &[5]);
    let note = fs::read_to_string(other.path().join("checkpoint")).unwrap();
    let since = |note: &str| {
        let options = Options { since: Some(note.as_bytes()), ..Options::default() };
        verify_directory(folder.path(), signer().verifier(), options)
    };
    assert!(since(&note).is_ok());
    let report = since(&note.replace("\n5\n", "\n4\n"));
    assert!(matches!(report.first().unwrap().problem, Problem::CheckpointInvalid { .. }));
}

/// The example that `docs/reference/ledger.md` gives to those who write their own verifier.
#[test]
fn the_documented_example_is_what_we_write() {
    let document = include_str!("../../../../docs/reference/ledger.md");
    let folder = tempfile::tempdir().unwrap();
    let signer = Signer::from_seed("example.com/audit", &[0x2a; 32]).unwrap();
    let leaves = [r#"{"n":0}"#, r#"{"n":1}"#, r#"{"n":2}"#].map(|leaf| leaf.as_bytes().to_vec());
    Directory::new(folder.path()).publish(0, &leaves, &root(&leaves), &signer).unwrap();
    let read = |file: &str| fs::read(folder.path().join(file)).unwrap();
    assert!(document.contains(&signer.verifier().to_string()), "{}", signer.verifier());
    assert!(document.contains(&String::from_utf8(read("checkpoint")).unwrap()));
    assert!(
        document.contains(&hex::encode(read("tile/entries/000.p/3"))),
        "{}",
        hex::encode(read("tile/entries/000.p/3"))
    );
    for leaf in &leaves {
        assert!(document.contains(&leaf_hash(leaf).to_string()), "{}", leaf_hash(leaf));
    }
    assert!(document.contains(&root(&leaves).to_string()), "{}", root(&leaves));
}

#[test]
fn an_absurd_size_is_answered_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let leaves = log(folder.path(), &[300]);
    for size in [1 << 40, u64::MAX] {
        let absurd = crate::Checkpoint { origin: signer().verifier().name().to_owned(), size, root: root(&leaves) };
        fs::write(folder.path().join("checkpoint"), absurd.sign(&signer()).unwrap()).unwrap();
        let report = verify(folder.path());
        assert_eq!(report.leaves, 300);
        let first = report.first().unwrap();
        assert_eq!(first.problem, Problem::Truncated { present: 300, signed: size }, "{report}");
        assert_eq!(first.leaves, Some(300..301));
    }
}

#[test]
fn a_report_is_text_and_json() {
    let folder = tempfile::tempdir().unwrap();
    log(folder.path(), &[10]);
    fs::write(folder.path().join("tile/entries/000.p/10"), b"").unwrap();
    let report = verify(folder.path());
    assert_eq!(
        report.to_string(),
        "leaf 0: is missing: the log was truncated to 0 of 10 leaves (tile/entries/000.p/10)\n\
         postern.example/audit: not intact, 0 leaves, 1 checkpoints"
    );
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["findings"][0]["problem"], "truncated");
    assert_eq!(json["findings"][0]["leaves"]["start"], 0);
}

/// One change to a list of leaves.
#[derive(Clone, Debug)]
enum Change {
    Alter(prop::sample::Index),
    Drop(prop::sample::Index),
    Insert(prop::sample::Index),
    Swap(prop::sample::Index, prop::sample::Index),
    Copy(prop::sample::Index, prop::sample::Index),
    Cut(prop::sample::Index),
}

impl Change {
    fn apply(&self, leaves: &mut Vec<Vec<u8>>) {
        let count = leaves.len();
        match self {
            Self::Alter(at) => leaves[at.index(count)] = b"{\"n\":-1}".to_vec(),
            Self::Drop(at) => drop(leaves.remove(at.index(count))),
            Self::Insert(at) => leaves.insert(at.index(count), b"{\"n\":-2}".to_vec()),
            Self::Swap(one, other) => leaves.swap(one.index(count), other.index(count)),
            Self::Copy(from, to) => leaves[to.index(count)] = leaves[from.index(count)].clone(),
            Self::Cut(at) => leaves.truncate(at.index(count)),
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        at().prop_map(Change::Alter),
        at().prop_map(Change::Drop),
        at().prop_map(Change::Insert),
        (at(), at()).prop_map(|(one, other)| Change::Swap(one, other)),
        (at(), at()).prop_map(|(from, to)| Change::Copy(from, to)),
        at().prop_map(Change::Cut),
    ]
}

/// Puts bundles, and tiles if `tiles`, of other leaves into a log.
fn rewrite(path: &Path, leaves: &[Vec<u8>], tiles: bool) {
    let other = tempfile::tempdir().unwrap();
    Directory::new(other.path()).unsynced().publish(0, leaves, &root(leaves), &signer()).unwrap();
    let what = if tiles { "tile" } else { "tile/entries" };
    fs::remove_dir_all(path.join(what)).unwrap();
    if !leaves.is_empty() {
        fs::rename(other.path().join(what), path.join(what)).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_first_changed_leaf_is_named(
        sizes in prop::collection::btree_set(1_usize..800, 1..5),
        changes in prop::collection::vec(change(), 1..4),
        tiles: bool,
    ) {
        let sizes: Vec<usize> = sizes.into_iter().collect();
        let folder = tempfile::tempdir().unwrap();
        let signed = log(folder.path(), &sizes);
        let mut leaves = signed.clone();
        for change in &changes {
            if !leaves.is_empty() {
                change.apply(&mut leaves);
            }
        }
        rewrite(folder.path(), &leaves, tiles);
        let report = verify(folder.path());
        let differs = |at: &usize| leaves.get(*at) != signed.get(*at);
        let Some(first) = (0..leaves.len().max(signed.len())).find(differs) else {
            prop_assert!(report.is_ok(), "{report}");
            return Ok(());
        };
        let place = report.first().and_then(|finding| finding.leaves.clone());
        prop_assert!(place.is_some(), "{report}");
        let (place, first) = (place.unwrap(), first as u64);
        prop_assert!(place.start <= first && first < place.end.max(place.start + 1), "{first}: {report}");
        let between = |size: &usize| *size as u64 > first;
        let until = sizes.iter().copied().find(between).map_or(first + 1, |size| size as u64);
        let from = sizes.iter().rev().copied().find(|size| !between(size)).map_or(0, |size| size as u64);
        if tiles {
            prop_assert!(place.start >= from && place.end <= until.max(place.start + 1), "{first}: {report}");
        } else {
            prop_assert_eq!(place.start, first, "{}", report);
            prop_assert!(place.end <= first + 1, "{first}: {report}");
        }
    }

    #[test]
    fn every_changed_byte_is_noticed(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), bits in 1_u8..) {
        let folder = tempfile::tempdir().unwrap();
        log(folder.path(), &[3, 260, 300]);
        let files = files(folder.path());
        let file = &files[which.index(files.len())];
        let mut bytes = fs::read(file).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= bits;
        fs::write(file, bytes).unwrap();
        prop_assert!(!verify(folder.path()).is_ok(), "{} at {}", file.display(), at);
    }

    #[test]
    fn every_appended_byte_is_noticed(which in any::<prop::sample::Index>(), byte: u8, count in 1_usize..40) {
        let folder = tempfile::tempdir().unwrap();
        log(folder.path(), &[3, 260, 300]);
        let files = files(folder.path());
        let file = &files[which.index(files.len())];
        let mut bytes = fs::read(file).unwrap();
        bytes.resize(bytes.len() + count, byte);
        fs::write(file, bytes).unwrap();
        prop_assert!(!verify(folder.path()).is_ok(), "{}", file.display());
    }

    #[test]
    fn every_cut_and_every_missing_file_is_noticed(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>()) {
        let folder = tempfile::tempdir().unwrap();
        log(folder.path(), &[3, 260, 300]);
        let mut files = files(folder.path());
        files.retain(|file| !file.starts_with(folder.path().join("checkpoints")));
        let file = &files[which.index(files.len())];
        let bytes = fs::read(file).unwrap();
        fs::write(file, &bytes[..at.index(bytes.len())]).unwrap();
        prop_assert!(!verify(folder.path()).is_ok(), "{} cut", file.display());
        fs::remove_file(file).unwrap();
        prop_assert!(!verify(folder.path()).is_ok(), "{} missing", file.display());
    }
}
