//! SQL consoles reach the database gateway within the process: as clients from where the browser is, over
//! TLS with the gateway's own certificate and no other.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use postern_gateway_database::Protocol as Served;
use postern_sql_console::{Consoles, Door, Limits, Protocol};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::net::TcpStream;

/// The gateway's door.
struct Within(postern_gateway_database::Door);

#[async_trait]
impl Door for Within {
    async fn enter(&self, protocol: Protocol, source: IpAddr) -> io::Result<TcpStream> {
        let protocol = match protocol {
            Protocol::Postgresql => Served::Postgresql,
            Protocol::Mysql => Served::Mysql,
        };
        self.0.enter(protocol, source).await
    }

    fn cancel(&self, connection: u32) {
        self.0.cancel(connection);
    }
}

/// Consoles that enter by `door` and know the gateway by its certificate.
pub(crate) fn consoles(door: postern_gateway_database::Door, own: CertificateDer<'static>) -> Consoles {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let tls = ClientConfig::builder()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Own { certificate: own, provider }))
        .with_no_client_auth();
    Consoles::new(Arc::new(Within(door)), Arc::new(tls), Limits::default())
}

/// Trusts one certificate, whatever name it is asked for by.
#[derive(Debug)]
struct Own {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Own {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *end_entity == self.certificate {
            return Ok(ServerCertVerified::assertion());
        }
        Err(rustls::Error::General("this is not the gateway".to_owned()))
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
