//! The committed vectors in `vectors/`: made with fixed randomness, compared byte for byte, and
//! opened again through the public interface. `POSTERN_UPDATE_VECTORS=1` writes them anew, which is
//! right only together with a new format version.

use std::path::PathBuf;
use std::{env, fs};

use aws_lc_rs::digest;
use postern_domain::{SecretBytes, SecretText};
use serde_json::{Value, json};

use crate::envelope::{Sealer, Use};
use crate::key::Key;
use crate::random::Entropy;
use crate::{Binding, Envelope, KeyRing, Recipient, SealedRoot, SharePlan};

/// SHA-256 of a label and a counter, block after block: for vectors only.
struct Fixed {
    label: &'static str,
    counter: u32,
}

impl Fixed {
    fn new(label: &'static str) -> Self {
        Self { label, counter: 0 }
    }
}

impl Entropy for Fixed {
    fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(32) {
            let block = digest::digest(&digest::SHA256, format!("{} {}", self.label, self.counter).as_bytes());
            chunk.copy_from_slice(&block.as_ref()[..chunk.len()]);
            self.counter += 1;
        }
    }
}

const PASSPHRASE: &str = "correct horse battery staple";

fn key_file() -> SecretBytes {
    SecretBytes::new((0_u8..32).collect())
}

fn binding() -> Binding {
    Binding::new("secret", "sec_0123456789abcdef", 7)
}

fn plaintext() -> SecretBytes {
    SecretBytes::new(b"hunter2".to_vec())
}

/// Compares with the committed file, or writes it when asked to.
fn committed(name: &str, made: &Value) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name);
    if env::var_os("POSTERN_UPDATE_VECTORS").is_some() {
        fs::write(&path, format!("{made:#}\n")).unwrap();
    }
    let stored: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(stored, *made, "{name}");
    stored
}

fn document(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

fn stored_bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

fn stored_hex(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

#[test]
fn documents_and_envelopes() {
    let recipients = [Recipient::KeyFile(key_file()), Recipient::Passphrase(SecretText::new(PASSPHRASE.to_owned()))];
    let mut entropy = Fixed::new("postern vault vector");
    let (sealed, shares, vault) = SealedRoot::create_with(&recipients, SharePlan::default(), &mut entropy).unwrap();
    let (root, keks) = vault.with_keys(|keys| Ok((keys.root.clone(), keys.keks.clone()))).unwrap();
    let sealer = Sealer { vault_id: sealed.vault_id(), keks: &keks };
    let seal = |purpose, secret: &SecretBytes, label| {
        let envelope = sealer.seal(purpose, &binding(), secret, &mut Fixed::new(label)).unwrap();
        hex::encode(envelope.to_bytes())
    };
    let dek = Key::generate(&mut Fixed::new("secret"));

    let made = json!({
        "about": "one vault with fixed randomness; every secret here is public on purpose",
        "key_file": hex::encode(key_file().expose()),
        "passphrase": PASSPHRASE,
        "shares": shares.iter().map(|share| share.text().expose()).collect::<Vec<_>>(),
        "vault_json": document(&sealed.to_json()),
        "key_ring": document(&vault.key_ring().unwrap().to_json()),
        "root_key": hex::encode(root.expose()),
        "kek_1": hex::encode(keks[&1].expose()),
        "binding": { "noun": "secret", "id": "sec_0123456789abcdef", "version": 7 },
        "secret": {
            "plaintext": hex::encode(plaintext().expose()),
            "dek": hex::encode(dek.expose()),
            "envelope": seal(Use::Secret, &plaintext(), "secret"),
        },
        "data_key": { "plaintext": hex::encode([0xd7; 32]), "envelope": seal(Use::DataKey, &SecretBytes::new(vec![0xd7; 32]), "data key") },
        "ed25519": { "plaintext": hex::encode([0xed; 32]), "envelope": seal(Use::Ed25519Seed, &SecretBytes::new(vec![0xed; 32]), "seed") },
    });
    opens_again(&committed("vault-v1.json", &made));
}

fn opens_again(stored: &Value) {
    let sealed = SealedRoot::from_json(&stored_bytes(&stored["vault_json"])).unwrap();
    let ring = KeyRing::from_json(&stored_bytes(&stored["key_ring"])).unwrap();
    let shares: Vec<SecretText> = stored["shares"]
        .as_array()
        .unwrap()
        .iter()
        .map(|text| SecretText::new(text.as_str().unwrap().to_owned()))
        .collect();
    let passphrase = SecretText::new(stored["passphrase"].as_str().unwrap().to_owned());
    for vault in [
        sealed.unseal_with_key_file(&SecretBytes::new(stored_hex(&stored["key_file"])), &ring).unwrap(),
        sealed.unseal_with_passphrase(&passphrase, &ring).unwrap(),
        sealed.unseal_with_shares(&shares[2..], &ring).unwrap(),
    ] {
        let envelope = |name: &str| Envelope::parse(&stored_hex(&stored[name]["envelope"])).unwrap();
        let plain = |name: &str| stored_hex(&stored[name]["plaintext"]);
        assert_eq!(vault.open(&binding(), &envelope("secret")).unwrap().expose(), plain("secret"));
        let data_key = vault.open_data_key(&binding(), &envelope("data_key").to_bytes()).unwrap();
        assert_eq!(data_key.expose(), plain("data_key"));
        assert_eq!(vault.open_ed25519(&binding(), &envelope("ed25519")).unwrap().expose(), plain("ed25519"));
    }
}

#[test]
fn shares() {
    let vault_id = "vlt_0123456789abcdef".parse().unwrap();
    let root = Key::from_secret(SecretBytes::new((0_u8..32).collect())).unwrap();
    let sets: Vec<Value> = [(2, 2), (2, 3), (3, 5), (10, 31)]
        .into_iter()
        .map(|(threshold, count)| {
            let plan = SharePlan::new(threshold, count).unwrap();
            let (set, shares) = crate::share::split(
                crate::share::Opens::Vault,
                &root,
                &vault_id,
                plan,
                &mut Fixed::new("postern share vector"),
            );
            json!({
                "threshold": threshold,
                "count": count,
                "set": set,
                "shares": shares.iter().map(|share| share.text().expose()).collect::<Vec<_>>(),
            })
        })
        .collect();
    let made = json!({ "root_key": hex::encode(root.expose()), "vault_id": vault_id.as_str(), "sets": sets });
    let stored = committed("shares-v1.json", &made);
    for set in stored["sets"].as_array().unwrap() {
        let texts: Vec<SecretText> = set["shares"]
            .as_array()
            .unwrap()
            .iter()
            .rev()
            .map(|text| SecretText::new(text.as_str().unwrap().to_owned()))
            .collect();
        assert_eq!(
            crate::share::combine(crate::share::Opens::Vault, &texts, &vault_id).unwrap().expose(),
            root.expose()
        );
    }
}
