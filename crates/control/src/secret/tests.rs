use postern_domain::account::CredentialKind;
use postern_domain::policy::{self, Decision};
use postern_domain::{AccountRef, Timestamp};
use russh::keys::ssh_key::private::Ed25519Keypair;

use super::*;
use crate::AccountInput;
use crate::estate::{Estate, reference, wish};
use crate::testing::SOURCE;

const PASSWORD: &str = "kO8-vault-me-now";

fn password(text: &str) -> SecretInput {
    SecretInput { password: Some(SecretText::new(text.to_owned())), private_key: None }
}

fn private_key_of(text: &str) -> SecretInput {
    SecretInput { password: None, private_key: Some(SecretText::new(text.to_owned())) }
}

fn openssh_key() -> String {
    let pair = Ed25519Keypair::from_seed(&postern_vault::random::bytes());
    PrivateKey::from(pair).to_openssh(LineEnding::LF).unwrap().to_string()
}

async fn credential(estate: &Estate, account: &AccountRef, credential: CredentialKind) {
    let (ada, permit) = estate.caller("ada", Permission::AssetWrite).await;
    let input = AccountInput { credential, owner: None, state: None, rotation: None, dependents: None };
    estate.world.control.account_put(&ada, &permit, account, input).await.unwrap();
}

async fn is_ready(estate: &Estate, account: &AccountRef) -> bool {
    let (ada, permit) = estate.caller("ada", Permission::AssetRead).await;
    estate.world.control.account_show(&ada, &permit, account).await.unwrap().ready
}

/// A permit for Ben to connect, which a grant gives.
async fn connect(estate: &Estate, account: &AccountRef) -> Permit<Connect> {
    let ben = estate.world.caller("ben").await;
    let facts = estate.world.control.connect_facts(&ben.user.id, account).await.unwrap().unwrap();
    let now: Timestamp = estate.world.now();
    match policy::connect(&facts.connect(SOURCE, Some(now)), now) {
        Decision::Permit(permit) => permit,
        other => panic!("not permitted: {other:?}"),
    }
}

#[tokio::test]
async fn a_secret_comes_out_for_a_permitted_session_and_is_the_newest() {
    let estate = Estate::new().await;
    let account = reference("root@dev-1");
    credential(&estate, &account, CredentialKind::Password).await;
    assert!(!is_ready(&estate, &account).await);
    estate.ask("ben", &wish("root@dev-1")).await.unwrap();
    let permit = connect(&estate, &account).await;
    assert!(matches!(estate.world.control.secret_for(&permit).await, Err(Error::Unavailable(_))));
    estate.secret_put("ada", "root@dev-1", password("the first one")).await.unwrap();
    estate.secret_put("ada", "root@dev-1", password(PASSWORD)).await.unwrap();
    assert!(is_ready(&estate, &account).await);
    assert_eq!(estate.world.control.secret_for(&permit).await.unwrap().expose(), PASSWORD);
}

#[tokio::test]
async fn an_account_proved_in_another_way_needs_another_secret() {
    let estate = Estate::new().await;
    let account = reference("root@web-1");
    estate.secret_put("ada", "root@web-1", password(PASSWORD)).await.unwrap();
    credential(&estate, &account, CredentialKind::SshKey).await;
    assert!(!is_ready(&estate, &account).await);
    let key = openssh_key();
    estate.secret_put("ada", "root@web-1", private_key_of(&key)).await.unwrap();
    assert!(is_ready(&estate, &account).await);
}

#[tokio::test]
async fn no_secret_reaches_the_ledger_or_the_database_in_clear() {
    let estate = Estate::new().await;
    estate.secret_put("ada", "root@web-1", password(PASSWORD)).await.unwrap();
    credential(&estate, &reference("root@dev-1"), CredentialKind::SshKey).await;
    let key = openssh_key();
    estate.secret_put("ada", "root@dev-1", private_key_of(&key)).await.unwrap();
    let line = key.lines().nth(2).unwrap();
    let ledger = estate.ledger().await;
    assert!(ledger.contains("secret.put") && ledger.contains("key_fingerprint"));
    assert!(!ledger.contains(PASSWORD) && !ledger.contains(line));
    let copy = estate.world.folder().join("copy.db");
    estate.world.control.store().copy_to(&copy).await.unwrap();
    let bytes = std::fs::read(copy).unwrap();
    for secret in [PASSWORD, line] {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }
}

#[tokio::test]
async fn what_cannot_prove_the_account_is_refused_without_repeating_it() {
    let estate = Estate::new().await;
    credential(&estate, &reference("root@dev-1"), CredentialKind::SshKey).await;
    let both = SecretInput { private_key: private_key_of("x").private_key, ..password(PASSWORD) };
    for (account, input) in [
        ("root@web-1", SecretInput::default()),
        ("root@web-1", password("")),
        ("root@web-1", password("two\nlines")),
        ("root@web-1", both),
        ("root@web-1", private_key_of(&openssh_key())),
        ("root@dev-1", password(PASSWORD)),
        ("root@dev-1", private_key_of("kO8-vault-me-now is no key")),
        (
            "root@dev-1",
            private_key_of("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"),
        ),
    ] {
        let error = estate.secret_put("ada", account, input).await.unwrap_err();
        assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains(PASSWORD));
    }
    assert!(estate.world.events("secret.put").await.is_empty());
}

#[tokio::test]
async fn nothing_is_stored_for_certificates_or_outside_the_permit() {
    let estate = Estate::new().await;
    assert!(is_ready(&estate, &reference("root@dev-1")).await);
    let certificate = estate.secret_put("ada", "root@dev-1", password(PASSWORD)).await;
    assert!(matches!(certificate, Err(Error::Invalid { .. })));
    let unseen = estate.secret_put("zoe", "root@web-1", password(PASSWORD)).await.unwrap_err().to_string();
    let absent = estate.secret_put("zoe", "root@web-7", password(PASSWORD)).await.unwrap_err().to_string();
    assert_eq!(unseen.replace("web-1", "web-7"), absent);
}
