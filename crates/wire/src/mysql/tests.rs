use proptest::prelude::*;

use super::command::{Parameter, bulk_parameters, parameters};
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
    for capabilities in [
        capability::RELAYED & !capability::OF_MARIADB | capability::SSL,
        capability::RELAYED & !capability::LONG_PASSWORD | capability::SSL,
    ] {
        are_read_as_written(capabilities);
    }
}

fn are_read_as_written(capabilities: u64) {
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
    assert_eq!(read.capabilities >> 32, capabilities >> 32);
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

#[test]
fn rows_of_parameters_are_read_by_their_types() {
    let mut content = vec![command::BULK, 1, 0, 0, 0, 0x80, 0, 0x03, 0, 0xFE, 0];
    for (number, text) in [(1_i32, "one"), (2, "two")] {
        content.push(0);
        content.extend(number.to_le_bytes());
        content.extend([0, 3]);
        content.extend(text.as_bytes());
    }
    content.extend([2, 1]);
    let mut types = Vec::new();
    let rows = |types: &mut Vec<u16>, max| bulk_parameters(&content, 2, types, max).map(|read| read.len());
    assert_eq!(rows(&mut types, 100), Ok(6));
    assert_eq!(rows(&mut types, 5), Ok(4), "whole rows, as many as there is room for");
    let read = bulk_parameters(&content, 2, &mut types, 100).unwrap();
    assert_eq!(read[2..], [Parameter::Integer(2), Parameter::Text(b"two"), Parameter::Default, Parameter::Null]);
    content.truncate(content.len() - 3);
    assert!(bulk_parameters(&content, 2, &mut types, 100).is_err(), "half a row");
    assert!(bulk_parameters(&[command::BULK, 1, 0, 0, 0, 0, 0], 2, &mut Vec::new(), 100).is_err(), "no types");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..100), count in 0..9_u16) {
        let _ = (greeting(&bytes), hello(&bytes), handshake::switch(&bytes), command::change_user(&bytes));
        let _ = parameters(&bytes, count, &mut Vec::new(), |at| at == 1);
        let _ = bulk_parameters(&bytes, count, &mut vec![0xFD; usize::from(count)], 50);
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
