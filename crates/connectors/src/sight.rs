//! Who listens at an address: one connection, without signing in.

use std::io::Cursor;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use postern_domain::asset::Platform;
use postern_domain::discovery::greeting::{Question, SAID_LEN_MAX, banner, recognise};
use russh::SshId;
use russh::client;
use russh::keys::{HashAlg, PublicKeyOrCertificate};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::ssh::algorithms;

/// Somebody who listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// What it seems to be.
    pub platform: Platform,
    /// Whether it said so itself; the port suggests it otherwise.
    pub is_recognised: bool,
    /// What it said, for people.
    pub banner: Option<String>,
    /// The fingerprint of the SSH host key that it presented. Nobody decided on it.
    pub host_key: Option<String>,
}

/// Looks who listens at `address`, where the port suggests `suggested`. None where nobody answers in time.
/// It connects once and to this address only.
pub async fn look(address: SocketAddr, suggested: Platform) -> Option<Sight> {
    let mut stream = timeout(CONNECT_MAX, TcpStream::connect(address)).await.ok()?.ok()?;
    // A port that nobody listens on can be that of the connection itself.
    if stream.local_addr().ok()? == address {
        return None;
    }
    let asked = Question::of(suggested);
    let mut said = Vec::new();
    let talk = async {
        stream.write_all(asked.bytes()).await.ok()?;
        loop {
            if let Some(greeting) = recognise(&said, asked, suggested) {
                return Some(greeting);
            }
            let room = SAID_LEN_MAX.checked_sub(said.len()).filter(|room| *room > 0)?;
            let mut part = (&mut stream).take(u64::try_from(room).ok()?);
            if part.read_buf(&mut said).await.ok()? == 0 {
                return None;
            }
        }
    };
    match timeout(WORDS_MAX, talk).await.ok().flatten() {
        None => Some(Sight { platform: suggested, is_recognised: false, banner: banner(&said), host_key: None }),
        Some(greeting) => {
            let is_ssh = matches!(greeting.platform, Platform::Linux | Platform::NetworkDevice);
            let host_key = if is_ssh { host_key(said, stream).await } else { None };
            Some(Sight { platform: greeting.platform, is_recognised: true, banner: Some(greeting.banner), host_key })
        }
    }
}

/// Keeps the key that is presented and goes no further.
struct Curious(Arc<Mutex<Option<String>>>);

impl client::Handler for Curious {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        if let (PublicKeyOrCertificate::PublicKey { key, .. }, Ok(mut kept)) = (key, self.0.lock()) {
            *kept = Some(key.fingerprint(HashAlg::Sha256).to_string());
        }
        Ok(false)
    }
}

/// Goes on with the connection on which the server has `said` its first words, until it shows its key.
async fn host_key(said: Vec<u8>, stream: TcpStream) -> Option<String> {
    let (read, write) = stream.into_split();
    let stream = tokio::io::join(Cursor::new(said).chain(read), write);
    let kept = Arc::new(Mutex::new(None));
    let config = Arc::new(client::Config {
        client_id: SshId::Standard("SSH-2.0-Postern".into()),
        preferred: algorithms::preferred(&[], true),
        ..client::Config::default()
    });
    let exchange = client::connect_stream(config, stream, Curious(kept.clone()));
    let _ = timeout(KEY_MAX, exchange).await;
    kept.lock().ok().and_then(|kept| kept.clone())
}

/// Until somebody answers.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// Until a server has said what it is.
const WORDS_MAX: Duration = Duration::from_secs(2);
/// Until it has shown its key.
const KEY_MAX: Duration = Duration::from_secs(5);
