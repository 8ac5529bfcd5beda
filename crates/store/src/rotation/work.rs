//! Working on rotations: who does, and what becomes of them.

use postern_domain::rotation::machine::Machine;
use postern_domain::rotation::{RotationRun, RotationRunState};
use postern_domain::{AccountId, AssetId, RotationId, RotationRunId, ScopePath, Timestamp};
use sqlx::Row;

use super::{NewRotation, SELECT, rotation};
use crate::db::WriteTx;
use crate::error::Error;
use crate::row;

/// As many broken rotations that were begun by schedule keep further ones from being begun: something is
/// wrong with more than one account.
pub const BREAKER_FAILURES: u32 = 5;

/// Which one may be worked on: its time has come and nobody works on it; nor on another of the same asset,
/// nor has one there changed something that is not settled. A run goes on one at a time until one has
/// succeeded.
const CLAIM: &str = "select r.id from rotation r left join rotation_run n on n.id = r.run_id \
     where r.ended_at is null and r.next_at <= ?1 and r.lease_until <= ?1 \
     and not exists (select 1 from rotation o where o.asset_id = r.asset_id and o.id <> r.id and o.ended_at is null \
       and (o.lease_until > ?1 or (r.state = 'planned' and o.state not in ('planned', 'broken')))) \
     and (r.state <> 'planned' or n.id is null or (n.state = 'running' and \
       (select count(*) from rotation o where o.run_id = n.id and o.ended_at is null \
         and (o.state not in ('planned', 'broken') or o.lease_until > ?1)) \
       < case when exists (select 1 from rotation d where d.run_id = n.id and d.state = 'current') \
         then n.concurrency else 1 end)) \
     and (r.state <> 'planned' or r.cause <> 'schedule' or (select count(*) from rotation b \
       where b.cause = 'schedule' and b.state = 'broken' and b.ended_at is null) < ?2) \
     order by r.next_at, r.id limit 1";

/// A rotation that this worker alone may go on with.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// Which.
    pub id: RotationId,
    /// Its account.
    pub account: AccountId,
    /// Its asset.
    pub asset: AssetId,
    /// The scope.
    pub scope: ScopePath,
    /// The run that it belongs to.
    pub run: Option<RotationRunId>,
    /// The rotation as people see it.
    pub rotation: postern_domain::rotation::Rotation,
    /// The state machine as it was written down.
    pub machine: Machine,
    /// What every write must know.
    pub fence: i64,
}

/// What is written down of a rotation that is being worked on.
#[derive(Clone, Debug)]
pub struct Saved<'a> {
    /// The state machine.
    pub machine: &'a Machine,
    /// When it is gone on with; none when that waits for a person or never is.
    pub next_at: Option<Timestamp>,
    /// Until when this worker goes on with it; none when it lets go.
    pub lease_until: Option<Timestamp>,
}

impl WriteTx {
    /// A rotation that is due. Gives false, and does nothing, where the account has one that is not over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotation_insert(&mut self, new: &NewRotation) -> Result<bool, Error> {
        Ok(self.rotations_insert(std::slice::from_ref(new)).await? > 0)
    }

    /// Rotations that are due, in one statement however many. Leaves out those whose account has one that
    /// is not over; gives how many are new.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotations_insert(&mut self, new: &[NewRotation]) -> Result<u64, Error> {
        let now = self.now();
        let rows = new
            .iter()
            .map(|new| {
                Ok(serde_json::json!([
                    new.id.as_str(),
                    new.account.as_str(),
                    new.asset.as_str(),
                    new.scope.as_str(),
                    row::word(&new.trigger, "cause")?,
                    new.run.as_ref().map(RotationRunId::as_str),
                    row::word(&new.machine.state(), "state")?,
                    row::to_json(&new.machine, "machine")?,
                    new.next_at.as_millis(),
                ]))
            })
            .collect::<Result<Vec<_>, Error>>()?;
        // `where true` keeps `on conflict` from being read as part of the join.
        let done = sqlx::query(
            "insert into rotation (id, account_id, asset_id, scope, cause, run_id, state, machine, next_at, created_at) \
             select n.value ->> 0, n.value ->> 1, n.value ->> 2, n.value ->> 3, n.value ->> 4, n.value ->> 5, \
             n.value ->> 6, n.value ->> 7, n.value ->> 8, ?2 from json_each(?1) n where true \
             on conflict (account_id) where ended_at is null do nothing",
        )
        .bind(row::to_json(&rows, "rotation")?)
        .bind(now.as_millis())
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected())
    }

    /// Takes up the rotation that has waited longest, if one may be gone on with. Nobody else can write to
    /// it until `lease_until`, and who could before cannot any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotation_claim(&mut self, lease_until: Timestamp) -> Result<Option<Claimed>, Error> {
        let now = self.now();
        let id: Option<String> = sqlx::query_scalar(CLAIM)
            .bind(now.as_millis())
            .bind(BREAKER_FAILURES)
            .fetch_optional(self.connection())
            .await?;
        let Some(id) = id else { return Ok(None) };
        sqlx::query("update rotation set fence = fence + 1, lease_until = ?2 where id = ?1")
            .bind(&id)
            .bind(lease_until.as_millis())
            .execute(self.connection())
            .await?;
        let sql = format!("{SELECT} where r.id = ?1");
        let found = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(&id).fetch_one(self.connection()).await?;
        Ok(Some(Claimed {
            id: row::text(&found, "id")?,
            account: row::text(&found, "account_id")?,
            asset: row::text(&found, "asset_id")?,
            scope: row::text(&found, "scope")?,
            run: row::text_opt(&found, "run_id")?,
            rotation: rotation(&found)?,
            machine: row::json(&found, "machine")?,
            fence: found.try_get("fence")?,
        }))
    }

    /// Writes a rotation down. Gives false, and writes nothing, where it was taken up by somebody else.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotation_save(&mut self, id: &RotationId, fence: i64, saved: &Saved<'_>) -> Result<bool, Error> {
        let now = self.now();
        let machine = saved.machine;
        let done = sqlx::query(
            "update rotation set state = ?3, machine = ?4, version = ?5, attempts = ?6, note = ?7, next_at = ?8, \
             lease_until = ?9, ended_at = ?10 where id = ?1 and fence = ?2 and ended_at is null",
        )
        .bind(id.as_str())
        .bind(fence)
        .bind(row::word(&machine.state(), "state")?)
        .bind(row::to_json(machine, "machine")?)
        .bind(machine.candidate().map(i64::from))
        .bind(i64::from(machine.attempts()))
        .bind(machine.note())
        .bind(saved.next_at.filter(|_| !machine.ended()).map(Timestamp::as_millis))
        .bind(saved.lease_until.map_or(0, Timestamp::as_millis))
        .bind(machine.ended().then(|| now.as_millis()))
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Writes down a rotation that nobody works on, as a person has decided: from then on who may have
    /// worked on it cannot write any more. Gives false where somebody does work on it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotation_overrule(&mut self, id: &RotationId, saved: &Saved<'_>) -> Result<bool, Error> {
        let now = self.now();
        let fence: Option<i64> = sqlx::query_scalar(
            "update rotation set fence = fence + 1 where id = ?1 and ended_at is null and lease_until <= ?2 \
             returning fence",
        )
        .bind(id.as_str())
        .bind(now.as_millis())
        .fetch_optional(self.connection())
        .await?;
        match fence {
            Some(fence) => self.rotation_save(id, fence, saved).await,
            None => Ok(false),
        }
    }

    /// Gives a rotation to a run, so that whoever follows the run sees it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotation_joins(&mut self, id: &RotationId, run: &RotationRunId) -> Result<(), Error> {
        sqlx::query("update rotation set run_id = ?2 where id = ?1")
            .bind(id.as_str())
            .bind(run.as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Takes everything out of the hands of workers that are known to be gone, so that it is gone on with
    /// at once. They could not write any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn leases_released(&mut self) -> Result<(), Error> {
        for sql in [
            "update rotation set fence = fence + 1, lease_until = 0 where lease_until > 0 and ended_at is null",
            "update dependent_push set fence = fence + 1, lease_until = 0 where lease_until > 0",
            "update provision set fence = fence + 1, lease_until = 0 where lease_until > 0 and state <> 'revoked'",
        ] {
            sqlx::query(sql).execute(self.connection()).await?;
        }
        Ok(())
    }

    /// A run; its rotations are inserted by themselves.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotation_run_insert(&mut self, run: &RotationRun, scope: &ScopePath) -> Result<(), Error> {
        sqlx::query(
            "insert into rotation_run (id, scope, account, labels, requested_by, reason, state, concurrency, \
             failures_max, created_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )
        .bind(run.id.as_str())
        .bind(scope.as_str())
        .bind(run.account.as_ref().map(ToString::to_string))
        .bind(row::to_json(&run.labels, "labels")?)
        .bind(run.requested_by.as_str())
        .bind(&run.reason)
        .bind(row::word(&run.state, "state")?)
        .bind(i64::from(run.concurrency))
        .bind(i64::from(run.failures_max))
        .bind(run.created_at.as_millis())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Ends a run that is going on; its rotations that have not touched their targets are ended with it.
    /// Gives how many those were, or none where it was over already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotation_run_end(
        &mut self,
        id: &RotationRunId,
        state: RotationRunState,
        reason: Option<&str>,
    ) -> Result<Option<u64>, Error> {
        let now = self.now();
        let ended = sqlx::query(
            "update rotation_run set state = ?2, stopped_reason = ?3, ended_at = ?4 where id = ?1 and state = 'running'",
        )
        .bind(id.as_str())
        .bind(row::word(&state, "state")?)
        .bind(reason)
        .bind(now.as_millis())
        .execute(self.connection())
        .await?;
        if ended.rows_affected() == 0 {
            return Ok(None);
        }
        // Whoever has one of these in hand and has not written yet cannot write any more.
        let cancelled = sqlx::query(
            "update rotation set state = 'cancelled', fence = fence + 1, ended_at = ?2, next_at = null, lease_until = 0 \
             where run_id = ?1 and state = 'planned' and ended_at is null",
        )
        .bind(id.as_str())
        .bind(now.as_millis())
        .execute(self.connection())
        .await?;
        Ok(Some(cancelled.rows_affected()))
    }
}
