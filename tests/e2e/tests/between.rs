//! Somebody between the gate and a target, who speaks TLS with both.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use postern_e2e::run;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, ServerConfig, SignatureScheme};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Who stands between does not care whom they pass things on to.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// How they speak TLS.
#[derive(Clone)]
pub(crate) struct Tls {
    /// With who connects to them.
    pub(crate) accepts: TlsAcceptor,
    /// With the target.
    pub(crate) connects: TlsConnector,
}

/// Somebody who listens, until dropped.
pub(crate) struct Between {
    /// Where, `127.0.0.1:port`.
    pub(crate) address: String,
    /// What they show to who connects, in PEM.
    pub(crate) certificate: String,
    // Its tasks end with this.
    _runtime: Runtime,
}

impl Between {
    /// Somebody before `port` of this machine, who does `relay` with each who connects and the target.
    pub(crate) fn before<F>(port: u16, relay: impl Fn(TcpStream, TcpStream, Tls) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = std::io::Result<()>> + Send + 'static,
    {
        let (tls, certificate) = tls();
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await {
                    tokio::spawn(relay(client, server, tls.clone()));
                }
            }
        });
        Self { address, certificate, _runtime: runtime }
    }

    /// Their port.
    pub(crate) fn port(&self) -> &str {
        self.address.rsplit_once(':').unwrap().1
    }
}

/// TLS with a certificate of their own, which is given in PEM.
fn tls() -> (Tls, String) {
    let own = TempDir::new().unwrap();
    let (key, certificate) = (own.path().join("key.pem"), own.path().join("cert.pem"));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]);
    openssl.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout"]);
    run(openssl.arg(&key).arg("-out").arg(&certificate)).unwrap().ok().unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let chain = vec![CertificateDer::from_pem_file(&certificate).unwrap()];
    let accepts = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let accepts = accepts.with_no_client_auth().with_single_cert(chain, PrivateKeyDer::from_pem_file(&key).unwrap());
    let anybody = Arc::new(Anybody(provider.clone()));
    let connects = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let connects = connects.dangerous().with_custom_certificate_verifier(anybody).with_no_client_auth();
    let accepts = TlsAcceptor::from(Arc::new(accepts.unwrap()));
    (Tls { accepts, connects: TlsConnector::from(Arc::new(connects)) }, fs::read_to_string(certificate).unwrap())
}

/// The name by which the target is asked for.
pub(crate) fn localhost() -> ServerName<'static> {
    ServerName::try_from("127.0.0.1").unwrap()
}
