//! SQL consoles in the browser.
//!
//! A console is a client of the database gateway like psql and mariadb: it signs in with a connect token
//! that was made for the person, and whatever holds for those holds for it. What they send is recorded,
//! held to rules, masked, waited for and ended there. This crate knows no policy, no vault and no HTTP; it
//! speaks the two protocols as a client does, reads no more than somebody looks at, and keeps nothing.

mod client;
mod console;
mod consoles;
mod line;
mod message;
mod mysql;
mod pg;
mod value;

#[cfg(test)]
mod tests;

pub use console::Console;
pub use consoles::{AttachError, Consoles, Limits, OpenError, Opened, Wish};
pub use line::{Door, Protocol};
pub use message::{Attach, Column, FromBrowser, MESSAGE_LEN_MAX, ToBrowser, Unreadable};
