//! What Postern does on target platforms: find accounts, verify a secret, change it, set it anew with
//! the reconcile account, provision access for a while and take it back.
//!
//! A platform is one implementation of [`Connector`]. It gets a [`Target`] that says how the system is
//! reached and what it is known by, and the [`Login`] that it acts as. It keeps nothing, decides
//! nothing, and answers in types that tell *certainly done*, *certainly not done* and *unknown* apart:
//! whoever owns the secrets relies on that.

mod connector;
mod entitlement;
mod login;
mod outcome;
mod platforms;
mod ssh;
mod target;
mod unix;

pub use connector::{Capabilities, Change, Connector, Coverage, Gap, SettingSpec, Survey};
pub use entitlement::{Entitlement, Provision, Provisioned, SudoRule, grant_name, grant_of_name};
pub use login::{Login, Secret};
pub use outcome::{Cause, Failure, Outcome, Verdict};
pub use platforms::Connectors;
pub use target::{InvalidSetting, Limits, Settings, Target, Trust};
pub use unix::{Linux, Shell, ShellError, ShellOutput};
