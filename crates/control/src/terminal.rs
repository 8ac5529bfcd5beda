//! Terminals in the browser: whether the sign-in is as fresh as policy wants it.

use postern_domain::policy::{self, Client, Decision};
use postern_domain::{AccountRef, LoginId, Timestamp};

use crate::{Caller, Control, Error};

/// By which protocol their sessions are said to come.
pub(crate) const PROTOCOL: &str = "web";

impl Control {
    /// The login in which the caller may ask for a session on `account`: one whose second factor is as
    /// fresh as policy demands. Whether the session is allowed is decided when it is opened; a refusal
    /// is written down there. `spent` is the proof that has opened a session already under a policy that
    /// wants one for each.
    ///
    /// # Errors
    /// `StepUp` when a factor has to be proved first; `Forbidden` for API tokens.
    pub async fn terminal_login(
        &self,
        caller: &Caller,
        account: &AccountRef,
        spent: Option<Timestamp>,
    ) -> Result<LoginId, Error> {
        let login = caller.login()?.clone();
        let Some(facts) = self.connect_facts(&caller.user.id, account).await? else { return Ok(login) };
        match policy::connect(&facts.connect(caller.source, caller.mfa_at).by(Client::Terminal), self.now()) {
            Decision::StepUp { max_age_seconds, .. } => Err(Error::StepUp { max_age_seconds }),
            Decision::Permit(permit)
                if permit.action().obligations.mfa_max_age_seconds == 0
                    && spent.is_some()
                    && spent == caller.mfa_at =>
            {
                Err(Error::StepUp { max_age_seconds: 0 })
            }
            Decision::Permit(_) | Decision::Deny(_) => Ok(login),
        }
    }
}
