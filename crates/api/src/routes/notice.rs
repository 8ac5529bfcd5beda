//! Which notices of requests one gets, and where.

use axum::http::Method;
use postern_control::{Caller, Control, NoticeChoiceView};
use postern_domain::user::NoticeChoice;

use crate::input::{Input, Nothing};
use crate::problem::Problem;
use crate::reply::Found;
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .signed_in((Method::GET, "/v1/notices", "notice_show", "Which notices of requests one gets, and where"), show)
        .signed_in((Method::PUT, "/v1/notices", "notice_choose", "Choose which notices of requests one gets"), choose)
}

async fn show(control: Control, caller: Caller, _: Input) -> Result<Found<NoticeChoiceView>, Problem> {
    Ok(Found(control.notice_choice(&caller).await?))
}

async fn choose(
    control: Control,
    caller: Caller,
    input: Input<Nothing, Nothing, NoticeChoice>,
) -> Result<Found<NoticeChoiceView>, Problem> {
    Ok(Found(control.notice_choose(&caller, &input.body).await?))
}
