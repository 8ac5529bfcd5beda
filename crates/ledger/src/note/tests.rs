use proptest::prelude::*;

use super::*;
use crate::hash::{Hash, leaf_hash};

// The example in the documentation of the format's first implementation. Ed25519 is
// deterministic, so that the same key and text must give the same note.
const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const SEED: &str = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const TEXT: &str =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const SIGNED: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

// The example in the specification.
const SPECIFIED_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const SPECIFIED: &str = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

fn published_signer() -> Signer {
    let key = STANDARD.decode(SEED).unwrap();
    Signer::from_seed("PeterNeumann", &key[1..]).unwrap()
}

fn signer() -> Signer {
    Signer::from_seed("postern.example/audit", &[7; 32]).unwrap()
}

fn checkpoint() -> Checkpoint {
    Checkpoint { origin: "postern.example/audit".into(), size: 42, root: leaf_hash(b"root") }
}

#[test]
fn published_examples_are_signed_and_opened_byte_for_byte() {
    let verifier: Verifier = KEY.parse().unwrap();
    assert_eq!(verifier.name(), "PeterNeumann");
    assert_eq!(verifier.to_string(), KEY);
    assert_eq!(open(SIGNED.as_bytes(), &verifier), Ok(TEXT));
    assert_eq!(published_signer().verifier(), &verifier);
    assert_eq!(sign(TEXT, &published_signer()).unwrap(), SIGNED);

    let verifier: Verifier = SPECIFIED_KEY.parse().unwrap();
    assert_eq!(verifier.to_string(), SPECIFIED_KEY);
    assert_eq!(open(SPECIFIED.as_bytes(), &verifier), Ok("This is an example message.\n"));
}

#[test]
fn the_key_id_depends_on_name_and_key() {
    let other_name = Verifier::new("postern.example/other", *signer().verifier().public()).unwrap();
    assert_ne!(other_name.key_id(), signer().verifier().key_id());
    let other_key = Verifier::new("postern.example/audit", [9; 32]).unwrap();
    assert_ne!(other_key.key_id(), signer().verifier().key_id());
}

#[test]
fn keys_in_other_forms_are_refused() {
    for (text, error) in [
        ("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", Error::WrongKeyId),
        ("PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", Error::WrongKeyId),
        ("PeterNeumann+c74f20a3+AhpcAQcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", Error::BadKey),
        ("PeterNeumann+c74f20a3+ARpc2QcU", Error::BadKey),
        ("PeterNeumann+c74f20a3", Error::BadKey),
        ("Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", Error::BadName),
        ("", Error::BadKey),
    ] {
        assert_eq!(text.parse::<Verifier>(), Err(error), "{text}");
    }
    assert!(matches!(Signer::from_seed("x", &[0; 31]), Err(Error::BadKey)));
    assert!(matches!(Signer::from_seed("a+b", &[0; 32]), Err(Error::BadName)));
    assert!(matches!(Signer::from_pkcs8("x", &[0; 48]), Err(Error::BadKey)));
}

#[test]
fn a_key_in_pkcs8_is_the_same_key() {
    let pair = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let (v1, v2) = (pair.to_pkcs8v1().unwrap(), pair.to_pkcs8().unwrap());
    for document in [v1.as_ref(), v2.as_ref()] {
        let from_document = Signer::from_pkcs8("postern.example/audit", document).unwrap();
        assert_eq!(from_document.verifier(), signer().verifier());
    }
}

#[test]
fn a_checkpoint_opens_under_its_key_only() {
    let note = checkpoint().sign(&signer()).unwrap();
    assert_eq!(Checkpoint::open(&note, signer().verifier()), Ok(checkpoint()));
    let stranger = Signer::from_seed("postern.example/audit", &[8; 32]).unwrap();
    assert_eq!(Checkpoint::open(&note, stranger.verifier()), Err(Error::NotSigned));
    let foreign = Checkpoint { origin: "elsewhere".into(), ..checkpoint() };
    assert_eq!(foreign.sign(&signer()), Err(Error::WrongOrigin));
    let forged = sign("elsewhere\n42\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", &signer()).unwrap();
    assert_eq!(Checkpoint::open(forged, signer().verifier()), Err(Error::WrongOrigin));
}

#[test]
fn every_changed_byte_of_a_checkpoint_is_noticed() {
    let note = checkpoint().sign(&signer()).unwrap();
    for at in 0..note.len() {
        let mut changed = note.clone().into_bytes();
        changed[at] ^= 1;
        assert!(Checkpoint::open(&changed, signer().verifier()).is_err(), "byte {at}");
        assert!(Checkpoint::open(&note.as_bytes()[..at], signer().verifier()).is_err(), "cut at {at}");
    }
}

#[test]
fn other_signatures_are_ignored_and_bad_ones_in_our_name_are_not() {
    let note = checkpoint().sign(&signer()).unwrap();
    let cosigned = format!("{note}\u{2014} witness.example AAAAAAEC\n");
    assert_eq!(Checkpoint::open(&cosigned, signer().verifier()), Ok(checkpoint()));
    let line = note.lines().last().unwrap();
    let spoiled = format!("{note}{}\n", line.replace("AAAA", "AAAB").replacen("A=", "B=", 1));
    let twice = format!("{note}{line}\n");
    assert_eq!(Checkpoint::open(&twice, signer().verifier()), Ok(checkpoint()));
    if spoiled != twice {
        assert!(Checkpoint::open(&spoiled, signer().verifier()).is_err());
    }
    let many = format!("{note}{}", "\u{2014} witness.example AAAAAAEC\n".repeat(SIGNATURES_MAX));
    assert_eq!(Checkpoint::open(&many, signer().verifier()), Err(Error::TooLarge));
    assert_eq!(Checkpoint::open(vec![b'a'; NOTE_BYTES_MAX + 1], signer().verifier()), Err(Error::TooLarge));
}

#[test]
fn signed_texts_that_are_no_checkpoints_are_refused() {
    let root = leaf_hash(b"").to_base64();
    for text in [
        "postern.example/audit\n".to_owned(),
        format!("postern.example/audit\n042\n{root}\n"),
        format!("postern.example/audit\n+42\n{root}\n"),
        format!("postern.example/audit\n-1\n{root}\n"),
        format!("postern.example/audit\n99999999999999999999\n{root}\n"),
        "postern.example/audit\n42\nAAAA\n".to_owned(),
        format!("postern.example/audit\n42\n{root}\n\nafter a blank line\n"),
        format!("\n42\n{root}\n"),
    ] {
        let note = sign(&text, &signer()).unwrap();
        assert_eq!(Checkpoint::open(note, signer().verifier()), Err(Error::NotACheckpoint), "{text}");
    }
    let extended = sign(&format!("postern.example/audit\n42\n{root}\nmore\n"), &signer()).unwrap();
    assert_eq!(Checkpoint::open(extended, signer().verifier()).unwrap().size, 42);
    for text in ["", "no end", "bell\u{7}\n", "tab\there\n"] {
        assert_eq!(sign(text, &signer()), Err(Error::Malformed));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_opened_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Checkpoint::open(&bytes, signer().verifier()).is_err());
    }

    #[test]
    fn any_text_is_opened_without_panic(text in "\\PC{0,40}\n\\PC{0,10}\n{0,2}(\u{2014} )?\\PC{0,60}\n{0,2}") {
        prop_assert!(open(text.as_bytes(), signer().verifier()).is_err());
        let _ = text.parse::<Verifier>();
    }

    #[test]
    fn checkpoints_round_trip(size: u64, root: [u8; 32]) {
        let checkpoint = Checkpoint { size, root: Hash(root), ..checkpoint() };
        let note = checkpoint.sign(&signer()).unwrap();
        prop_assert_eq!(Checkpoint::open(note, signer().verifier()).unwrap(), checkpoint);
    }
}
