//! The decisions as a table that people review: every situation that we know of, and what is
//! decided in it. A change of a decision shows as a change of the file.

use std::fmt::Write as _;

use super::fixture::{Estate, NOON, grant, id, linked, minutes, name, policy, user, word};
use super::*;
use crate::account::AccountState;
use crate::grant::Grant;
use crate::permission::{Permission, built_in_roles};
use crate::request::{Approval, ApprovalStage, Escalation, NoticeKind, RequestNotice, RequestState};
use crate::risk::RiskLevel;
use crate::session::authorize;
use crate::time::Timestamp;
use crate::user::UserState;

const PATH: &str = "policy_matrix.txt";

fn standing() -> Policy {
    policy(1, "standing", Effect::Allow, Access::Standing)
}

fn on_request() -> Policy {
    policy(2, "on-request", Effect::Allow, Access::Request)
}

fn deny() -> Policy {
    policy(3, "deny", Effect::Deny, Access::Request)
}

fn hours(from: &str, to: &str, zone: &str) -> Hours {
    Hours { days: [].into(), from: from.to_owned(), to: to.to_owned(), zone: zone.to_owned(), except: [].into() }
}

fn changed<T>(mut value: T, change: impl FnOnce(&mut T)) -> T {
    change(&mut value);
    value
}

fn answer(user: &str) -> Approval {
    Approval {
        user: name(user),
        identity: None,
        approved: true,
        reason: None,
        at: NOON,
        in_place_of: None,
        in_place_of_identity: None,
    }
}

fn staged(first: &str, second: &str) -> ApprovalRule {
    let next = vec![ApprovalStage { count: 1, groups: vec![name(second)] }];
    ApprovalRule { next, ..ApprovalRule::of(1, vec![name(first)]) }
}

fn escalated(first: &str, more: &str) -> ApprovalRule {
    let escalate = Some(Escalation { after: crate::Period::from_seconds(60), groups: vec![name(more)] });
    ApprovalRule { escalate, ..ApprovalRule::of(1, vec![name(first)]) }
}

fn checked(problem: Option<&str>) -> Estate {
    let policy = changed(on_request(), |p| {
        p.obligations.ticket_pattern = Some("CHG-[0-9]+".to_owned());
        p.obligations.ticket_checked = true;
    });
    Estate::new().with(|e| {
        e.policies = vec![policy];
        e.ticket = Some("CHG-7".to_owned());
        e.ticket_problem = problem.map(str::to_owned);
    })
}

/// With a ticket in a state, under a policy that wants two others.
fn in_state(state: Option<&'static str>) -> Estate {
    let states = ["Scheduled", "Implement"].map(str::to_owned).into();
    let policy = changed(on_request(), |p| p.conditions.ticket = Some(TicketCondition { states }));
    Estate::new().with(|e| {
        e.policies = vec![policy];
        e.ticket = Some("CHG-7".to_owned());
        e.ticket_state = state;
    })
}

type Situations = Vec<(&'static str, Estate)>;

fn policies() -> Situations {
    let estate = Estate::new;
    let with = |policies: Vec<Policy>| estate().with(|e| e.policies = policies);
    vec![
        ("no policy", estate()),
        ("standing", with(vec![standing()])),
        ("request", with(vec![on_request()])),
        ("standing and request", with(vec![standing(), on_request()])),
        ("standing for another group", with(vec![changed(standing(), |p| p.subjects.groups = [name("dba")].into())])),
        ("standing for nobody", with(vec![changed(standing(), |p| p.subjects = Subjects::default())])),
        (
            "standing for them by name",
            with(vec![changed(standing(), |p| {
                p.subjects = Subjects { users: [name("ben")].into(), ..Subjects::default() };
            })]),
        ),
        ("standing for another account", with(vec![changed(standing(), |p| p.accounts.names = [name("app")].into())])),
        ("standing for another asset", with(vec![changed(standing(), |p| p.accounts.assets = [name("db-1")].into())])),
        (
            "standing for another label",
            with(vec![changed(standing(), |p| {
                p.accounts.labels = [("env".to_owned(), "test".to_owned())].into();
            })]),
        ),
        (
            "standing for another platform",
            with(vec![changed(standing(), |p| {
                p.accounts.platforms = [crate::asset::Platform::Redis].into();
            })]),
        ),
        ("standing in the root scope", with(vec![changed(standing(), |p| p.scope = name("/"))])),
        ("standing in a scope below", with(vec![changed(standing(), |p| p.scope = name("/emea/prod/eu"))])),
        ("standing in a scope beside", with(vec![changed(standing(), |p| p.scope = name("/emea/test"))])),
        ("standing of another tenant", with(vec![changed(standing(), |p| p.scope = name("/apac"))])),
        (
            "standing, two sessions of two live",
            with(vec![changed(standing(), |p| {
                p.obligations.concurrent_sessions = Some(2);
            })])
            .with(|e| e.live_sessions = 2),
        ),
        ("standing for 0 seconds", with(vec![changed(standing(), |p| p.obligations.max_duration_seconds = 0)])),
        ("deny", with(vec![deny()])),
        ("standing and deny", with(vec![standing(), deny()])),
        ("request and deny", with(vec![on_request(), deny()])),
        (
            "standing and deny for another group",
            with(vec![
                standing(),
                changed(deny(), |p| {
                    p.subjects.groups = [name("dba")].into();
                }),
            ]),
        ),
        ("standing and deny above", with(vec![standing(), changed(deny(), |p| p.scope = name("/"))])),
    ]
}

fn conditions() -> Situations {
    let with = |policies: Vec<Policy>| Estate::new().with(|e| e.policies = policies);
    let within = |policy: Policy, hours: Hours| changed(policy, |p| p.conditions.hours = vec![hours]);
    let from = |policy: Policy, network: &str| changed(policy, |p| p.conditions.networks = vec![name(network)]);
    let at = |level, policies| with(policies).with(|e| e.risk = level);
    let up_to =
        |policy, level| changed(policy, |p: &mut Policy| p.conditions.risk = Some(RiskCondition::AtMost(level)));
    let from_risk =
        |policy, level| changed(policy, |p: &mut Policy| p.conditions.risk = Some(RiskCondition::AtLeast(level)));
    let mapped: std::net::IpAddr = name("::ffff:10.1.2.3");
    vec![
        ("standing, within its hours", with(vec![within(standing(), hours("08:00", "18:00", "UTC"))])),
        ("standing, outside its hours", with(vec![within(standing(), hours("13:00", "18:00", "UTC"))])),
        ("standing, hours not understood", with(vec![within(standing(), hours("8", "18:00", "UTC"))])),
        ("standing, zone not understood", with(vec![within(standing(), hours("00:00", "24:00", "Mars/Base"))])),
        ("standing, from its network", with(vec![from(standing(), "10.0.0.0/8")])),
        ("standing, from its network as IPv6", with(vec![from(standing(), "10.0.0.0/8")]).with(|e| e.source = mapped)),
        ("standing, from another network", with(vec![from(standing(), "192.168.0.0/16")])),
        ("request, outside its hours", with(vec![within(on_request(), hours("13:00", "18:00", "UTC"))])),
        (
            "standing outside its hours, request within",
            with(vec![within(standing(), hours("13:00", "18:00", "UTC")), on_request()]),
        ),
        ("standing, deny within its hours", with(vec![standing(), within(deny(), hours("08:00", "18:00", "UTC"))])),
        ("standing, deny outside its hours", with(vec![standing(), within(deny(), hours("13:00", "18:00", "UTC"))])),
        (
            "standing, deny with hours not understood",
            with(vec![standing(), within(deny(), hours("8", "18:00", "UTC"))]),
        ),
        ("standing, risk below its bound", with(vec![up_to(standing(), RiskLevel::Elevated)])),
        ("standing, risk at its bound", at(RiskLevel::Elevated, vec![up_to(standing(), RiskLevel::Elevated)])),
        ("standing, risk above its bound", at(RiskLevel::High, vec![up_to(standing(), RiskLevel::Elevated)])),
        (
            "standing, risk above its bound and outside its hours",
            at(RiskLevel::High, vec![within(up_to(standing(), RiskLevel::Elevated), hours("13:00", "18:00", "UTC"))]),
        ),
        ("request, risk above its bound", at(RiskLevel::Elevated, vec![up_to(on_request(), RiskLevel::Low)])),
        (
            "standing, risk above its bound, and request",
            at(RiskLevel::Elevated, vec![up_to(standing(), RiskLevel::Low), on_request()]),
        ),
        (
            "standing, deny from a risk on that is reached",
            at(RiskLevel::High, vec![standing(), from_risk(deny(), RiskLevel::High)]),
        ),
        (
            "standing, deny from a risk on that is not reached",
            at(RiskLevel::Elevated, vec![standing(), from_risk(deny(), RiskLevel::High)]),
        ),
        ("standing, deny from another network", with(vec![standing(), from(deny(), "192.168.0.0/16")])),
    ]
}

fn grants() -> Situations {
    let with = |change: fn(&mut Grant)| {
        Estate::new().with(|e| {
            e.policies = vec![on_request()];
            e.grants = vec![changed(grant(1, &on_request()), change)];
        })
    };
    let factor = |seconds: u64, proved_at: Option<Timestamp>| {
        with(|_| ()).with(|e| {
            e.grants[0].obligations.mfa_max_age_seconds = seconds;
            e.mfa_at = proved_at;
        })
    };
    vec![
        ("active grant", with(|_| ())),
        (
            "active grant with more than its policy gives now",
            with(|g| {
                g.obligations.capabilities.insert(Capability::SftpRead);
            }),
        ),
        ("active grant and standing", with(|_| ()).with(|e| e.policies.push(standing()))),
        ("active grant and deny", with(|_| ()).with(|e| e.policies.push(deny()))),
        (
            "active grant, two sessions of two live",
            with(|g| g.obligations.concurrent_sessions = Some(2)).with(|e| {
                e.live_sessions = 2;
            }),
        ),
        ("scheduled grant", with(|g| g.starts_at = NOON.after(minutes(10)))),
        ("expired grant", with(|g| g.ends_at = NOON)),
        ("revoked grant", with(|g| g.revoked_at = Some(NOON.before(minutes(1))))),
        ("grant of somebody else", with(|g| g.user = name("cyd"))),
        ("grant for another account", with(|g| g.account = name("app@web-1"))),
        ("grant of another tenant", with(|g| g.scope = name("/apac/prod"))),
        ("grant under a policy that is gone", with(|g| g.policy = id("pol", 9))),
        (
            "grant under a policy that is for others now",
            with(|_| ()).with(|e| {
                e.policies[0].subjects.groups = [name("dba")].into();
            }),
        ),
        ("grant under a policy that denies now", with(|_| ()).with(|e| e.policies[0].effect = Effect::Deny)),
        (
            "grant under a policy outside its hours",
            with(|_| ()).with(|e| {
                e.policies[0].conditions.hours = vec![hours("13:00", "18:00", "UTC")];
            }),
        ),
        ("active grant, no factor", factor(3_600, None)),
        ("active grant, factor at its limit", factor(3_600, Some(NOON.before(minutes(60))))),
        ("active grant, stale factor", factor(3_600, Some(NOON.before(minutes(61))))),
        ("active grant, factor a little ahead", factor(3_600, Some(NOON.after(minutes(1))))),
        ("active grant, factor far ahead", factor(3_600, Some(NOON.after(minutes(2))))),
        ("active grant, factor per session, just proved", factor(0, Some(NOON.before(minutes(1))))),
        ("active grant, factor per session, proved before", factor(0, Some(NOON.before(minutes(2))))),
    ]
}

fn people() -> Situations {
    let with =
        |change: fn(&mut Estate)| Estate::new().with(|e| e.policies = vec![standing(), on_request()]).with(change);
    vec![
        ("user invited", with(|e| e.user.state = UserState::Invited)),
        ("user disabled", with(|e| e.user.state = UserState::Disabled)),
        ("user of the root scope", with(|e| e.user.scope = name("/"))),
        ("user of the asset's scope", with(|e| e.user.scope = name("/emea/prod"))),
        ("user of a scope below", with(|e| e.user.scope = name("/emea/prod/eu"))),
        ("user of a scope beside", with(|e| e.user.scope = name("/emea/test"))),
        ("user of another tenant", with(|e| e.user = user("ben", &["sre"], "/apac"))),
        ("account discovered", with(|e| e.account.state = AccountState::Discovered)),
        ("account orphaned", with(|e| e.account.state = AccountState::Orphaned)),
        ("account disabled", with(|e| e.account.state = AccountState::Disabled)),
        (
            "account disabled, no policy",
            with(|e| {
                e.account.state = AccountState::Disabled;
                e.policies.clear();
            }),
        ),
        ("account of another asset", with(|e| e.account.asset = name("db-1"))),
    ]
}

fn requests() -> Situations {
    let with = |change: fn(&mut Estate)| Estate::new().with(|e| e.policies = vec![on_request()]).with(change);
    let ticket = |pattern: &str, ticket: Option<&str>| {
        with(|_| ()).with(|e| {
            e.policies[0].obligations.ticket_pattern = Some(pattern.to_owned());
            e.ticket = ticket.map(str::to_owned);
        })
    };
    vec![
        ("for as long as can be", with(|e| e.duration_seconds = 8 * 3_600)),
        ("for longer than can be", with(|e| e.duration_seconds = 8 * 3_600 + 1)),
        ("for no time", with(|e| e.duration_seconds = 0)),
        ("without a reason", with(|e| e.reason = " \n".to_owned())),
        (
            "without a reason where none is needed",
            with(|e| {
                e.reason.clear();
                e.policies[0].obligations.reason_required = false;
            }),
        ),
        ("with a ticket", ticket("CHG-[0-9]+", Some("CHG-7"))),
        ("with a ticket that is to be checked and is good", checked(None)),
        ("with a ticket in a state that is wanted", in_state(Some("implement"))),
        ("with a ticket in another state", in_state(Some("Closed"))),
        ("with a ticket of which no state is known", in_state(None)),
        ("with a ticket that is to be checked and is not", checked(Some("it is closed"))),
        ("without a ticket", ticket("CHG-[0-9]+", None)),
        ("with a ticket and more", ticket("CHG-[0-9]+", Some("CHG-7 or so"))),
        ("with a ticket and a line after it", ticket("CHG-[0-9]+", Some("CHG-7\n"))),
        ("with a ticket where the pattern is none", ticket("CHG-[", Some("CHG-["))),
        ("with a ticket where the pattern breaks out", ticket("a)|(b", Some("b"))),
        (
            "for too long and without a reason",
            with(|e| {
                e.duration_seconds = u64::MAX;
                e.reason.clear();
            }),
        ),
        ("approver's own request", with(|e| e.request.user = name("ben"))),
        (
            "approver answered already",
            with(|e| {
                e.request.approvals.push(answer("ben"));
            }),
        ),
        ("approver without the permission", with(|e| e.may_approve = false)),
        ("approver of another tenant", with(|e| e.user.scope = name("/apac"))),
        (
            "approver in the rule's group",
            with(|e| {
                e.request.approval = Some(ApprovalRule::of(2, vec![name("dba"), name("sre")]));
            }),
        ),
        (
            "approver in none of the rule's groups",
            with(|e| {
                e.request.approval = Some(ApprovalRule::of(1, vec![name("dba")]));
            }),
        ),
        ("approver of the first of two stages", with(|e| e.request.approval = Some(staged("sre", "dba")))),
        ("approver of the second of two stages", with(|e| e.request.approval = Some(staged("dba", "sre")))),
        (
            "approver of the second stage after the first",
            with(|e| {
                e.request.approval = Some(staged("dba", "sre"));
                e.request.approvals.push(answer("eve"));
            }),
        ),
        (
            "approver to whom it is escalated, before",
            with(|e| {
                e.request.approval = Some(escalated("dba", "sre"));
            }),
        ),
        (
            "approver to whom it is escalated",
            with(|e| {
                e.request.approval = Some(escalated("dba", "sre"));
                e.request.notices.push(RequestNotice { kind: NoticeKind::Escalate, stage: 1, at: NOON });
            }),
        ),
        (
            "approver in whose place somebody answered",
            with(|e| {
                e.request.approval = Some(ApprovalRule::of(2, vec![]));
                e.request.approvals.push(Approval { in_place_of: Some(name("ben")), ..answer("eve") });
            }),
        ),
        ("approver who asks as another user", with(|e| e.request.identity = Some(name("ben")))),
        (
            "approver with another user, who asks as the everyday one",
            with(|e| {
                e.user = linked("ben-priv", "ben");
                e.request.user = name("ben");
            }),
        ),
        (
            "approver with another user, both linked to a third",
            with(|e| {
                e.user = linked("ben-priv", "ben");
                e.request.user = name("ben-db");
                e.request.identity = Some(name("ben"));
            }),
        ),
        (
            "approver who has answered as another user",
            with(|e| {
                e.request.approval = Some(ApprovalRule::of(2, vec![]));
                e.request.approvals.push(Approval { identity: Some(name("ben")), ..answer("ben-priv") });
            }),
        ),
        ("request granted already", with(|e| e.request.state = RequestState::Granted)),
        ("request denied already", with(|e| e.request.state = RequestState::Denied)),
        ("request withdrawn", with(|e| e.request.state = RequestState::Withdrawn)),
        ("request lapsed", with(|e| e.request.expires_at = NOON)),
        ("request that nobody need answer", with(|e| e.request.approval = None)),
    ]
}

fn roles_table(text: &mut String) {
    let roles = built_in_roles();
    let _ = write!(text, "{:<18}", "permission");
    for role in &roles {
        let _ = write!(text, " {:<13}", role.name.as_str());
    }
    text.push('\n');
    for permission in Permission::ALL {
        let _ = write!(text, "{:<18}", permission.as_str());
        for role in &roles {
            let held = if role.permissions.contains(permission) { "yes" } else { "-" };
            let _ = write!(text, " {held:<13}");
        }
        text.push('\n');
    }
}

fn capability_row(text: &mut String, situation: &str, obligations: &Obligations) {
    let _ = write!(text, "{situation:<52}");
    for capability in Capability::ALL {
        let may = if authorize(obligations, capability).is_ok() { "yes" } else { "-" };
        let _ = write!(text, " {may:<width$}", width = capability.as_str().len());
    }
    text.push('\n');
}

fn matrix() -> String {
    let mut text = String::from("Generated from the decisions by their tests, and reviewed by people.\n\n");
    text.push_str("# What each role may do in Postern itself\n\n");
    roles_table(&mut text);
    let mut permitted = String::new();
    let mut names = std::collections::BTreeSet::new();
    let groups = [
        ("by policy", policies()),
        ("by condition", conditions()),
        ("by grant", grants()),
        ("by person and account", people()),
        ("by request", requests()),
    ];
    for (title, situations) in groups {
        let _ = write!(
            text,
            "\n# What is decided, {title}\n\n{:<52} {:<20} {:<32} approve\n",
            "situation", "connect", "ask"
        );
        for (situation, estate) in situations {
            assert!(names.insert(situation), "`{situation}` stands twice");
            let connected = estate.connect();
            let (asked, approved) = (word(&estate.ask()), word(&estate.approve()));
            let _ = writeln!(text, "{situation:<52} {:<20} {asked:<32} {approved}", word(&connected));
            if let Decision::Permit(permit) = connected {
                capability_row(&mut permitted, situation, &permit.action().obligations);
            }
        }
    }
    let _ = write!(text, "\n# What a session that was permitted may do\n\n{:<52}", "situation");
    for capability in Capability::ALL {
        let _ = write!(text, " {capability}");
    }
    let _ = write!(text, "\n{permitted}");
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn the_reviewed_matrix_is_current() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(PATH);
    let current = matrix();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    let reviewed = std::fs::read_to_string(&path).unwrap_or_default();
    let line = current.lines().zip(reviewed.lines()).position(|(now, before)| now != before);
    assert!(
        reviewed == current,
        "{PATH} differs from what is decided, first at line {:?}: review, then run the tests once with UPDATE=1",
        line.map(|index| index + 1)
    );
}
