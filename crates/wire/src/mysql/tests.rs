use proptest::prelude::*;

use super::command::{Parameter, parameters};
use super::handshake::{Greeting, Hello, greeting, hello, put_greeting, put_hello};
use super::*;

#[test]
fn messages_of_several_packets_are_one() {
    let long = vec![7; PART_LEN + 5];
    let mut out = Vec::new();
    assert_eq!(put(&mut out, 3, &long), 5);
    let read = message(&out, MESSAGE_LEN_MAX).unwrap().unwrap();
    assert_eq!((read.content.len(), read.length, read.number), (long.len(), out.len(), 4));
    assert_eq!(message(&out[..out.len() - 1], MESSAGE_LEN_MAX), Ok(None));
    assert!(matches!(message(&out, PART_LEN), Err(Error::TooLong { .. })));
    let mut exact = Vec::new();
    put(&mut exact, 0, &long[..PART_LEN]);
    assert_eq!(exact.len(), PART_LEN + 2 * HEAD_LEN, "an empty packet says that it was all");
}

#[test]
fn what_is_said_at_the_beginning_is_read_as_written() {
    let capabilities = capability::RELAYED | capability::SSL;
    let said = Greeting {
        version: "8.0".to_owned(),
        connection: 7,
        seed: (1..=20).collect(),
        capabilities,
        plugin: auth::CACHING.to_owned(),
    };
    let mut out = Vec::new();
    put_greeting(&mut out, &said);
    assert_eq!(greeting(&out), Ok(said));
    let user = Hello {
        capabilities,
        packet_len_max: 1,
        charset: 45,
        user: Some(b"app@orders"),
        database: Some(b"shop"),
        proves: true,
        plugin: b"x",
    };
    let mut out = Vec::new();
    put_hello(&mut out, &user, &[1, 2, 3]);
    let read = hello(&out).unwrap();
    assert_eq!((read.user, read.database, read.plugin), (user.user, user.database, user.plugin));
    assert!(read.proves);
}

#[test]
fn proofs_are_what_servers_expect() {
    let native = auth::proof(auth::NATIVE, b"secret", &[1; 20]).unwrap();
    assert_eq!(native.len(), 20);
    assert_eq!(auth::proof(auth::CACHING, b"secret", &[1; 20]).unwrap().len(), 32);
    assert_eq!(auth::proof(auth::ED25519, b"secret", &[1; 32]).unwrap().len(), 64);
    assert!(auth::proof("dialog", b"secret", &[1; 20]).is_none());
}

#[test]
fn parameters_are_read_by_their_types() {
    let mut content = vec![command::EXECUTE, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0b10, 1];
    content.extend([0x08, 0, 0x03, 0, 0xFE, 0, 0x01, 0x80]);
    content.extend((-7_i64).to_le_bytes());
    content.extend([2, b'h', b'i', 0xFF]);
    let mut types = Vec::new();
    let read = parameters(&content, 4, &mut types, |_| false).unwrap();
    let expected = [Parameter::Integer(-7), Parameter::Null, Parameter::Text(b"hi"), Parameter::Integer(255)];
    assert_eq!(read, expected);
    let mut again = vec![command::EXECUTE, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0b1011, 0];
    again.extend([1, b'x']);
    assert_eq!(parameters(&again, 4, &mut types, |_| false).unwrap()[2], Parameter::Text(b"x"));
    assert!(parameters(&again, 4, &mut Vec::new(), |_| false).is_err(), "types were never sent");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..100), count in 0..9_u16) {
        let _ = (greeting(&bytes), hello(&bytes), handshake::switch(&bytes), command::change_user(&bytes));
        let _ = parameters(&bytes, count, &mut Vec::new(), |at| at == 1);
        let _ = (result::done(&bytes), result::error(&bytes), result::column(&bytes), result::prepared(&bytes));
        let _ = message(&bytes, 50);
    }

    #[test]
    fn rows_are_written_as_read(values in proptest::collection::vec(proptest::option::of(proptest::collection::vec(any::<u8>(), 0..300)), 1..9)) {
        let row = result::encode_text_row(values.iter().map(|value| value.as_deref()));
        let read = result::text_row(&row, values.len()).unwrap();
        prop_assert_eq!(&read, &values.iter().map(|value| value.as_deref()).collect::<Vec<_>>());
        let kinds = vec![0xFD; values.len()];
        let row = result::encode_binary_row(values.iter().map(|value| value.as_deref()), &kinds);
        prop_assert_eq!(result::binary_row(&row, &kinds).unwrap(), read);
    }
}
