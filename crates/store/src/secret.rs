//! Sealed secrets, in append-only versions.

use postern_domain::account::CredentialKind;
use postern_domain::rotation::VersionState;
use postern_domain::{AccountId, SecretId};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::row;

/// One version of an account's secret, as the vault sealed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecret {
    /// Identifier.
    pub id: SecretId,
    /// Whose it is.
    pub account: AccountId,
    /// Counts the account's secrets, from 1.
    pub version: u32,
    /// What it is.
    pub kind: CredentialKind,
    /// Where it stands.
    pub state: VersionState,
    /// The envelope.
    pub sealed: Vec<u8>,
}

impl ReadTx {
    /// The account's secret.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn secret_current(&mut self, account: &AccountId) -> Result<Option<SealedSecret>, Error> {
        let row = sqlx::query("select * from secret where account_id = ?1 and state = 'current'")
            .bind(account.as_str())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(secret).transpose()
    }

    /// One version of an account's secret, whatever became of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn secret_version(&mut self, account: &AccountId, version: u32) -> Result<Option<SealedSecret>, Error> {
        let row = sqlx::query("select * from secret where account_id = ?1 and version = ?2")
            .bind(account.as_str())
            .bind(i64::from(version))
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(secret).transpose()
    }

    /// Every version of an account's secret, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn secret_versions(&mut self, account: &AccountId) -> Result<Vec<SealedSecret>, Error> {
        let rows = sqlx::query("select * from secret where account_id = ?1 order by version desc")
            .bind(account.as_str())
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(secret).collect()
    }

    /// The number of an account's next version.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn secret_version_next(&mut self, account: &AccountId) -> Result<u32, Error> {
        let newest: Option<i64> = sqlx::query_scalar("select max(version) from secret where account_id = ?1")
            .bind(account.as_str())
            .fetch_one(self.connection())
            .await?;
        Ok(u32::try_from(newest.unwrap_or(0)).unwrap_or(u32::MAX).saturating_add(1))
    }

    /// Secrets of all accounts and versions in the order of their identifiers, from the one after
    /// `after`, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn secrets_after(&mut self, after: Option<&SecretId>, limit: u32) -> Result<Vec<SealedSecret>, Error> {
        let rows = sqlx::query("select * from secret where id > ?1 order by id limit ?2")
            .bind(after.map_or("", SecretId::as_str))
            .bind(limit)
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(secret).collect()
    }
}

fn secret(found: &SqliteRow) -> Result<SealedSecret, Error> {
    Ok(SealedSecret {
        id: row::text(found, "id")?,
        account: row::text(found, "account_id")?,
        version: u32::try_from(found.try_get::<i64, _>("version")?).map_err(|_| Error::Corrupt { what: "version" })?,
        kind: row::from_word(found, "kind")?,
        state: row::from_word(found, "state")?,
        sealed: found.try_get("sealed")?,
    })
}

impl WriteTx {
    /// A new version of an account's secret. One that is the account's at once takes the place of the
    /// one before, which stays.
    ///
    /// # Errors
    /// When the version exists, when there is a candidate already, or the database fails.
    pub async fn secret_insert(&mut self, secret: &SealedSecret) -> Result<(), Error> {
        let now = self.now();
        if secret.state == VersionState::Current {
            self.secret_superseded(&secret.account).await?;
        }
        sqlx::query(
            "insert into secret (id, account_id, version, kind, state, sealed, created_at) \
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .bind(secret.id.as_str())
        .bind(secret.account.as_str())
        .bind(i64::from(secret.version))
        .bind(row::word(&secret.kind, "kind")?)
        .bind(row::word(&secret.state, "state")?)
        .bind(&secret.sealed)
        .bind(now.as_millis())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn secret_superseded(&mut self, account: &AccountId) -> Result<(), Error> {
        sqlx::query("update secret set state = 'previous' where account_id = ?1 and state = 'current'")
            .bind(account.as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// The candidate has been verified and is the account's secret now; the one before stays. Gives
    /// whether that version was the candidate.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn secret_promote(&mut self, account: &AccountId, version: u32) -> Result<bool, Error> {
        let now = self.now();
        self.secret_superseded(account).await?;
        let done = sqlx::query(
            "update secret set state = 'current', verified_at = ?3 \
             where account_id = ?1 and version = ?2 and state = 'candidate'",
        )
        .bind(account.as_str())
        .bind(i64::from(version))
        .bind(now.as_millis())
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// The candidate, if there is one, will not become the account's. It stays as `state`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn secret_candidate_dropped(&mut self, account: &AccountId, state: VersionState) -> Result<(), Error> {
        sqlx::query("update secret set state = ?2 where account_id = ?1 and state = 'candidate'")
            .bind(account.as_str())
            .bind(row::word(&state, "state")?)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Puts the same secret under another key: the envelope changes, what it holds does not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn secret_rewrap(&mut self, id: &SecretId, sealed: &[u8]) -> Result<(), Error> {
        sqlx::query("update secret set sealed = ?2 where id = ?1")
            .bind(id.as_str())
            .bind(sealed)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}
