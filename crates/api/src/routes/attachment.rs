//! Files that people put to requests, and wishes that are kept.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use postern_control::{ATTACHMENT_LEN_MAX, Caller, Control, TemplateInput};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::request::{Attachment, RequestTemplate};
use postern_domain::{RequestId, TemplateId};
use schemars::JsonSchema;
use serde::Deserialize;

use super::file::disposition;
use crate::input::{Input, Nothing};
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::{Bytes, Created, Done, Found, Reply as _};
use crate::route::{Routes, Streamed};
use crate::server::App;

const OCTETS: &str = "application/octet-stream";

pub(crate) fn declare(routes: Routes) -> Routes {
    let upload = Streamed { takes: Some(OCTETS), status: StatusCode::CREATED, gives: Some("application/json") };
    routes
        .signed_in(
            (Method::GET, "/v1/requests/{id}/attachments", "attachment_list", "Files that were put to a request"),
            list,
        )
        .streaming(
            (Method::POST, "/v1/requests/{id}/attachments", "attachment_add", "Put a file to a request"),
            upload,
            add,
        )
        .signed_in(
            (Method::GET, "/v1/requests/{id}/attachments/{number}", "attachment_read", "Read a file of a request"),
            read,
        )
        .signed_in((Method::GET, "/v1/request-templates", "template_list", "Wishes that are kept"), templates)
        .holding(
            Permission::RequestCreate,
            (Method::POST, "/v1/request-templates", "template_create", "Keep a wish"),
            keep,
        )
        .signed_in((Method::DELETE, "/v1/request-templates/{id}", "template_delete", "Forget a wish"), forget)
}

/// A request's id in the path.
#[derive(Deserialize, JsonSchema)]
struct Asked {
    /// The request.
    id: RequestId,
}

/// A file of a request in the path.
#[derive(Deserialize, JsonSchema)]
struct Numbered {
    /// The request.
    id: RequestId,
    /// The file's number, from 1.
    number: String,
}

/// What a file is called.
#[derive(Deserialize, JsonSchema)]
struct Called {
    /// Its name, without folders.
    name: String,
}

/// A template's id in the path.
#[derive(Deserialize, JsonSchema)]
struct Kept {
    /// The template.
    id: TemplateId,
}

async fn list(control: Control, caller: Caller, input: Input<Asked>) -> Result<Found<Page<Attachment>>, Problem> {
    Ok(Found(Page::whole(control.attachment_list(&caller, &input.path.id).await?)))
}

async fn add(app: App, caller: Caller, path: Asked, query: Called, request: Request) -> Result<Response, Problem> {
    let read = axum::body::to_bytes(request.into_body(), ATTACHMENT_LEN_MAX).await;
    let content = read.map_err(|_| Problem::invalid("body", format!("a file has 1 to {ATTACHMENT_LEN_MAX} bytes")))?;
    let put = app.control.attachment_add(&caller, &path.id, &query.name, content.to_vec()).await?;
    Ok(Created(put).into_reply().into_response())
}

async fn read(control: Control, caller: Caller, input: Input<Numbered>) -> Result<Bytes, Problem> {
    let number = input.path.number.parse().map_err(|_| Problem::invalid("number", "is not a number"))?;
    let (file, content) = control.attachment_read(&caller, &input.path.id, number).await?;
    let headers = vec![(header::CONTENT_DISPOSITION, disposition(&file.name))];
    Ok(Bytes { media: OCTETS, headers, body: Body::from(content) })
}

async fn templates(control: Control, caller: Caller, _: Input) -> Result<Found<Page<RequestTemplate>>, Problem> {
    Ok(Found(Page::whole(control.template_list(&caller).await?)))
}

async fn keep(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Nothing, TemplateInput>,
) -> Result<Created<RequestTemplate>, Problem> {
    Ok(Created(control.template_create(&caller, &permit, &input.body).await?))
}

async fn forget(control: Control, caller: Caller, input: Input<Kept>) -> Result<Done, Problem> {
    control.template_delete(&caller, &input.path.id).await?;
    Ok(Done)
}
