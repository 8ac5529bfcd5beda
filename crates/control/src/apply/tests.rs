use postern_domain::AssetName;
use postern_domain::document::to_yaml;

use super::*;
use crate::estate::{ACCESS, Estate, documents};

fn problems(answer: Result<Applied, Error>) -> Vec<DocumentProblem> {
    match answer {
        Err(Error::Documents(problems)) => problems,
        other => panic!("applied: {other:?}"),
    }
}

fn actions(applied: &Applied) -> Vec<Action> {
    applied.changes.iter().map(|change| change.action).collect()
}

const NEW: &str = "
kind: Asset
name: db-1
scope: /emea/core
platform: postgresql
address: db-1.example.test:5432
---
kind: Account
account: app_admin@db-1
credential: password
owner: ben
";

#[tokio::test]
async fn a_second_time_changes_nothing_and_writes_nothing() {
    let estate = Estate::new().await;
    let leaves = estate.leaves().await;
    let again = estate.apply("ada", ACCESS).await.unwrap();
    assert_eq!(actions(&again), vec![Action::Unchanged; 6]);
    assert_eq!(estate.leaves().await, leaves);
}

#[tokio::test]
async fn a_dry_run_tells_and_changes_nothing() {
    let estate = Estate::new().await;
    let leaves = estate.leaves().await;
    let caller = estate.world.caller("ada").await;
    let text = format!("{NEW}---{}", ACCESS.replace("10.0.0.1:22", "10.0.0.9:22"));
    let input = ApplyInput { documents: documents(&text), dry_run: true };
    let told = estate.world.control.apply(&caller, &input).await.unwrap();
    assert!(!told.applied);
    assert_eq!(actions(&told)[..4], [Action::Create, Action::Create, Action::Update, Action::Unchanged]);
    assert_eq!(told.changes[2].fields[0].field, "address");
    assert_eq!(estate.leaves().await, leaves);
    let permit = caller.permit(Permission::AssetRead).unwrap();
    let name: AssetName = "db-1".parse().unwrap();
    assert!(matches!(estate.world.control.asset_show(&caller, &permit, &name).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn every_change_has_its_event() {
    let estate = Estate::new().await;
    estate.apply("ada", NEW).await.unwrap();
    assert_eq!(estate.world.events("scope.create").await.last().unwrap().target, "/emea/core");
    assert_eq!(estate.world.events("asset.create").await.last().unwrap().target, "db-1");
    let account = estate.world.events("account.create").await.pop().unwrap();
    assert_eq!((account.target.as_str(), account.scope.as_str()), ("app_admin@db-1", "/emea/core"));
    estate.apply("ada", &NEW.replace("5432", "5433")).await.unwrap();
    let update = estate.world.events("asset.update").await.pop().unwrap();
    assert_eq!(update.details["changes"][0]["new"], "db-1.example.test:5433");
}

#[tokio::test]
async fn one_bad_document_applies_none_and_all_problems_are_told() {
    let estate = Estate::new().await;
    let leaves = estate.leaves().await;
    let mut given = documents(NEW);
    given.extend(documents(
        "
kind: Policy
name: broken
scope: /emea
subjects: {groups: [nobody]}
---
kind: Group
name: dba
scope: /emea
members: [ghost]
---
kind: Account
account: root@nowhere
credential: password
",
    ));
    let caller = estate.world.caller("ada").await;
    let input = ApplyInput { documents: given, dry_run: false };
    let told = problems(estate.world.control.apply(&caller, &input).await);
    let told: Vec<_> = told.iter().map(|problem| (problem.document, problem.code.as_str())).collect();
    assert_eq!(told, vec![(3, "invalid"), (4, "not_found"), (5, "not_found")]);
    assert_eq!(estate.leaves().await, leaves);
}

#[tokio::test]
async fn what_the_types_allow_and_the_rules_do_not_is_refused_here_too() {
    let estate = Estate::new().await;
    let mut given = documents(NEW);
    let Document::Asset(asset) = &mut given[0] else { panic!("an asset") };
    asset.address = "no port".to_owned();
    let caller = estate.world.caller("ada").await;
    let input = ApplyInput { documents: given, dry_run: false };
    let told = problems(estate.world.control.apply(&caller, &input).await);
    assert_eq!(told.len(), 1, "the account on it is not told as well: {told:?}");
    assert_eq!(told[0].field.as_deref(), Some("address"));
}

#[tokio::test]
async fn a_document_given_twice_is_refused() {
    let estate = Estate::new().await;
    let given: Vec<_> = documents(NEW).into_iter().chain(documents(NEW)).collect();
    let caller = estate.world.caller("ada").await;
    let input = ApplyInput { documents: given, dry_run: false };
    let told = problems(estate.world.control.apply(&caller, &input).await);
    assert_eq!(told.iter().map(|problem| problem.document).collect::<Vec<_>>(), vec![3, 4]);
}

#[tokio::test]
async fn each_document_needs_its_own_permission_in_its_scope() {
    let estate = Estate::new().await;
    let leaves = estate.leaves().await;
    let told = problems(estate.apply("aud", &ACCESS.replace("10.0.0.1", "10.9.9.9")).await);
    assert!(told.iter().all(|problem| problem.code == "forbidden"), "{told:?}");
    // An operator may change assets and no policies.
    let text = ACCESS.replace("10.0.0.1", "10.9.9.9").replace("max_duration: 1h", "max_duration: 8h");
    let told = problems(estate.apply("olga", &text).await);
    assert!(told.iter().all(|problem| (problem.kind, problem.code.as_str()) == (Kind::Policy, "forbidden")));
    // An administrator of one tenant reaches into no other, and learns nothing of it.
    let told = problems(estate.apply("zoe", ACCESS).await);
    assert!(told.iter().all(|problem| problem.code == "forbidden" || problem.code == "not_found"), "{told:?}");
    // Nothing but the refusals is written down.
    let refused = estate.world.events("api.call").await;
    assert_eq!(refused.iter().filter(|event| event.target == "apply").count(), 3);
    assert_eq!(estate.leaves().await, leaves + 3);
}

#[tokio::test]
async fn tenants_have_names_of_their_own() {
    let estate = Estate::new().await;
    let theirs = NEW.replace("/emea/core", "/apac").replace("db-1", "web-1").replace("owner: ben", "owner: zoe");
    let applied = estate.apply("zoe", &theirs).await.unwrap();
    assert_eq!(actions(&applied), vec![Action::Create, Action::Create]);
    let zoe = estate.world.caller("zoe").await;
    let permit = zoe.permit(Permission::AssetRead).unwrap();
    let shown = estate.world.control.asset_show(&zoe, &permit, &"web-1".parse().unwrap()).await.unwrap();
    assert_eq!(shown.scope.as_str(), "/apac");
    // Who sees both must say which; nothing is guessed.
    let ada = estate.world.caller("ada").await;
    let permit = ada.permit(Permission::AssetRead).unwrap();
    let several = estate.world.control.asset_show(&ada, &permit, &"web-1".parse().unwrap()).await;
    assert!(matches!(several, Err(Error::Conflict(_))));
}

#[tokio::test]
async fn groups_and_roles_are_declared_too() {
    let estate = Estate::new().await;
    let text = "
kind: Role
name: keeper
permissions: [asset:read, host_key:write]
---
kind: Group
name: keepers
scope: /emea
members: [eve, cy]
roles: [{role: keeper, scope: /emea}]
";
    assert_eq!(actions(&estate.apply("ada", text).await.unwrap()), vec![Action::Create, Action::Create]);
    assert_eq!(actions(&estate.apply("ada", text).await.unwrap()), vec![Action::Unchanged, Action::Unchanged]);
    let eve = estate.world.caller("eve").await;
    assert!(eve.authority.covers(Permission::HostKeyWrite, &"/emea".parse().unwrap()));
    let fewer = text.replace("[eve, cy]", "[cy]");
    assert_eq!(actions(&estate.apply("ada", &fewer).await.unwrap()), vec![Action::Unchanged, Action::Update]);
    assert!(estate.world.caller("eve").await.permit(Permission::HostKeyWrite).is_none());
}

#[tokio::test]
async fn a_policy_keeps_its_texts_and_counts_them() {
    let estate = Estate::new().await;
    let text = ACCESS.split("---").nth(5).unwrap();
    estate.apply("ada", &format!("{text}description: for development\n")).await.unwrap();
    let ada = estate.world.caller("ada").await;
    let permit = ada.permit(Permission::PolicyRead).unwrap();
    let name = "dev".parse().unwrap();
    let policy = estate.world.control.policy_show(&ada, &permit, &name).await.unwrap();
    assert_eq!((policy.revision, policy.description.as_str()), (2, "for development"));
    let texts = estate.world.control.policy_revisions(&ada, &permit, &name).await.unwrap();
    assert_eq!(
        texts.iter().map(|text| text.policy.description.as_str()).collect::<Vec<_>>(),
        vec!["", "for development"]
    );
    // What is shown can be applied as it is.
    let shown = to_yaml(&[Document::from(&policy)]).unwrap();
    assert_eq!(actions(&estate.apply("ada", &shown).await.unwrap()), vec![Action::Unchanged]);
}

#[tokio::test]
async fn a_changed_policy_is_told_to_those_who_listen() {
    let estate = Estate::new().await;
    let mut changes = estate.world.control.changes();
    estate.apply("ada", &ACCESS.replace("max_duration: 1h", "max_duration: 2h")).await.unwrap();
    assert_eq!(changes.recv().await.unwrap(), "policy");
}
