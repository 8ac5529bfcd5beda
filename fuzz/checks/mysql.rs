//! What must hold for the messages of MySQL's protocol, whatever the bytes. Shared by the fuzz target and
//! by the test that replays its corpus.

use postern_wire::mysql::compress::{HEAD_LEN, compressed, put_compressed};
use postern_wire::mysql::{command, handshake, head, message, put, result};

/// Takes `bytes` for what either side sends.
pub(crate) fn check(bytes: &[u8]) {
    let _ = head(bytes);
    let mut rest = bytes;
    while let Ok(Some(said)) = message(rest, 1024 * 1024) {
        assert!(said.length >= 4 && said.length <= rest.len());
        let mut out = Vec::new();
        put(&mut out, 0, &said.content);
        let again = message(&out, 1024 * 1024);
        assert!(again.is_ok_and(|again| again.is_some_and(|again| again.content == said.content)), "read as written");
        content(&said.content);
        rest = rest.get(said.length..).unwrap_or_default();
    }
    content(bytes);
    packed(bytes);
}

fn packed(bytes: &[u8]) {
    if let Ok(Some(read)) = compressed(bytes) {
        assert!((HEAD_LEN..=bytes.len()).contains(&read.length));
    }
    let mut out = Vec::new();
    put_compressed(&mut out, 0, bytes);
    let (mut content, mut rest) = (Vec::new(), out.as_slice());
    while let Ok(Some(read)) = compressed(rest) {
        content.extend_from_slice(&read.content);
        rest = rest.get(read.length..).unwrap_or_default();
    }
    assert!(rest.is_empty() && content == bytes, "what is packed is unpacked");
}

fn content(bytes: &[u8]) {
    if let Ok(greeting) = handshake::greeting(bytes) {
        assert!(greeting.seed.len() <= 20);
    }
    let _ = (handshake::hello(bytes), handshake::switch(bytes), command::change_user(bytes));
    let _ = (command::statement(bytes), command::long_data(bytes));
    for count in [0, 1, 9] {
        if let Ok(read) = command::parameters(bytes, count, &mut vec![0xFD; usize::from(count)], |at| at == 2) {
            assert_eq!(read.len(), usize::from(count));
        }
        if let Ok(read) = command::bulk_parameters(bytes, count, &mut vec![0xFD; usize::from(count)], 20) {
            assert!(read.len() <= 20 && read.len() % usize::from(count) == 0, "whole rows");
        }
        let count = usize::from(count);
        if let Ok(values) = result::text_row(bytes, count) {
            let out = result::encode_text_row(values.iter().copied());
            assert_eq!(result::text_row(&out, count).as_ref(), Ok(&values), "a row is read as written");
        }
        let kinds: Vec<u8> = (1..=count).map(|at| u8::try_from(at * 7 % 16).unwrap_or(0)).collect();
        if let Ok(values) = result::binary_row(bytes, &kinds) {
            let out = result::encode_binary_row(values.iter().copied(), &kinds);
            assert_eq!(result::binary_row(&out, &kinds).as_ref(), Ok(&values), "a row is read as written");
        }
    }
    let _ = (result::done(bytes), result::error(bytes), result::column(bytes), result::prepared(bytes));
    let _ = (result::end(bytes), result::columns(bytes));
}
