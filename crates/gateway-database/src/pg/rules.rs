//! What policy says of the statements of one session.

use postern_domain::Capability;
use postern_domain::policy::{
    Obligations, ResultCapture, StatementAction, StatementBudgets, StatementVerdict, Statements,
};
use postern_domain::session::authorize;
use postern_domain::statement::{NotUnderstood, StatementClass, StatementFacts};
use postern_gateway::StatementEvent;
use postern_wire::pg::front;

use super::mask::Mask;
use super::origins::Origins;
use crate::told;

/// What binds a session's statements.
pub(crate) struct Rules {
    statements: Statements,
    /// Whether every statement is read before it runs.
    strict: bool,
    /// Whether texts are looked at for copies that are not to be.
    guards_copies: bool,
    replicates: bool,
    obligations: Obligations,
    mask: Option<Mask>,
}

/// What was decided on a text, and what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub(crate) verdict: StatementVerdict,
    /// What it does, where that was looked at.
    pub(crate) facts: Vec<StatementFacts>,
}

impl Rules {
    pub(crate) fn of(obligations: &Obligations) -> Self {
        let statements = obligations.statements.clone().unwrap_or_default();
        let mask = Mask::of(&statements);
        let hides = mask.as_ref().is_some_and(Mask::hides);
        let may = |capability| authorize(obligations, capability).is_ok();
        Self {
            strict: statements.reads_statements(),
            guards_copies: !may(Capability::CopyIn) || !may(Capability::CopyOut) || hides,
            replicates: may(Capability::Replication),
            statements,
            obligations: obligations.clone(),
            mask,
        }
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

    /// What is hidden in results; none where they need not be looked at.
    pub(crate) fn mask(&self) -> Option<&Mask> {
        self.mask.as_ref()
    }

    /// Whether something is hidden in results.
    pub(crate) fn hides(&self) -> bool {
        self.mask.as_ref().is_some_and(Mask::hides)
    }

    /// These are the target's columns that are hidden.
    pub(crate) fn knows(&mut self, origins: Origins) {
        if let Some(mask) = &mut self.mask {
            mask.knows(origins);
        }
    }

    /// How much of results is kept.
    pub(crate) fn capture(&self) -> Option<ResultCapture> {
        self.statements.capture
    }

    /// Whether the replication protocol may be spoken.
    pub(crate) fn replicates(&self) -> bool {
        self.replicates
    }

    /// Whether the session may do what the capability names.
    pub(crate) fn may(&self, capability: Capability) -> bool {
        authorize(&self.obligations, capability).is_ok()
    }

    /// Why a setting must not have this value, if it must not.
    pub(crate) fn guards(&self, name: &str, value: &str) -> Option<String> {
        if !self.strict {
            return None;
        }
        let plain: String = value.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        let right = match name {
            "client_encoding" => ["utf8", "unicode", "sqlascii"].contains(&plain.as_str()),
            "standard_conforming_strings" | "backslash_quote" => plain == "on" || plain == "safeencoding",
            "default_transaction_read_only" => {
                !self.read_only() || ["on", "true", "yes", "1"].contains(&plain.as_str())
            }
            "search_path" => !self.statements.guards("search_path"),
            _ => true,
        };
        (!right).then(|| format!("{name} must not be `{value}` where rules hold for statements"))
    }

    /// Decides on a text.
    pub(crate) fn judge(&self, text: &[u8]) -> Judged {
        let allowed = StatementVerdict { action: StatementAction::Allow, rule: String::new() };
        if !(self.strict || self.guards_copies && postern_sql::mentions(text, b"copy")) {
            return Judged { verdict: allowed, facts: Vec::new() };
        }
        let understood = postern_sql::postgresql(text);
        let mut verdict = if self.strict { self.statements.decide(&understood) } else { allowed };
        let facts = understood.unwrap_or_default();
        if let Some(refused) = self.copying(&facts).filter(|_| verdict.action < StatementAction::Block) {
            verdict = StatementVerdict { action: StatementAction::Block, rule: refused };
        }
        Judged { verdict, facts }
    }

    /// Why rows must not be copied in the way that a text asks for, if so.
    fn copying(&self, facts: &[StatementFacts]) -> Option<String> {
        let does = |class| facts.iter().flat_map(|facts| &facts.accesses).any(|access| access.class == class);
        let missing = |class, capability| does(class) && !self.may(capability);
        if missing(StatementClass::CopyIn, Capability::CopyIn) {
            Some("copy_in is not allowed by the policy".to_owned())
        } else if missing(StatementClass::CopyOut, Capability::CopyOut) {
            Some("copy_out is not allowed by the policy".to_owned())
        } else if does(StatementClass::CopyOut) && self.hides() {
            Some("copying out is not allowed where results are masked".to_owned())
        } else {
            None
        }
    }

    /// Decides on the call of a function by its number.
    pub(crate) fn judge_call(&self) -> StatementVerdict {
        if self.strict || self.hides() {
            let why = NotUnderstood("a function is called by its number".to_owned());
            return self.statements.decide(&Err(why));
        }
        StatementVerdict { action: StatementAction::Allow, rule: String::new() }
    }
}

/// What is told about a statement that a rule speaks of.
pub(crate) fn event(verdict: &StatementVerdict, text: &[u8], bind: Option<front::Bind<'_>>) -> StatementEvent {
    let text = String::from_utf8_lossy(text);
    let values = bind.iter().flat_map(front::Bind::parameters).map(|parameter| (parameter.binary, parameter.value));
    told::event(verdict, postern_sql::shape(&text), &text, values)
}
