//! Somebody between the gate and a PostgreSQL, whose certificate the gate trusts as well: what SCRAM binds
//! to the TLS channel, and only that, gives them away.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use postern_e2e::{DatabaseWorld, Person, Ran, run};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, ServerConfig, SignatureScheme};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// What a client of PostgreSQL asks for TLS with.
const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
const PLUS: &[u8] = b"SCRAM-SHA-256-PLUS\0";

/// What the one in between does with what passes.
#[derive(Clone, Copy, PartialEq)]
enum Doing {
    /// Passes bytes on; TLS is between the two ends.
    Nothing,
    /// Speaks TLS with each end, so that everything can be read.
    Reading,
    /// Does that, and keeps from the client that the server can bind.
    Hiding,
}

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

/// Somebody who listens, until dropped.
struct Between {
    address: String,
    /// What they show to who connects, in PEM.
    certificate: String,
    // Its tasks end with this.
    _runtime: Runtime,
}

impl Between {
    fn of(target: &DatabaseWorld, doing: Doing) -> Self {
        let own = TempDir::new().unwrap();
        let (key, certificate) = (own.path().join("key.pem"), own.path().join("cert.pem"));
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]);
        openssl.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout"]);
        run(openssl.arg(&key).arg("-out").arg(&certificate)).unwrap().ok().unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let accepts = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
        let chain = vec![CertificateDer::from_pem_file(&certificate).unwrap()];
        let accepts = accepts.unwrap().with_no_client_auth();
        let accepts = accepts.with_single_cert(chain, PrivateKeyDer::from_pem_file(&key).unwrap()).unwrap();
        let anybody = Arc::new(Anybody(provider.clone()));
        let connects = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let connects = connects.dangerous().with_custom_certificate_verifier(anybody).with_no_client_auth();
        let (accepts, connects) = (TlsAcceptor::from(Arc::new(accepts)), TlsConnector::from(Arc::new(connects)));

        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let (address, behind) = (listener.local_addr().unwrap().to_string(), target.target.port());
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (accepts, connects) = (accepts.clone(), connects.clone());
                tokio::spawn(async move {
                    let server = TcpStream::connect(("127.0.0.1", behind)).await?;
                    relay(client, server, doing, &accepts, &connects).await
                });
            }
        });
        Self { address, certificate: fs::read_to_string(certificate).unwrap(), _runtime: runtime }
    }

    /// psql straight to it as the account itself, bound to the channel or not.
    fn psql(&self, world: &DatabaseWorld, binding: &str) -> Ran {
        let (_, port) = self.address.rsplit_once(':').unwrap();
        let mut psql = world.target.direct("psql");
        psql.env("PGPORT", port).env("PGCHANNELBINDING", binding).args(["-X", "-A", "-t", "-c", "select 6 * 7"]);
        run(&mut psql).unwrap()
    }
}

async fn relay(
    mut client: TcpStream,
    mut server: TcpStream,
    doing: Doing,
    accepts: &TlsAcceptor,
    connects: &TlsConnector,
) -> std::io::Result<()> {
    if doing == Doing::Nothing {
        copy_bidirectional(&mut client, &mut server).await?;
        return Ok(());
    }
    let mut request = [0; 8];
    client.read_exact(&mut request).await?;
    assert_eq!(request, TLS_REQUEST);
    server.write_all(&request).await?;
    let answer = server.read_u8().await?;
    client.write_all(&[answer]).await?;
    let name = ServerName::try_from("127.0.0.1").map_err(std::io::Error::other)?;
    let mut server = connects.connect(name, server).await?;
    let mut client = accepts.accept(client).await?;
    if doing == Doing::Hiding {
        without_binding(&mut client, &mut server).await?;
    }
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

/// Passes the client's first message on, and the server's answer without the mechanism that binds.
async fn without_binding(
    client: &mut (impl AsyncRead + AsyncWrite + Unpin),
    server: &mut (impl AsyncRead + AsyncWrite + Unpin),
) -> std::io::Result<()> {
    let length = client.read_u32().await?;
    let mut rest = vec![0; usize::try_from(length).unwrap() - 4];
    client.read_exact(&mut rest).await?;
    server.write_all(&[&length.to_be_bytes()[..], &rest].concat()).await?;
    server.flush().await?;
    assert_eq!(server.read_u8().await?, b'R', "the server asks who is there");
    let mut offered = vec![0; usize::try_from(server.read_u32().await?).unwrap() - 4];
    server.read_exact(&mut offered).await?;
    let at = offered.windows(PLUS.len()).position(|part| part == PLUS).unwrap();
    offered.drain(at..at + PLUS.len());
    let length = u32::try_from(offered.len() + 4).unwrap();
    client.write_all(&[&b"R"[..], &length.to_be_bytes(), &offered].concat()).await?;
    client.flush().await
}

/// psql through the gate, whose target is said to be there, known by both certificates.
fn through_the_gate(world: &DatabaseWorld, person: &Person, between: &Between) -> Ran {
    let both = world.target.certificate().unwrap() + &between.certificate;
    let asset = "kind: Asset\nname: orders\nplatform: postgresql\naddress: ADDRESS\nserver_ca: |\nCERTIFICATE\n";
    world
        .also(&asset.replace("ADDRESS", &between.address).replace("CERTIFICATE", &postern_e2e::indented(&both)))
        .unwrap();
    let arguments = ["connect", "app_admin@orders", "shop", "--", "-X", "-A", "-t", "-c", "select 6 * 7"];
    person.cli(&arguments).unwrap()
}

#[test]
fn who_stands_between_is_found_out_by_what_scram_binds() {
    let world = DatabaseWorld::start().unwrap();
    let ben = world.person("ben", "dba").unwrap();

    let nobody = Between::of(&world, Doing::Nothing);
    assert_eq!(nobody.psql(&world, "require").ok().unwrap().text(), "42\n");
    assert_eq!(through_the_gate(&world, &ben, &nobody).ok().unwrap().text(), "42\n", "the same way without anybody");
    assert!(!world.target.log().contains("channel binding"), "{}", world.target.log());

    for (doing, said) in [
        (Doing::Reading, "SCRAM channel binding check failed"),
        (Doing::Hiding, "SCRAM channel binding negotiation error"),
    ] {
        let somebody = Between::of(&world, doing);
        let fooled = somebody.psql(&world, "disable").ok().unwrap().text();
        assert_eq!(fooled, "42\n", "who binds nothing notices nothing");
        let refused = through_the_gate(&world, &ben, &somebody);
        assert_ne!(refused.code, 0, "{}", refused.said());
        assert!(
            refused.stderr.contains("does not let account app_admin in") && refused.stderr.contains(said),
            "{}",
            refused.said()
        );
        assert!(world.target.log().contains(said), "it is the server that says so: {}", world.target.log());
    }
    let listed = world.ada.cli(&["sessions", "--user", "ben", "-o", "json"]).unwrap().json().unwrap();
    assert_eq!(listed[0]["end_reason"], "target_failed", "{listed}");
}
