//! Access reviews: the reviews themselves, and what is reviewed.

use std::collections::BTreeMap;

use postern_domain::permission::RoleAssignment;
use postern_domain::review::{
    Answer, Decision, ItemEffect, Review, ReviewCounts, ReviewItem, ReviewState, Reviewed, Right, RightFacts,
    RightKind, paces,
};
use postern_domain::user::Group;
use postern_domain::{GroupId, ReviewId, Timestamp, UserId, UserName};
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::listing::{Listed, Listing, Plan, Query};
use crate::row;

const SELECT: &str = "select v.*, a.name as author from review v join user a on a.id = v.author_id";
/// How many reviews are listed: the newest.
const LISTED_MAX: u32 = 100;

const ITEMS: Plan = Plan {
    columns: "i.*",
    from: "review_item i where 1",
    id: "i.place",
    keys: &[("number", "i.place"), ("holder", "i.holder"), ("last_used_at", "i.last_used_at")],
};

/// Which items of a review are wanted; everything given must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReviewItemFilter {
    /// Those that wait, or with this decision.
    pub state: Option<ReviewItemState>,
    /// Of this kind.
    pub kind: Option<RightKind>,
    /// With this advice.
    pub advice: Option<Decision>,
    /// A part of whose it is or what it is.
    pub q: Option<String>,
    /// Those of which this person answers for an account.
    pub owner: Option<UserName>,
    /// Those that are not this person's.
    pub not_of: Option<UserName>,
}

/// How an item stands, as lists are narrowed by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewItemState {
    /// Nobody has answered.
    Waiting,
    /// It stays.
    Kept,
    /// It is there for the asking only.
    Reduced,
    /// It is taken away.
    Revoked,
    /// What was decided could not be done.
    Failed,
}

/// What is kept of an item as a whole.
#[derive(Serialize, Deserialize)]
struct Body {
    right: Right,
    facts: RightFacts,
    reasons: Vec<String>,
    reducible: bool,
}

impl ReadTx {
    /// A review with how far it has come.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn review(&mut self, id: &ReviewId) -> Result<Option<Review>, Error> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} where v.id = ?1")))
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?;
        match row {
            Some(row) => Ok(Some(self.whole(&row).await?)),
            None => Ok(None),
        }
    }

    /// The newest reviews, of all states or of one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reviews(&mut self, state: Option<ReviewState>) -> Result<Vec<Review>, Error> {
        let sql = format!(
            "{SELECT} where (?1 is null or v.state = ?1) order by v.started_at desc, v.id desc limit {LISTED_MAX}"
        );
        let state = state.map(|state| row::word(&state, "state")).transpose()?;
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(state).fetch_all(self.connection()).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            found.push(self.whole(row).await?);
        }
        Ok(found)
    }

    /// Reviews that can be answered no longer and are not closed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reviews_due(&mut self, now: Timestamp) -> Result<Vec<ReviewId>, Error> {
        let rows = sqlx::query("select id from review where state = 'open' and due_at <= ?1 order by due_at")
            .bind(now.as_millis())
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(|row| row::text(row, "id")).collect()
    }

    /// Reviews that are to start again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reviews_to_repeat(&mut self, now: Timestamp) -> Result<Vec<ReviewId>, Error> {
        let rows = sqlx::query("select id from review where next_at <= ?1 order by next_at")
            .bind(now.as_millis())
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(|row| row::text(row, "id")).collect()
    }

    /// Items of a review.
    ///
    /// # Errors
    /// When it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn review_items(
        &mut self,
        id: &ReviewId,
        filter: &ReviewItemFilter,
        listing: &Listing,
    ) -> Result<Listed<ReviewItem>, Error> {
        let (rows, next) = narrowed(Query::page(&ITEMS, listing)?, id, filter)?.rows(self).await?;
        let total = match listing.count {
            true => narrowed(Query::count(&ITEMS), id, filter)?.total(self).await?,
            false => None,
        };
        Ok(Listed { items: rows.iter().map(item).collect::<Result<_, _>>()?, next, total })
    }

    /// These items of a review, by number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn review_items_numbered(&mut self, id: &ReviewId, numbers: &[u32]) -> Result<Vec<ReviewItem>, Error> {
        let rows = sqlx::query(
            "select * from review_item where review_id = ?1 and number in (select value from json_each(?2)) order by number",
        )
        .bind(id.as_str())
        .bind(row::to_json(&numbers, "numbers")?)
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(item).collect()
    }

    /// Items that nobody has answered for, by number, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn review_items_waiting(&mut self, id: &ReviewId, limit: u32) -> Result<Vec<ReviewItem>, Error> {
        let rows =
            sqlx::query("select * from review_item where review_id = ?1 and decision is null order by place limit ?2")
                .bind(id.as_str())
                .bind(limit)
                .fetch_all(self.connection())
                .await?;
        rows.iter().map(item).collect()
    }

    /// Every group with its members and roles, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn groups_all(&mut self) -> Result<Vec<Group>, Error> {
        let rows = sqlx::query("select * from user_group order by name, tenant").fetch_all(self.connection()).await?;
        let mut members: BTreeMap<GroupId, Vec<UserName>> = BTreeMap::new();
        let joined = "select m.group_id, u.name from group_member m join user u on u.id = m.user_id order by u.name";
        for row in sqlx::query(joined).fetch_all(self.connection()).await? {
            members.entry(row::text(&row, "group_id")?).or_default().push(row::text(&row, "name")?);
        }
        let mut roles: BTreeMap<GroupId, Vec<RoleAssignment>> = BTreeMap::new();
        let held = "select group_id, role, scope from role_assignment where group_id is not null order by role, scope";
        for row in sqlx::query(held).fetch_all(self.connection()).await? {
            roles.entry(row::text(&row, "group_id")?).or_default().push(crate::user::assignment(&row)?);
        }
        let group = |row: &SqliteRow| {
            let id: GroupId = row::text(row, "id")?;
            Ok(Group {
                name: row::text(row, "name")?,
                scope: row::text(row, "scope")?,
                description: row.try_get("description")?,
                members: members.remove(&id).unwrap_or_default(),
                roles: roles.remove(&id).unwrap_or_default(),
                id,
            })
        };
        rows.iter().map(group).collect()
    }

    /// The roles that people hold directly, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn roles_direct(&mut self) -> Result<BTreeMap<UserName, Vec<RoleAssignment>>, Error> {
        let sql = "select u.name as user_name, r.role, r.scope from role_assignment r \
             join user u on u.id = r.user_id order by u.name, r.role, r.scope";
        let mut found: BTreeMap<UserName, Vec<RoleAssignment>> = BTreeMap::new();
        for row in sqlx::query(sql).fetch_all(self.connection()).await? {
            found.entry(row::text(&row, "user_name")?).or_default().push(crate::user::assignment(&row)?);
        }
        Ok(found)
    }

    async fn whole(&mut self, row: &SqliteRow) -> Result<Review, Error> {
        let id: ReviewId = row::text(row, "id")?;
        let counts = self.review_counts(&id).await?;
        let rows = sqlx::query(
            "select decided_by, decided_at, decision from review_item where review_id = ?1 and decided_by is not null",
        )
        .bind(id.as_str())
        .fetch_all(self.connection())
        .await?;
        let answer = |row: &SqliteRow| {
            Ok::<_, Error>(Answer {
                user: row::text(row, "decided_by")?,
                at: row::time(row, "decided_at")?,
                decision: row::from_word(row, "decision")?,
            })
        };
        let answers = rows.iter().map(answer).collect::<Result<Vec<_>, _>>()?;
        let looks = sqlx::query(
            "select u.name, l.first_at from review_look l join user u on u.id = l.user_id where l.review_id = ?1",
        )
        .bind(id.as_str())
        .fetch_all(self.connection())
        .await?;
        let seen = looks.iter().map(|row| Ok((row::text(row, "name")?, row::time(row, "first_at")?)));
        let seen = seen.collect::<Result<BTreeMap<_, _>, Error>>()?;
        Ok(Review {
            id,
            name: row.try_get("name")?,
            scope: row::text(row, "scope")?,
            plan: row::json(row, "plan")?,
            state: row::from_word(row, "state")?,
            author: row::text(row, "author")?,
            started_at: row::time(row, "started_at")?,
            due_at: row::time(row, "due_at")?,
            closed_at: row::time_opt(row, "closed_at")?,
            next_at: row::time_opt(row, "next_at")?,
            counts,
            paces: paces(&answers, &seen),
        })
    }

    async fn review_counts(&mut self, id: &ReviewId) -> Result<ReviewCounts, Error> {
        let row = sqlx::query(
            "select count(*) as items, \
             sum(decision is null) as waiting, \
             sum(coalesce(decision = 'keep', 0)) as kept, \
             sum(coalesce(decision = 'reduce' and effect = 'done', 0)) as reduced, \
             sum(coalesce(decision = 'revoke' and effect = 'done', 0)) as revoked, \
             sum(coalesce(effect = 'failed', 0)) as failed, \
             sum(decision is not null and decided_by is null) as unanswered \
             from review_item where review_id = ?1",
        )
        .bind(id.as_str())
        .fetch_one(self.connection())
        .await?;
        let count = |name: &str| {
            let found: Option<i64> = row.try_get(name)?;
            Ok::<_, Error>(u64::try_from(found.unwrap_or(0)).unwrap_or(0))
        };
        Ok(ReviewCounts {
            items: count("items")?,
            waiting: count("waiting")?,
            kept: count("kept")?,
            reduced: count("reduced")?,
            revoked: count("revoked")?,
            failed: count("failed")?,
            unanswered: count("unanswered")?,
        })
    }
}

impl WriteTx {
    /// A new review with what is reviewed, numbered from 1 in the order given.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn review_insert(&mut self, review: &Review, author: &UserId, items: &[Reviewed]) -> Result<(), Error> {
        sqlx::query(
            "insert into review (id, name, scope, plan, state, author_id, started_at, due_at, next_at) \
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )
        .bind(review.id.as_str())
        .bind(&review.name)
        .bind(review.scope.as_str())
        .bind(row::to_json(&review.plan, "plan")?)
        .bind(row::word(&review.state, "state")?)
        .bind(author.as_str())
        .bind(review.started_at.as_millis())
        .bind(review.due_at.as_millis())
        .bind(review.next_at.map(Timestamp::as_millis))
        .execute(self.connection())
        .await?;
        for (number, reviewed) in (1_u32..).zip(items) {
            self.review_item_insert(&review.id, number, reviewed).await?;
        }
        Ok(())
    }

    async fn review_item_insert(&mut self, id: &ReviewId, number: u32, reviewed: &Reviewed) -> Result<(), Error> {
        let Reviewed { right, facts, advice, reasons, reducible, owners } = reviewed;
        let body = Body { right: right.clone(), facts: facts.clone(), reasons: reasons.clone(), reducible: *reducible };
        let through: Vec<_> = facts.policies.iter().map(ToString::to_string).collect();
        sqlx::query(
            "insert into review_item (review_id, number, place, kind, holder, subject, advice, last_used_at, owners, body) \
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )
        .bind(id.as_str())
        .bind(number)
        .bind(format!("{number:06}"))
        .bind(row::word(&right.kind, "kind")?)
        .bind(right.holder().to_lowercase())
        .bind(format!("{} {}", right.words(), through.join(" ")).to_lowercase())
        .bind(row::word(advice, "advice")?)
        .bind(facts.last_used_at.map_or(0, Timestamp::as_millis))
        .bind(row::to_json(owners, "owners")?)
        .bind(row::to_json(&body, "review item")?)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Writes down what was decided on an item, and what came of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn review_item_decide(
        &mut self,
        id: &ReviewId,
        number: u32,
        (decision, reason, by): (Decision, &str, Option<&UserName>),
        effect: Option<(ItemEffect, &str)>,
    ) -> Result<(), Error> {
        let now = self.now();
        sqlx::query(
            "update review_item set decision = ?3, reason = ?4, decided_by = ?5, decided_at = ?6, effect = ?7, \
             effect_detail = ?8 where review_id = ?1 and number = ?2",
        )
        .bind(id.as_str())
        .bind(number)
        .bind(row::word(&decision, "decision")?)
        .bind(reason)
        .bind(by.map(UserName::as_str))
        .bind(now.as_millis())
        .bind(effect.map(|(effect, _)| row::word(&effect, "effect")).transpose()?)
        .bind(effect.map(|(_, detail)| detail))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Notes when somebody first looked at a review.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn review_look(&mut self, id: &ReviewId, user: &UserId) -> Result<(), Error> {
        let now = self.now();
        sqlx::query(
            "insert into review_look (review_id, user_id, first_at) values (?1, ?2, ?3) on conflict do nothing",
        )
        .bind(id.as_str())
        .bind(user.as_str())
        .bind(now.as_millis())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Closes a review.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn review_close(&mut self, id: &ReviewId) -> Result<(), Error> {
        let now = self.now();
        sqlx::query("update review set state = 'closed', closed_at = ?2 where id = ?1 and state = 'open'")
            .bind(id.as_str())
            .bind(now.as_millis())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Says that a review can be answered no longer than until now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn review_end(&mut self, id: &ReviewId) -> Result<(), Error> {
        let now = self.now();
        sqlx::query("update review set due_at = min(due_at, ?2) where id = ?1 and state = 'open'")
            .bind(id.as_str())
            .bind(now.as_millis())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Has a review start again no more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn review_repeats_no_more(&mut self, id: &ReviewId) -> Result<(), Error> {
        sqlx::query("update review set next_at = null where id = ?1")
            .bind(id.as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

fn narrowed(mut query: Query, id: &ReviewId, filter: &ReviewItemFilter) -> Result<Query, Error> {
    query.equal("i.review_id", Some(id.to_string()));
    query.sql().push(match filter.state {
        None => "",
        Some(ReviewItemState::Waiting) => " and i.decision is null",
        Some(ReviewItemState::Kept) => " and i.decision = 'keep'",
        Some(ReviewItemState::Reduced) => " and i.decision = 'reduce' and i.effect = 'done'",
        Some(ReviewItemState::Revoked) => " and i.decision = 'revoke' and i.effect = 'done'",
        Some(ReviewItemState::Failed) => " and i.effect = 'failed'",
    });
    query.equal("i.kind", filter.kind.map(|kind| row::word(&kind, "kind")).transpose()?);
    query.equal("i.advice", filter.advice.map(|advice| row::word(&advice, "advice")).transpose()?);
    query.containing(&["i.holder", "i.subject"], filter.q.as_deref());
    if let Some(owner) = &filter.owner {
        query.sql().push(" and exists (select 1 from json_each(i.owners) o where o.value = ");
        query.sql().push_bind(owner.to_string()).push(")");
    }
    if let Some(user) = &filter.not_of {
        query.sql().push(" and i.holder <> ").push_bind(user.to_string());
    }
    Ok(query)
}

fn item(row: &SqliteRow) -> Result<ReviewItem, Error> {
    let Body { right, facts, reasons, reducible } = row::json(row, "body")?;
    Ok(ReviewItem {
        number: u32::try_from(row.try_get::<i64, _>("number")?).map_err(|_| Error::Corrupt { what: "number" })?,
        right,
        facts,
        advice: row::from_word(row, "advice")?,
        reasons,
        reducible,
        owners: row::json(row, "owners")?,
        decision: row.try_get::<Option<String>, _>("decision")?.map(|_| row::from_word(row, "decision")).transpose()?,
        reason: row.try_get("reason")?,
        decided_by: row::text_opt(row, "decided_by")?,
        decided_at: row::time_opt(row, "decided_at")?,
        effect: row.try_get::<Option<String>, _>("effect")?.map(|_| row::from_word(row, "effect")).transpose()?,
        effect_detail: row.try_get("effect_detail")?,
    })
}
