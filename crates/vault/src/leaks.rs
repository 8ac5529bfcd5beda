//! That no public type shows a key: those that hold one have no `Debug` at all, and what the others
//! print is searched for every secret in every likely notation.

use std::fmt::Debug;
use std::marker::PhantomData;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use postern_domain::{SecretBytes, SecretText};

use crate::recovery::RecoveryCode;
use crate::token::{NewToken, Purpose};
use crate::{
    Binding, Recipient, RecoveryShare, RootRotation, SealedRoot, SharePlan, password, random, recovery, token,
};

/// `HAS` is true for types with `Debug`: the inherent constant wins over the trait's.
struct Probe<T>(PhantomData<T>);

trait Without {
    const HAS: bool = false;
}

impl<T> Without for Probe<T> {}

impl<T: Debug> Probe<T> {
    const HAS: bool = true;
}

#[test]
fn types_that_hold_a_secret_have_no_debug() {
    const {
        assert!(Probe::<SealedRoot>::HAS);
        assert!(!Probe::<SecretBytes>::HAS);
        assert!(!Probe::<SecretText>::HAS);
        assert!(!Probe::<Recipient>::HAS);
        assert!(!Probe::<RecoveryShare>::HAS);
        assert!(!Probe::<RootRotation>::HAS);
        assert!(!Probe::<RecoveryCode>::HAS);
        assert!(!Probe::<NewToken>::HAS);
        assert!(!Probe::<crate::key::Key>::HAS);
        assert!(!Probe::<crate::vault::Keys>::HAS);
    }
}

/// Fails when `text` shows `secret`, or eight bytes in a row of it, in a notation that code prints.
pub(crate) fn assert_absent(secret: &[u8], text: &str) {
    for part in secret.windows(8.min(secret.len())) {
        let list = part.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
        let hex = hex::encode(part);
        // The outer characters depend on the neighbouring bytes.
        let base64 = STANDARD_NO_PAD.encode(part);
        let url_safe = URL_SAFE_NO_PAD.encode(part);
        for shown in [&list, &hex, &hex.to_uppercase(), &base64[..base64.len() - 2], &url_safe[..url_safe.len() - 2]] {
            assert!(!text.contains(shown), "a secret shows in {text}");
        }
        if let Ok(plain) = std::str::from_utf8(part) {
            assert!(!text.contains(plain), "a secret shows in {text}");
        }
    }
}

#[test]
fn what_the_others_print_shows_no_secret() {
    let content = random::secret(32);
    let passphrase = SecretText::new("correct horse battery".to_owned());
    let recipients = [Recipient::KeyFile(content.clone()), Recipient::Passphrase(passphrase.clone())];
    let (sealed, shares, vault) = SealedRoot::create(&recipients, SharePlan::default()).unwrap();
    let binding = Binding::new("secret", "sec_1", 1);
    let secret = SecretBytes::new(b"the password of root on web-1".to_vec());
    let envelope = vault.seal(&binding, &secret).unwrap();
    let (data_key, _) = vault.data_key(&binding).unwrap();
    let (seed, _) = vault.generate_ed25519(&binding).unwrap();
    let seed_opened = vault.open_ed25519(&binding, &seed).unwrap();
    let token = token::generate(Purpose::Api);
    let codes = recovery::generate();

    let typed = [SecretText::new(shares[0].text().expose().replace("psh1", "psh2"))];
    let ring = vault.key_ring().unwrap();
    let errors = [
        sealed.unseal_with_key_file(&random::secret(32), &ring).err(),
        sealed.unseal_with_shares(&typed, &ring).err(),
        vault.open(&Binding::new("secret", "sec_2", 1), &envelope).err(),
    ];
    let printed = format!(
        "{sealed:?} {vault:?} {ring:?} {:?} {binding:?} {envelope:?} {seed:?} {errors:?} {:?} {:?} {:?} {:?}",
        vault.status(),
        shares[0].label(),
        token.hash,
        codes[0].hash,
        token::parse(Purpose::Link, &token.text),
    );
    let hash = password::hash(&passphrase).unwrap();
    let roots = vault.with_keys(|keys| Ok([keys.root.clone(), keys.keks[&1].clone()])).unwrap();

    let mut secrets: Vec<&[u8]> = roots.iter().map(crate::key::Key::expose).collect();
    secrets.extend([content.expose(), secret.expose(), data_key.expose(), seed_opened.expose()]);
    secrets.push(passphrase.expose().as_bytes());
    secrets.push(&token.text.expose().as_bytes()["pst_api_".len()..]);
    secrets.push(codes[0].text.expose().as_bytes());
    let share = shares[0].text().expose().as_bytes();
    secrets.push(&share[share.len() - 70..]);
    for secret in secrets {
        assert_absent(secret, &printed);
        assert_absent(secret, &hash);
    }
}
