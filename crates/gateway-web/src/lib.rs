//! Terminals and file transfer in the browser.
//!
//! One tab is one session, opened, governed and recorded as those that come by SSH. What arrives on a
//! WebSocket and by HTTP is handed in as typed messages; this crate knows no HTTP. A tab outlives its
//! socket for a bounded time, with a bounded past, so that a network that fails costs nothing but a
//! moment. It sees the `Broker` port and `Sessions`, nothing else of Postern.

mod attachment;
mod files;
mod govern;
mod message;
mod open;
mod screen;
mod shell;
mod tab;
mod terminals;
mod transfer;

pub use attachment::{AttachError, Attachment, Event};
pub use files::{FileEntry, FileError, FileKind, Files, Folder};
pub use message::{Attach, FromBrowser, MESSAGE_LEN_MAX, ToBrowser, Unreadable};
pub use open::{OpenError, Wish};
pub use terminals::{Limits, Opened, Terminals};
pub use transfer::{Download, Upload, Uploaded};

/// The protocol's name in requests and recordings.
pub const PROTOCOL: &str = "web";
