use super::*;

#[test]
fn arguments_are_quoted() {
    for (given, quoted) in [
        ("chpasswd", "chpasswd"),
        ("", "''"),
        ("a b", "'a b'"),
        ("it's; rm -rf $HOME", r"'it'\''s; rm -rf $HOME'"),
        ("/usr/sbin/x", "/usr/sbin/x"),
    ] {
        assert_eq!(quote(given), quoted);
    }
}
