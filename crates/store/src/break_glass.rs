//! Uses of break-glass and what was found about them; bundles for the hour in which Postern is dead.

use postern_domain::break_glass::{BreakGlassReview, BreakGlassUse};
use postern_domain::{BreakGlassUseId, GrantId, GroupName, ScopePath, Timestamp, UserName};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::listing::{Listed, Listing, Plan, Query};
use crate::row;

const COLUMNS: &str = "b.*, \
     (select i.name from user u join user i on i.id = u.identity_id where u.name = b.user_name) as identity";

pub(crate) const LISTED: Plan = Plan {
    columns: COLUMNS,
    from: "break_glass_use b where 1",
    id: "b.id",
    keys: &[("-at", "b.at"), ("review_until", "b.review_until")],
};

/// Which uses are wanted: those of a person, and those in scopes.
#[derive(Clone, Debug)]
pub struct BreakGlassFilter {
    /// Those of this person; none where nobody's own are wanted.
    pub own: Option<UserName>,
    /// All in these scopes.
    pub scopes: Vec<ScopePath>,
    /// Those that members of these groups review, each with the tenant that the group counts in.
    pub reviewers: Vec<(GroupName, ScopePath)>,
    /// Those only that nobody has reviewed.
    pub open: bool,
}

/// A bundle as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBundle {
    /// Its number, counted up from 1.
    pub serial: u64,
    /// The SHA-256 of the file, hex.
    pub digest: String,
    /// What is in it, as JSON without a secret.
    pub manifest: String,
    /// The sealed key by which the record of its opening is known to be one.
    pub record_key: Vec<u8>,
    /// When.
    pub at: Timestamp,
}

impl ReadTx {
    /// One use.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn break_glass_use(&mut self, id: &BreakGlassUseId) -> Result<Option<BreakGlassUse>, Error> {
        let sql = format!("select {COLUMNS} from break_glass_use b where b.id = ?1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.as_str()).fetch_optional(self.connection()).await?;
        row.as_ref().map(used).transpose()
    }

    /// Uses that match, newest first unless asked otherwise.
    ///
    /// # Errors
    /// When the database fails, or it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn break_glass_uses(
        &mut self,
        filter: &BreakGlassFilter,
        listing: &Listing,
    ) -> Result<Listed<BreakGlassUse>, Error> {
        let (rows, next) = filtered(Query::page(&LISTED, listing)?, filter).rows(self).await?;
        let total = match listing.count {
            true => filtered(Query::count(&LISTED), filter).total(self).await?,
            false => None,
        };
        Ok(Listed { items: rows.iter().map(used).collect::<Result<_, _>>()?, next, total })
    }

    /// Uses that nobody has reviewed in time and that were not told of since `since`; at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn break_glass_overdue(
        &mut self,
        now: Timestamp,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<BreakGlassUse>, Error> {
        let sql = format!(
            "select {COLUMNS} from break_glass_use b where b.reviewed_at is null and b.review_until <= ?1 \
             and (b.raised_at is null or b.raised_at <= ?2) order by b.review_until limit ?3"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(now.as_millis())
            .bind(since.as_millis())
            .bind(limit)
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(used).collect()
    }

    /// The newest bundle.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn bundle_newest(&mut self) -> Result<Option<StoredBundle>, Error> {
        let row = sqlx::query("select * from break_glass_bundle order by serial desc limit 1")
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(bundle).transpose()
    }

    /// The bundle of this number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn bundle(&mut self, serial: u64) -> Result<Option<StoredBundle>, Error> {
        let row = sqlx::query("select * from break_glass_bundle where serial = ?1")
            .bind(i64::try_from(serial).unwrap_or(i64::MAX))
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(bundle).transpose()
    }

    /// The sealed keys of all bundles, to be sealed again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn bundle_keys(&mut self) -> Result<Vec<(u64, Vec<u8>)>, Error> {
        let rows =
            sqlx::query("select serial, record_key from break_glass_bundle").fetch_all(self.connection()).await?;
        rows.iter().map(|row| Ok((serial(row)?, row.try_get("record_key")?))).collect()
    }
}

fn filtered(mut query: Query, filter: &BreakGlassFilter) -> Query {
    let own = filter.own.as_ref().map(|name| name.as_str().to_owned());
    query.sql().push(" and (b.user_name = ").push_bind(own).push(" or ");
    query.push_within("b.scope", &filter.scopes);
    let groups: Vec<_> = filter.reviewers.iter().map(|(name, tenant)| [name.as_str(), tenant.as_str()]).collect();
    query.sql().push(" or exists (select 1 from json_each(").push_bind(serde_json::json!(groups).to_string()).push(
        ") g join json_each(b.review_by) r on r.value = g.value ->> 0 where g.value ->> 1 in ('/', b.scope) \
         or substr(b.scope, 1, length(g.value ->> 1) + 1) = (g.value ->> 1) || '/')",
    );
    query.sql().push(if filter.open { ") and b.reviewed_at is null" } else { ")" });
    query
}

impl WriteTx {
    /// Writes a use down.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn break_glass_use_insert(&mut self, used: &BreakGlassUse) -> Result<(), Error> {
        sqlx::query(
            "insert into break_glass_use (id, tier, user_name, target, scope, grant_id, incident, reason, review_by, \
             at, review_until) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )
        .bind(used.id.as_str())
        .bind(row::word(&used.tier, "tier")?)
        .bind(used.user.as_str())
        .bind(&used.target)
        .bind(used.scope.as_str())
        .bind(used.grant.as_ref().map(GrantId::as_str))
        .bind(&used.incident)
        .bind(&used.reason)
        .bind(row::to_json(&used.review_by, "review_by")?)
        .bind(used.at.as_millis())
        .bind(used.review_until.as_millis())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Somebody has reviewed a use; false when somebody had before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn break_glass_reviewed(
        &mut self,
        id: &BreakGlassUseId,
        review: &BreakGlassReview,
    ) -> Result<bool, Error> {
        let done = sqlx::query(
            "update break_glass_use set reviewed_at = ?2, reviewed_by = ?3, justified = ?4, review = ?5 \
             where id = ?1 and reviewed_at is null",
        )
        .bind(id.as_str())
        .bind(review.at.as_millis())
        .bind(review.by.as_str())
        .bind(review.justified)
        .bind(&review.text)
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// It was told that nobody has reviewed a use.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn break_glass_raised(&mut self, id: &BreakGlassUseId) -> Result<(), Error> {
        let now = self.now();
        sqlx::query("update break_glass_use set raised_at = ?2 where id = ?1")
            .bind(id.as_str())
            .bind(now.as_millis())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// A bundle was written.
    ///
    /// # Errors
    /// `Exists` where there is one of its number.
    pub async fn bundle_insert(&mut self, bundle: &StoredBundle) -> Result<(), Error> {
        sqlx::query(
            "insert into break_glass_bundle (serial, digest, manifest, record_key, at) values (?1, ?2, ?3, ?4, ?5)",
        )
        .bind(i64::try_from(bundle.serial).unwrap_or(i64::MAX))
        .bind(&bundle.digest)
        .bind(&bundle.manifest)
        .bind(&bundle.record_key)
        .bind(bundle.at.as_millis())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// The key of a bundle's record, sealed again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn bundle_rewrap(&mut self, serial: u64, record_key: &[u8]) -> Result<(), Error> {
        sqlx::query("update break_glass_bundle set record_key = ?2 where serial = ?1")
            .bind(i64::try_from(serial).unwrap_or(i64::MAX))
            .bind(record_key)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

fn used(row: &SqliteRow) -> Result<BreakGlassUse, Error> {
    let review = match row::time_opt(row, "reviewed_at")? {
        Some(at) => Some(BreakGlassReview {
            by: row::text(row, "reviewed_by")?,
            at,
            justified: row.try_get("justified")?,
            text: row.try_get("review")?,
        }),
        None => None,
    };
    Ok(BreakGlassUse {
        id: row::text(row, "id")?,
        tier: row::from_word(row, "tier")?,
        user: row::text(row, "user_name")?,
        identity: row::text_opt(row, "identity")?,
        target: row.try_get("target")?,
        scope: row::text(row, "scope")?,
        grant: row::text_opt(row, "grant_id")?,
        incident: row.try_get("incident")?,
        reason: row.try_get("reason")?,
        review_by: row::json(row, "review_by")?,
        at: row::time(row, "at")?,
        review_until: row::time(row, "review_until")?,
        review,
    })
}

fn serial(row: &SqliteRow) -> Result<u64, Error> {
    u64::try_from(row.try_get::<i64, _>("serial")?).map_err(|_| Error::Corrupt { what: "serial" })
}

fn bundle(row: &SqliteRow) -> Result<StoredBundle, Error> {
    Ok(StoredBundle {
        serial: serial(row)?,
        digest: row.try_get("digest")?,
        manifest: row.try_get("manifest")?,
        record_key: row.try_get("record_key")?,
        at: row::time(row, "at")?,
    })
}
