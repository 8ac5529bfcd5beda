//! An SSH connection to a target whose host key is pinned, signed in with exactly one attempt.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use postern_domain::AccountName;
use russh::client::{self, AuthResult, KeyboardInteractiveAuthResponse};
use russh::keys::{Certificate, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate};
use russh::{ChannelMsg, MethodKind, MethodSet, SshId};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::login::Secret;
use crate::outcome::{Cause, Failure, SignInError};
use crate::target::{Limits, Target};

pub(crate) mod algorithms;
pub(crate) mod dialogue;

/// Why a command has no result.
#[derive(Debug)]
pub(crate) enum RunError {
    /// It was certainly not begun.
    NotBegun(Failure),
    /// It may have been, in part or as a whole.
    Lost(Failure),
}

impl RunError {
    pub(crate) fn failure(self) -> Failure {
        match self {
            Self::NotBegun(failure) | Self::Lost(failure) => failure,
        }
    }
}

/// What a command gave back.
pub(crate) struct Output {
    /// Its exit status; None when a signal ended it.
    pub(crate) status: Option<u32>,
    /// What it wrote; wiped, for it may be the content of a shadow file.
    pub(crate) stdout: Zeroizing<Vec<u8>>,
    /// What it complained of.
    pub(crate) stderr: String,
}

impl Output {
    pub(crate) fn succeeded(&self) -> bool {
        self.status == Some(0)
    }

    /// What it wrote, as text.
    pub(crate) fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(String::from_utf8_lossy(&self.stdout).into_owned())
    }

    /// The last line that it complained in.
    pub(crate) fn complaint(&self) -> &str {
        self.stderr.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it did not say why")
    }
}

/// A signed-in connection. Gone when dropped.
pub(crate) struct Ssh {
    handle: client::Handle<Pinned>,
    limits: Limits,
}

/// Lets on only a target that presents a pinned key, and remembers what it presented.
struct Pinned {
    keys: Vec<PublicKey>,
    /// Written once, by the handler; read after the connection failed.
    presented: Arc<Mutex<Option<String>>>,
}

impl client::Handler for Pinned {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = key else { return Ok(false) };
        if let Ok(mut presented) = self.presented.lock() {
            *presented = Some(key.fingerprint(HashAlg::Sha256).to_string());
        }
        Ok(self.keys.iter().any(|pinned| pinned.key_data() == key.key_data()))
    }
}

impl Ssh {
    /// Dials, verifies the host key, and signs in.
    pub(crate) async fn sign_in(
        target: &Target,
        account: &AccountName,
        secret: &Secret,
        legacy: bool,
    ) -> Result<Self, SignInError> {
        let mut handle = connect(target, legacy).await.map_err(SignInError::Failed)?;
        let signing = authenticate(&mut handle, account.as_str(), secret);
        match timeout(target.limits.step, signing).await {
            Err(_) => Err(SignInError::Failed(slow(target, "take the secret"))),
            Ok(Err(error)) => Err(error),
            Ok(Ok(())) => Ok(Self { handle, limits: target.limits }),
        }
    }

    /// Runs a command line. `stdin` is all that it gets.
    pub(crate) async fn run(&self, command: &str, stdin: &[u8]) -> Result<Output, RunError> {
        let begun = timeout(self.limits.step, self.begin(command)).await;
        let mut channel = begun.unwrap_or_else(|_| Err(RunError::Lost(late())))?;
        let rest = async {
            if !stdin.is_empty() {
                channel.data_bytes(stdin.to_vec()).await.map_err(|e| RunError::Lost(protocol(&e)))?;
            }
            channel.eof().await.map_err(|e| RunError::Lost(protocol(&e)))?;
            collect(&mut channel, self.limits.answer_len_max).await
        };
        timeout(self.limits.step, rest).await.unwrap_or_else(|_| Err(RunError::Lost(late())))
    }

    async fn begin(&self, command: &str) -> Result<russh::Channel<client::Msg>, RunError> {
        let not_begun = |error: russh::Error| RunError::NotBegun(protocol(&error));
        let mut channel = self.handle.channel_open_session().await.map_err(not_begun)?;
        channel.exec(true, command).await.map_err(not_begun)?;
        loop {
            match channel.wait().await {
                Some(ChannelMsg::Success) => return Ok(channel),
                Some(ChannelMsg::Failure) => {
                    let text = "the target does not run commands for this account";
                    return Err(RunError::NotBegun(Failure::new(Cause::Forbidden, text)));
                }
                Some(ChannelMsg::Close) | None => {
                    return Err(RunError::Lost(Failure::new(Cause::Protocol, "the target hung up")));
                }
                Some(_) => {}
            }
        }
    }

    /// A terminal session for a dialogue.
    pub(crate) async fn dialogue(&self) -> Result<dialogue::Dialogue, Failure> {
        dialogue::Dialogue::open(&self.handle, self.limits).await
    }

    /// Says good-bye, so that the target need not wait for the connection to break.
    pub(crate) async fn close(self) {
        let bye = self.handle.disconnect(russh::Disconnect::ByApplication, "", "en");
        let _ = timeout(Duration::from_secs(1), bye).await;
    }
}

async fn collect(channel: &mut russh::Channel<client::Msg>, len_max: usize) -> Result<Output, RunError> {
    let mut stdout = Zeroizing::new(Vec::new());
    let mut stderr = Vec::new();
    let mut status = None;
    let mut ended = false;
    while let Some(message) = channel.wait().await {
        match message {
            ChannelMsg::Data { data } => {
                if stdout.len() + data.len() > len_max {
                    return Err(RunError::Lost(Failure::new(Cause::Protocol, "the target answers without end")));
                }
                stdout.extend_from_slice(&data);
            }
            ChannelMsg::ExtendedData { data, .. } => {
                let room = STDERR_LEN_MAX.saturating_sub(stderr.len());
                stderr.extend(data.iter().take(room));
            }
            ChannelMsg::ExitStatus { exit_status } => {
                status = Some(exit_status);
                ended = true;
            }
            ChannelMsg::ExitSignal { .. } => ended = true,
            ChannelMsg::Close => break,
            _ => {}
        }
    }
    if !ended {
        return Err(RunError::Lost(Failure::new(Cause::Protocol, "the target hung up before the command had ended")));
    }
    Ok(Output { status, stdout, stderr: String::from_utf8_lossy(&stderr).into_owned() })
}

async fn connect(target: &Target, legacy: bool) -> Result<client::Handle<Pinned>, Failure> {
    let keys: Vec<PublicKey> =
        target.trust.host_keys.iter().filter_map(|line| PublicKey::from_openssh(line).ok()).collect();
    let presented = Arc::new(Mutex::new(None));
    let handler = Pinned { keys, presented: presented.clone() };
    let config = Arc::new(client::Config {
        client_id: SshId::Standard("SSH-2.0-Postern".into()),
        preferred: algorithms::preferred(&handler.keys, legacy),
        inactivity_timeout: None,
        keepalive_interval: Some(Duration::from_secs(15)),
        keepalive_max: 2,
        ..client::Config::default()
    });
    let stream = target.dial().await?;
    let connected = timeout(target.limits.connect, client::connect_stream(config, stream, handler)).await;
    match connected {
        Err(_) => Err(slow(target, "exchange keys")),
        Ok(Ok(handle)) => Ok(handle),
        Ok(Err(error)) => {
            let fingerprint = presented.lock().ok().and_then(|seen| seen.clone());
            Err(match fingerprint {
                Some(fingerprint) => Failure::new(
                    Cause::Untrusted,
                    format_args!(
                        "{}:{} presents the host key {fingerprint}, which is not pinned for it",
                        target.host, target.port
                    ),
                ),
                None => Failure::new(
                    Cause::Protocol,
                    format_args!("{}:{} does not speak SSH as it should: {error}", target.host, target.port),
                ),
            })
        }
    }
}

/// One attempt with this secret and no other: which methods there are is asked for first, so that a
/// password is never counted twice against a lock-out.
async fn authenticate(handle: &mut client::Handle<Pinned>, account: &str, secret: &Secret) -> Result<(), SignInError> {
    match secret {
        Secret::Password(password) => {
            let methods = match handle.authenticate_none(account).await.map_err(broken)? {
                // Whoever is let in without any proof has not shown that the password works.
                AuthResult::Success => {
                    let text = "the target lets this account in without any secret";
                    return Err(SignInError::Failed(Failure::new(Cause::Conflict, text)));
                }
                AuthResult::Failure { remaining_methods, .. } => remaining_methods,
            };
            if methods.contains(&MethodKind::Password) {
                let answer = handle.authenticate_password(account, password.expose()).await.map_err(broken)?;
                judged(&answer)
            } else if methods.contains(&MethodKind::KeyboardInteractive) {
                answer_questions(handle, account, password.expose()).await
            } else {
                Err(SignInError::Failed(Failure::new(
                    Cause::Unsupported,
                    "the target takes no passwords for this account",
                )))
            }
        }
        Secret::SshKey(key) => {
            let key = private_key(key.expose()).map_err(SignInError::Failed)?;
            let hash = if key.algorithm().is_rsa() {
                handle.best_supported_rsa_hash().await.map_err(broken)?.flatten()
            } else {
                None
            };
            let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
            judged(&handle.authenticate_publickey(account, key).await.map_err(broken)?)
        }
        Secret::SshCertificate { key, certificate } => {
            let key = private_key(key.expose()).map_err(SignInError::Failed)?;
            let certificate = Certificate::from_openssh(certificate).map_err(|_| {
                SignInError::Failed(Failure::new(Cause::Setting, "the certificate kept for the account cannot be read"))
            })?;
            let answer = handle.authenticate_openssh_cert(account, Arc::new(key), certificate).await;
            judged(&answer.map_err(broken)?)
        }
    }
}

/// Reads a private key.
pub(crate) fn private_key(text: &str) -> Result<PrivateKey, Failure> {
    PrivateKey::from_openssh(text)
        .map_err(|_| Failure::new(Cause::Setting, "the private key kept for the account cannot be read"))
}

fn judged(answer: &AuthResult) -> Result<(), SignInError> {
    match answer {
        AuthResult::Success => Ok(()),
        AuthResult::Failure { remaining_methods, partial_success } => Err(refused(remaining_methods, *partial_success)),
    }
}

fn refused(_: &MethodSet, partial: bool) -> SignInError {
    if partial {
        let text = "the target takes the secret and asks for a further proof";
        SignInError::Failed(Failure::new(Cause::Unsupported, text))
    } else {
        SignInError::Refused(Failure::new(Cause::Refused, "the target does not take the secret for this account"))
    }
}

/// Gives the password to one question whose answer is not shown. Whoever asks on, asks for a new
/// password or a code: that is not answered.
async fn answer_questions(
    handle: &mut client::Handle<Pinned>,
    account: &str,
    password: &str,
) -> Result<(), SignInError> {
    let mut reply = handle.authenticate_keyboard_interactive_start(account, None).await.map_err(broken)?;
    let mut given = false;
    for _ in 0..QUESTION_ROUNDS_MAX {
        match reply {
            KeyboardInteractiveAuthResponse::Success => return Ok(()),
            KeyboardInteractiveAuthResponse::Failure { remaining_methods, partial_success } => {
                return Err(refused(&remaining_methods, partial_success));
            }
            KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => {
                let answers = match prompts.as_slice() {
                    [] => Vec::new(),
                    [prompt] if !prompt.echo && !given => {
                        given = true;
                        vec![password.to_owned()]
                    }
                    _ => break,
                };
                reply = handle.authenticate_keyboard_interactive_respond(answers).await.map_err(broken)?;
            }
        }
    }
    let text = "the target asks for more than the password: a new password, or a code";
    Err(SignInError::Failed(Failure::new(Cause::Locked, text)))
}

fn broken(error: impl std::fmt::Display) -> SignInError {
    SignInError::Failed(protocol(&error))
}

fn protocol(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Cause::Protocol, format_args!("the connection broke: {error}"))
}

fn late() -> Failure {
    Failure::new(Cause::Timeout, "the target did not answer in time")
}

fn slow(target: &Target, what: &str) -> Failure {
    Failure::new(Cause::Timeout, format_args!("{}:{} did not {what} in time", target.host, target.port))
}

/// One argument of a command line, so that any shell takes it as it is.
pub(crate) fn quote(argument: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'_' | b'-' | b'+' | b',' | b':' | b'@');
    if !argument.is_empty() && argument.bytes().all(plain) {
        argument.to_owned()
    } else {
        format!("'{}'", argument.replace('\'', r"'\''"))
    }
}

/// How many rounds of questions a target may put.
const QUESTION_ROUNDS_MAX: usize = 4;
/// How much of what a command complains of is kept, in bytes.
const STDERR_LEN_MAX: usize = 16 * 1024;

#[cfg(test)]
mod tests;
