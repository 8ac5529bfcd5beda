//! Which of the client's messages an answer belongs to.
//!
//! A server answers in the order in which it was asked. After an error in the extended protocol it
//! leaves out everything up to the next `Sync`.

use std::collections::VecDeque;

use super::Error;

/// What a client asked for and the server has not answered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owed {
    /// `Parse`.
    Parse,
    /// `Bind`.
    Bind,
    /// `Describe`.
    Describe,
    /// `Close`.
    Close,
    /// `Execute`.
    Execute,
    /// `Query`: answered to its end by `ReadyForQuery`.
    Query,
    /// `FunctionCall`: the same.
    Call,
    /// `Sync`.
    Sync,
}

/// Where the session stands between statements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transaction {
    /// In none.
    #[default]
    Idle,
    /// In one.
    Open,
    /// In one that has failed and can only be rolled back.
    Failed,
}

/// What an answer means.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn<T> {
    /// It is a part of the front's answer, or belongs to nobody.
    Inside,
    /// The front is answered.
    Over(Owed, T),
    /// The front failed; what was behind it, up to the next `Sync`, is not done.
    Failed {
        /// What failed.
        owed: Owed,
        /// What the caller keeps with it.
        entry: T,
        /// What is not done.
        skipped: Vec<T>,
    },
}

/// What is owed, in order, each with what the caller keeps with it.
#[derive(Debug)]
pub struct Pipeline<T> {
    owed: VecDeque<(Owed, T)>,
    skipping: bool,
}

impl<T> Default for Pipeline<T> {
    fn default() -> Self {
        Self { owed: VecDeque::new(), skipping: false }
    }
}

impl<T> Pipeline<T> {
    /// The client asks; gives it back when the server leaves it out.
    #[inline]
    pub fn push(&mut self, owed: Owed, entry: T) -> Option<T> {
        if self.skipping {
            if owed != Owed::Sync {
                return Some(entry);
            }
            self.skipping = false;
        }
        self.owed.push_back((owed, entry));
        None
    }

    /// Whether the server leaves out what it is sent.
    #[must_use]
    pub fn is_skipping(&self) -> bool {
        self.skipping
    }

    /// How many answers are owed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.owed.len()
    }

    /// Whether nothing is owed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.owed.is_empty()
    }

    /// What is answered at the moment.
    #[inline]
    pub fn front_mut(&mut self) -> Option<(Owed, &mut T)> {
        self.owed.front_mut().map(|(owed, entry)| (*owed, entry))
    }

    /// Takes everything that is owed.
    pub fn drain(&mut self) -> impl Iterator<Item = T> + '_ {
        self.owed.drain(..).map(|(_, entry)| entry)
    }

    /// The server answered with a message of this type.
    ///
    /// # Errors
    /// When nobody asked for that.
    #[inline]
    pub fn answered(&mut self, tag: u8) -> Result<Turn<T>, Error> {
        let front = self.owed.front().map(|(owed, _)| *owed);
        if (tag, front) == (b'G', Some(Owed::Execute)) {
            self.forget_syncs();
        }
        let over = match (tag, front) {
            (b'A' | b'N' | b'S', _) => false,
            (b'1', Some(Owed::Parse))
            | (b'2', Some(Owed::Bind))
            | (b'3', Some(Owed::Close))
            | (b'T' | b'n', Some(Owed::Describe))
            | (b'C' | b's' | b'I', Some(Owed::Execute))
            | (b'Z', Some(Owed::Query | Owed::Call | Owed::Sync)) => true,
            (b't', Some(Owed::Describe))
            | (b'D' | b'G' | b'H' | b'W' | b'd' | b'c', Some(Owed::Execute | Owed::Query))
            | (b'T' | b'C' | b'I', Some(Owed::Query))
            | (b'V', Some(Owed::Call))
            | (b'E', Some(Owed::Query | Owed::Call | Owed::Sync) | None) => false,
            (b'E', Some(_)) => return Ok(self.failed()),
            _ => return Err(Error::Unasked(tag)),
        };
        match if over { self.owed.pop_front() } else { None } {
            Some((owed, entry)) => Ok(Turn::Over(owed, entry)),
            None => Ok(Turn::Inside),
        }
    }

    /// A server that reads copy data leaves out a `Sync` that was sent with the `Execute`.
    fn forget_syncs(&mut self) {
        while self.owed.get(1).is_some_and(|(owed, _)| *owed == Owed::Sync) {
            self.owed.remove(1);
        }
    }

    fn failed(&mut self) -> Turn<T> {
        let Some((owed, entry)) = self.owed.pop_front() else { return Turn::Inside };
        let mut skipped = Vec::new();
        while let Some((next, _)) = self.owed.front() {
            if *next == Owed::Sync {
                return Turn::Failed { owed, entry, skipped };
            }
            skipped.extend(self.owed.pop_front().map(|(_, entry)| entry));
        }
        self.skipping = true;
        Turn::Failed { owed, entry, skipped }
    }
}
