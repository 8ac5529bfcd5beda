//! Changes of policies that wait for somebody's yes.

use postern_domain::document::PolicyDocument;
use postern_domain::proposal::{Proposal, ProposalState};
use postern_domain::{PolicyName, ProposalId, ScopePath, UserId};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::row;

const SELECT: &str = "select p.*, a.name as author, d.name as decider from policy_proposal p \
     join user a on a.id = p.author_id left join user d on d.id = p.decided_by";
/// How many are listed: the newest.
const LISTED_MAX: u32 = 500;

impl ReadTx {
    /// A proposal.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn proposal(&mut self, id: &ProposalId) -> Result<Option<Proposal>, Error> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} where p.id = ?1")))
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(proposal).transpose()
    }

    /// The newest proposals in `scopes`, of all states or of one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn proposals(
        &mut self,
        scopes: &[ScopePath],
        state: Option<ProposalState>,
    ) -> Result<Vec<Proposal>, Error> {
        let within = row::scope_clause("p.scope", "?1");
        let sql = format!(
            "{SELECT} where {within} and (?2 is null or p.state = ?2) order by p.created_at desc, p.id desc limit ?3"
        );
        let state = state.map(|state| row::word(&state, "state")).transpose()?;
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(row::scopes_json(scopes))
            .bind(state)
            .bind(LISTED_MAX)
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(proposal).collect()
    }

    /// The proposals for a policy of a tenant that wait.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn proposals_waiting(&mut self, tenant: &ScopePath, name: &PolicyName) -> Result<Vec<Proposal>, Error> {
        let sql = format!("{SELECT} where p.tenant = ?1 and p.name = ?2 and p.state = 'waiting' order by p.id");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(tenant.as_str())
            .bind(name.as_str())
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(proposal).collect()
    }
}

impl WriteTx {
    /// A new proposal.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn proposal_insert(&mut self, proposal: &Proposal, author: &UserId) -> Result<(), Error> {
        let document = proposal.document.as_ref().map(|text| row::to_json(text, "document")).transpose()?;
        sqlx::query(
            "insert into policy_proposal (id, tenant, name, scope, author_id, document, base_revision, state, created_at) \
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )
        .bind(proposal.id.as_str())
        .bind(proposal.scope.tenant().as_str())
        .bind(proposal.policy.as_str())
        .bind(proposal.scope.as_str())
        .bind(author.as_str())
        .bind(document)
        .bind(i64::from(proposal.base_revision))
        .bind(row::word(&proposal.state, "state")?)
        .bind(proposal.created_at.as_millis())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Answers a proposal that waits.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn proposal_close(
        &mut self,
        id: &ProposalId,
        state: ProposalState,
        by: &UserId,
        reason: Option<&str>,
    ) -> Result<(), Error> {
        let now = self.now();
        sqlx::query(
            "update policy_proposal set state = ?2, decided_by = ?3, decided_at = ?4, reason = ?5 \
             where id = ?1 and state = 'waiting'",
        )
        .bind(id.as_str())
        .bind(row::word(&state, "state")?)
        .bind(by.as_str())
        .bind(now.as_millis())
        .bind(reason)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

fn proposal(row: &SqliteRow) -> Result<Proposal, Error> {
    let text: Option<String> = row.try_get("document")?;
    let document = text.map(|text| serde_json::from_str::<PolicyDocument>(&text)).transpose();
    let decider: Option<String> = row.try_get("decider")?;
    Ok(Proposal {
        id: row::text(row, "id")?,
        policy: row::text(row, "name")?,
        scope: row::text(row, "scope")?,
        author: row::text(row, "author")?,
        document: document.map_err(|_| Error::Corrupt { what: "proposal" })?,
        base_revision: u32::try_from(row.try_get::<i64, _>("base_revision")?)
            .map_err(|_| Error::Corrupt { what: "proposal" })?,
        state: row::from_word(row, "state")?,
        created_at: row::time(row, "created_at")?,
        decided_by: decider.map(|_| row::text(row, "decider")).transpose()?,
        decided_at: row::time_opt(row, "decided_at")?,
        reason: row.try_get("reason")?,
    })
}
