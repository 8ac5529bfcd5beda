//! PostgreSQL's relay as the session around it sees it.

use postern_gateway::RecorderFailed;
use postern_wire::pg::{Error as WireError, back, front};

use super::journal::Journal;
use super::relay::{Answer, Relay, Sink, Stop};
use super::report;
use crate::between::{Between, Question};

impl Between for Relay {
    type Error = WireError;

    fn take_client(&mut self, chunk: &[u8], forward: Sink<'_>) -> Result<(), Stop> {
        Self::take_client(self, chunk, forward)
    }

    fn take_target(&mut self, chunk: &[u8], forward: Sink<'_>) -> Result<(), Stop> {
        Self::take_target(self, chunk, forward)
    }

    fn resume(&mut self, forward: Sink<'_>) -> Result<(), Stop> {
        Self::resume(self, forward)
    }

    fn answered(&mut self, answer: Answer, forward: Sink<'_>) -> Result<(), Stop> {
        Self::answered(self, answer, forward)
    }

    fn take_question(&mut self) -> Option<Question> {
        Self::take_question(self).map(Question::Statement)
    }

    fn has_room(&self) -> bool {
        Self::has_room(self)
    }

    fn is_busy(&self) -> bool {
        Self::is_busy(self)
    }

    fn at_boundary(&self) -> bool {
        Self::at_boundary(self)
    }

    fn journal(&mut self) -> &mut Journal {
        &mut self.journal
    }

    fn take_ours(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.to_target)
    }

    fn take_cancel(&mut self) -> bool {
        std::mem::take(&mut self.wants_cancel)
    }

    fn notice(&self, text: &str) -> Option<Vec<u8>> {
        let mut notice = Vec::new();
        back::put_notice(&mut notice, &report("NOTICE", "00000", text));
        Some(notice)
    }

    fn farewell(&self, text: &str) -> Vec<u8> {
        let mut told = Vec::new();
        back::put_error(&mut told, &report("FATAL", "57P01", text));
        told
    }

    fn goodbye(&self) -> Vec<u8> {
        let mut goodbye = Vec::new();
        front::put_terminate(&mut goodbye);
        goodbye
    }

    fn end(&mut self) -> Result<(), RecorderFailed> {
        Self::end(self)
    }
}
