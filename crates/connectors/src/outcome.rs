//! What became of an action on a target. Nothing is guessed: what is not certain is unknown.

use std::fmt;

/// Why something did not happen, by what can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// Nobody answers at the address.
    Unreachable,
    /// It did not answer in time.
    Timeout,
    /// It is not what the asset is known by: host key or certificate.
    Untrusted,
    /// It does not take the secret of whoever acts.
    Refused,
    /// The account that acts is locked, expired or must change its secret first.
    Locked,
    /// Whoever acts may not do this there.
    Forbidden,
    /// The target does not accept this secret: too short, used before, too simple.
    Rejected,
    /// There is no such account.
    NoSuchAccount,
    /// What is there contradicts what was asked: a name that is taken by something else.
    Conflict,
    /// The platform cannot do this.
    Unsupported,
    /// A setting of the asset is missing or wrong.
    Setting,
    /// It does not speak as it should, or says something that is not understood.
    Protocol,
}

/// Why something did not happen. The text is for people: short, plain, without any secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Failure {
    /// By what can be done about it.
    pub cause: Cause,
    /// What happened.
    pub detail: String,
}

/// The longest text of a failure, in characters.
const DETAIL_LEN_MAX: usize = 300;

impl Failure {
    /// A failure. What comes from the target is shortened and rid of control characters.
    #[must_use]
    pub fn new(cause: Cause, detail: impl fmt::Display) -> Self {
        let detail = detail.to_string();
        let plain = detail.chars().map(|c| if c.is_control() { ' ' } else { c });
        Self { cause, detail: plain.take(DETAIL_LEN_MAX).collect() }
    }

    /// What the platform cannot do.
    #[must_use]
    pub fn unsupported(what: &str) -> Self {
        Self::new(Cause::Unsupported, format_args!("this platform cannot {what}"))
    }
}

/// What became of a change on a target.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome<T = ()> {
    /// Certainly applied: the target said so.
    Applied(T),
    /// Certainly not applied: it never reached the target, or the target refused it.
    NotApplied(Failure),
    /// It may or may not have been applied.
    Unknown(Failure),
}

impl<T> Outcome<T> {
    /// The same outcome with another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Self::Applied(value) => Outcome::Applied(f(value)),
            Self::NotApplied(failure) => Outcome::NotApplied(failure),
            Self::Unknown(failure) => Outcome::Unknown(failure),
        }
    }

    /// What went wrong, if anything.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Applied(_) => None,
            Self::NotApplied(failure) | Self::Unknown(failure) => Some(failure),
        }
    }
}

/// Whether a secret works.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// The account signed in with it.
    Works,
    /// The target let it be known that this secret does not prove this account. Where a platform
    /// answers a locked account in the same words as a wrong secret, this is what is reported;
    /// where it tells them apart, a lock is [`Verdict::Unknown`].
    Refused(Failure),
    /// Nothing can be said: the network, the target's identity, a lock, an expired account.
    Unknown(Failure),
}

/// Why nobody is signed in.
#[derive(Debug)]
pub(crate) enum SignInError {
    /// The target does not take the secret.
    Refused(Failure),
    /// It could not be found out whether it would.
    Failed(Failure),
}

impl SignInError {
    /// What went wrong.
    pub(crate) fn failure(self) -> Failure {
        match self {
            Self::Refused(failure) | Self::Failed(failure) => failure,
        }
    }

    /// What it says of the secret.
    pub(crate) fn verdict(self) -> Verdict {
        match self {
            Self::Refused(failure) => Verdict::Refused(failure),
            Self::Failed(failure) => Verdict::Unknown(failure),
        }
    }
}
