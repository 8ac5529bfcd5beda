use postern_domain::policy::{Outcome, Verdict};

use super::*;
use crate::AccessState;
use crate::estate::{Estate, wish};

fn page() -> PageRequest {
    PageRequest { cursor: None, limit: Some(500) }
}

async fn reach(estate: &Estate, account: &str) -> Vec<(String, AccessState)> {
    let (caller, permit) = estate.caller("ada", Permission::PolicyRead).await;
    let account = account.parse().unwrap();
    let found =
        estate.world.control.account_reach(&caller, &permit, &account, ReachAs::default(), &page()).await.unwrap();
    found.items.into_iter().map(|item| (item.user.to_string(), item.access.state)).collect()
}

#[tokio::test]
async fn who_can_reach_an_account_is_who_a_policy_gives_it_to() {
    let estate = Estate::new().await;
    let before = reach(&estate, "root@web-1").await;
    assert!(before.iter().any(|(user, _)| user == "ben"), "{before:?}");
    assert!(!before.iter().any(|(user, _)| user == "ada"), "no policy is about ada: {before:?}");
    let secret =
        crate::SecretInput { password: Some(postern_domain::SecretText::new("x".to_owned())), private_key: None };
    estate.secret_put("ada", "root@web-1", secret).await.unwrap();
    let request = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    estate.approve("cy", &request.id).await.unwrap();
    estate.approve("dee", &request.id).await.unwrap();
    let after = reach(&estate, "root@web-1").await;
    assert!(after.contains(&("ben".to_owned(), AccessState::Ready)), "{after:?}");

    let (caller, permit) = estate.caller("ada", Permission::PolicyRead).await;
    let ben = "ben".parse().unwrap();
    let filter = AccessFilter::default();
    let reached = estate.world.control.user_reach(&caller, &permit, &ben, &filter, &page()).await.unwrap();
    let root = reached.items.iter().find(|item| item.account.to_string() == "root@web-1").unwrap();
    assert_eq!(root.state, AccessState::Ready);
}

#[tokio::test]
async fn why_names_the_policies_and_tells_strangers_nothing() {
    let estate = Estate::new().await;
    let ada = estate.world.caller("ada").await;
    let (ben, account) = ("ben".parse().unwrap(), "root@web-1".parse().unwrap());
    let explained = estate.world.control.access_explain(&ada, Some(&ben), &account, ReachAs::default()).await.unwrap();
    assert_eq!(explained.explanation.outcome, Outcome::Deny);
    assert!(explained.messages.iter().any(|message| message.contains("request")), "{:?}", explained.messages);
    assert!(explained.explanation.policies.iter().any(|policy| matches!(policy.verdict, Verdict::Refuses { .. })));

    let own = estate.world.caller("ben").await;
    let own = estate.world.control.access_explain(&own, None, &account, ReachAs::default()).await.unwrap();
    assert!(own.explanation.policies.iter().all(|policy| !matches!(policy.verdict, Verdict::OtherSubject)));
    let ben = estate.world.caller("ben").await;
    let ada_name = "ada".parse().unwrap();
    let other = estate.world.control.access_explain(&ben, Some(&ada_name), &account, ReachAs::default()).await;
    assert!(matches!(other, Err(Error::NotFound { .. })), "ben may not look at others");
    let nowhere = "root@nowhere".parse().unwrap();
    let unknown = estate.world.control.access_explain(&ben, None, &nowhere, ReachAs::default()).await;
    assert!(matches!(unknown, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn a_policy_that_is_not_saved_is_looked_at_as_if_it_were() {
    let estate = Estate::new().await;
    let (caller, permit) = estate.caller("ada", Permission::PolicyRead).await;
    let account = "root@web-1".parse().unwrap();
    let draft = |text: &str| match crate::estate::documents(text).pop() {
        Some(Document::Policy(draft)) => ReachAs { draft: Some(draft), ..ReachAs::default() },
        other => panic!("no policy: {other:?}"),
    };
    let reach = async |wanted: ReachAs| {
        let found = estate.world.control.account_reach(&caller, &permit, &account, wanted, &page()).await.unwrap();
        found.items.iter().map(|item| (item.user.to_string(), item.access.policy.to_string())).collect::<Vec<_>>()
    };
    let pair = |user: &str, policy: &str| (user.to_owned(), policy.to_owned());
    let more = draft("{kind: Policy, name: extra, scope: /emea, subjects: {users: [olga]}}");
    assert_eq!(reach(more.clone()).await, [pair("ben", "prod"), pair("olga", "extra")]);
    let fewer = draft("{kind: Policy, name: prod, scope: /emea, subjects: {groups: [leads]}}");
    assert_eq!(reach(fewer).await, [pair("ben", "prod"), pair("cy", "prod"), pair("dee", "prod")]);
    let elsewhere = draft("{kind: Policy, name: prod, scope: /emea/other, subjects: {groups: [sre]}}");
    assert!(reach(elsewhere).await.is_empty(), "it would be moved away");
    assert_eq!(reach(ReachAs::default()).await, [pair("ben", "prod")], "nothing was saved");

    let olga = "olga".parse().unwrap();
    let explain = async |who: &Caller, wanted: ReachAs| {
        estate.world.control.access_explain(who, Some(&olga), &account, wanted).await
    };
    let explained = explain(&caller, more.clone()).await.unwrap();
    assert!(explained.messages.iter().any(|message| message.contains("request")), "{:?}", explained.messages);
    let stranger = estate.world.caller("ben").await;
    assert!(matches!(explain(&stranger, more).await, Err(Error::NotFound { .. })));
}
