use std::collections::BTreeSet;
use std::time::Duration;

use postern_domain::document::{Document, ObligationsDocument, PolicyDocument};
use postern_domain::permission::Permission;
use postern_domain::policy::{Access, Effect, Subjects, Workloads};
use postern_domain::review::{Decision, Review, ReviewItem, ReviewPlan, ReviewState, Reviewers, RightKind, Unanswered};
use postern_domain::{PolicyName, ScopePath};
use postern_store::{Listing, ReviewItemFilter};

use super::*;
use crate::testing::World;
use crate::{ApplyInput, UserChange, verify_evidence};

fn names<T: std::str::FromStr + Ord>(texts: &[&str]) -> BTreeSet<T> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

fn policy(name: &str, effect: Effect, users: &[&str], groups: &[&str], access: Access) -> Document {
    Document::Policy(PolicyDocument {
        name: name.parse().expect("a name"),
        scope: ScopePath::root(),
        description: String::new(),
        effect,
        subjects: Subjects { users: names(users), groups: names(groups), ..Subjects::default() },
        accounts: Default::default(),
        conditions: Default::default(),
        access,
        obligations: ObligationsDocument::from(&Default::default()),
    })
}

const ASSET: &str = "\
kind: Asset\nname: web-1\nplatform: linux\naddress: 192.0.2.7:22\n---\n\
kind: Account\naccount: root@web-1\ncredential: ssh_certificate\n";

/// Ada, who may do everything, starts reviews; max and mia are asked; ben and cyd are in sre, which a policy names.
struct Reviewed {
    world: World,
}

impl Reviewed {
    async fn new() -> Self {
        let world = World::new().await;
        world.person("ada", "/", &[("administrator", "/")]).await;
        for name in ["max", "mia", "ben", "cyd"] {
            world.person(name, "/", &[]).await;
        }
        world.group("sre", "/", &["ben", "cyd"]).await;
        let this = Self { world };
        let documents = postern_domain::document::parse("access.yaml", ASSET).expect("documents");
        let mut documents: Vec<_> = documents.into_iter().map(|parsed| parsed.document).collect();
        documents.push(policy("oncall", Effect::Allow, &["ben"], &[], Access::Standing));
        documents.push(policy("prod", Effect::Allow, &[], &["sre"], Access::Request));
        this.apply(documents).await;
        this.world.clock.advance(Duration::from_secs(100 * 86_400));
        this
    }

    async fn apply(&self, documents: Vec<Document>) {
        let ada = self.world.caller("ada").await;
        self.world.control.apply(&ada, &ApplyInput { documents, dry_run: false }).await.expect("applied");
    }

    async fn start(&self, change: impl FnOnce(&mut ReviewPlan)) -> Review {
        let mut plan = ReviewPlan {
            reviewers: Reviewers { users: names(&["max", "ben"]), ..Reviewers::default() },
            seconds: 14 * 86_400,
            ..ReviewPlan::default()
        };
        change(&mut plan);
        let input = ReviewInput { name: "Autumn".to_owned(), scope: None, plan };
        let ada = self.world.caller("ada").await;
        let permit = ada.permit(Permission::ReviewWrite).expect("a permit");
        self.world.control.review_start(&ada, &permit, input).await.expect("started").review
    }

    async fn items(&self, review: &Review, who: &str) -> Vec<ReviewItem> {
        let caller = self.world.caller(who).await;
        let wanted = ReviewItemsWanted { filter: ReviewItemFilter::default(), mine: false };
        let listed = self.world.control.review_items(&caller, &review.id, &wanted, &Listing::default()).await;
        listed.expect("items").items
    }

    async fn number(&self, review: &Review, kind: RightKind, holder: &str) -> u32 {
        let items = self.items(review, "ada").await;
        items.iter().find(|item| item.right.kind == kind && item.right.holder() == holder).expect("an item").number
    }

    async fn answer(
        &self,
        review: &Review,
        who: &str,
        number: u32,
        decision: Decision,
    ) -> Result<ReviewOutcome, Error> {
        let caller = self.world.caller(who).await;
        let answer = ReviewAnswer { items: [number].into(), decision, reason: "looked at it".to_owned() };
        let answered = self.world.control.review_decide(&caller, &review.id, &answer).await?;
        Ok(answered.items.into_iter().next().expect("an item"))
    }

    async fn policy(&self, name: &str) -> Option<postern_domain::policy::Policy> {
        let name: PolicyName = name.parse().expect("a name");
        let mut rows = self.world.control.store().read().await.expect("a snapshot");
        rows.policy_in_tenant(&ScopePath::root(), &name).await.expect("an answer")
    }

    async fn members(&self) -> Vec<String> {
        let mut rows = self.world.control.store().read().await.expect("a snapshot");
        let groups = rows.groups_by_name(&"sre".parse().expect("a name")).await.expect("groups");
        groups.iter().flat_map(|group| &group.members).map(ToString::to_string).collect()
    }
}

#[tokio::test]
async fn what_is_taken_away_is_gone_at_once() {
    let reviewed = Reviewed::new().await;
    let review = reviewed.start(|_| {}).await;
    assert_eq!(review.counts.items, 5, "oncall, prod, two memberships, ada's role");
    let oncall = reviewed.number(&review, RightKind::PolicyUser, "ben").await;
    let done = reviewed.answer(&review, "max", oncall, Decision::Revoke).await.expect("answered");
    assert_eq!(done.effect_detail.as_deref(), Some("taken out of policy oncall"));
    assert!(reviewed.policy("oncall").await.is_none(), "nobody is left in it");
    let membership = reviewed.number(&review, RightKind::Membership, "ben").await;
    reviewed.answer(&review, "max", membership, Decision::Revoke).await.expect("answered");
    assert_eq!(reviewed.members().await, ["cyd"]);
    let again = reviewed.answer(&review, "max", membership, Decision::Keep).await;
    assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
    let told = reviewed.world.events("review.decide").await;
    assert_eq!(told.len(), 3, "two answers and a refusal");
    assert_eq!(reviewed.world.events("group.put").await.last().expect("an event").details["left"][0], "ben");
}

#[tokio::test]
async fn nobody_answers_for_themselves_nor_without_being_asked() {
    let reviewed = Reviewed::new().await;
    let review = reviewed.start(|_| {}).await;
    let oncall = reviewed.number(&review, RightKind::PolicyUser, "ben").await;
    for kind in [RightKind::PolicyUser, RightKind::Membership] {
        let own = reviewed.number(&review, kind, "ben").await;
        let refused = reviewed.answer(&review, "ben", own, Decision::Keep).await;
        assert!(matches!(&refused, Err(Error::Forbidden(why)) if why.contains("of your own")), "{refused:?}");
    }
    let group = reviewed.number(&review, RightKind::PolicyGroup, "group sre").await;
    assert!(reviewed.answer(&review, "ben", group, Decision::Revoke).await.is_err(), "their group's");
    assert!(matches!(reviewed.answer(&review, "ada", oncall, Decision::Keep).await, Err(Error::Forbidden(_))));
    assert!(matches!(reviewed.answer(&review, "mia", oncall, Decision::Keep).await, Err(Error::NotFound { .. })));
    let refusals = reviewed.world.events("review.decide").await;
    assert_eq!(refusals.len(), 4, "refusals are written down");
}

#[tokio::test]
async fn what_is_reduced_is_there_for_the_asking() {
    let reviewed = Reviewed::new().await;
    let review = reviewed.start(|_| {}).await;
    let oncall = reviewed.number(&review, RightKind::PolicyUser, "ben").await;
    reviewed.answer(&review, "max", oncall, Decision::Reduce).await.expect("answered");
    let reduced = reviewed.policy("oncall.ben.reduced").await.expect("the new policy");
    assert_eq!((reduced.access, reduced.subjects.users.len()), (Access::Request, 1));
    assert!(reviewed.policy("oncall").await.is_none());
    let group = reviewed.number(&review, RightKind::PolicyGroup, "group sre").await;
    let refused = reviewed.answer(&review, "max", group, Decision::Reduce).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "it is for the asking already: {refused:?}");
}

#[tokio::test]
async fn what_would_let_somebody_do_more_is_not_done() {
    let reviewed = Reviewed::new().await;
    let deny = policy("frozen", Effect::Deny, &[], &["sre"], Access::Request);
    reviewed.apply(vec![deny]).await;
    let review = reviewed.start(|_| {}).await;
    let membership = reviewed.number(&review, RightKind::Membership, "ben").await;
    let item = reviewed.answer(&review, "max", membership, Decision::Revoke).await.expect("answered");
    assert!(item.effect_detail.expect("why").contains("would let ben do more"));
    assert_eq!(reviewed.members().await, ["ben", "cyd"]);
    let ada = reviewed.world.caller("ada").await;
    let counts = reviewed.world.control.review_show(&ada, &review.id).await.expect("a review").counts;
    assert_eq!((counts.failed, counts.revoked), (1, 0));
}

#[tokio::test]
async fn the_last_administrator_stays_one() {
    let reviewed = Reviewed::new().await;
    let review = reviewed.start(|plan| plan.kinds = [RightKind::Role].into()).await;
    let role = reviewed.number(&review, RightKind::Role, "ada").await;
    let item = reviewed.answer(&review, "max", role, Decision::Revoke).await.expect("answered");
    assert!(item.effect_detail.expect("why").contains("no active administrator"));
    let ada = reviewed.world.caller("ada").await;
    assert!(ada.authority.covers(Permission::UserWrite, &ScopePath::root()));
}

#[tokio::test]
async fn what_nobody_answers_is_taken_away_when_it_is_over() {
    let reviewed = Reviewed::new().await;
    let plan = |plan: &mut ReviewPlan| plan.kinds = [RightKind::Membership, RightKind::PolicyUser].into();
    let review = reviewed.start(plan).await;
    let cyd = reviewed.number(&review, RightKind::Membership, "cyd").await;
    reviewed.answer(&review, "max", cyd, Decision::Keep).await.expect("answered");
    reviewed.world.control.keep_reviews().await.expect("nothing yet");
    assert_eq!(reviewed.members().await, ["ben", "cyd"]);
    reviewed.world.clock.advance(Duration::from_secs(15 * 86_400));
    let late = reviewed.answer(&review, "max", cyd, Decision::Revoke).await;
    assert!(matches!(late, Err(Error::Conflict(_))), "{late:?}");
    reviewed.world.control.keep_reviews().await.expect("closed");
    assert_eq!(reviewed.members().await, ["cyd"]);
    let ada = reviewed.world.caller("ada").await;
    let review = reviewed.world.control.review_show(&ada, &review.id).await.expect("a review");
    assert_eq!((review.state, review.counts.unanswered, review.counts.kept), (ReviewState::Closed, 2, 1));
    let other = reviewed.start(|plan| plan.unanswered = Unanswered::Keep).await;
    reviewed.world.clock.advance(Duration::from_secs(15 * 86_400));
    reviewed.world.control.keep_reviews().await.expect("closed");
    assert_eq!(reviewed.members().await, ["cyd"], "{} keeps", other.id);
}

#[tokio::test]
async fn a_review_starts_again_for_as_long_as_its_author_may_start_it() {
    let reviewed = Reviewed::new().await;
    let plan = |plan: &mut ReviewPlan| (plan.every_days, plan.unanswered) = (Some(30), Unanswered::Keep);
    let first = reviewed.start(plan).await;
    reviewed.world.clock.advance(Duration::from_secs(31 * 86_400));
    reviewed.world.control.keep_reviews().await.expect("again");
    let ada = reviewed.world.caller("ada").await;
    let all = reviewed.world.control.review_list(&ada, None).await.expect("reviews");
    assert_eq!(all.len(), 2);
    let newest = all.first().expect("a review");
    assert!(newest.id != first.id && newest.next_at.is_some());
    let permit = ada.permit(Permission::ReviewWrite).expect("a permit");
    reviewed.world.control.review_stop(&ada, &permit, &newest.id).await.expect("stopped");
    reviewed.world.clock.advance(Duration::from_secs(31 * 86_400));
    reviewed.world.control.keep_reviews().await.expect("nothing");
    let ada = reviewed.world.caller("ada").await;
    assert_eq!(reviewed.world.control.review_list(&ada, None).await.expect("reviews").len(), 2);
}

#[tokio::test]
async fn a_review_takes_away_only_what_its_author_could() {
    let reviewed = Reviewed::new().await;
    let role = Document::Role(postern_domain::document::RoleDocument {
        name: "reviewer".parse().expect("a name"),
        permissions: [Permission::ReviewWrite, Permission::GroupWrite].into(),
    });
    reviewed.apply(vec![role]).await;
    reviewed.world.person("rita", "/", &[("reviewer", "/")]).await;
    let rita = reviewed.world.caller("rita").await;
    let permit = rita.permit(Permission::ReviewWrite).expect("a permit");
    let reviewers = Reviewers { users: names(&["max"]), ..Reviewers::default() };
    let plan = ReviewPlan { reviewers, seconds: 86_400, ..ReviewPlan::default() };
    let input = ReviewInput { name: "hers".to_owned(), scope: None, plan };
    let started = reviewed.world.control.review_start(&rita, &permit, input).await.expect("started");
    assert_eq!(started.review.counts.items, 2, "memberships, no policies and no roles");
    assert!(started.left_out >= 3);
}

#[tokio::test]
async fn evidence_is_signed_and_shows_when_it_is_changed() {
    let reviewed = Reviewed::new().await;
    let review = reviewed.start(|plan| plan.kinds = [RightKind::Membership].into()).await;
    let ada = reviewed.world.caller("ada").await;
    let permit = ada.permit(Permission::ReviewWrite).expect("a permit");
    let control = &reviewed.world.control;
    let early = control.review_evidence(&ada, &permit, &review.id, EvidenceFormat::Json).await;
    assert!(matches!(early, Err(Error::Conflict(_))), "{early:?}");
    control.review_close(&ada, &permit, &review.id).await.expect("closed");
    let mut parts = Vec::new();
    for format in [EvidenceFormat::Note, EvidenceFormat::Json, EvidenceFormat::Csv] {
        parts.push(control.review_evidence(&ada, &permit, &review.id, format).await.expect("evidence"));
    }
    let [note, json, csv] = parts.try_into().expect("three");
    let mut rows = control.store().read().await.expect("a snapshot");
    let key = control.ledger_signer(&mut rows).await.expect("a key").verifier().to_string();
    let good = verify_evidence(&key, &note, &json, &csv).expect("good");
    assert_eq!((good.items, good.note["review"].as_str()), (2, review.id.as_str()));
    let text = String::from_utf8(csv.clone()).expect("text");
    assert!(text.contains("membership,ben,group sre"), "{text}");
    let forged = String::from_utf8(json.clone()).expect("text").replace("\"revoke\"", "\"keep\"").into_bytes();
    assert!(verify_evidence(&key, &note, &forged, &csv).is_err());
    let other = [b"x", csv.as_slice()].concat();
    assert!(verify_evidence(&key, &note, &json, &other).is_err());
}

#[tokio::test]
async fn who_keeps_everything_at_once_is_flagged() {
    let reviewed = Reviewed::new().await;
    for number in 0..10 {
        let name = format!("user{number}");
        reviewed.world.person(&name, "/", &[]).await;
    }
    let many: Vec<String> = (0..10).map(|number| format!("user{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    reviewed.world.group("dba", "/", &many).await;
    reviewed.apply(vec![policy("databases", Effect::Allow, &[], &["dba"], Access::Request)]).await;
    let review = reviewed.start(|plan| plan.groups = names(&["dba"])).await;
    let max = reviewed.world.caller("max").await;
    let numbers: BTreeSet<u32> = reviewed.items(&review, "max").await.iter().map(|item| item.number).collect();
    assert_eq!(numbers.len(), 11);
    reviewed.world.clock.advance(Duration::from_secs(20));
    let answer = ReviewAnswer { items: numbers, decision: Decision::Keep, reason: "fine".to_owned() };
    reviewed.world.control.review_decide(&max, &review.id, &answer).await.expect("answered");
    let ada = reviewed.world.caller("ada").await;
    let review = reviewed.world.control.review_show(&ada, &review.id).await.expect("a review");
    let pace = review.paces.first().expect("a pace");
    assert!(pace.rubber_stamped && pace.answers == 11 && pace.seconds == 20, "{pace:?}");
}

/// With a policy for whoever is of payments, as cyd is, and one for the program `bot`.
async fn chosen_by_profile() -> Reviewed {
    let reviewed = Reviewed::new().await;
    let ada = reviewed.world.caller("ada").await;
    let permit = ada.permit(Permission::UserWrite).expect("a permit");
    let control = &reviewed.world.control;
    let bot = serde_json::from_str(r#"{"name": "bot", "kind": "workload"}"#).expect("a wish");
    control.user_create(&ada, &permit, bot).await.expect("a workload");
    let payments = UserChange { attributes: Some([pair("team", "payments")].into()), ..UserChange::default() };
    control.user_change(&ada, &permit, &"cyd".parse().expect("a name"), payments).await.expect("changed");
    let with = |name: &str, subjects: Subjects| match policy(name, Effect::Allow, &[], &[], Access::Standing) {
        Document::Policy(document) => Document::Policy(PolicyDocument { subjects, ..document }),
        other => other,
    };
    let attributes = Subjects { attributes: [pair("team", "payments")].into(), ..Subjects::default() };
    let workloads = Subjects { workloads: Workloads::Named(names(&["bot"])), ..Subjects::default() };
    reviewed.apply(vec![with("ledger", attributes), with("nightly", workloads)]).await;
    reviewed
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[tokio::test]
async fn what_attributes_give_is_reviewed_person_by_person() {
    let reviewed = chosen_by_profile().await;
    let plan = |plan: &mut ReviewPlan| {
        plan.kinds = [RightKind::Attribute, RightKind::PolicyAttributes].into();
        plan.reviewers.users = names(&["max", "cyd"]);
    };
    let review = reviewed.start(plan).await;
    assert_eq!(review.counts.items, 2);
    let attribute = reviewed.number(&review, RightKind::Attribute, "cyd").await;
    let policy = reviewed.number(&review, RightKind::PolicyAttributes, "people with team=payments").await;
    for own in [attribute, policy] {
        let refused = reviewed.answer(&review, "cyd", own, Decision::Keep).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))), "it is cyd's own");
    }
    let done = reviewed.answer(&review, "max", attribute, Decision::Revoke).await.expect("answered");
    assert_eq!(done.effect_detail.as_deref(), Some("attribute team=payments taken away"));
    let cyd = reviewed.world.caller("cyd").await;
    assert!(cyd.user.profile.attributes.is_empty());
    assert!(reviewed.policy("ledger").await.is_some(), "others may still have it");
}

#[tokio::test]
async fn what_is_given_by_attributes_is_reduced_and_what_programs_have_taken_away() {
    let reviewed = chosen_by_profile().await;
    let review = reviewed.start(|plan| plan.labels.clear()).await;
    let policy = reviewed.number(&review, RightKind::PolicyAttributes, "people with team=payments").await;
    reviewed.answer(&review, "max", policy, Decision::Reduce).await.expect("answered");
    assert!(reviewed.policy("ledger").await.is_none(), "nobody is left in it");
    let reduced = reviewed.policy("ledger.payments.reduced").await.expect("a policy for the asking");
    assert_eq!((reduced.access, reduced.subjects.attributes), (Access::Request, [pair("team", "payments")].into()));
    let bot = reviewed.number(&review, RightKind::PolicyWorkload, "bot").await;
    let reduced = reviewed.answer(&review, "max", bot, Decision::Reduce).await;
    assert!(matches!(reduced, Err(Error::Invalid { .. })), "a program asks for nothing");
    reviewed.answer(&review, "max", bot, Decision::Revoke).await.expect("answered");
    assert!(reviewed.policy("nightly").await.is_none());
}
