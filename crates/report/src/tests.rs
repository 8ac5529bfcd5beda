use postern_domain::account::CredentialKind;
use postern_domain::report::{AccessRow, AccountRow, AlertRow, PersonRow, ReportKind, ReviewRow, UseRow};
use postern_domain::{ReportId, ScopePath, Timestamp};

use super::*;

const DAY: i64 = 86_400_000;

fn now() -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000)
}

fn report(kind: ReportKind) -> Report {
    Report {
        id: ReportId::generate(now(), [1, 2, 3, 4]),
        kind,
        scope: ScopePath::root(),
        since: Timestamp::from_millis(now().as_millis() - 90 * DAY),
        until: now(),
        made_at: now(),
        made_by: "ada".parse().expect("a name"),
        schedule: None,
        counts: ReportCounts::default(),
        review: None,
    }
}

fn account(name: &str, state: AccountState) -> AccountRow {
    AccountRow {
        asset: "web-1".into(),
        account: name.into(),
        scope: ScopePath::root(),
        platform: "linux".into(),
        state,
        credential: Some(CredentialKind::Password),
        owner: Some("max".into()),
        owner_active: true,
        vaulted: true,
        last_used_at: Some(now()),
        secret_set_at: Some(now()),
        rotate_seconds: Some(86_400),
        overdue: false,
        heartbeat: None,
        findings: None,
        serious: false,
    }
}

fn person(name: &str, state: &str) -> PersonRow {
    PersonRow {
        user: name.into(),
        scope: ScopePath::root(),
        state: state.into(),
        kind: "person".into(),
        vendor: None,
        sponsor: None,
        ends_at: None,
        second_factor: true,
        passkey: false,
        last_seen_at: Some(now()),
        created_at: now(),
        disabled_at: None,
        disabled_by: None,
        grants: 0,
        sessions: 0,
        credentials: 0,
        accounts: 0,
        secrets_known: 0,
    }
}

fn facts() -> ReportFacts {
    let standing = AccessRow {
        kind: "standing".into(),
        holder: "@sre".into(),
        right: "root on every asset".into(),
        scope: ScopePath::root(),
        through: "oncall".into(),
        approved_by: None,
        needs_approval: false,
        reason: None,
        ticket: None,
        since: None,
        until: None,
    };
    let used = UseRow {
        id: "ses_1".into(),
        kind: "session".into(),
        user: "=ben".into(),
        asset: "web-1".into(),
        account: "root".into(),
        scope: ScopePath::root(),
        how: "ssh".into(),
        source: None,
        policy: "oncall".into(),
        grant: None,
        since: now(),
        until: Some(now()),
        end: Some("closed, by \"hand\"\nat night – 夜".into()),
        recording: None,
        pruned_at: None,
        rotated: false,
    };
    let mut default_password = account("admin", AccountState::Discovered);
    default_password.findings = Some("unmanaged, default_password".into());
    ReportFacts {
        accounts: vec![account("root", AccountState::Managed), default_password],
        access: vec![standing],
        uses: vec![used],
        people: vec![person("ada", "active"), PersonRow { sessions: 1, ..person("max", "disabled") }],
        ..ReportFacts::default()
    }
}

fn found(check: Check, facts: &ReportFacts) -> (u64, u64) {
    let finding = check.look(facts, now());
    assert_eq!(finding.total - finding.good > 0, !finding.exceptions.is_empty(), "{check:?}");
    (finding.good, finding.total)
}

#[test]
fn what_stands_out_is_counted_and_named() {
    let mut facts = facts();
    assert_eq!(found(Check::AccountsManaged, &facts), (1, 2));
    assert_eq!(found(Check::NoDefaultPasswords, &facts), (1, 2));
    assert_eq!(found(Check::AccountsOwned, &facts), (1, 1), "only of those that are governed");
    assert_eq!(found(Check::SecretsRotated, &facts), (1, 1));
    assert_eq!(found(Check::NoStandingPrivilege, &facts), (0, 1));
    assert_eq!(found(Check::SessionsRecorded, &facts), (0, 1));
    assert_eq!(found(Check::LeaversCutOff, &facts), (0, 1));
    assert_eq!(found(Check::AccessReviewed, &facts), (0, 1), "no review at all is an exception");
    assert_eq!(found(Check::LogExported, &facts), (0, 1));
    assert_eq!(found(Check::Passkeys, &facts), (0, 1));
    facts.accounts.iter_mut().for_each(|row| row.overdue = true);
    assert_eq!(found(Check::SecretsRotated, &facts), (0, 1));
    assert_eq!(found(Check::DutiesKept, &facts), (0, 0), "nothing to look at is not met");
    assert_eq!(verdict(&[Check::DutiesKept.look(&facts, now())]), Verdict::Empty);
}

fn alert(severity: &str, hours_ago: u64, closed: bool) -> AlertRow {
    let at = now().before(std::time::Duration::from_secs(hours_ago * 3600));
    AlertRow {
        id: "alr_1".into(),
        at,
        rule: "credentials.shadow".into(),
        title: "The hashes of passwords were touched".into(),
        severity: severity.into(),
        scope: ScopePath::root(),
        user: "ben".into(),
        account: "root@web-1".into(),
        response: "alert".into(),
        times: 1,
        state: if closed { "closed" } else { "open" }.into(),
        assignee: None,
        closed_at: closed.then(|| at.after(std::time::Duration::from_secs(3600))),
        closed_by: closed.then(|| "ada".into()),
        verdict: None,
    }
}

#[test]
fn serious_alerts_are_looked_at_within_a_day_and_recordings_kept_for_a_year() {
    let mut facts = facts();
    facts.alerts =
        vec![alert("high", 40, false), alert("critical", 90, true), alert("high", 2, false), alert("low", 90, false)];
    assert_eq!(found(Check::AlertsLookedAt, &facts), (2, 3), "one waits for too long; low ones do not count");
    let mut used = facts.uses[0].clone();
    used.recording = Some("07".repeat(32));
    let day = std::time::Duration::from_secs(86_400);
    let gone = |days| UseRow { pruned_at: used.until.map(|until| until.after(days * day)), ..used.clone() };
    facts.uses = vec![used.clone(), gone(365), gone(364)];
    assert_eq!(found(Check::RecordingsKept, &facts), (2, 3));
}

#[test]
fn a_right_that_stays_though_nobody_answered_for_it_is_named() {
    let review = |kept, revoked| ReviewRow {
        id: "rev_1".into(),
        name: "Autumn".into(),
        scope: ScopePath::root(),
        author: "ada".into(),
        since: now(),
        due: now(),
        until: Some(now()),
        items: 4,
        kept,
        reduced: 0,
        revoked,
        unanswered: 4 - kept,
        failed: 0,
    };
    let with = |review| ReportFacts { reviews: vec![review], ..facts() };
    assert_eq!(found(Check::AccessReviewed, &with(review(3, 1))), (1, 1), "what nobody answered for went");
    let stays = Check::AccessReviewed.look(&with(review(1, 1)), now());
    assert_eq!(stays.exceptions, ["Autumn: 2 rights stay that nobody answered for"]);
}

#[test]
fn the_rows_that_a_finding_was_told_from_are_in_the_report() {
    for kind in ReportKind::ALL.iter().copied() {
        let (of, assessed) = (TableId::of(kind), assess(&report(kind), &facts()));
        for finding in assessed.controls.iter().flat_map(|control| &control.findings).chain(&assessed.findings) {
            assert!(of.contains(&finding.evidence), "{kind}: {finding:?}");
        }
    }
}

#[test]
fn every_framework_says_what_it_does_not_cover_and_every_control_counts() {
    for kind in ReportKind::ALL.iter().copied() {
        let assessment = assess(&report(kind), &facts());
        let counts = assessment.counts(&facts());
        let sum = counts.met + counts.exceptions + counts.empty + counts.not_covered;
        if kind.is_framework() {
            assert_eq!(sum as usize, assessment.controls.len(), "{kind}");
            assert!(assessment.controls.iter().any(|control| control.verdict == Verdict::NotCovered), "{kind}");
            let mut ids: Vec<_> = assessment.controls.iter().map(|control| control.id).collect();
            ids.dedup();
            assert_eq!(ids.len(), assessment.controls.len(), "{kind}: a control twice");
            for control in &assessment.controls {
                assert!(!control.findings.is_empty() || control.not_covered.is_some(), "{kind} {}", control.id);
            }
        } else {
            assert!(!assessment.findings.is_empty() && counts.not_covered == 0, "{kind}");
        }
        assert_eq!((counts.managed, counts.found), (1, 2));
    }
}

#[test]
fn a_report_is_the_same_each_time_and_its_rows_are_in_its_files() {
    let facts = facts();
    for kind in ReportKind::ALL.iter().copied() {
        let mut report = report(kind);
        let assessment = assess(&report, &facts);
        report.counts = assessment.counts(&facts);
        let written = write(&report, &facts, &assessment).expect("written");
        let again = write(&report, &facts, &assessment).expect("written");
        assert!(written.pdf == again.pdf && written.csv == again.csv && written.json == again.json, "{kind}");
        assert!(written.pdf.starts_with(b"%PDF-"), "{kind}");
        if let Some(folder) = std::env::var_os("REPORTS") {
            std::fs::write(std::path::Path::new(&folder).join(format!("{kind}.pdf")), &written.pdf).expect("a file");
        }
    }
    let report = report(ReportKind::Use);
    let written = write(&report, &facts, &assess(&report, &facts)).expect("written");
    let csv = String::from_utf8(written.csv).expect("text");
    assert!(csv.contains("'=ben"), "what a spreadsheet would take for a formula is a text: {csv}");
    assert!(csv.contains("\"closed, by \"\"hand\"\"\nat night – 夜\""), "{csv}");
    let json: serde_json::Value = serde_json::from_slice(&written.json).expect("JSON");
    assert_eq!(json["rows"]["uses"][0]["user"], "=ben");
    assert_eq!(json["rows"]["accounts"], serde_json::json!([]), "a report on use has nothing else");
    assert_eq!(json["findings"][1]["exceptions"][0], "ses_1 =ben: root@web-1");
}
