//! What Postern does on target platforms: find accounts, verify a secret, change it, set it anew with
//! the reconcile account, provision access for a while and take it back.
//!
//! A platform is one implementation of [`Connector`]. It gets a [`Target`] that says how the system is
//! reached and what it is known by, and the [`Login`] that it acts as. It keeps nothing, decides
//! nothing, and answers in types that tell *certainly done*, *certainly not done* and *unknown* apart:
//! whoever owns the secrets relies on that.

mod connector;
mod device;
mod digest;
mod entitlement;
mod ldap;
mod login;
mod mysql;
mod outcome;
mod platforms;
mod postgres;
mod redis;
mod sight;
mod ssh;
mod target;
mod tls;
mod unix;

pub use connector::{Capabilities, Change, Connector, Coverage, Gap, SettingSpec, Survey};
pub use device::NetworkDevice;
pub use entitlement::{Entitlement, Provision, Provisioned, SudoRule, grant_name, grant_of_name};
pub use ldap::Directory;
pub use login::{Login, Secret};
pub use mysql::Mysql;
pub use outcome::{Cause, Failure, Outcome, Verdict};
pub use platforms::Connectors;
pub use postgres::Postgres;
pub use redis::Redis;
pub use sight::{Sight, look};
pub use target::{InvalidSetting, Limits, Settings, Target, Trust};
pub use unix::{Linux, Shell, ShellError, ShellOutput};
