//! The server's certificate: the configured one, or one signed by an authority of Postern's own that
//! is made at first start.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use postern_control::DataFolder;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::Https;
use crate::exit::Failure;

/// What is served with.
pub(crate) struct Identity {
    /// The TLS configuration.
    pub(crate) config: Arc<rustls::ServerConfig>,
    /// The certificate that clients see.
    pub(crate) certificate: CertificateDer<'static>,
}

/// The TLS configuration to serve with, and its certificate.
pub(crate) fn identity(folder: &DataFolder, https: &Https, listen: SocketAddr) -> Result<Identity, Failure> {
    let (chain, key) = match (&https.certificate, &https.key) {
        (Some(certificate), Some(key)) => (read(certificate)?, read(key)?),
        (None, None) => own_certificate(folder, https, listen)?,
        _ => return Err(Failure::usage("https: give both certificate and key, or neither")),
    };
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| anyhow!("https.certificate: not a PEM certificate chain"))?;
    let certificate =
        chain.first().cloned().ok_or_else(|| anyhow!("https.certificate: there is no certificate in it"))?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| anyhow!("https.key: not a PEM private key"))?;
    let mut config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Identity { config: Arc::new(config), certificate })
}

fn read(path: &Path) -> Result<String, Failure> {
    Ok(std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?)
}

/// A certificate for this machine, made anew at each start so that it never runs out, signed by the
/// authority in the data folder.
fn own_certificate(folder: &DataFolder, https: &Https, listen: SocketAddr) -> Result<(String, String), Failure> {
    let authority_key = folder.tls().join("ca.key");
    if !folder.ca().exists() || !authority_key.exists() {
        make_authority(folder, &authority_key)?;
    }
    let key = KeyPair::from_pem(&read(&authority_key)?).context("tls/ca.key is damaged: restore it from a backup")?;
    let authority = read(&folder.ca())?;
    let issuer = Issuer::new(authority_params(), key);
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !listen.ip().is_unspecified() {
        names.push(listen.ip().to_string());
    }
    if let Some(host) = https.public_url.as_deref().and_then(host_of) {
        names.push(host);
    }
    names.extend(https.names.iter().cloned());
    names.sort();
    names.dedup();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = name("postern");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &issuer)?;
    Ok((format!("{}{authority}", certificate.pem()), key.serialize_pem()))
}

fn make_authority(folder: &DataFolder, key_path: &Path) -> Result<(), Failure> {
    let key = KeyPair::generate()?;
    let certificate = authority_params().self_signed(&key)?;
    postern_control::write_durably(key_path, key.serialize_pem().as_bytes())?;
    postern_control::write_durably(&folder.ca(), certificate.pem().as_bytes())?;
    Ok(())
}

/// What the authority is called and may sign; the same each time, so that with its key it is itself.
fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name("postern internal authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

/// The host in a URL, without brackets.
fn host_of(url: &str) -> Option<String> {
    let authority = url.split("://").nth(1)?.split('/').next()?;
    if let Ok(address) = authority.parse::<SocketAddr>() {
        return Some(address.ip().to_string());
    }
    if let Ok(address) = authority.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Some(address.to_string());
    }
    Some(authority.split(':').next()?.to_owned())
}
