//! Connectors against real servers, each started by the test that needs it. Needs root, and the packages
//! of `scripts/packages.sh test`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod device;
mod ldap;
mod linux;
mod mysql;
mod postgres;
mod redis;
mod support;
