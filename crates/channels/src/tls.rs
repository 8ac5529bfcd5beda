//! TLS to whoever is told.

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::{file, roots, secret};

/// The client's side: whom it trusts, and the certificate and key that it shows, if it is asked for one.
pub(crate) fn client(authority: Option<&Path>, own: Option<(&Path, &Path)>) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots(authority)?);
    let Some((certificate, key)) = own else { return Ok(builder.with_no_client_auth()) };
    let pem = file("certificate", certificate)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes()).flatten().collect();
    if chain.is_empty() {
        return Err(format!("certificate: {} holds no certificate in PEM", certificate.display()));
    }
    let text = secret("key_file", key)?;
    let parsed = PrivateKeyDer::from_pem_slice(text.expose().as_bytes());
    let parsed = parsed.map_err(|_| format!("key_file: {} holds no private key in PEM", key.display()))?;
    builder.with_client_auth_cert(chain, parsed).map_err(|error| format!("certificate: {error}"))
}
