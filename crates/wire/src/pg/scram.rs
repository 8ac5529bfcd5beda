//! SCRAM-SHA-256 from the client's side (RFC 5802, RFC 7677), with channel binding by the server's
//! certificate (RFC 5929, `tls-server-end-point`).

use std::fmt::Write as _;
use std::num::NonZeroU32;

use aws_lc_rs::{constant_time, digest, hmac, pbkdf2};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// The mechanism without channel binding.
pub const PLAIN: &str = "SCRAM-SHA-256";
/// The mechanism with it.
pub const PLUS: &str = "SCRAM-SHA-256-PLUS";

/// The most rounds that a server may ask for: it spends our time, not its own.
const ITERATIONS_MAX: u32 = 1_000_000;
const MESSAGE_LEN_MAX: usize = 4096;

/// Why the server's words are not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScramError {
    /// A word is not what the exchange needs.
    #[error("the server's SCRAM message is malformed")]
    Malformed,
    /// It asks for more work than is done.
    #[error("the server asks for more than {ITERATIONS_MAX} rounds of SCRAM")]
    TooManyRounds,
    /// It does not know the password itself.
    #[error("the server did not prove that it knows the account")]
    NotProved,
}

/// What binds the exchange to the TLS connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binding {
    /// Nothing: it is not possible here.
    None,
    /// Nothing, since the server does not offer it, though it would be possible.
    NotOffered,
    /// The digest of the server's certificate.
    EndPoint(Vec<u8>),
}

impl Binding {
    /// The mechanism that goes with it.
    #[must_use]
    pub fn mechanism(&self) -> &'static str {
        if matches!(self, Self::EndPoint(_)) { PLUS } else { PLAIN }
    }

    fn header(&self) -> &'static str {
        match self {
            Self::None => "n,,",
            Self::NotOffered => "y,,",
            Self::EndPoint(_) => "p=tls-server-end-point,,",
        }
    }
}

/// The exchange once the first message has been sent.
pub struct Exchange {
    password: Zeroizing<Vec<u8>>,
    binding: Binding,
    nonce: String,
}

/// The exchange once the proof has been sent.
pub struct Proved {
    server_signature: Vec<u8>,
}

impl Exchange {
    /// Begins with `password`, which has been through SASLprep, and a fresh random `nonce` of
    /// printable characters. Gives the first message.
    #[must_use]
    pub fn begin(password: &[u8], nonce: &str, binding: Binding) -> (Self, Vec<u8>) {
        let first = format!("{}n=,r={nonce}", binding.header()).into_bytes();
        (Self { password: Zeroizing::new(password.to_vec()), binding, nonce: nonce.to_owned() }, first)
    }

    /// Answers the server's first message with the proof.
    ///
    /// # Errors
    /// When the message is not acceptable.
    pub fn prove(self, server_first: &[u8]) -> Result<(Proved, Vec<u8>), ScramError> {
        let text = words(server_first)?;
        let mut fields = text.split(',');
        let nonce = field(fields.next(), "r=")?;
        let salt = STANDARD.decode(field(fields.next(), "s=")?).map_err(|_| ScramError::Malformed)?;
        let rounds: u32 = field(fields.next(), "i=")?.parse().map_err(|_| ScramError::Malformed)?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() || salt.is_empty() {
            return Err(ScramError::Malformed);
        }
        let rounds = NonZeroU32::new(rounds).ok_or(ScramError::Malformed)?;
        if rounds.get() > ITERATIONS_MAX {
            return Err(ScramError::TooManyRounds);
        }
        let mut salted = Zeroizing::new([0_u8; 32]);
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, &salt, &self.password, salted.as_mut_slice());
        let mut bound = self.binding.header().as_bytes().to_vec();
        if let Binding::EndPoint(digest) = &self.binding {
            bound.extend_from_slice(digest);
        }
        let mut last = format!("c={},r={nonce}", STANDARD.encode(bound));
        let signed = format!("n=,r={},{text},{last}", self.nonce);
        let client_key = Zeroizing::new(sign(salted.as_slice(), b"Client Key"));
        let stored = digest::digest(&digest::SHA256, &client_key);
        let signature = sign(stored.as_ref(), signed.as_bytes());
        let proof: Vec<u8> = client_key.iter().zip(&signature).map(|(key, sign)| key ^ sign).collect();
        // Writing to a string does not fail.
        let _ = write!(last, ",p={}", STANDARD.encode(proof));
        let server_key = sign(salted.as_slice(), b"Server Key");
        let server_signature = sign(&server_key, signed.as_bytes());
        Ok((Proved { server_signature }, last.into_bytes()))
    }
}

impl Proved {
    /// Whether the server's last message proves that it knows the account.
    ///
    /// # Errors
    /// When it does not.
    pub fn check(&self, server_final: &[u8]) -> Result<(), ScramError> {
        let text = words(server_final)?;
        let signature = field(text.split(',').next(), "v=").map_err(|_| ScramError::NotProved)?;
        let signature = STANDARD.decode(signature).map_err(|_| ScramError::Malformed)?;
        constant_time::verify_slices_are_equal(&signature, &self.server_signature).map_err(|_| ScramError::NotProved)
    }
}

fn words(message: &[u8]) -> Result<&str, ScramError> {
    if message.len() > MESSAGE_LEN_MAX {
        return Err(ScramError::Malformed);
    }
    str::from_utf8(message).map_err(|_| ScramError::Malformed)
}

fn field<'a>(field: Option<&'a str>, name: &str) -> Result<&'a str, ScramError> {
    field.and_then(|field| field.strip_prefix(name)).ok_or(ScramError::Malformed)
}

fn sign(key: &[u8], data: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data).as_ref().to_vec()
}

/// The digest of a certificate (DER) that a server's end point is bound by: with the hash of the
/// certificate's own signature, SHA-256 in place of weaker ones. None where that signature has none.
#[must_use]
pub fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let algorithm = match signature_oid(certificate)? {
        // md5, sha1 and sha256 with RSA; sha1 and sha256 with ECDSA.
        [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 4 | 5 | 11]
        | [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x01]
        | [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 2] => &digest::SHA256,
        [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 12] | [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 3] => {
            &digest::SHA384
        }
        [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 13] | [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 4] => {
            &digest::SHA512
        }
        _ => return None,
    };
    Some(digest::digest(algorithm, certificate).as_ref().to_vec())
}

/// The object identifier of a certificate's signature algorithm: `SEQUENCE { tbs, SEQUENCE { OID`.
fn signature_oid(certificate: &[u8]) -> Option<&[u8]> {
    let (content, _) = element(certificate, 0x30)?;
    let (_, after) = element(content, 0x30)?;
    let (algorithm, _) = element(after, 0x30)?;
    Some(element(algorithm, 0x06)?.0)
}

/// The content of the DER element at the front, which must have this tag, and what follows it.
fn element(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = input.split_first()?;
    let (&length, mut rest) = rest.split_first()?;
    let mut len = usize::from(length);
    if length & 0x80 != 0 {
        let (bytes, after) = rest.split_at_checked(usize::from(length & 0x7F)).filter(|(bytes, _)| bytes.len() <= 4)?;
        len = bytes.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
        rest = after;
    }
    if found == tag { rest.split_at_checked(len) } else { None }
}
