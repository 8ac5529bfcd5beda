//! What a client asks for on a session channel, and what that is under policy.

use postern_domain::Capability;
use russh::{Pty, Sig};

/// A request, as it is passed on to the target.
#[derive(Clone, Debug)]
pub enum Request {
    /// A terminal.
    Pty {
        /// The terminal's type.
        term: String,
        /// Its size.
        size: Size,
        /// Its modes.
        modes: Vec<(Pty, u32)>,
    },
    /// A shell.
    Shell,
    /// A command.
    Exec(Vec<u8>),
    /// File transfer.
    Sftp,
    /// An environment variable.
    Env {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// The terminal has another size now.
    Resize(Size),
    /// A signal for the program.
    Signal(Sig),
    /// Agent forwarding.
    Agent,
    /// Something to be started that is not allowed; the text is for the person.
    Denied(String),
    /// X11 forwarding.
    X11 {
        /// For one connection only.
        single: bool,
        /// The authentication protocol's name.
        protocol: String,
        /// The authentication cookie.
        cookie: String,
        /// The screen.
        screen: u32,
    },
}

/// A terminal's size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub columns: u32,
    /// Rows.
    pub rows: u32,
    /// Width in pixels, when known.
    pub width: u32,
    /// Height in pixels, when known.
    pub height: u32,
}

impl Request {
    /// The capabilities of which the session must have at least one for this.
    pub fn needs(&self) -> &'static [Capability] {
        match self {
            // A terminal is of no use by itself; what runs on it is authorized when it is asked for.
            Self::Pty { .. } | Self::Resize(_) | Self::Signal(_) => &[Capability::Shell, Capability::Exec],
            Self::Denied(_) => &[],
            Self::Shell => &[Capability::Shell],
            Self::Exec(_) => &[Capability::Exec],
            Self::Sftp => &[Capability::SftpRead, Capability::SftpWrite],
            Self::Env { .. } => &[Capability::Env],
            Self::Agent => &[Capability::Agent],
            Self::X11 { .. } => &[Capability::X11],
        }
    }

    /// Whether it starts the channel's program; a channel has one.
    pub fn starts(&self) -> bool {
        matches!(self, Self::Shell | Self::Exec(_) | Self::Sftp | Self::Denied(_))
    }
}
