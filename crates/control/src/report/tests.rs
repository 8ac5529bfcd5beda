use std::time::Duration;

use postern_domain::document::parse;
use postern_domain::report::{ReportEvery, ReportFormat, ReportKind};
use postern_domain::{ScopePath, Timestamp};
use postern_ledger::note::Verifier;
use postern_ledger::statement::Statement;
use serde_json::Value;

use super::*;
use crate::ApplyInput;
use crate::testing::World;

const DAY: Duration = Duration::from_secs(86_400);

const ACCESS: &str = "\
kind: Asset\nname: web-1\nplatform: linux\naddress: 192.0.2.7:22\n---\n\
kind: Account\naccount: root@web-1\ncredential: ssh_certificate\nowner: ben\n---\n\
kind: Asset\nname: db-1\nscope: /bank\nplatform: linux\naddress: 192.0.2.8:22\n---\n\
kind: Account\naccount: root@db-1\ncredential: password\n---\n\
kind: Policy\nname: oncall\neffect: allow\nsubjects: {users: [ben]}\naccess: standing\n---\n\
kind: Policy\nname: nights\nscope: /bank\neffect: allow\nsubjects: {users: [ben]}\naccess: standing\n---\n\
kind: SeparationOfDuties\nname: pay\nsets: [{policies: [oncall]}, {policies: [nights]}]\n";

/// Ada may do everything, eve is an auditor of everything, kit one of `/bank`; ben has rights.
async fn world() -> World {
    let world = World::new().await;
    world.person("ada", "/", &[("administrator", "/")]).await;
    world.person("ben", "/", &[]).await;
    let documents = parse("access.yaml", ACCESS).expect("documents");
    let documents = documents.into_iter().map(|parsed| parsed.document).collect();
    let ada = world.caller("ada").await;
    world.control.apply(&ada, &ApplyInput { documents, dry_run: false }).await.expect("applied");
    world.person("eve", "/", &[("auditor", "/"), ("administrator", "/")]).await;
    world.person("kit", "/bank", &[("auditor", "/bank")]).await;
    world.clock.advance(DAY);
    world.control.publish_all().await.expect("published");
    world
}

async fn run(world: &World, who: &str, kind: ReportKind, scope: Option<&str>) -> Result<Report, Error> {
    let caller = world.caller(who).await;
    let permit = caller.permit(Permission::ReportRead).expect("a permit");
    let scope = scope.map(|scope| scope.parse().expect("a scope"));
    world.control.report_run(&caller, &permit, ReportInput { kind, scope, since: None, until: None }).await
}

async fn file(world: &World, who: &str, report: &Report, format: ReportFormat) -> Result<Vec<u8>, Error> {
    let permit = world.caller(who).await.permit(Permission::ReportRead).expect("a permit");
    world.control.report_file(&permit, &report.id, format).await
}

async fn rows(world: &World, report: &Report) -> Value {
    let json = file(world, "eve", report, ReportFormat::Json).await.expect("a file");
    serde_json::from_slice(&json).expect("JSON")
}

async fn key(world: &World) -> Verifier {
    let mut rows = world.control.store().read().await.expect("rows");
    world.control.ledger_signer(&mut rows).await.expect("a signer").verifier().clone()
}

#[tokio::test]
async fn a_report_counts_what_there_is_and_is_signed_with_its_proof() {
    let world = world().await;
    let report = run(&world, "eve", ReportKind::PciDss, None).await.expect("a report");
    assert_eq!((report.counts.found, report.counts.managed), (2, 2));
    let said = rows(&world, &report).await;
    let accounts = &said["rows"]["accounts"];
    assert_eq!((&accounts[0]["account"], &accounts[0]["vaulted"]), (&"root".into(), &false.into()), "{accounts}");
    assert_eq!((&accounts[1]["owner"], &accounts[1]["owner_active"]), (&"ben".into(), &true.into()));
    let standing: Vec<_> =
        said["rows"]["access"].as_array().expect("rows").iter().filter(|row| row["kind"] == "standing").collect();
    assert_eq!(standing.len(), 2, "{standing:?}");
    assert_eq!(said["rows"]["duties"][0]["user"], "ben");
    assert_eq!(said["rows"]["people"].as_array().map(Vec::len), Some(4));
    assert!(
        said["rows"]["changes"].as_array().is_some_and(|rows| rows.iter().any(|row| row["action"] == "policy.create")),
        "{said}"
    );
    let range = &said["rows"]["ledger"];
    assert_eq!(range["proven"], true, "{range}");
    let pick = |id: &str| {
        said["controls"].as_array().and_then(|all| all.iter().find(|one| one["id"] == id)).cloned().unwrap_or_default()
    };
    assert_eq!(pick("7.2.2")["verdict"], "exceptions");
    assert_eq!(pick("10.3.2")["verdict"], "met");
    assert_eq!(pick("10.6")["verdict"], "not_covered");

    let note = file(&world, "eve", &report, ReportFormat::Note).await.expect("a note");
    let statement = Statement::open(&note, &key(&world).await).expect("signed");
    for (name, format) in [("pdf", ReportFormat::Pdf), ("csv", ReportFormat::Csv), ("json", ReportFormat::Json)] {
        let bytes = file(&world, "eve", &report, format).await.expect("a file");
        assert_eq!(statement.check(name, &bytes), Ok(()), "{name}");
    }
    assert!(statement.ledger().is_some());
    assert_eq!(world.events("report.make").await.len(), 1);
}

#[tokio::test]
async fn whoever_sees_a_part_is_told_of_that_part_only() {
    let world = world().await;
    assert!(matches!(run(&world, "kit", ReportKind::Access, Some("/")).await, Err(Error::Forbidden(_))));
    let report = run(&world, "kit", ReportKind::Sox, None).await.expect("a report");
    assert_eq!((report.scope.as_str(), report.counts.found), ("/bank", 1));
    let said = rows(&world, &report).await;
    assert_eq!(said["rows"]["duties"][0]["user"], Value::Null, "ben is not of /bank: {}", said["rows"]["duties"]);
    assert_eq!(said["rows"]["people"].as_array().map(Vec::len), Some(1));
    let all = run(&world, "eve", ReportKind::Sox, None).await.expect("a report");
    assert!(matches!(file(&world, "kit", &all, ReportFormat::Pdf).await, Err(Error::NotFound { .. })));
    let mine = world.caller("kit").await.permit(Permission::ReportRead).expect("a permit");
    assert_eq!(world.control.report_list(&mine).await.expect("reports").len(), 1);
}

#[tokio::test]
async fn a_report_is_reviewed_once_and_by_somebody_else() {
    let world = world().await;
    let report = run(&world, "eve", ReportKind::Inventory, None).await.expect("a report");
    let say = ReportReviewInput { accepted: false, comment: "db-1 has no owner:\nask the bank".to_owned() };
    let review = async |who: &str| {
        let caller = world.caller(who).await;
        let permit = caller.permit(Permission::ReportWrite).expect("a permit");
        world.control.report_review(&caller, &permit, &report.id, &say).await
    };
    assert!(matches!(file(&world, "eve", &report, ReportFormat::Review).await, Err(Error::Conflict(_))));
    assert!(matches!(review("eve").await, Err(Error::Forbidden(_))));
    let reviewed = review("ada").await.expect("reviewed").review.expect("a review");
    assert_eq!((reviewed.by.as_str(), reviewed.accepted), ("ada", false));
    assert!(matches!(review("ada").await, Err(Error::Conflict(_))));
    let note = file(&world, "eve", &report, ReportFormat::Review).await.expect("a note");
    let statement = Statement::open(&note, &key(&world).await).expect("signed");
    let over = file(&world, "eve", &report, ReportFormat::Note).await.expect("a note");
    assert_eq!(statement.check("note", &over), Ok(()));
    assert_eq!(statement.said.get("comment").map(String::as_str), Some("db-1 has no owner: ask the bank"));
}

#[tokio::test]
async fn a_schedule_makes_reports_as_long_as_its_author_may_see_them() {
    let world = world().await;
    let ada = world.caller("ada").await;
    let permit = ada.permit(Permission::ReportWrite).expect("a permit");
    let input =
        ReportScheduleInput { kind: ReportKind::Leavers, scope: None, every: ReportEvery::Month, first_at: None };
    let schedule = world.control.report_schedule_create(&ada, &permit, input).await.expect("a schedule");
    assert_eq!(schedule.next_at, "2026-02-02T00:00:00Z".parse::<Timestamp>().expect("a time"));
    world.control.keep_reports().await.expect("looked");
    assert!(world.control.report_list(&permit).await.expect("reports").is_empty(), "nothing is due");

    world.clock.advance(32 * DAY);
    world.control.publish_all().await.expect("published");
    world.control.keep_reports().await.expect("made");
    let made = world.control.report_list(&permit).await.expect("reports");
    let [report] = made.as_slice() else { panic!("one report: {made:?}") };
    assert_eq!((report.since, report.until), (schedule.every.step(schedule.next_at, true), schedule.next_at));
    assert_eq!(report.schedule.as_ref(), Some(&schedule.id));

    world.clock.advance(70 * DAY);
    let mut tx = world.control.store().write(world.control.now()).await.expect("a transaction");
    tx.user_roles_set(&ada.user.id, &[]).await.expect("roles");
    tx.commit_upkeep().await.expect("a commit");
    world.control.keep_reports().await.expect("looked");
    assert_eq!(world.control.report_list(&permit).await.expect("reports").len(), 1);
    let left = world.control.report_schedules(&permit).await.expect("schedules");
    let failure = left.first().and_then(|left| left.failure.clone()).unwrap_or_default();
    assert!(failure.contains("ada may not see reports"), "{failure}");
    assert!(left.iter().all(|left| left.next_at > world.control.now()), "what was missed is not made up for");
}

#[tokio::test]
async fn a_period_that_cannot_be_is_refused() {
    let world = world().await;
    let eve = world.caller("eve").await;
    let permit = eve.permit(Permission::ReportRead).expect("a permit");
    let now = world.control.now();
    for since in [now, now.after(DAY), now.before(DAY * 3_000)] {
        let input =
            ReportInput { kind: ReportKind::Use, scope: Some(ScopePath::root()), since: Some(since), until: None };
        assert!(matches!(world.control.report_run(&eve, &permit, input).await, Err(Error::Invalid { .. })), "{since}");
    }
}
