//! Between access as text and access as forms. Nothing is applied here.

use axum::http::Method;
use postern_control::{Caller, Control, DocumentText, DocumentsInput, DocumentsRead, DocumentsWritten};

use crate::input::{Input, Nothing};
use crate::problem::Problem;
use crate::reply::Found;
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .signed_in(
            (Method::POST, "/v1/documents/read", "documents_read", "Read access as text, with what is wrong in it"),
            read,
        )
        .signed_in((Method::POST, "/v1/documents/write", "documents_write", "Write access as text"), write)
}

async fn read(
    control: Control,
    _: Caller,
    input: Input<Nothing, Nothing, DocumentText>,
) -> Result<Found<DocumentsRead>, Problem> {
    Ok(Found(control.documents_read(input.body).await?))
}

async fn write(
    control: Control,
    _: Caller,
    input: Input<Nothing, Nothing, DocumentsInput>,
) -> Result<Found<DocumentsWritten>, Problem> {
    Ok(Found(control.documents_write(&input.body)?))
}
