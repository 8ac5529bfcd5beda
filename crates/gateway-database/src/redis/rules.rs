//! What policy says of the commands of one session.

use postern_domain::Capability;
use postern_domain::policy::{
    Obligations, ResultCapture, StatementAction, StatementBudgets, StatementVerdict, Statements,
};
use postern_domain::session::authorize;
use postern_domain::statement::StatementClass;
use postern_sql::redis::{Command, facts};

use super::mask::Mask;

/// What binds a session's commands.
pub(crate) struct Rules {
    statements: Statements,
    strict: bool,
    may_query: bool,
    mask: Option<Mask>,
}

impl Rules {
    pub(crate) fn of(obligations: &Obligations) -> Self {
        let statements = obligations.statements.clone().unwrap_or_default();
        Self {
            strict: statements.reads_statements(),
            may_query: authorize(obligations, Capability::Query).is_ok(),
            mask: Mask::of(&statements),
            statements,
        }
    }

    /// Whether the session may send commands at all.
    pub(crate) fn may_query(&self) -> bool {
        self.may_query
    }

    /// How much may be taken out.
    pub(crate) fn budgets(&self) -> &StatementBudgets {
        &self.statements.budgets
    }

    /// What is hidden.
    pub(crate) fn mask(&self) -> Option<&Mask> {
        self.mask.as_ref()
    }

    /// Whether replies are held until they are complete, for what they are is not known before.
    pub(crate) fn holds_replies(&self) -> bool {
        self.mask.is_some()
            || self.statements.capture.is_some()
            || self.statements.budgets != StatementBudgets::default()
    }

    /// Whether what a command gives is hidden as a whole.
    pub(crate) fn hides(&self, command: &Command, words: &[&[u8]]) -> bool {
        self.mask.as_ref().is_some_and(|mask| {
            let is_dynamic =
                || facts(command, words).accesses.iter().any(|access| access.class == StatementClass::Dynamic);
            command.keys.iter().filter_map(|key| words.get(*key)).any(|key| mask.is_hidden(key))
                || mask.hides_keys() && (!command.patterns.is_empty() || is_dynamic())
        })
    }

    /// How much of results is kept.
    pub(crate) fn capture(&self) -> Option<ResultCapture> {
        self.statements.capture
    }

    /// Decides on a command.
    pub(crate) fn judge(&self, command: &Command, words: &[&[u8]]) -> StatementVerdict {
        if !self.strict {
            return StatementVerdict { action: StatementAction::Allow, rule: String::new() };
        }
        self.statements.decide(&Ok(vec![facts(command, words)]))
    }
}
