//! What is made on targets for sessions, from the moment before it is made until it is gone.

use postern_domain::provision::{ProvisionRule, ProvisionState, Provisioning};
use postern_domain::{AccountId, AssetId, GrantId, ProvisionId, ScopePath, SessionId, Timestamp};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::page::{Page, PageRequest};
use crate::row;

/// What is about to be made, or was found.
#[derive(Clone, Debug)]
pub struct NewProvision {
    /// Identifier.
    pub id: ProvisionId,
    /// The account that was asked for; none for what was found.
    pub account: Option<AccountId>,
    /// The asset.
    pub asset: AssetId,
    /// The account as people call it.
    pub reference: String,
    /// The scope.
    pub scope: ScopePath,
    /// What names it on the target.
    pub grant: GrantId,
    /// What it is; none for what was found.
    pub rule: Option<ProvisionRule>,
    /// What takes it away again, as the connectors say it: JSON.
    pub placed: String,
    /// Where it stands: being made, or to be taken away.
    pub state: ProvisionState,
    /// When it is taken away at the latest.
    pub expires_at: Timestamp,
    /// When it is looked at if nobody says that it is there.
    pub next_at: Timestamp,
}

/// Something that this worker alone takes away.
#[derive(Clone, Debug)]
pub struct ClaimedProvision {
    /// Which.
    pub id: ProvisionId,
    /// The asset.
    pub asset: AssetId,
    /// The account as people call it.
    pub reference: String,
    /// The scope.
    pub scope: ScopePath,
    /// What takes it away.
    pub placed: String,
    /// How often it was tried.
    pub attempts: u32,
    /// What every write must know.
    pub fence: i64,
}

impl ReadTx {
    /// What was made in `scopes`, newest first; only what is not known to be gone where wanted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn provisions(
        &mut self,
        scopes: &[ScopePath],
        live: bool,
        page: &PageRequest,
    ) -> Result<Page<Provisioning>, Error> {
        let sql = format!(
            "select * from provision where (?1 = '' or id < ?1) and {} and (?3 = 0 or state <> 'revoked') \
             order by id desc limit ?4",
            row::scope_clause("scope", "?2")
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(page.after())
            .bind(row::scopes_json(scopes))
            .bind(i64::from(live))
            .bind(page.limit() + 1)
            .fetch_all(self.connection())
            .await?;
        let provisions = rows.iter().map(provision).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::from_rows(provisions, page.limit(), |provision| provision.id.to_string()))
    }

    /// What is or may be on an asset: what takes each of them away.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn provisions_on(&mut self, asset: &AssetId) -> Result<Vec<String>, Error> {
        Ok(sqlx::query_scalar("select placed from provision where asset_id = ?1 and state <> 'revoked'")
            .bind(asset.as_str())
            .fetch_all(self.connection())
            .await?)
    }

    /// What a session stands on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn provision_of(&mut self, session: &SessionId) -> Result<Option<ProvisionId>, Error> {
        let id: Option<Option<String>> = sqlx::query_scalar("select provision_id from session where id = ?1")
            .bind(session.as_str())
            .fetch_optional(self.connection())
            .await?;
        id.flatten().map(|id| id.parse().map_err(|_| Error::Corrupt { what: "provision_id" })).transpose()
    }

    /// Assets on which something was ever made and that are due to be looked at, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn inventories_due(&mut self, now: Timestamp, limit: u32) -> Result<Vec<AssetId>, Error> {
        let rows =
            sqlx::query("select asset_id from provision_inventory where next_at <= ?1 order by next_at limit ?2")
                .bind(now.as_millis())
                .bind(limit)
                .fetch_all(self.connection())
                .await?;
        rows.iter().map(|found| row::text(found, "asset_id")).collect()
    }
}

impl WriteTx {
    /// Writes down what is about to be made, and with it that it will be taken away.
    ///
    /// # Errors
    /// `Exists` where the same is there or is being taken away.
    pub async fn provision_insert(&mut self, new: &NewProvision) -> Result<(), Error> {
        let now = self.now();
        sqlx::query(
            "insert into provision (id, account_id, asset_id, account, scope, name, rule, placed, state, expires_at, \
             next_at, created_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )
        .bind(new.id.as_str())
        .bind(new.account.as_ref().map(AccountId::as_str))
        .bind(new.asset.as_str())
        .bind(&new.reference)
        .bind(new.scope.as_str())
        .bind(new.grant.as_str())
        .bind(new.rule.as_ref().map(|rule| row::to_json(rule, "rule")).transpose()?)
        .bind(&new.placed)
        .bind(row::word(&new.state, "state")?)
        .bind(new.expires_at.as_millis())
        .bind(new.next_at.as_millis())
        .bind(now.as_millis())
        .execute(self.connection())
        .await?;
        sqlx::query(
            "insert into provision_inventory (asset_id, next_at) values (?1, ?2) on conflict (asset_id) do nothing",
        )
        .bind(new.asset.as_str())
        .bind(new.expires_at.as_millis())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// It is there, and what takes it away. Gives false where it is to be taken away already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn provision_active(&mut self, id: &ProvisionId, placed: &str) -> Result<bool, Error> {
        let done = sqlx::query(
            "update provision set state = 'active', placed = ?2, next_at = expires_at \
             where id = ?1 and state = 'provisioning'",
        )
        .bind(id.as_str())
        .bind(placed)
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// The session stands on what was made.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn provision_used(&mut self, id: &ProvisionId, session: &SessionId) -> Result<(), Error> {
        sqlx::query("update session set provision_id = ?2 where id = ?1")
            .bind(session.as_str())
            .bind(id.as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// It is to be taken away now, unless a session still stands on it. Gives whether it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn provision_revoke(&mut self, id: &ProvisionId) -> Result<bool, Error> {
        let now = self.now();
        let done = sqlx::query(
            "update provision set state = 'revoking', next_at = ?2, fence = fence + 1, lease_until = 0 \
             where id = ?1 and state in ('provisioning', 'active') \
             and not exists (select 1 from session s where s.provision_id = ?1 and s.state <> 'ended')",
        )
        .bind(id.as_str())
        .bind(now.as_millis())
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Takes up something that is to be taken away: its time is over, or nobody ever said that it is there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn provision_claim(&mut self, lease_until: Timestamp) -> Result<Option<ClaimedProvision>, Error> {
        let now = self.now();
        let found = sqlx::query(
            "update provision set state = 'revoking', fence = fence + 1, lease_until = ?2, attempts = attempts + 1 \
             where id = (select id from provision where state <> 'revoked' and next_at <= ?1 and lease_until <= ?1 \
             order by next_at limit 1) returning *",
        )
        .bind(now.as_millis())
        .bind(lease_until.as_millis())
        .fetch_optional(self.connection())
        .await?;
        found
            .map(|found| {
                Ok(ClaimedProvision {
                    id: row::text(&found, "id")?,
                    asset: row::text(&found, "asset_id")?,
                    reference: found.try_get("account")?,
                    scope: row::text(&found, "scope")?,
                    placed: found.try_get("placed")?,
                    attempts: u32::try_from(found.try_get::<i64, _>("attempts")?).unwrap_or(u32::MAX),
                    fence: found.try_get("fence")?,
                })
            })
            .transpose()
    }

    /// It is gone; or it is not, and is tried again at `next_at`. Gives false where somebody else has taken
    /// it up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn provision_save(
        &mut self,
        claimed: &ClaimedProvision,
        outcome: Result<(), (&str, Timestamp)>,
    ) -> Result<bool, Error> {
        let now = self.now();
        let gone = outcome.is_ok();
        let (note, next_at) = outcome.err().unzip();
        let done = sqlx::query(
            "update provision set state = ?3, note = ?4, next_at = ?5, revoked_at = ?6, lease_until = 0 \
             where id = ?1 and fence = ?2",
        )
        .bind(claimed.id.as_str())
        .bind(claimed.fence)
        .bind(if gone { "revoked" } else { "revoking" })
        .bind(note)
        .bind(next_at.map(Timestamp::as_millis))
        .bind(gone.then(|| now.as_millis()))
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Says when an asset is looked at next for what was left over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn inventory_at(&mut self, asset: &AssetId, next_at: Timestamp) -> Result<(), Error> {
        sqlx::query("update provision_inventory set next_at = ?2 where asset_id = ?1")
            .bind(asset.as_str())
            .bind(next_at.as_millis())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

fn provision(found: &SqliteRow) -> Result<Provisioning, Error> {
    Ok(Provisioning {
        id: row::text(found, "id")?,
        account: row::text(found, "account")?,
        scope: row::text(found, "scope")?,
        grant: row::text(found, "name")?,
        rule: row::json_opt(found, "rule")?,
        state: row::from_word(found, "state")?,
        expires_at: row::time(found, "expires_at")?,
        attempts: u32::try_from(found.try_get::<i64, _>("attempts")?).unwrap_or(u32::MAX),
        note: found.try_get("note")?,
        created_at: row::time(found, "created_at")?,
        revoked_at: row::time_opt(found, "revoked_at")?,
    })
}
