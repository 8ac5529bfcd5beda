//! Taking away what a review says is to be taken away.

use std::collections::BTreeSet;

use postern_domain::document::{Document, PolicyDocument};
use postern_domain::event::{Actor, Event, Outcome};
use postern_domain::grant::GrantState;
use postern_domain::policy::{Policy, Resident};
use postern_domain::review::{
    Decision, Ground, ItemEffect, Review, ReviewItem, Right, RightKind, reduced, reduced_name, without,
};
use postern_domain::user::{Group, User};
use postern_domain::{PolicyId, ScopePath, UserName};
use postern_store::{RevisedBy, WriteTx};
use postern_vault::random;

use crate::answers::{holdings, residents};
use crate::profile::ProfileChange;
use crate::user::{Administrators, listed};
use crate::{Error, grant, policy, profile};

/// What was decided on some rights, by whom.
pub(super) struct Decided<'a> {
    pub(super) decision: Decision,
    pub(super) reason: &'a str,
    /// Who answered; none where nobody did in time.
    pub(super) by: Option<&'a UserName>,
    pub(super) actor: Actor,
}

/// What became of one right: done with what, or not done and why.
type Became = Result<String, String>;

/// Does what was decided on `items`, and writes down what came of each; gives the events.
pub(super) async fn carry_out(
    tx: &mut WriteTx,
    review: &Review,
    items: &[ReviewItem],
    decided: &Decided<'_>,
) -> Result<Vec<Event>, Error> {
    let mut events = Vec::new();
    let mut narrower = match decided.decision {
        Decision::Keep => None,
        Decision::Reduce | Decision::Revoke => Some(Narrower::load(tx, review, decided).await?),
    };
    for item in items {
        let became = match &mut narrower {
            None => None,
            Some(narrower) => Some(narrower.narrow(tx, &item.right, decided.decision, &mut events).await?),
        };
        let effect = became.as_ref().map(|became| match became {
            Ok(done) => (ItemEffect::Done, done.as_str()),
            Err(why) => (ItemEffect::Failed, why.as_str()),
        });
        let written = (decided.decision, decided.reason, decided.by);
        tx.review_item_decide(&review.id, item.number, written, effect).await?;
        let outcome = if matches!(became, Some(Err(_))) { Outcome::Failed } else { Outcome::Done };
        let event =
            Event::done(tx.now(), decided.actor.clone(), "review.decide", review.id.as_str(), review.scope.clone())
                .outcome(outcome)
                .with("item", item.number)
                .with("holder", item.right.holder())
                .with("right", item.right.words())
                .with("decision", serde_json::to_value(decided.decision).unwrap_or_default())
                .with("reason", decided.reason);
        events.push(match effect {
            Some((_, detail)) => event.with("effect", detail),
            None => event,
        });
    }
    Ok(events)
}

/// Everybody and everything, kept true while rights are taken away one after another.
struct Narrower {
    review: String,
    actor: Actor,
    author: UserName,
    people: Vec<Resident>,
    groups: Vec<Group>,
    policies: Vec<Policy>,
    ground: Ground,
}

impl Narrower {
    async fn load(tx: &mut WriteTx, review: &Review, decided: &Decided<'_>) -> Result<Self, Error> {
        let policies = tx.policies_reaching(&ScopePath::root()).await?;
        let holdings = holdings(tx, &[ScopePath::root()]).await?;
        Ok(Self {
            review: review.id.to_string(),
            actor: decided.actor.clone(),
            author: decided.by.unwrap_or(&review.author).clone(),
            people: residents(tx.people().await?),
            groups: tx.groups_all().await?,
            ground: Ground::of(&holdings, &policies),
            policies,
        })
    }

    async fn narrow(
        &mut self,
        tx: &mut WriteTx,
        right: &Right,
        decision: Decision,
        events: &mut Vec<Event>,
    ) -> Result<Became, Error> {
        match right.kind {
            RightKind::PolicyUser
            | RightKind::PolicyGroup
            | RightKind::PolicyAttributes
            | RightKind::PolicyWorkload => self.of_policy(tx, right, decision, events).await,
            RightKind::Attribute => self.attribute(tx, right, events).await,
            RightKind::Membership => self.membership(tx, right, events).await,
            RightKind::Role => self.role(tx, right, events).await,
            RightKind::Grant => self.grant(tx, right, events).await,
        }
    }

    /// Takes whom the right names out of the policy; where it is reduced, into one for the asking.
    async fn of_policy(
        &mut self,
        tx: &mut WriteTx,
        right: &Right,
        decision: Decision,
        events: &mut Vec<Event>,
    ) -> Result<Became, Error> {
        let is = |policy: &&Policy| {
            Some(&policy.name) == right.policy.as_ref() && policy.scope.tenant() == right.scope.tenant()
        };
        let Some(before) = self.policies.iter().find(is).cloned() else { return Ok(gone()) };
        let after = without(&before, right);
        if after.subjects == before.subjects {
            return Ok(gone());
        }
        let id = PolicyId::generate(tx.now(), random::bytes());
        let new = match (decision, reduced_name(&before.name, right)) {
            (Decision::Reduce, Some(name)) => Some(reduced(&before, right, id, name)),
            (Decision::Reduce, None) => return Ok(Err("the new policy has no name".to_owned())),
            _ => None,
        };
        if let Some(new) = &new
            && self.policies.iter().any(|other| other.name == new.name && other.scope.tenant() == new.scope.tenant())
        {
            return Ok(Err(format!("there is a policy {} already", new.name)));
        }
        let mut policies = self.policies.clone();
        policies.retain(|policy| policy.id != before.id);
        policies.push(after.clone());
        policies.extend(new.clone());
        let follows = new.as_ref().map(|new| (&new.id, &before.id));
        let affected = self.holders(right);
        let gains =
            |resident: &&Resident| self.ground.gains((resident, &self.policies), (resident, &policies), follows);
        if let Some(more) = affected.iter().find(gains) {
            return Ok(Err(would_gain(&more.user.name)));
        }
        let names: BTreeSet<_> = affected.iter().map(|resident| resident.user.name.clone()).collect();
        if let Some(new) = &new {
            self.write(tx, None, new, events).await?;
            self.ground.add(&new.id, &before.id);
        }
        if after.subjects.is_empty() {
            events.extend(policy::remove(tx, &self.actor, &before).await?);
            policies.retain(|policy| policy.id != before.id);
        } else {
            self.write(tx, Some(&before), &after, events).await?;
        }
        // The revision that was written counts on.
        for policy in &mut policies {
            if policy.id == before.id {
                policy.revision = policy.revision.saturating_add(1);
            }
        }
        self.policies = policies;
        if new.is_none() {
            self.end_grants(tx, &[before.id], &names, events).await?;
        }
        Ok(Ok(match &new {
            Some(new) => format!("there for the asking by policy {}", new.name),
            None => format!("taken out of policy {}", before.name),
        }))
    }

    async fn write(
        &self,
        tx: &mut WriteTx,
        before: Option<&Policy>,
        after: &Policy,
        events: &mut Vec<Event>,
    ) -> Result<(), Error> {
        let Document::Policy(document) = Document::from(after) else {
            return Err(Error::Unavailable("a policy cannot be written down".to_owned()));
        };
        let document: PolicyDocument = document;
        let by = RevisedBy { author: &self.author, approved_by: None };
        let event = policy::write(tx, &self.actor, &document, before, by).await?;
        events.push(event.with("review", self.review.as_str()));
        Ok(())
    }

    /// Takes an attribute away from a person.
    async fn attribute(&mut self, tx: &mut WriteTx, right: &Right, events: &mut Vec<Event>) -> Result<Became, Error> {
        let Some(at) = self.people.iter().position(|resident| Some(&resident.user.name) == right.user.as_ref()) else {
            return Ok(gone());
        };
        let Some(before) = self.people.get(at).cloned() else { return Ok(gone()) };
        let mut after = before.clone();
        after.user.profile.attributes.retain(|name, value| right.attributes.get(name) != Some(value));
        if after.user.profile.attributes == before.user.profile.attributes {
            return Ok(gone());
        }
        if self.ground.gains((&before, &self.policies), (&after, &self.policies), None) {
            return Ok(Err(would_gain(&before.user.name)));
        }
        let attributes = Some(after.user.profile.attributes.clone());
        let wish = ProfileChange { attributes, ..ProfileChange::default() };
        profile::change(tx, &before.user, wish).await?;
        let User { name, scope, .. } = before.user;
        events.push(
            Event::done(tx.now(), self.actor.clone(), "user.change", name.as_str(), scope)
                .with("field", "attributes")
                .with("attributes", serde_json::json!(after.user.profile.attributes))
                .with("review", self.review.as_str()),
        );
        if let Some(resident) = self.people.get_mut(at) {
            *resident = after;
        }
        let asks = |policy: &&Policy| {
            policy.subjects.attributes.iter().any(|(name, value)| right.attributes.get(name) == Some(value))
        };
        let under: Vec<_> = self.policies.iter().filter(asks).map(|policy| policy.id.clone()).collect();
        self.end_grants(tx, &under, &BTreeSet::from([name]), events).await?;
        Ok(Ok(format!("attribute {} taken away", right.attributes_words())))
    }

    async fn membership(&mut self, tx: &mut WriteTx, right: &Right, events: &mut Vec<Event>) -> Result<Became, Error> {
        let (Some(name), Some(at)) = (&right.user, self.group_at(right)) else { return Ok(gone()) };
        let Some(group) = self.groups.get(at).filter(|group| group.members.contains(name)).cloned() else {
            return Ok(gone());
        };
        let Some(before) = self.people.iter().find(|resident| resident.user.name == *name).cloned() else {
            return Ok(gone());
        };
        let mut after = before.clone();
        after.groups.retain(|(held, scope)| !(*held == group.name && *scope == group.scope));
        after.user.groups = after.groups.iter().map(|(name, _)| name.clone()).collect();
        if self.ground.gains((&before, &self.policies), (&after, &self.policies), None) {
            return Ok(Err(would_gain(name)));
        }
        let guard = Administrators::before(tx).await?;
        tx.group_member_remove(&group.id, &before.user.id).await?;
        if let Err(error) = guard.after(tx).await {
            tx.group_member_add(&group.id, &before.user.id).await?;
            return refused(error);
        }
        let left = vec![name.to_string()];
        events.push(
            Event::done(tx.now(), self.actor.clone(), "group.put", group.name.as_str(), group.scope.clone())
                .with("joined", Vec::<String>::new())
                .with("left", left)
                .with("roles", listed(&group.roles))
                .with("review", self.review.as_str()),
        );
        if let Some(group) = self.groups.get_mut(at) {
            group.members.retain(|member| member != name);
        }
        if let Some(resident) = self.people.iter_mut().find(|resident| resident.user.name == *name) {
            *resident = after;
        }
        let under: Vec<_> = self
            .policies
            .iter()
            .filter(|policy| policy.subjects.groups.contains(&group.name))
            .map(|policy| policy.id.clone())
            .collect();
        self.end_grants(tx, &under, &BTreeSet::from([name.clone()]), events).await?;
        Ok(Ok(format!("taken out of group {}", group.name)))
    }

    async fn role(&mut self, tx: &mut WriteTx, right: &Right, events: &mut Vec<Event>) -> Result<Became, Error> {
        let Some(role) = &right.role else { return Ok(gone()) };
        let guard = Administrators::before(tx).await?;
        if let Some(name) = &right.user {
            let Some(user) = tx.user_by_name(name).await? else { return Ok(gone()) };
            let held = tx.user_roles_direct(&user.id).await?;
            let kept: Vec<_> = held.iter().filter(|other| *other != role).cloned().collect();
            if kept.len() == held.len() {
                return Ok(gone());
            }
            tx.user_roles_set(&user.id, &kept).await?;
            if let Err(error) = guard.after(tx).await {
                tx.user_roles_set(&user.id, &held).await?;
                return refused(error);
            }
            events.push(
                Event::done(tx.now(), self.actor.clone(), "user.roles_put", name.as_str(), user.scope)
                    .with("given", Vec::<String>::new())
                    .with("taken", listed(std::slice::from_ref(role)))
                    .with("review", self.review.as_str()),
            );
            return Ok(Ok(format!("role {} in {} taken away", role.role, role.scope)));
        }
        let holds = |group: &&Group| Some(&group.name) == right.group.as_ref() && group.roles.contains(role);
        let Some(group) = self.groups.iter().find(holds).cloned() else { return Ok(gone()) };
        let kept: Vec<_> = group.roles.iter().filter(|other| *other != role).cloned().collect();
        tx.group_roles_set(&group.id, &kept).await?;
        if let Err(error) = guard.after(tx).await {
            tx.group_roles_set(&group.id, &group.roles).await?;
            return refused(error);
        }
        events.push(
            Event::done(tx.now(), self.actor.clone(), "group.put", group.name.as_str(), group.scope.clone())
                .with("joined", Vec::<String>::new())
                .with("left", Vec::<String>::new())
                .with("roles", listed(&kept))
                .with("review", self.review.as_str()),
        );
        if let Some(known) = self.groups.iter_mut().find(|known| known.id == group.id) {
            known.roles = kept;
        }
        Ok(Ok(format!("role {} in {} taken away from group {}", role.role, role.scope, group.name)))
    }

    async fn grant(&self, tx: &mut WriteTx, right: &Right, events: &mut Vec<Event>) -> Result<Became, Error> {
        let Some(id) = &right.grant else { return Ok(gone()) };
        let now = tx.now();
        let Some(held) = tx.grant(id, now).await? else { return Ok(gone()) };
        if matches!(held.state, GrantState::Revoked | GrantState::Expired) {
            return Ok(gone());
        }
        let event = grant::revoke(tx, &held, &format!("access review {}", self.review)).await?;
        events.push(Event { actor: self.actor.clone(), ..event }.with("review", self.review.as_str()));
        Ok(Ok("the grant was ended".to_owned()))
    }

    /// Ends grants under policies that no longer concern their holders.
    async fn end_grants(
        &self,
        tx: &mut WriteTx,
        policies: &[PolicyId],
        of: &BTreeSet<UserName>,
        events: &mut Vec<Event>,
    ) -> Result<(), Error> {
        let now = tx.now();
        for id in policies {
            let policy = self.policies.iter().find(|policy| policy.id == *id);
            for held in tx.grants_under(id, now).await?.into_iter().filter(|held| of.contains(&held.user)) {
                let resident = self.people.iter().find(|resident| resident.user.name == held.user);
                let still = policy
                    .zip(resident)
                    .is_some_and(|(policy, resident)| policy.subjects.include(&resident.seen_in(&held.scope)));
                if !still {
                    let event = grant::revoke(tx, &held, &format!("access review {}", self.review)).await?;
                    events.push(Event { actor: self.actor.clone(), ..event }.with("review", self.review.as_str()));
                }
            }
        }
        Ok(())
    }

    /// The people whose right it is.
    fn holders(&self, right: &Right) -> Vec<Resident> {
        let holds = |resident: &&Resident| match (&right.user, &right.group, right.kind) {
            (Some(user), ..) => resident.user.name == *user,
            (None, Some(group), _) => resident.groups.iter().any(|(held, _)| held == group),
            (None, None, RightKind::PolicyWorkload) => resident.user.is_workload(),
            (None, None, _) => right.chooses(&resident.user),
        };
        self.people.iter().filter(holds).cloned().collect()
    }

    fn group_at(&self, right: &Right) -> Option<usize> {
        let is =
            |group: &Group| Some(&group.name) == right.group.as_ref() && group.scope.tenant() == right.scope.tenant();
        self.groups.iter().position(is)
    }
}

fn gone() -> Became {
    Ok("it was gone already".to_owned())
}

fn would_gain(name: &UserName) -> String {
    format!("it would let {name} do more with an account, by what stood behind it: change the policies by hand")
}

/// A guard's refusal is told; anything else is a failure of Postern's own.
fn refused(error: Error) -> Result<Became, Error> {
    match error {
        Error::Conflict(why) => Ok(Err(why)),
        other => Err(other),
    }
}
