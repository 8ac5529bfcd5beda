//! What is told about a statement that a rule speaks of, and instead of what a target says.

use postern_domain::policy::StatementVerdict;
use postern_domain::statement::{StatementClass, StatementFacts};
use postern_gateway::StatementEvent;

/// The longest text that somebody who decides on a statement is shown, in characters.
const SHOWN_MAX: usize = 4000;

/// The event: the statement's text and its parameters, of each whether it is binary.
pub(crate) fn event<'a>(
    verdict: &StatementVerdict,
    shape: Option<String>,
    text: &str,
    values: impl Iterator<Item = (bool, Option<&'a [u8]>)>,
) -> StatementEvent {
    let mut shown: String = text.chars().take(SHOWN_MAX).collect();
    for (index, (binary, value)) in values.enumerate().take(100) {
        let value = match value {
            None => "NULL".to_owned(),
            Some(value) if binary => format!("{} bytes, binary", value.len()),
            Some(value) => String::from_utf8_lossy(value.get(..value.len().min(200)).unwrap_or_default()).into_owned(),
        };
        shown.push_str(&format!("\n--   ${} = {value}", index + 1));
    }
    StatementEvent {
        action: verdict.action,
        rule: verdict.rule.clone(),
        shape,
        text: shown.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { ' ' } else { c }).collect(),
    }
}

/// Whether a statement runs code that can put anything into its errors.
pub(crate) fn says_what_it_likes(facts: &[StatementFacts]) -> bool {
    facts.iter().flat_map(|facts| &facts.accesses).any(|access| access.class == StatementClass::Dynamic)
}

/// What is told of an error whose words may hold what is hidden; `says` is what may be known of it.
pub(crate) fn veiled(says: &str) -> String {
    format!("the target {says}, and more that is not shown where results are masked")
}
