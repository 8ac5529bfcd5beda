use std::net::IpAddr;
use std::time::Duration;

use postern_domain::event::{Actor, Outcome};
use postern_domain::{SecretText, Timestamp};
use postern_store::PageRequest;

use super::{FactorGiven, SignIn, SignedIn};
use crate::testing::{PASSWORD, Person, SOURCE, World};
use crate::user::UserChange;
use crate::{Error, Visitor, factor};

const STEP: Duration = Duration::from_secs(30);
const ELSEWHERE: &str = "203.0.113.9";

fn wish(name: &str, password: &str, code: Option<SecretText>) -> SignIn {
    SignIn {
        user: name.parse().expect("a name"),
        password: SecretText::new(password.to_owned()),
        code,
        recovery_code: None,
        passkey: None,
        client: None,
        cookie: false,
    }
}

fn from(source: &str) -> Visitor {
    Visitor { source: source.parse::<IpAddr>().expect("an address"), client: "test".to_owned() }
}

async fn sign_in(world: &World, name: &str, password: &str, code: Option<SecretText>) -> Result<SignedIn, Error> {
    world.control.login_create(&world.visitor(), wish(name, password, code)).await
}

fn refusal<T>(answer: Result<T, Error>) -> (&'static str, String) {
    match answer {
        Err(Error::Unauthenticated { code, message }) => (code, message),
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("admitted"),
    }
}

async fn alive(world: &World, signed_in: &SignedIn) -> bool {
    let token = SecretText::new(signed_in.token.clone().expect("a token"));
    world.control.authenticate(token, world.visitor()).await.is_ok()
}

async fn ada() -> (World, Person) {
    let world = World::new().await;
    let ada = world.person("ada", "/", &[("administrator", "/")]).await;
    (world, ada)
}

#[tokio::test]
async fn a_password_and_a_code_sign_in() {
    let (world, ada) = ada().await;
    let signed_in = sign_in(&world, "ADA", PASSWORD, Some(ada.code(world.now()))).await.expect("admitted");
    assert!(signed_in.mfa);
    assert_eq!(signed_in.login.mfa_at, Some(world.now()));
    let token = SecretText::new(signed_in.token.expect("a token"));
    let caller = world.control.authenticate(token, world.visitor()).await.expect("a caller");
    assert_eq!(caller.user.name.as_str(), "ada");
    let events = world.events("login.create").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].outcome, Outcome::Done);
    assert_eq!(events[0].details["factor"], "totp");
    assert_eq!(events[0].actor, Actor::User { name: "ada".to_owned(), source: Some(SOURCE.to_string()) });
}

#[tokio::test]
async fn nothing_tells_an_unknown_user_from_a_wrong_password() {
    let (world, ada) = ada().await;
    let unknown = refusal(sign_in(&world, "nobody", PASSWORD, None).await);
    let wrong = refusal(sign_in(&world, "ada", "another password", Some(ada.code(world.now()))).await);
    let no_code = refusal(sign_in(&world, "ada", "another password", None).await);
    assert_eq!(unknown.0, "sign_in_failed");
    assert_eq!(unknown, wrong);
    assert_eq!(unknown, no_code);

    world.person("eve", "/", &[]).await;
    let caller = world.caller("ada").await;
    let permit = caller.permit(postern_domain::permission::Permission::UserWrite).expect("a permit");
    let disable = UserChange { state: Some(postern_domain::user::UserState::Disabled), ..UserChange::default() };
    world.control.user_change(&caller, &permit, &"eve".parse().expect("a name"), disable).await.expect("disabled");
    assert_eq!(refusal(sign_in(&world, "eve", PASSWORD, None).await), unknown);
}

#[tokio::test]
async fn the_right_password_alone_is_asked_for_a_code() {
    let (world, _) = ada().await;
    assert_eq!(refusal(sign_in(&world, "ada", PASSWORD, None).await).0, "code_required");
}

#[tokio::test]
async fn a_code_counts_once_and_about_now_only() {
    let (world, ada) = ada().await;
    let now = world.now();
    for wrong in [now.after(2 * STEP), now.before(2 * STEP)] {
        assert_eq!(refusal(sign_in(&world, "ada", PASSWORD, Some(ada.code(wrong))).await).0, "sign_in_failed");
    }
    let early = ada.code(now.before(STEP));
    sign_in(&world, "ada", PASSWORD, Some(early.clone())).await.expect("a clock may be a little behind");
    let replayed = refusal(sign_in(&world, "ada", PASSWORD, Some(early)).await);
    assert!(replayed.1.contains("used already"), "{}", replayed.1);
    sign_in(&world, "ada", PASSWORD, Some(ada.code(now.after(STEP)))).await.expect("a clock may be a little ahead");
    let passed_over = refusal(sign_in(&world, "ada", PASSWORD, Some(ada.code(now))).await);
    assert!(passed_over.1.contains("used already"), "a code older than one that was used: {}", passed_over.1);
    let causes: Vec<_> = world.events("login.create").await.into_iter().map(|event| event.details).collect();
    assert!(causes.iter().any(|details| details.get("cause").is_some_and(|cause| cause == "code replayed")));
}

#[tokio::test]
async fn of_two_at_once_with_one_code_one_is_admitted() {
    let (world, ada) = ada().await;
    let code = || Some(ada.code(world.now()));
    let (one, other) = tokio::join!(sign_in(&world, "ada", PASSWORD, code()), sign_in(&world, "ada", PASSWORD, code()));
    assert_eq!(usize::from(one.is_ok()) + usize::from(other.is_ok()), 1);
}

#[tokio::test]
async fn a_recovery_code_counts_once_also_while_the_vault_is_sealed() {
    let (world, ada) = ada().await;
    let (codes, hashes) = factor::recovery_codes();
    let mut tx = world.control.store().write(world.now()).await.expect("a transaction");
    tx.recovery_codes_set(&ada.user.id, &hashes).await.expect("codes");
    tx.commit_upkeep().await.expect("a commit");
    sign_in(&world, "ada", PASSWORD, Some(codes[0].clone())).await.expect("admitted");
    assert_eq!(refusal(sign_in(&world, "ada", PASSWORD, Some(codes[0].clone())).await).0, "sign_in_failed");
    world.control.vault().seal_now();
    assert!(matches!(sign_in(&world, "ada", PASSWORD, Some(ada.code(world.now()))).await, Err(Error::Sealed)));
    sign_in(&world, "ada", PASSWORD, Some(codes[1].clone())).await.expect("whoever unseals must be able to sign in");
}

#[tokio::test]
async fn guessing_slows_down_the_guesser_and_nobody_else() {
    let (world, ada) = ada().await;
    let mut throttled = 0;
    for _ in 0..20 {
        let guess = world.control.login_create(&from(ELSEWHERE), wish("ada", "a wrong guess", None)).await;
        if matches!(guess, Err(Error::Throttled(_))) {
            throttled += 1;
        }
    }
    assert_eq!(throttled, 15, "five are free, then there is a wait");
    sign_in(&world, "ada", PASSWORD, Some(ada.code(world.now()))).await.expect("she is not there");
    world.clock.advance(Duration::from_secs(2));
    let right = wish("ada", PASSWORD, Some(ada.code(world.now().after(STEP))));
    let after = world.control.login_create(&from(ELSEWHERE), right).await;
    after.expect("the wait is over, and the password right");
}

#[tokio::test]
async fn whoever_shares_an_address_with_a_guesser_still_gets_in() {
    let (world, ada) = ada().await;
    let ben = world.person("ben", "/", &[]).await;
    sign_in(&world, "ada", PASSWORD, Some(ada.code(world.now()))).await.expect("admitted");
    for number in 0..30 {
        let _ = sign_in(&world, &format!("guess-{number}"), "whatever it is", None).await;
    }
    world.clock.advance(STEP);
    // The address as a whole has to wait, but not she, who was there before.
    for number in 0..7 {
        let _ = sign_in(&world, &format!("more-{number}"), "whatever it is", None).await;
    }
    assert!(matches!(sign_in(&world, "ben", PASSWORD, Some(ben.code(world.now()))).await, Err(Error::Throttled(_))));
    sign_in(&world, "ada", PASSWORD, Some(ada.code(world.now()))).await.expect("admitted");
}

#[tokio::test]
async fn codes_cannot_be_guessed_from_many_addresses() {
    let (world, ada) = ada().await;
    sign_in(&world, "ada", PASSWORD, Some(ada.code(world.now()))).await.expect("admitted");
    let mut refused = 0;
    for number in 0..30 {
        let wrong = SecretText::new(format!("{number:06}"));
        let visitor = from(&format!("203.0.113.{number}"));
        if let Err(Error::Throttled(_)) = world.control.login_create(&visitor, wish("ada", PASSWORD, Some(wrong))).await
        {
            refused += 1;
        }
    }
    assert!(refused >= 9, "{refused}");
    world.clock.advance(STEP);
    sign_in(&world, "ada", PASSWORD, Some(ada.code(world.now()))).await.expect("from where she is known she gets in");
}

#[tokio::test]
async fn failures_do_not_fill_the_ledger() {
    let (world, _) = ada().await;
    for _ in 0..40 {
        let _ = sign_in(&world, "ada", "a wrong guess", None).await;
        world.clock.advance(Duration::from_secs(301));
    }
    let events = world.events("login.create").await;
    let counts: Vec<_> = events.iter().map(|event| event.details["failures"].as_u64().expect("a count")).collect();
    assert_eq!(counts, [1, 2, 4, 8, 16, 32]);
    assert!(events.iter().all(|event| event.outcome == Outcome::Failed && event.target == "ada"));
}

#[tokio::test]
async fn what_was_typed_as_an_unknown_name_is_not_written_down() {
    let (world, _) = ada().await;
    let _ = sign_in(&world, "hunter2-my-password", "oops, the wrong field", None).await;
    let events = world.events("login.create").await;
    assert_eq!(events[0].target, "unknown");
    assert!(!serde_json::to_string(&events).expect("text").contains("hunter2"));
}

#[tokio::test]
async fn logins_end_by_themselves_and_when_they_are_ended() {
    let (world, ada) = ada().await;
    let code = |at: Timestamp| Some(ada.code(at));
    let mut console = wish("ada", PASSWORD, code(world.now()));
    console.cookie = true;
    let console = world.control.login_create(&world.visitor(), console).await.expect("admitted");
    world.clock.advance(STEP);
    let cli = sign_in(&world, "ada", PASSWORD, code(world.now())).await.expect("admitted");
    world.clock.advance(Duration::from_secs(50 * 60));
    assert!(alive(&world, &console).await, "in use");
    world.clock.advance(Duration::from_secs(50 * 60));
    assert!(alive(&world, &console).await, "each use counts");
    world.clock.advance(Duration::from_secs(61 * 60));
    assert!(!alive(&world, &console).await, "the console was left alone");
    assert!(alive(&world, &cli).await);
    world.clock.advance(Duration::from_secs(10 * 3600));
    assert!(!alive(&world, &cli).await, "twelve hours are over");

    let one = sign_in(&world, "ada", PASSWORD, code(world.now())).await.expect("admitted");
    world.clock.advance(STEP);
    let two = sign_in(&world, "ada", PASSWORD, code(world.now())).await.expect("admitted");
    let token = SecretText::new(one.token.clone().expect("a token"));
    let caller = world.control.authenticate(token, world.visitor()).await.expect("a caller");
    let listed = world.control.login_list(&caller, &PageRequest::default()).await.expect("a list");
    assert_eq!(listed.items.len(), 2);
    world.control.login_end(&caller).await.expect("ended");
    assert!(!alive(&world, &one).await);
    assert!(alive(&world, &two).await);
    let caller = world.caller("ada").await;
    world.control.login_end_all(&caller).await.expect("ended");
    assert!(!alive(&world, &two).await);
}

#[tokio::test]
async fn a_factor_proved_again_is_fresh_again() {
    let (world, ada) = ada().await;
    let caller = world.caller("ada").await;
    world.clock.advance(Duration::from_secs(3600));
    let code = ada.code(world.now());
    let login = world
        .control
        .login_factor(&caller, FactorGiven { code: Some(code.clone()), passkey: None })
        .await
        .expect("proved");
    assert_eq!(login.mfa_at, Some(world.now()));
    let replayed = refusal(world.control.login_factor(&caller, FactorGiven { code: Some(code), passkey: None }).await);
    assert!(replayed.1.contains("used already"));
    let me = world.control.login_show(&caller).await.expect("who am I");
    assert_eq!(me.login.expect("a login").mfa_at, Some(world.now()));
}

#[tokio::test]
async fn tokens_that_are_none_of_ours_are_refused_alike() {
    let (world, _) = ada().await;
    let authenticate = |text: String| world.control.authenticate(SecretText::new(text), world.visitor());
    let known = refusal(authenticate("pst_login_".to_owned()).await);
    for text in [String::new(), "x".repeat(10_000_000), "pst_api_00".to_owned(), "é".to_owned()] {
        assert_eq!(refusal(authenticate(text).await), known);
    }
}
