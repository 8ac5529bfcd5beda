//! The session shell and the recorder.
//!
//! A gateway knows sessions, not databases: it reaches the rest of Postern through the `Broker` port
//! only. `Sessions::open` is the only way to a lease on a target, and it comes with its recorder, so
//! that an unauthorised or unrecorded path cannot be written down.

mod accept;
pub mod admission;
pub mod broker;
pub mod recorder;
pub mod room;
pub mod sessions;
pub mod stored;
pub mod tap;
pub mod watch;
pub mod workers;

#[cfg(test)]
mod testing;

pub use accept::accept;
pub use admission::{Admission, AdmissionLimits, Place, Waiting};
pub use broker::{
    Broker, BrokerError, ConnectRequest, Credential, Directive, FactorNeed, HostKeyVerdict, Identity, Lease, Recorded,
    RecordingPlan, Refusal, StatementAnswer, StatementEvent,
};
pub use recorder::{Recorder, RecorderFailed};
pub use room::{Guest, GuestEvent, Guests, Held, JoinError, Joined, TYPED_LEN_MAX};
pub use sessions::{Directives, LiveSession, Sessions, SessionsOptions};
pub use stored::{ExportFormat, ReadError, StoredFrames, StoredRecording, chain_of};
pub use tap::{Portion, Tap};
pub use watch::{Watch, Watched};
pub use workers::{Control, Share, Workers};
