//! How much a session may take out.

use postern_domain::policy::StatementBudgets;

/// What a session has taken out so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    rows: u64,
    bytes: u64,
}

impl Spent {
    /// More has been taken out.
    pub(crate) fn add(&mut self, rows: u64, bytes: u64) {
        self.rows = self.rows.saturating_add(rows);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Which budget is used up by a statement that has given so much, if one is.
    pub(crate) fn beyond(&self, budgets: &StatementBudgets, rows: u64, bytes: u64) -> Option<&'static str> {
        let over = |budget: Option<u64>, used: u64| budget.is_some_and(|budget| used > budget);
        if over(budgets.statement_rows, rows) {
            Some("more rows than the policy gives one statement")
        } else if over(budgets.statement_bytes, bytes) {
            Some("more bytes than the policy gives one statement")
        } else if over(budgets.session_rows, self.rows) {
            Some("more rows than the policy gives one session")
        } else if over(budgets.session_bytes, self.bytes) {
            Some("more bytes than the policy gives one session")
        } else {
            None
        }
    }
}
