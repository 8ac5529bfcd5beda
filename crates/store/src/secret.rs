//! Sealed secrets, in append-only versions.

use postern_domain::account::CredentialKind;
use postern_domain::{AccountId, SecretId};
use sqlx::Row;

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
        row.map(|row| {
            Ok(SealedSecret {
                id: row::text(&row, "id")?,
                account: row::text(&row, "account_id")?,
                version: u32::try_from(row.try_get::<i64, _>("version")?)
                    .map_err(|_| Error::Corrupt { what: "version" })?,
                kind: row::from_word(&row, "kind")?,
                sealed: row.try_get("sealed")?,
            })
        })
        .transpose()
    }
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
}
