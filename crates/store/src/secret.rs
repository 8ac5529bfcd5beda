//! Sealed secrets, in append-only versions.

use postern_domain::account::CredentialKind;
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
    /// The envelope.
    pub sealed: Vec<u8>,
}

impl ReadTx {
    /// The newest secret of an account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn secret_newest(&mut self, account: &AccountId) -> Result<Option<SealedSecret>, Error> {
        let row = sqlx::query("select * from secret where account_id = ?1 order by version desc limit 1")
            .bind(account.as_str())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(secret).transpose()
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
        sealed: found.try_get("sealed")?,
    })
}

impl WriteTx {
    /// A new version of an account's secret.
    ///
    /// # Errors
    /// When the version exists, or the database fails.
    pub async fn secret_insert(&mut self, secret: &SealedSecret) -> Result<(), Error> {
        let now = self.now();
        sqlx::query(
            "insert into secret (id, account_id, version, kind, sealed, created_at) values (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .bind(secret.id.as_str())
        .bind(secret.account.as_str())
        .bind(i64::from(secret.version))
        .bind(row::word(&secret.kind, "kind")?)
        .bind(&secret.sealed)
        .bind(now.as_millis())
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
