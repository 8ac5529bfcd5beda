use proptest::prelude::*;

use super::*;

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn at(seconds: u64) -> Timestamp {
    START.after(Duration::from_secs(seconds))
}

fn machine(until_seconds: u64, idle_seconds: Option<u64>) -> Machine {
    let limits = Limits {
        account: "root@web-1".parse().unwrap(),
        until: at(until_seconds),
        idle: idle_seconds.map(Duration::from_secs),
    };
    Machine::new(limits, START)
}

fn live(until_seconds: u64, idle_seconds: Option<u64>) -> Machine {
    let (machine, effects) = machine(until_seconds, idle_seconds).handle(Input::TargetReady, START);
    assert_eq!(effects, []);
    machine
}

fn ended(machine: &Machine) -> Option<EndReason> {
    match machine.state() {
        State::Ended { reason, .. } => Some(*reason),
        State::AwaitingTarget | State::Live(_) => None,
    }
}

fn warned(effects: &[Effect]) -> Vec<&str> {
    effects.iter().filter_map(|e| if let Effect::Warn(text) = e { Some(text.as_str()) } else { None }).collect()
}

#[test]
fn each_end_has_its_reason() {
    let cases = [
        (Input::TargetFailed("no route".to_owned()), EndReason::TargetFailed),
        (Input::ClientClosed, EndReason::ClientClosed),
        (Input::TargetClosed, EndReason::TargetClosed),
        (Input::GrantRevoked { reason: None }, EndReason::Revoked),
        (Input::Killed { by: "ada".parse().unwrap() }, EndReason::Killed),
        (Input::PolicyChanged(Err(vec![Reason::NoPolicy])), EndReason::PolicyChanged),
        (Input::PolicyChanged(Ok(at(0))), EndReason::Expired),
        (Input::UserDisabled, EndReason::UserDisabled),
        (Input::RecorderFailed, EndReason::RecorderFailed),
        (Input::Shutdown, EndReason::Shutdown),
    ];
    for (input, expected) in cases {
        let (machine, effects) = live(3600, None).handle(input, at(1));
        assert_eq!(ended(&machine), Some(expected));
        let [Effect::Hangup { reason, message }, Effect::Seal] = effects.as_slice() else { panic!("{effects:?}") };
        assert_eq!(*reason, expected);
        assert!(!message.is_empty());
        assert_eq!(machine.poll_timeout(), None);
    }
}

#[test]
fn a_target_that_hangs_up_before_sign_in_has_failed() {
    let (machine, _) = machine(3600, None).handle(Input::TargetClosed, at(1));
    assert_eq!(ended(&machine), Some(EndReason::TargetFailed));
}

#[test]
fn dialling_does_not_outlast_the_window() {
    let opening = machine(30, None);
    assert_eq!(opening.poll_timeout(), Some(at(30)));
    let (machine, _) = opening.handle(Input::TargetReady, at(30));
    assert_eq!(ended(&machine), Some(EndReason::Expired));
}

#[test]
fn the_end_is_announced_twice() {
    let session = live(3600, None);
    assert_eq!(session.poll_timeout(), Some(at(3300)));
    let (session, effects) = session.handle(Input::Tick, at(3300));
    assert_eq!(warned(&effects), ["this session ends in 5 minutes"]);
    let (session, effects) = session.handle(Input::Activity, at(3301));
    assert_eq!(effects, []);
    assert_eq!(session.poll_timeout(), Some(at(3540)));
    let (session, effects) = session.handle(Input::Tick, at(3540));
    assert_eq!(warned(&effects), ["this session ends in 60 seconds"]);
    assert_eq!(session.poll_timeout(), Some(at(3600)));
    let (session, _) = session.handle(Input::Tick, at(3600));
    assert_eq!(ended(&session), Some(EndReason::Expired));
}

#[test]
fn a_short_session_is_told_of_its_last_minute_only() {
    let session = live(180, None);
    assert_eq!(session.poll_timeout(), Some(at(120)));
    let (session, effects) = session.handle(Input::Tick, at(120));
    assert_eq!(warned(&effects), ["this session ends in 60 seconds"]);
    assert_eq!(session.poll_timeout(), Some(at(180)));
    assert_eq!(live(30, None).poll_timeout(), Some(at(30)));
}

#[test]
fn a_shortened_window_is_announced_at_once() {
    let (session, effects) = live(3600, None).handle(Input::PolicyChanged(Ok(at(200))), at(20));
    assert_eq!(warned(&effects), ["this session ends in 3 minutes"]);
    assert_eq!(session.until(), at(200));
    let (_, effects) = session.handle(Input::PolicyChanged(Ok(at(200))), at(21));
    assert_eq!(effects, []);
}

#[test]
fn silence_ends_a_session_and_input_keeps_it() {
    let session = live(36_000, Some(600));
    assert_eq!(session.poll_timeout(), Some(at(540)));
    let (session, effects) = session.handle(Input::Tick, at(540));
    assert_eq!(warned(&effects), ["without input this session ends in 60 seconds"]);
    let (session, effects) = session.handle(Input::Activity, at(550));
    assert_eq!(effects, []);
    assert_eq!(session.poll_timeout(), Some(at(1090)));
    let (session, _) = session.handle(Input::Activity, at(1150));
    assert_eq!(ended(&session), Some(EndReason::Idle), "input that comes too late does not revive it");
}

#[test]
fn a_clock_set_back_does_not_extend_it() {
    let session = live(3600, None);
    let (session, _) = session.handle(Input::Tick, at(3000));
    let (session, _) = session.handle(Input::Tick, START.before(Duration::from_secs(86_400)));
    let end = session.poll_timeout().unwrap();
    let (session, effects) = session.handle(Input::Tick, end);
    assert_eq!(warned(&effects), ["this session ends in 5 minutes"]);
    let (session, _) = session.handle(Input::Tick, end.after(Duration::from_secs(300)));
    assert_eq!(ended(&session), Some(EndReason::Expired));
}

#[derive(Clone, Debug)]
struct Step {
    input: Input,
    passes: i64,
}

fn any_step() -> impl Strategy<Value = Step> {
    let input = prop_oneof![
        4 => Just(Input::TargetReady),
        8 => Just(Input::Activity),
        8 => Just(Input::Tick),
        2 => (0u64..8_000).prop_map(|s| Input::PolicyChanged(Ok(at(s)))),
        1 => prop_oneof![
            Just(Input::TargetFailed(String::new())),
            Just(Input::ClientClosed),
            Just(Input::TargetClosed),
            Just(Input::GrantRevoked { reason: None }),
            Just(Input::Killed { by: "ada".parse().unwrap() }),
            Just(Input::PolicyChanged(Err(vec![]))),
            Just(Input::UserDisabled),
            Just(Input::RecorderFailed),
            Just(Input::Shutdown),
        ],
    ];
    let passes =
        prop_oneof![6 => 0i64..400_000, 1 => -4_000_000i64..0, 1 => Just(i64::MAX / 2), 1 => Just(i64::MIN / 2)];
    (input, passes).prop_map(|(input, passes)| Step { input, passes })
}

proptest! {
    #[test]
    fn whatever_happens(until in 0u64..8_000, idle in proptest::option::of(0u64..2_000), steps in proptest::collection::vec(any_step(), 1..60)) {
        let mut session = machine(until, idle);
        let (mut now, mut real_passed, mut active_at) = (START, START, START);
        let mut seals = 0;
        for Step { input, passes } in steps {
            let before = session.clone();
            now = Timestamp::from_millis(now.as_millis().saturating_add(passes));
            real_passed = real_passed.after(Duration::from_millis(u64::try_from(passes).unwrap_or(0)));
            let (next, effects) = session.handle(input.clone(), now);
            seals += effects.iter().filter(|e| **e == Effect::Seal).count();
            if ended(&before).is_some() {
                prop_assert_eq!(&next, &before);
                prop_assert_eq!(&effects, &vec![]);
            }
            if ended(&next).is_none() {
                prop_assert!(real_passed < next.until());
                prop_assert!(next.poll_timeout().is_some());
                match (&before.state, &next.state) {
                    (State::AwaitingTarget, State::Live(_)) => active_at = real_passed,
                    (State::Live(_), State::Live(_)) => {
                        if let Some(idle) = idle {
                            prop_assert!(real_passed.since(active_at) < Duration::from_secs(idle));
                        }
                        if input == Input::Activity {
                            active_at = real_passed;
                        }
                    }
                    _ => {}
                }
            }
            session = next;
        }
        prop_assert_eq!(seals, usize::from(ended(&session).is_some()));
    }

    #[test]
    fn ticking_when_asked_ends_in_time(until in 1u64..100_000, idle in proptest::option::of(1u64..2_000)) {
        let mut session = live(until, idle);
        let mut ticks = 0;
        while let Some(at) = session.poll_timeout() {
            let (next, effects) = session.handle(Input::Tick, at);
            prop_assert!(!effects.is_empty(), "a tick that was asked for does something");
            session = next;
            ticks += 1;
            prop_assert!(ticks <= 4);
        }
        let State::Ended { at: end, .. } = session.state() else { panic!("not ended") };
        prop_assert_eq!(*end, at(idle.map_or(until, |idle| idle.min(until))));
    }
}
