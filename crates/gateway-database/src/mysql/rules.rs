//! What policy says of the statements of one session.

use postern_domain::Capability;
use postern_domain::policy::{
    Obligations, ResultCapture, StatementAction, StatementBudgets, StatementVerdict, Statements,
};
use postern_domain::session::authorize;
use postern_domain::statement::{StatementClass, StatementFacts};

use super::mask::Mask;

/// What binds a session's statements.
pub(crate) struct Rules {
    statements: Statements,
    strict: bool,
    may_query: bool,
    may_load: bool,
    mask: Option<Mask>,
}

/// What was decided on a text, and what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub(crate) verdict: StatementVerdict,
    /// What it does, where that was looked at.
    pub(crate) facts: Vec<StatementFacts>,
}

impl Judged {
    /// Nothing speaks against it.
    pub(crate) fn allowed() -> Self {
        Self { verdict: StatementVerdict { action: StatementAction::Allow, rule: String::new() }, facts: Vec::new() }
    }
}

impl Rules {
    pub(crate) fn of(obligations: &Obligations) -> Self {
        let statements = obligations.statements.clone().unwrap_or_default();
        let may = |capability| authorize(obligations, capability).is_ok();
        Self {
            strict: statements.reads_statements(),
            may_query: may(Capability::Query),
            may_load: may(Capability::CopyIn),
            mask: Mask::of(&statements),
            statements,
        }
    }

    /// Whether the session may run statements at all.
    pub(crate) fn may_query(&self) -> bool {
        self.may_query
    }

    /// Whether rows may be loaded from the client.
    pub(crate) fn may_load(&self) -> bool {
        self.may_load
    }

    /// Whether every statement is read before it runs.
    pub(crate) fn are_strict(&self) -> bool {
        self.strict
    }

    /// Whether nothing may be changed.
    pub(crate) fn read_only(&self) -> bool {
        self.statements.read_only
    }

    /// How much may be taken out.
    pub(crate) fn budgets(&self) -> &StatementBudgets {
        &self.statements.budgets
    }

    /// What is hidden in results.
    pub(crate) fn mask(&self) -> Option<&Mask> {
        self.mask.as_ref()
    }

    /// How much of results is kept.
    pub(crate) fn capture(&self) -> Option<ResultCapture> {
        self.statements.capture
    }

    /// Decides on a text; names without a database are in `database`.
    pub(crate) fn judge(&self, text: &[u8], database: Option<&str>) -> Judged {
        if !self.strict {
            return Judged::allowed();
        }
        let understood = postern_sql::mysql(text, database);
        let mut verdict = self.statements.decide(&understood);
        let facts = understood.unwrap_or_default();
        let loads = facts.iter().flat_map(|facts| &facts.accesses).any(|access| access.class == StatementClass::CopyIn);
        if loads && !self.may_load && verdict.action < StatementAction::Block {
            let rule = "copy_in is not allowed by the policy".to_owned();
            verdict = StatementVerdict { action: StatementAction::Block, rule };
        }
        Judged { verdict, facts }
    }
}
