//! What an answer of a ticket system says.

use postern_domain::AssetName;
use postern_domain::policy::ticket::STATE_LEN_MAX;
use serde_json::Value;

use crate::{Refusal, TicketSettings};

/// How a ticket stands that exists and names the asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The state, as the ticket system calls it.
    pub state: String,
    /// Whether that is one of those that are open.
    pub open: bool,
}

impl Standing {
    /// That it is open.
    ///
    /// # Errors
    /// `Closed` where it is not.
    pub fn opened(&self, ticket: &str) -> Result<(), Refusal> {
        if self.open {
            return Ok(());
        }
        Err(Refusal::Closed { ticket: ticket.to_owned(), state: self.state.clone() })
    }
}

/// How the ticket stands that an answer is about, and that names the asset.
///
/// # Errors
/// Why it is not good enough.
pub fn judge(settings: &TicketSettings, ticket: &str, asset: &AssetName, answer: &Value) -> Result<Standing, Refusal> {
    let missing = || Refusal::Missing { ticket: ticket.to_owned() };
    let found = answer.pointer(&settings.ticket_at).and_then(Value::as_str).ok_or_else(missing)?;
    if !found.eq_ignore_ascii_case(ticket) {
        return Err(missing());
    }
    let state = answer.pointer(&settings.state_at).and_then(plain);
    let state = state.ok_or_else(|| Refusal::Unavailable(format!("its answer has no {}", settings.state_at)))?;
    let open = settings.open.iter().any(|open| open.eq_ignore_ascii_case(state.trim()));
    let state = state.chars().filter(|c| !c.is_control()).take(STATE_LEN_MAX).collect();
    let named = settings.asset_at.iter().filter_map(|pointer| answer.pointer(pointer)).any(|text| names(text, asset));
    if named {
        Ok(Standing { state, open })
    } else {
        Err(Refusal::OtherAsset { ticket: ticket.to_owned(), asset: asset.to_string() })
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Whether a text, or one within a list or an object, has the asset's name as a word of its own.
fn names(value: &Value, asset: &AssetName) -> bool {
    match value {
        Value::String(text) => has_word(&text.to_lowercase(), asset.as_str()),
        Value::Array(list) => list.iter().any(|value| names(value, asset)),
        Value::Object(fields) => fields.values().any(|value| names(value, asset)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// `web-1` is no word of `web-10` or of `my.web-1`, but is one of `web-1.` and `(web-1)`.
fn has_word(text: &str, word: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).unwrap_or_default().chars().next_back();
        let mut after = text.get(at + word.len()..).unwrap_or_default().chars();
        let ends = match after.next() {
            Some('.') => !after.next().is_some_and(joins),
            next => !next.is_some_and(joins),
        };
        ends && !before.is_some_and(|c| joins(c) || c == '.')
    })
}
