use proptest::prelude::*;

use crate::message::FromBrowser;
use crate::value::{SHOWN_LEN_MAX, Value};

#[test]
fn a_value_is_shown_as_far_as_it_is_short_and_is_text() {
    assert_eq!(Value::of(None), Value::Null);
    assert_eq!(Value::of(Some("žluťoučký".as_bytes())), Value::Text("žluťoučký".to_owned()));
    assert_eq!(Value::of(Some(&[0xFF, 0xAD])), Value::Text("0xffad".to_owned()));
    let long = "ž".repeat(SHOWN_LEN_MAX);
    let Value::Cut(shown, length) = Value::of(Some(format!("x{long}").as_bytes())) else { panic!("it is too long") };
    assert_eq!(length, 1 + 2 * SHOWN_LEN_MAX);
    assert!(shown.starts_with("xž") && shown.ends_with('ž'), "no letter is cut through");
}

#[test]
fn a_message_that_cannot_be_read_says_where_and_quotes_nothing() {
    let Err(error) = FromBrowser::read(r#"{"type":"attach","ticket":"pst_secret","more":1}"#) else {
        panic!("it is none")
    };
    assert!(error.to_string().contains("column") && !error.to_string().contains("pst_secret"), "{error}");
    assert!(matches!(FromBrowser::read(r#"{"type":"more"}"#), Ok(FromBrowser::More)));
    assert!(FromBrowser::read(&" ".repeat(crate::MESSAGE_LEN_MAX + 1)).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_a_value_that_is_bounded(bytes in proptest::collection::vec(any::<u8>(), 0..3 * SHOWN_LEN_MAX)) {
        let value = Value::of(Some(&bytes));
        prop_assert!(value.len() <= SHOWN_LEN_MAX + 32, "{}", value.len());
        let is_cut = matches!(value, Value::Cut(_, length) if length == bytes.len());
        prop_assert!(is_cut || matches!(value, Value::Text(_)));
    }
}
