use postern_domain::document::Action;
use russh::keys::ssh_key::private::{EcdsaKeypair, Ed25519Keypair, KeypairData};
use russh::keys::{EcdsaCurve, PrivateKey};

use super::*;
use crate::estate::Estate;

fn ed25519() -> String {
    let pair = Ed25519Keypair::from_seed(&postern_vault::random::bytes());
    PrivateKey::from(pair).public_key().to_openssh().unwrap().trim().to_owned()
}

fn fingerprint(line: &str) -> String {
    parse(line).unwrap().fingerprint
}

async fn asset_id(estate: &Estate) -> AssetId {
    let (ada, permit) = estate.caller("ada", Permission::AssetRead).await;
    estate.world.control.asset_show(&ada, &permit, &"web-1".parse().unwrap()).await.unwrap().id
}

async fn decide(estate: &Estate, who: &str, line: &str, decision: HostKeyDecision) -> Result<HostKey, Error> {
    let (caller, permit) = estate.caller(who, Permission::HostKeyWrite).await;
    let name = "web-1".parse().unwrap();
    estate.world.control.host_key_decide(&caller, &permit, &name, &fingerprint(line), decision).await
}

async fn see(estate: &Estate, line: &str) -> HostKeySight {
    estate.world.control.host_key_seen(&asset_id(estate).await, line).await.unwrap()
}

#[tokio::test]
async fn a_key_is_trusted_by_a_decision_and_not_by_contact() {
    let estate = Estate::new().await;
    let key = ed25519();
    for _ in 0..2 {
        assert_eq!(see(&estate, &key).await, HostKeySight::Unknown { fingerprint: fingerprint(&key) });
    }
    assert_eq!(estate.world.events("host_key.see").await.len(), 1);
    decide(&estate, "ada", &key, HostKeyDecision::Pinned).await.unwrap();
    assert_eq!(see(&estate, &format!("{key} with a comment")).await, HostKeySight::Pinned);
    decide(&estate, "ada", &key, HostKeyDecision::Rejected).await.unwrap();
    assert_eq!(see(&estate, &key).await, HostKeySight::Rejected { fingerprint: fingerprint(&key) });
}

#[tokio::test]
async fn a_changed_key_is_told_as_such_and_needs_a_pin_of_its_own() {
    let estate = Estate::new().await;
    let (old, new) = (ed25519(), ed25519());
    see(&estate, &old).await;
    decide(&estate, "ada", &old, HostKeyDecision::Pinned).await.unwrap();
    let changed = HostKeySight::Changed { fingerprint: fingerprint(&new), pinned: fingerprint(&old) };
    assert_eq!(see(&estate, &new).await, changed);
    assert_eq!(see(&estate, &new).await, changed);
    assert_eq!(estate.world.events("host_key.change").await.len(), 1);
    decide(&estate, "ada", &new, HostKeyDecision::Pinned).await.unwrap();
    let pin = estate.world.events("host_key.pin").await.pop().unwrap();
    assert_eq!(pin.details["replaces"][0], fingerprint(&old));
    assert_eq!(see(&estate, &new).await, HostKeySight::Pinned);
    assert_eq!(see(&estate, &old).await, HostKeySight::Rejected { fingerprint: fingerprint(&old) });
}

#[tokio::test]
async fn keys_of_different_algorithms_are_pinned_side_by_side() {
    let estate = Estate::new().await;
    let pair = EcdsaKeypair::random(&mut russh::keys::key::safe_rng(), EcdsaCurve::NistP256).unwrap();
    let ecdsa = PrivateKey::new(KeypairData::Ecdsa(pair), "").unwrap().public_key().to_openssh().unwrap();
    let keys = [ed25519(), ecdsa.trim().to_owned()];
    for key in &keys {
        see(&estate, key).await;
        decide(&estate, "ada", key, HostKeyDecision::Pinned).await.unwrap();
    }
    for key in &keys {
        assert_eq!(see(&estate, key).await, HostKeySight::Pinned);
    }
}

#[tokio::test]
async fn a_target_that_shows_a_new_key_each_time_fills_nothing() {
    let estate = Estate::new().await;
    let pinned = ed25519();
    see(&estate, &pinned).await;
    decide(&estate, "ada", &pinned, HostKeyDecision::Pinned).await.unwrap();
    for _ in 0..SEEN_MAX + 5 {
        see(&estate, &ed25519()).await;
    }
    let (ada, permit) = estate.caller("ada", Permission::AssetRead).await;
    let keys = estate.world.control.host_key_list(&ada, &permit, &"web-1".parse().unwrap()).await.unwrap();
    assert_eq!(keys.len(), SEEN_MAX + 1);
    assert_eq!(see(&estate, &pinned).await, HostKeySight::Pinned);
}

#[tokio::test]
async fn what_is_no_key_is_refused() {
    let estate = Estate::new().await;
    let id = asset_id(&estate).await;
    for text in ["", "ssh-ed25519", "ssh-ed25519 AAAA", &"x".repeat(KEY_LEN_MAX + 1)] {
        assert!(matches!(estate.world.control.host_key_seen(&id, text).await, Err(Error::Invalid { .. })));
    }
}

#[tokio::test]
async fn declared_keys_are_the_ones_that_are_pinned() {
    let estate = Estate::new().await;
    let (first, second) = (ed25519(), ed25519());
    let asset = crate::estate::ACCESS.split("---").next().unwrap();
    let with = |keys: &str| format!("{asset}host_keys: [{keys}]\n");
    let declared = with(&format!("\"{first} comment\""));
    assert_eq!(estate.apply("ada", &declared).await.unwrap().changes[0].action, Action::Update);
    assert_eq!(see(&estate, &first).await, HostKeySight::Pinned);
    assert_eq!(estate.apply("ada", &declared).await.unwrap().changes[0].action, Action::Unchanged);
    assert_eq!(estate.apply("ada", asset).await.unwrap().changes[0].action, Action::Unchanged);
    estate.apply("ada", &with(&format!("\"{second}\""))).await.unwrap();
    assert_eq!(see(&estate, &second).await, HostKeySight::Pinned);
    assert_eq!(see(&estate, &first).await, HostKeySight::Rejected { fingerprint: fingerprint(&first) });
}

#[tokio::test]
async fn a_key_that_was_never_seen_cannot_be_decided_on() {
    let estate = Estate::new().await;
    let answer = decide(&estate, "ada", &ed25519(), HostKeyDecision::Pinned).await;
    assert!(matches!(answer, Err(Error::NotFound { noun: "host key", .. })));
    assert!(matches!(
        decide(&estate, "zoe", &ed25519(), HostKeyDecision::Pinned).await,
        Err(Error::NotFound { noun: "asset", .. })
    ));
}
