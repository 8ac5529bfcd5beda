//! Intents: effects outside this database, written down before they are tried.

use postern_domain::{IntentId, ScopePath};
use sqlx::Row;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::row;

/// Something that was about to be done, and whose outcome is not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Identifier.
    pub id: IntentId,
    /// What was about to be done, as the event names it.
    pub action: String,
    /// On what.
    pub target: String,
    /// Where it belongs.
    pub scope: ScopePath,
}

impl ReadTx {
    /// Intents without an outcome.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn intents_open(&mut self) -> Result<Vec<Intent>, Error> {
        let rows =
            sqlx::query("select id, action, target, scope from intent where resolved_at is null order by created_at")
                .fetch_all(self.connection())
                .await?;
        rows.iter()
            .map(|found| {
                Ok(Intent {
                    id: row::text(found, "id")?,
                    action: found.try_get("action")?,
                    target: found.try_get("target")?,
                    scope: row::text(found, "scope")?,
                })
            })
            .collect()
    }
}

impl WriteTx {
    /// Writes an intent down; its event becomes the leaf `leaf` when this transaction commits.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn intent_insert(&mut self, intent: &Intent) -> Result<(), Error> {
        let (now, leaf) = (self.now(), self.ledger_tree().await?.size());
        sqlx::query("insert into intent (id, action, target, scope, leaf, created_at) values (?1, ?2, ?3, ?4, ?5, ?6)")
            .bind(intent.id.as_str())
            .bind(&intent.action)
            .bind(&intent.target)
            .bind(intent.scope.as_str())
            .bind(i64::try_from(leaf).unwrap_or(i64::MAX))
            .bind(now.as_millis())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Closes the open intent of `action` on `target`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn intent_resolve(&mut self, action: &str, target: &str, outcome: &str) -> Result<(), Error> {
        let now = self.now();
        sqlx::query(
            "update intent set resolved_at = ?3, outcome = ?4 where action = ?1 and target = ?2 and resolved_at is null",
        )
        .bind(action)
        .bind(target)
        .bind(now.as_millis())
        .bind(outcome)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
