use proptest::prelude::*;

use super::*;

fn words(input: &[u8]) -> Vec<&[u8]> {
    request(input).unwrap().unwrap().words
}

/// The replies in `bytes` that arrive in portions: how many bytes each is, and what is wrong at the end.
fn split(bytes: &[u8], portion: usize) -> (Vec<usize>, Option<Error>) {
    let (mut replies, mut held, mut lengths, mut length) = (Replies::default(), Vec::new(), Vec::new(), 0);
    for portion in bytes.chunks(portion.max(1)) {
        held.extend_from_slice(portion);
        loop {
            let (taken, last) = match replies.next(&held) {
                Err(error) => return (lengths, Some(error)),
                Ok(None) => break,
                Ok(Some(Piece::Line { length, last, .. } | Piece::Data { length, last, .. })) => (length, last),
            };
            held.drain(..taken);
            length += taken;
            if last {
                lengths.push(std::mem::take(&mut length));
            }
        }
    }
    (lengths, None)
}

#[test]
fn commands_are_read_in_both_forms() {
    assert_eq!(words(b"*2\r\n$3\r\nGET\r\n$4\r\na\r\nb\r\nrest"), [&b"GET"[..], b"a\r\nb"]);
    assert_eq!(words(b"PING  hello\r\nrest"), [&b"PING"[..], b"hello"]);
    assert_eq!(words(b"\r\n"), [&b""[..]; 0]);
    assert_eq!(words(b"*0\r\n"), [&b""[..]; 0]);
    assert_eq!(words(b"*-1\r\n"), [&b""[..]; 0]);
    assert!(request(b"SET a \"b c\"\r\n").is_err(), "quotes can be read in several ways");
}

#[test]
fn commands_are_bounded() {
    assert_eq!(request(b"*1048577\r\n"), Err(Error::TooLong { what: "a command", max: WORDS_MAX }));
    assert!(matches!(request(b"*1\r\n$67108865\r\n"), Err(Error::TooLong { .. })));
    assert!(matches!(request(b"*1\r\n$999999999999999999\r\n"), Err(Error::TooLong { .. })));
    for broken in
        [&b"*1\r\n:1\r\n"[..], b"*1\r\n$-1\r\n", b"*1\r\n$1\r\nabc", b"*1\n", b"*+1\r\n", b"*1\r\n$ 1\r\na\r\n"]
    {
        assert!(request(broken).is_err(), "{broken:?}");
    }
    let long = vec![b'a'; LINE_LEN_MAX];
    assert!(request(&long).is_err());
    assert_eq!(request(&long[1..]), Ok(None));
}

#[test]
fn replies_of_both_versions_are_told_apart() {
    let replies: [&[u8]; 14] = [
        b"+OK\r\n",
        b"-ERR no\r\n",
        b":-7\r\n",
        b"$-1\r\n",
        b"$5\r\na\r\nbc\r\n",
        b"*-1\r\n",
        b"*0\r\n",
        b"*2\r\n*1\r\n$0\r\n\r\n*0\r\n",
        b"_\r\n",
        b"#t\r\n",
        b",3.14\r\n",
        b"%1\r\n+a\r\n~2\r\n:1\r\n(123456789012345678901234567890\r\n",
        b"=7\r\ntxt:abc\r\n",
        b">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n",
    ];
    let whole: Vec<u8> = replies.concat();
    let lengths: Vec<usize> = replies.iter().map(|reply| reply.len()).collect();
    for portion in [1, 2, 3, 7, whole.len()] {
        assert_eq!(split(&whole, portion), (lengths.clone(), None), "{portion}");
    }
}

#[test]
fn what_is_not_in_the_list_is_refused() {
    for broken in [&b"|1\r\n"[..], b"*?\r\n", b"$?\r\n", b"*1\r\n>1\r\n", b"x\r\n", b"%-1\r\n", b"+a\n", b"!-1\r\n"] {
        assert!(split(broken, 1).1.is_some(), "{broken:?}");
    }
    assert!(split(&b"*1\r\n".repeat(DEPTH_MAX + 1), 5).1.is_some(), "too deep");
    assert_eq!(split(&b"*1\r\n".repeat(DEPTH_MAX), 5), (vec![], None));
}

#[test]
fn the_kind_of_a_message_is_its_first_word() {
    assert_eq!(first_word(b">3\r\n$7\r\nmessage\r\n$1\r\n"), Ok(Some(&b"message"[..])));
    assert_eq!(first_word(b">3\r\n$7\r\nmess"), Ok(None));
    assert_eq!(first_word(b"*3\r\n$"), Ok(None));
    assert_eq!(first_word(b"*3"), Ok(None));
    assert_eq!(first_word(b"*2\r\n:1\r\n"), Ok(Some(&b""[..])));
    assert_eq!(first_word(b"+OK\r\n"), Ok(Some(&b""[..])));
    assert_eq!(first_word(b"*1\r\n$99\r\n"), Ok(Some(&b""[..])));
}

#[test]
fn confirmations_say_how_many_subscriptions_there_are() {
    assert_eq!(subscriptions(b">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:2\r\n"), Ok(Some(2)));
    assert_eq!(subscriptions(b"*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n"), Ok(Some(0)));
    assert_eq!(subscriptions(b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:2"), Ok(None));
    assert!(subscriptions(b"*3\r\n$9\r\nsubscribe\r\n:1\r\n:2\r\n").is_err());
    assert!(subscriptions(b"*2\r\n").is_err());
}

#[test]
fn an_error_stays_on_its_line() {
    let mut out = Vec::new();
    put_error(&mut out, "NOPERM", "a\r\n+OK");
    assert_eq!(out, b"-NOPERM a  +OK\r\n");
}

proptest! {
    #[test]
    fn any_bytes_give_the_same_in_any_portions(bytes in proptest::collection::vec(any::<u8>(), 0..200), portion in 1..9_usize) {
        prop_assert_eq!(split(&bytes, portion), split(&bytes, bytes.len()));
        let _ = (request(&bytes), first_word(&bytes), subscriptions(&bytes));
    }

    #[test]
    fn what_is_written_is_read(words in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..9)) {
        let mut out = Vec::new();
        encode(&mut out, words.iter().map(Vec::as_slice));
        let read = request(&out).unwrap().unwrap();
        prop_assert_eq!(read.words, words);
        prop_assert_eq!(read.length, out.len());
        for short in 0..out.len() {
            prop_assert_eq!(request(&out[..short]), Ok(None));
        }
    }
}
