//! Search over everything recorded: what is asked, who may see it, and what is shown of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use postern_domain::event::Event;
use postern_domain::permission::Permission;
use postern_domain::session::Session;
use postern_domain::{AssetName, ScopePath, SecretBytes};
use postern_gateway::{ReadError, StoredRecording};
use postern_search::{Clause, Hit, Index, IndexKey, Place, Query, look};
use postern_store::{SessionFilter, SessionSought};
use postern_understand::mask;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::data::DataFolder;
use crate::keys::OwnKey;
use crate::{Caller, Control, Error};

mod keep;

#[cfg(test)]
mod tests;

/// How many sessions one answer tells of, unless fewer are wanted, and at most.
const LIMIT: (u32, u32) = (20, 50);
/// Of how many sessions, the newest, an answer counts and pages.
const SESSIONS_MAX: u32 = 1000;
/// How many slices of a session are read to find one thing that was asked for.
const PLACES_MAX: u32 = 16;
/// How many recordings are read at once.
const AT_ONCE: usize = 4;
/// After this time no other recording is begun, and an answer is given with what was found until then.
const TIME_MAX: Duration = Duration::from_millis(1500);
/// How many moments of a session are shown, and how much of each, in characters.
const HITS_MAX: usize = 4;
const TEXT_MAX: usize = 240;
/// How much is shown before the first thing that was found, in characters.
const BEFORE_MAX: usize = 60;
/// How many names a facet tells.
const FACET_MAX: usize = 12;

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SearchPart {
    /// What it says.
    pub text: String,
    /// Whether it is what was looked for.
    pub found: bool,
}

/// A moment of a recording that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SearchHit {
    /// When, in milliseconds since the session's start.
    pub at_ms: u64,
    /// On which channel; none when it is about the session as a whole.
    pub channel: Option<u32>,
    /// What it is: `output`, `command`, `exec`, `file`, `forward` or `statement`.
    pub kind: String,
    /// What it says, with secrets masked.
    pub parts: Vec<SearchPart>,
}

/// A session that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SearchResult {
    /// The session.
    pub session: Session,
    /// The first moments, in the order of time; none where nothing was asked of the recording.
    pub hits: Vec<SearchHit>,
}

/// How many of the sessions have a name in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SearchCount {
    /// The name.
    pub name: String,
    /// How many.
    pub count: u64,
}

/// What the sessions have in common, most frequent first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SearchFacets {
    /// People.
    pub users: Vec<SearchCount>,
    /// Assets.
    pub assets: Vec<SearchCount>,
    /// Protocols.
    pub protocols: Vec<SearchCount>,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SearchFound {
    /// The sessions, newest first.
    pub items: Vec<SearchResult>,
    /// Where to go on; none at the end.
    pub next: Option<String>,
    /// Whether reading recordings took too long for one answer: there may be fewer items than were wanted,
    /// none even, and more of them from `next` on.
    pub stopped: bool,
    /// How many sessions the index knows to hold all of the words: reading them may show that a phrase
    /// is not among them. At most 1000 are counted.
    pub total: u64,
    /// Whether there are more than were counted.
    pub more: bool,
    /// Of those that were counted.
    pub facets: SearchFacets,
    /// Recordings that are not in the index yet, and may hold it too.
    pub behind: u64,
}

/// What one answer's reading found.
struct Looked {
    items: Vec<SearchResult>,
    /// The session to go on after.
    next: Option<String>,
    stopped: bool,
}

/// What recordings are searched with, while the vault is unsealed.
#[derive(Default)]
pub(crate) struct Searching {
    index: Mutex<Option<Arc<Index>>>,
    /// How many recordings are not in the index yet.
    behind: std::sync::atomic::AtomicU64,
}

impl Control {
    /// The index; it is opened when it is first wanted, and let go of while the vault is sealed.
    pub(crate) async fn search_index(&self) -> Result<Arc<Index>, Error> {
        let mut held = self.0.search.index.lock().await;
        if self.vault().status().sealed {
            *held = None;
            return Err(Error::Sealed);
        }
        if let Some(index) = &*held {
            return Ok(Arc::clone(index));
        }
        let seed = self.own_seed(&mut self.store().read().await?, OwnKey::SearchIndex).await?;
        let damaged = || Error::Unavailable("the search index's key is damaged: restore it from a backup".to_owned());
        let key = IndexKey::new(seed.expose()).ok_or_else(damaged)?;
        let path = DataFolder::new(&self.settings().data).search_index();
        let index = Arc::new(Index::open(&path, key).await.map_err(|error| failed(&error))?);
        *held = Some(Arc::clone(&index));
        Ok(index)
    }

    /// The sessions whose recordings the caller may see and that hold what was asked for, newest first.
    /// That it was asked, and whose recordings were shown, is written down before anything is told.
    ///
    /// # Errors
    /// `Invalid` when the query is none, `Sealed` while the vault is.
    pub async fn search(
        &self,
        caller: &Caller,
        text: &str,
        cursor: Option<&str>,
        limit: Option<u32>,
    ) -> Result<SearchFound, Error> {
        let query = Query::parse(text, self.now()).map_err(|error| Error::invalid(error.field, error.remedy))?;
        let index = self.search_index().await?;
        let mut sought = sought(&query)?;
        if !query.clauses.is_empty() {
            sought.among = Some(index.sessions(&query.clauses).await.map_err(|error| failed(&error))?);
        }
        let scopes = caller.authority.scopes(Permission::RecordingRead);
        let mut rows = self.store().read().await?;
        let mut sessions = rows.sessions_sought(&scopes, &caller.user.id, &sought, SESSIONS_MAX + 1).await?;
        drop(rows);
        let most = usize::try_from(SESSIONS_MAX).unwrap_or(usize::MAX);
        let more = sessions.len() > most;
        sessions.truncate(most);
        let facets = facets(&sessions);
        let total = u64::try_from(sessions.len()).unwrap_or(0);
        let after = match cursor {
            Some(cursor) => sessions.iter().position(|session| session.id.as_str() == cursor).map(|at| at + 1),
            None => Some(0),
        };
        let after = after.ok_or_else(|| Error::invalid("cursor", "it is not one of this search: begin anew"))?;
        let wanted = usize::try_from(limit.unwrap_or(LIMIT.0).clamp(1, LIMIT.1)).unwrap_or(1);
        let Looked { items, next, stopped } =
            self.looked_at(&index, sessions.split_off(after), &query.clauses, wanted).await?;
        self.searched(caller, text, &items, total).await?;
        let behind = self.0.search.behind.load(std::sync::atomic::Ordering::Relaxed);
        Ok(SearchFound { items, next, stopped, total, more, facets, behind })
    }

    /// The first `wanted` of `sessions` in which it was really found.
    async fn looked_at(
        &self,
        index: &Arc<Index>,
        sessions: Vec<Session>,
        clauses: &[Clause],
        wanted: usize,
    ) -> Result<Looked, Error> {
        let began = Instant::now();
        let count = sessions.len();
        let mut looked = futures::stream::iter(sessions)
            .map(|session| async move {
                let hits = self.look_in(index, &session, clauses).await;
                (session, hits)
            })
            .buffered(AT_ONCE);
        let (mut items, mut seen) = (Vec::new(), 0);
        while let Some((session, hits)) = looked.next().await {
            seen += 1;
            let id = session.id.to_string();
            if let Some(hits) = hits? {
                items.push(SearchResult { session, hits });
            }
            let full = items.len() >= wanted;
            if seen < count && (full || began.elapsed() > TIME_MAX) {
                return Ok(Looked { items, next: Some(id), stopped: !full });
            }
        }
        Ok(Looked { items, next: None, stopped: false })
    }

    /// Where a session's recording holds each of `clauses`; `None` when it does not, or is gone.
    async fn look_in(
        &self,
        index: &Arc<Index>,
        session: &Session,
        clauses: &[Clause],
    ) -> Result<Option<Vec<SearchHit>>, Error> {
        if clauses.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let (recording, key) = match self.recording_opened(&session.id).await {
            Ok(opened) => opened,
            Err(Error::Sealed) => return Err(Error::Sealed),
            Err(_) => return Ok(None),
        };
        let opened = Arc::new((recording, key));
        let mut missing = clauses.to_vec();
        let mut hits = Vec::new();
        // Where all of it is in one place, that place is the best to show; else each has its own.
        let together = (clauses.len() > 1).then(|| clauses.to_vec());
        for round in together.into_iter().chain(clauses.iter().map(|clause| vec![clause.clone()])) {
            if missing.is_empty() {
                break;
            }
            match self.look_for(index, session, &opened, &round).await? {
                Some(found) => {
                    missing.retain(|clause| !round.contains(clause));
                    hits.extend(found);
                }
                None if round.len() == 1 => return Ok(None),
                None => {}
            }
        }
        Ok(missing.is_empty().then(|| shown(hits)))
    }

    /// What one of a session's places holds of all of `clauses`.
    async fn look_for(
        &self,
        index: &Arc<Index>,
        session: &Session,
        opened: &Arc<(StoredRecording, SecretBytes)>,
        clauses: &[Clause],
    ) -> Result<Option<Vec<Hit>>, Error> {
        let places = index.places(session.id.as_str(), clauses, PLACES_MAX).await.map_err(|error| failed(&error))?;
        for place in places {
            let (opened, clauses) = (Arc::clone(opened), clauses.to_vec());
            let read = tokio::task::spawn_blocking(move || read(&opened.0, &opened.1, &place, &clauses));
            let read = read.await.map_err(|_| Error::Unavailable("the search was cut off".to_owned()))?;
            // What cannot be read is the verdict of the recording's integrity.
            if let Ok(found) = read
                && found.iter().all(|hits| !hits.is_empty())
            {
                return Ok(Some(found.concat()));
            }
        }
        Ok(None)
    }

    /// Writes down what was searched, and whose recordings were shown.
    async fn searched(&self, caller: &Caller, text: &str, items: &[SearchResult], found: u64) -> Result<(), Error> {
        let now = self.now();
        let shown = items.iter().filter(|item| !item.hits.is_empty());
        let read = shown.map(|SearchResult { session, .. }| {
            Event::done(now, caller.actor(), "recording.read", session.id.as_str(), session.scope.clone())
                .with("how", "search")
                .with("user", session.user.as_str())
                .with("account", session.account.to_string())
        });
        let asked = Event::done(now, caller.actor(), "recording.search", "recordings", ScopePath::root())
            .with("query", mask(text))
            .with("found", found);
        let events: Vec<Event> = std::iter::once(asked).chain(read).collect();
        let tx = self.store().write(now).await?;
        self.commit(tx, &events).await?;
        Ok(())
    }
}

/// What is asked of the database.
fn sought(query: &Query) -> Result<SessionSought, Error> {
    let Query { user, asset, account, protocol, reasons, ticket, since, until, clauses: _ } = query.clone();
    let (mut account_ref, mut account_name) = (None, None);
    match account {
        Some(account) if account.contains('@') => {
            let parsed = account.parse().map_err(|_| Error::invalid("account", "give root or root@web-1"))?;
            account_ref = Some(parsed);
        }
        other => account_name = other,
    }
    let asset = asset.map(|asset| asset.parse::<AssetName>()).transpose();
    let asset = asset.map_err(|_| Error::invalid("asset", "give the name of an asset, such as web-1"))?;
    let filter = SessionFilter { live: false, user, account: account_ref, asset, protocol, from: since, until };
    Ok(SessionSought { filter, account_name, reasons, ticket, among: None })
}

/// Reads a place of a recording again.
fn read(
    recording: &StoredRecording,
    key: &SecretBytes,
    place: &Place,
    clauses: &[Clause],
) -> Result<Vec<Vec<Hit>>, ReadError> {
    let frames = match &place.from {
        Some(from) => recording.frames_from(key, from)?,
        None => recording.frames(key)?,
    };
    Ok(look(place, frames.map_while(Result::ok), clauses))
}

/// The first of the moments, each once.
fn shown(mut hits: Vec<Hit>) -> Vec<SearchHit> {
    hits.sort_by_key(|hit| hit.moment.at_ms);
    hits.dedup_by(|next, before| next.moment == before.moment);
    hits.truncate(HITS_MAX);
    hits.into_iter()
        .map(|hit| SearchHit {
            at_ms: hit.moment.at_ms,
            channel: hit.moment.channel,
            kind: hit.moment.kind.as_str().to_owned(),
            parts: parts(&hit.moment.text, &hit.marks),
        })
        .collect()
}

/// A text cut to what is worth showing, and at what was found. Nothing in it commands a terminal.
fn parts(text: &str, marks: &[std::ops::Range<usize>]) -> Vec<SearchPart> {
    let first = marks.first().map_or(0, |mark| mark.start);
    let before = text.get(..first).unwrap_or_default().char_indices().rev().nth(BEFORE_MAX).map_or(0, |(at, _)| at);
    let mut left = TEXT_MAX;
    let mut parts = Vec::new();
    let mut add = |text: &str, found: bool| {
        let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(left).collect();
        left -= plain.chars().count();
        if !plain.is_empty() {
            parts.push(SearchPart { text: plain, found });
        }
    };
    if before > 0 {
        add("… ", false);
    }
    let mut at = before;
    for mark in marks {
        add(text.get(at..mark.start).unwrap_or_default(), false);
        add(text.get(mark.clone()).unwrap_or_default(), true);
        at = mark.end.max(at);
    }
    add(text.get(at..).unwrap_or_default(), false);
    parts
}

fn facets(sessions: &[Session]) -> SearchFacets {
    let counted = |name: &dyn Fn(&Session) -> String| {
        let mut counts = BTreeMap::<String, u64>::new();
        for session in sessions {
            *counts.entry(name(session)).or_default() += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().map(|(name, count)| SearchCount { name, count }).collect();
        counts.sort_by_key(|counted| std::cmp::Reverse(counted.count));
        counts.truncate(FACET_MAX);
        counts
    };
    SearchFacets {
        users: counted(&|session| session.user.to_string()),
        assets: counted(&|session| session.account.asset.to_string()),
        protocols: counted(&|session| session.protocol.clone()),
    }
}

pub(crate) fn failed(error: &postern_search::Error) -> Error {
    Error::Unavailable(error.to_string())
}
