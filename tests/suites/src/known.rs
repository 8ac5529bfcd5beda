//! Differences that are meant, each with its reason.

/// Suite, test, why it ends otherwise through the gate.
const KNOWN: [(&str, &str, &str); 1] = [(
    "psycopg2",
    "tests.test_connection.TestConnectionInfo.test_user",
    "the client signed in as `account@asset`; the server knows it by the account",
)];

/// Why a test ends otherwise through the gate, if that is meant.
pub(crate) fn reason(suite: &str, test: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(of, name, _)| (*of, *name) == (suite, test)).map(|(.., why)| *why)
}
