//! Identifiers: a prefix that names the noun, then 80 bits as base32, sortable by creation time.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::shown;
use crate::time::Timestamp;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const TEXT_LEN: usize = 16;

/// Why a text is not an identifier of the wanted noun.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a {noun} id: expected `{prefix}_` and {TEXT_LEN} characters")]
pub struct InvalidId {
    /// The text as given, shortened.
    pub given: String,
    /// The noun that was wanted.
    pub noun: &'static str,
    /// The prefix that was wanted.
    pub prefix: &'static str,
}

/// 48 bits of time and 32 of randomness in Crockford's base32.
fn encode(now: Timestamp, random: [u8; 4]) -> String {
    let millis = u64::try_from(now.as_millis()).unwrap_or(0) & 0xFFFF_FFFF_FFFF;
    let value = (u128::from(millis) << 32) | u128::from(u32::from_be_bytes(random));
    (0..TEXT_LEN)
        .rev()
        .map(|digit| {
            let index = usize::try_from((value >> (digit * 5)) & 31).unwrap_or(0);
            char::from(ALPHABET.get(index).copied().unwrap_or(b'0'))
        })
        .collect()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal, $noun:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(with = "String")]
        pub struct $name(String);

        impl $name {
            /// The text before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new identifier; `random` must come from a cryptographic source.
            #[must_use]
            pub fn generate(now: Timestamp, random: [u8; 4]) -> Self {
                Self(format!("{}_{}", $prefix, encode(now, random)))
            }

            /// The identifier's text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let valid = text
                    .strip_prefix(concat!($prefix, "_"))
                    .is_some_and(|rest| rest.len() == TEXT_LEN && rest.bytes().all(|b| ALPHABET.contains(&b)));
                if valid {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(InvalidId { given: shown(text), noun: $noun, prefix: $prefix })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )*};
}

ids! {
    /// A use of break-glass.
    BreakGlassUseId = "bgu", "use of break-glass";
    /// A person.
    UserId = "usr", "user";
    /// A set of people.
    GroupId = "grp", "group";
    /// A system that has privileged accounts.
    AssetId = "ast", "asset";
    /// A privileged identity on an asset.
    AccountId = "acc", "account";
    /// A rule on who may use what.
    PolicyId = "pol", "policy";
    /// A change of a policy that waits for somebody's yes.
    ProposalId = "prp", "proposal";
    /// A campaign in which people say who keeps what access.
    ReviewId = "rev", "review";
    /// An order to keep recordings whatever their age.
    HoldId = "hld", "hold";
    /// A report that was made.
    ReportId = "rpt", "report";
    /// A report that is made again and again.
    ReportScheduleId = "rps", "report schedule";
    /// A wish to use an account for a task and a window.
    RequestId = "req", "request";
    /// The time-boxed right that results from a request.
    GrantId = "gra", "grant";
    /// One brokered use of a grant.
    SessionId = "ses", "session";
    /// A registered public key of a person.
    SshKeyId = "key", "SSH key";
    /// A bearer token for the API.
    TokenId = "tok", "API token";
    /// A signed-in console or CLI.
    LoginId = "lgn", "login";
    /// A one-time link.
    LinkId = "lnk", "link";
    /// One version of an account's secret.
    SecretId = "sec", "secret";
    /// Something outside our database that was about to be done.
    IntentId = "int", "intent";
    /// One change of an account's secret.
    RotationId = "rot", "rotation";
    /// Rotations that were asked for at once.
    RotationRunId = "run", "rotation run";
    /// The exceptional reveal of a secret.
    CheckoutId = "chk", "check-out";
    /// Something that uses an account's secret.
    DependentId = "dep", "dependent";
    /// What was made on a target for one session.
    ProvisionId = "prv", "provision";
    /// A discovery of several assets.
    DiscoveryId = "dis", "discovery";
    /// Where hosts are looked for.
    SourceId = "src", "discovery source";
    /// A host that a discovery source found.
    HostId = "hst", "found host";
    /// Something that discovery thinks is wrong.
    FindingId = "fnd", "finding";
    /// A host key that a target presented.
    HostKeyId = "hky", "host key";
    /// A passkey.
    PasskeyId = "pky", "passkey";
    /// A token that stands for a password where a client signs in to a gateway.
    ConnectTokenId = "ctk", "connect token";
    /// A statement that waits until somebody has said yes.
    StatementId = "stm", "statement";
    /// A saved wish.
    TemplateId = "tpl", "request template";
    /// A separation of duties.
    DutiesId = "sod", "separation of duties";
    /// Something that a detection rule found.
    AlertId = "alr", "alert";
    /// Somebody who answers in the place of another.
    StandInId = "sti", "stand-in";
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_of_another_noun_is_refused() {
        let user = UserId::generate(Timestamp::from_millis(1), [1, 2, 3, 4]);
        assert!(user.as_str().parse::<UserId>().is_ok());
        assert!(user.as_str().parse::<GroupId>().is_err());
        assert!(user.as_str().to_uppercase().parse::<UserId>().is_err());
    }

    proptest! {
        #[test]
        fn later_ids_sort_later(a in 0i64..1 << 47, b in 0i64..1 << 47, random in any::<[u8; 4]>()) {
            let id = |millis| SessionId::generate(Timestamp::from_millis(millis), random);
            prop_assert_eq!(a.cmp(&b), id(a).cmp(&id(b)));
            prop_assert_eq!(id(a).to_string().parse::<SessionId>().unwrap(), id(a));
        }

        #[test]
        fn no_text_panics(text in "(?s)(ses_)?.{0,20}") {
            if let Ok(id) = text.parse::<SessionId>() {
                prop_assert_eq!(id.as_str(), text);
            }
        }
    }
}
