//! The evidence of a review: every right with what was known and decided, as JSON and as CSV, and a note over
//! both that is signed with the ledger's key.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest as sha256};
use postern_domain::ReviewId;
use postern_domain::permit::{Manage, Permit};
use postern_domain::review::{Review, ReviewItem, ReviewState};
use postern_ledger::note;
use postern_ledger::statement::Statement;
use postern_store::{LeafFilter, ReadTx, ReviewItemFilter};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::seen;
use crate::{Caller, Control, Error, visible};

/// The first line of the note: no checkpoint begins like this.
const HEADING: &str = "postern review evidence v1";
/// How many items are read at once.
const PAGE: u32 = 500;

/// Which part of the evidence is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceFormat {
    /// Everything, for programs.
    #[default]
    Json,
    /// Everything, as a table.
    Csv,
    /// The signed note over both.
    Note,
}

/// Evidence that was found to be good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceVerified {
    /// What the note says, line by line, by its first word.
    pub note: BTreeMap<String, String>,
    /// How many rights it is about.
    pub items: usize,
}

/// The whole of it.
#[derive(Serialize)]
struct Evidence<'a> {
    format: &'static str,
    review: &'a Review,
    ledger: LedgerRange,
    items: &'a [ReviewItem],
}

/// Where in the ledger everything of the review lies: from its start to its end.
#[derive(Clone, Copy, Serialize)]
struct LedgerRange {
    first: u64,
    last: u64,
}

impl Control {
    /// A part of the evidence of a review that is over; the same each time.
    ///
    /// # Errors
    /// `Conflict` while it can be answered; `Sealed` when the note is wanted and nothing can be signed.
    pub async fn review_evidence(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        id: &ReviewId,
        format: EvidenceFormat,
    ) -> Result<Vec<u8>, Error> {
        let mut rows = self.store().read().await?;
        let (mut review, _) = seen(&mut rows, caller, id).await?;
        visible::within(permit, &review.scope)?;
        if review.state == ReviewState::Open {
            return Err(Error::Conflict(format!("review {id} is not over: close it, or wait until {}", review.due_at)));
        }
        // Whether it starts again is no part of what was found.
        review.next_at = None;
        let items = items(&mut rows, id).await?;
        let ledger = range(&mut rows, &review).await?;
        let csv = table(&items);
        if format == EvidenceFormat::Csv {
            return Ok(csv);
        }
        let json = json(&Evidence { format: "postern.review/1", review: &review, ledger, items: &items })?;
        if format == EvidenceFormat::Json {
            return Ok(json);
        }
        let said = [
            ("review", id.to_string()),
            ("scope", review.scope.to_string()),
            ("items", items.len().to_string()),
            ("ledger", format!("{} {}", ledger.first, ledger.last)),
        ];
        let signer = self.ledger_signer(&mut rows).await?;
        let signed = Statement::sign(HEADING, &said, &[("json", &json), ("csv", &csv)], &signer)
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        Ok(signed.into_bytes())
    }
}

/// Verifies evidence with no key but the ledger's public one.
///
/// # Errors
/// What is wrong with it.
pub fn verify_evidence(key: &str, signed: &[u8], json: &[u8], csv: &[u8]) -> Result<EvidenceVerified, Error> {
    let verifier: note::Verifier = key
        .trim()
        .parse()
        .map_err(|error| Error::invalid("key", format!("not a verifier key (name+id+base64): {error}")))?;
    let statement = Statement::open(signed, &verifier).map_err(|error| Error::invalid("note", error.to_string()))?;
    if statement.heading != HEADING {
        return Err(Error::invalid("note", "is signed, but is no note over a review"));
    }
    for (part, bytes) in [("json", json), ("csv", csv)] {
        statement.check(part, bytes).map_err(|error| Error::invalid(part, error.to_string()))?;
    }
    let said = statement.said;
    let items = said.get("items").and_then(|count| count.parse().ok()).unwrap_or(0);
    Ok(EvidenceVerified { note: said, items })
}

/// Every item of a review, by number.
pub(super) async fn items(rows: &mut ReadTx, id: &ReviewId) -> Result<Vec<ReviewItem>, Error> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = postern_store::PageRequest { cursor, limit: Some(PAGE) };
        let listed = rows.review_items(id, &ReviewItemFilter::default(), &page.into()).await?;
        found.extend(listed.items);
        cursor = listed.next;
        if cursor.is_none() {
            return Ok(found);
        }
    }
}

pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::Unavailable(format!("the evidence cannot be written: {error}")))
}

/// SHA-256, hex.
pub(super) fn digest(bytes: &[u8]) -> String {
    hex::encode(sha256(&SHA256, bytes))
}

/// From the leaf of its start to the leaf of its end.
async fn range(rows: &mut ReadTx, review: &Review) -> Result<LedgerRange, Error> {
    let of = |action: &str| LeafFilter {
        action: Some(action.to_owned()),
        target: Some(review.id.to_string()),
        ..LeafFilter::default()
    };
    let scopes = std::slice::from_ref(&review.scope);
    let mut place = async |action: &str| -> Result<u64, Error> {
        let leaf = rows.leaves_matching(scopes, &of(action), 0, 1).await?.pop();
        leaf.map(|leaf| leaf.index).ok_or_else(|| Error::Unavailable(format!("the ledger has no {action} of it")))
    };
    Ok(LedgerRange { first: place("review.start").await?, last: place("review.close").await? })
}

const COLUMNS: &str = "number,kind,holder,right,scope,through,access,last_used_at,uses_90_days,accounts,findings,\
    worst_finding,peers,peers_with,advice,advised_because,decision,reason,decided_by,decided_at,effect,effect_detail";

/// The items as a table (RFC 4180).
fn table(items: &[ReviewItem]) -> Vec<u8> {
    let mut text = format!("{COLUMNS}\r\n");
    for item in items {
        let time = |at: Option<postern_domain::Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
        let facts = &item.facts;
        let through: Vec<_> = facts.policies.iter().map(ToString::to_string).collect();
        let cells = [
            item.number.to_string(),
            word(&item.right.kind),
            item.right.holder(),
            item.right.words(),
            item.right.scope.to_string(),
            through.join(" "),
            word(&facts.access),
            time(facts.last_used_at),
            facts.uses.to_string(),
            facts.accounts.to_string(),
            facts.findings.to_string(),
            word(&facts.worst),
            facts.peers.to_string(),
            facts.peers_with.to_string(),
            word(&item.advice),
            item.reasons.join("; "),
            word(&item.decision),
            item.reason.clone().unwrap_or_default(),
            item.decided_by.as_ref().map(ToString::to_string).unwrap_or_default(),
            time(item.decided_at),
            word(&item.effect),
            item.effect_detail.clone().unwrap_or_default(),
        ];
        text.push_str(&cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(","));
        text.push_str("\r\n");
    }
    text.into_bytes()
}

/// The word that a value is written as; empty for none.
fn word<T: Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A cell; what a spreadsheet would take for a formula is made a text.
fn quoted(cell: &str) -> String {
    let risky = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = if risky { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}
