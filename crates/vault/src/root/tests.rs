use proptest::prelude::*;

use super::*;
use crate::binding::Binding;
use crate::error::ShareError;
use crate::random;

const PASSPHRASE: &str = "correct horse battery";

struct Fixture {
    sealed: SealedRoot,
    shares: Vec<SecretText>,
    vault: Vault,
    content: SecretBytes,
    ring: KeyRing,
    proof: crate::Envelope,
}

fn binding() -> Binding {
    Binding::new("secret", "sec_1", 1)
}

fn passphrase(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

fn texts(shares: &[RecoveryShare]) -> Vec<SecretText> {
    shares.iter().map(|share| share.text().clone()).collect()
}

fn fixture_with(extra: Option<Recipient>) -> Fixture {
    let content = random::secret(32);
    let recipients: Vec<Recipient> = [Recipient::KeyFile(content.clone())].into_iter().chain(extra).collect();
    let (sealed, shares, vault) = SealedRoot::create(&recipients, SharePlan::default()).unwrap();
    let ring = vault.key_ring().unwrap();
    let proof = vault.seal(&binding(), &SecretBytes::new(b"proof".to_vec())).unwrap();
    Fixture { sealed, shares: texts(&shares), vault, content, ring, proof }
}

fn fixture() -> Fixture {
    fixture_with(None)
}

impl Fixture {
    fn proves(&self, opened: Result<Vault, Error>) {
        assert_eq!(opened.unwrap().open(&binding(), &self.proof).unwrap().expose(), b"proof");
    }
}

#[test]
fn every_recipient_opens_the_same_vault_from_the_stored_documents() {
    let f = fixture_with(Some(Recipient::Passphrase(passphrase(PASSPHRASE))));
    let sealed = SealedRoot::from_json(&f.sealed.to_json()).unwrap();
    let ring = KeyRing::from_json(&f.ring.to_json()).unwrap();
    assert_eq!(sealed, f.sealed);
    f.proves(sealed.unseal_with_key_file(&f.content, &ring));
    f.proves(sealed.unseal_with_passphrase(&passphrase(PASSPHRASE), &ring));
    f.proves(sealed.unseal_with_shares(&f.shares[1..4], &ring));

    let wrong = sealed.unseal_with_passphrase(&passphrase("correct horse batterz"), &ring);
    assert_eq!(wrong.err(), Some(Error::WrongKey("passphrase")));
    let wrong = sealed.unseal_with_key_file(&random::secret(32), &ring);
    assert_eq!(wrong.err(), Some(Error::WrongKey("key file")));
}

#[test]
fn the_stored_documents_hold_no_secret() {
    let f = fixture();
    let root = f.vault.with_keys(|keys| Ok(keys.root.clone())).unwrap();
    let kek = f.vault.with_keys(|keys| Ok(keys.keks[&1].clone())).unwrap();
    for secret in [root.expose(), kek.expose(), f.content.expose()] {
        crate::leaks::assert_absent(secret, &String::from_utf8(f.sealed.to_json()).unwrap());
        crate::leaks::assert_absent(secret, &String::from_utf8(f.ring.to_json()).unwrap());
    }
}

#[test]
fn one_recipient_besides_the_shares_is_the_least_and_weak_ones_are_refused() {
    let create = |recipients: &[Recipient]| SealedRoot::create(recipients, SharePlan::default()).err();
    let weak = |error: Option<Error>| assert!(matches!(error, Some(Error::Weak(_))), "{error:?}");
    weak(create(&[]));
    weak(create(&[Recipient::Passphrase(passphrase("elevenchars"))]));
    weak(create(&[Recipient::Passphrase(passphrase(&"x".repeat(1025)))]));
    weak(create(&[Recipient::KeyFile(random::secret(31))]));
    weak(create(&[Recipient::KeyFile(random::secret(4097))]));
    weak(create(&[Recipient::KeyFile(SecretBytes::new(vec![0; 32]))]));
    weak(create(&[Recipient::KeyFile(random::secret(32)), Recipient::KeyFile(random::secret(32))]));
}

#[test]
fn a_recipient_that_is_not_there_is_named() {
    let f = fixture();
    let answer = f.sealed.unseal_with_passphrase(&passphrase(PASSPHRASE), &f.ring);
    assert_eq!(answer.err(), Some(Error::NoSuchRecipient("passphrase")));
}

#[test]
fn documents_of_different_vaults_do_not_mix() {
    let (a, b) = (fixture(), fixture());
    assert_eq!(a.sealed.unseal_with_key_file(&a.content, &b.ring).err(), Some(Error::OtherVault));
    assert_eq!(
        a.sealed.unseal_with_shares(&b.shares[..3], &a.ring).err(),
        Some(ShareError::OtherVault { position: 1 }.into())
    );
    assert_eq!(a.sealed.reseal(&b.vault, &[Recipient::KeyFile(random::secret(32))]).err(), Some(Error::OtherVault));
    assert_eq!(a.sealed.new_shares(&b.vault, SharePlan::default()).err(), Some(Error::OtherVault));
}

#[test]
fn resealing_changes_who_opens_and_nothing_else() {
    let f = fixture();
    let content = random::secret(64);
    let resealed = f.sealed.reseal(&f.vault, &[Recipient::KeyFile(content.clone())]).unwrap();
    f.proves(resealed.unseal_with_key_file(&content, &f.ring));
    f.proves(resealed.unseal_with_shares(&f.shares[..3], &f.ring));
    assert_eq!(resealed.unseal_with_key_file(&f.content, &f.ring).err(), Some(Error::WrongKey("key file")));
    assert_eq!(resealed.recipients(), f.sealed.recipients());
}

#[test]
fn another_set_of_shares_opens_too_and_sets_do_not_mix() {
    let f = fixture();
    let (sealed, again) = f.sealed.new_shares(&f.vault, SharePlan::new(2, 2).unwrap()).unwrap();
    let again = texts(&again);
    f.proves(sealed.unseal_with_shares(&again, &f.ring));
    f.proves(f.sealed.unseal_with_shares(&again, &f.ring));
    f.proves(sealed.unseal_with_shares(&f.shares[..3], &f.ring));
    f.proves(sealed.unseal_with_key_file(&f.content, &f.ring));
    let mixed = [f.shares[0].clone(), f.shares[1].clone(), again[1].clone()];
    assert_eq!(sealed.unseal_with_shares(&mixed, &f.ring).err(), Some(ShareError::OtherSet { position: 3 }.into()));
}

#[test]
fn a_lost_document_is_made_anew_from_shares_and_ring() {
    let f = fixture();
    let content = random::secret(32);
    let recipients = [Recipient::KeyFile(content.clone())];
    let (sealed, shares, vault) =
        SealedRoot::rebuild(&f.shares[2..], &f.ring, &recipients, SharePlan::default()).unwrap();
    f.proves(Ok(vault));
    f.proves(sealed.unseal_with_key_file(&content, &f.ring));
    f.proves(sealed.unseal_with_shares(&texts(&shares)[..3], &f.ring));

    let other = fixture();
    let answer = SealedRoot::rebuild(&other.shares, &f.ring, &recipients, SharePlan::default());
    assert_eq!(answer.err(), Some(ShareError::OtherVault { position: 1 }.into()));
}

#[test]
fn a_new_root_key_shuts_out_everything_of_before() {
    let f = fixture();
    let content = random::secret(32);
    let rotation =
        f.sealed.rotate_root(&f.vault, &[Recipient::KeyFile(content.clone())], SharePlan::default()).unwrap();
    let (sealed, ring) = (&rotation.sealed_root, &rotation.key_ring);
    f.proves(sealed.unseal_with_key_file(&content, ring));
    f.proves(sealed.unseal_with_shares(&texts(&rotation.shares)[..3], ring));
    assert_eq!(sealed.unseal_with_key_file(&f.content, ring).err(), Some(Error::WrongKey("key file")));
    assert_eq!(sealed.unseal_with_shares(&f.shares[..3], ring).err(), Some(Error::WrongKey("set of shares")));
    assert_eq!(f.sealed.unseal_with_key_file(&f.content, ring).err(), Some(Error::ForeignKeyRing));

    f.vault.install(&rotation.vault).unwrap();
    assert_eq!(f.vault.open(&binding(), &f.proof).unwrap().expose(), b"proof");
    assert_eq!(f.vault.key_ring().unwrap(), *ring);
}

#[test]
fn a_change_of_root_survives_a_crash_between_its_two_documents() {
    let f = fixture();
    let content = random::secret(32);
    let recipients = [Recipient::KeyFile(content.clone())];
    let rotation = f.sealed.rotate_root(&f.vault, &recipients, SharePlan::default()).unwrap();

    // Only the sealed root was stored: the old ring opens, and the vault asks to store a new one.
    let opened = rotation.sealed_root.unseal_with_key_file(&content, &f.ring).unwrap();
    let stored = opened.key_ring().unwrap();
    assert_ne!(stored, f.ring);
    assert!(stored.generation() > f.ring.generation());
    f.proves(rotation.sealed_root.unseal_with_key_file(&content, &stored));

    let finished = rotation.sealed_root.without_previous();
    assert!(rotation.sealed_root.has_previous() && !finished.has_previous());
    f.proves(finished.unseal_with_key_file(&content, &stored));
    assert_eq!(finished.unseal_with_key_file(&content, &f.ring).err(), Some(Error::ForeignKeyRing));
}

#[test]
fn documents_that_are_none_are_refused() {
    let f = fixture();
    let json = String::from_utf8(f.sealed.to_json()).unwrap();
    for bad in [
        String::new(),
        "{}".to_owned(),
        json.replace("postern-vault", "other"),
        json.replace("vlt_", "vl_"),
        format!("{json}{}", " ".repeat(1 << 20)),
    ] {
        assert_eq!(SealedRoot::from_json(bad.as_bytes()), Err(Error::Malformed("the sealed root")));
    }
    assert_eq!(
        SealedRoot::from_json(json.replace("\"version\": 1", "\"version\": 2").as_bytes()),
        Err(Error::Unsupported { what: "the sealed root", version: 2 })
    );
    assert_eq!(KeyRing::from_json(json.as_bytes()), Err(Error::Malformed("the key ring")));
}

#[test]
fn a_document_cannot_make_the_passphrase_cost_more_than_the_limit() {
    let f = fixture_with(Some(Recipient::Passphrase(passphrase(PASSPHRASE))));
    let json = String::from_utf8(f.sealed.to_json()).unwrap();
    for (from, to) in [("65536", "4294967295"), ("\"passes\": 3", "\"passes\": 1000"), ("\"lanes\": 4", "\"lanes\": 0")]
    {
        assert!(json.contains(from), "{from}");
        let costly = SealedRoot::from_json(json.replace(from, to).as_bytes()).unwrap();
        let answer = costly.unseal_with_passphrase(&passphrase(PASSPHRASE), &f.ring);
        assert_eq!(answer.err(), Some(Error::Malformed("the sealed root")));
    }
}

#[test]
fn every_bit_of_the_key_file_matters() {
    let f = fixture();
    for bit in 0..256 {
        let mut bytes = f.content.expose().to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let answer = f.sealed.unseal_with_key_file(&SecretBytes::new(bytes), &f.ring);
        assert_eq!(answer.err(), Some(Error::WrongKey("key file")), "bit {bit}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_three_shares_open_and_any_two_do_not(order in Just(vec![0_usize, 1, 2, 3, 4]).prop_shuffle()) {
        let f = fixture();
        let typed: Vec<SecretText> = order.iter().map(|i| f.shares[*i].clone()).collect();
        f.proves(f.sealed.unseal_with_shares(&typed[..3], &f.ring));
        let few = f.sealed.unseal_with_shares(&typed[..2], &f.ring);
        prop_assert_eq!(few.err(), Some(ShareError::NotEnough { given: 2, needed: 3 }.into()));
    }

    #[test]
    fn a_share_forged_with_a_good_checksum_does_not_open(value in any::<[u8; 32]>()) {
        let f = fixture();
        let forged = crate::share::forge(&f.shares[0], &value);
        let typed = [forged, f.shares[1].clone(), f.shares[2].clone()];
        let answer = f.sealed.unseal_with_shares(&typed, &f.ring);
        prop_assert_eq!(answer.err(), Some(Error::WrongKey("set of shares")));
    }

    #[test]
    fn a_document_altered_anywhere_opens_rightly_or_not_at_all(at in 0_usize..2000, to in any::<u8>()) {
        let f = fixture();
        let mut json = f.sealed.to_json();
        let at = at % json.len();
        json[at] = to;
        if let Ok(sealed) = SealedRoot::from_json(&json)
            && let Ok(vault) = sealed.unseal_with_key_file(&f.content, &f.ring)
        {
            f.proves(Ok(vault));
        }
    }
}
