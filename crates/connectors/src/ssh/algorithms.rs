//! Which algorithms are spoken with targets.

use std::borrow::Cow;

use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PublicKey};
use russh::{Preferred, cipher, compression, kex, mac};

/// Modern ones, and with `legacy` those that old network devices are left with. Only host keys of the
/// algorithms that are pinned are asked for, so that a target that has several presents the right one.
pub(crate) fn preferred(pinned: &[PublicKey], legacy: bool) -> Preferred {
    let with = |modern: &'static [kex::Name], old: &'static [kex::Name]| {
        if legacy { Cow::Owned([modern, old].concat()) } else { Cow::Borrowed(modern) }
    };
    let ciphers = if legacy { Cow::Owned([CIPHERS, OLD_CIPHERS].concat()) } else { Cow::Borrowed(CIPHERS) };
    let macs = if legacy { Cow::Owned([MACS, OLD_MACS].concat()) } else { Cow::Borrowed(MACS) };
    Preferred {
        kex: with(KEX, OLD_KEX),
        key: Cow::Owned(keys(pinned, legacy)),
        host_key_certificates: Cow::Borrowed(&[]),
        cipher: ciphers,
        mac: macs,
        compression: Cow::Borrowed(&[compression::NONE]),
    }
}

fn keys(pinned: &[PublicKey], legacy: bool) -> Vec<Algorithm> {
    let is_pinned = |algorithm: &Algorithm| {
        pinned.is_empty()
            || pinned.iter().any(|key| match (key.algorithm(), algorithm) {
                (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }) => true,
                (known, wanted) => known == *wanted,
            })
    };
    let mut all = KEYS.to_vec();
    if legacy {
        all.push(Algorithm::Rsa { hash: None });
    }
    all.retain(is_pinned);
    all
}

const KEX: &[kex::Name] = &[
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
    kex::DH_G16_SHA512,
    kex::DH_G14_SHA256,
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
];
const OLD_KEX: &[kex::Name] = &[kex::DH_G14_SHA1];

const KEYS: &[Algorithm] = &[
    Algorithm::Ed25519,
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
    Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
    Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
];

const CIPHERS: &[cipher::Name] =
    &[cipher::AES_128_GCM, cipher::AES_256_GCM, cipher::CHACHA20_POLY1305, cipher::AES_256_CTR, cipher::AES_128_CTR];
const OLD_CIPHERS: &[cipher::Name] = &[cipher::AES_256_CBC, cipher::AES_128_CBC];

const MACS: &[mac::Name] = &[mac::HMAC_SHA256_ETM, mac::HMAC_SHA512_ETM, mac::HMAC_SHA256, mac::HMAC_SHA512];
const OLD_MACS: &[mac::Name] = &[mac::HMAC_SHA1];
