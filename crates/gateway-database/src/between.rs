//! What a protocol's relay is to the session around it: it takes bytes and gives bytes, asks, and says
//! what is on. It does no I/O of its own.

use std::io;

use postern_domain::SecretText;
use postern_domain::name::GateLogin;
use postern_domain::session::EndReason;
use postern_gateway::{RecorderFailed, StatementEvent};

use crate::journal::Journal;

/// Why a session cannot go on.
#[derive(Debug)]
pub(crate) enum Stop<E> {
    /// A connection broke.
    Io(io::Error),
    /// The client broke the protocol.
    Client(E),
    /// The target broke the protocol.
    Target(E),
    /// It cannot be recorded.
    Recorder(RecorderFailed),
    /// It must not go on; the text is for the person.
    Ended(EndReason, String),
}

impl<E> From<io::Error> for Stop<E> {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl<E> From<RecorderFailed> for Stop<E> {
    fn from(error: RecorderFailed) -> Self {
        Self::Recorder(error)
    }
}

/// Takes bytes on their way.
pub(crate) type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> io::Result<()>;

/// Something that only the rest of Postern can answer.
pub(crate) enum Question {
    /// What happens to a statement that a rule speaks of.
    Statement(StatementEvent),
    /// Whether somebody may sign in anew, on a connection that is signed in.
    SignIn(SignIn),
}

/// A wish to sign in.
pub(crate) struct SignIn {
    /// To what, and as whom where that is said.
    pub(crate) login: GateLogin,
    /// What proves it.
    pub(crate) token: SecretText,
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It runs.
    Run,
    /// It does not; the text is for the person.
    Refuse(String),
}

/// What stands between a client and its target.
pub(crate) trait Between: Send {
    /// What is wrong with bytes.
    type Error: std::error::Error + Send;

    /// The client has sent this.
    fn take_client(&mut self, chunk: &[u8], forward: Sink<'_>) -> Result<(), Stop<Self::Error>>;

    /// The target has sent this.
    fn take_target(&mut self, chunk: &[u8], forward: Sink<'_>) -> Result<(), Stop<Self::Error>>;

    /// Goes on with what the client has sent before, if nothing speaks against it.
    fn resume(&mut self, forward: Sink<'_>) -> Result<(), Stop<Self::Error>>;

    /// The question has been answered; what follows goes to the target.
    fn answered(&mut self, answer: Answer, forward: Sink<'_>) -> Result<(), Stop<Self::Error>>;

    /// A question that has to be answered before anything goes on; given out once.
    fn take_question(&mut self) -> Option<Question>;

    /// Whether the client may send more.
    fn has_room(&self) -> bool;

    /// Whether something runs on the target.
    fn is_busy(&self) -> bool;

    /// Whether something of ours can be said to the client now.
    fn at_boundary(&self) -> bool;

    /// What is recorded.
    fn journal(&mut self) -> &mut Journal;

    /// What we say to the target ourselves.
    fn take_ours(&mut self) -> Vec<u8>;

    /// What we say to the client ourselves.
    fn take_theirs(&mut self) -> Vec<u8> {
        Vec::new()
    }

    /// Whether what runs on the target is to be cancelled; said once.
    fn take_cancel(&mut self) -> bool;

    /// A message to the person, if the protocol has a place for one.
    fn notice(&self, text: &str) -> Option<Vec<u8>>;

    /// The last words to the client.
    fn farewell(&self, text: &str) -> Vec<u8>;

    /// The last words to the target.
    fn goodbye(&self) -> Vec<u8>;

    /// The session is over: records what has not ended.
    fn end(&mut self) -> Result<(), RecorderFailed>;
}

/// A way to cancel what runs on a target.
pub(crate) trait Cancel: Clone + Send + 'static {
    /// Asks the target to cancel. Best effort.
    fn cancel(self) -> impl Future<Output = ()> + Send;
}
