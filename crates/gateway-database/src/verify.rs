//! Targets prove themselves by TLS: by a certificate that the asset is known by, or one that such an
//! authority signed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// How many configurations are kept.
const KEPT_MAX: usize = 1024;

/// Verifies a target by the certificates that its asset is known by.
#[derive(Debug)]
struct Known {
    certificates: Vec<CertificateDer<'static>>,
    authorities: Option<Arc<WebPkiServerVerifier>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Known {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // The very certificate is known: nobody else's word is needed, nor its name.
        if self.certificates.iter().any(|known| known == end_entity) {
            return Ok(ServerCertVerified::assertion());
        }
        match &self.authorities {
            Some(known) => known.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now),
            None => Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Configurations by the certificates that they trust, shared by the sessions of an asset.
#[derive(Default)]
pub(crate) struct Trust(Mutex<HashMap<String, Arc<ClientConfig>>>);

impl Trust {
    /// How to speak TLS to a target that is known by these certificates in PEM; none where they cannot
    /// be read.
    pub(crate) fn of(&self, pem: &str) -> Option<Arc<ClientConfig>> {
        // Entries are put in whole; a panic cannot leave one half done.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = kept.get(pem) {
            return Some(config.clone());
        }
        let config = Arc::new(config(pem)?);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(pem.to_owned(), config.clone());
        Some(config)
    }
}

fn config(pem: &str) -> Option<ClientConfig> {
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>().ok()?;
    if certificates.is_empty() {
        return None;
    }
    let provider: Arc<CryptoProvider> = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates.iter().cloned());
    let authorities = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().ok();
    knowing(provider, certificates, authorities).ok()
}

/// How to speak TLS to whoever has this very certificate, whatever name it is asked for by.
pub(crate) fn exactly(certificate: CertificateDer<'static>) -> Result<ClientConfig, Error> {
    knowing(Arc::new(rustls::crypto::aws_lc_rs::default_provider()), vec![certificate], None)
}

fn knowing(
    provider: Arc<CryptoProvider>,
    certificates: Vec<CertificateDer<'static>>,
    authorities: Option<Arc<WebPkiServerVerifier>>,
) -> Result<ClientConfig, Error> {
    let algorithms = provider.signature_verification_algorithms;
    let known = Known { certificates, authorities, algorithms };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(known))
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(config)
}
