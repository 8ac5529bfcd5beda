use proptest::prelude::*;

use super::*;
use crate::random::System;

struct Fixture {
    vault_id: VaultId,
    keks: Keks,
}

impl Fixture {
    fn new() -> Self {
        Self { vault_id: VaultId::generate(&mut System), keks: Keks::from([(1, Key::generate(&mut System))]) }
    }

    fn sealer(&self) -> Sealer<'_> {
        Sealer { vault_id: &self.vault_id, keks: &self.keks }
    }

    fn seal(&self, secret: &[u8]) -> Envelope {
        self.sealer().seal(Use::Secret, &binding(), &SecretBytes::new(secret.to_vec()), &mut System).unwrap()
    }
}

fn binding() -> Binding {
    Binding::new("secret", "sec_0123456789abcdef", 7)
}

fn error(answer: Result<SecretBytes, Error>) -> Error {
    answer.err().unwrap()
}

#[test]
fn what_is_sealed_opens() {
    let fixture = Fixture::new();
    for secret in [&b""[..], b"x", b"correct horse", &[0; 4096]] {
        let bytes = fixture.seal(secret).to_bytes();
        assert_eq!(bytes.len(), HEADER_LEN + secret.len() + TAG_LEN);
        let envelope = Envelope::parse(&bytes).unwrap();
        let opened = fixture.sealer().open(Use::Secret, &binding(), &envelope).unwrap();
        assert_eq!(opened.expose(), secret);
    }
}

#[test]
fn the_same_secret_never_seals_the_same_way() {
    let fixture = Fixture::new();
    let (a, b) = (fixture.seal(b"x"), fixture.seal(b"x"));
    assert_ne!(a.wrapped, b.wrapped);
    assert_ne!(a.body, b.body);
}

#[test]
fn it_opens_for_its_record_and_use_and_vault_only() {
    let fixture = Fixture::new();
    let envelope = fixture.seal(b"x");
    for other in [
        Binding::new("secret", "sec_0123456789abcdef", 6),
        Binding::new("secret", "sec_0123456789abcdee", 7),
        Binding::new("totp", "sec_0123456789abcdef", 7),
        Binding::new("secretsec_0123456789abcdef", "", 7),
    ] {
        assert_eq!(error(fixture.sealer().open(Use::Secret, &other, &envelope)), Error::Refused);
        let rewrapped = Fixture { keks: more_keks(&fixture), vault_id: fixture.vault_id.clone() };
        assert_eq!(rewrapped.sealer().rewrap(&other, &envelope, &mut System), Err(Error::Refused));
    }
    assert_eq!(error(fixture.sealer().open(Use::DataKey, &binding(), &envelope)), Error::Refused);

    let elsewhere = Fixture { vault_id: VaultId::generate(&mut System), keks: fixture.keks.clone() };
    assert_eq!(error(elsewhere.sealer().open(Use::Secret, &binding(), &envelope)), Error::Refused);
}

fn more_keks(fixture: &Fixture) -> Keks {
    let mut keks = fixture.keks.clone();
    keks.insert(2, Key::generate(&mut System));
    keks
}

#[test]
fn a_rewrap_moves_the_key_and_leaves_the_body() {
    let mut fixture = Fixture::new();
    let before = fixture.seal(b"x");
    assert_eq!(fixture.sealer().rewrap(&binding(), &before, &mut System), Ok(None));

    fixture.keks = more_keks(&fixture);
    let after = fixture.sealer().rewrap(&binding(), &before, &mut System).unwrap().unwrap();
    assert_eq!((before.kek_id(), after.kek_id()), (1, 2));
    assert_eq!((&before.body, before.body_nonce), (&after.body, after.body_nonce));
    assert_ne!(before.wrapped, after.wrapped);

    fixture.keks.remove(&1);
    assert_eq!(fixture.sealer().open(Use::Secret, &binding(), &after).unwrap().expose(), b"x");
    assert_eq!(error(fixture.sealer().open(Use::Secret, &binding(), &before)), Error::UnknownKek(1));
}

#[test]
fn the_limit_holds_both_ways() {
    let fixture = Fixture::new();
    let longest = SecretBytes::new(vec![1; SECRET_LEN_MAX]);
    let envelope = fixture.sealer().seal(Use::Secret, &binding(), &longest, &mut System).unwrap();
    assert_eq!(envelope.to_bytes().len(), ENVELOPE_LEN_MAX);
    assert!(Envelope::parse(&envelope.to_bytes()).is_ok());

    let longer = SecretBytes::new(vec![1; SECRET_LEN_MAX + 1]);
    assert_eq!(fixture.sealer().seal(Use::Secret, &binding(), &longer, &mut System), Err(Error::TooLong));
    let mut bytes = envelope.to_bytes();
    bytes.push(0);
    assert_eq!(Envelope::parse(&bytes), Err(Error::Malformed(WHAT)));
}

#[test]
fn what_is_no_envelope_says_why() {
    let bytes = Fixture::new().seal(b"x").to_bytes();
    for len in 0..HEADER_LEN + TAG_LEN {
        assert_eq!(Envelope::parse(&bytes[..len]), Err(Error::Malformed(WHAT)), "{len}");
    }
    let mut later = bytes.clone();
    later[3] = 2;
    assert_eq!(Envelope::parse(&later), Err(Error::Unsupported { what: WHAT, version: 2 }));
    let mut unknown_use = bytes;
    unknown_use[4] = 9;
    assert_eq!(Envelope::parse(&unknown_use), Err(Error::Malformed(WHAT)));
}

#[test]
fn every_single_bit_matters() {
    let fixture = Fixture::new();
    let bytes = fixture.seal(b"secret").to_bytes();
    for bit in 0..bytes.len() * 8 {
        let mut altered = bytes.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        let answer =
            Envelope::parse(&altered).and_then(|envelope| fixture.sealer().open(Use::Secret, &binding(), &envelope));
        assert!(answer.is_err(), "bit {bit}");
    }
}

proptest! {
    #[test]
    fn the_parser_never_panics_and_is_exact(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(envelope) = Envelope::parse(&bytes) {
            prop_assert_eq!(envelope.to_bytes(), bytes);
        }
    }

    #[test]
    fn nor_on_what_looks_like_an_envelope(code in 0_u8..5, rest in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut bytes = b"PVE\x01".to_vec();
        bytes.push(code);
        bytes.extend(rest);
        if let Ok(envelope) = Envelope::parse(&bytes) {
            prop_assert_eq!(envelope.to_bytes(), bytes);
            let fixture = Fixture::new();
            prop_assert!(fixture.sealer().open(Use::Secret, &binding(), &envelope).is_err());
        }
    }

    #[test]
    fn any_other_binding_fails(noun in "[a-z]{1,8}", id in "[a-z0-9_]{0,20}", version in any::<u64>()) {
        let other = Binding::new(noun, id, version);
        prop_assume!(other != binding());
        let fixture = Fixture::new();
        let envelope = fixture.seal(b"x");
        prop_assert_eq!(error(fixture.sealer().open(Use::Secret, &other, &envelope)), Error::Refused);
    }
}
