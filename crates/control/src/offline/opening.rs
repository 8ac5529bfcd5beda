//! What follows once a bundle was opened: it is told, it has to be reviewed, and what was seen is changed.

use std::time::Duration;

use postern_domain::break_glass::{BreakGlassTier, BreakGlassUse};
use postern_domain::event::Event;
use postern_domain::permit::{Manage, Permit};
use postern_domain::rotation::RotationTrigger;
use postern_domain::{BreakGlassUseId, ScopePath};
use postern_vault::{Envelope, offline, random};
use schemars::JsonSchema;
use serde::Deserialize;

use super::bundle::{binding, read_manifest};
use super::plan::everywhere;
use crate::break_glass::about;
use crate::request::REASON_LEN_MAX;
use crate::{Caller, Control, Error, text};

/// How long the opening of a bundle may wait for its review.
const REVIEW_WITHIN: Duration = Duration::from_secs(24 * 3600);
const INCIDENT_LEN_MAX: usize = 100;

/// A bundle was opened.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenedInput {
    /// The record that `postern-open` has written, as it is. It says what was seen.
    #[serde(default)]
    pub record: Option<String>,
    /// Which bundle, where there is no record: then everything in it counts as seen.
    #[serde(default)]
    pub serial: Option<u64>,
    /// The incident; the record's where it is left out.
    #[serde(default)]
    pub incident: Option<String>,
    /// What happened; the record's where it is left out.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A record's file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordFile {
    /// What was opened, as JSON text: over this the code is made.
    opening: String,
    /// The code, hex.
    mac: String,
}

/// What a record says.
#[derive(Deserialize)]
struct Opening {
    serial: u64,
    opened_at: String,
    holders: Vec<String>,
    accounts: Vec<String>,
    incident: String,
    reason: String,
}

impl Control {
    /// Takes down that a bundle was opened, by its record or by somebody's word: a use that has to be
    /// reviewed is written down and told, and what was seen is changed.
    ///
    /// # Errors
    /// `Invalid` where the record is none of ours, or no incident and reason are given.
    pub async fn offline_opened(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        input: &OpenedInput,
    ) -> Result<BreakGlassUse, Error> {
        everywhere(permit)?;
        let opening = match (&input.record, input.serial) {
            (Some(record), None) => Some(self.record(record).await?),
            (None, Some(_)) => None,
            _ => return Err(Error::invalid("record", "give the record of postern-open, or the bundle's number alone")),
        };
        let serial = opening.as_ref().map(|opening| opening.serial).or(input.serial).unwrap_or(0);
        let said = |given: &Option<String>, recorded: Option<&String>| {
            given.clone().filter(|text| !text.trim().is_empty()).or_else(|| recorded.cloned()).unwrap_or_default()
        };
        let incident = said(&input.incident, opening.as_ref().map(|opening| &opening.incident));
        let reason = said(&input.reason, opening.as_ref().map(|opening| &opening.reason));
        let incident = text::words("incident", &incident, INCIDENT_LEN_MAX)?;
        let reason = text::words("reason", &reason, REASON_LEN_MAX)?;
        for (field, given) in [("incident", &incident), ("reason", &reason)] {
            if given.is_empty() {
                return Err(Error::invalid(field, "say it: whoever reviews this reads it"));
            }
        }
        let mut tx = self.store().write(self.now()).await?;
        let bundle = tx.bundle(serial).await?.ok_or_else(|| Error::not_found("bundle", serial))?;
        let now = tx.now();
        let used = BreakGlassUse {
            id: BreakGlassUseId::generate(now, random::bytes()),
            tier: BreakGlassTier::Offline,
            user: caller.user.name.clone(),
            identity: caller.user.profile.identity.clone(),
            target: format!("bundle {serial}"),
            scope: ScopePath::root(),
            grant: None,
            incident,
            reason,
            review_by: Vec::new(),
            at: now,
            review_until: now.after(REVIEW_WITHIN),
            review: None,
        };
        tx.break_glass_use_insert(&used).await?;
        let event = Event::done(now, caller.actor(), "break_glass.use", used.target.as_str(), used.scope.clone());
        let mut event = about(event, &used);
        if let Some(opening) = &opening {
            event = event
                .with("opened_at", opening.opened_at.as_str())
                .with("holders", opening.holders.clone())
                .with("accounts", opening.accounts.clone());
        }
        let mut events = vec![event];
        for bundled in read_manifest(&bundle)?.accounts {
            let name = bundled.account().to_string();
            let seen = opening.as_ref().is_none_or(|opening| opening.accounts.contains(&name));
            if seen && tx.account(&bundled.id).await?.is_some() {
                let (_, event) = self.rotation_follows(&mut tx, &bundled.id, RotationTrigger::Demand).await?;
                events.push(event);
            }
        }
        self.commit(tx, &events).await?;
        self.0.work.notify_one();
        Ok(used)
    }

    /// What a record says, once it is known to come from somebody who has opened the bundle.
    async fn record(&self, text: &str) -> Result<Opening, Error> {
        let wrong = |why: &str| Error::invalid("record", why);
        let file: RecordFile =
            serde_json::from_str(text).map_err(|_| wrong("is not a record that postern-open has written"))?;
        let opening: Opening =
            serde_json::from_str(&file.opening).map_err(|_| wrong("is not a record that postern-open has written"))?;
        let bundle = self.store().read().await?.bundle(opening.serial).await?;
        let bundle = bundle.ok_or_else(|| wrong("is of a bundle that this Postern has not written"))?;
        let key = self.vault().open(&binding(bundle.serial), &Envelope::parse(&bundle.record_key)?)?;
        if !offline::record_mac_is(&key, file.opening.as_bytes(), &file.mac) {
            return Err(wrong("was altered, or is of another bundle"));
        }
        Ok(opening)
    }
}
