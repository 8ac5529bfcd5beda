use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::error::ShareError;
use crate::random;

const PASSPHRASE: &str = "correct horse battery staple";

/// Three people with keys; stretching a passphrase takes long.
static KEYS: LazyLock<Vec<HolderKeyFile>> =
    LazyLock::new(|| (0..3).map(|_| HolderKeyFile::generate(&passphrase()).unwrap()).collect());
static SECRETS: LazyLock<Vec<HolderSecret>> =
    LazyLock::new(|| KEYS.iter().map(|key| key.unlock(&passphrase()).unwrap()).collect());

fn passphrase() -> SecretText {
    SecretText::new(PASSPHRASE.to_owned())
}

fn vault() -> VaultId {
    "vlt_0123456789abcdef".parse().unwrap()
}

fn holders() -> Vec<Holder> {
    ["ana", "ben", "cyd"]
        .iter()
        .zip(KEYS.iter())
        .map(|(name, key)| Holder { name: name.parse().unwrap(), key: key.public().clone() })
        .collect()
}

fn contents() -> Contents {
    let secret = |version, state: &str, value: &str| EntrySecret {
        version,
        state: state.to_owned(),
        kind: "password".to_owned(),
        value: SecretText::new(value.to_owned()),
    };
    let entry = Entry {
        account: "root@web-1".to_owned(),
        address: "web-1.example:22".to_owned(),
        platform: "linux".to_owned(),
        known_by: vec!["ssh-ed25519 AAAA".to_owned()],
        secrets: vec![secret(3, "current", "pass\"word\u{7f}ä"), secret(4, "candidate", "next")],
    };
    Contents { record_key: random::secret(RECORD_KEY_LEN), entries: vec![entry] }
}

fn sealed() -> Bundle {
    let made_at = Timestamp::from_millis(1_790_000_000_000);
    let facts = Facts { serial: 7, made_at, server: "https://postern.example".to_owned(), accounts: 1 };
    Bundle::seal(&vault(), facts, &holders(), 2, &contents()).unwrap()
}

fn shares(bundle: &Bundle, of: &[usize]) -> Vec<SecretText> {
    of.iter().map(|at| bundle.share(&SECRETS[*at]).unwrap()).collect()
}

#[test]
fn any_two_of_three_open_it_and_one_does_not() {
    let bundle = Bundle::parse(&sealed().to_body()).unwrap();
    for pair in [[0, 1], [0, 2], [1, 2], [2, 0]] {
        let opened = bundle.open(&shares(&bundle, &pair)).unwrap();
        let [entry] = opened.entries.as_slice() else { panic!("one account") };
        assert_eq!(entry.account, "root@web-1");
        let values: Vec<_> = entry.secrets.iter().map(|secret| secret.value.expose()).collect();
        assert_eq!(values, ["pass\"word\u{7f}ä", "next"]);
    }
    let refused = |of: &[usize]| bundle.open(&shares(&bundle, of)).err().unwrap();
    assert_eq!(refused(&[1]), Error::Share(ShareError::NotEnough { given: 1, needed: 2 }));
    assert!(matches!(refused(&[1, 1]), Error::Share(ShareError::Repeated { .. })));
}

#[test]
fn shares_of_another_bundle_do_not_fit() {
    let (one, other) = (sealed(), sealed());
    let mixed = [shares(&one, &[0]), shares(&other, &[1])].concat();
    assert!(matches!(one.open(&mixed).err().unwrap(), Error::Share(ShareError::OtherSet { .. })));
    assert_eq!(one.open(&shares(&other, &[0, 1])).err().unwrap(), Error::Refused);
    let stranger = HolderKeyFile::generate(&passphrase()).unwrap().unlock(&passphrase()).unwrap();
    assert_eq!(one.share(&stranger).err().unwrap(), Error::NoSuchRecipient("key of this holder"));
}

#[test]
fn no_secret_stands_in_the_file() {
    let body = String::from_utf8(sealed().to_body()).unwrap();
    for word in ["root@web-1", "web-1.example", "next", "ssh-ed25519"] {
        assert!(!body.contains(word), "{word}");
    }
    assert!(body.contains("\"serial\": 7") && body.contains("\"name\": \"ana\""));
}

#[test]
fn a_plan_has_at_least_two_people_with_keys_of_their_own() {
    let facts = sealed().facts().clone();
    let seal = |holders: &[Holder], threshold| Bundle::seal(&vault(), facts.clone(), holders, threshold, &contents());
    assert!(matches!(seal(&holders(), 1), Err(Error::Weak(_))));
    assert!(matches!(seal(&holders(), 4), Err(Error::Weak(_))));
    let mut twice = holders();
    twice[1].key = twice[0].key.clone();
    assert!(matches!(seal(&twice, 2), Err(Error::Weak(_))));
    let mut namesakes = holders();
    namesakes[1].name = namesakes[0].name.clone();
    assert!(matches!(seal(&namesakes, 2), Err(Error::Weak(_))));
}

#[test]
fn a_key_file_opens_with_its_passphrase_only() {
    let file = HolderKeyFile::parse(&KEYS[0].to_bytes()).unwrap();
    assert_eq!(file.public(), KEYS[0].public());
    assert!(matches!(file.unlock(&SecretText::new("wrong horse battery staple".to_owned())), Err(Error::WrongKey(_))));
    assert!(matches!(HolderKeyFile::generate(&SecretText::new("short".to_owned())), Err(Error::Weak(_))));
    let text = file.public().to_string();
    assert_eq!(text.to_uppercase().parse::<HolderKey>().unwrap(), *file.public());
    let mut typed: Vec<char> = text.chars().collect();
    typed[10] = if typed[10] == '7' { '8' } else { '7' };
    assert!(typed.into_iter().collect::<String>().parse::<HolderKey>().is_err());
}

#[test]
fn the_file_is_a_note_and_a_body() {
    let body = sealed().to_body();
    let text = signed_text(&body, 7);
    let file = file(&format!("{text}\n\u{2014} name c2lnbmF0dXJl\n"), &body);
    let (note, found) = parts(&file).unwrap();
    assert!(note.starts_with(&text) && note.ends_with("c2lnbmF0dXJl\n"));
    assert_eq!(found, body);
    assert!(parts(b"{}").is_none() && parts(&[0xff, 0xfe]).is_none());
}

#[test]
fn a_record_is_known_by_its_key() {
    let key = random::secret(RECORD_KEY_LEN);
    let mac = record_mac(&key, b"opened").unwrap();
    assert!(record_mac_is(&key, b"opened", &mac));
    assert!(!record_mac_is(&key, b"opened twice", &mac) && !record_mac_is(&random::secret(32), b"opened", &mac));
    assert!(!record_mac_is(&key, b"opened", &mac.to_uppercase()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_is_altered_does_not_open(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let bundle = sealed();
        let mut body = bundle.to_body();
        let at = at.index(body.len());
        body[at] ^= 1 << bit;
        if let Ok(altered) = Bundle::parse(&body) && altered != bundle {
            let opened = [0, 1]
                .iter()
                .map(|at| altered.share(&SECRETS[*at]))
                .collect::<Result<Vec<_>, _>>()
                .and_then(|shares| altered.open(&shares));
            prop_assert!(opened.is_err());
        }
    }

    #[test]
    fn nothing_that_is_read_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = (Bundle::parse(&bytes).is_ok(), HolderKeyFile::parse(&bytes).is_ok(), parts(&bytes).is_some());
    }
}
