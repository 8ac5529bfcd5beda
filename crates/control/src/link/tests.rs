use std::time::Duration;

use postern_domain::permission::Permission;
use postern_domain::user::UserState;
use postern_domain::{SecretBytes, SecretText, UserName};
use postern_store::LinkPurpose;

use super::{LinkIssued, LinkPasskey, LinkUse};
use crate::factor::FactorGiven;
use crate::gate::factor_proved_at;
use crate::testing::{Authenticator, PASSWORD, SOURCE, World, code};
use crate::user::UserCreate;
use crate::{Error, LinkView, PasskeyAdd, PasskeyAnswer, PasskeySignIn, SignIn};

fn token(link: &LinkIssued) -> SecretText {
    SecretText::new(link.url.rsplit('/').next().expect("a token").to_owned())
}

/// The seed from the base32 that people type.
fn seed(view: &LinkView) -> SecretBytes {
    let text = &view.totp.as_ref().expect("an offer").secret;
    let (mut out, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for digit in text.bytes() {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == digit).expect("base32");
        bits = bits << 5 | u32::try_from(value).expect("five bits");
        count += 5;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xFF).expect("a byte"));
        }
    }
    SecretBytes::new(out)
}

fn with(user: Option<&str>, password: &str, code: SecretText) -> LinkUse {
    LinkUse {
        user: user.map(|name| name.parse().expect("a name")),
        password: SecretText::new(password.to_owned()),
        code: Some(code),
        passkey: None,
    }
}

async fn invited(world: &World) -> LinkIssued {
    world.person("ada", "/", &[("administrator", "/")]).await;
    let ada = world.caller("ada").await;
    let permit = ada.permit(Permission::UserWrite).expect("a permit");
    let wish = UserCreate {
        name: name("ben"),
        email: Some("ben@example.test".to_owned()),
        scope: None,
        groups: Vec::new(),
        roles: Vec::new(),
        kind: Default::default(),
        attributes: Default::default(),
        vendor: None,
        identity: None,
    };
    world.control.user_create(&ada, &permit, wish).await.expect("a user").link.expect("a link")
}

fn name(text: &str) -> UserName {
    text.parse().expect("a name")
}

fn dead<T>(answer: Result<T, Error>) -> bool {
    matches!(answer, Err(Error::Link))
}

#[tokio::test]
async fn the_first_administrator_comes_by_a_link() {
    let world = World::new().await;
    let stale = world.control.setup_link().await.expect("an answer").expect("a link");
    let link = world.control.setup_link().await.expect("an answer").expect("a link");
    assert!(link.url.starts_with("https://gate.example.test:8443/setup/pst_link_"), "{}", link.url);
    assert!(dead(world.control.link_show(&token(&stale)).await), "a newer one replaces it");
    let view = world.control.link_show(&token(&link)).await.expect("a view");
    assert_eq!((view.purpose, &view.user), (LinkPurpose::Setup, &None));
    let code = || code(&seed(&view), world.now());
    let nameless = world.control.link_use(&world.visitor(), &token(&link), with(None, PASSWORD, code())).await;
    assert!(matches!(nameless, Err(Error::Invalid { field, .. }) if field == "user"));
    let enrolled = world.control.link_use(&world.visitor(), &token(&link), with(Some("Ada"), PASSWORD, code())).await;
    let enrolled = enrolled.expect("enrolled");
    assert_eq!(enrolled.user.name, name("ada"));
    assert_eq!(enrolled.recovery_codes.len(), 10);
    let ada = world.caller("ada").await;
    assert!(Permission::ALL.iter().all(|permission| ada.permit(*permission).is_some()));
    assert!(world.control.setup_link().await.expect("an answer").is_none());
    assert!(dead(world.control.link_use(&world.visitor(), &token(&link), with(Some("eve"), PASSWORD, code())).await));
    assert_eq!(world.events("user.setup").await.len(), 1);
}

#[tokio::test]
async fn setting_up_offline_works_once() {
    let world = World::new().await;
    let password = || SecretText::new(PASSWORD.to_owned());
    let short = world.control.setup_offline(name("ada"), SecretText::new("short".to_owned())).await;
    assert!(matches!(short, Err(Error::Invalid { field, .. }) if field == "password"));
    let made = world.control.setup_offline(name("ada"), password()).await.expect("made");
    assert!(made.otpauth_uri.contains(&made.totp_secret));
    assert_eq!(made.user.state, UserState::Active);
    let again = world.control.setup_offline(name("eve"), password()).await;
    assert!(matches!(again, Err(Error::Conflict(_))));
    let wish = SignIn {
        user: name("ada"),
        password: password(),
        code: Some(SecretText::new(made.recovery_codes[3].clone())),
        recovery_code: None,
        passkey: None,
        client: None,
        cookie: false,
    };
    world.control.login_create(&world.visitor(), wish).await.expect("a recovery code of hers");
}

#[tokio::test]
async fn enrolment_takes_a_good_password_and_a_code_and_works_once() {
    let world = World::new().await;
    let link = token(&invited(&world).await);
    let view = world.control.link_show(&link).await.expect("a view");
    assert_eq!(view.user, Some(name("ben")));
    let seen_again = world.control.link_show(&link).await.expect("a view");
    assert_eq!(
        view.totp.as_ref().map(|offer| &offer.secret),
        seen_again.totp.as_ref().map(|offer| &offer.secret),
        "opening the link twice does not spoil the code that was scanned"
    );
    let code = || code(&seed(&view), world.now());
    for (password, typed, field) in [
        ("short", code(), "password"),
        ("ben.ben.ben.ben", code(), "password"),
        (PASSWORD, SecretText::new("000000".to_owned()), "code"),
    ] {
        let visitor = world.visitor();
        let refused = world.control.link_use(&visitor, &link, with(None, password, typed)).await;
        assert!(matches!(refused, Err(Error::Invalid { field: ref named, .. }) if named == field), "{field}");
    }
    let enrolled =
        world.control.link_use(&world.visitor(), &link, with(None, PASSWORD, code())).await.expect("enrolled");
    assert_eq!(enrolled.user.state, UserState::Active);
    assert!(enrolled.user.totp);
    assert!(dead(world.control.link_use(&world.visitor(), &link, with(None, PASSWORD, code())).await));
    assert!(dead(world.control.link_show(&link).await));
    let replay = SignIn {
        user: name("ben"),
        password: SecretText::new(PASSWORD.to_owned()),
        code: Some(code()),
        recovery_code: None,
        passkey: None,
        client: None,
        cookie: false,
    };
    let replayed = world.control.login_create(&world.visitor(), replay).await;
    assert!(matches!(replayed, Err(Error::Unauthenticated { .. })), "the code that confirmed is used up");
}

#[tokio::test]
async fn a_link_lasts_a_day() {
    let world = World::new().await;
    let link = token(&invited(&world).await);
    world.clock.advance(Duration::from_secs(24 * 3600 - 1));
    world.control.link_show(&link).await.expect("a view");
    world.clock.advance(Duration::from_secs(1));
    assert!(dead(world.control.link_show(&link).await));
}

#[tokio::test]
async fn a_new_link_ends_the_old_one_and_replaces_everything() {
    let world = World::new().await;
    let first = token(&invited(&world).await);
    let ada = world.caller("ada").await;
    let permit = ada.permit(Permission::UserWrite).expect("a permit");
    world.person("cleo", "/", &[]).await;
    let old_login = world.login("cleo").await;
    let second = world.control.user_link(&ada, &permit, &name("ben")).await.expect("a link");
    assert!(dead(world.control.link_show(&first).await));
    world.control.link_show(&token(&second)).await.expect("a view");

    let link = token(&world.control.user_link(&ada, &permit, &name("cleo")).await.expect("a link"));
    world.control.authenticate(old_login.clone(), world.visitor()).await.expect("until it is used, nothing changes");
    let view = world.control.link_show(&link).await.expect("a view");
    let given = with(None, "a new password of hers", code(&seed(&view), world.now()));
    world.control.link_use(&world.visitor(), &link, given).await.expect("enrolled");
    assert!(world.control.authenticate(old_login, world.visitor()).await.is_err(), "old sign-ins are over");
}

#[tokio::test]
async fn a_waiting_gateway_is_told_of_a_confirmation_by_the_right_person() {
    let world = World::new().await;
    let ada = world.person("ada", "/", &[]).await;
    let eve = world.person("eve", "/", &[]).await;
    let link = world.control.factor_link(&ada.user.id, SOURCE, "SHA256:key").await.expect("a link");
    assert!(link.url.contains("/confirm/pst_confirm_"));
    assert!(world.control.link_show(&link.token).await.expect("a view").totp.is_none());
    assert_eq!(world.control.factor_link_confirmed(&link.token).await.expect("an answer"), None);

    let stranger = world.caller("eve").await;
    let given = FactorGiven { code: Some(eve.code(world.now())), passkey: None };
    assert!(dead(world.control.link_confirm(&stranger, &link.token, given).await));
    let caller = world.caller("ada").await;
    let wrong = FactorGiven { code: Some(eve.code(world.now())), passkey: None };
    let refused = world.control.link_confirm(&caller, &link.token, wrong).await;
    assert!(matches!(refused, Err(Error::Unauthenticated { .. })));
    let used = world.control.link_use(&world.visitor(), &link.token, with(None, PASSWORD, ada.code(world.now()))).await;
    assert!(used.is_err(), "such a link sets no password");

    let given = FactorGiven { code: Some(ada.code(world.now())), passkey: None };
    world.control.link_confirm(&caller, &link.token, given).await.expect("confirmed");
    let proved = async |key: &str| {
        let mut rows = world.control.store().read().await.expect("a snapshot");
        factor_proved_at(&mut rows, &ada.user.id, key, SOURCE).await.expect("an answer")
    };
    assert_eq!(proved("SHA256:key").await, Some(world.now()));
    assert_eq!(world.control.factor_link_confirmed(&link.token).await.expect("an answer"), Some(world.now()));
    assert_eq!(proved("SHA256:other").await, None, "it is good for the key that waited only");
    assert!(dead(world.control.link_show(&link.token).await));
}

#[tokio::test]
async fn a_confirmation_comes_within_ten_minutes() {
    let world = World::new().await;
    let ada = world.person("ada", "/", &[]).await;
    let link = world.control.factor_link(&ada.user.id, SOURCE, "").await.expect("a link");
    world.clock.advance(Duration::from_secs(600));
    let caller = world.caller("ada").await;
    let given = FactorGiven { code: Some(ada.code(world.now())), passkey: None };
    assert!(dead(world.control.link_confirm(&caller, &link.token, given).await));
}

/// Makes a passkey as the link's offer asks.
async fn made(world: &World, link: &LinkIssued, user: Option<&str>) -> (Authenticator, PasskeyAdd) {
    let given = LinkPasskey { user: user.map(name) };
    let offer = world.control.link_passkey_offer(&world.visitor(), &token(link), given).await.expect("an offer");
    let (authenticator, credential) = Authenticator::create(&offer.options, &world.control.settings().public_url);
    (authenticator, PasskeyAdd { id: offer.id, name: "laptop".to_owned(), credential })
}

async fn signs_in(world: &World, authenticator: &mut Authenticator) -> UserName {
    let offer = world.control.passkey_sign_in_offer(&world.visitor()).expect("an offer");
    let passkey = PasskeyAnswer { credential: authenticator.get(&offer.options), id: offer.id };
    let wish = PasskeySignIn { passkey, client: None, cookie: false };
    world.control.login_passkey(&world.visitor(), wish).await.expect("signed in").user.name
}

#[tokio::test]
async fn a_passkey_can_be_the_only_factor_from_the_beginning() {
    let world = World::new().await;
    let link = world.control.setup_link().await.expect("an answer").expect("a link");
    assert!(world.control.link_show(&token(&link)).await.expect("a view").passkeys);
    let bare = LinkUse { code: None, ..with(Some("ada"), PASSWORD, SecretText::new(String::new())) };
    let refused = world.control.link_use(&world.visitor(), &token(&link), bare).await;
    assert!(matches!(refused, Err(Error::Invalid { field, .. }) if field == "code"), "one factor at least");
    let (mut authenticator, passkey) = made(&world, &link, Some("ada")).await;
    let wish = LinkUse {
        user: Some(name("ada")),
        password: SecretText::new(PASSWORD.to_owned()),
        code: None,
        passkey: Some(passkey),
    };
    let enrolled = world.control.link_use(&world.visitor(), &token(&link), wish).await.expect("enrolled");
    assert!(!enrolled.user.totp);
    assert_eq!(signs_in(&world, &mut authenticator).await, name("ada"));
    assert_eq!(world.events("user.setup").await[0].details["factors"], serde_json::json!(["passkey"]));
}

#[tokio::test]
async fn a_passkey_made_at_one_link_counts_at_no_other() {
    let world = World::new().await;
    let link = invited(&world).await;
    let ada = world.caller("ada").await;
    let permit = ada.permit(Permission::UserWrite).expect("a permit");
    let (mut authenticator, passkey) = made(&world, &link, None).await;
    let elsewhere = world.control.user_link(&ada, &permit, &name("ada")).await.expect("a link");
    let wish = |passkey: PasskeyAdd| LinkUse {
        user: None,
        password: SecretText::new(PASSWORD.to_owned()),
        code: None,
        passkey: Some(passkey),
    };
    let refused = world.control.link_use(&world.visitor(), &token(&elsewhere), wish(passkey)).await;
    assert!(matches!(refused, Err(Error::Invalid { field, .. }) if field == "id"));
    let (mut other, passkey) = made(&world, &link, None).await;
    world.control.link_use(&world.visitor(), &token(&link), wish(passkey)).await.expect("enrolled");
    assert_eq!(signs_in(&world, &mut other).await, name("ben"));
    let offer = world.control.passkey_sign_in_offer(&world.visitor()).expect("an offer");
    let passkey = PasskeyAnswer { credential: authenticator.get(&offer.options), id: offer.id };
    let wish = PasskeySignIn { passkey, client: None, cookie: false };
    assert!(world.control.login_passkey(&world.visitor(), wish).await.is_err(), "it was never kept");
}
