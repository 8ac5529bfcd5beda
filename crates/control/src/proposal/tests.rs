use postern_domain::permission::Permission;

use super::*;
use crate::estate::Estate;

const WIDER: &str = "{kind: Policy, name: dev, scope: /emea, subjects: {groups: [sre]}, accounts: {labels: {env: dev}}, \
                     access: standing}";
const NARROWER: &str = "{kind: Policy, name: dev, scope: /emea, subjects: {groups: [sre]}, \
                        accounts: {labels: {env: dev}}, obligations: {max_duration: 1h}}";

/// The estate with another administrator, Max, who was there before.
async fn with_two() -> Estate {
    let estate = Estate::new().await;
    estate.world.person("max", "/", &[("administrator", "/")]).await;
    estate
}

async fn waiting(estate: &Estate) -> Vec<Proposal> {
    let (_, permit) = estate.caller("aud", Permission::PolicyRead).await;
    estate.world.control.proposal_list(&permit, Some(ProposalState::Waiting)).await.unwrap()
}

async fn approve(estate: &Estate, who: &str, id: &ProposalId) -> Result<Proposal, Error> {
    let (caller, permit) = estate.caller(who, Permission::PolicyWrite).await;
    estate.world.control.proposal_approve(&caller, &permit, id).await
}

async fn access(estate: &Estate) -> postern_domain::policy::Access {
    let (caller, permit) = estate.caller("ada", Permission::PolicyRead).await;
    estate.world.control.policy_show(&caller, &permit, &"dev".parse().unwrap()).await.unwrap().access
}

#[tokio::test]
async fn one_person_alone_sets_everything_up() {
    let estate = Estate::new().await;
    estate.apply("ada", WIDER).await.unwrap();
    assert!(waiting(&estate).await.is_empty());
    assert_eq!(access(&estate).await, postern_domain::policy::Access::Standing);
}

#[tokio::test]
async fn more_waits_for_somebody_else_and_less_does_not() {
    let estate = with_two().await;
    estate.apply("ada", NARROWER).await.unwrap();
    assert!(waiting(&estate).await.is_empty());
    let applied = estate.apply("ada", WIDER).await.unwrap();
    assert_eq!(applied.changes[0].action, postern_domain::document::Action::Propose);
    assert_eq!(access(&estate).await, postern_domain::policy::Access::Request);
    let proposal = waiting(&estate).await.pop().unwrap();
    let (_, permit) = estate.caller("aud", Permission::PolicyRead).await;
    let view = estate.world.control.proposal_show(&permit, &proposal.id).await.unwrap();
    let diff = view.diff.unwrap();
    assert_eq!((diff.people_widened, diff.blocks[0].people.clone()), (1, vec!["ben".parse().unwrap()]));

    assert!(
        matches!(approve(&estate, "ada", &proposal.id).await, Err(Error::Refused(reasons)) if reasons == [Reason::OwnProposal])
    );
    let done = approve(&estate, "max", &proposal.id).await.unwrap();
    assert_eq!(done.state, ProposalState::Approved);
    assert_eq!(access(&estate).await, postern_domain::policy::Access::Standing);
    let (caller, permit) = estate.caller("ada", Permission::PolicyRead).await;
    let revisions = estate.world.control.policy_revisions(&caller, &permit, &"dev".parse().unwrap()).await.unwrap();
    let last = revisions.last().unwrap();
    assert_eq!((last.author.as_deref(), last.approved_by.as_deref()), (Some("ada"), Some("max")));
    assert!(approve(&estate, "max", &proposal.id).await.is_err(), "twice");
}

#[tokio::test]
async fn what_was_proposed_about_another_text_is_proposed_again() {
    let estate = with_two().await;
    estate.apply("ada", WIDER).await.unwrap();
    let proposal = waiting(&estate).await.pop().unwrap();
    estate.apply("max", NARROWER).await.unwrap();
    assert!(matches!(approve(&estate, "max", &proposal.id).await, Err(Error::Conflict(_))));
    // The same again takes the place of what waits.
    estate.apply("ada", WIDER).await.unwrap();
    let next = waiting(&estate).await;
    assert!(next.len() == 1 && next[0].id != proposal.id, "{next:?}");
    let other = estate.apply("max", &WIDER.replace("standing", "standing, description: mine")).await;
    assert!(matches!(other, Err(Error::Documents(_))), "somebody else's waits");
    let (caller, permit) = estate.caller("max", Permission::PolicyWrite).await;
    let silent = estate.world.control.proposal_refuse(&caller, &permit, &next[0].id, "").await;
    assert!(matches!(silent, Err(Error::Invalid { .. })));
    let refused = estate.world.control.proposal_refuse(&caller, &permit, &next[0].id, "no").await.unwrap();
    assert_eq!((refused.state, refused.reason.as_deref()), (ProposalState::Refused, Some("no")));
}

#[tokio::test]
async fn whoever_gains_by_it_says_no_yes() {
    let estate = with_two().await;
    let text = "{kind: Policy, name: more, scope: /, subjects: {users: [max]}, access: standing}";
    estate.apply("ada", text).await.unwrap();
    let proposal = waiting(&estate).await.pop().unwrap();
    assert!(
        matches!(approve(&estate, "max", &proposal.id).await, Err(Error::Refused(reasons)) if reasons == [Reason::GainsByIt])
    );
}

#[tokio::test]
async fn taking_the_other_away_does_not_make_one_alone() {
    let estate = with_two().await;
    let (caller, permit) = estate.caller("ada", Permission::UserWrite).await;
    let change = crate::UserChange { state: Some(postern_domain::user::UserState::Disabled), ..Default::default() };
    estate.world.control.user_change(&caller, &permit, &"max".parse().unwrap(), change).await.unwrap();
    estate.apply("ada", WIDER).await.unwrap();
    assert_eq!(waiting(&estate).await.len(), 1);
}
