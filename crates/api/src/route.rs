//! Declaring routes. A route cannot be declared without saying who may call it, and its handler gets
//! what the guard proved: nothing, a caller, or a caller and the permit for the permission.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use futures::future::BoxFuture;
use postern_control::{Caller, Control, Visitor};
use postern_domain::Permit;
use postern_domain::permission::Permission;
use postern_domain::permit::Manage;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;

use crate::auth;
use crate::idempotency;
use crate::input::{self, Input};
use crate::problem::Problem;
use crate::reply::{Described, Reply};
use crate::server::App;

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Anybody who can reach the port.
    Public,
    /// Anybody who has proved who they are; what they see is their own.
    SignedIn,
    /// Those who hold the permission somewhere; what they see lies where they hold it.
    Holds(Permission),
}

/// One declared route.
#[derive(Debug)]
pub struct RouteSpec {
    /// The method.
    pub method: Method,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// `noun_verb`.
    pub operation: &'static str,
    /// One line on what it does.
    pub summary: &'static str,
    /// Who may call it.
    pub guard: Guard,
    /// The schema of its path parameters.
    pub path_schema: Schema,
    /// The schema of its query parameters.
    pub query_schema: Schema,
    /// The schema of its body.
    pub body_schema: Schema,
    /// The media type of a body that is not JSON.
    pub body_media: Option<&'static str>,
    /// What it gives back.
    pub reply: Described,
}

/// The declared routes.
pub(crate) struct Routes {
    pub(crate) specs: Vec<RouteSpec>,
    pub(crate) schemas: SchemaGenerator,
    pub(crate) router: Router<App>,
}

impl Default for Routes {
    fn default() -> Self {
        let schemas = schemars::generate::SchemaSettings::draft2020_12()
            .with(|settings| settings.definitions_path = "/components/schemas".into())
            .into_generator();
        Self { specs: Vec::new(), schemas, router: Router::new() }
    }
}

/// What the guard proved about the caller.
enum Proved {
    Nothing(Visitor),
    Caller(Caller),
    Permit(Caller, Permit<Manage>),
}

type Handler<I> = Arc<dyn Fn(App, Proved, I) -> BoxFuture<'static, Result<Response, Problem>> + Send + Sync>;

/// A route's name in the document: the method, the path and `noun_verb`, then one line on it.
type Named = (Method, &'static str, &'static str, &'static str);

/// What passes on a route that takes or gives a stream.
#[derive(Clone, Copy)]
pub(crate) struct Streamed {
    /// The media type of its body.
    pub takes: Option<&'static str>,
    /// The status when it succeeds.
    pub status: StatusCode,
    /// The media type of its answer.
    pub gives: Option<&'static str>,
}

impl Streamed {
    /// A WebSocket.
    pub(crate) const SOCKET: Self = Self { takes: None, status: StatusCode::SWITCHING_PROTOCOLS, gives: None };
}

/// A type that can be a part of the input.
pub(crate) trait Part: DeserializeOwned + JsonSchema + Send + 'static {}
impl<T: DeserializeOwned + JsonSchema + Send + 'static> Part for T {}

impl Routes {
    /// Declares a route that anybody may call.
    #[must_use]
    pub(crate) fn public<P: Part, Q: Part, B: Part, R: Reply, F, Fut>(self, named: Named, handler: F) -> Self
    where
        F: Fn(Control, Visitor, Input<P, Q, B>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, Problem>> + Send + 'static,
    {
        let handler: Handler<Input<P, Q, B>> = Arc::new(move |app, proved, input| match proved {
            Proved::Nothing(visitor) => {
                let answer = handler(app.control, visitor, input);
                Box::pin(async move { answer.await.map(Reply::into_reply) })
            }
            _ => Box::pin(async { Err(Problem::unauthenticated()) }),
        });
        self.mount::<P, Q, B, R>(named, Guard::Public, handler)
    }

    /// Declares a route for anybody who has proved who they are.
    #[must_use]
    pub(crate) fn signed_in<P: Part, Q: Part, B: Part, R: Reply, F, Fut>(self, named: Named, handler: F) -> Self
    where
        F: Fn(Control, Caller, Input<P, Q, B>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, Problem>> + Send + 'static,
    {
        let handler: Handler<Input<P, Q, B>> = Arc::new(move |app, proved, input| match proved {
            Proved::Caller(caller) => {
                let answer = handler(app.control, caller, input);
                Box::pin(async move { answer.await.map(Reply::into_reply) })
            }
            _ => Box::pin(async { Err(Problem::unauthenticated()) }),
        });
        self.mount::<P, Q, B, R>(named, Guard::SignedIn, handler)
    }

    /// Declares a route for those who hold `permission`.
    #[must_use]
    pub(crate) fn holding<P: Part, Q: Part, B: Part, R: Reply, F, Fut>(
        self,
        permission: Permission,
        named: Named,
        handler: F,
    ) -> Self
    where
        F: Fn(Control, Caller, Permit<Manage>, Input<P, Q, B>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, Problem>> + Send + 'static,
    {
        let handler: Handler<Input<P, Q, B>> = Arc::new(move |app, proved, input| match proved {
            Proved::Permit(caller, permit) => {
                let answer = handler(app.control, caller, permit, input);
                Box::pin(async move { answer.await.map(Reply::into_reply) })
            }
            _ => Box::pin(async { Err(Problem::unauthenticated()) }),
        });
        self.mount::<P, Q, B, R>(named, Guard::Holds(permission), handler)
    }

    /// Declares a route for anybody who has proved who they are, which needs more of the server than the
    /// use cases.
    #[must_use]
    pub(crate) fn signed_in_at<P: Part, Q: Part, B: Part, R: Reply, F, Fut>(self, named: Named, handler: F) -> Self
    where
        F: Fn(App, Caller, Input<P, Q, B>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, Problem>> + Send + 'static,
    {
        let handler: Handler<Input<P, Q, B>> = Arc::new(move |app, proved, input| match proved {
            Proved::Caller(caller) => {
                let answer = handler(app, caller, input);
                Box::pin(async move { answer.await.map(Reply::into_reply) })
            }
            _ => Box::pin(async { Err(Problem::unauthenticated()) }),
        });
        self.mount::<P, Q, B, R>(named, Guard::SignedIn, handler)
    }

    /// Declares a route for anybody who has proved who they are, whose body is a stream or which becomes
    /// a socket: the handler gets the request itself. Browsers send the cookie along with such requests
    /// from anywhere, so that sockets ask `auth::from_console` too.
    #[must_use]
    pub(crate) fn streaming<P: Part, Q: Part, F, Fut>(
        mut self,
        (method, path, operation, summary): Named,
        described: Streamed,
        handler: F,
    ) -> Self
    where
        F: Fn(App, Caller, P, Q, Request) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Response, Problem>> + Send + 'static,
    {
        self.specs.push(RouteSpec {
            method: method.clone(),
            path,
            operation,
            summary,
            guard: Guard::SignedIn,
            path_schema: P::json_schema(&mut self.schemas),
            query_schema: Q::json_schema(&mut self.schemas),
            body_schema: self.schemas.subschema_for::<input::Nothing>(),
            body_media: described.takes,
            reply: Described { status: described.status, media: described.gives, schema: None },
        });
        let filter = MethodFilter::try_from(method).unwrap_or(MethodFilter::GET);
        let endpoint = move |State(app): State<App>, request: Request| {
            let handler = handler.clone();
            async move { stream(app, operation, handler, request).await }
        };
        self.router = self.router.route(path, on(filter, endpoint));
        self
    }

    fn mount<P: Part, Q: Part, B: Part, R: Reply>(
        mut self,
        (method, path, operation, summary): Named,
        guard: Guard,
        handler: Handler<Input<P, Q, B>>,
    ) -> Self {
        let spec = RouteSpec {
            method: method.clone(),
            path,
            operation,
            summary,
            guard,
            path_schema: P::json_schema(&mut self.schemas),
            query_schema: Q::json_schema(&mut self.schemas),
            body_schema: self.schemas.subschema_for::<B>(),
            body_media: None,
            reply: R::describe(&mut self.schemas),
        };
        self.specs.push(spec);
        let filter = MethodFilter::try_from(method).unwrap_or(MethodFilter::GET);
        let endpoint = move |State(app): State<App>, request: Request| {
            let handler = handler.clone();
            async move { call(app, guard, operation, handler, request).await }
        };
        self.router = self.router.route(path, on(filter, endpoint));
        self
    }

    /// These routes and `others`.
    #[must_use]
    pub(crate) fn and(self, declare: impl FnOnce(Self) -> Self) -> Self {
        declare(self)
    }
}

/// One call: who is it, may they, what do they want, do it.
async fn call<P: Part, Q: Part, B: Part>(
    app: App,
    guard: Guard,
    operation: &'static str,
    handler: Handler<Input<P, Q, B>>,
    request: Request,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let answer = async {
        let proved = admit(&app, guard, operation, &parts).await?;
        let (path, query) = input::parameters(&mut parts).await?;
        let len_max = if guard == Guard::Public { input::PUBLIC_BODY_LEN_MAX } else { input::BODY_LEN_MAX };
        let bytes: Bytes = axum::body::to_bytes(body, len_max)
            .await
            .map_err(|_| Problem::invalid("body", format!("at most {len_max} bytes are read")))?;
        let repeat = match &proved {
            Proved::Caller(caller) | Proved::Permit(caller, _) => idempotency::Key::of(&parts, caller, &bytes)?,
            Proved::Nothing(_) => None,
        };
        let input = Input { path, query, body: input::body(&bytes)? };
        idempotency::once(&app.control, repeat, handler(app.clone(), proved, input)).await
    };
    answer.await.unwrap_or_else(IntoResponse::into_response)
}

/// One call of a route that takes or gives a stream.
async fn stream<P: Part, Q: Part, F, Fut>(app: App, operation: &'static str, handler: F, request: Request) -> Response
where
    F: Fn(App, Caller, P, Q, Request) -> Fut,
    Fut: Future<Output = Result<Response, Problem>>,
{
    let (mut parts, body) = request.into_parts();
    let answer = async {
        let Proved::Caller(caller) = admit(&app, Guard::SignedIn, operation, &parts).await? else {
            return Err(Problem::unauthenticated());
        };
        let (path, query) = input::parameters(&mut parts).await?;
        handler(app, caller, path, query, Request::from_parts(parts, body)).await
    };
    answer.await.unwrap_or_else(IntoResponse::into_response)
}

/// Proves to the handler what the guard asks for.
async fn admit(
    app: &App,
    guard: Guard,
    operation: &'static str,
    parts: &axum::http::request::Parts,
) -> Result<Proved, Problem> {
    let visitor = auth::visitor(parts);
    let permission = match guard {
        Guard::Public => return Ok(Proved::Nothing(visitor)),
        Guard::SignedIn => None,
        Guard::Holds(permission) => Some(permission),
    };
    let caller = auth::caller(app, parts, visitor).await?;
    let Some(permission) = permission else { return Ok(Proved::Caller(caller)) };
    match caller.permit(permission) {
        Some(permit) => Ok(Proved::Permit(caller, permit)),
        None => {
            app.control.note_forbidden(&caller, operation).await?;
            let detail = format!("this needs the permission {}; ask an administrator", permission.as_str());
            Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail))
        }
    }
}
