//! TLS to a target that is known by pinned certificates: the target's own, or authorities'.

use std::sync::{Arc, Mutex};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::digest::sha256_hex;
use crate::outcome::{Cause, Failure};
use crate::target::Target;

/// Goes on in TLS; whoever is at the other end has proved to be the target.
pub(crate) async fn secure(target: &Target, stream: TcpStream) -> Result<TlsStream<TcpStream>, Failure> {
    let pinned = Arc::new(Pinned::new(target));
    let config = config(pinned.clone())?;
    let name = server_name(target)?;
    let shaking = TlsConnector::from(Arc::new(config)).connect(name, stream);
    let (host, port) = (&target.host, target.port);
    match timeout(target.limits.connect, shaking).await {
        Err(_) => Err(Failure::new(Cause::Timeout, format_args!("{host}:{port} did not set up TLS in time"))),
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(pinned.explain(target, &error)),
    }
}

/// A client's configuration that lets on only what `pinned` does.
pub(crate) fn config(pinned: Arc<Pinned>) -> Result<ClientConfig, Failure> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::new(Cause::Protocol, error))?;
    Ok(builder.dangerous().with_custom_certificate_verifier(pinned).with_no_client_auth())
}

/// The name that the certificate must be for, unless it is pinned itself.
pub(crate) fn server_name(target: &Target) -> Result<ServerName<'static>, Failure> {
    ServerName::try_from(target.host.clone())
        .map_err(|_| Failure::new(Cause::Setting, format_args!("`{}` is not a host's name", target.host)))
}

/// What a target is known by.
#[derive(Debug)]
pub(crate) struct Pinned {
    certificates: Vec<CertificateDer<'static>>,
    authorities: Option<Arc<WebPkiServerVerifier>>,
    provider: CryptoProvider,
    /// What was presented and not trusted; written by the verifier, read after the connection failed.
    refused: Mutex<Option<String>>,
}

impl Pinned {
    pub(crate) fn new(target: &Target) -> Self {
        let certificates: Vec<_> =
            CertificateDer::pem_slice_iter(target.trust.certificates.as_bytes()).flatten().collect();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates.iter().cloned());
        let provider = aws_lc_rs::default_provider();
        let authorities = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(provider.clone()));
        Self { certificates, authorities: authorities.build().ok(), provider, refused: Mutex::new(None) }
    }

    /// Why the connection failed.
    pub(crate) fn explain(&self, target: &Target, error: &dyn std::fmt::Display) -> Failure {
        let (host, port) = (&target.host, target.port);
        match self.refused.lock().ok().and_then(|refused| refused.clone()) {
            Some(fingerprint) => Failure::new(
                Cause::Untrusted,
                format_args!(
                    "{host}:{port} presents the certificate {fingerprint}, which is not trusted for it: {error}"
                ),
            ),
            None => Failure::new(Cause::Protocol, format_args!("{host}:{port} does not set up TLS: {error}")),
        }
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.certificates.iter().any(|pinned| pinned == end_entity) {
            return Ok(ServerCertVerified::assertion());
        }
        let verdict = match &self.authorities {
            Some(known) => known.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now),
            None => Err(rustls::Error::General("no certificate is pinned for it".to_owned())),
        };
        if verdict.is_err()
            && let Ok(mut refused) = self.refused.lock()
        {
            *refused = Some(format!("SHA256:{}", sha256_hex(end_entity)));
        }
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
