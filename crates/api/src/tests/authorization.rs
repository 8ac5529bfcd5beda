//! Every route, called by those who may not.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use postern_control::{Control, TokenCreate};
use postern_domain::SecretText;
use postern_domain::permission::Permission;
use serde_json::Value;

use super::{Answer, Api};
use crate::route::{Guard, RouteSpec, Routes};
use crate::routes;

/// Routes that the test below does not reach; there is none, and none is to be added.
const UNCOVERED: &str = include_str!("../../uncovered_routes.txt");

fn specs() -> Vec<RouteSpec> {
    routes::all(Routes::default()).specs
}

/// A path with something in place of its parameters. What it is does not matter: who may call is
/// decided before what they want is read.
fn path(spec: &RouteSpec) -> String {
    spec.path
        .split('/')
        .map(|segment| if segment.starts_with('{') { "x" } else { segment })
        .collect::<Vec<_>>()
        .join("/")
}

async fn call(api: &Api, spec: &RouteSpec, token: Option<&SecretText>) -> Answer {
    api.call(spec.method.as_str(), &path(spec), token, Value::Null).await
}

/// A token of an administrator's that is cut to one permission, which is not `lacking`.
async fn token_without(api: &Api, lacking: Permission) -> SecretText {
    let held = if lacking == Permission::AuditRead { Permission::AssetRead } else { Permission::AuditRead };
    let caller = api.world.caller("ada").await;
    let wish = TokenCreate {
        name: "cut".to_owned(),
        permissions: [held].into(),
        scope: None,
        expires_in_seconds: 3600,
        user: None,
    };
    let control: &Control = &api.world.control;
    SecretText::new(control.token_create(&caller, wish).await.expect("a token").token)
}

#[tokio::test]
async fn no_route_answers_those_who_may_not_call_it() {
    let mut covered = BTreeSet::new();
    for spec in specs() {
        // A world for each: some routes end what the next one would need.
        let api = Api::new().await;
        api.world.person("ada", "/", &[("administrator", "/")]).await;
        api.world.person("ulla", "/", &[]).await;
        let operation = spec.operation;
        let nobody = call(&api, &spec, None).await;
        let stranger = call(&api, &spec, Some(&SecretText::new("pst_login_forged".to_owned()))).await;
        let denied = |answer: &Answer| (answer.status, answer.code().to_owned());
        let unauthenticated = (StatusCode::UNAUTHORIZED, "unauthenticated".to_owned());
        let forbidden = (StatusCode::FORBIDDEN, "forbidden".to_owned());
        match spec.guard {
            Guard::Public => {
                assert_ne!(denied(&nobody), unauthenticated, "{operation}");
            }
            Guard::SignedIn => {
                assert_eq!(denied(&nobody), unauthenticated, "{operation}");
                assert_eq!(denied(&stranger), unauthenticated, "{operation}");
                let user = call(&api, &spec, Some(&api.world.login("ulla").await)).await;
                assert_ne!(denied(&user), unauthenticated, "{operation}");
            }
            Guard::Holds(permission) => {
                assert_eq!(denied(&nobody), unauthenticated, "{operation}");
                assert_eq!(denied(&stranger), unauthenticated, "{operation}");
                let cut = call(&api, &spec, Some(&token_without(&api, permission).await)).await;
                assert_eq!(denied(&cut), forbidden, "{operation}");
                let detail = cut.body["detail"].as_str().unwrap_or_default();
                assert!(detail.contains(permission.as_str()), "{operation} says which permission: {detail}");
                if permission != Permission::RequestCreate {
                    let user = call(&api, &spec, Some(&api.world.login("ulla").await)).await;
                    assert_eq!(denied(&user), forbidden, "{operation}");
                }
                let refusals = api.world.events("api.call").await;
                assert!(refusals.iter().all(|event| event.target == operation), "{operation} is written down");
                assert!(!refusals.is_empty(), "{operation} is written down");
                let holder = call(&api, &spec, Some(&api.world.login("ada").await)).await;
                assert_ne!(denied(&holder), unauthenticated, "{operation}");
                assert_ne!(denied(&holder), forbidden, "{operation}");
            }
        }
        covered.insert(operation);
    }
    let document = crate::document();
    let declared = document["paths"].as_object().expect("paths").values().flat_map(|methods| {
        methods.as_object().expect("methods").values().filter_map(|operation| operation["operationId"].as_str())
    });
    let uncovered: Vec<_> = declared.filter(|operation| !covered.contains(operation)).collect();
    assert_eq!(uncovered, UNCOVERED.lines().collect::<Vec<_>>());
    assert_eq!(UNCOVERED, "", "each route has an authorization test");
}

#[tokio::test]
async fn what_is_served_beside_the_declared_routes_tells_nothing() {
    let api = Api::new().await;
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        assert!(api.call("GET", path, None, Value::Null).await.status.is_success(), "{path}");
    }
    assert_eq!(api.call("GET", "/metrics", None, Value::Null).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(api.call("GET", "/v1/nothing", None, Value::Null).await.status, StatusCode::NOT_FOUND);
}

#[test]
fn operations_have_names_of_their_own_and_routes_too() {
    let mut operations = BTreeSet::new();
    let mut places = BTreeSet::new();
    for spec in specs() {
        assert!(operations.insert(spec.operation), "{} twice", spec.operation);
        assert!(places.insert((spec.path, spec.method.to_string())), "{} twice", spec.path);
        assert!(!spec.summary.is_empty() && !spec.summary.ends_with('.'), "{}", spec.operation);
    }
}

#[test]
fn only_these_routes_are_open_to_anybody() {
    let public: Vec<_> =
        specs().into_iter().filter(|spec| spec.guard == Guard::Public).map(|spec| spec.operation).collect();
    let open =
        ["link_show", "link_use", "link_passkey_options", "login_create", "login_passkey_options", "login_passkey"];
    assert_eq!(public, open);
}
