//! The ledger's leaves, appended in the transaction of the change they tell of.

use postern_domain::event::{Actor, Event};
use postern_domain::{ScopePath, Timestamp};
use postern_ledger::{Hash, Tree, leaf_hash};
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::listing::{Listed, Listing, Plan, Query};
use crate::page::PageRequest;
use crate::row;

const FRONTIER: &str = "ledger.frontier";

/// One leaf as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Its place in the log, from 0.
    pub index: u64,
    /// What was hashed.
    pub body: Vec<u8>,
    /// The leaf hash that was computed when it was appended.
    pub hash: [u8; 32],
}

/// Which leaves are wanted; every field given must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeafFilter {
    /// The actor's name.
    pub actor: Option<String>,
    /// The action, or its noun alone: `session.open`, `session`.
    pub action: Option<String>,
    /// The target, whole.
    pub target: Option<String>,
    /// The outcome.
    pub outcome: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

/// The tree's right edge, as it is kept between appends.
#[derive(Default, Serialize, Deserialize)]
struct Frontier {
    size: u64,
    hashes: Vec<[u8; 32]>,
}

impl Frontier {
    fn tree(self) -> Result<Tree, Error> {
        Tree::from_frontier(self.size, self.hashes.into_iter().map(Hash).collect())
            .map_err(|error| Error::Ledger(error.to_string()))
    }
}

impl ReadTx {
    async fn frontier(&mut self) -> Result<Frontier, Error> {
        match self.setting(FRONTIER).await? {
            Some(text) => serde_json::from_str(&text).map_err(|_| Error::Corrupt { what: "ledger frontier" }),
            None => Ok(Frontier::default()),
        }
    }

    /// The tree of all leaves committed so far.
    ///
    /// # Errors
    /// When the database fails or the stored frontier is damaged.
    pub async fn ledger_tree(&mut self) -> Result<Tree, Error> {
        self.frontier().await?.tree()
    }

    /// When the newest event happened; none when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ledger_latest(&mut self) -> Result<Option<Timestamp>, Error> {
        let at: Option<i64> = sqlx::query_scalar("select at from leaf order by leaf_index desc limit 1")
            .fetch_optional(self.connection())
            .await?;
        Ok(at.map(Timestamp::from_millis))
    }

    /// Leaves from index `from` on, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn leaves_from(&mut self, from: u64, limit: u32) -> Result<Vec<Leaf>, Error> {
        let rows = sqlx::query("select * from leaf where leaf_index >= ?1 order by leaf_index limit ?2")
            .bind(i64::try_from(from).unwrap_or(i64::MAX))
            .bind(limit)
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(leaf).collect()
    }

    /// Leaves that match, newest first unless asked otherwise, of events in `scopes`.
    ///
    /// # Errors
    /// When the database fails, or it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn leaves(
        &mut self,
        scopes: &[ScopePath],
        filter: &LeafFilter,
        listing: &Listing,
    ) -> Result<Listed<Leaf>, Error> {
        let (rows, next) = filtered(Query::page(&LISTED, listing)?, scopes, filter).rows(self).await?;
        let total = match listing.count {
            true => filtered(Query::count(&LISTED), scopes, filter).total(self).await?,
            false => None,
        };
        Ok(Listed { items: rows.iter().map(leaf).collect::<Result<_, _>>()?, next, total })
    }

    /// Leaves from index `from` on that match, oldest first, at most `limit`, of events in `scopes`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn leaves_matching(
        &mut self,
        scopes: &[ScopePath],
        filter: &LeafFilter,
        from: u64,
        limit: u32,
    ) -> Result<Vec<Leaf>, Error> {
        let page = PageRequest { cursor: None, limit: Some(limit) };
        let oldest = Listing { page, sort: Some("index".to_owned()), count: false };
        let mut query = filtered(Query::page(&LISTED, &oldest)?, scopes, filter);
        query.sql().push(" and leaf_index >= ").push_bind(i64::try_from(from).unwrap_or(i64::MAX));
        query.rows(self).await?.0.iter().map(leaf).collect()
    }
}

pub(crate) const LISTED: Plan = Plan {
    columns: "leaf.*",
    from: "leaf where 1",
    // It is the key already; what tells rows apart is a text elsewhere.
    id: "cast(leaf_index as text)",
    keys: &[("-index", "leaf_index")],
};

fn filtered(mut query: Query, scopes: &[ScopePath], filter: &LeafFilter) -> Query {
    query.within("scope", scopes);
    query.equal("actor", filter.actor.clone());
    if let Some(action) = &filter.action {
        query.sql().push(" and (action = ").push_bind(action.clone());
        query.sql().push(" or action > ").push_bind(format!("{action}."));
        query.sql().push(" and action < ").push_bind(format!("{action}/")).push(")");
    }
    query.equal("target", filter.target.clone());
    query.equal("outcome", filter.outcome.clone());
    query.during("at", filter.from, filter.until);
    query
}

impl WriteTx {
    /// Appends one leaf for each event; gives the index of the first.
    pub(crate) async fn append_leaves(&mut self, events: &[Event]) -> Result<u64, Error> {
        let mut tree = self.ledger_tree().await?;
        let first = tree.size();
        for event in events {
            let body = event.canonical().map_err(|error| Error::Ledger(error.to_string()))?;
            postern_ledger::bundle::check_leaf(&body).map_err(|error| Error::Ledger(error.to_string()))?;
            let hash = leaf_hash(&body);
            sqlx::query(
                "insert into leaf (leaf_index, hash, body, at, actor, action, target, scope, outcome) \
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )
            .bind(i64::try_from(tree.size()).map_err(|_| Error::Ledger("the log is full".to_owned()))?)
            .bind(hash.0.as_slice())
            .bind(body)
            .bind(event.at.as_millis())
            .bind(actor_name(&event.actor))
            .bind(&event.action)
            .bind(&event.target)
            .bind(event.scope.as_str())
            .bind(row::word(&event.outcome, "outcome")?)
            .execute(self.connection())
            .await?;
            tree.push(hash);
        }
        let frontier = Frontier { size: tree.size(), hashes: tree.frontier().iter().map(|hash| hash.0).collect() };
        self.setting_set(FRONTIER, &row::to_json(&frontier, "ledger frontier")?).await?;
        Ok(first)
    }
}

fn leaf(row: &SqliteRow) -> Result<Leaf, Error> {
    let hash: Vec<u8> = row.try_get("hash")?;
    Ok(Leaf {
        index: u64::try_from(row.try_get::<i64, _>("leaf_index")?).unwrap_or(0),
        body: row.try_get("body")?,
        hash: hash.try_into().map_err(|_| Error::Corrupt { what: "leaf hash" })?,
    })
}

/// The name that an actor is searched by.
fn actor_name(actor: &Actor) -> &str {
    match actor {
        Actor::User { name, .. } => name,
        Actor::Unknown { .. } => "unknown",
        Actor::System => "system",
        Actor::Console => "console",
    }
}
