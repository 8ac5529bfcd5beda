//! What has yet to be told of a new secret.

use postern_domain::rotation::{Dependent, DependentState};
use postern_domain::{AccountId, Timestamp};
use sqlx::Row;

use crate::db::WriteTx;
use crate::error::Error;
use crate::row;

/// A dependent that this worker alone tells.
#[derive(Clone, Debug)]
pub struct ClaimedPush {
    /// Whose secret.
    pub account: AccountId,
    /// The dependent.
    pub name: String,
    /// Which version it is to have.
    pub version: u32,
    /// How often it was tried.
    pub attempts: u32,
    /// What every write must know.
    pub fence: i64,
}

impl WriteTx {
    /// Notes that the account's dependents have yet to be told of `version`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn dependents_pending(
        &mut self,
        account: &AccountId,
        dependents: &[Dependent],
        version: u32,
    ) -> Result<(), Error> {
        let now = self.now();
        for dependent in dependents {
            sqlx::query(
                "insert into dependent_push (account_id, name, state, version, next_at) \
                 values (?1, ?2, 'pending', ?3, ?4) on conflict (account_id, name) do update set state = 'pending', \
                 version = ?3, note = null, next_at = ?4, fence = fence + 1, lease_until = 0, attempts = 0",
            )
            .bind(account.as_str())
            .bind(&dependent.name)
            .bind(i64::from(version))
            .bind(now.as_millis())
            .execute(self.connection())
            .await?;
        }
        Ok(())
    }

    /// Takes up a dependent that is to be told.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn dependent_claim(&mut self, lease_until: Timestamp) -> Result<Option<ClaimedPush>, Error> {
        let now = self.now();
        let found = sqlx::query(
            "update dependent_push set fence = fence + 1, lease_until = ?2, attempts = attempts + 1 \
             where (account_id, name) = (select account_id, name from dependent_push \
             where next_at <= ?1 and lease_until <= ?1 order by next_at limit 1) returning *",
        )
        .bind(now.as_millis())
        .bind(lease_until.as_millis())
        .fetch_optional(self.connection())
        .await?;
        found
            .map(|found| {
                let count = |column: &str| -> Result<u32, Error> {
                    Ok(u32::try_from(found.try_get::<i64, _>(column)?).unwrap_or(u32::MAX))
                };
                Ok(ClaimedPush {
                    account: row::text(&found, "account_id")?,
                    name: found.try_get("name")?,
                    version: count("version")?,
                    attempts: count("attempts")?,
                    fence: found.try_get("fence")?,
                })
            })
            .transpose()
    }

    /// What became of telling a dependent, and when it is tried again. Gives false where somebody else has
    /// taken it up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn dependent_save(
        &mut self,
        claimed: &ClaimedPush,
        state: DependentState,
        note: Option<&str>,
        next_at: Option<Timestamp>,
    ) -> Result<bool, Error> {
        let now = self.now();
        let done = sqlx::query(
            "update dependent_push set state = ?4, note = ?5, at = ?6, next_at = ?7, lease_until = 0 \
             where account_id = ?1 and name = ?2 and fence = ?3",
        )
        .bind(claimed.account.as_str())
        .bind(&claimed.name)
        .bind(claimed.fence)
        .bind(row::word(&state, "state")?)
        .bind(note)
        .bind(now.as_millis())
        .bind(next_at.map(Timestamp::as_millis))
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() > 0)
    }
}
