//! Names, in one canonical form made here at the edge. Two spellings of one thing cannot meet inside.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest name accepted, in bytes.
pub const NAME_LEN_MAX: usize = 63;

/// The longest account reference or login accepted, in bytes.
const REFERENCE_LEN_MAX: usize = 512;

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} `{given}` is not valid: {remedy}")]
pub struct InvalidName {
    /// Which name was being read.
    pub field: &'static str,
    /// The text as given, shortened and with control characters removed.
    pub given: String,
    /// What would be accepted.
    pub remedy: &'static str,
}

/// The beginning of a text that is not to be trusted, for an error: short, without control characters.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(40).filter(|c| !c.is_control()).collect()
}

fn is_slug(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && text.len() <= NAME_LEN_MAX
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-'))
}

fn is_account(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 128
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'$' | b'\\' | b'+'))
        && !text.starts_with('-')
}

const SLUG_PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$";
const TAG_PATTERN: &str = "^[a-z0-9][a-z0-9._-]{0,62}$";
const ACCOUNT_PATTERN: &str = r"^[A-Za-z0-9._$\\+][A-Za-z0-9._$\\+-]{0,127}$";
const REFERENCE_PATTERN: &str = r"^[A-Za-z0-9._$\\+][A-Za-z0-9._$\\+-]{0,127}@[A-Za-z0-9][A-Za-z0-9._-]{0,62}$";

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $field:literal, $check:ident, $fold:expr, $pattern:expr, $remedy:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(with = "String", extend("pattern" = $pattern))]
        pub struct $name(String);

        impl $name {
            /// The canonical text.
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
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                let fold: fn(&str) -> String = $fold;
                let folded = if text.len() > 256 { String::new() } else { fold(text) };
                if $check(&folded) {
                    Ok(Self(folded))
                } else {
                    Err(InvalidName { field: $field, given: shown(text), remedy: $remedy })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    )*};
}

names! {
    /// How a person signs in; unique in the installation, compared without case.
    UserName, "user name", is_slug, str::to_ascii_lowercase, SLUG_PATTERN, "use 1 to 63 of a-z 0-9 . _ - and begin with a letter or digit";
    /// A group's name, unique within its tenant.
    GroupName, "group name", is_slug, str::to_ascii_lowercase, SLUG_PATTERN, "use 1 to 63 of a-z 0-9 . _ - and begin with a letter or digit";
    /// An asset's name, unique within its tenant.
    AssetName, "asset name", is_slug, str::to_ascii_lowercase, SLUG_PATTERN, "use 1 to 63 of a-z 0-9 . _ - and begin with a letter or digit";
    /// A policy's name, unique within its tenant.
    PolicyName, "policy name", is_slug, str::to_ascii_lowercase, SLUG_PATTERN, "use 1 to 63 of a-z 0-9 . _ - and begin with a letter or digit";
    /// The name of a separation of duties, unique within its tenant.
    DutiesName, "separation name", is_slug, str::to_ascii_lowercase, SLUG_PATTERN, "use 1 to 63 of a-z 0-9 . _ - and begin with a letter or digit";
    /// A discovery source's name, unique within its tenant.
    SourceName, "source name", is_slug, str::to_ascii_lowercase, SLUG_PATTERN, "use 1 to 63 of a-z 0-9 . _ - and begin with a letter or digit";
    /// The name of a tag, which says what columns of assets hold. It has one spelling: two keys of a map
    /// that mean the same would lose one's columns.
    TagName, "tag", is_slug, str::to_owned, TAG_PATTERN, "use 1 to 63 of a-z 0-9 . _ - and begin with a letter or digit";
    /// A role's name.
    RoleName, "role name", is_slug, str::to_ascii_lowercase, SLUG_PATTERN, "use 1 to 63 of a-z 0-9 . _ - and begin with a letter or digit";
    /// The account's own name on the target, as the target spells it.
    AccountName, "account name", is_account, str::to_owned, ACCOUNT_PATTERN, "use 1 to 128 letters, digits or . _ - $ \\ + and do not begin with -";
}

/// An account on an asset, written `root@web-1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = REFERENCE_PATTERN))]
pub struct AccountRef {
    /// The account's name on the asset.
    pub account: AccountName,
    /// The asset.
    pub asset: AssetName,
}

impl fmt::Display for AccountRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.account, self.asset)
    }
}

impl FromStr for AccountRef {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let (account, asset) =
            text.rsplit_once('@').filter(|_| text.len() <= REFERENCE_LEN_MAX).ok_or_else(|| InvalidName {
                field: "account",
                given: shown(text),
                remedy: "write it as account@asset, for example root@web-1",
            })?;
        Ok(Self { account: account.parse()?, asset: asset.parse()? })
    }
}

impl TryFrom<String> for AccountRef {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<AccountRef> for String {
    fn from(account: AccountRef) -> Self {
        account.to_string()
    }
}

/// What a client of a gateway gives as its user name: `root@web-1`, or `ben/root@web-1` to say who
/// is asking when no key does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateLogin {
    /// The person, when named.
    pub user: Option<UserName>,
    /// What they want to use.
    pub account: AccountRef,
}

impl FromStr for GateLogin {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        match text.split_once('/').filter(|_| text.len() <= REFERENCE_LEN_MAX) {
            Some((user, account)) => Ok(Self { user: Some(user.parse()?), account: account.parse()? }),
            None => Ok(Self { user: None, account: text.parse()? }),
        }
    }
}

#[cfg(test)]
mod tests;
