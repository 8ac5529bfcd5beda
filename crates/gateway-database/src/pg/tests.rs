//! The relay between a client and a target that are played here.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use postern_domain::policy::{Masking, Obligations, StatementAction, StatementBudgets, StatementRule, Statements};
use postern_domain::session::EndReason;
use postern_domain::statement::StatementClass;
use postern_domain::{AccountRef, Capability, SecretBytes, SecretText, SessionId, Timestamp, UserId, UserName};
use postern_gateway::{
    Broker, BrokerError, ConnectRequest, Credential, ExportFormat, FactorNeed, HostKeyVerdict, Identity, Lease,
    LiveSession, Recorded, RecordingPlan, Sessions, SessionsOptions, StatementAnswer, StatementEvent, StoredRecording,
};
use postern_wire::pg::back::Report;
use postern_wire::pg::{back, front, split_first};
use proptest::prelude::*;

use super::journal::Journal;
use super::relay::{Answer, Relay, Stop};
use super::rules::Rules;

const KEY: [u8; 32] = [3; 32];

/// Opens any session, recorded in one folder.
struct Opens(std::path::PathBuf);

fn none<T>() -> Result<T, BrokerError> {
    Err(BrokerError::Unavailable("not here".to_owned()))
}

#[async_trait]
impl Broker for Opens {
    async fn user_by_key(&self, _: &str, _: Option<&UserName>) -> Result<Option<Identity>, BrokerError> {
        none()
    }

    async fn user_by_password(&self, _: &UserName, _: SecretText, _: IpAddr) -> Result<Identity, BrokerError> {
        none()
    }

    async fn user_by_token(
        &self,
        _: SecretText,
        _: &AccountRef,
        _: &'static str,
        _: IpAddr,
    ) -> Result<Identity, BrokerError> {
        none()
    }

    async fn factor_need(&self, _: &ConnectRequest) -> Result<FactorNeed, BrokerError> {
        none()
    }

    async fn prove_factor(&self, _: &Identity, _: SecretText, _: &str, _: IpAddr) -> Result<Timestamp, BrokerError> {
        none()
    }

    async fn open(&self, request: ConnectRequest) -> Result<Lease, BrokerError> {
        let session = SessionId::generate(Timestamp::from_millis(1), [0; 4]);
        Ok(Lease {
            session: session.clone(),
            host: "127.0.0.1".to_owned(),
            port: 5432,
            account: request.account.account,
            server_ca: None,
            credential: Credential::Password(SecretText::new("secret".to_owned())),
            obligations: Obligations::default(),
            until: Timestamp::from_millis(i64::MAX / 2),
            recording: RecordingPlan {
                path: self.0.join("recording"),
                key: SecretBytes::new(KEY.to_vec()),
                sealed_key: vec![1],
                session,
            },
            directives: tokio::sync::mpsc::channel(1).1,
        })
    }

    async fn host_key(&self, _: &SessionId, _: &str) -> Result<HostKeyVerdict, BrokerError> {
        none()
    }

    async fn live(&self, _: &SessionId) -> Result<(), BrokerError> {
        Ok(())
    }

    async fn statement_event(&self, _: &SessionId, _: StatementEvent) -> Result<(), BrokerError> {
        none()
    }

    async fn statement_ask(&self, _: &SessionId, _: StatementEvent) -> Result<StatementAnswer, BrokerError> {
        none()
    }

    async fn ended(&self, _: &SessionId, _: EndReason, _: Option<Recorded>, _: Option<String>) {}
}

/// A session that is relayed, and what has come out of the relay at both ends.
struct World {
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
    live: Option<LiveSession>,
    relay: Relay,
    to_target: Vec<u8>,
    to_client: Vec<u8>,
}

impl World {
    fn new(statements: Option<Statements>) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let live = runtime.block_on(async {
            let broker = Arc::new(Opens(folder.path().to_owned()));
            let sessions = Sessions::new(broker, SessionsOptions::default()).unwrap();
            let user = Identity {
                id: UserId::generate(Timestamp::from_millis(1), [0; 4]),
                name: "ben".parse().unwrap(),
                key: None,
                factor_at: None,
                token_factor_at: None,
                console: false,
            };
            let (account, source) = ("app@orders".parse().unwrap(), "192.0.2.7".parse().unwrap());
            sessions.open(ConnectRequest { user, account, source, protocol: super::PROTOCOL }).await.unwrap()
        });
        let capabilities = [Capability::Query, Capability::CopyIn, Capability::CopyOut].into();
        let rules = Rules::of(&Obligations { capabilities, statements, ..Obligations::default() });
        let relay = Relay::new(rules, Journal::new(live.recorder(), None));
        Self { runtime, folder, live: Some(live), relay, to_target: Vec::new(), to_client: Vec::new() }
    }

    fn client(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let Self { relay, to_target, .. } = self;
        relay.take_client(bytes, &mut |bytes| {
            to_target.extend_from_slice(bytes);
            Ok(())
        })?;
        self.take_ours();
        Ok(())
    }

    fn target(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let Self { relay, to_target, to_client, .. } = self;
        relay.take_target(bytes, &mut |bytes| {
            to_client.extend_from_slice(bytes);
            Ok(())
        })?;
        relay.resume(&mut |bytes| {
            to_target.extend_from_slice(bytes);
            Ok(())
        })?;
        self.take_ours();
        Ok(())
    }

    fn answer(&mut self, answer: Answer) {
        let Self { relay, to_target, .. } = self;
        let put = &mut |bytes: &[u8]| {
            to_target.extend_from_slice(bytes);
            Ok(())
        };
        relay.answered(answer, put).unwrap();
        self.take_ours();
    }

    fn take_ours(&mut self) {
        let ours = std::mem::take(&mut self.relay.to_target);
        self.to_target.extend(ours);
    }

    /// The recording as text, once the session is over.
    fn recorded(mut self) -> String {
        self.relay.end().unwrap();
        let live = self.live.take().unwrap();
        self.runtime.block_on(live.finish(EndReason::ClientClosed, None));
        export(&self.folder.path().join("recording"))
    }
}

fn export(path: &Path) -> String {
    let recording = StoredRecording::open(path).unwrap();
    let mut out = Vec::new();
    recording.export(&SecretBytes::new(KEY.to_vec()), ExportFormat::Text { channel: None }, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    out.extend_from_slice(&u32::try_from(body.len() + 4).unwrap().to_be_bytes());
    out.extend_from_slice(body);
    out
}

fn query(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    front::put_query(&mut out, text);
    out
}

/// `Parse`, `Bind` and `Execute` of a statement by name.
fn prepared(name: &str, text: &str) -> Vec<u8> {
    let parse = message(b'P', format!("{name}\0{text}\0\0\0").as_bytes());
    [parse, bound(name)].concat()
}

fn bound(name: &str) -> Vec<u8> {
    let bind = message(b'B', format!("\0{name}\0\0\0\0\0\0\0").as_bytes());
    [bind, message(b'E', b"\0\0\0\0\0")].concat()
}

fn sync() -> Vec<u8> {
    message(b'S', b"")
}

fn ready(state: &[u8]) -> Vec<u8> {
    message(b'Z', state)
}

fn done(tag: &str) -> Vec<u8> {
    message(b'C', format!("{tag}\0").as_bytes())
}

fn error(code: &str, text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let report = Report {
        severity: "ERROR".into(),
        code: code.to_owned().into(),
        message: text.to_owned().into(),
        ..Report::default()
    };
    back::put_error(&mut out, &report);
    out
}

/// The types of the messages in these bytes.
fn tags(bytes: &[u8]) -> String {
    let (mut rest, mut tags) = (bytes, String::new());
    while let Some((message, after)) = split_first(rest) {
        tags.push(char::from(message[0]));
        rest = after;
    }
    assert!(rest.is_empty(), "whole messages");
    tags
}

fn ruled(action: StatementAction) -> Option<Statements> {
    let classes = [StatementClass::Delete].into();
    let rule = StatementRule { name: "deletes".to_owned(), classes, action, ..StatementRule::default() };
    Some(Statements { rules: vec![rule], ..Statements::default() })
}

#[test]
fn everything_passes_as_it_is_and_is_recorded() {
    let mut world = World::new(None);
    let asked = [query("select 1"), prepared("", "select $1"), sync()].concat();
    world.client(&asked).unwrap();
    assert_eq!(world.to_target, asked);
    let row = message(b'D', &[0, 1, 0, 0, 0, 1, b'1']);
    let answered = [
        row.clone(),
        done("SELECT 1"),
        ready(b"I"),
        message(b'1', b""),
        message(b'2', b""),
        row,
        done("SELECT 1"),
        ready(b"I"),
    ]
    .concat();
    world.target(&answered).unwrap();
    assert_eq!(world.to_client, answered);
    let recorded = world.recorded();
    assert!(
        recorded.contains("/* 1 */ select 1\n/* 2 */ select $1\n-- 1: SELECT 1, 1 rows, 7 bytes out"),
        "{recorded}"
    );
    assert!(recorded.contains("-- 2: SELECT 1, 1 rows"), "{recorded}");
}

#[test]
fn what_breaks_the_protocol_ends_the_session() {
    for (bytes, from_client) in [
        (message(b'p', b"x\0"), true),
        (message(b'Q', b"no end"), true),
        (message(b'1', b""), false),
        (message(b'D', b"\0\0"), false),
        (message(b'R', b"\0\0\0\0"), false),
        (message(b'W', b"\0\0\0"), false),
    ] {
        let mut world = World::new(None);
        let stopped = if from_client { world.client(&bytes) } else { world.target(&bytes) };
        assert!(matches!(stopped, Err(Stop::Client(_) | Stop::Target(_))), "{bytes:?}");
        assert!(world.to_client.is_empty() && world.to_target.is_empty(), "{bytes:?}");
    }
}

#[test]
fn a_refused_statement_fails_at_its_place_in_a_pipeline() {
    let mut world = World::new(ruled(StatementAction::Block));
    let asked = [prepared("", "select 1"), prepared("", "delete from t"), prepared("", "select 2"), sync()].concat();
    world.client(&asked).unwrap();
    let question = world.relay.take_question().unwrap();
    assert_eq!((question.action, question.rule.as_str()), (StatementAction::Block, "deletes"));
    assert_eq!(tags(&world.to_target), "PBE", "what was before it has passed, nothing else");
    world.answer(Answer::Refuse("not here".to_owned()));
    assert_eq!(tags(&world.to_target), "PBEPBEPBES");
    let sent = String::from_utf8_lossy(&world.to_target).into_owned();
    assert!(!sent.contains("delete"), "the target never sees it");
    world
        .target(&[message(b'1', b""), message(b'2', b""), done("SELECT 1"), error("42601", "syntax error")].concat())
        .unwrap();
    world.target(&ready(b"I")).unwrap();
    assert_eq!(tags(&world.to_client), "12CEZ");
    let shown = String::from_utf8_lossy(&world.to_client).into_owned();
    assert!(shown.contains("postern: not here") && !shown.contains("syntax error"), "{shown}");
    let recorded = world.recorded();
    assert!(recorded.contains("/* 2 */ delete from t\n-- 1: SELECT 1, 1 rows"), "{recorded}");
    assert!(recorded.contains("-- 2: REFUSED: postern: not here"), "{recorded}");
    assert!(!recorded.contains("select 2"), "it was left out: {recorded}");
}

#[test]
fn a_statement_waits_with_everything_behind_it() {
    let mut world = World::new(ruled(StatementAction::Ask));
    world.client(&query("delete from t")).unwrap();
    assert!(world.relay.take_question().is_some());
    world.client(&query("select 1")).unwrap();
    assert!(world.to_target.is_empty());
    world.answer(Answer::Run);
    assert_eq!(world.to_target, query("delete from t"), "the next one waits for its answer");
    world.target(&[done("DELETE 3"), ready(b"I")].concat()).unwrap();
    assert_eq!(world.to_target, [query("delete from t"), query("select 1")].concat());
}

#[test]
fn a_prepared_statement_is_asked_about_whenever_it_runs() {
    let mut world = World::new(ruled(StatementAction::Ask));
    world.client(&[message(b'P', b"s\0delete from t\0\0\0"), sync()].concat()).unwrap();
    assert!(world.relay.take_question().is_none(), "preparing it does nothing");
    world.target(&[message(b'1', b""), ready(b"I")].concat()).unwrap();
    for _ in 0..2 {
        world.client(&[bound("s"), sync()].concat()).unwrap();
        assert!(world.relay.take_question().is_some());
        world.answer(Answer::Run);
        world.target(&[message(b'2', b""), done("DELETE 1"), ready(b"I")].concat()).unwrap();
    }
}

#[test]
fn a_name_that_was_not_given_anew_keeps_its_meaning() {
    let mut world = World::new(ruled(StatementAction::Block));
    world.client(&[message(b'P', b"s\0select 1\0\0\0"), sync()].concat()).unwrap();
    world.target(&[message(b'1', b""), ready(b"I")].concat()).unwrap();
    // The target has a statement of this name: it refuses the second one.
    world.client(&[message(b'P', b"s\0select 2\0\0\0"), sync()].concat()).unwrap();
    world.target(&[error("42P05", "it exists"), ready(b"I")].concat()).unwrap();
    world.client(&[bound("s"), sync()].concat()).unwrap();
    world.target(&[message(b'2', b""), done("SELECT 1"), ready(b"I")].concat()).unwrap();
    let recorded = world.recorded();
    assert!(recorded.contains("select 1\n-- 2: SELECT 1"), "{recorded}");
    assert!(recorded.contains("select 2\n-- 1: ERROR 42P05: it exists"), "{recorded}");
}

#[test]
fn what_is_beyond_the_budget_is_cut_off() {
    let budgets = StatementBudgets { statement_rows: Some(2), ..StatementBudgets::default() };
    let mut world = World::new(Some(Statements { budgets, ..Statements::default() }));
    world.client(&query("select * from t")).unwrap();
    let row = message(b'D', b"\0\0");
    world.target(&[row.clone(), row.clone(), row.clone(), row.clone()].concat()).unwrap();
    assert_eq!(tags(&world.to_client), "DDE");
    assert!(std::mem::take(&mut world.relay.wants_cancel));
    world.target(&[row, error("57014", "canceled"), ready(b"I")].concat()).unwrap();
    assert_eq!(tags(&world.to_client), "DDEZ");
    world.client(&query("select 1")).unwrap();
    world.target(&[done("SELECT 1"), ready(b"I")].concat()).unwrap();
    assert_eq!(tags(&world.to_client), "DDEZCZ");
}

#[test]
fn guarded_settings_end_the_session_when_they_change_after_all() {
    let mut world = World::new(Some(Statements { read_only: true, ..Statements::default() }));
    world.client(&query("select f()")).unwrap();
    world.target(&message(b'S', b"TimeZone\0UTC\0")).unwrap();
    let stopped = world.target(&message(b'S', b"default_transaction_read_only\0off\0"));
    assert!(matches!(stopped, Err(Stop::Ended(EndReason::Killed, _))));
}

#[test]
fn rows_of_prepared_statements_are_masked_without_a_description() {
    let masking = Some(Masking { columns: ["name".to_owned()].into(), ..Masking::default() });
    let mut world = World::new(Some(Statements { masking, ..Statements::default() }));
    world.client(&[prepared("", "select name from t"), sync()].concat()).unwrap();
    assert_eq!(tags(&world.to_target), "PBDES", "a description is asked for");
    let description = message(b'T', b"\0\x01name\0\0\0\x40\0\0\x01\0\0\0\x19\xFF\xFF\xFF\xFF\xFF\xFF\0\0");
    let row = message(b'D', b"\0\x01\0\0\0\x03Ada");
    world
        .target(&[message(b'1', b""), message(b'2', b""), description, row, done("SELECT 1"), ready(b"I")].concat())
        .unwrap();
    assert_eq!(tags(&world.to_client), "12DCZ", "and not shown");
    assert!(!String::from_utf8_lossy(&world.to_client).contains("Ada"));
}

#[test]
fn copy_data_passes_while_a_copy_is_on() {
    let mut world = World::new(None);
    world.client(&query("copy t from stdin")).unwrap();
    world.target(&message(b'G', b"\0\0\0")).unwrap();
    let data = [message(b'd', b"1\tx\n"), message(b'c', b"")].concat();
    world.client(&data).unwrap();
    assert!(world.to_target.ends_with(&data));
    world.target(&[done("COPY 1"), ready(b"I")].concat()).unwrap();
    let sent = world.to_target.len();
    world.client(&[message(b'd', b"2\ty\n"), message(b'c', b""), message(b'f', b"no\0")].concat()).unwrap();
    assert_eq!(world.to_target.len(), sent, "none is on any more");
    let recorded = world.recorded();
    assert!(recorded.contains("-- 1: COPY 1, 1 rows, 0 bytes out, 4 bytes in"), "{recorded}");
}

#[test]
fn copy_data_that_comes_early_waits_for_the_target() {
    for (begun, passes) in
        [(message(b'G', b"\0\0\0"), true), ([error("42P01", "no table"), ready(b"I")].concat(), false)]
    {
        let mut world = World::new(None);
        let (asked, data) = (query("copy t from stdin"), [message(b'd', b"3\tz\n"), message(b'c', b"")].concat());
        world.client(&[asked.clone(), data.clone()].concat()).unwrap();
        assert_eq!(tags(&world.to_target), "QH", "none is on yet");
        world.target(&begun).unwrap();
        assert_eq!(world.to_target.ends_with(&data), passes);
        assert_eq!(tags(&world.to_target), if passes { "QHdc" } else { "QH" });
    }
}

#[test]
fn copies_go_in_where_statements_are_read() {
    let mut world = World::new(ruled(StatementAction::Block));
    world.client(&query("copy t from stdin")).unwrap();
    world.target(&message(b'G', b"\0\0\0")).unwrap();
    let data = [message(b'd', b"1\tx\n"), message(b'c', b"")].concat();
    world.client(&[data, query("select 1")].concat()).unwrap();
    assert_eq!(tags(&world.to_target), "QdcH", "the next one waits for the end of the copy");
    world.target(&[done("COPY 1"), ready(b"I")].concat()).unwrap();
    assert_eq!(tags(&world.to_target), "QdcHQ");
    world.target(&[done("SELECT 1"), ready(b"I")].concat()).unwrap();

    // The same, prepared, with the `Sync` before the data, as some drivers send it.
    world.client(&[prepared("", "copy t from stdin"), sync()].concat()).unwrap();
    world.target(&[message(b'1', b""), message(b'2', b""), message(b'G', b"\0\0\0")].concat()).unwrap();
    let data = [message(b'd', b"1\tx\n"), message(b'c', b""), sync()].concat();
    world.client(&data).unwrap();
    world.target(&done("COPY 1")).unwrap();
    world.target(&ready(b"I")).unwrap();
    world.client(&query("delete from t")).unwrap();
    assert!(world.relay.take_question().is_some(), "rules hold afterwards");
    assert_eq!(tags(&world.to_client), "GCZCZ12GCZ");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn portions_make_no_difference(portion in 1_usize..40) {
        let asked = [query("select 1"), prepared("a", "select 2"), sync(), query("select 3")].concat();
        let row = message(b'D', &[0, 1, 0, 0, 0, 1, b'1']);
        let answered = [
            row.clone(), done("SELECT 1"), ready(b"I"), message(b'1', b""), message(b'2', b""), row,
            error("22012", "division by zero"), ready(b"I"), done("SELECT 1"), ready(b"I"),
        ].concat();
        let mut world = World::new(None);
        for portion in asked.chunks(portion) {
            world.client(portion).unwrap();
        }
        for portion in answered.chunks(portion) {
            world.target(portion).unwrap();
        }
        prop_assert_eq!(&world.to_target, &asked);
        prop_assert_eq!(&world.to_client, &answered);
    }

    #[test]
    fn a_hostile_peer_makes_nothing_panic(
        client in proptest::collection::vec(any::<u8>(), 0..200),
        target in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut world = World::new(ruled(StatementAction::Block));
        let _ = world.client(&query("select 1"));
        let _ = (world.target(&target), world.client(&client), world.target(&target));
    }
}
