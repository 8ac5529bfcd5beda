//! The server's own state.

use std::sync::atomic::Ordering;

use postern_domain::Timestamp;
use postern_domain::permit::{Manage, Permit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Control, Error};

/// What an operator looks at first.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// Postern's version.
    pub version: String,
    /// When it was started.
    pub started_at: Timestamp,
    /// Whether the vault is sealed; sealed, no session can be opened.
    pub vault_sealed: bool,
    /// The ledger.
    pub ledger: LedgerStatus,
    /// Sessions that are live now.
    pub sessions_live: i64,
    /// What is missing for sessions to be opened; empty when nothing is.
    pub problems: Vec<String>,
}

/// The ledger's state.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LedgerStatus {
    /// Leaves committed.
    pub size: u64,
    /// Leaves covered by the newest signed checkpoint.
    pub checkpoint_size: u64,
}

/// Whether sessions can be opened.
#[derive(Clone, Debug, Serialize)]
pub struct Readiness {
    /// They can.
    pub ready: bool,
    /// Why not.
    pub problems: Vec<String>,
}

/// Figures for the metrics.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gauges {
    /// Live sessions.
    pub sessions_live: i64,
    /// Leaves in the ledger.
    pub ledger_size: i64,
    /// Whether the vault is sealed.
    pub vault_sealed: bool,
}

impl Control {
    /// The server's state.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn status(&self, _: &Permit<Manage>) -> Result<Status, Error> {
        let mut rows = self.store().read().await?;
        let (size, sessions_live) = (rows.ledger_tree().await?.size(), rows.sessions_open().await?);
        // Whoever held one snapshot and waited for another could wait for ever on others who do the same.
        drop(rows);
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.0.started_at,
            vault_sealed: self.vault().status().sealed,
            ledger: LedgerStatus { size, checkpoint_size: self.0.published.load(Ordering::Relaxed) },
            sessions_live,
            problems: self.readiness().await.problems,
        })
    }

    /// Whether sessions can be opened.
    pub async fn readiness(&self) -> Readiness {
        let mut problems = Vec::new();
        if self.vault().status().sealed {
            problems.push("the vault is sealed: postern vault unseal".to_owned());
        }
        match self.store().read().await {
            Ok(mut rows) => {
                if rows.ledger_tree().await.is_err() {
                    problems.push("the database does not answer".to_owned());
                }
            }
            Err(_) => problems.push("the database cannot be opened".to_owned()),
        }
        Readiness { ready: problems.is_empty(), problems }
    }

    /// Figures for the metrics; zeros where the database does not answer.
    pub async fn gauges(&self) -> Gauges {
        let vault_sealed = self.vault().status().sealed;
        let Ok(mut rows) = self.store().read().await else { return Gauges { vault_sealed, ..Gauges::default() } };
        let sessions_live = rows.sessions_open().await.unwrap_or(0);
        let size = rows.ledger_tree().await.map(|tree| tree.size()).unwrap_or(0);
        Gauges { sessions_live, ledger_size: i64::try_from(size).unwrap_or(i64::MAX), vault_sealed }
    }
}
