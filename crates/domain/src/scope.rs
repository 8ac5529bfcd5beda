//! Scopes: the path that everything belongs to. Rights are delegated down it and only shrink.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::{InvalidName, shown};

/// The deepest path accepted, in segments.
pub const SCOPE_DEPTH_MAX: usize = 8;

const SCOPE_LEN_MAX: usize = SCOPE_DEPTH_MAX * 64;

/// A canonical scope path: `/`, `/emea`, `/emea/payments`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = "^/$|^(/[a-z0-9_-]{1,63}){1,8}$"))]
pub struct ScopePath(String);

impl ScopePath {
    /// The scope above all others.
    #[must_use]
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `other` is this scope or lies below it.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.0 == "/" || other.0.strip_prefix(&self.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The scope that lies in both: the lower one when one contains the other, else none.
    #[must_use]
    pub fn meet(&self, other: &Self) -> Option<Self> {
        if self.contains(other) { Some(other.clone()) } else { other.contains(self).then(|| self.clone()) }
    }

    /// This scope and every one above it, the root first.
    #[must_use]
    pub fn ancestors(&self) -> Vec<Self> {
        let below = self.0.char_indices().skip(1).filter(|(_, c)| *c == '/').map(|(at, _)| at);
        let whole = (self.0 != "/").then(|| self.clone());
        let inner = below.filter_map(|at| self.0.get(..at)).map(|path| Self(path.to_owned()));
        std::iter::once(Self::root()).chain(inner).chain(whole).collect()
    }

    /// How many levels it lies below the root.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.0.split('/').filter(|segment| !segment.is_empty()).count()
    }

    /// The tenant it belongs to: its first segment, or the root itself.
    #[must_use]
    pub fn tenant(&self) -> Self {
        match self.0.get(1..).and_then(|rest| rest.split('/').next()) {
            Some(first) if !first.is_empty() => Self(format!("/{first}")),
            _ => Self::root(),
        }
    }
}

impl Default for ScopePath {
    fn default() -> Self {
        Self::root()
    }
}

impl fmt::Display for ScopePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ScopePath {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let invalid = || InvalidName {
            field: "scope",
            given: shown(text),
            remedy: "begin with / and name up to 8 levels of a-z 0-9 _ -, for example /emea/payments",
        };
        if text == "/" {
            return Ok(Self::root());
        }
        let rest = text.strip_prefix('/').ok_or_else(invalid)?;
        let is_segment = |segment: &str| {
            !segment.is_empty()
                && segment.len() <= 63
                && segment.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
        };
        if rest.len() <= SCOPE_LEN_MAX && rest.split('/').count() <= SCOPE_DEPTH_MAX && rest.split('/').all(is_segment)
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(invalid())
        }
    }
}

impl TryFrom<String> for ScopePath {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<ScopePath> for String {
    fn from(scope: ScopePath) -> Self {
        scope.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scope(text: &str) -> ScopePath {
        text.parse().unwrap()
    }

    fn any_scope() -> impl Strategy<Value = ScopePath> {
        "(/[ab]{1,2}){0,4}".prop_map(|text| if text.is_empty() { ScopePath::root() } else { scope(&text) })
    }

    #[test]
    fn containment_goes_by_segments() {
        assert!(scope("/emea").contains(&scope("/emea/payments")));
        assert!(scope("/").contains(&scope("/emea")));
        assert!(!scope("/emea").contains(&scope("/emea2")));
        assert!(!scope("/emea/payments").contains(&scope("/emea")));
    }

    #[test]
    fn the_tenant_is_the_first_segment() {
        assert_eq!(scope("/emea/payments/eu").tenant(), scope("/emea"));
        assert_eq!(scope("/").tenant(), scope("/"));
        assert_eq!(scope("/emea/payments").depth(), 2);
        assert_eq!(scope("/").depth(), 0);
    }

    #[test]
    fn what_has_two_readings_is_refused() {
        for text in ["", "emea", "/emea/", "//", "/emea//a", "/.", "/..", "/Emea", "/a b", "/é", "/a/b/c/d/e/f/g/h/i"]
        {
            assert!(text.parse::<ScopePath>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn containment_is_a_partial_order(a in any_scope(), b in any_scope(), c in any_scope()) {
            prop_assert!(a.contains(&a));
            prop_assert!(ScopePath::root().contains(&a));
            prop_assert!(!(a.contains(&b) && b.contains(&a)) || a == b);
            prop_assert!(!(a.contains(&b) && b.contains(&c)) || a.contains(&c));
            prop_assert!(!a.contains(&b) || a.depth() <= b.depth());
            prop_assert!(!a.contains(&b) || a == ScopePath::root() || a.tenant() == b.tenant());
        }

        #[test]
        fn display_reads_back(text in "(/[a-z0-9_-]{1,5}){1,8}") {
            prop_assert_eq!(scope(&text).to_string(), text);
        }

        #[test]
        fn no_text_panics(text in "(?s)/?.{0,40}") {
            if let Ok(scope) = text.parse::<ScopePath>() {
                prop_assert_eq!(scope.as_str(), text);
                prop_assert!(scope.tenant().contains(&scope));
            }
        }
    }
}
