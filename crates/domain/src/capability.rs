//! What can be done inside a session. Exhaustive: a new capability does not compile until every
//! protocol has an answer for it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing that a session may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// An interactive shell.
    Shell,
    /// A single command, `scp` in its old mode, `rsync` and `git` included.
    Exec,
    /// Reading files and directories by SFTP.
    SftpRead,
    /// Writing, renaming and deleting by SFTP.
    SftpWrite,
    /// `ssh -L` and `-J`: the client opens a connection through the target.
    LocalForward,
    /// `ssh -R`: the target's side opens a connection to the client.
    RemoteForward,
    /// `ssh -D`: the client opens connections to many destinations.
    DynamicForward,
    /// Agent forwarding.
    Agent,
    /// X11 forwarding.
    X11,
    /// Setting environment variables.
    Env,
    /// Statements of a database session.
    Query,
    /// Copying rows from the client into a database.
    CopyIn,
    /// Copying rows out of a database to the client.
    CopyOut,
    /// A database's replication protocol, which sends everything in it.
    Replication,
}

impl Capability {
    /// Every capability, in the order of declaration.
    pub const ALL: [Self; 14] = [
        Self::Shell,
        Self::Exec,
        Self::SftpRead,
        Self::SftpWrite,
        Self::LocalForward,
        Self::RemoteForward,
        Self::DynamicForward,
        Self::Agent,
        Self::X11,
        Self::Env,
        Self::Query,
        Self::CopyIn,
        Self::CopyOut,
        Self::Replication,
    ];

    /// The name used in policies, the ledger and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shell => "shell",
            Self::Exec => "exec",
            Self::SftpRead => "sftp_read",
            Self::SftpWrite => "sftp_write",
            Self::LocalForward => "local_forward",
            Self::RemoteForward => "remote_forward",
            Self::DynamicForward => "dynamic_forward",
            Self::Agent => "agent",
            Self::X11 => "x11",
            Self::Env => "env",
            Self::Query => "query",
            Self::CopyIn => "copy_in",
            Self::CopyOut => "copy_out",
            Self::Replication => "replication",
        }
    }
}

impl std::fmt::Display for Capability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
