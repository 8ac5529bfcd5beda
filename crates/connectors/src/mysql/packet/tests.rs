use proptest::prelude::*;

use super::*;

#[test]
fn a_password_is_kept_as_the_server_keeps_it() {
    // select password('password')
    assert_eq!(native_hash(b"password"), "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19");
}

#[test]
fn errors_are_read_with_and_without_a_state() {
    assert_eq!(error(b"\x15\x04#28000Access denied"), (1045, "Access denied".to_owned()));
    assert_eq!(error(b"\x15\x04Access denied"), (1045, "Access denied".to_owned()));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = greeting(&bytes);
        let _ = error(&bytes);
        let mut reader = Reader(&bytes);
        while reader.value().is_some() {}
    }
}
