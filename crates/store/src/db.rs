//! The database file and its transactions.
//!
//! One writer at a time (a pool of one connection, `begin immediate`), many readers on snapshots.

use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::time::Duration;

use postern_domain::Timestamp;
use postern_domain::event::Event;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};

use crate::error::Error;

const READERS_MAX: u32 = 4;
const BUSY_MAX: Duration = Duration::from_secs(10);

/// The embedded database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Store {
    /// Opens the database file, creating it (readable by its owner only) and migrating it as needed.
    ///
    /// # Errors
    /// When the file cannot be opened, is not a Postern database, or is from a newer Postern.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A leaf of the ledger that was committed must survive a power cut.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_MAX)
            .pragma("trusted_schema", "off")
            .pragma("cache_size", "-8000");
        let writer = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
        migrator().run(&writer).await.map_err(|error| Error::Database(sqlx::Error::Migrate(Box::new(error))))?;
        let readers =
            SqlitePoolOptions::new().max_connections(READERS_MAX).connect_with(options.read_only(true)).await?;
        Ok(Self { writer, readers })
    }

    /// Opens the database file for reading only: nothing is created, migrated or changed.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub async fn open_read_only(path: &Path) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(BUSY_MAX);
        let readers = SqlitePoolOptions::new().max_connections(READERS_MAX).connect_with(options).await?;
        Ok(Self { writer: readers.clone(), readers })
    }

    /// A snapshot to read from.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(&self) -> Result<ReadTx, Error> {
        Ok(ReadTx { tx: self.readers.begin().await? })
    }

    /// The one transaction that writes; others wait for it. Dropping it rolls it back.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn write(&self, now: Timestamp) -> Result<WriteTx, Error> {
        let tx = self.writer.begin_with("begin immediate").await?;
        Ok(WriteTx { rows: ReadTx { tx }, now })
    }

    /// Writes a consistent copy of the database to `path`, which must not exist.
    ///
    /// # Errors
    /// When the copy cannot be written.
    pub async fn copy_to(&self, path: &Path) -> Result<(), Error> {
        let mut connection = self.readers.acquire().await?;
        sqlx::query("vacuum into ?1").bind(path.to_string_lossy().into_owned()).execute(&mut *connection).await?;
        Ok(())
    }

    /// Closes the database after the transactions in progress.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// The migrations, in order. One that has landed is never edited: its checksum is stored.
fn migrator() -> Migrator {
    let migration = |version, name: &'static str, sql: &'static str| {
        Migration::new(version, name.into(), MigrationType::Simple, sqlx::SqlStr::from_static(sql), false)
    };
    Migrator::with_migrations(vec![
        migration(1, "initial", include_str!("../migrations/0001_initial.sql")),
        migration(2, "identity", include_str!("../migrations/0002_identity.sql")),
        migration(3, "access", include_str!("../migrations/0003_access.sql")),
        migration(4, "passkeys", include_str!("../migrations/0004_passkeys.sql")),
        migration(5, "listings", include_str!("../migrations/0005_listings.sql")),
        migration(10, "discovery", include_str!("../migrations/0010_discovery.sql")),
        migration(20, "rotation", include_str!("../migrations/0020_rotation.sql")),
        migration(30, "database", include_str!("../migrations/0030_database.sql")),
        migration(40, "request_start", include_str!("../migrations/0040_request_start.sql")),
        migration(60, "sources", include_str!("../migrations/0060_sources.sql")),
        migration(70, "sorted_listings", include_str!("../migrations/0070_sorted_listings.sql")),
        migration(90, "proposals", include_str!("../migrations/0090_proposals.sql")),
        migration(110, "request_comments", include_str!("../migrations/0110_request_comments.sql")),
        migration(140, "approval_extras", include_str!("../migrations/0140_approval_extras.sql")),
        migration(141, "request_extras", include_str!("../migrations/0141_request_extras.sql")),
        migration(130, "reviews", include_str!("../migrations/0130_reviews.sql")),
        migration(131, "session_capabilities", include_str!("../migrations/0131_session_capabilities.sql")),
        migration(120, "channels", include_str!("../migrations/0120_channels.sql")),
        migration(121, "break_glass", include_str!("../migrations/0121_break_glass.sql")),
        migration(142, "separation_of_duties", include_str!("../migrations/0142_separation_of_duties.sql")),
        migration(143, "tickets", include_str!("../migrations/0143_tickets.sql")),
        migration(144, "templates_and_attachments", include_str!("../migrations/0144_templates_and_attachments.sql")),
        migration(150, "user_profiles", include_str!("../migrations/0150_user_profiles.sql")),
        migration(160, "detection", include_str!("../migrations/0160_detection.sql")),
        migration(145, "notices", include_str!("../migrations/0145_notices.sql")),
        migration(180, "day_figures", include_str!("../migrations/0180_day_figures.sql")),
        migration(187, "alert_answered", include_str!("../migrations/0187_alert_answered.sql")),
        migration(188, "rule_waiting", include_str!("../migrations/0188_rule_waiting.sql")),
        migration(190, "credentials_by_two", include_str!("../migrations/0190_credentials_by_two.sql")),
        migration(191, "findings_about_users", include_str!("../migrations/0191_findings_about_users.sql")),
        migration(192, "alerts_by_page", include_str!("../migrations/0192_alerts_by_page.sql")),
        migration(193, "archive_holds", include_str!("../migrations/0193_archive_holds.sql")),
        migration(194, "column_tags", include_str!("../migrations/0194_column_tags.sql")),
        migration(186, "retention", include_str!("../migrations/0186_retention.sql")),
        migration(185, "reports", include_str!("../migrations/0185_reports.sql")),
        migration(151, "console_tokens", include_str!("../migrations/0151_console_tokens.sql")),
        migration(50, "more_listings", include_str!("../migrations/0050_more_listings.sql")),
        migration(170, "links_by_two", include_str!("../migrations/0170_links_by_two.sql")),
    ])
}

/// A snapshot. The nouns' reading functions are its methods.
pub struct ReadTx {
    tx: Transaction<'static, Sqlite>,
}

impl ReadTx {
    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.tx
    }
}

/// A transaction that changes rows. The nouns' writing functions are its methods.
pub struct WriteTx {
    rows: ReadTx,
    now: Timestamp,
}

impl WriteTx {
    /// The time at which everything in this transaction happens.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Appends the events to the ledger and commits them with the changes made; gives the index of
    /// the first leaf.
    ///
    /// # Errors
    /// When nothing was committed.
    pub async fn commit(mut self, events: &[Event]) -> Result<u64, Error> {
        let first = self.append_leaves(events).await?;
        self.rows.tx.commit().await?;
        Ok(first)
    }

    /// Commits upkeep that no auditor asks about: when something was last used, what was published.
    ///
    /// # Errors
    /// When nothing was committed.
    pub async fn commit_upkeep(self) -> Result<(), Error> {
        Ok(self.rows.tx.commit().await?)
    }
}

impl Deref for WriteTx {
    type Target = ReadTx;

    fn deref(&self) -> &ReadTx {
        &self.rows
    }
}

impl DerefMut for WriteTx {
    fn deref_mut(&mut self) -> &mut ReadTx {
        &mut self.rows
    }
}
