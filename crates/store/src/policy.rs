//! Policies, with every text that they ever had.

use postern_domain::policy::{Access, Accounts, Conditions, Effect, Obligations, Policy, Subjects};
use postern_domain::{PolicyId, PolicyName, ScopePath, Timestamp, UserName};
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::listing::{Listed, Listing, Plan, Query};
use crate::row;

/// What a policy says, as it is stored.
#[derive(Serialize, Deserialize)]
struct Body {
    description: String,
    effect: Effect,
    subjects: Subjects,
    accounts: Accounts,
    conditions: Conditions,
    access: Access,
    obligations: Obligations,
}

/// One revision of a policy, and who answers for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRevised {
    /// What it said.
    pub policy: Policy,
    /// Who made it; none of revisions older than this was kept.
    pub author: Option<String>,
    /// Who said yes, where it let somebody do more.
    pub approved_by: Option<String>,
    /// When it came into force.
    pub changed_at: Timestamp,
}

/// Who answers for a revision.
#[derive(Clone, Copy, Debug)]
pub struct RevisedBy<'a> {
    /// Who made it.
    pub author: &'a UserName,
    /// Who said yes, where that was needed.
    pub approved_by: Option<&'a UserName>,
}

/// Which policies are wanted; everything given must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyFilter {
    /// A part of the name.
    pub q: Option<String>,
    /// A scope, with everything below it.
    pub scope: Option<ScopePath>,
}

impl ReadTx {
    /// A policy, deleted ones included.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn policy(&mut self, id: &PolicyId) -> Result<Option<Policy>, Error> {
        let row = sqlx::query("select * from policy where id = ?1")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(policy).transpose()
    }

    /// The policy of this name in a tenant.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn policy_in_tenant(&mut self, tenant: &ScopePath, name: &PolicyName) -> Result<Option<Policy>, Error> {
        let row = sqlx::query("select * from policy where tenant = ?1 and name = ?2 and deleted_at is null")
            .bind(tenant.as_str())
            .bind(name.as_str())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(policy).transpose()
    }

    /// The policies of this name in `scopes`, of whichever tenants, by tenant.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn policies_named(&mut self, name: &PolicyName, scopes: &[ScopePath]) -> Result<Vec<Policy>, Error> {
        let sql = format!(
            "select * from policy where name = ?1 and deleted_at is null and {} order by tenant limit 16",
            row::scope_clause("scope", "?2")
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(name.as_str())
            .bind(row::scopes_json(scopes))
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(policy).collect()
    }

    /// Policies in `scopes` that match, by name unless asked otherwise.
    ///
    /// # Errors
    /// When the database fails, or it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn policies(
        &mut self,
        scopes: &[ScopePath],
        filter: &PolicyFilter,
        listing: &Listing,
    ) -> Result<Listed<Policy>, Error> {
        let (rows, next) = filtered(Query::page(&LISTED, listing)?, scopes, filter).rows(self).await?;
        let total = match listing.count {
            true => filtered(Query::count(&LISTED), scopes, filter).total(self).await?,
            false => None,
        };
        Ok(Listed { items: rows.iter().map(policy).collect::<Result<_, _>>()?, next, total })
    }

    /// Every policy whose scope is `scope` or lies above it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn policies_over(&mut self, scope: &ScopePath) -> Result<Vec<Policy>, Error> {
        let rows = sqlx::query(
            "select * from policy where deleted_at is null and scope in (select value from json_each(?1)) order by id",
        )
        .bind(row::scopes_json(&scope.ancestors()))
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(policy).collect()
    }

    /// Every policy that reaches something in `scope`: those over it and those below it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn policies_reaching(&mut self, scope: &ScopePath) -> Result<Vec<Policy>, Error> {
        let sql = format!(
            "select * from policy where deleted_at is null \
             and (scope in (select value from json_each(?1)) or {}) order by id",
            row::scope_clause("scope", "?2")
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(row::scopes_json(&scope.ancestors()))
            .bind(row::scopes_json(std::slice::from_ref(scope)))
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(policy).collect()
    }

    /// Who made each revision of a policy, with whose yes, and when; oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn policy_history(&mut self, id: &PolicyId) -> Result<Vec<PolicyRevised>, Error> {
        let rows = sqlx::query(
            "select p.id, p.name, r.scope, r.body, r.revision, r.author, r.approved_by, r.changed_at \
             from policy_revision r join policy p on p.id = r.policy_id where r.policy_id = ?1 order by r.revision",
        )
        .bind(id.as_str())
        .fetch_all(self.connection())
        .await?;
        let revised = |row: &SqliteRow| {
            Ok(PolicyRevised {
                policy: policy(row)?,
                author: row.try_get("author")?,
                approved_by: row.try_get("approved_by")?,
                changed_at: row::time(row, "changed_at")?,
            })
        };
        rows.iter().map(revised).collect()
    }

    /// What a policy said in each of its revisions, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn policy_revisions(&mut self, id: &PolicyId) -> Result<Vec<Policy>, Error> {
        let rows = sqlx::query(
            "select p.id, p.name, r.scope, r.body, r.revision from policy_revision r \
             join policy p on p.id = r.policy_id where r.policy_id = ?1 order by r.revision",
        )
        .bind(id.as_str())
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(policy).collect()
    }
}

pub(crate) const LISTED: Plan = Plan {
    columns: "policy.*",
    from: "policy where deleted_at is null",
    id: "policy.id",
    keys: &[("name", "policy.name"), ("scope", "policy.scope")],
};

fn filtered(mut query: Query, scopes: &[ScopePath], filter: &PolicyFilter) -> Query {
    query.within("policy.scope", scopes);
    if let Some(scope) = &filter.scope {
        query.within("policy.scope", std::slice::from_ref(scope));
    }
    query.containing(&["policy.name"], filter.q.as_deref());
    query
}

impl WriteTx {
    /// A new policy.
    ///
    /// # Errors
    /// When its tenant has one of this name, or the database fails.
    pub async fn policy_insert(&mut self, policy: &Policy, by: RevisedBy<'_>) -> Result<(), Error> {
        sqlx::query("insert into policy (id, tenant, name, scope, body, revision) values (?1, ?2, ?3, ?4, ?5, ?6)")
            .bind(policy.id.as_str())
            .bind(policy.scope.tenant().as_str())
            .bind(policy.name.as_str())
            .bind(policy.scope.as_str())
            .bind(body_of(policy)?)
            .bind(i64::from(policy.revision))
            .execute(self.connection())
            .await?;
        self.policy_revision_insert(policy, by).await
    }

    /// Changes a policy within its tenant to its next revision.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn policy_update(&mut self, policy: &Policy, by: RevisedBy<'_>) -> Result<(), Error> {
        sqlx::query("update policy set scope = ?2, body = ?3, revision = ?4 where id = ?1")
            .bind(policy.id.as_str())
            .bind(policy.scope.as_str())
            .bind(body_of(policy)?)
            .bind(i64::from(policy.revision))
            .execute(self.connection())
            .await?;
        self.policy_revision_insert(policy, by).await
    }

    async fn policy_revision_insert(&mut self, policy: &Policy, by: RevisedBy<'_>) -> Result<(), Error> {
        let now = self.now();
        sqlx::query(
            "insert into policy_revision (policy_id, revision, scope, body, changed_at, author, approved_by) \
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .bind(policy.id.as_str())
        .bind(i64::from(policy.revision))
        .bind(policy.scope.as_str())
        .bind(body_of(policy)?)
        .bind(now.as_millis())
        .bind(by.author.as_str())
        .bind(by.approved_by.map(UserName::as_str))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Takes a policy out of use. Its row stays, since grants and sessions refer to it; its name is free.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn policy_delete(&mut self, id: &PolicyId) -> Result<(), Error> {
        let now = self.now();
        sqlx::query("update policy set deleted_at = ?2 where id = ?1 and deleted_at is null")
            .bind(id.as_str())
            .bind(now.as_millis())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

fn body_of(policy: &Policy) -> Result<String, Error> {
    let body = Body {
        description: policy.description.clone(),
        effect: policy.effect,
        subjects: policy.subjects.clone(),
        accounts: policy.accounts.clone(),
        conditions: policy.conditions.clone(),
        access: policy.access,
        obligations: policy.obligations.clone(),
    };
    row::to_json(&body, "policy")
}

fn policy(row: &SqliteRow) -> Result<Policy, Error> {
    let body: Body = row::json(row, "body")?;
    Ok(Policy {
        id: row::text(row, "id")?,
        name: row::text(row, "name")?,
        scope: row::text(row, "scope")?,
        description: body.description,
        effect: body.effect,
        subjects: body.subjects,
        accounts: body.accounts,
        conditions: body.conditions,
        access: body.access,
        obligations: body.obligations,
        revision: u32::try_from(row.try_get::<i64, _>("revision")?).map_err(|_| Error::Corrupt { what: "revision" })?,
    })
}
