use proptest::prelude::*;

use super::*;
use crate::hash::leaf_hash;
use crate::tree::{Tree, complete_root};

struct Leaves(Vec<Hash>);

impl HashReader for Leaves {
    fn subtree(&self, level: u8, index: u64) -> Option<Hash> {
        let width = 1_usize << level;
        let start = usize::try_from(index).ok()? * width;
        self.0.get(start..start + width).map(complete_root)
    }
}

impl Leaves {
    fn root(&self, size: usize) -> Hash {
        let mut tree = Tree::new();
        for leaf in self.0.iter().take(size) {
            tree.push(*leaf);
        }
        tree.root()
    }
}

/// The eight leaves that Certificate Transparency's implementations publish as test data.
fn published() -> Leaves {
    let leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    Leaves(leaves.iter().map(|leaf| leaf_hash(&hex::decode(leaf).unwrap())).collect())
}

const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
const LEAF_0: &str = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
const LEAF_1: &str = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
const LEAF_4: &str = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
const LEAVES_0_1: &str = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125";
const LEAVES_2_3: &str = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
const LEAVES_4_5: &str = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";
const LEAVES_6_7: &str = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
const LEAVES_0_3: &str = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7";
const LEAVES_4_7: &str = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";

fn texts(proof: &[Hash]) -> Vec<String> {
    proof.iter().map(Hash::to_string).collect()
}

#[test]
fn published_roots() {
    let leaves = published();
    for (size, expected) in ROOTS.iter().enumerate() {
        assert_eq!(root(u64::try_from(size).unwrap(), &leaves).unwrap().to_string(), *expected);
        assert_eq!(leaves.root(size).to_string(), *expected);
    }
}

#[test]
fn published_inclusion_proofs() {
    let leaves = published();
    let check = |index: u64, size: usize, expected: &[&str]| {
        let proof = inclusion(index, size as u64, &leaves).unwrap();
        assert_eq!(texts(&proof), expected);
        let leaf = leaves.0[usize::try_from(index).unwrap()];
        verify_inclusion(&leaf, index, size as u64, &proof, &leaves.root(size)).unwrap();
    };
    check(0, 1, &[]);
    check(0, 8, &[LEAF_1, LEAVES_2_3, LEAVES_4_7]);
    check(5, 8, &[LEAF_4, LEAVES_6_7, LEAVES_0_3]);
    check(2, 3, &[LEAVES_0_1]);
    check(1, 5, &[LEAF_0, LEAVES_2_3, LEAF_4]);
}

#[test]
fn published_consistency_proofs() {
    let leaves = published();
    let check = |old: usize, new: usize, expected: &[&str]| {
        let proof = consistency(old as u64, new as u64, &leaves).unwrap();
        assert_eq!(texts(&proof), expected);
        verify_consistency(old as u64, &leaves.root(old), new as u64, &leaves.root(new), &proof).unwrap();
    };
    check(1, 1, &[]);
    check(1, 8, &[LEAF_1, LEAVES_2_3, LEAVES_4_7]);
    check(6, 8, &[LEAVES_4_5, LEAVES_6_7, LEAVES_0_3]);
    check(2, 5, &[LEAVES_2_3, LEAF_4]);
}

#[test]
fn impossible_questions_are_refused() {
    let leaves = published();
    let root = leaves.root(8);
    assert_eq!(inclusion(8, 8, &leaves), Err(Error::NoSuchLeaf { index: 8, size: 8 }));
    assert_eq!(inclusion(0, 9, &leaves), Err(Error::Missing { level: 0, index: 8 }));
    assert_eq!(consistency(8, 7, &leaves), Err(Error::Shrunk { old: 8, new: 7 }));
    assert_eq!(verify_inclusion(&root, 0, 0, &[], &root), Err(Error::NoSuchLeaf { index: 0, size: 0 }));
    assert_eq!(verify_consistency(1, &root, 2, &root, &[]), Err(Error::Invalid));
    assert_eq!(verify_consistency(3, &root, 8, &root, &[]), Err(Error::Invalid));
    assert_eq!(verify_consistency(0, &root, 8, &root, &[]), Err(Error::Invalid));
    assert_eq!(verify_consistency(8, &root, 8, &root, &[root]), Err(Error::Invalid));
    assert_eq!(verify_consistency(2, &root, 1, &root, &[]), Err(Error::Shrunk { old: 2, new: 1 }));
}

/// Every way to spoil a proof that keeps it well-formed.
fn spoiled(proof: &[Hash]) -> Vec<Vec<Hash>> {
    let extra = leaf_hash(b"extra");
    let mut all = vec![[proof, &[extra]].concat(), [&[extra], proof].concat()];
    for at in 0..proof.len() {
        let mut flipped = proof.to_vec();
        flipped[at].0[7] ^= 8;
        all.push(flipped);
        let mut shorter = proof.to_vec();
        shorter.remove(at);
        all.push(shorter);
    }
    all
}

proptest! {
    #[test]
    fn inclusion_holds_for_the_leaf_and_nothing_else(size in 1_usize..300, pick in any::<prop::sample::Index>()) {
        let leaves = Leaves((0..size).map(|n| leaf_hash(&n.to_be_bytes())).collect());
        let at = pick.index(size);
        let (index, count, root) = (at as u64, size as u64, leaves.root(size));
        let proof = inclusion(index, count, &leaves).unwrap();
        let leaf = leaves.0[at];
        prop_assert!(verify_inclusion(&leaf, index, count, &proof, &root).is_ok());
        prop_assert!(verify_inclusion(&leaf_hash(b"other"), index, count, &proof, &root).is_err());
        prop_assert!(verify_inclusion(&leaf, index ^ 1, count, &proof, &root).is_err() || size == 1);
        prop_assert!(verify_inclusion(&leaf, index, count, &proof, &leaf_hash(b"root")).is_err());
        for bad in spoiled(&proof) {
            prop_assert!(verify_inclusion(&leaf, index, count, &bad, &root).is_err());
        }
    }

    #[test]
    fn consistency_holds_for_prefixes_and_nothing_else(new in 1_usize..300, pick in any::<prop::sample::Index>()) {
        let leaves = Leaves((0..new).map(|n| leaf_hash(&n.to_be_bytes())).collect());
        let old = pick.index(new) + 1;
        let (old_root, new_root) = (leaves.root(old), leaves.root(new));
        let (from, to) = (old as u64, new as u64);
        let proof = consistency(from, to, &leaves).unwrap();
        prop_assert!(verify_consistency(from, &old_root, to, &new_root, &proof).is_ok());
        prop_assert!(verify_consistency(from, &leaf_hash(b"old"), to, &new_root, &proof).is_err());
        prop_assert!(verify_consistency(from, &old_root, to, &leaf_hash(b"new"), &proof).is_err());
        for bad in spoiled(&proof) {
            prop_assert!(verify_consistency(from, &old_root, to, &new_root, &bad).is_err());
        }
    }

    #[test]
    fn verifying_is_total(
        numbers in any::<[u64; 4]>(),
        proof in prop::collection::vec(any::<[u8; 32]>().prop_map(Hash), 0..80),
    ) {
        let [a, b, c, d] = numbers;
        let root = leaf_hash(b"");
        let _ = verify_inclusion(&root, a, b, &proof, &root);
        let _ = verify_consistency(c, &root, d, &root, &proof);
        let _ = verify_consistency(c, &root, u64::MAX, &root, &proof);
    }
}
