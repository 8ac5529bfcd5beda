use std::time::Duration;

use postern_domain::SecretText;
use serde_json::Value;

use super::*;
use crate::testing::{Authenticator, PASSWORD, World};
use crate::{FactorGiven, PasskeySignIn, SignIn, SignedIn};

/// Ada, with a passkey, and her authenticator.
async fn ada() -> (World, Authenticator) {
    let world = World::new().await;
    world.person("ada", "/", &[]).await;
    let authenticator = register(&world, "ada", "laptop").await.unwrap();
    (world, authenticator)
}

async fn register(world: &World, who: &str, name: &str) -> Result<Authenticator, Error> {
    let caller = world.caller(who).await;
    let offer = world.control.passkey_offer(&caller).await?;
    let (authenticator, credential) = Authenticator::create(&offer.options, &world.control.settings().public_url);
    let wish = PasskeyAdd { id: offer.id, name: name.to_owned(), credential };
    world.control.passkey_add(&caller, wish).await?;
    Ok(authenticator)
}

async fn sign_in(world: &World, answer: impl FnOnce(&Value) -> Value) -> Result<SignedIn, Error> {
    let offer = world.control.passkey_sign_in_offer(&world.visitor())?;
    let passkey = PasskeyAnswer { credential: answer(&offer.options), id: offer.id };
    world.control.login_passkey(&world.visitor(), PasskeySignIn { passkey, client: None, cookie: false }).await
}

fn refused<T>(answer: Result<T, Error>) -> String {
    match answer {
        Ok(_) => "accepted".to_owned(),
        Err(Error::Unauthenticated { code, .. }) => code.to_owned(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_passkey_signs_in_alone_and_counts_as_a_factor() {
    let (world, mut authenticator) = ada().await;
    let signed_in = sign_in(&world, |options| authenticator.get(options)).await.unwrap();
    assert_eq!((signed_in.user.name.as_str(), signed_in.mfa), ("ada", true));
    let event = world.events("login.create").await.pop().unwrap();
    assert_eq!((&event.details["how"], &event.details["factor"]), (&"passkey".into(), &"passkey".into()));
    let listed = world.control.passkey_list(&world.caller("ada").await).await.unwrap();
    assert_eq!((listed[0].name.as_str(), listed[0].last_used_at), ("laptop", Some(world.now())));
}

#[tokio::test]
async fn an_answer_counts_once_and_only_as_it_was_asked() {
    let (world, mut authenticator) = ada().await;
    let offer = world.control.passkey_sign_in_offer(&world.visitor()).unwrap();
    let credential = authenticator.get(&offer.options);
    let wish = || {
        let passkey = PasskeyAnswer { id: offer.id.clone(), credential: credential.clone() };
        PasskeySignIn { passkey, client: None, cookie: false }
    };
    assert!(world.control.login_passkey(&world.visitor(), wish()).await.is_ok());
    assert_eq!(refused(world.control.login_passkey(&world.visitor(), wish()).await), "sign_in_failed", "replayed");

    let other = world.control.passkey_sign_in_offer(&world.visitor()).unwrap();
    let mixed = PasskeyAnswer { id: other.id, credential: authenticator.get(&offer.options) };
    let mixed = PasskeySignIn { passkey: mixed, client: None, cookie: false };
    assert_eq!(
        refused(world.control.login_passkey(&world.visitor(), mixed).await),
        "sign_in_failed",
        "another challenge"
    );

    "https://evil.example".clone_into(&mut authenticator.origin);
    assert_eq!(
        refused(sign_in(&world, |options| authenticator.get(options)).await),
        "sign_in_failed",
        "another origin"
    );
    world.control.settings().public_url.clone_into(&mut authenticator.origin);
    authenticator.verifies = false;
    assert_eq!(
        refused(sign_in(&world, |options| authenticator.get(options)).await),
        "sign_in_failed",
        "nobody verified"
    );
    authenticator.verifies = true;
    let late = world.control.passkey_sign_in_offer(&world.visitor()).unwrap();
    world.clock.advance(ASKED_LASTS);
    let passkey = PasskeyAnswer { credential: authenticator.get(&late.options), id: late.id };
    let wish = PasskeySignIn { passkey, client: None, cookie: false };
    assert_eq!(refused(world.control.login_passkey(&world.visitor(), wish).await), "sign_in_failed", "too late");
}

#[tokio::test]
async fn a_passkey_is_a_second_factor_after_the_password() {
    let (world, mut authenticator) = ada().await;
    let wish = |passkey| SignIn {
        user: "ada".parse().unwrap(),
        password: SecretText::new(PASSWORD.to_owned()),
        code: None,
        recovery_code: None,
        passkey,
        client: None,
        cookie: false,
    };
    assert_eq!(refused(world.control.login_create(&world.visitor(), wish(None)).await), "code_required");
    let offer = world.control.passkey_sign_in_offer(&world.visitor()).unwrap();
    let answer = PasskeyAnswer { credential: authenticator.get(&offer.options), id: offer.id };
    assert!(world.control.login_create(&world.visitor(), wish(Some(answer))).await.unwrap().mfa);

    // Somebody else's passkey after one's own password is no factor.
    world.person("eve", "/", &[]).await;
    let mut eves = register(&world, "eve", "phone").await.unwrap();
    let offer = world.control.passkey_sign_in_offer(&world.visitor()).unwrap();
    let answer = PasskeyAnswer { credential: eves.get(&offer.options), id: offer.id };
    assert_eq!(refused(world.control.login_create(&world.visitor(), wish(Some(answer))).await), "sign_in_failed");
}

#[tokio::test]
async fn a_passkey_steps_a_login_up_and_is_needed_to_change_passkeys() {
    let (world, mut authenticator) = ada().await;
    let mut caller = world.caller("ada").await;
    world.clock.advance(FACTOR_AGE_MAX + Duration::from_secs(1));
    assert!(matches!(world.control.passkey_offer(&caller).await, Err(Error::StepUp { .. })));
    let offer = world.control.passkey_factor_offer(&caller).await.unwrap();
    assert!(offer.options.pointer("/publicKey/allowCredentials/0").is_some(), "{}", offer.options);
    let passkey = PasskeyAnswer { credential: authenticator.get(&offer.options), id: offer.id };
    let given = FactorGiven { code: None, passkey: Some(passkey) };
    let login = world.control.login_factor(&caller, given).await.unwrap();
    assert_eq!(login.mfa_at, Some(world.now()));
    caller.mfa_at = login.mfa_at;
    let id = world.control.passkey_list(&caller).await.unwrap()[0].id.clone();
    world.control.passkey_remove(&caller, &id).await.unwrap();
    assert_eq!(refused(sign_in(&world, |options| authenticator.get(options)).await), "sign_in_failed");
    assert_eq!(world.events("passkey.add").await.len(), 1);
    assert_eq!(world.events("passkey.remove").await.len(), 1);
}

#[tokio::test]
async fn a_passkey_answers_a_waiting_gateway() {
    let (world, mut authenticator) = ada().await;
    let caller = world.caller("ada").await;
    let link = world.control.factor_link(&caller.user.id, caller.source, "SHA256:x").await.unwrap();
    let offer = world.control.passkey_factor_offer(&caller).await.unwrap();
    let passkey = PasskeyAnswer { credential: authenticator.get(&offer.options), id: offer.id };
    let given = FactorGiven { code: None, passkey: Some(passkey) };
    world.control.link_confirm(&caller, &link.token, given).await.unwrap();
    assert!(world.control.factor_link_confirmed(&link.token).await.unwrap().is_some());
}

#[test]
fn questions_of_one_address_do_not_push_out_those_of_others() {
    let questions = Questions::default();
    let webauthn =
        WebauthnBuilder::new("localhost", &Url::parse("https://localhost").unwrap()).unwrap().build().unwrap();
    let ask = |source: [u8; 4]| {
        let (_, state) = webauthn.start_discoverable_authentication().unwrap();
        questions.ask(Asked::SignIn(state), IpAddr::from(source), Timestamp::from_millis(1)).unwrap()
    };
    let first = ask([192, 0, 2, 1]);
    for _ in 0..100 {
        ask([192, 0, 2, 2]);
    }
    assert!(questions.0.lock().unwrap().len() <= ASKED_PER_SOURCE_MAX + 1);
    assert!(questions.answered(&first, Timestamp::from_millis(2)).is_some());
}
