//! The one place where a session is asked whether it may do something.

use crate::capability::Capability;
use crate::name::PolicyName;
use crate::policy::Obligations;

/// A session may not do what was wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{capability} is not allowed by {}", by(policy.as_ref()))]
pub struct CapabilityRefused {
    /// What was wanted.
    pub capability: Capability,
    /// The policy that the session was opened under, where the caller knows it.
    pub policy: Option<PolicyName>,
}

fn by(policy: Option<&PolicyName>) -> String {
    policy.map_or_else(|| "the policy of this session".to_owned(), |policy| format!("policy `{policy}`"))
}

impl CapabilityRefused {
    /// The same, naming the policy that the session was opened under.
    #[must_use]
    pub fn under(self, policy: &PolicyName) -> Self {
        Self { policy: Some(policy.clone()), ..self }
    }
}

/// Whether a session bound to `obligations` may do what `capability` names.
///
/// # Errors
/// When the capability is not among them.
pub fn authorize(obligations: &Obligations, capability: Capability) -> Result<(), CapabilityRefused> {
    if obligations.capabilities.contains(&capability) {
        Ok(())
    } else {
        Err(CapabilityRefused { capability, policy: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_listed_is_allowed() {
        for given in Capability::ALL {
            let obligations = Obligations { capabilities: [given].into(), ..Obligations::default() };
            for wanted in Capability::ALL {
                assert_eq!(authorize(&obligations, wanted).is_ok(), wanted == given, "{given} {wanted}");
            }
        }
    }

    #[test]
    fn a_refusal_names_the_capability_and_the_policy() {
        let nothing = Obligations { capabilities: [].into(), ..Obligations::default() };
        let refused = authorize(&nothing, Capability::SftpWrite).unwrap_err();
        assert_eq!(refused.to_string(), "sftp_write is not allowed by the policy of this session");
        let named = refused.under(&"web-admins".parse().unwrap());
        assert_eq!(named.to_string(), "sftp_write is not allowed by policy `web-admins`");
    }
}
