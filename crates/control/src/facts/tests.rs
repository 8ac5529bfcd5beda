use postern_domain::policy::{self, Decision, Reason};

use crate::estate::{ACCESS, Estate, reference, wish};
use crate::testing::SOURCE;

#[tokio::test]
async fn what_may_not_be_known_has_no_facts() {
    let estate = Estate::new().await;
    for (who, account) in [("ben", "nobody@web-1"), ("ben", "root@nowhere"), ("zoe", "root@web-1")] {
        let id = estate.world.caller(who).await.user.id;
        let facts = estate.world.control.connect_facts(&id, &reference(account)).await.unwrap();
        assert!(facts.is_none(), "{who} {account}");
    }
}

#[tokio::test]
async fn a_grant_is_among_the_facts_and_policy_permits() {
    let estate = Estate::new().await;
    let request = estate.ask("ben", &wish("root@dev-1")).await.unwrap();
    let ben = estate.world.caller("ben").await.user.id;
    let now = estate.world.now();
    let facts = estate.world.control.connect_facts(&ben, &reference("root@dev-1")).await.unwrap().unwrap();
    let Decision::Permit(permit) = policy::connect(&facts.connect(SOURCE, Some(now)), now) else { panic!("permitted") };
    assert_eq!(permit.action().grant, request.grant);
    let by_id = estate.world.control.session_facts(&ben, &facts.account.id, estate.world.now()).await.unwrap().unwrap();
    assert_eq!(by_id.grants, facts.grants);
    let facts = estate.world.control.connect_facts(&ben, &reference("root@web-1")).await.unwrap().unwrap();
    let refused = policy::connect(&facts.connect(SOURCE, Some(now)), now);
    assert!(matches!(refused.reasons(), [Reason::NeedsRequest { .. }]));
}

#[tokio::test]
async fn a_group_counts_in_its_own_tenant_only() {
    let estate = Estate::new().await;
    let world = &estate.world;
    world.person("ann", "/", &[]).await;
    world.group("dba", "/emea", &[]).await;
    world.group("dba", "/apac", &[]).await;
    let theirs = ACCESS
        .replace("/emea", "/apac")
        .replace("web-1", "web-9")
        .replace("dev-1", "dev-9")
        .replace("groups: [sre]", "groups: [dba]")
        .replace("groups: [leads]", "groups: [dba]");
    estate.apply("ada", &theirs).await.unwrap();
    // Zoe may change policies there too, so that it takes both.
    estate.accept_proposals("zoe").await;
    let ann = world.caller("ann").await.user.id;
    let concerns = async |account: &str| {
        let facts = world.control.connect_facts(&ann, &reference(account)).await.unwrap().unwrap();
        facts.policies.iter().any(|policy| policy.concerns(&facts.user, &facts.account, &facts.asset))
    };
    assert!(!concerns("root@dev-9").await);
    // Membership in another tenant's group of the same name gives nothing here.
    let mut tx = world.control.store().write(world.now()).await.unwrap();
    let groups = tx.groups_by_name(&"dba".parse().unwrap()).await.unwrap();
    let emea = groups.iter().find(|group| group.scope.as_str() == "/emea").unwrap();
    tx.group_member_add(&emea.id, &ann).await.unwrap();
    tx.commit_upkeep().await.unwrap();
    assert!(!concerns("root@dev-9").await);
    let mut tx = world.control.store().write(world.now()).await.unwrap();
    let apac = groups.iter().find(|group| group.scope.as_str() == "/apac").unwrap();
    tx.group_member_add(&apac.id, &ann).await.unwrap();
    tx.commit_upkeep().await.unwrap();
    assert!(concerns("root@dev-9").await);
}
