use postern_domain::permission::{Permission, RoleAssignment};

use super::*;
use crate::estate::{Estate, wish};

const RULE: &str = "kind: SeparationOfDuties\nname: ask-or-approve\nscope: /emea\nsets:\n  - {groups: [sre], roles: [auditor]}\n  - {groups: [heads], policies: [approve-all]}\n";

async fn declared() -> Estate {
    let estate = Estate::new().await;
    estate.world.group("heads", "/emea", &["cy"]).await;
    estate.apply("ada", RULE).await.unwrap();
    estate
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Error>) -> String {
    match answer {
        Err(Error::Documents(problems)) => problems[0].message.clone(),
        Err(error @ (Error::Forbidden(_) | Error::Refused(_))) => error.to_string(),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn nobody_is_put_where_they_would_hold_both() {
    let estate = declared().await;
    let fill = "kind: Group\nname: heads\nscope: /emea\nmembers: [cy, ben]\n";
    let told = refused(estate.apply("ada", fill).await);
    assert!(told.contains("ben would hold both group sre and group heads"), "{told}");
    let (ada, permit) = estate.caller("ada", Permission::UserWrite).await;
    let roles = vec![RoleAssignment { role: "auditor".parse().unwrap(), scope: "/emea".parse().unwrap() }];
    let told = refused(estate.world.control.user_roles_put(&ada, &permit, &"cy".parse().unwrap(), roles).await);
    assert!(told.contains("role auditor in /emea"), "{told}");
    let policy = "kind: Policy\nname: approve-all\nscope: /emea\nsubjects: {groups: [sre]}\n";
    let told = refused(estate.apply("ada", policy).await);
    assert!(told.contains("policy approve-all"), "{told}");
    estate.apply("ada", "kind: Group\nname: heads\nscope: /emea\nmembers: [cy, dee]\n").await.unwrap();
}

#[tokio::test]
async fn who_held_both_before_is_told_and_may_not_ask() {
    let estate = Estate::new().await;
    estate.world.group("heads", "/emea", &["ben"]).await;
    estate.apply("ada", RULE).await.unwrap();
    let (_, permit) = estate.caller("aud", Permission::PolicyRead).await;
    let view = estate.world.control.duties_list(&permit).await.unwrap();
    assert_eq!(view[0].violations.iter().map(|found| found.user.as_str()).collect::<Vec<_>>(), ["ben"]);
    let told = refused(estate.ask("ben", &wish("root@dev-1")).await);
    assert!(told.contains("keeps apart"), "{told}");
    estate.apply("ada", "kind: Group\nname: heads\nscope: /emea\nmembers: []\n").await.unwrap();
    estate.ask("ben", &wish("root@dev-1")).await.unwrap();
}

#[tokio::test]
async fn keeping_less_apart_takes_two() {
    let estate = declared().await;
    estate.world.person("max", "/", &[("administrator", "/")]).await;
    let less = RULE.replace("[sre]", "[nobody-else]");
    let name: DutiesName = "ask-or-approve".parse().unwrap();
    let scope: ScopePath = "/emea".parse().unwrap();
    for _ in 0..2 {
        let applied = estate.apply("ada", &less).await.unwrap();
        assert_eq!(applied.changes[0].action, Action::Propose, "also the second time");
    }
    let (ada, permit) = estate.caller("ada", Permission::PolicyWrite).await;
    assert!(estate.world.control.duties_delete(&ada, &permit, &name, &scope).await.unwrap().is_some());
    let (max, permit) = estate.caller("max", Permission::PolicyWrite).await;
    let applied = estate.apply("max", &less).await.unwrap();
    assert_eq!(applied.changes[0].action, Action::Propose, "it is another change than the one that waits");
    assert!(estate.world.control.duties_delete(&max, &permit, &name, &scope).await.unwrap().is_some());
    assert!(estate.world.control.duties_delete(&ada, &permit, &name, &scope).await.unwrap().is_none());
    assert!(estate.world.control.duties_list(&permit).await.unwrap().is_empty());
    let told = estate.world.events("duties.delete").await;
    assert_eq!(told[0].details["author"], "max");
}
