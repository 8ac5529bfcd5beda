//! Exit codes, which scripts rely on, and the failures that lead to them.

use postern_api::Problem;

/// Done.
pub(crate) const DONE: u8 = 0;
/// Failed.
pub(crate) const FAILED: u8 = 1;
/// Called wrongly.
pub(crate) const USAGE: u8 = 2;
/// Refused by policy or for lack of a permission.
pub(crate) const REFUSED: u8 = 3;
/// Asked for, and awaiting approval.
pub(crate) const PENDING: u8 = 4;

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line makes no sense.
    Usage(String),
    /// The server said no.
    Problem(Box<Problem>),
    /// Anything else.
    Failed(anyhow::Error),
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => USAGE,
            Self::Problem(problem) => match problem.code.as_str() {
                "refused" | "forbidden" | "step_up_required" => REFUSED,
                _ => FAILED,
            },
            Self::Failed(_) => FAILED,
        }
    }

    /// The cause and, where there is one, the next step.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Usage(message) => message.clone(),
            Self::Problem(problem) => match problem.code.as_str() {
                "step_up_required" => format!("{}: postern login --otp CODE", problem.detail),
                _ => problem.detail.clone(),
            },
            Self::Failed(error) => format!("{error:#}"),
        }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}
