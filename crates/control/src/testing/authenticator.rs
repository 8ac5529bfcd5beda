//! An authenticator in software, with one passkey: what a browser would hand over.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const ATTESTED: u8 = 0x40;

/// An authenticator with one passkey.
pub struct Authenticator {
    key: EcdsaKeyPair,
    id: [u8; 16],
    handle: String,
    party: String,
    counter: u32,
    /// Where the browser that it answers says it is.
    pub origin: String,
    /// Whether it verifies its owner before it answers.
    pub verifies: bool,
}

impl Authenticator {
    /// One that makes the passkey which `options` ask for, and its answer.
    #[must_use]
    pub fn create(options: &Value, origin: &str) -> (Self, Value) {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
        let made = Self {
            key,
            id: postern_vault::random::bytes(),
            handle: text(options, "/publicKey/user/id"),
            party: text(options, "/publicKey/rp/id"),
            counter: 0,
            origin: origin.to_owned(),
            verifies: true,
        };
        let point = made.key.public_key().as_ref();
        let (x, y) = (point.get(1..33).expect("x"), point.get(33..65).expect("y"));
        let mut data = made.data(ATTESTED);
        data.extend([0; 16]);
        data.extend([0, 16]);
        data.extend(made.id);
        data.extend([0xA5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(x);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(y);
        let mut object = vec![0xA3, 0x63];
        object.extend(b"fmt");
        object.push(0x64);
        object.extend(b"none");
        object.push(0x67);
        object.extend(b"attStmt");
        object.extend([0xA0, 0x68]);
        object.extend(b"authData");
        object.extend([0x58, u8::try_from(data.len()).expect("short")]);
        object.extend(&data);
        let client = made.client("webauthn.create", options);
        let answer = json!({
            "id": encoded(&made.id), "rawId": encoded(&made.id), "type": "public-key",
            "response": { "attestationObject": encoded(&object), "clientDataJSON": encoded(&client) },
            "extensions": {},
        });
        (made, answer)
    }

    /// Its answer to what `options` ask.
    pub fn get(&mut self, options: &Value) -> Value {
        self.counter += 1;
        let data = self.data(0);
        let client = self.client("webauthn.get", options);
        let signed = [data.as_slice(), digest(&SHA256, &client).as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).expect("a signature");
        json!({
            "id": encoded(&self.id), "rawId": encoded(&self.id), "type": "public-key",
            "response": {
                "authenticatorData": encoded(&data), "clientDataJSON": encoded(&client),
                "signature": encoded(signature.as_ref()), "userHandle": self.handle,
            },
            "extensions": {},
        })
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        let mut data = digest(&SHA256, self.party.as_bytes()).as_ref().to_vec();
        data.push(flags | PRESENT | if self.verifies { VERIFIED } else { 0 });
        data.extend(self.counter.to_be_bytes());
        data
    }

    fn client(&self, kind: &str, options: &Value) -> Vec<u8> {
        let challenge = text(options, "/publicKey/challenge");
        json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false })
            .to_string()
            .into_bytes()
    }
}

fn text(options: &Value, pointer: &str) -> String {
    options.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
