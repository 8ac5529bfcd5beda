use postern_domain::permission::Permission;
use postern_domain::policy::Reason;
use postern_domain::user::ApiToken;
use postern_domain::{SecretText, UserName};

use super::*;
use crate::estate::Estate;
use crate::{SshKeyAdd, TokenCreate, TokenCreated, UserCreate};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
const FINGERPRINT: &str = "SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ";

fn bot() -> UserName {
    "bot".parse().unwrap()
}

/// The estate, where two administer /emea, with a program that a policy lets into web-1 and nobody else.
async fn estate() -> Estate {
    let estate = Estate::new().await;
    estate.world.person("max", "/", &[("administrator", "/")]).await;
    let (ada, permit) = estate.caller("ada", Permission::UserWrite).await;
    estate.world.control.user_create(&ada, &permit, program()).await.expect("a workload");
    let policy = "kind: Policy\nname: bots\nscope: /emea\nsubjects: {workloads: [bot]}\naccess: standing\n";
    estate.apply("ada", policy).await.expect("proposed");
    estate.accept_proposals("max").await;
    estate
}

fn program() -> UserCreate {
    let text =
        r#"{"name": "bot", "kind": "workload", "scope": "/emea", "roles": [{"role": "user", "scope": "/emea"}]}"#;
    serde_json::from_str(text).unwrap()
}

async fn token(estate: &Estate, who: &str) -> TokenCreated {
    let wish = TokenCreate {
        name: "nightly".to_owned(),
        permissions: [Permission::RequestCreate].into(),
        scope: None,
        expires_in_seconds: 3600,
        user: Some(bot()),
    };
    estate.world.control.token_create(&estate.world.caller(who).await, wish).await.expect("a token")
}

async fn works(estate: &Estate, made: &TokenCreated) -> bool {
    let token = SecretText::new(made.token.clone());
    estate.world.control.authenticate(token, estate.world.visitor()).await.is_ok()
}

async fn confirm(estate: &Estate, who: &str, kind: CredentialMade, id: &str) -> Result<WaitingCredential, Error> {
    let (caller, permit) = estate.caller(who, Permission::UserWrite).await;
    estate.world.control.credential_confirm(&caller, &permit, kind, id).await
}

#[tokio::test]
async fn nobody_gives_themselves_a_program_that_may_do_more_than_they() {
    let estate = estate().await;
    let made = token(&estate, "ada").await;
    let ApiToken { awaits, ref id, .. } = made.api_token;
    assert!(awaits && !works(&estate, &made).await);
    let own = confirm(&estate, "ada", CredentialMade::Token, id.as_str()).await;
    assert!(matches!(own, Err(Error::Refused(why)) if why == [Reason::OwnLink]));
    assert_eq!(estate.world.events("token.confirm").await[0].outcome, Outcome::Refused);
    confirm(&estate, "max", CredentialMade::Token, id.as_str()).await.expect("confirmed");
    assert!(works(&estate, &made).await);
    let again = confirm(&estate, "max", CredentialMade::Token, id.as_str()).await;
    assert!(matches!(again, Err(Error::NotFound { .. })), "it waits no more");

    let control = &estate.world.control;
    let ada = estate.world.caller("ada").await;
    let wish = SshKeyAdd { public_key: KEY.to_owned(), comment: None, user: Some(bot()) };
    let key = control.ssh_key_add(&ada, &wish).await.expect("a key");
    let opens = async || control.key_owner(&key.fingerprint, None).await.unwrap().is_some();
    assert!(key.awaits && !opens().await, "{}", key.fingerprint);
    let (_, permit) = estate.caller("max", Permission::UserWrite).await;
    let waiting = control.credentials_waiting(&permit).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].label.as_str(), waiting[0].made_by.as_str()), (1, FINGERPRINT, "ada"));
    confirm(&estate, "max", CredentialMade::SshKey, key.id.as_str()).await.expect("confirmed");
    assert!(opens().await);
}

#[tokio::test]
async fn a_program_that_may_do_no_more_takes_one_person() {
    let estate = Estate::new().await;
    estate.world.person("max", "/", &[("administrator", "/")]).await;
    let (ada, permit) = estate.caller("ada", Permission::UserWrite).await;
    estate.world.control.user_create(&ada, &permit, program()).await.expect("a workload");
    let made = token(&estate, "ada").await;
    assert!(works(&estate, &made).await);
    let key = SshKeyAdd { public_key: KEY.to_owned(), comment: None, user: None };
    let own = estate.world.control.ssh_key_add(&ada, &key).await.expect("a key of one's own");
    assert!(!own.awaits);
}
