use std::thread;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use proptest::prelude::*;

use super::*;
use crate::recipient::Recipient;
use crate::share::SharePlan;

fn created() -> (SealedRoot, Vault, SecretBytes) {
    let content = random::secret(32);
    let (sealed, _, vault) = SealedRoot::create(&[Recipient::KeyFile(content.clone())], SharePlan::default()).unwrap();
    (sealed, vault, content)
}

fn binding() -> Binding {
    Binding::new("secret", "sec_1", 1)
}

fn secret() -> SecretBytes {
    SecretBytes::new(b"hunter2".to_vec())
}

#[test]
fn a_sealed_vault_answers_nothing_but_its_status() {
    let (_, vault, _) = created();
    let envelope = vault.seal(&binding(), &secret()).unwrap();
    let (_, sealed_key) = vault.data_key(&binding()).unwrap();
    let ring = vault.key_ring().unwrap();
    let clone = vault.clone();
    vault.seal_now();

    assert_eq!(clone.open(&binding(), &envelope).err(), Some(Error::Sealed));
    assert_eq!(clone.seal(&binding(), &secret()).err(), Some(Error::Sealed));
    assert_eq!(clone.rewrap(&binding(), &envelope).err(), Some(Error::Sealed));
    assert_eq!(clone.data_key(&binding()).err(), Some(Error::Sealed));
    assert_eq!(clone.open_data_key(&binding(), &sealed_key).err(), Some(Error::Sealed));
    assert_eq!(clone.generate_ed25519(&binding()).err(), Some(Error::Sealed));
    assert_eq!(clone.open_ed25519(&binding(), &envelope).err(), Some(Error::Sealed));
    assert_eq!(clone.rotate_kek().err(), Some(Error::Sealed));
    assert_eq!(clone.retire_kek(1).err(), Some(Error::Sealed));
    assert_eq!(clone.adopt(&ring).err(), Some(Error::Sealed));
    assert_eq!(clone.key_ring().err(), Some(Error::Sealed));

    let status = clone.status();
    assert!(status.sealed);
    assert_eq!(status.vault_id.as_ref(), Some(ring.vault_id()));
    assert_eq!((status.kek_current, status.kek_count), (None, 0));
    assert_eq!(status.recipients, [RecipientKind::KeyFile, RecipientKind::Shares]);
}

#[test]
fn a_handle_made_sealed_is_opened_for_all_its_clones() {
    let (stored, opened, content) = created();
    let ring = opened.key_ring().unwrap();
    let envelope = opened.seal(&binding(), &secret()).unwrap();

    let vault = Vault::sealed();
    assert_eq!(vault.status().vault_id, None);
    vault.describe(&stored).unwrap();
    assert_eq!(vault.status().vault_id.as_ref(), Some(stored.vault_id()));

    let clone = vault.clone();
    let fresh = stored.unseal_with_key_file(&content, &ring).unwrap();
    vault.install(&fresh).unwrap();
    assert_eq!(clone.open(&binding(), &envelope).unwrap().expose(), secret().expose());
    assert!(fresh.status().sealed);
    assert_eq!(vault.install(&fresh).err(), Some(Error::Sealed));
    assert!(!vault.status().sealed);
}

#[test]
fn a_handle_takes_no_other_vaults_keys() {
    let (_, vault, _) = created();
    let (other_stored, other, _) = created();
    assert_eq!(vault.install(&other).err(), Some(Error::OtherVault));
    assert_eq!(vault.describe(&other_stored).err(), Some(Error::OtherVault));
    assert!(!vault.status().sealed);
}

#[test]
fn a_key_is_used_only_once_its_ring_is_adopted() {
    let (_, vault, _) = created();
    let before = vault.seal(&binding(), &secret()).unwrap();
    let next = vault.rotate_kek().unwrap();
    assert_eq!(vault.status().kek_current, Some(1));
    assert_eq!(vault.rewrap(&binding(), &before).unwrap(), None);

    vault.adopt(&KeyRing::from_json(&next.to_json()).unwrap()).unwrap();
    assert_eq!((vault.status().kek_current, vault.status().kek_count), (Some(2), 2));
    assert_eq!(vault.open(&binding(), &before).unwrap().expose(), secret().expose());
    let after = vault.rewrap(&binding(), &before).unwrap().unwrap();
    assert_eq!(after.kek_id(), 2);
    assert_eq!(vault.seal(&binding(), &secret()).unwrap().kek_id(), 2);

    assert_eq!(vault.retire_kek(2).err(), Some(Error::CurrentKek(2)));
    assert_eq!(vault.retire_kek(9).err(), Some(Error::UnknownKek(9)));
    vault.adopt(&vault.retire_kek(1).unwrap()).unwrap();
    assert_eq!(vault.open(&binding(), &before).err(), Some(Error::UnknownKek(1)));
    assert_eq!(vault.open(&binding(), &after).unwrap().expose(), secret().expose());
    assert_eq!(vault.key_ring().unwrap().kek_ids().collect::<Vec<_>>(), [2]);
}

#[test]
fn a_staged_handle_rewraps_before_the_ring_is_adopted() {
    let (stored, vault, content) = created();
    let before = vault.seal(&binding(), &secret()).unwrap();
    let next = vault.rotate_kek().unwrap();
    let staged = vault.staged(&next).unwrap();
    let after = staged.rewrap(&binding(), &before).unwrap().unwrap();
    assert_eq!(staged.status().recipients, vault.status().recipients);

    assert_eq!(vault.status().kek_current, Some(1));
    assert_eq!(vault.open(&binding(), &after).err(), Some(Error::UnknownKek(2)));
    let restarted = stored.unseal_with_key_file(&content, &next).unwrap();
    assert_eq!(restarted.open(&binding(), &after).unwrap().expose(), secret().expose());

    vault.adopt(&next).unwrap();
    assert_eq!(vault.open(&binding(), &after).unwrap().expose(), secret().expose());
    assert_eq!(vault.staged(&next).err(), Some(Error::StaleKeyRing));
}

#[test]
fn rings_that_are_old_forked_foreign_or_altered_are_refused() {
    let (_, vault, _) = created();
    let first = vault.key_ring().unwrap();
    let (one, two) = (vault.rotate_kek().unwrap(), vault.rotate_kek().unwrap());
    vault.adopt(&one).unwrap();
    vault.adopt(&one).unwrap();
    assert_eq!(vault.adopt(&first).err(), Some(Error::StaleKeyRing));
    assert_eq!(vault.adopt(&two).err(), Some(Error::StaleKeyRing));

    let (_, other, _) = created();
    assert_eq!(vault.adopt(&other.key_ring().unwrap()).err(), Some(Error::OtherVault));

    let text = String::from_utf8(vault.rotate_kek().unwrap().to_json()).unwrap();
    for (from, to) in
        [("\"generation\": 3", "\"generation\": 4"), ("\"id\": 3", "\"id\": 4"), ("\"id\": 1", "\"id\": 0")]
    {
        assert!(text.contains(from));
        let altered = KeyRing::from_json(text.replace(from, to).as_bytes()).unwrap();
        assert_eq!(vault.adopt(&altered).err(), Some(Error::ForeignKeyRing), "{to}");
    }
}

#[test]
fn data_keys_and_seeds_open_for_their_own_use_only() {
    let (_, vault, _) = created();
    let (key, sealed_key) = vault.data_key(&binding()).unwrap();
    assert_eq!(key.expose().len(), 32);
    assert_eq!(vault.open_data_key(&binding(), &sealed_key).unwrap().expose(), key.expose());
    let as_envelope = Envelope::parse(&sealed_key).unwrap();
    assert_eq!(vault.open(&binding(), &as_envelope).err(), Some(Error::Refused));
    assert_eq!(vault.open_ed25519(&binding(), &as_envelope).err(), Some(Error::Refused));

    let (sealed_seed, _) = vault.generate_ed25519(&binding()).unwrap();
    assert_eq!(vault.open(&binding(), &sealed_seed).err(), Some(Error::Refused));
    assert_eq!(vault.open_data_key(&binding(), &sealed_seed.to_bytes()).err(), Some(Error::Refused));

    vault.adopt(&vault.rotate_kek().unwrap()).unwrap();
    let moved = vault.rewrap(&binding(), &as_envelope).unwrap().unwrap();
    assert_eq!(vault.open_data_key(&binding(), &moved.to_bytes()).unwrap().expose(), key.expose());
}

#[test]
fn a_seed_signs_for_its_public_key() {
    let (_, vault, _) = created();
    let (sealed, public) = vault.generate_ed25519(&binding()).unwrap();
    let seed = vault.open_ed25519(&binding(), &sealed).unwrap();
    let pair = Ed25519KeyPair::from_seed_and_public_key(seed.expose(), &public).unwrap();
    let signature = pair.sign(b"checkpoint");
    assert!(UnparsedPublicKey::new(&ED25519, public).verify(b"checkpoint", signature.as_ref()).is_ok());
}

#[test]
fn many_threads_share_one_handle_while_it_is_sealed_and_opened() {
    let (stored, vault, content) = created();
    let ring = vault.key_ring().unwrap();
    thread::scope(|scope| {
        for id in 0..4 {
            let vault = vault.clone();
            scope.spawn(move || {
                let binding = Binding::new("secret", id.to_string(), 1);
                for _ in 0..200 {
                    match vault.seal(&binding, &secret()).and_then(|envelope| vault.open(&binding, &envelope)) {
                        Ok(opened) => assert_eq!(opened.expose(), secret().expose()),
                        Err(error) => assert_eq!(error, Error::Sealed),
                    }
                }
            });
        }
        for _ in 0..20 {
            vault.seal_now();
            vault.install(&stored.unseal_with_key_file(&content, &ring).unwrap()).unwrap();
        }
    });
    assert!(!vault.status().sealed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_ring_altered_anywhere_is_the_same_or_refused(at in 0_usize..4000, to in any::<u8>()) {
        let (_, vault, _) = created();
        let next = vault.rotate_kek().unwrap();
        let mut json = next.to_json();
        let at = at % json.len();
        json[at] = to;
        if let Ok(altered) = KeyRing::from_json(&json) {
            prop_assert_eq!(vault.adopt(&altered).is_ok(), altered == next);
        }
    }
}
