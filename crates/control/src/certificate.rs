//! Certificates that let the gateway sign in to a target: for one session, one account, a few
//! minutes, signed by Postern's own SSH user authority (OpenSSH's PROTOCOL.certkeys).

use std::time::Duration;

use postern_domain::permit::Connect;
use postern_domain::{AccountName, SecretText, SessionId, Timestamp};
use postern_gateway::Credential;
use postern_vault::random;
use russh::keys::ssh_key::PrivateKey;
use russh::keys::ssh_key::certificate::{Builder, CertType};

use crate::{Error, keys};

/// How long a certificate can be used to sign in. The session that it opens lasts as long as policy says.
const VALID_FOR: Duration = Duration::from_secs(120);
/// How far the target's clock may be behind.
const SKEW: Duration = Duration::from_secs(60);

/// A fresh key and a certificate for it, which name the session and the person's right in them. Where
/// `sources` are given, the target takes it from these addresses only.
pub(crate) fn issue(
    authority: &PrivateKey,
    session: &SessionId,
    account: &AccountName,
    right: &Connect,
    sources: &[String],
    now: Timestamp,
) -> Result<Credential, Error> {
    let extensions = ["permit-pty", "permit-port-forwarding", "permit-agent-forwarding", "permit-X11-forwarding"];
    let (key, certificate) =
        sign(authority, &format!("postern {session} {}", right.user), account, &extensions, sources, now)?;
    Ok(Credential::SshCertificate { key, certificate })
}

/// A fresh key and a certificate for it, with which Postern itself does its work on a target.
pub(crate) fn for_work(
    authority: &PrivateKey,
    account: &AccountName,
    sources: &[String],
    now: Timestamp,
) -> Result<(SecretText, String), Error> {
    sign(authority, "postern", account, &["permit-pty"], sources, now)
}

fn sign(
    authority: &PrivateKey,
    id: &str,
    account: &AccountName,
    extensions: &[&str],
    sources: &[String],
    now: Timestamp,
) -> Result<(SecretText, String), Error> {
    let failed = |error: russh::keys::ssh_key::Error| Error::Unavailable(format!("cannot sign a certificate: {error}"));
    let key = keys::ed25519(&random::bytes())?;
    let seconds = |at: Timestamp| u64::try_from(at.as_millis() / 1000).unwrap_or(0);
    let (after, before) = (seconds(now.before(SKEW)), seconds(now.after(VALID_FOR)));
    let mut builder =
        Builder::new(random::bytes::<32>(), key.public_key().key_data().clone(), after, before).map_err(failed)?;
    builder.serial(u64::from_be_bytes(random::bytes())).map_err(failed)?;
    builder.cert_type(CertType::User).map_err(failed)?;
    builder.key_id(id).map_err(failed)?;
    builder.valid_principal(account.as_str()).map_err(failed)?;
    if !sources.is_empty() {
        builder.critical_option("source-address", sources.join(",")).map_err(failed)?;
    }
    for extension in extensions {
        builder.extension(*extension, "").map_err(failed)?;
    }
    let certificate = builder.sign(authority).map_err(failed)?;
    Ok((keys::openssh(&key)?, certificate.to_openssh().map_err(failed)?))
}
