//! Unix-like servers reached by SSH.

mod inventory;
mod keys;
mod linux;
mod parse;
mod provision;
mod shell;
mod sudoers;

pub use linux::Linux;
pub use shell::{Shell, ShellError, ShellOutput};
