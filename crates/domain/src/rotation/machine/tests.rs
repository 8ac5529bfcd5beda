use proptest::prelude::*;

use super::model::{FOREIGN, Fault, World};
use super::*;

const STEPS: usize = 400;
const BOTH: Ways = Ways { itself: true, reconcile: true };
const ITSELF: Ways = Ways { itself: true, reconcile: false };

fn run(ways: Ways, additive: bool, target: u32, faults: &[Fault]) -> World {
    let mut world = World::new(ways, additive, target);
    world.run(faults.iter().copied(), STEPS);
    world
}

/// Nobody else changed the secret: it is over, and the vault's current one opens the account.
fn settled(world: &World) {
    assert!(world.machine.ended(), "{:?}", world.machine);
    assert_eq!(world.alarms, 0);
    let current = world.current.expect("a current secret");
    assert!(world.target.contains(&current), "{current} is known and {:?} opens it", world.target);
    match world.machine.state() {
        State::Current => assert_eq!(world.target, [current; 1].repeat(world.target.len())),
        State::Refused => assert_eq!(world.target, [1]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_faults_it_goes_straight_through() {
    let world = run(ITSELF, false, 1, &[]);
    settled(&world);
    assert_eq!((world.machine.state(), world.current, world.told.len()), (State::Current, Some(2), 1));
    let world = run(ITSELF, true, 1, &[]);
    settled(&world);
    assert_eq!(world.target, [2], "the old key is removed");
}

/// Every fault at every one of the first steps, and every pair of them.
#[test]
fn no_fault_anywhere_loses_a_secret_or_locks_an_account() {
    let mut tried = 0;
    for (ways, additive) in [(ITSELF, false), (ITSELF, true), (BOTH, false), (BOTH, true)] {
        for first in 0..14 {
            for second in first + 1..15 {
                for one in Fault::ALL {
                    for other in Fault::ALL {
                        let mut faults = vec![Fault::None; 15];
                        (faults[first], faults[second]) = (one, other);
                        settled(&run(ways, additive, 1, &faults));
                        tried += 1;
                    }
                }
            }
        }
    }
    println!("tried {tried}");
}

#[test]
fn what_somebody_else_changed_is_set_again_by_the_reconcile_account() {
    let world = run(BOTH, false, FOREIGN, &[]);
    assert_eq!((world.machine.state(), world.current), (State::Current, Some(2)));
    assert_eq!(world.target, [2]);
}

#[test]
fn without_a_reconcile_account_a_person_is_called_and_their_repair_is_taken_up() {
    let mut world = run(ITSELF, false, FOREIGN, &[]);
    assert_eq!((world.machine.state(), world.alarms), (State::Broken, 1));
    assert!(world.machine.note().unwrap().contains("no reconcile account"));
    world.target = vec![1];
    let (machine, _) = world.machine.clone().handle(Input::Retry, world.now);
    world.machine = machine;
    world.run(std::iter::empty(), STEPS);
    assert_eq!(world.target, [world.current.unwrap()]);
    assert!(!world.locked && world.machine.ended());
}

#[test]
fn a_target_that_does_not_answer_is_asked_ever_more_seldom_and_for_ever() {
    let mut world = World::new(ITSELF, false, 1);
    world.run(std::iter::repeat_n(Fault::RequestLost, 60), 60);
    assert!(!world.machine.ended() && world.alarms == 0);
    assert!(world.now > Timestamp::from_millis(1_000_000).after(PAUSE_MAX.saturating_mul(10)));
    world.run(std::iter::empty(), STEPS);
    settled(&world);
}

#[test]
fn a_target_that_says_no_keeps_the_old_secret() {
    let world = run(ITSELF, false, 1, &[Fault::None, Fault::Refused, Fault::Refused]);
    assert_eq!((world.machine.state(), world.current), (State::Refused, Some(1)));
    let faults = [Fault::None, Fault::Refused, Fault::None, Fault::None];
    let world = run(BOTH, false, 1, &faults);
    assert_eq!((world.machine.state(), world.current), (State::Current, Some(2)), "the reconcile account may");
}

#[test]
fn it_is_stopped_only_while_the_target_knows_nothing() {
    let now = Timestamp::from_millis(0);
    let (machine, effect) = Machine::new(ITSELF, false, true).handle(Input::Cancel, now);
    assert_eq!((machine.state(), effect), (State::Cancelled, Effect::GiveUp));
    let (sealed, _) = Machine::new(ITSELF, false, true).handle(Input::Sealed { version: 2 }, now);
    let (machine, effect) = sealed.clone().handle(Input::Cancel, now);
    assert_eq!((machine.state(), effect), (State::Cancelled, Effect::GiveUp));
    let (machine, _) = sealed.handle(Input::Resume, now);
    let (machine, effect) = machine.handle(Input::Cancel, now);
    assert_eq!((machine.state(), effect), (State::Applying, Effect::Wait(now)));
}

#[test]
fn it_is_written_down_and_read_back() {
    let (machine, _) = Machine::new(BOTH, true, true).handle(Input::Sealed { version: 7 }, Timestamp::from_millis(5));
    let text = serde_json::to_string(&machine).unwrap();
    assert_eq!(serde_json::from_str::<Machine>(&text).unwrap(), machine);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_faults_loses_a_secret_or_locks_an_account(
        faults in proptest::collection::vec(proptest::sample::select(&Fault::ALL[..]), 0..60),
        reconcile: bool,
        additive: bool,
    ) {
        settled(&run(Ways { itself: true, reconcile }, additive, 1, &faults));
    }

    #[test]
    fn a_secret_changed_by_others_is_repaired_or_told(
        faults in proptest::collection::vec(proptest::sample::select(&Fault::ALL[..]), 0..40),
        reconcile: bool,
    ) {
        let world = run(Ways { itself: true, reconcile }, false, FOREIGN, &faults);
        match world.machine.state() {
            State::Current => prop_assert_eq!(world.target, vec![world.current.unwrap()]),
            State::Broken => prop_assert_eq!(world.alarms, 1),
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
