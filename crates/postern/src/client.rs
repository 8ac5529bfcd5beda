//! The API's client. The command line has no other way to the server.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow};
use postern_api::Problem;
use reqwest::{Certificate, Method, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::exit::Failure;

const CONNECT_MAX: Duration = Duration::from_secs(10);
const ERROR_LEN_MAX: usize = 64 * 1024;

/// What `postern login` keeps, in a file that only its owner can read.
#[derive(Serialize, Deserialize)]
pub(crate) struct Profile {
    /// The server's address.
    pub server: String,
    /// The certificate authority that signed its certificate, PEM; none means the system's.
    pub ca: Option<String>,
    /// The login's token.
    pub token: String,
    /// Whose it is.
    pub user: String,
}

/// Where what belongs to a person is kept: `$POSTERN_CONFIG_DIR`, else `$XDG_CONFIG_HOME/postern`, else
/// `~/.config/postern`.
pub(crate) fn folder() -> Result<PathBuf, Failure> {
    let folder = std::env::var_os("POSTERN_CONFIG_DIR")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("XDG_CONFIG_HOME").map(|folder| PathBuf::from(folder).join("postern")))
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config/postern")))
        .ok_or_else(|| anyhow!("there is no home folder: set POSTERN_CONFIG_DIR"))?;
    Ok(folder)
}

fn profile_path() -> Result<PathBuf, Failure> {
    Ok(folder()?.join("login.json"))
}

impl Profile {
    /// The kept profile.
    pub(crate) fn load() -> Result<Self, Failure> {
        let path = profile_path()?;
        let text =
            fs::read_to_string(&path).map_err(|_| anyhow!("not signed in: postern login --server URL --user NAME"))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} is damaged: sign in again with postern login", path.display()))
            .map_err(Failure::from)
    }

    /// Keeps the profile.
    pub(crate) fn store(&self) -> Result<(), Failure> {
        let path = profile_path()?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        let scratch = path.with_extension("new");
        let _ = fs::remove_file(&scratch);
        let mut file = fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(&scratch)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        fs::rename(&scratch, &path)?;
        Ok(())
    }

    /// Forgets the profile.
    pub(crate) fn forget() -> Result<(), Failure> {
        match fs::remove_file(profile_path()?) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// A client of one server.
pub(crate) struct Client {
    http: reqwest::Client,
    server: String,
    token: Option<String>,
}

impl Client {
    /// A client of `server`, which proves itself by a certificate that `ca` (PEM) signed.
    pub(crate) fn new(server: &str, ca: Option<&str>, token: Option<String>) -> Result<Self, Failure> {
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_MAX)
            .https_only(true)
            .user_agent(concat!("postern-cli/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = ca {
            let authority = Certificate::from_pem(pem.as_bytes()).context("--ca: not a PEM certificate")?;
            builder = builder.tls_certs_only([authority]);
        }
        let server = server.trim_end_matches('/').to_owned();
        Ok(Self { http: builder.build()?, server, token })
    }

    /// A client with the kept profile.
    pub(crate) fn signed_in() -> Result<Self, Failure> {
        let profile = Profile::load()?;
        Self::new(&profile.server, profile.ca.as_deref(), Some(profile.token))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.server));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        request
    }

    /// Reads.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.answer(self.request(Method::GET, path)).await
    }

    /// Reads with query parameters; those that are none are left out.
    pub(crate) async fn get_with<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, Option<String>)],
    ) -> Result<T, Failure> {
        let given: Vec<_> =
            query.iter().filter_map(|(name, value)| value.as_ref().map(|value| (*name, value))).collect();
        self.answer(self.request(Method::GET, path).query(&given)).await
    }

    /// Reads a listing to its end, page by page.
    pub(crate) async fn all<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, Option<String>)],
    ) -> Result<Vec<T>, Failure> {
        let mut items = Vec::new();
        let mut cursor = None;
        loop {
            let mut query = query.to_vec();
            query.push(("cursor", cursor));
            query.push(("limit", Some("500".to_owned())));
            let page: PageOf<T> = self.get_with(path, &query).await?;
            items.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                return Ok(items);
            }
        }
    }

    /// Sends a body and reads the answer.
    pub(crate) async fn send<B: Serialize + ?Sized, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &B,
    ) -> Result<T, Failure> {
        self.answer(self.request(method, path).json(body)).await
    }

    /// Posts bytes.
    pub(crate) async fn upload<T: DeserializeOwned>(&self, path: &str, bytes: Vec<u8>) -> Result<T, Failure> {
        let request = self.request(Method::POST, path).header("Content-Type", "application/octet-stream");
        self.answer(request.body(bytes)).await
    }

    /// Posts.
    pub(crate) async fn post<B: Serialize + ?Sized, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<T, Failure> {
        self.send(Method::POST, path, body).await
    }

    /// Sends a body where no answer is expected.
    pub(crate) async fn tell<B: Serialize + ?Sized>(
        &self,
        method: Method,
        path: &str,
        body: &B,
    ) -> Result<(), Failure> {
        self.open(self.request(method, path).json(body)).await?;
        Ok(())
    }

    /// Deletes.
    pub(crate) async fn delete(&self, path: &str) -> Result<(), Failure> {
        self.open(self.request(Method::DELETE, path)).await?;
        Ok(())
    }

    /// An answer to be read as it comes.
    pub(crate) async fn stream(&self, path: &str, query: &[(&str, Option<String>)]) -> Result<Response, Failure> {
        let given: Vec<_> =
            query.iter().filter_map(|(name, value)| value.as_ref().map(|value| (*name, value))).collect();
        self.open(self.request(Method::GET, path).query(&given)).await
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Failure> {
        let response = self.open(request).await?;
        Ok(response.json().await.context("the server's answer cannot be read: is it the same version?")?)
    }

    async fn open(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|error| unreachable(&self.server, error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        Err(refusal(status, response).await)
    }
}

#[derive(Deserialize)]
struct PageOf<T> {
    items: Vec<T>,
    next: Option<String>,
}

/// Any text as one segment of a path.
pub(crate) fn segment(text: &str) -> String {
    text.bytes().fold(String::new(), |mut path, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'@' | b':') {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
        path
    })
}

fn unreachable(server: &str, error: reqwest::Error) -> Failure {
    let advice = if error.is_connect() { "is it running, and is --ca the right certificate?" } else { "try again" };
    Failure::Failed(anyhow::Error::new(error).context(format!("cannot reach {server}: {advice}")))
}

async fn refusal(status: StatusCode, response: Response) -> Failure {
    let bytes = response.bytes().await.unwrap_or_default();
    let text = bytes.get(..bytes.len().min(ERROR_LEN_MAX)).unwrap_or_default();
    match serde_json::from_slice::<Problem>(text) {
        Ok(problem) => Failure::Problem(Box::new(problem)),
        Err(_) => Failure::Failed(anyhow!("the server answered {status}")),
    }
}
