use proptest::prelude::*;

use super::front::{Parameter, put};
use super::startup::{CancelKey, First};
use super::*;

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, tag, &[body]);
    out
}

/// What the splitter makes of bytes that come in portions: types, lengths, and the bytes that pass.
fn split(bytes: &[u8], portion: usize) -> (Vec<(u8, usize)>, Vec<u8>, Option<Error>) {
    let (mut splitter, mut held) = (Splitter::default(), Vec::new());
    let (mut messages, mut passed) = (Vec::new(), Vec::new());
    for portion in bytes.chunks(portion.max(1)) {
        held.extend_from_slice(portion);
        loop {
            let taken = match splitter.next(&held, front::handling) {
                Err(error) => return (messages, passed, Some(error)),
                Ok(None) => break,
                Ok(Some(Piece::More(here))) => here,
                Ok(Some(Piece::Pass { tag, total, here })) => {
                    messages.push((tag, total));
                    here
                }
                Ok(Some(Piece::Whole { tag, total })) => {
                    messages.push((tag, total));
                    total
                }
            };
            passed.extend(held.drain(..taken));
        }
    }
    (messages, passed, None)
}

#[test]
fn what_is_not_in_the_list_is_refused() {
    let mut splitter = Splitter::default();
    for tag in 0..=255_u8 {
        let known = b"QPBFDECHSXdcf".contains(&tag);
        let found = splitter.next(&[tag], front::handling);
        assert_eq!(found, if known { Ok(None) } else { Err(Error::NotAllowed(tag)) });
    }
    assert!(back::handling(b'W', false).is_none() && back::handling(b'W', true).is_some());
    assert!(back::handling(b'R', true).is_none() && back::handling(b'K', true).is_none());
}

#[test]
fn lengths_are_bounded() {
    let look = |bytes: &[u8]| Splitter::default().next(bytes, front::handling);
    assert_eq!(look(&[b'Q', 0, 0, 0, 3]), Err(Error::Malformed("length")));
    assert_eq!(look(&[b'd', 0xFF, 0xFF, 0xFF, 0xFF]), Err(Error::Malformed("length")));
    assert!(matches!(look(&[b'Q', 0x7F, 0xFF, 0xFF, 0xFF]), Err(Error::TooLong { .. })));
    assert!(matches!(look(&[b'S', 0, 0, 0, 5, 1]), Err(Error::TooLong { .. })));
    let begun = Piece::Pass { tag: b'd', total: 0x7FFF_FFFF + 1, here: 6 };
    assert_eq!(look(&[b'd', 0x7F, 0xFF, 0xFF, 0xFF, 1]), Ok(Some(begun)));
}

#[test]
fn first_packets() {
    let read = |bytes: &[u8]| startup::first(bytes).unwrap().unwrap();
    assert_eq!(read(&startup::tls_request()), (First::Tls, 8));
    let key = CancelKey { process: 7, secret: 0xDEAD_BEEF };
    assert_eq!(read(&startup::cancel_request(key)), (First::Cancel(key), 16));
    let packet = startup::session_request([("user", "app@orders"), ("database", "shop"), ("user", "b@c")]);
    let (First::Session(wish), length) = read(&packet) else { panic!("no session") };
    assert_eq!((wish.get("user"), wish.get("database"), wish.get("x")), (Some("b@c"), Some("shop"), None));
    assert_eq!((wish.minor, length), (0, packet.len()));
    for short in 0..packet.len() {
        assert_eq!(startup::first(&packet[..short]), Ok(None), "{short}");
    }
    assert!(startup::is_tls(&[0x16, 3, 1]));
    assert!(startup::first(&[0, 0, 0x27, 0x11]).is_err(), "longer than PostgreSQL reads");
    assert!(startup::first(&[0, 0, 0, 8, 0, 2, 0, 0]).is_err(), "version 2");
}

#[test]
fn statements_and_parameters() {
    assert_eq!(front::query(b"select 1\0"), Ok(&b"select 1"[..]));
    assert!(front::query(b"select 1").is_err() && front::query(b"select\0 1\0").is_err());
    let parsed = front::parse(b"s1\0select $1\0\0\x01\0\0\0\x17").unwrap();
    assert_eq!((parsed.name, parsed.text), (&b"s1"[..], &b"select $1"[..]));
    assert!(front::parse(b"s1\0select $1\0\0\x02\0\0\0\x17").is_err());
    let body = b"p\0s\0\0\x02\0\0\0\x01\0\x02\0\0\0\x02hi\xFF\xFF\xFF\xFF\0\x01\0\x01";
    let bound = front::bind(body).unwrap();
    assert_eq!((bound.portal, bound.statement), (&b"p"[..], &b"s"[..]));
    let parameters: Vec<_> = bound.parameters().collect();
    let (first, second) = (Parameter { binary: false, value: Some(b"hi") }, Parameter { binary: true, value: None });
    assert_eq!(parameters, [first, second]);
    assert!(front::bind(&body[..body.len() - 1]).is_err());
    assert_eq!(front::named(b"Sx\0"), Ok(front::Named::Statement(b"x")));
    assert!(front::named(b"Xx\0").is_err());
    assert_eq!(front::execute(b"p\0\0\0\0\0"), Ok(&b"p"[..]));
}

#[test]
fn answers_are_read_as_they_are_written() {
    let mut out = Vec::new();
    let refused = back::Report {
        severity: "ERROR".into(),
        code: "42501".into(),
        message: "no".into(),
        detail: None,
        hint: Some("ask".into()),
    };
    back::put_error(&mut out, &refused);
    assert_eq!(back::report(body(&out)), Ok(refused));
    out.clear();
    back::put_row(&mut out, [Some(b"a".as_slice().into()), None].into_iter());
    assert_eq!(back::values(body(&out)), Ok(vec![Some(&b"a"[..]), None]));
    assert_eq!(back::rows_of(b"INSERT 0 12"), Some(12));
    assert_eq!(back::rows_of(b"SELECT 0"), Some(0));
    assert_eq!((back::rows_of(b"BEGIN"), back::rows_of(b"CREATE TABLE"), back::rows_of(b"")), (None, None, None));
    let column = b"\0\x01id\0\0\0\x40\0\0\x01\0\0\0\x17\0\x04\xFF\xFF\xFF\xFF\0\0";
    assert_eq!(
        back::columns(column),
        Ok(vec![back::Column { name: b"id", table: 0x4000, number: 1, kind: 23, binary: false }])
    );
    let sasl = back::authentication(b"\0\0\0\x0ASCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0");
    assert_eq!(sasl, Ok(back::Authentication::Sasl(vec![scram::PLUS, scram::PLAIN])));
}

#[test]
fn answers_belong_to_what_was_asked() {
    let mut pipeline = Pipeline::default();
    for (number, owed) in [Owed::Parse, Owed::Bind, Owed::Describe, Owed::Execute, Owed::Sync].into_iter().enumerate() {
        assert_eq!(pipeline.push(owed, number), None);
    }
    let mut over = Vec::new();
    for tag in *b"12TDDSCZ" {
        if let Turn::Over(owed, number) = pipeline.answered(tag).unwrap() {
            over.push((owed, number));
        }
    }
    assert_eq!(over, [(Owed::Parse, 0), (Owed::Bind, 1), (Owed::Describe, 2), (Owed::Execute, 3), (Owed::Sync, 4)]);
    assert_eq!(pipeline.answered(b'Z').err(), Some(Error::Unasked(b'Z')));
    assert_eq!(pipeline.answered(b'N').unwrap(), Turn::Inside);
}

#[test]
fn after_an_error_everything_up_to_sync_is_left_out() {
    let mut pipeline = Pipeline::default();
    for (number, owed) in [Owed::Parse, Owed::Bind, Owed::Execute, Owed::Sync, Owed::Execute].into_iter().enumerate() {
        pipeline.push(owed, number);
    }
    let failed = pipeline.answered(b'E').unwrap();
    assert_eq!(failed, Turn::Failed { owed: Owed::Parse, entry: 0, skipped: vec![1, 2] });
    assert_eq!(pipeline.answered(b'Z').unwrap(), Turn::Over(Owed::Sync, 3));
    let failed = pipeline.answered(b'E').unwrap();
    assert_eq!(failed, Turn::Failed { owed: Owed::Execute, entry: 4, skipped: vec![] });
    assert!(pipeline.is_skipping());
    assert_eq!(pipeline.push(Owed::Query, 5), Some(5));
    assert_eq!(pipeline.push(Owed::Sync, 6), None);
    assert_eq!(pipeline.answered(b'Z').unwrap(), Turn::Over(Owed::Sync, 6));
    assert!(pipeline.is_empty());
}

#[test]
fn simple_queries_and_copies() {
    let mut pipeline = Pipeline::default();
    pipeline.push(Owed::Query, 0);
    for tag in *b"TDCIE" {
        assert_eq!(pipeline.answered(tag).unwrap(), Turn::Inside);
    }
    assert_eq!(pipeline.answered(b'Z').unwrap(), Turn::Over(Owed::Query, 0));
    pipeline.push(Owed::Execute, 1);
    pipeline.push(Owed::Sync, 2);
    assert_eq!(pipeline.answered(b'G').unwrap(), Turn::Inside);
    pipeline.push(Owed::Sync, 3);
    assert_eq!(pipeline.answered(b'C').unwrap(), Turn::Over(Owed::Execute, 1));
    assert_eq!(pipeline.answered(b'Z').unwrap(), Turn::Over(Owed::Sync, 3));
}

/// The example of RFC 7677, section 3, with PostgreSQL's empty user name in place of `user`: what it
/// signs was computed with Python's `hashlib`.
#[test]
fn scram_proves_and_is_proved_to() {
    let (exchange, first) = scram::Exchange::begin(b"pencil", "rOprNGfwEbeRWgbNEkqO", scram::Binding::None);
    assert_eq!(first, b"n,,n=,r=rOprNGfwEbeRWgbNEkqO");
    let server = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    let (proved, last) = exchange.prove(server).unwrap();
    let expected =
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=qvT2SWdEH5Q06albL+hjSYuUhCG7VndFyzIb7CK4n9k=";
    assert_eq!(String::from_utf8(last).unwrap(), expected);
    assert_eq!(proved.check(b"v=3HO6Qt1M4MKJrmlKaoOqLAI0/0TV0HZe7J9H3MBtSOg="), Ok(()));
    assert_eq!(proved.check(b"v=AAAA"), Err(scram::ScramError::NotProved));
    assert_eq!(proved.check(b"e=other-error"), Err(scram::ScramError::NotProved));
}

#[test]
fn scram_refuses_what_a_hostile_server_says() {
    let prove = |server: &str| {
        let (exchange, _) = scram::Exchange::begin(b"pencil", "abc", scram::Binding::EndPoint(vec![1]));
        exchange.prove(server.as_bytes()).err()
    };
    assert_eq!(prove("r=abcd,s=AAAA,i=4096"), None);
    for server in ["", "r=abd,s=AAAA,i=1", "r=abc,s=AAAA,i=1", "r=abcd,s=,i=1", "r=abcd,s=AAAA,i=0", "r=abcd,s=A,i=1"] {
        assert_eq!(prove(server), Some(scram::ScramError::Malformed), "{server}");
    }
    assert_eq!(prove("r=abcd,s=AAAA,i=1000001"), Some(scram::ScramError::TooManyRounds));
}

proptest! {
    #[test]
    fn portions_make_no_difference(
        messages in proptest::collection::vec((proptest::sample::select(b"QPBDECHSdcf".to_vec()), 0_usize..40), 0..12),
        portion in 1_usize..60,
    ) {
        let bytes: Vec<u8> = messages
            .iter()
            .flat_map(|(tag, length)| message(*tag, &vec![7; if b"HSc".contains(tag) { 0 } else { *length }]))
            .collect();
        let (found, passed, error) = split(&bytes, portion);
        prop_assert_eq!(error, None);
        prop_assert_eq!(found.len(), messages.len());
        prop_assert_eq!(passed, bytes);
    }

    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), portion in 1_usize..20) {
        prop_assert_eq!(split(&bytes, portion), split(&bytes, usize::MAX));
        let _ = startup::first(&bytes);
        let _ = (front::parse(&bytes), front::named(&bytes), front::execute(&bytes), front::query(&bytes));
        if let Ok(bound) = front::bind(&bytes) {
            prop_assert!(bound.parameters().count() <= bytes.len());
        }
        let _ = (back::report(&bytes), back::columns(&bytes), back::values(&bytes), back::authentication(&bytes));
        let _ = scram::end_point(&bytes);
    }
}
