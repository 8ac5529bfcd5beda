//! Heartbeats: does the vaulted secret still open the account? Tried seldom, one account of an asset at a
//! time, and never often enough to lock one.

use std::time::Duration;

use postern_connectors::Verdict;
use postern_domain::event::{Event, Outcome};
use postern_domain::rotation::schedule::offset;
use postern_domain::rotation::setting::HEARTBEAT_DEFAULT;
use postern_domain::rotation::{Heartbeat, HeartbeatResult};
use postern_domain::{AccountId, Period, Timestamp};
use postern_store::DueAccount;

use crate::{Control, Error};

/// How many are looked at in one go.
const AT_ONCE_MAX: u32 = 50;
/// How long one look may take.
const LOOK_MAX: Duration = Duration::from_secs(30);
/// How soon a target that could not be asked is asked again.
const UNCLEAR_PAUSE: Duration = Duration::from_secs(3600);

impl Control {
    /// Tries those secrets that are due, and settles for new ones when they are. To be called now and
    /// then; gives how many it tried.
    ///
    /// # Errors
    /// When the database fails or the vault is sealed.
    pub async fn heartbeats(&self) -> Result<usize, Error> {
        if self.vault().status().sealed {
            return Err(Error::Sealed);
        }
        let now = self.now();
        let due = self.store().read().await?.heartbeats_due(now, HEARTBEAT_DEFAULT, AT_ONCE_MAX).await?;
        let (fresh, due): (Vec<_>, Vec<_>) = due.into_iter().partition(|one| one.at.is_none());
        if !fresh.is_empty() {
            let mut tx = self.store().write(now).await?;
            for one in &fresh {
                tx.heartbeat_at(&one.due.account, now.after(offset(&one.due.account, one.every.duration()))).await?;
            }
            tx.commit_upkeep().await?;
        }
        let mut tried = 0;
        for one in &due {
            tried += usize::from(self.heartbeat(one).await?);
        }
        Ok(tried)
    }

    async fn heartbeat(&self, due: &DueAccount) -> Result<bool, Error> {
        let account = &due.due.account;
        // Written down before it is tried, so that a crash does not try it twice.
        let mut tx = self.store().write(self.now()).await?;
        tx.heartbeat_at(account, next(due.every, tx.now())).await?;
        tx.commit_upkeep().await?;
        let mut rows = self.store().read().await?;
        let acting = match self.acting(&mut rows, account).await {
            Ok(Some(acting)) => acting,
            Ok(None) | Err(Error::Unavailable(_)) => return Ok(false),
            Err(error) => return Err(error),
        };
        let login = match self.login_of(&mut rows, &acting.account).await {
            Ok(login) => login,
            Err(Error::Unavailable(_)) => return Ok(false),
            Err(error) => return Err(error),
        };
        drop(rows);
        let looked = acting.connector.verify(&acting.target, &acting.account.name, &login.secret);
        let (result, detail) = match tokio::time::timeout(LOOK_MAX, looked).await {
            Ok(Verdict::Works) => (HeartbeatResult::Accepted, None),
            Ok(Verdict::Refused(failure)) => (HeartbeatResult::Rejected, Some(failure.detail)),
            Ok(Verdict::Unknown(failure)) => (HeartbeatResult::Unclear, Some(failure.detail)),
            Err(_) => (HeartbeatResult::Unclear, Some("the target did not answer in time".to_owned())),
        };
        let before = acting.account.rotation.heartbeat.as_ref().map(|heartbeat| heartbeat.result);
        let reference = acting.reference();
        self.heartbeat_found(account, &reference, due, Heartbeat { result, detail, checked_at: self.now() }, before)
            .await?;
        Ok(true)
    }

    async fn heartbeat_found(
        &self,
        account: &AccountId,
        reference: &str,
        due: &DueAccount,
        found: Heartbeat,
        before: Option<HeartbeatResult>,
    ) -> Result<(), Error> {
        let now = self.now();
        let mut tx = self.store().write(now).await?;
        let next_at = match found.result {
            HeartbeatResult::Unclear => now.after(UNCLEAR_PAUSE.min(due.every.duration())),
            HeartbeatResult::Accepted | HeartbeatResult::Rejected => next(due.every, now),
        };
        tx.heartbeat_set(account, &found, next_at).await?;
        // The ledger is told when something changes, not every day that nothing does.
        let told = match (before, found.result) {
            (before, HeartbeatResult::Rejected) if before != Some(HeartbeatResult::Rejected) => Some(Outcome::Failed),
            (Some(HeartbeatResult::Rejected), HeartbeatResult::Accepted) => Some(Outcome::Done),
            _ => None,
        };
        let Some(outcome) = told else { return Ok(tx.commit_upkeep().await?) };
        if outcome == Outcome::Failed {
            tracing::warn!(account = reference, "a vaulted secret does not open its account any more");
        }
        let mut event =
            Event::done(now, Self::system(), "heartbeat.change", reference, due.scope.clone()).outcome(outcome);
        if let Some(detail) = found.detail {
            event = event.with("detail", detail);
        }
        self.commit(tx, &[event]).await?;
        Ok(())
    }
}

fn next(every: Period, now: Timestamp) -> Timestamp {
    now.after(every.duration())
}

#[cfg(test)]
mod tests;
