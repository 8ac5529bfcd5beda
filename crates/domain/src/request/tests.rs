use proptest::prelude::*;

use super::*;
use crate::period::Period;
use crate::policy::fixture::{Estate, NOON, minutes, name};

fn answer(user: &str, approved: bool) -> Approval {
    Approval {
        user: name(user),
        identity: None,
        approved,
        reason: None,
        at: NOON,
        in_place_of: None,
        in_place_of_identity: None,
    }
}

/// The same by a user that is linked to an everyday one.
fn answer_as(user: &str, identity: &str) -> Approval {
    Approval { identity: Some(name(identity)), ..answer(user, true) }
}

fn staged() -> ApprovalRule {
    let security = ApprovalStage { count: 2, groups: vec![name("security")] };
    ApprovalRule { next: vec![security], ..ApprovalRule::of(1, vec![name("leads")]) }
}

#[test]
fn different_people_count_and_the_requester_does_not() {
    let (ben, two) = (name("ben"), ApprovalRule::of(2, vec![]));
    assert!(!two.is_met(&ben, &[answer("ada", true), answer("ada", true)]));
    assert!(!two.is_met(&ben, &[answer("ada", true), answer("ben", true)]));
    assert!(!two.is_met(&ben, &[answer("ada", true), answer("cyd", false)]));
    assert!(two.is_met(&ben, &[answer("ada", true), answer("cyd", true)]));
    assert!(!ApprovalRule::of(0, vec![]).is_met(&ben, &[]));
}

#[test]
fn linked_users_count_as_one() {
    let (ben, two) = (name("ben"), ApprovalRule::of(2, vec![]));
    assert!(!two.is_met(&ben, &[answer("ada", true), answer_as("ada-priv", "ada")]));
    assert!(!two.is_met(&ben, &[answer_as("ada-db", "ada"), answer_as("ada-priv", "ada")]));
    assert!(!two.is_met(&ben, &[answer("ada", true), answer_as("ben-priv", "ben")]), "the requester's other user");
    let absent = |identity: &str| Approval {
        in_place_of: Some(name("priv")),
        in_place_of_identity: Some(name(identity)),
        ..answer("cyd", true)
    };
    assert!(!two.is_met(&ben, &[answer("ada", true), absent("ada")]));
    assert!(!two.is_met(&ben, &[answer("ada", true), absent("ben")]));
    assert!(two.is_met(&ben, &[answer("ada", true), absent("dee")]));
    assert!(two.is_met(&ben, &[answer_as("ada-priv", "ada"), answer_as("cyd-priv", "cyd")]));
}

#[test]
fn stages_are_asked_one_after_the_other() {
    let (ben, rule) = (name("ben"), staged());
    let stage = |answers: &[Approval]| rule.awaited(&ben, answers).map(|awaited| (awaited.stage, awaited.given));
    assert_eq!(stage(&[]), Some((1, 0)));
    assert_eq!(stage(&[answer("cy", true)]), Some((2, 0)));
    assert_eq!(stage(&[answer("cy", true), answer("sam", true)]), Some((2, 1)));
    assert_eq!(stage(&[answer("cy", true), answer("sam", true), answer("sue", true)]), None);
}

#[test]
fn who_is_away_and_who_stands_in_count_once_between_them() {
    let (ben, two) = (name("ben"), ApprovalRule::of(2, vec![]));
    let stood_in = Approval { in_place_of: Some(name("ada")), ..answer("cyd", true) };
    assert!(!two.is_met(&ben, &[stood_in.clone(), answer("ada", true)]));
    assert!(!two.is_met(&ben, &[stood_in.clone(), answer("cyd", true)]));
    let other = Approval { in_place_of: Some(name("ada")), ..answer("eve", true) };
    assert!(!two.is_met(&ben, &[stood_in.clone(), other]));
    assert!(two.is_met(&ben, &[stood_in, answer("eve", true)]));
}

#[test]
fn reminders_and_escalation_come_when_they_are_due() {
    let mut request = Estate::new().request;
    request.approvals.clear();
    request.created_at = NOON;
    let leads = Escalation { after: Period::from_seconds(1_800), groups: vec![name("heads")] };
    let rule = ApprovalRule { remind: Some(Period::from_seconds(1_200)), escalate: Some(leads), ..staged() };
    request.approval = Some(rule);
    assert_eq!(request.next_notice(), Some((NOON.after(minutes(20)), NoticeKind::Remind)));
    let notice = |kind, after| RequestNotice { kind, stage: 1, at: NOON.after(minutes(after)) };
    request.notices.push(notice(NoticeKind::Remind, 20));
    assert_eq!(request.next_notice(), Some((NOON.after(minutes(30)), NoticeKind::Escalate)));
    assert_eq!(request.asked_groups(), [&name::<GroupName>("leads")]);
    request.notices.push(notice(NoticeKind::Escalate, 30));
    assert_eq!(request.asked_groups(), [&name::<GroupName>("leads"), &name("heads")]);
    assert_eq!(request.next_notice(), Some((NOON.after(minutes(40)), NoticeKind::Remind)));
    request.approvals.push(Approval { at: NOON.after(minutes(35)), ..answer("cy", true) });
    assert_eq!(request.asked_groups(), [&name::<GroupName>("security")], "the next stage is asked anew");
    assert_eq!(request.next_notice(), Some((NOON.after(minutes(55)), NoticeKind::Remind)));
}

fn weekdays(from: &str, to: &str) -> Recurrence {
    use crate::policy::{Day, Hours};
    let days = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri].into();
    let hours =
        Hours { days, from: from.to_owned(), to: to.to_owned(), zone: "Europe/Berlin".to_owned(), except: [].into() };
    Recurrence { hours, until: NOON.after(minutes(30 * 24 * 60)) }
}

#[test]
fn windows_come_again_by_the_wall_clock() {
    let (morning, friday) = (weekdays("08:00", "10:00"), minutes(2 * 24 * 60));
    let text = |at: Timestamp| morning.window(at).map(|window| (window.from.to_string(), window.to.to_string()));
    // It is Wednesday noon; Berlin is an hour ahead of UTC.
    let thursday = text(NOON).unwrap();
    assert!(thursday.0.contains("T07:00") && thursday.1.contains("T09:00"), "{thursday:?}");
    let monday = text(NOON.after(friday)).unwrap();
    assert_eq!(morning.window(NOON.after(friday)).unwrap().from.since(NOON).as_secs() / 86_400, 4, "{monday:?}");
    let night = weekdays("22:00", "06:00");
    let window = night.window(NOON).unwrap();
    assert_eq!(window.to.since(window.from), minutes(8 * 60));
    let within = night.window(window.from.after(minutes(60))).unwrap();
    assert_eq!(within, window, "one that has begun goes on");
    assert_ne!(night.window(window.to).unwrap(), window);
    assert_eq!(morning.seconds(), 7_200);
    assert_eq!(night.seconds(), 8 * 3_600);
}

#[test]
fn no_window_comes_after_the_end() {
    let over = Recurrence { until: NOON.after(minutes(60)), ..weekdays("08:00", "10:00") };
    assert_eq!(over.window(NOON), Err(InvalidRecurrence::Never));
    let strange = weekdays("8", "10:00");
    assert!(matches!(strange.window(NOON), Err(InvalidRecurrence::Hours(_))));
}

proptest! {
    #[test]
    fn windows_hold_at_their_ends_and_do_not_overlap(
        from in 0u16..1440, length in 1u16..1440, days in proptest::collection::btree_set(0usize..7, 1..7), shift in 0u64..20_000,
    ) {
        use crate::policy::Day;
        const ALL: [Day; 7] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun];
        let clock = |minute: u16| format!("{:02}:{:02}", minute % 1440 / 60, minute % 60);
        let mut recurrence = weekdays(&clock(from), &clock(from + length));
        recurrence.hours.zone = "UTC".to_owned();
        recurrence.hours.days = days.into_iter().map(|day| ALL[day]).collect();
        let now = NOON.after(minutes(shift));
        recurrence.until = now.after(minutes(60 * 24 * 60));
        let window = recurrence.window(now).unwrap();
        prop_assert!(window.to > now && window.from < window.to);
        prop_assert_eq!(recurrence.hours.hold(window.from), Ok(true));
        let next = recurrence.window(window.to).unwrap();
        prop_assert!(next.from >= window.from.after(minutes(1)) && next.to > window.to);
    }

    #[test]
    fn no_fewer_people_than_all_stages_want_are_enough(
        counts in proptest::collection::vec(1u8..4, 1..4),
        who in proptest::collection::vec((0usize..8, proptest::option::of(0usize..8), any::<bool>()), 0..12),
    ) {
        let people = ["ben", "ada", "cyd", "dee", "eve", "fay", "gus", "hal"];
        let answers: Vec<_> = who
            .into_iter()
            .map(|(user, away, approved)| Approval {
                in_place_of: away.map(|away| name(people[away])),
                ..answer(people[user], approved)
            })
            .collect();
        let mut stages = counts.iter().map(|count| ApprovalStage { count: *count, groups: vec![] });
        let first = stages.next().unwrap();
        let rule = ApprovalRule { next: stages.collect(), ..ApprovalRule::of(first.count, vec![]) };
        if rule.is_met(&name("ben"), &answers) {
            let yes: std::collections::BTreeSet<_> =
                answers.iter().filter(|a| a.approved && a.user != name("ben")).map(|a| a.user.clone()).collect();
            prop_assert!(yes.len() >= counts.iter().map(|count| usize::from(*count)).sum::<usize>());
        }
    }
}
