use std::time::Duration;

use postern_domain::event::Event;
use postern_domain::permission::Permission;
use postern_domain::risk::{RiskLevel, Signal};
use postern_domain::session::{EndReason, SessionState};
use postern_domain::{AlertId, Capability, SecretText, SessionId};
use postern_gateway::{
    Broker, BrokerError, ConnectRequest, Credential, Directive, FactorNeed, HostKeyVerdict, Identity, Lease, Recorded,
};

use postern_store::Alert;

use crate::estate::{ACCESS, Estate, reference};
use crate::testing::SOURCE;
use crate::{Control, HostKeyDecision, ReachAs, RequestInput, SecretInput};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

async fn identity(estate: &Estate, name: &str) -> Identity {
    let caller = estate.world.caller(name).await;
    Identity {
        id: caller.user.id,
        name: caller.user.name,
        key: None,
        factor_at: None,
        token_factor_at: None,
        console: false,
    }
}

async fn wish(estate: &Estate, name: &str, account: &str) -> ConnectRequest {
    let user = identity(estate, name).await;
    ConnectRequest { user, account: reference(account), source: SOURCE, protocol: "ssh" }
}

/// The same by somebody who has just proved a second factor.
async fn proved(estate: &Estate, name: &str, account: &str) -> ConnectRequest {
    let mut wish = wish(estate, name, account).await;
    wish.user.factor_at = Some(estate.world.now());
    wish
}

async fn granted(estate: &Estate) {
    let input = RequestInput {
        account: reference("root@dev-1"),
        duration_seconds: 1800,
        starts_at: None,
        reason: Some("a task".to_owned()),
        ticket: None,
        also: Vec::new(),
        recurs: None,
        break_glass: false,
    };
    estate.ask("ben", &input).await.expect("granted at once");
}

async fn opened(estate: &Estate) -> Lease {
    granted(estate).await;
    estate.world.control.open(proved(estate, "ben", "root@dev-1").await).await.expect("a lease")
}

async fn state(estate: &Estate, id: &SessionId) -> postern_domain::session::Session {
    let caller = estate.world.caller("ada").await;
    estate.world.control.session_show(&caller, id).await.expect("a session")
}

fn refused(answer: Result<Lease, BrokerError>) -> String {
    match answer {
        Err(BrokerError::Refused(refusal)) => refusal.message,
        Err(other) => panic!("not a refusal: {other}"),
        Ok(_) => panic!("opened"),
    }
}

#[tokio::test]
async fn without_a_grant_one_is_told_how_to_get_one() {
    let estate = Estate::new().await;
    let message = refused(estate.world.control.open(proved(&estate, "ben", "root@dev-1").await).await);
    assert!(message.contains("postern request root@dev-1"), "{message}");
    assert!(message.contains("https://gate.example.test:8443/access"), "{message}");
    let events = estate.world.events("session.open").await;
    assert_eq!(events.len(), 1, "the refusal is written down");
}

#[tokio::test]
async fn what_does_not_exist_and_what_is_not_given_are_refused_alike() {
    let estate = Estate::new().await;
    let nobody = refused(estate.world.control.open(proved(&estate, "ben", "root@nowhere").await).await);
    let other = refused(estate.world.control.open(proved(&estate, "olga", "root@dev-1").await).await);
    assert_eq!(nobody.replace("nowhere", "dev-1"), other);
}

#[tokio::test]
async fn a_second_factor_is_wanted_once_and_then_remembered() {
    let estate = Estate::new().await;
    granted(&estate).await;
    let mut wish = wish(&estate, "ben", "root@dev-1").await;
    wish.user.key = Some("SHA256:key".to_owned());
    let control = &estate.world.control;
    let FactorNeed::Wanted { link } = control.factor_need(&wish).await.expect("an answer") else {
        panic!("no factor wanted")
    };
    let empty = control.prove_factor(&wish.user, SecretText::new(String::new()), &link, SOURCE).await;
    assert!(matches!(empty, Err(BrokerError::Refused(_))), "the link was not confirmed");
    let ben = estate.world.person("bea", "/emea", &[]).await;
    let foreign = control.prove_factor(&wish.user, ben.code(estate.world.now()), &link, SOURCE).await;
    assert!(matches!(foreign, Err(BrokerError::Refused(_))), "somebody else's code");
}

#[tokio::test]
async fn a_session_is_written_down_before_its_secret_is_opened_and_closed_with_its_digest() {
    let estate = Estate::new().await;
    let lease = opened(&estate).await;
    let control = &estate.world.control;
    assert_eq!((lease.host.as_str(), lease.port), ("10.0.0.2", 22));
    assert!(matches!(lease.credential, Credential::SshCertificate { .. }));
    assert_eq!(state(&estate, &lease.session).await.state, SessionState::Opening);
    assert_eq!(control.store().read().await.unwrap().intents_open().await.unwrap().len(), 1);

    Broker::live(control, &lease.session).await.expect("live");
    assert_eq!(state(&estate, &lease.session).await.state, SessionState::Live);
    assert!(control.store().read().await.unwrap().intents_open().await.unwrap().is_empty());

    let recorded = Recorded { bytes: 10, digest: [7; 32], capabilities: [Capability::Shell].into() };
    control.ended(&lease.session, EndReason::ClientClosed, Some(recorded), None).await;
    let session = state(&estate, &lease.session).await;
    assert_eq!(session.end_reason, Some(EndReason::ClientClosed));
    assert_eq!(session.recording.and_then(|recording| recording.digest), Some("07".repeat(32)));
    let end = estate.world.events("session.end").await.pop().expect("an event");
    assert_eq!(end.details["recording_digest"], "07".repeat(32));
}

#[tokio::test]
async fn a_password_is_injected_and_appears_nowhere() {
    let estate = Estate::new().await;
    let password = Some(SecretText::new("Tr0ub4dor&3".to_owned()));
    let secret = SecretInput { password, private_key: None };
    estate.secret_put("ada", "root@web-1", secret).await.expect("stored");
    let standing = "kind: Policy\nname: ops\nscope: /emea\nsubjects: {users: [ben]}\naccess: standing\n";
    estate.apply("ada", standing).await.expect("applied");
    let lease = estate.world.control.open(proved(&estate, "ben", "root@web-1").await).await.expect("a lease");
    let Credential::Password(password) = &lease.credential else { panic!("no password") };
    assert_eq!(password.expose(), "Tr0ub4dor&3");
    assert!(!estate.ledger().await.contains("Tr0ub4dor"));
}

#[tokio::test]
async fn a_revoked_grant_takes_its_session_with_it() {
    let estate = Estate::new().await;
    let mut lease = opened(&estate).await;
    let control = &estate.world.control;
    let caller = estate.world.caller("ben").await;
    let grant =
        control.grants_for(&caller.user.id, &control.live().get(&lease.session).unwrap().account).await.unwrap();
    control.grant_revoke(&caller, &grant[0].id, "done").await.expect("revoked");
    control.redecide_live().await.expect("decided");
    let Some(Directive::End { reason, .. }) = lease.directives.recv().await else { panic!("no order") };
    assert_eq!(reason, EndReason::Revoked);
}

#[tokio::test]
async fn a_session_that_policy_still_allows_is_left_alone() {
    let estate = Estate::new().await;
    let mut lease = opened(&estate).await;
    estate.world.clock.advance(Duration::from_secs(600));
    estate.world.control.redecide_live().await.expect("decided");
    assert!(lease.directives.try_recv().is_err());
    estate.world.clock.advance(Duration::from_secs(1300));
    estate.world.control.redecide_live().await.expect("decided");
    let Some(Directive::End { reason, .. }) = lease.directives.recv().await else { panic!("no order") };
    assert_eq!(reason, EndReason::Expired);
}

/// An open alert of high severity about Ben.
async fn alerted(estate: &Estate) {
    let mut tx = estate.world.control.store().write(estate.world.now()).await.unwrap();
    let now = tx.now();
    let text = str::to_owned;
    let alert = Alert {
        id: AlertId::generate(now, postern_vault::random::bytes()),
        scope: "/emea".parse().unwrap(),
        rule: text("a.rule"),
        title: text("somebody copies keys"),
        severity: text("high"),
        attack: text("T1552"),
        response: text("alert"),
        state: text("open"),
        session: None,
        user: text("ben"),
        account: text("root@dev-1"),
        source: String::new(),
        deed_at: None,
        answered_ms: None,
        evidence: String::new(),
        why: String::new(),
        times: 1,
        raised_at: now,
        last_at: now,
        assignee: None,
        closed_at: None,
        closed_by: None,
        verdict: None,
        comment: None,
    };
    tx.alert_put(&alert).await.unwrap();
    let event = Event::done(now, Control::system(), "alert.raise", alert.id.as_str(), alert.scope.clone());
    estate.world.control.commit(tx, &[event]).await.unwrap();
}

#[tokio::test]
async fn what_is_too_risky_is_refused_and_ends_when_it_becomes_so() {
    let estate = Estate::new().await;
    let control = &estate.world.control;
    let text = ACCESS.split("---").last().unwrap();
    estate.apply("ada", &format!("{text}\nconditions: {{ risk: {{ at_most: elevated }} }}\n")).await.expect("applied");
    let input = RequestInput { ticket: None, ..crate::estate::wish("root@dev-1") };
    let new = estate.ask("ben", &input).await.unwrap_err().to_string();
    assert!(new.contains("at elevated risk at most, and it is high"), "{new}");
    // A week later he is no longer new; that it is his first time makes it elevated still.
    estate.world.clock.advance(Duration::from_secs(8 * 24 * 3600));
    let mut lease = opened(&estate).await;
    control.redecide_live().await.expect("decided");
    assert!(lease.directives.try_recv().is_err());
    let ada = estate.world.caller("ada").await;
    let (ben, account) = ("ben".parse().unwrap(), reference("root@dev-1"));
    let why = async || control.access_explain(&ada, Some(&ben), &account, ReachAs::default()).await.unwrap();
    estate.world.clock.advance(Duration::from_secs(1));
    let risk = why().await.risk.expect("weighed");
    assert_eq!((risk.level, risk.signals.as_slice()), (RiskLevel::Low, &[][..]), "he has used it now");

    alerted(&estate).await;
    control.redecide_live().await.expect("decided");
    let Some(Directive::End { reason, .. }) = lease.directives.recv().await else { panic!("no order") };
    assert_eq!(reason, EndReason::PolicyChanged);
    let risk = why().await.risk.expect("weighed");
    assert_eq!((risk.level, risk.signals.as_slice()), (RiskLevel::Elevated, &[Signal::OpenAlert][..]));
    estate.apply("ada", &format!("{text}\nconditions: {{ risk: {{ at_most: low }} }}\n")).await.expect("applied");
    let message = refused(control.open(proved(&estate, "ben", "root@dev-1").await).await);
    assert!(message.contains("at low risk at most, and it is elevated"), "{message}");
}

#[tokio::test]
async fn a_host_key_opens_nothing_until_somebody_has_decided() {
    let estate = Estate::new().await;
    let lease = opened(&estate).await;
    let control = &estate.world.control;
    let HostKeyVerdict::Refused(message) = control.host_key(&lease.session, KEY).await.unwrap() else {
        panic!("trusted unseen")
    };
    let fingerprint = message.rsplit(' ').next().unwrap_or_default().to_owned();
    assert!(message.contains("postern asset trust dev-1 SHA256:"), "{message}");
    let (caller, permit) = estate.caller("ada", Permission::HostKeyWrite).await;
    let asset = "dev-1".parse().unwrap();
    control.host_key_decide(&caller, &permit, &asset, &fingerprint, HostKeyDecision::Pinned).await.expect("pinned");
    assert_eq!(control.host_key(&lease.session, KEY).await.unwrap(), HostKeyVerdict::Pinned);
}

#[tokio::test]
async fn a_killed_session_is_told_by_whom() {
    let estate = Estate::new().await;
    let mut lease = opened(&estate).await;
    let (caller, permit) = estate.caller("olga", Permission::SessionKill).await;
    estate.world.control.session_kill(&caller, &permit, &lease.session, "wrong host").await.expect("killed");
    let Some(Directive::End { reason, message }) = lease.directives.recv().await else { panic!("no order") };
    assert_eq!(reason, EndReason::Killed);
    assert!(message.contains("olga") && message.contains("wrong host"), "{message}");
}

#[tokio::test]
async fn another_tenants_sessions_are_not_there() {
    let estate = Estate::new().await;
    let lease = opened(&estate).await;
    let zoe = estate.world.caller("zoe").await;
    let shown = estate.world.control.session_show(&zoe, &lease.session).await;
    assert!(matches!(shown, Err(crate::Error::NotFound { .. })));
    let (filter, page) = (crate::SessionFilter::default(), crate::PageRequest::default());
    let listed = estate.world.control.session_list(&zoe, &filter, &page.into()).await.expect("a list");
    assert!(listed.items.is_empty());
}

#[tokio::test]
async fn what_a_crash_left_open_is_closed_as_unknown() {
    let estate = Estate::new().await;
    let lease = opened(&estate).await;
    assert_eq!(estate.world.control.recover().await.expect("recovered"), 2, "the session and its intent");
    let session = state(&estate, &lease.session).await;
    assert_eq!((session.state, session.end_reason), (SessionState::Ended, Some(EndReason::Unknown)));
    assert_eq!(estate.world.control.recover().await.expect("nothing left"), 0);
}

#[tokio::test]
async fn a_sealed_vault_opens_no_session_and_leaves_none_open() {
    let estate = Estate::new().await;
    granted(&estate).await;
    let wish = proved(&estate, "ben", "root@dev-1").await;
    estate.world.control.vault().seal_now();
    let answer = estate.world.control.open(wish).await;
    assert!(matches!(answer, Err(BrokerError::Unavailable(_))));
    assert_eq!(estate.world.control.store().read().await.unwrap().sessions_open().await.unwrap(), 0);
}

#[tokio::test]
async fn what_an_asset_says_of_its_columns_binds_sessions() {
    let estate = Estate::new().await;
    let control = &estate.world.control;
    let tagged = |columns: &str| {
        format!(
            "kind: Asset\nname: orders\nscope: /emea\nplatform: postgresql\naddress: db:5432\ncolumn_tags: {columns}\n"
        )
    };
    let rest = "
kind: Account
account: app@orders
credential: password
---
kind: Policy
name: hidden
scope: /emea
subjects: { users: [ben] }
accounts: { assets: [orders] }
access: standing
obligations:
  capabilities: [query]
  statements: { masking: { columns: [name], tags: [pii] } }
";
    estate.apply("ada", &format!("{}---{rest}", tagged("{ pii: [email] }"))).await.expect("applied");
    let password = Some(SecretText::new("Tr0ub4dor&3".to_owned()));
    estate.secret_put("ada", "app@orders", SecretInput { password, private_key: None }).await.expect("stored");
    let open = async || control.open(proved(&estate, "ben", "app@orders").await).await.expect("a lease");
    let hidden = |lease: &Lease| {
        let masking = lease.obligations.statements.clone().and_then(|statements| statements.masking).expect("masks");
        assert!(masking.tags.is_empty(), "a gateway knows columns");
        masking.columns.into_iter().collect::<Vec<_>>()
    };
    let mut lease = open().await;
    assert_eq!(hidden(&lease), ["email", "name"]);
    estate.apply("ada", &tagged("{ pii: [email], payment: [iban] }")).await.expect("applied");
    control.redecide_live().await.expect("decided");
    assert!(lease.directives.try_recv().is_err(), "nothing more is hidden");
    estate.apply("ada", &tagged("{ pii: [email, phone] }")).await.expect("applied");
    control.redecide_live().await.expect("decided");
    let Some(Directive::End { reason, .. }) = lease.directives.recv().await else { panic!("no order") };
    assert_eq!(reason, EndReason::PolicyChanged);
    assert_eq!(hidden(&open().await), ["email", "name", "phone"]);
}
