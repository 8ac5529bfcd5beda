use std::collections::BTreeMap;
use std::fs;

use proptest::prelude::*;

use super::*;
use crate::hash::leaf_hash;
use crate::proof;

const ORIGIN: &str = "postern.example/audit";

fn signer() -> Signer {
    Signer::from_seed(ORIGIN, &[3; 32]).unwrap()
}

fn leaves(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|n| format!("{{\"n\":{n}}}").into_bytes()).collect()
}

fn root(leaves: &[Vec<u8>]) -> Hash {
    let mut tree = Tree::new();
    for leaf in leaves {
        tree.push(leaf_hash(leaf));
    }
    tree.root()
}

/// Publishes `leaves[from..to]`.
fn publish(directory: &Directory, all: &[Vec<u8>], from: usize, to: usize) -> Result<Checkpoint, Error> {
    directory.publish(from as u64, &all[from..to], &root(&all[..to]), &signer())
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn a_log_grows_in_steps_to_the_same_files_as_at_once() {
    let all = leaves(600);
    let (stepwise, at_once) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let directory = Directory::new(stepwise.path());
    for (from, to) in [(0, 0), (0, 1), (1, 255), (255, 256), (256, 257), (257, 511), (511, 600)] {
        publish(&directory, &all, from, to).unwrap();
    }
    publish(&Directory::new(at_once.path()), &all, 0, 600).unwrap();
    let mut files_stepwise = files(stepwise.path());
    files_stepwise.retain(|name, _| !name.starts_with(CHECKPOINTS));
    let mut files_at_once = files(at_once.path());
    files_at_once.retain(|name, _| !name.starts_with(CHECKPOINTS));
    assert_eq!(files_stepwise, files_at_once);
    let names: Vec<&str> = files_at_once.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "checkpoint",
            "tile/0/000",
            "tile/0/001",
            "tile/0/002.p/88",
            "tile/1/000.p/2",
            "tile/entries/000",
            "tile/entries/001",
            "tile/entries/002.p/88",
        ]
    );
    assert_eq!(directory.history().unwrap(), [0, 1, 255, 256, 257, 511, 600]);
}

#[test]
fn publishing_again_after_a_crash_changes_nothing() {
    let all = leaves(300);
    let folder = tempfile::tempdir().unwrap();
    let directory = Directory::new(folder.path());
    publish(&directory, &all, 0, 200).unwrap();
    let old = directory.checkpoint_note().unwrap().unwrap();
    publish(&directory, &all, 200, 300).unwrap();
    let done = files(folder.path());
    publish(&directory, &all, 200, 300).unwrap();
    publish(&directory, &all, 0, 300).unwrap();
    publish(&directory, &all, 300, 300).unwrap();
    assert_eq!(files(folder.path()), done);
    // As if the power had gone before the checkpoint was renamed.
    fs::write(folder.path().join(CHECKPOINT), old).unwrap();
    fs::remove_file(folder.path().join("checkpoints/200")).unwrap();
    publish(&directory, &all, 200, 300).unwrap();
    assert_eq!(files(folder.path()), done);
}

#[test]
fn a_crash_between_any_two_writes_is_harmless() {
    let all = leaves(600);
    let before = tempfile::tempdir().unwrap();
    publish(&Directory::new(before.path()).unsynced(), &all, 0, 250).unwrap();
    let after = tempfile::tempdir().unwrap();
    publish(&Directory::new(after.path()).unsynced(), &all, 0, 250).unwrap();
    publish(&Directory::new(after.path()).unsynced(), &all, 250, 600).unwrap();
    let (old, done) = (files(before.path()), files(after.path()));
    // The order of writing: bundles and tiles, then the checkpoint, then its copy.
    let rank = |name: &str| (name.starts_with(CHECKPOINTS), name == CHECKPOINT);
    let mut new: Vec<&String> = done.keys().filter(|name| old.get(*name) != done.get(*name)).collect();
    new.sort_by_key(|name| (rank(name) != (false, false), rank(name)));
    for written in 0..=new.len() {
        let crashed = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| {
            let path = crashed.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        old.iter().for_each(|(name, bytes)| put(name, bytes));
        new.iter().take(written).for_each(|name| put(name, &done[*name]));
        put("tile/0/002.p/88.new", b"torn");
        let directory = Directory::new(crashed.path()).unsynced();
        let live = crate::Options { live: true, ..Default::default() };
        let report = crate::verify_directory(crashed.path(), signer().verifier(), live);
        assert!(report.is_ok(), "{written}: {report}");
        let from = directory.checkpoint(signer().verifier()).unwrap().unwrap().size;
        publish(&directory, &all, usize::try_from(from).unwrap(), 600).unwrap();
        let report = crate::verify_directory(crashed.path(), signer().verifier(), crate::Options::default());
        assert!(report.is_ok(), "{written}: {report}");
        assert_eq!(directory.history().unwrap(), [250, 600]);
    }
}

#[test]
fn what_contradicts_the_log_is_neither_written_nor_signed() {
    let all = leaves(300);
    let folder = tempfile::tempdir().unwrap();
    let directory = Directory::new(folder.path());
    publish(&directory, &all, 0, 260).unwrap();
    let before = files(folder.path());
    let mut other = all.clone();
    other[7] = b"{}".to_vec();
    assert!(matches!(publish(&directory, &other, 0, 300), Err(Error::Diverged { .. })));
    assert!(matches!(publish(&directory, &other, 260, 260), Err(Error::Diverged { size: 260 })));
    assert!(matches!(publish(&directory, &all, 0, 258), Err(Error::Shrunk { size: 258, signed: 260 })));
    assert!(matches!(publish(&directory, &all, 299, 300), Err(Error::Missing { .. })));
    let huge = vec![b"{}".to_vec(), vec![b' '; 65_536]];
    let result = directory.publish(260, &huge, &root(&huge), &signer());
    assert!(matches!(result, Err(Error::Leaf { index: 261, .. })));
    let stranger = Signer::from_seed(ORIGIN, &[4; 32]).unwrap();
    assert!(matches!(directory.publish(260, &all[260..], &root(&all), &stranger), Err(Error::Note(_))));
    assert_eq!(files(folder.path()), before);
    // Without the checkpoint only the files themselves can contradict.
    fs::remove_file(folder.path().join(CHECKPOINT)).unwrap();
    assert!(matches!(publish(&directory, &other, 0, 300), Err(Error::Conflict { .. })));
}

#[test]
fn an_edge_edited_on_disk_is_not_built_upon() {
    let all = leaves(20);
    let folder = tempfile::tempdir().unwrap();
    let directory = Directory::new(folder.path());
    publish(&directory, &all, 0, 10).unwrap();
    let bundle = folder.path().join("tile/entries/000.p/10");
    let mut bytes = fs::read(&bundle).unwrap();
    bytes[5] ^= 1;
    fs::write(&bundle, bytes).unwrap();
    assert!(matches!(publish(&directory, &all, 10, 20), Err(Error::Damaged { .. })));
}

#[test]
fn proofs_come_out_of_tiles() {
    let all = leaves(700);
    let folder = tempfile::tempdir().unwrap();
    let directory = Directory::new(folder.path()).unsynced();
    publish(&directory, &all, 0, 700).unwrap();
    let hashes = directory.hashes(700);
    for index in [0, 5, 255, 256, 511, 512, 699] {
        let path = proof::inclusion(index, 700, &hashes).unwrap();
        let leaf = leaf_hash(&all[usize::try_from(index).unwrap()]);
        proof::verify_inclusion(&leaf, index, 700, &path, &root(&all)).unwrap();
    }
    for old in [1, 255, 256, 300, 512, 699] {
        let path = proof::consistency(old, 700, &hashes).unwrap();
        let old_root = root(&all[..usize::try_from(old).unwrap()]);
        assert_eq!(proof::root(old, &hashes).unwrap(), old_root);
        proof::verify_consistency(old, &old_root, 700, &root(&all), &path).unwrap();
    }
    let checkpoint = directory.checkpoint(signer().verifier()).unwrap().unwrap();
    assert_eq!(directory.tree(&checkpoint).unwrap().root(), root(&all));
    let other = Checkpoint { root: leaf_hash(b"other"), ..checkpoint };
    assert!(matches!(directory.tree(&other), Err(Error::Diverged { size: 700 })));
    assert_eq!(directory.leaves(250, 700).unwrap(), &all[250..256]);
    assert_eq!(directory.leaves(600, 650).unwrap(), &all[600..650]);
    assert!(matches!(directory.leaves(600, 701), Err(Error::Missing { .. })));
}

#[test]
fn files_that_are_no_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let directory = Directory::new(folder.path());
    assert!(directory.checkpoint_note().unwrap().is_none());
    fs::create_dir(folder.path().join(CHECKPOINT)).unwrap();
    assert!(matches!(directory.checkpoint_note(), Err(Error::Unacceptable { .. })));
    fs::remove_dir(folder.path().join(CHECKPOINT)).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.path().join(CHECKPOINT)).unwrap();
    assert!(matches!(directory.checkpoint_note(), Err(Error::Unacceptable { .. })));
    fs::remove_file(folder.path().join(CHECKPOINT)).unwrap();
    fs::write(folder.path().join(CHECKPOINT), vec![b'a'; NOTE_BYTES_MAX + 1]).unwrap();
    assert!(matches!(directory.checkpoint_note(), Err(Error::Unacceptable { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_steps_lead_to_the_same_root(steps in prop::collection::vec(0_usize..200, 1..6)) {
        let all = leaves(steps.iter().sum());
        let folder = tempfile::tempdir().unwrap();
        let directory = Directory::new(folder.path()).unsynced();
        let mut from = 0;
        for step in steps {
            publish(&directory, &all, from, from + step).unwrap();
            from += step;
        }
        let checkpoint = directory.checkpoint(signer().verifier()).unwrap().unwrap();
        prop_assert_eq!(checkpoint.root, root(&all));
        prop_assert_eq!(proof::root(checkpoint.size, &directory.hashes(checkpoint.size)).unwrap(), root(&all));
    }
}
