//! Identity over HTTP: what a browser, a script and an attacker get.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use postern_control::testing::PASSWORD;
use serde_json::{Value, json};

use super::{Answer, Api};

const ORIGIN: &str = "https://gate.example.test:8443";

async fn with_ada() -> (Api, postern_control::testing::Person) {
    let api = Api::new().await;
    let ada = api.world.person("ada", "/", &[("administrator", "/")]).await;
    (api, ada)
}

async fn cookie(api: &Api, ada: &postern_control::testing::Person) -> (String, Answer) {
    let code = ada.code(api.world.now());
    let body = json!({ "user": "ada", "password": PASSWORD, "code": code.expose(), "cookie": true });
    let answer = api.call("POST", "/v1/login", None, body).await;
    let set = answer.headers.get(header::SET_COOKIE).expect("a cookie").to_str().expect("text").to_owned();
    (set, answer)
}

#[tokio::test]
async fn the_console_keeps_its_token_where_no_script_reads_it() {
    let (api, ada) = with_ada().await;
    let (set, answer) = cookie(&api, &ada).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.get("token").is_none());
    assert_eq!(answer.body["user"]["name"], "ada");
    assert_eq!(answer.body["mfa"], true);
    let (pair, attributes) = set.split_once("; ").expect("attributes");
    assert_eq!(attributes, "Path=/; Secure; HttpOnly; SameSite=Strict");
    assert!(pair.starts_with("__Host-postern=pst_login_"));
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");

    let call = async |method: &str, origin: Option<&str>| {
        let mut request = Request::builder().method(method).uri("/v1/login").header(header::COOKIE, pair);
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        api.send(request.body(Body::empty()).expect("a request")).await
    };
    assert_eq!(call("GET", None).await.body["user"]["name"], "ada");
    for foreign in [None, Some("https://evil.example"), Some("null")] {
        let answer = call("DELETE", foreign).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "cross_origin"), "{foreign:?}");
    }
    let goodbye = call("DELETE", Some(ORIGIN)).await;
    assert_eq!(goodbye.status, StatusCode::NO_CONTENT);
    assert!(goodbye.headers[header::SET_COOKIE].to_str().expect("text").contains("Max-Age=0"));
    assert_eq!(call("GET", None).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_refused_sign_in_says_no_more_than_that() {
    let (api, _) = with_ada().await;
    let refused = async |user: &str| {
        api.call("POST", "/v1/login", None, json!({ "user": user, "password": "not the right one" })).await
    };
    let (known, unknown) = (refused("ada").await, refused("nobody").await);
    assert_eq!(known.status, StatusCode::UNAUTHORIZED);
    assert_eq!(known.body, unknown.body);
    assert_eq!(known.code(), "sign_in_failed");
    let half = api.call("POST", "/v1/login", None, json!({ "user": "ada", "password": PASSWORD })).await;
    assert_eq!(half.code(), "code_required");
    for _ in 0..5 {
        refused("ada").await;
    }
    let throttled = refused("ada").await;
    assert_eq!((throttled.status, throttled.code()), (StatusCode::TOO_MANY_REQUESTS, "throttled"));
    assert!(throttled.headers.contains_key(header::RETRY_AFTER));
}

#[tokio::test]
async fn a_name_of_ten_megabytes_is_answered_cheaply() {
    let (api, _) = with_ada().await;
    let huge = api.call("POST", "/v1/login", None, json!({ "user": "x".repeat(10_000_000), "password": "y" })).await;
    assert_eq!(huge.status, StatusCode::UNPROCESSABLE_ENTITY);
    let long = api.call("POST", "/v1/login", None, json!({ "user": "x".repeat(60_000), "password": "y" })).await;
    assert_eq!((long.status, long.body["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("user")));
    assert!(long.body.to_string().len() < 1000, "it is not repeated");
    let token = api.world.login("ada").await;
    let path = format!("/v1/users/{}", "x".repeat(50_000));
    let long = api.get(&path, &token).await;
    assert!(long.status.is_client_error(), "{}", long.status);
    assert!(long.body.to_string().len() < 1000);
}

#[tokio::test]
async fn mistakes_name_their_field_and_never_repeat_a_secret() {
    let (api, _) = with_ada().await;
    for body in [
        json!({ "user": "ada", "password": { "secret": "hunter2" } }),
        json!({ "user": "ada", "password": ["hunter2"] }),
        json!({ "user": "ada", "password": "hunter2", "unknown": "hunter2" }),
        json!({ "user": "ada", "passwort": "hunter2" }),
    ] {
        let answer = api.call("POST", "/v1/login", None, body).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid"));
        assert!(answer.body["field"].is_string());
        assert!(!answer.body.to_string().contains("hunter2"), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_repeated_call_makes_one_user_and_keeps_no_link() {
    let (api, _) = with_ada().await;
    let token = api.world.login("ada").await;
    let create = async || {
        let request = Request::builder()
            .method("POST")
            .uri("/v1/users")
            .header(header::AUTHORIZATION, format!("Bearer {}", token.expose()))
            .header("idempotency-key", "once")
            .body(Body::from(json!({ "name": "ben" }).to_string()))
            .expect("a request");
        api.send(request).await
    };
    let first = create().await;
    assert_eq!(first.status, StatusCode::CREATED);
    assert!(first.body["link"]["url"].as_str().expect("a link").contains("/enrol/pst_link_"));
    let second = create().await;
    assert_eq!((second.status, second.code()), (StatusCode::CONFLICT, "shown_once"));
    assert!(second.body.get("link").is_none());
    let listed = api.get("/v1/users", &token).await;
    assert_eq!(listed.body["items"].as_array().expect("items").len(), 2);
}

#[tokio::test]
async fn tenants_get_the_same_answer_for_what_is_hidden_and_what_is_not_there() {
    let (api, _) = with_ada().await;
    api.world.person("emma", "/emea", &[("administrator", "/emea")]).await;
    api.world.person("anna", "/apac", &[]).await;
    api.world.group("sre", "/apac", &["anna"]).await;
    let emma = api.world.login("emma").await;
    let masked = |answer: &Answer, name: &str| answer.body.to_string().replace(name, "NAME");
    for (hidden, missing) in [("/v1/users/anna", "/v1/users/none"), ("/v1/groups/sre", "/v1/groups/abc")] {
        let (one, other) = (api.get(hidden, &emma).await, api.get(missing, &emma).await);
        assert_eq!(one.status, StatusCode::NOT_FOUND);
        let name = |path: &str| path.rsplit('/').next().expect("a name").to_owned();
        assert_eq!(masked(&one, &name(hidden)), masked(&other, &name(missing)));
    }
    let listed = api.get("/v1/users?q=a", &emma).await.body.to_string();
    assert!(listed.contains("emma") && !listed.contains("anna") && !listed.contains("\"ada\""), "{listed}");
    let scopes = api.get("/v1/scopes", &emma).await.body;
    assert_eq!(scopes["items"], json!([{ "path": "/emea" }]));
}

#[tokio::test]
async fn somebody_enrols_by_their_link_and_signs_in() {
    let (api, _) = with_ada().await;
    let token = api.world.login("ada").await;
    let made = api.post("/v1/users", &token, json!({ "name": "ben", "groups": ["sre"] })).await;
    let url = made.body["link"]["url"].as_str().expect("a link").to_owned();
    let link = format!("/v1/links/{}", url.rsplit('/').next().expect("a token"));
    let shown = api.call("GET", &link, None, Value::Null).await;
    assert_eq!((shown.body["purpose"].as_str(), shown.body["user"].as_str()), (Some("enrol"), Some("ben")));
    assert!(shown.body["totp"]["otpauth_uri"].as_str().expect("a URI").starts_with("otpauth://totp/Postern:ben?"));
    let wrong = json!({ "password": PASSWORD, "code": "000000" });
    let wrong = api.call("POST", &link, None, wrong).await;
    assert_eq!((wrong.status, wrong.body["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("code")));
    let unknown = api.call("GET", "/v1/links/pst_link_forged", None, Value::Null).await;
    assert_eq!((unknown.status, unknown.code()), (StatusCode::NOT_FOUND, "not_found"));
}

#[tokio::test]
async fn a_token_is_shown_once_and_the_list_shows_none() {
    let (api, _) = with_ada().await;
    let token = api.world.login("ada").await;
    let wish = json!({ "name": "ci", "permissions": ["user:read"], "expires_in_seconds": 3600 });
    let made = api.post("/v1/tokens", &token, wish).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let secret = made.body["token"].as_str().expect("a token").to_owned();
    assert!(!api.get("/v1/tokens", &token).await.body.to_string().contains(&secret));
    let cut = postern_domain::SecretText::new(secret);
    assert_eq!(api.get("/v1/users", &cut).await.status, StatusCode::OK);
    let refused = api.post("/v1/users", &cut, json!({ "name": "eve" })).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "forbidden"));
    let unknown = json!({ "name": "ci", "permissions": ["user:fly"], "expires_in_seconds": 3600 });
    assert_eq!(api.post("/v1/tokens", &token, unknown).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}
