use proptest::prelude::*;

use super::*;

fn hours(days: &[Day], from: &str, to: &str, zone: &str) -> Hours {
    Hours {
        days: days.iter().copied().collect(),
        from: from.to_owned(),
        to: to.to_owned(),
        zone: zone.to_owned(),
        except: [].into(),
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_window_holds_from_its_first_minute_to_before_its_last() {
    let work = hours(&[Day::Mon, Day::Wed], "08:30", "18:00", "UTC");
    for (when, holds) in [
        ("2026-11-25T08:29:59Z", false),
        ("2026-11-25T08:30:00Z", true),
        ("2026-11-25T17:59:59Z", true),
        ("2026-11-25T18:00:00Z", false),
        ("2026-11-24T12:00:00Z", false),
        ("2026-11-23T12:00:00Z", true),
    ] {
        assert_eq!(work.hold(at(when)), Ok(holds), "{when}");
    }
}

#[test]
fn a_night_belongs_to_the_day_it_began_on() {
    let night = hours(&[Day::Fri], "22:00", "06:00", "UTC");
    for (when, holds) in [
        ("2026-11-27T05:00:00Z", false),
        ("2026-11-27T22:00:00Z", true),
        ("2026-11-28T05:59:59Z", true),
        ("2026-11-28T06:00:00Z", false),
        ("2026-11-28T22:00:00Z", false),
    ] {
        assert_eq!(night.hold(at(when)), Ok(holds), "{when}");
    }
}

#[test]
fn the_wall_clock_of_the_zone_counts() {
    let berlin = hours(&[], "08:00", "18:00", "Europe/Berlin");
    assert_eq!(berlin.hold(at("2026-01-15T07:00:00Z")), Ok(true), "winter");
    assert_eq!(berlin.hold(at("2026-07-15T06:00:00Z")), Ok(true), "summer");
    assert_eq!(berlin.hold(at("2026-01-15T06:00:00Z")), Ok(false));
    let auckland = hours(&[Day::Thu], "00:00", "24:00", "Pacific/Auckland");
    assert_eq!(auckland.hold(at("2026-11-25T12:00:00Z")), Ok(true), "already Thursday there");
}

#[test]
fn boundaries_hold_where_the_clock_jumps() {
    for day in ["2026-03-28T00:00:00Z", "2026-10-24T00:00:00Z"] {
        let minute = |count: u64| at(day).after(std::time::Duration::from_secs(count * 60));
        for (from, to) in [("00:00", "02:30"), ("02:30", "05:00"), ("02:30", "02:45"), ("03:00", "02:00")] {
            let hours = hours(&[Day::Sun], from, to, "Europe/Berlin");
            let boundaries = hours.boundaries(minute(0), minute(2_880));
            for count in 1..=2_880 {
                if hours.hold(minute(count)) != hours.hold(minute(count - 1)) {
                    assert!(boundaries.contains(&minute(count)), "{from} {to} {}", minute(count));
                }
            }
        }
    }
}

#[test]
fn whole_days_are_written_to_24() {
    let sunday = hours(&[Day::Sun], "00:00", "24:00", "UTC");
    assert_eq!(sunday.hold(at("2026-11-22T23:59:59Z")), Ok(true));
    assert_eq!(sunday.hold(at("2026-11-23T00:00:00Z")), Ok(false));
}

#[test]
fn hours_that_cannot_be_understood_say_why() {
    for (from, to, zone) in [
        ("8:00", "18:00", "UTC"),
        ("08:60", "18:00", "UTC"),
        ("24:00", "06:00", "UTC"),
        ("08:00", "24:01", "UTC"),
        ("+8:00", "18:00", "UTC"),
        ("08:00", "08:00", "UTC"),
        ("08:00", "18:00", "Mars/Base"),
        ("08:00", "18:00", ""),
        ("08:00", "18:00", "../../etc/passwd"),
    ] {
        assert!(hours(&[], from, to, zone).check().is_err(), "{from} {to} {zone}");
    }
}

#[test]
fn one_window_that_holds_is_enough_and_a_broken_one_is_not_overlooked() {
    let conditions = |hours| Conditions { hours, ..Conditions::default() };
    let (open, closed, broken) =
        (hours(&[], "00:00", "24:00", "UTC"), hours(&[], "00:00", "00:01", "UTC"), hours(&[], "x", "y", "UTC"));
    let noon = at("2026-11-25T12:00:00Z");
    let source = [10, 0, 0, 1].into();
    assert_eq!(conditions(vec![broken.clone(), open]).hold(source, noon), Ok(true));
    assert!(conditions(vec![closed.clone(), broken]).hold(source, noon).is_err());
    assert_eq!(conditions(vec![closed]).hold(source, noon), Ok(false));
}

#[test]
fn an_address_is_the_same_in_both_its_forms() {
    for (network, source, holds) in [
        ("10.0.0.0/8", "10.1.2.3", true),
        ("10.0.0.0/8", "::ffff:10.1.2.3", true),
        ("10.0.0.5/8", "10.1.2.3", true),
        ("::ffff:10.0.0.0/104", "10.1.2.3", true),
        ("::ffff:10.0.0.0/104", "::ffff:10.1.2.3", true),
        ("10.0.0.0/8", "11.1.2.3", false),
        ("10.0.0.0/8", "::10.1.2.3", false),
        ("2001:db8::/32", "2001:db8::1", true),
        ("::/0", "2001:db8::1", true),
        ("0.0.0.0/0", "2001:db8::1", false),
        ("::/0", "10.1.2.3", false),
    ] {
        assert_eq!(reaches(&network.parse().unwrap(), source.parse().unwrap()), holds, "{network} {source}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_hours_panic(from in ".{0,8}", to in ".{0,8}", zone in ".{0,20}", now in any::<i64>()) {
        let _ = hours(&[], &from, &to, &zone).hold(Timestamp::from_millis(now));
    }

    #[test]
    fn the_answer_changes_at_boundaries_only(
        from in 0u16..1440,
        to in 0u16..1440,
        days in proptest::collection::btree_set(proptest::sample::select(vec![Day::Mon, Day::Sat, Day::Sun]), 0..3),
        zone in proptest::sample::select(vec!["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu"]),
        start in 0i64..525_600,
    ) {
        prop_assume!(from != to);
        let text = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        let days: Vec<_> = days.into_iter().collect();
        let hours = hours(&days, &text(from), &text(to), zone);
        let minute = |count: i64| Timestamp::from_millis((29_000_000 + start + count) * 60_000);
        let boundaries = hours.boundaries(minute(0), minute(1_600));
        for count in 1..=1_600 {
            if hours.hold(minute(count)) != hours.hold(minute(count - 1)) {
                prop_assert!(boundaries.contains(&minute(count)), "{}", minute(count));
            }
        }
    }

    #[test]
    fn a_window_and_its_complement_cover_every_minute_once(from in 0u16..1440, to in 0u16..1440, minute in 0i64..1440) {
        prop_assume!(from != to);
        let text = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        let now = Timestamp::from_millis(minute * 60_000);
        let one = hours(&[], &text(from), &text(to), "UTC").hold(now).unwrap();
        let other = hours(&[], &text(to), &text(from), "UTC").hold(now).unwrap();
        prop_assert!(one != other);
    }
}

#[test]
fn hours_do_not_hold_on_days_that_are_left_out() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let mut office = hours(&[], "08:00", "18:00", "Europe/Berlin");
    office.except.insert("2026-12-25".to_owned());
    assert_eq!(office.hold(at("2026-12-24T12:00:00Z")), Ok(true));
    assert_eq!(office.hold(at("2026-12-25T12:00:00Z")), Ok(false));
    let mut night = hours(&[], "22:00", "06:00", "UTC");
    night.except.insert("2026-12-25".to_owned());
    assert_eq!(night.hold(at("2026-12-25T03:00:00Z")), Ok(true), "it began the day before");
    assert_eq!(night.hold(at("2026-12-25T23:00:00Z")), Ok(false));
    assert_eq!(night.hold(at("2026-12-26T03:00:00Z")), Ok(false), "it would have begun on that day");
    office.except.insert("25.12.2026".to_owned());
    assert!(matches!(office.hold(at("2026-12-24T12:00:00Z")), Err(InvalidHours::Date { .. })));
}
