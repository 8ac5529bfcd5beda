//! Files of a terminal's target, by SFTP over the terminal's session.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use postern_control::Caller;
use postern_gateway_web::{FileError, Folder, Uploaded};
use schemars::JsonSchema;
use serde::Deserialize;

use super::terminal::{Named, terminals};
use crate::input::{Input, Nothing};
use crate::problem::Problem;
use crate::reply::{Bytes, Done, Found, Reply as _};
use crate::route::{Routes, Streamed};
use crate::server::App;

/// How long a browser may take to send the next bytes of a file.
const UPLOAD_SILENCE_MAX: Duration = Duration::from_secs(60);
/// How much of a refused file is read, in bytes, so that its sender hears of the refusal.
const REFUSED_LEN_MAX: usize = 64 * 1024 * 1024;
/// For how long.
const REFUSED_TIME_MAX: Duration = Duration::from_secs(10);
const OCTETS: &str = "application/octet-stream";

pub(crate) fn declare(routes: Routes) -> Routes {
    let upload = Streamed { takes: Some(OCTETS), status: StatusCode::OK, gives: Some("application/json") };
    routes
        .signed_in_at(
            (Method::GET, "/v1/terminals/{session}/files", "file_list", "What is in a folder of the target"),
            list,
        )
        .signed_in_at(
            (Method::DELETE, "/v1/terminals/{session}/files", "file_remove", "Remove a file or an empty folder"),
            remove,
        )
        .signed_in_at(
            (Method::GET, "/v1/terminals/{session}/files/content", "file_download", "Read a file of the target"),
            download,
        )
        .streaming(
            (Method::PUT, "/v1/terminals/{session}/files/content", "file_upload", "Write a file of the target"),
            upload,
            write,
        )
        .signed_in_at(
            (Method::POST, "/v1/terminals/{session}/files/folder", "file_make_folder", "Make a folder"),
            make_folder,
        )
        .signed_in_at(
            (Method::POST, "/v1/terminals/{session}/files/rename", "file_rename", "Rename a file or folder"),
            rename,
        )
}

/// A path on the target.
#[derive(Deserialize, JsonSchema)]
struct Place {
    /// Absolute, or relative to the account's home; the home itself when left out.
    #[serde(default)]
    path: String,
}

/// Where a file is to be written.
#[derive(Deserialize, JsonSchema)]
struct Target {
    /// Absolute, or relative to the account's home.
    path: String,
    /// Whether a file that is there may be overwritten.
    #[serde(default)]
    overwrite: bool,
}

/// A path, in a body.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FolderWish {
    /// Absolute, or relative to the account's home.
    path: String,
}

/// What is to be called otherwise.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RenameWish {
    /// What it is called.
    from: String,
    /// What it is to be called; nothing may be there.
    to: String,
}

async fn files(app: &App, caller: &Caller, named: &Named) -> Result<Arc<postern_gateway_web::Files>, Problem> {
    terminals(app)?.files(&named.session, caller.login()?).await.map_err(problem)
}

async fn list(app: App, caller: Caller, input: Input<Named, Place>) -> Result<Found<Folder>, Problem> {
    Ok(Found(files(&app, &caller, &input.path).await?.list(&input.query.path).await.map_err(problem)?))
}

async fn remove(app: App, caller: Caller, input: Input<Named, Place>) -> Result<Done, Problem> {
    files(&app, &caller, &input.path).await?.remove(&input.query.path).await.map_err(problem)?;
    Ok(Done)
}

async fn make_folder(app: App, caller: Caller, input: Input<Named, Nothing, FolderWish>) -> Result<Done, Problem> {
    files(&app, &caller, &input.path).await?.make_folder(&input.body.path).await.map_err(problem)?;
    Ok(Done)
}

async fn rename(app: App, caller: Caller, input: Input<Named, Nothing, RenameWish>) -> Result<Done, Problem> {
    let RenameWish { from, to } = input.body;
    files(&app, &caller, &input.path).await?.rename(&from, &to).await.map_err(problem)?;
    Ok(Done)
}

async fn download(app: App, caller: Caller, input: Input<Named, Place>) -> Result<Bytes, Problem> {
    let path = input.query.path;
    let download = files(&app, &caller, &input.path).await?.download(&path).await.map_err(problem)?;
    let mut headers = vec![(header::CONTENT_DISPOSITION, disposition(&path))];
    if let Some(bytes) = download.bytes {
        headers.push((header::CONTENT_LENGTH, HeaderValue::from(bytes)));
    }
    let stream = futures::stream::unfold(download, |mut download| async move {
        let portion = download.next().await?;
        Some((portion.map_err(std::io::Error::other), download))
    });
    Ok(Bytes { media: OCTETS, headers, body: Body::from_stream(stream) })
}

async fn write(app: App, caller: Caller, path: Named, query: Target, request: Request) -> Result<Response, Problem> {
    let mut body = request.into_body().into_data_stream();
    let written = match files(&app, &caller, &path).await {
        Ok(files) => write_to(&files, query, &mut body).await,
        Err(problem) => Err(problem),
    };
    if written.is_err() {
        // A connection that is closed while a client still sends is reset, and the client never reads why.
        let _ = tokio::time::timeout(REFUSED_TIME_MAX, pass_over(&mut body)).await;
    }
    Ok(Found(written?).into_reply().into_response())
}

async fn write_to(
    files: &Arc<postern_gateway_web::Files>,
    query: Target,
    body: &mut BodyDataStream,
) -> Result<Uploaded, Problem> {
    let mut upload = files.upload(&query.path, query.overwrite).await.map_err(problem)?;
    loop {
        let next = tokio::time::timeout(UPLOAD_SILENCE_MAX, body.next()).await;
        match next {
            Ok(Some(Ok(data))) => upload.write(&data).await.map_err(problem)?,
            Ok(None) => break,
            // Dropped, it is removed from the target again.
            Ok(Some(Err(_))) | Err(_) => {
                return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "cut_off", "the file did not arrive whole"));
            }
        }
    }
    upload.finish().await.map_err(problem)
}

/// Reads what is left of a body that nobody wants, up to a bound.
async fn pass_over(body: &mut BodyDataStream) {
    let mut passed = 0;
    while let Some(Ok(data)) = body.next().await {
        passed += data.len();
        if passed > REFUSED_LEN_MAX {
            return;
        }
    }
}

/// The name that a browser stores the file under (RFC 6266, RFC 8187).
pub(super) fn disposition(path: &str) -> HeaderValue {
    let name = path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("file");
    let encoded: String = name
        .bytes()
        .map(|byte| {
            let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
            if plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
        })
        .collect();
    HeaderValue::from_str(&format!("attachment; filename*=UTF-8''{encoded}"))
        .unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}

fn problem(error: FileError) -> Problem {
    let (status, code) = match &error {
        FileError::Refused(_) => (StatusCode::FORBIDDEN, "capability_refused"),
        FileError::NotFound(_) | FileError::Gone => (StatusCode::NOT_FOUND, "not_found"),
        FileError::Exists(_) => (StatusCode::CONFLICT, "exists"),
        FileError::Path(_) => return Problem::invalid("path", error.to_string().replacen("path: ", "", 1)),
        FileError::Paused(_) => (StatusCode::CONFLICT, "paused"),
        _ => (StatusCode::CONFLICT, "file_failed"),
    };
    Problem::new(status, code, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_header() {
        let shown = |path| disposition(path).to_str().map(str::to_owned).unwrap();
        assert_eq!(shown("/etc/motd"), "attachment; filename*=UTF-8''motd");
        assert_eq!(shown("a\"\r\nX: y;ü"), "attachment; filename*=UTF-8''a%22%0D%0AX%3A%20y%3B%C3%BC");
    }
}
