use postern_domain::permission::Permission;

use super::*;
use crate::estate::{Estate, documents, wish};

fn draft(text: &str) -> DraftInput {
    let policies = documents(text).into_iter().filter_map(|document| match document {
        Document::Policy(policy) => Some(policy),
        _ => None,
    });
    DraftInput { policies: policies.collect(), ..DraftInput::default() }
}

#[tokio::test]
async fn a_draft_says_for_whom_it_is_wider_and_narrower() {
    let estate = Estate::new().await;
    let (caller, permit) = estate.caller("ada", Permission::PolicyRead).await;
    let control = &estate.world.control;
    let more = draft("{kind: Policy, name: extra, scope: /emea, subjects: {users: [olga]}, accounts: {names: [root]}}");
    let told = control.policy_diff(&caller, &permit, &more).await.unwrap();
    assert!(told.widens);
    assert_eq!((told.people_widened, told.people_narrowed), (1, 0));
    assert!(told.blocks.iter().all(|block| block.people == ["olga".parse().unwrap()]));
    assert!(told.blocks.iter().any(|block| block.accounts.contains(&"root@web-1".parse().unwrap())));

    let gone = DraftInput { delete: ["prod".parse().unwrap()].into(), ..DraftInput::default() };
    let told = control.policy_diff(&caller, &permit, &gone).await;
    // Ada belongs to the root, and the policy to a tenant: what is deleted is named within one's own.
    assert!(matches!(told, Err(Error::NotFound { .. })), "{told:?}");
}

#[tokio::test]
async fn the_past_is_asked_again() {
    let estate = Estate::new().await;
    let (caller, permit) = estate.caller("ada", Permission::PolicyRead).await;
    let control = &estate.world.control;
    estate.ask("ben", &wish("root@web-1")).await.unwrap();
    let refused = estate.ask("olga", &wish("root@web-1")).await;
    assert!(refused.is_err());
    let others = draft("{kind: Policy, name: prod, scope: /emea, subjects: {users: [olga]}}");
    let told = control.policy_simulate(&caller, &permit, &others).await.unwrap();
    let changes = |told: &Simulated| {
        let mut changes: Vec<_> =
            told.changed.iter().map(|replayed| (replayed.user.to_string(), replayed.change)).collect();
        changes.sort_by(|one, other| one.0.cmp(&other.0));
        changes
    };
    let expected = [("ben".to_owned(), ReplayChange::Refused), ("olga".to_owned(), ReplayChange::Allowed)];
    assert_eq!(changes(&told), expected);
    assert_eq!((told.days, told.requests), (90, 2));
    let nothing = control.policy_simulate(&caller, &permit, &DraftInput::default()).await.unwrap();
    assert_eq!(changes(&nothing), []);
}
