//! Differences that are meant, each with its reason.

/// A proof that the gate does not take.
const PASSWORD: &str = "it signs in anew with the database's own password, which is no token";
/// Texts that rules could not read.
const CHARSET: &str = "it asks for a character set in whose letters a byte can look like a backslash";

/// Two names for one.
const NAME: &str = "the client signed in as `account@asset`; the server knows it by the account";
/// What nobody waits for any more.
const LEFT: &str = "the client leaves without a word and counts on the statement going on; the gate cancels it";
/// A port of one's own machine.
const PROXY: &str = "it goes by a local port, which wants neither TLS nor a password";

/// Suite, test, why it ends otherwise through the gate.
const KNOWN: [(&str, &str, &str); 16] = [
    ("psycopg2", "tests.test_connection.TestConnectionInfo.test_user", NAME),
    ("pgx", "TestConnect", NAME),
    ("go-mysql", "TestContextCancelExec", LEFT),
    ("go-mysql", "TestContextCancelQuery", LEFT),
    ("go-mysql", "TestContextCancelStmtExec", LEFT),
    ("go-mysql", "TestContextCancelStmtQuery", LEFT),
    ("go-mysql", "TestEmptyPassword", PROXY),
    ("go-mysql", "TestTLS", PROXY),
    ("mariadb-client-test", "test_bug20023", PASSWORD),
    ("mariadb-client-test", "test_bug30472", PASSWORD),
    ("mariadb-client-test", "test_bug31418", PASSWORD),
    ("mariadb-client-test", "test_bug31669", PASSWORD),
    // Not always: whether the client notices in time that it was cut off is chance.
    ("mariadb-client-test", "test_bug5315", PASSWORD),
    ("mariadb-client-test", "test_change_user", PASSWORD),
    ("mariadb-client-test", "test_mdev4326", PASSWORD),
    ("mariadb-client-test", "test_bug8378", CHARSET),
];

/// Why a test ends otherwise through the gate, if that is meant.
pub(crate) fn reason(suite: &str, test: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(of, name, _)| (*of, *name) == (suite, test)).map(|(.., why)| *why)
}
