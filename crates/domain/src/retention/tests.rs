use proptest::prelude::*;

use super::*;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(0).after(std::time::Duration::from_secs(seconds))
}

fn scope(path: &str) -> ScopePath {
    path.parse().expect("a scope")
}

fn id<T: FromStr>(prefix: &str, number: usize) -> T
where
    T::Err: fmt::Debug,
{
    format!("{prefix}_{number:016}").parse().expect("an id")
}

fn recorded(path: &str, started: u64, ended: u64) -> Recorded {
    Recorded {
        session: id("ses", 1),
        user: id("usr", 1),
        account: id("acc", 1),
        asset: id("ast", 1),
        scope: scope(path),
        started_at: at(started),
        ended_at: at(ended),
    }
}

fn on(path: &str) -> HoldOn {
    HoldOn { scope: scope(path), user: None, asset: None, account: None, session: None, from: None, until: None }
}

fn place(path: &str, keep: &str) -> PlaceRetention {
    PlaceRetention { scope: scope(path), recordings: keep.parse().expect("a time to keep") }
}

#[test]
fn the_deepest_place_counts() {
    let retention = Retention {
        recordings: "400d".parse().expect("a period"),
        places: vec![place("/acme", "30d"), place("/acme/payments", "forever")],
        ..Retention::default()
    };
    assert_eq!(retention.of(&scope("/other")).to_string(), "400d");
    assert_eq!(retention.of(&scope("/acme/web")).to_string(), "30d");
    assert_eq!(retention.of(&scope("/acme/payments/eu")), Keep::Forever);
    assert_eq!(retention.shortest(), Some("30d".parse().expect("a period")));
    assert_eq!(Retention::default().shortest(), None);
}

#[test]
fn what_cannot_be_followed_is_refused() {
    let twice = Retention { places: vec![place("/a", "1d"), place("/a", "2d")], ..Retention::default() };
    assert_eq!(twice.check(), Err(InvalidRetention::Twice(scope("/a"))));
    let nothing = Retention { recordings: "0s".parse().expect("a period"), ..Retention::default() };
    assert_eq!(nothing.check(), Err(InvalidRetention::Nothing(ScopePath::root())));
    assert_eq!(Retention::default().check(), Ok(()));
}

#[test]
fn a_hold_is_on_sessions_that_lie_partly_in_its_time() {
    let session = recorded("/a/b", 100, 200);
    assert!(on("/a").covers(&session) && !on("/c").covers(&session));
    assert!(HoldOn { from: Some(at(200)), ..on("/") }.covers(&session));
    assert!(!HoldOn { from: Some(at(201)), ..on("/") }.covers(&session));
    assert!(HoldOn { until: Some(at(101)), ..on("/") }.covers(&session));
    assert!(!HoldOn { until: Some(at(100)), ..on("/") }.covers(&session));
    assert!(!HoldOn { user: Some(id("usr", 2)), ..on("/") }.covers(&session));
    assert!(HoldOn { user: Some(id("usr", 1)), asset: Some(id("ast", 1)), ..on("/") }.covers(&session));
}

proptest! {
    /// More holds never let go of what fewer keep, and nothing younger than the shortest time is due.
    #[test]
    fn holds_only_keep_and_time_alone_lets_go(
        days in 1_u64..500, ended in 0_u64..1_000, now in 0_u64..1_000,
        holds in proptest::collection::vec((0_usize..3, 0_u64..1_000), 0..4),
    ) {
        const DAY: u64 = 86_400;
        let retention = Retention { recordings: format!("{days}d").parse().expect("a period"), ..Retention::default() };
        let session = recorded("/a", ended * DAY, ended * DAY);
        let holds: Vec<_> = holds.iter().enumerate().map(|(number, (user, from))| {
            let on = HoldOn { user: Some(id("usr", *user)), from: Some(at(from * DAY)), ..on("/") };
            (id("hld", number), on)
        }).collect();
        let all = fate(&session, &retention, &holds, at(now * DAY));
        for fewer in 0..holds.len() {
            let some = fate(&session, &retention, &holds[..fewer], at(now * DAY));
            if matches!(some, Fate::Held { .. }) {
                let kept = matches!(all, Fate::Held { .. });
                prop_assert!(kept);
            }
        }
        if matches!(all, Fate::Due { .. }) {
            prop_assert!(now >= ended + days);
            prop_assert!(holds.iter().all(|(_, on)| !on.covers(&session)));
        }
    }
}
