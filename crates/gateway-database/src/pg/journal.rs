//! What is recorded of PostgreSQL's statements.

use postern_gateway::RecorderFailed;
use postern_wire::pg::{Transaction, front};
use postern_wire::recording::TransactionState;

use crate::journal::parameters;
pub(crate) use crate::journal::{Journal, Running};

/// What a statement is recorded with.
#[derive(Clone, Copy)]
pub(crate) struct Wording<'a> {
    /// Its text.
    pub(crate) text: &'a [u8],
    /// What stands before it.
    pub(crate) prefix: &'a str,
    /// The parameters that are bound to it.
    pub(crate) bind: Option<front::Bind<'a>>,
}

impl Journal {
    /// Records that a statement is about to run.
    pub(crate) fn begin(&mut self, wording: Wording<'_>, transaction: Transaction) -> Result<Running, RecorderFailed> {
        let transaction = match transaction {
            Transaction::Idle => TransactionState::None,
            Transaction::Open => TransactionState::Open,
            Transaction::Failed => TransactionState::Failed,
        };
        let bound = wording.bind.map(|bind| parameters(bind.parameters().map(|bound| (bound.binary, bound.value))));
        let bound = bound.unwrap_or_default();
        if wording.prefix.is_empty() {
            return self.begin_with(wording.text, bound, transaction);
        }
        self.begin_with(&[wording.prefix.as_bytes(), wording.text].concat(), bound, transaction)
    }
}
