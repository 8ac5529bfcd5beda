use postern_domain::finding::{Finding, FindingKind};
use postern_domain::permission::Permission;
use postern_store::{FindingFilter, Listing};

use crate::estate::Estate;
use crate::{UserChange, UserCreate};

async fn open(estate: &Estate) -> Vec<Finding> {
    estate.world.control.people_judge().await.expect("judged");
    let (_, permit) = estate.caller("ada", Permission::AssetRead).await;
    let listed = estate.world.control.finding_list(&permit, &FindingFilter::default(), &Listing::default()).await;
    listed.expect("findings").items
}

#[tokio::test]
async fn an_everyday_user_with_power_is_found_until_it_is_gone() {
    let estate = Estate::new().await;
    assert_eq!(open(&estate).await, [], "nobody has two users");
    let (ada, permit) = estate.caller("ada", Permission::UserWrite).await;
    let linked: UserCreate = serde_json::from_str(r#"{"name": "ben-adm", "identity": "ben"}"#).unwrap();
    estate.world.control.user_create(&ada, &permit, linked).await.expect("a user");
    assert_eq!(open(&estate).await, [], "ben asks for everything");
    let standing = "kind: Policy\nname: ops\nscope: /emea\nsubjects: {users: [ben]}\naccess: standing\n";
    estate.apply("ada", standing).await.expect("applied");
    let found = open(&estate).await;
    assert_eq!((found.len(), found[0].kind, found[0].subject()), (1, FindingKind::EverydayPrivilege, "ben".to_owned()));
    let said = ["policy ops gives it 2 accounts at any time", "for privileged work there is ben-adm"];
    assert_eq!(found[0].evidence, said);
    assert_eq!(open(&estate).await, found, "it is told once");
    assert_eq!(estate.world.events("finding.raise").await.len(), 1);

    let ben = &"ben-adm".parse().unwrap();
    let unlink = UserChange { identity: Some(String::new()), ..UserChange::default() };
    estate.world.control.user_change(&ada, &permit, ben, unlink).await.expect("changed");
    assert_eq!(open(&estate).await, []);
}

#[tokio::test]
async fn what_was_held_together_before_it_was_declared_to_be_kept_apart_is_found() {
    let estate = Estate::new().await;
    estate.world.group("payers", "/emea", &["ben"]).await;
    let apart = "kind: SeparationOfDuties\nname: pay\nscope: /emea\nsets: [{groups: [sre]}, {groups: [payers]}]\n";
    estate.apply("ada", apart).await.expect("declared");
    let found = open(&estate).await;
    assert_eq!((found.len(), found[0].kind, found[0].subject()), (1, FindingKind::KeptApart, "ben".to_owned()));
    assert!(found[0].evidence[0].starts_with("pay keeps apart group "), "{:?}", found[0].evidence);
    estate.apply("ada", "kind: Group\nname: payers\nscope: /emea\nmembers: []\n").await.expect("applied");
    assert_eq!(open(&estate).await, []);
}
