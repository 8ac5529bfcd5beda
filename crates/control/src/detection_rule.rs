//! Changes of detection rules: switched on and off, taken up as text. What weakens a rule that is on takes two
//! people, as what lets somebody do more does: the change waits until somebody else makes it too.

use std::time::Duration;

use postern_detect::Rule;
use postern_domain::ScopePath;
use postern_domain::event::Event;
use postern_domain::permit::{Manage, Permit};
use postern_store::{StoredRule, WaitingRule, WriteTx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::detection::{all_rules, response};
use crate::{Caller, Control, Error, shared};

/// How long a change that weakens a rule waits for somebody else.
const WAIT_MAX: Duration = Duration::from_secs(7 * 86_400);

/// What became of rules that were to be changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RulesChanged {
    /// Those that are as wanted.
    pub rules: Vec<String>,
    /// Those whose change waits until somebody else who may change policies makes it too, within seven days.
    pub waiting: Vec<String>,
}

/// What a rule is to be.
struct Wanted<'a> {
    rule: &'a Rule,
    /// Its text, where it is not as shipped.
    body: Option<String>,
    enabled: bool,
    action: &'static str,
}

impl Control {
    /// Switches a rule on or off. Off takes two people where two may change policies; on drops what waits.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` to those who do not look after everything.
    pub async fn rule_switch(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        id: &str,
        enabled: bool,
    ) -> Result<RulesChanged, Error> {
        over_everything(permit)?;
        let mut tx = self.store().write(self.now()).await?;
        let stored = tx.detection_rules().await?;
        let known = all_rules(&stored)?;
        let found = known.iter().find(|(rule, _)| rule.id == id);
        let (rule, _) = found.ok_or_else(|| Error::not_found("detection rule", id))?;
        let body = stored.iter().find(|one| one.id == id).and_then(|one| one.body.clone());
        let action = if enabled { "detection_rule.enable" } else { "detection_rule.disable" };
        self.rules_change(tx, caller, &stored, &known, vec![Wanted { rule, body, enabled, action }]).await
    }

    /// Takes rules up as text, new or in place of others of their names. A new one is off until somebody
    /// has tried it over the past and switches it on; a changed one stays as it is. A change by which a rule
    /// that is on may find less, or answers less hard, takes two people where two may change policies.
    ///
    /// # Errors
    /// `Invalid` with what is wrong, also where one of its own test cases does not come out.
    pub async fn rule_apply(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        text: &str,
    ) -> Result<RulesChanged, Error> {
        over_everything(permit)?;
        let rules = readable(text)?;
        let mut tx = self.store().write(self.now()).await?;
        let stored = tx.detection_rules().await?;
        let known = all_rules(&stored)?;
        let mut wanted = Vec::new();
        for rule in &rules {
            let enabled = known.iter().find(|(other, _)| other.id == rule.id).is_some_and(|(_, enabled)| *enabled);
            let body = serde_json::to_string(rule).map_err(|error| Error::invalid("text", error.to_string()))?;
            wanted.push(Wanted { rule, body: Some(body), enabled, action: "detection_rule.put" });
        }
        self.rules_change(tx, caller, &stored, &known, wanted).await
    }

    async fn rules_change(
        &self,
        mut tx: WriteTx,
        caller: &Caller,
        stored: &[StoredRule],
        known: &[(Rule, bool)],
        wanted: Vec<Wanted<'_>>,
    ) -> Result<RulesChanged, Error> {
        let (mut changed, mut events) = (RulesChanged::default(), Vec::new());
        for wanted in wanted {
            let id = wanted.rule.id.clone();
            let before = known.iter().find(|(rule, on)| rule.id == id && *on);
            let weakens = before.is_some_and(|(rule, _)| !wanted.enabled || !wanted.rule.keeps(rule));
            let own = stored.iter().find(|one| one.id == id);
            let (rule, event) = changed_rule(&mut tx, caller, own, wanted, weakens).await?;
            if rule.waiting.is_some() { &mut changed.waiting } else { &mut changed.rules }.push(id);
            tx.detection_rule_put(&rule).await?;
            events.push(event);
        }
        self.commit(tx, &events).await?;
        self.detection_reload().await?;
        Ok(changed)
    }
}

/// The rule as it is from now on, with what is said of that: as wanted, or as it was with a change that waits.
async fn changed_rule(
    tx: &mut WriteTx,
    caller: &Caller,
    own: Option<&StoredRule>,
    wanted: Wanted<'_>,
    weakens: bool,
) -> Result<(StoredRule, Event), Error> {
    let Wanted { rule, body, enabled, action } = wanted;
    let (now, id, name) = (tx.now(), rule.id.clone(), &caller.user.name);
    let event = |action: &str| {
        let event = Event::done(now, caller.actor(), action, &rule.id, ScopePath::root());
        event.with("enabled", enabled).with("response", response(rule.respond)).with("weakens", weakens)
    };
    let waiting = WaitingRule { enabled, body, author: name.clone(), at: now };
    if weakens && waits(tx, caller, own, &waiting).await? {
        let (body, author) = own.map_or_else(|| (None, name.to_string()), |own| (own.body.clone(), own.author.clone()));
        let rule = StoredRule { id, enabled: true, body, version: 0, author, waiting: Some(waiting) };
        return Ok((rule, event("detection_rule.propose")));
    }
    let mut event = event(action);
    if let Some(asked) = own.and_then(|own| own.waiting.as_ref()).filter(|_| weakens) {
        event = event.with("author", asked.author.as_str());
    }
    Ok((StoredRule { id, enabled, body: waiting.body, version: 0, author: name.to_string(), waiting: None }, event))
}

/// Whether a change that weakens a rule has to wait: not where one person alone may change policies, nor where
/// somebody else has made the same change before.
async fn waits(
    tx: &mut WriteTx,
    caller: &Caller,
    own: Option<&StoredRule>,
    wanted: &WaitingRule,
) -> Result<bool, Error> {
    if !shared::is_shared(tx, &ScopePath::root()).await? {
        return Ok(false);
    }
    let same = |waiting: &&WaitingRule| {
        waiting.enabled == wanted.enabled && waiting.body == wanted.body && wanted.at.since(waiting.at) < WAIT_MAX
    };
    match own.and_then(|own| own.waiting.as_ref()).filter(same) {
        Some(waiting) => Ok(!shared::is_another(tx, &waiting.author, caller).await?),
        None => Ok(true),
    }
}

/// The rules in a text, each with its own test cases come out as it says.
fn readable(text: &str) -> Result<Vec<Rule>, Error> {
    let rules = postern_detect::parse(text).map_err(|error| Error::invalid("text", error.to_string()))?;
    for rule in &rules {
        rule.try_cases().map_err(|fault| Error::invalid("text", fault.to_string()))?;
    }
    Ok(rules)
}

pub(crate) fn over_everything(permit: &Permit<Manage>) -> Result<(), Error> {
    if permit.covers(&ScopePath::root()) {
        return Ok(());
    }
    Err(Error::Forbidden("detection rules are for those who look after everything".to_owned()))
}

#[cfg(test)]
mod tests;
