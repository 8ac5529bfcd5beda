//! Prepared statements and portals by their names, exactly as the target has them: a name is taken
//! over when the target says so, and until then it counts for what is sent right behind it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use postern_domain::policy::StatementVerdict;
use postern_domain::statement::StatementFacts;
use postern_wire::pg::front;

use super::mask::Plan;

/// How many names one session may have.
const NAMES_MAX: usize = 16 * 1024;
/// How many bytes of texts one session may have prepared.
const TEXTS_LEN_MAX: usize = 64 * 1024 * 1024;

/// A prepared statement.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// Its text, as it is recorded.
    pub(crate) text: Box<[u8]>,
    /// What rules say of it.
    pub(crate) verdict: StatementVerdict,
    /// What it does, where that was looked at.
    pub(crate) facts: Vec<StatementFacts>,
}

/// Parameters bound to a statement.
#[derive(Debug)]
pub(crate) struct Portal {
    /// The statement; none where it was made in SQL.
    pub(crate) prepared: Option<Arc<Prepared>>,
    /// The name of the statement, where it is not known.
    pub(crate) name: Box<[u8]>,
    /// The body of the `Bind`, for its parameters.
    pub(crate) bind: Vec<u8>,
    /// What is hidden in its rows.
    pub(crate) plan: Option<Arc<Plan>>,
}

impl Portal {
    /// The parameters.
    pub(crate) fn parameters(&self) -> Option<front::Bind<'_>> {
        front::bind(&self.bind).ok()
    }
}

/// Names of one kind.
struct Names<T> {
    known: HashMap<Box<[u8]>, T>,
    /// What the target has not answered yet, in order.
    asked: VecDeque<(Box<[u8]>, T)>,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self { known: HashMap::new(), asked: VecDeque::new() }
    }
}

impl<T> Names<T> {
    fn get(&self, name: &[u8]) -> Option<&T> {
        let asked = self.asked.iter().rev().find(|(known, _)| **known == *name);
        asked.map(|(_, item)| item).or_else(|| self.known.get(name))
    }

    /// The target has taken over what was asked first.
    fn taken(&mut self) -> Option<T> {
        let (name, item) = self.asked.pop_front()?;
        match self.known.get_mut(&name) {
            Some(known) => Some(std::mem::replace(known, item)),
            None => self.known.insert(name, item),
        }
    }
}

/// The names of a session.
#[derive(Default)]
pub(crate) struct Registry {
    statements: Names<Arc<Prepared>>,
    portals: Names<Portal>,
    texts_len: usize,
    /// A name may have been given anew or taken away in SQL.
    doubtful: bool,
    /// A `Bind` body that can be written over.
    spare: Vec<u8>,
}

impl Registry {
    /// The statement of this name, as what is sent now would find it.
    pub(crate) fn statement(&self, name: &[u8]) -> Option<&Arc<Prepared>> {
        self.statements.get(name)
    }

    /// The portal of this name, as what is sent now would find it.
    pub(crate) fn portal(&self, name: &[u8]) -> Option<&Portal> {
        self.portals.get(name)
    }

    /// Whether names may mean something else since `PREPARE` or `DEALLOCATE` was used.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.doubtful
    }

    /// A statement is asked to be prepared; false when there is no room for it.
    pub(crate) fn parse(&mut self, name: &[u8], prepared: Arc<Prepared>) -> bool {
        let length = prepared.text.len();
        if self.statements.known.len() + self.statements.asked.len() >= NAMES_MAX
            || self.texts_len + length > TEXTS_LEN_MAX
        {
            return false;
        }
        self.texts_len += length;
        self.statements.asked.push_back((name.into(), prepared));
        true
    }

    /// The target has prepared it.
    pub(crate) fn parsed(&mut self) {
        if let Some(old) = self.statements.taken() {
            self.forget_text(&old);
        }
    }

    /// The target has not.
    pub(crate) fn not_parsed(&mut self) -> Option<Arc<Prepared>> {
        let (_, prepared) = self.statements.asked.pop_front()?;
        self.forget_text(&prepared);
        Some(prepared)
    }

    fn forget_text(&mut self, prepared: &Prepared) {
        let length = prepared.text.len();
        self.texts_len = self.texts_len.saturating_sub(length);
    }

    /// Parameters are asked to be bound; false when there is no room for them.
    pub(crate) fn bind(&mut self, body: &[u8], bind: &front::Bind<'_>) -> bool {
        if self.portals.known.len() + self.portals.asked.len() >= NAMES_MAX {
            return false;
        }
        let prepared = self.statements.get(bind.statement).cloned();
        let mut kept = std::mem::take(&mut self.spare);
        kept.clear();
        kept.extend_from_slice(body);
        let name: Box<[u8]> = if prepared.is_some() { Box::default() } else { bind.statement.into() };
        let portal = Portal { prepared, name, bind: kept, plan: None };
        self.portals.asked.push_back((bind.portal.into(), portal));
        true
    }

    /// The target has bound them.
    pub(crate) fn bound(&mut self) {
        if let Some(old) = self.portals.taken() {
            self.spare = old.bind;
        }
    }

    /// The target has not.
    pub(crate) fn not_bound(&mut self) {
        if let Some((_, portal)) = self.portals.asked.pop_front() {
            self.spare = portal.bind;
        }
    }

    /// What is hidden in a portal's rows has become known.
    pub(crate) fn plan(&mut self, name: &[u8], plan: &Arc<Plan>) {
        let asked = self.portals.asked.iter_mut().rev().find(|(known, _)| **known == *name);
        let portal = match asked {
            Some((_, portal)) => Some(portal),
            None => self.portals.known.get_mut(name),
        };
        if let Some(portal) = portal {
            portal.plan = Some(plan.clone());
        }
    }

    /// The target has closed a statement.
    pub(crate) fn statement_closed(&mut self, name: &[u8]) {
        if let Some(old) = self.statements.known.remove(name) {
            self.forget_text(&old);
        }
    }

    /// The target has closed a portal.
    pub(crate) fn portal_closed(&mut self, name: &[u8]) {
        self.portals.known.remove(name);
    }

    /// No transaction is open: there are no portals, but for the unnamed one, whose place is kept.
    pub(crate) fn transaction_over(&mut self) {
        if self.portals.known.len() > 1 || !self.portals.known.contains_key(&[][..]) {
            self.portals.known.clear();
        }
    }

    /// Names were changed in SQL.
    pub(crate) fn changed_in_sql(&mut self) {
        self.doubtful = true;
    }
}
