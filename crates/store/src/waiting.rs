//! Links, tokens and keys that do not work before somebody else has confirmed them, or before a time.

use postern_domain::link::{CredentialMade, WaitingCredential};
use postern_domain::{ScopePath, Timestamp};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::row;

/// ?1 is now.
const WAITING: &str = "\
    select 'link' as kind, id, '' as label, user_id, made_by, created_at, works_from, expires_at from link \
        where used_at is null and expires_at > ?1 and (awaits or works_from > ?1) \
    union all select 'token', id, name, user_id, made_by, created_at, works_from, expires_at from api_token \
        where revoked_at is null and expires_at > ?1 and (awaits or works_from > ?1) \
    union all select 'ssh_key', id, fingerprint, user_id, made_by, created_at, works_from, null from ssh_key \
        where awaits or works_from > ?1";

impl ReadTx {
    /// What was made for users in `scopes` and does not work yet at `now`, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn credentials_waiting(
        &mut self,
        scopes: &[ScopePath],
        now: Timestamp,
    ) -> Result<Vec<WaitingCredential>, Error> {
        let within = row::scope_clause("u.scope", "?2");
        let sql = format!(
            "select w.*, u.name, u.scope, m.name as maker from ({WAITING}) w \
             join user u on u.id = w.user_id join user m on m.id = w.made_by \
             where {within} order by w.created_at, w.id"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(now.as_millis())
            .bind(row::scopes_json(scopes))
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(waiting).collect()
    }
}

impl WriteTx {
    /// Somebody has confirmed it: it works from now on, a link until `expires_at`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn credential_confirm(
        &mut self,
        waiting: &WaitingCredential,
        expires_at: Timestamp,
    ) -> Result<(), Error> {
        let sql = match waiting.kind {
            CredentialMade::Link => "update link set awaits = 0, works_from = null, expires_at = ?2 where id = ?1",
            CredentialMade::Token => "update api_token set awaits = 0, works_from = null where id = ?1",
            CredentialMade::SshKey => "update ssh_key set awaits = 0, works_from = null where id = ?1",
        };
        let mut query = sqlx::query(sql).bind(&waiting.id);
        if waiting.kind == CredentialMade::Link {
            query = query.bind(expires_at.as_millis());
        }
        query.execute(self.connection()).await?;
        Ok(())
    }
}

fn waiting(row: &SqliteRow) -> Result<WaitingCredential, Error> {
    Ok(WaitingCredential {
        kind: row::from_word(row, "kind")?,
        id: row.try_get("id")?,
        label: row.try_get("label")?,
        user: row::text(row, "name")?,
        scope: row::text(row, "scope")?,
        made_by: row::text(row, "maker")?,
        created_at: row::time(row, "created_at")?,
        works_from: row::time_opt(row, "works_from")?,
        expires_at: row::time_opt(row, "expires_at")?,
    })
}
