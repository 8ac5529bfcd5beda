//! One-time links. Only a hash of each one's token is kept.

use postern_domain::{LinkId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::row;

/// What a one-time link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkPurpose {
    /// Making the first administrator.
    Setup,
    /// Choosing a password and enrolling a second factor.
    Enrol,
    /// Confirming a second factor for a gateway that waits.
    Factor,
}

/// A one-time link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Identifier.
    pub id: LinkId,
    /// What it is for.
    pub purpose: LinkPurpose,
    /// Whom it is for; nobody yet for set-up.
    pub user: Option<UserId>,
    /// The address that a waiting gateway's client came from.
    pub source: Option<String>,
    /// The fingerprint of the key that a waiting gateway's client came with; empty for a password.
    pub ssh_key: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// When it was used, if it was.
    pub used_at: Option<Timestamp>,
    /// The generator's seed that it offers, as the vault sealed it.
    pub totp_sealed: Option<Vec<u8>>,
    /// Who made it for somebody who exists already.
    pub made_by: Option<UserId>,
    /// Whether somebody else has to confirm it.
    pub awaits: bool,
    /// From when it works, where that is later.
    pub works_from: Option<Timestamp>,
}

impl Link {
    /// Whether it can be used at `now`.
    #[must_use]
    pub fn alive(&self, now: Timestamp) -> bool {
        self.used_at.is_none() && self.expires_at > now
    }

    /// Whether it does not work yet.
    #[must_use]
    pub fn waits(&self, now: Timestamp) -> bool {
        self.awaits || self.works_from.is_some_and(|from| from > now)
    }
}

impl ReadTx {
    /// The link whose token has this hash.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn link_by_hash(&mut self, hash: &str) -> Result<Option<Link>, Error> {
        let row =
            sqlx::query("select * from link where hash = ?1").bind(hash).fetch_optional(self.connection()).await?;
        row.as_ref().map(link).transpose()
    }

    /// The sealed seeds that links offer.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn link_seeds(&mut self) -> Result<Vec<(LinkId, Vec<u8>)>, Error> {
        let rows = sqlx::query("select id, totp_sealed from link where totp_sealed is not null order by id")
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(|row| Ok((row::text(row, "id")?, row.try_get("totp_sealed")?))).collect()
    }
}

impl WriteTx {
    /// Adds a link.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn link_create(&mut self, link: &Link, hash: &str) -> Result<(), Error> {
        sqlx::query(
            "insert into link (id, hash, purpose, user_id, source, ssh_key, created_at, expires_at, totp_sealed, \
             made_by, awaits, works_from) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )
        .bind(link.id.as_str())
        .bind(hash)
        .bind(row::word(&link.purpose, "purpose")?)
        .bind(link.user.as_ref().map(UserId::as_str))
        .bind(&link.source)
        .bind(&link.ssh_key)
        .bind(link.created_at.as_millis())
        .bind(link.expires_at.as_millis())
        .bind(&link.totp_sealed)
        .bind(link.made_by.as_ref().map(UserId::as_str))
        .bind(link.awaits)
        .bind(link.works_from.map(Timestamp::as_millis))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Keeps the seed that the link offers, unless it has one; gives the one that it has.
    ///
    /// # Errors
    /// When there is no such link or the database fails.
    pub async fn link_offer(&mut self, id: &LinkId, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(sqlx::query_scalar(
            "update link set totp_sealed = coalesce(totp_sealed, ?2) where id = ?1 returning totp_sealed",
        )
        .bind(id.as_str())
        .bind(sealed)
        .fetch_one(self.connection())
        .await?)
    }

    /// Stores the same seed sealed anew.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn link_rewrap(&mut self, id: &LinkId, sealed: &[u8]) -> Result<(), Error> {
        sqlx::query("update link set totp_sealed = ?2 where id = ?1")
            .bind(id.as_str())
            .bind(sealed)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Uses the link up; false when it was used before or has expired. The seed goes with it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn link_use(&mut self, id: &LinkId) -> Result<bool, Error> {
        let now = self.now();
        let used = sqlx::query(
            "update link set used_at = ?2, totp_sealed = null where id = ?1 and used_at is null and expires_at > ?2 \
             and not awaits and coalesce(works_from, 0) <= ?2",
        )
        .bind(id.as_str())
        .bind(now.as_millis())
        .execute(self.connection())
        .await?;
        Ok(used.rows_affected() == 1)
    }

    /// Ends all of a user's links that have not been used.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn links_end(&mut self, user: &UserId) -> Result<(), Error> {
        let now = self.now();
        sqlx::query(
            "update link set expires_at = ?2, totp_sealed = null \
             where user_id = ?1 and used_at is null and expires_at > ?2",
        )
        .bind(user.as_str())
        .bind(now.as_millis())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Ends the links of this purpose that are for nobody yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn links_setup_end(&mut self) -> Result<(), Error> {
        sqlx::query("delete from link where purpose = 'setup' and used_at is null").execute(self.connection()).await?;
        Ok(())
    }

    /// Forgets links that expired before `before`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn links_forget(&mut self, before: Timestamp) -> Result<(), Error> {
        sqlx::query("delete from link where expires_at < ?1")
            .bind(before.as_millis())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

fn link(row: &SqliteRow) -> Result<Link, Error> {
    Ok(Link {
        id: row::text(row, "id")?,
        purpose: row::from_word(row, "purpose")?,
        user: row::text_opt(row, "user_id")?,
        source: row.try_get("source")?,
        ssh_key: row.try_get("ssh_key")?,
        created_at: row::time(row, "created_at")?,
        expires_at: row::time(row, "expires_at")?,
        used_at: row::time_opt(row, "used_at")?,
        totp_sealed: row.try_get("totp_sealed")?,
        made_by: row::text_opt(row, "made_by")?,
        awaits: row.try_get("awaits")?,
        works_from: row::time_opt(row, "works_from")?,
    })
}
