use proptest::prelude::*;

use super::*;

/// RFC 6238, appendix B, SHA-1, shortened from eight to six digits.
const VECTORS: [(i64, &str); 6] = [
    (59, "287082"),
    (1_111_111_109, "081804"),
    (1_111_111_111, "050471"),
    (1_234_567_890, "005924"),
    (2_000_000_000, "279037"),
    (20_000_000_000, "353130"),
];

fn rfc_secret() -> SecretBytes {
    SecretBytes::new(b"12345678901234567890".to_vec())
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

#[test]
fn rfc6238_vectors() {
    for (seconds, code) in VECTORS {
        assert_eq!(verify(&rfc_secret(), code, at(seconds), None), Ok(seconds.unsigned_abs() / 30), "{seconds}");
    }
}

#[test]
fn one_step_of_drift_either_way_and_no_more() {
    let code = "081804";
    let step = 1_111_111_109_i64 / 30;
    for (drift, accepted) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
        let now = at((step + drift) * 30);
        let answer = verify(&rfc_secret(), code, now, None);
        assert_eq!(answer, if accepted { Ok(step.unsigned_abs()) } else { Err(TotpError::Wrong) }, "{drift}");
    }
}

#[test]
fn no_code_counts_twice_nor_after_a_later_one() {
    let (now, code) = (at(59), "287082");
    let step = verify(&rfc_secret(), code, now, None).unwrap();
    assert_eq!(verify(&rfc_secret(), code, now, Some(step)), Err(TotpError::Replayed));
    assert_eq!(verify(&rfc_secret(), code, now, Some(step + 1)), Err(TotpError::Replayed));
    assert_eq!(verify(&rfc_secret(), code, now, Some(step - 1)), Ok(step));
}

#[test]
fn only_six_digits_are_a_code() {
    for code in [
        "",
        "28708",
        "2870820",
        "28708a",
        "-28708",
        "+28708",
        "２８７０８２",
        "287082\n",
        "0x1234",
        "            287082 ",
    ] {
        assert_eq!(verify(&rfc_secret(), code, at(59), None), Err(TotpError::Malformed), "{code:?}");
    }
    assert_eq!(verify(&rfc_secret(), "287 082", at(59), None), Ok(1));
}

#[test]
fn times_before_the_epoch_do_not_panic() {
    assert!(verify(&rfc_secret(), "000000", Timestamp::from_millis(i64::MIN), None).is_err());
    assert!(verify(&rfc_secret(), "000000", Timestamp::from_millis(i64::MAX), None).is_err());
}

#[test]
fn the_uri_is_what_apps_read() {
    let uri = uri(&rfc_secret(), "Postern at gate", "ada@example.test");
    assert_eq!(
        uri.expose(),
        "otpauth://totp/Postern%20at%20gate:ada%40example.test?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
         &issuer=Postern%20at%20gate&algorithm=SHA1&digits=6&period=30"
    );
    assert_eq!(to_base32(&rfc_secret()).expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    assert_eq!(generate().expose().len(), 20);
}

proptest! {
    #[test]
    fn another_implementation_agrees(secret in proptest::collection::vec(any::<u8>(), 20), seconds in 0_u32..u32::MAX) {
        let theirs = totp_rs::Builder::new()
            .with_secret(secret.clone())
            .with_account_name("x")
            .build()
            .unwrap()
            .generate(u64::from(seconds))
            .to_string();
        let answer = verify(&SecretBytes::new(secret), &theirs, at(i64::from(seconds)), None);
        prop_assert!(answer.is_ok());
    }
}
