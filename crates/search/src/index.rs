//! The index file: which slice of which recording holds which terms.
//!
//! An SQLite database of its own, beside Postern's: it can be made anew from the recordings at any time,
//! so that it needs no backup, no migration and no sync of every commit. Terms lie in a full-text table
//! without content and without positions, which merges them as they come.

use std::path::{Path, PathBuf};
use std::time::Duration;

use postern_wire::recording::Position;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Row, SqlitePool};

use crate::Error;
use crate::key::IndexKey;
use crate::query::Clause;
use crate::slice::{Note, Slice};
use crate::words::Field;

/// The version of the file; another one is made anew.
const VERSION: &[u8] = b"2";
/// Bits of a slice's number that count within its session.
const SLICE_BITS: u32 = 20;
/// Terms that are held in memory before they are sorted into the file, in bytes.
const PENDING_LEN: i64 = 32 * 1024 * 1024;
const READERS_MAX: u32 = 4;
const BUSY_MAX: Duration = Duration::from_secs(30);

const SCHEMA: &str = "
create table if not exists meta (key text not null primary key, value blob not null) strict, without rowid;
create table if not exists session (
    no integer primary key autoincrement,
    id text not null unique,
    slices integer not null default 0,
    text_bytes integer not null default 0,
    whole integer not null default 0
) strict;
create table if not exists slice (
    id integer primary key,
    until_ms integer not null,
    chain blob,
    chunks integer,
    bytes integer,
    notes blob
) strict;
create virtual table if not exists term using fts5(
    terms, content='', contentless_delete=1, detail=none, tokenize='ascii'
);";

/// A slice that may hold what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where in the recording's file to begin reading it; `None` at the front.
    pub from: Option<Position>,
    /// The time of its last moment, in milliseconds since the session's start.
    pub until_ms: u64,
    pub(crate) notes: Vec<Note>,
}

/// How much an index holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Sessions.
    pub sessions: u64,
    /// Bytes of text in them.
    pub text_bytes: u64,
}

/// An index. Cheap to share behind an `Arc`.
pub struct Index {
    key: IndexKey,
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Index {
    /// Opens the index at `path`. One that is damaged, of another version, or made with another key is
    /// made anew, empty.
    ///
    /// # Errors
    /// When the file can neither be opened nor be made.
    pub async fn open(path: &Path, key: IndexKey) -> Result<Self, Error> {
        match Self::connect(path).await {
            Ok((writer, readers)) if of_this_key(&writer, &key).await? => return Ok(Self { key, writer, readers }),
            Ok((writer, readers)) => {
                readers.close().await;
                writer.close().await;
            }
            Err(_) => {}
        }
        for suffix in ["", "-wal", "-shm"] {
            let file = PathBuf::from(format!("{}{suffix}", path.display()));
            match std::fs::remove_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        let (writer, readers) = Self::connect(path).await?;
        of_this_key(&writer, &key).await?;
        Ok(Self { key, writer, readers })
    }

    async fn connect(path: &Path) -> Result<(SqlitePool, SqlitePool), Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(BUSY_MAX)
            .pragma("trusted_schema", "off")
            .pragma("cache_size", "-32000");
        let writing = options
            .clone()
            .create_if_missing(true)
            .page_size(8192)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal);
        let writer = SqlitePoolOptions::new().max_connections(1).connect_with(writing).await?;
        sqlx::raw_sql(SCHEMA).execute(&writer).await?;
        sqlx::query("insert into term (term, rank) values ('hashsize', ?1)").bind(PENDING_LEN).execute(&writer).await?;
        #[cfg(unix)]
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        let readers =
            SqlitePoolOptions::new().max_connections(READERS_MAX).connect_with(options.read_only(true)).await?;
        Ok((writer, readers))
    }

    /// What makes terms and seals notes; slices are cut with it.
    #[must_use]
    pub fn key(&self) -> &IndexKey {
        &self.key
    }

    /// Begins a session: what there is of it is taken out. Gives its number in the index.
    ///
    /// # Errors
    /// When the file fails.
    pub async fn begin(&self, session: &str) -> Result<i64, Error> {
        self.forget(&[session.to_owned()]).await?;
        let row = sqlx::query("insert into session (id) values (?1) returning no").bind(session);
        Ok(row.fetch_one(&self.writer).await?.try_get("no")?)
    }

    /// Takes slices of sessions, each under its session's number, all or none of them; then the sessions
    /// `whole` are complete.
    ///
    /// # Errors
    /// When the file fails.
    pub async fn add(&self, mut slices: Vec<(i64, Slice)>, whole: &[i64]) -> Result<(), Error> {
        // The full-text table takes numbers that only grow at once, others one by one. Slices of one
        // session keep their order.
        slices.sort_by_key(|(session, _)| *session);
        let mut tx = self.writer.begin_with("begin immediate").await?;
        for (session, slice) in slices {
            let counted = sqlx::query(
                "update session set slices = slices + 1, text_bytes = text_bytes + ?2 where no = ?1 returning slices",
            );
            let text_bytes = i64::try_from(slice.text_bytes).unwrap_or(i64::MAX);
            let counted = counted.bind(session).bind(text_bytes).fetch_optional(&mut *tx).await?;
            // Somebody took the session out meanwhile.
            let Some(counted) = counted else { continue };
            let id = (session << SLICE_BITS) | (counted.try_get::<i64, _>("slices")? - 1);
            let notes = match slice.notes.is_empty() {
                true => None,
                false => Some(self.key.seal(id, &slice.notes).ok_or(Error::Sealing)?),
            };
            let from = slice.from.as_ref();
            sqlx::query(
                "insert into slice (id, until_ms, chain, chunks, bytes, notes) values (?1, ?2, ?3, ?4, ?5, ?6)",
            )
            .bind(id)
            .bind(i64::try_from(slice.until_ms).unwrap_or(i64::MAX))
            .bind(from.map(|from| from.chain.to_vec()))
            .bind(from.map(|from| i64::try_from(from.chunks).unwrap_or(i64::MAX)))
            .bind(from.map(|from| i64::try_from(from.bytes).unwrap_or(i64::MAX)))
            .bind(notes)
            .execute(&mut *tx)
            .await?;
            let terms = sqlx::query("insert into term (rowid, terms) values (?1, ?2)").bind(id).bind(slice.terms);
            terms.execute(&mut *tx).await?;
        }
        for session in whole {
            sqlx::query("update session set whole = 1 where no = ?1").bind(session).execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Takes sessions out, which need not be in it.
    ///
    /// # Errors
    /// When the file fails.
    pub async fn forget(&self, sessions: &[String]) -> Result<(), Error> {
        let mut tx = self.writer.begin_with("begin immediate").await?;
        for session in sessions {
            let found = sqlx::query("delete from session where id = ?1 returning no").bind(session);
            let Some(found) = found.fetch_optional(&mut *tx).await? else { continue };
            let (first, last) = slices_of(found.try_get("no")?);
            sqlx::query("delete from term where rowid in (select id from slice where id between ?1 and ?2)")
                .bind(first)
                .bind(last)
                .execute(&mut *tx)
                .await?;
            sqlx::query("delete from slice where id between ?1 and ?2")
                .bind(first)
                .bind(last)
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    /// The sessions that are in it as a whole.
    ///
    /// # Errors
    /// When the file fails.
    pub async fn whole(&self) -> Result<Vec<String>, Error> {
        Ok(sqlx::query_scalar("select id from session where whole = 1").fetch_all(&self.readers).await?)
    }

    /// How much it holds.
    ///
    /// # Errors
    /// When the file fails.
    pub async fn held(&self) -> Result<Held, Error> {
        let row = sqlx::query("select count(*) as sessions, coalesce(sum(text_bytes), 0) as bytes from session");
        let row = row.fetch_one(&self.readers).await?;
        let count = |column| row.try_get::<i64, _>(column).map(|count| u64::try_from(count).unwrap_or(0));
        Ok(Held { sessions: count("sessions")?, text_bytes: count("bytes")? })
    }

    /// The sessions that have for each of `clauses` a slice with all of its terms, in no order.
    ///
    /// # Errors
    /// When the file fails.
    pub async fn sessions(&self, clauses: &[Clause]) -> Result<Vec<String>, Error> {
        let mut sql = String::from("select session.id from session where 1");
        for at in 1..=clauses.len() {
            sql.push_str(&format!(
                " and session.no in (select term.rowid >> {SLICE_BITS} from term where term match ?{at})"
            ));
        }
        let mut query = sqlx::query_scalar(AssertSqlSafe(sql));
        for clause in clauses {
            query = query.bind(self.matching(clause));
        }
        Ok(query.fetch_all(&self.readers).await?)
    }

    /// The first `limit` slices of a session that have all terms of all of `clauses`.
    ///
    /// # Errors
    /// When the file fails.
    pub async fn places(&self, session: &str, clauses: &[Clause], limit: u32) -> Result<Vec<Place>, Error> {
        let no: Option<i64> = sqlx::query_scalar("select no from session where id = ?1")
            .bind(session)
            .fetch_optional(&self.readers)
            .await?;
        let Some(no) = no else { return Ok(Vec::new()) };
        let (first, last) = slices_of(no);
        let matching = clauses.iter().map(|clause| self.matching(clause)).collect::<Vec<_>>().join(" AND ");
        let rows = sqlx::query(
            "select slice.* from term join slice on slice.id = term.rowid \
             where term match ?1 and term.rowid between ?2 and ?3 order by term.rowid limit ?4",
        )
        .bind(matching)
        .bind(first)
        .bind(last)
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| self.place(row)).collect()
    }

    fn place(&self, row: &sqlx::sqlite::SqliteRow) -> Result<Place, Error> {
        let number = |value: i64| u64::try_from(value).unwrap_or(0);
        let chain: Option<Vec<u8>> = row.try_get("chain")?;
        let from = match chain.and_then(|chain| <[u8; 32]>::try_from(chain).ok()) {
            Some(chain) => {
                Some(Position { chain, chunks: number(row.try_get("chunks")?), bytes: number(row.try_get("bytes")?) })
            }
            None => None,
        };
        let sealed: Option<Vec<u8>> = row.try_get("notes")?;
        let id = row.try_get("id")?;
        let notes = sealed.and_then(|sealed| self.key.open(id, &sealed));
        let notes = notes.and_then(|notes| serde_json::from_slice(&notes).ok()).unwrap_or_default();
        Ok(Place { from, until_ms: number(row.try_get("until_ms")?), notes })
    }

    /// A clause as the full-text table understands it.
    fn matching(&self, clause: &Clause) -> String {
        let term = |(field, word): &(Option<Field>, String)| {
            self.key.term(*field, word).iter().map(|digit| char::from(*digit)).collect::<String>()
        };
        clause.terms().iter().map(term).collect::<Vec<_>>().join(" AND ")
    }

    /// Merges what came in many pieces, a little.
    ///
    /// # Errors
    /// When the file fails.
    pub async fn tidy(&self) -> Result<(), Error> {
        sqlx::query("insert into term (term, rank) values ('merge', 512)").execute(&self.writer).await?;
        Ok(())
    }

    /// Closes the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// The numbers that a session's slices can have.
const fn slices_of(session: i64) -> (i64, i64) {
    (session << SLICE_BITS, (session << SLICE_BITS) | ((1 << SLICE_BITS) - 1))
}

/// Whether the file was made with `key`, by this version; a new one is from now on.
async fn of_this_key(writer: &SqlitePool, key: &IndexKey) -> Result<bool, Error> {
    for (name, value) in [("version", VERSION.to_vec()), ("check", key.check())] {
        sqlx::query("insert into meta (key, value) values (?1, ?2) on conflict do nothing")
            .bind(name)
            .bind(&value)
            .execute(writer)
            .await?;
        let stored: Vec<u8> =
            sqlx::query_scalar("select value from meta where key = ?1").bind(name).fetch_one(writer).await?;
        if stored != value {
            return Ok(false);
        }
    }
    Ok(true)
}
