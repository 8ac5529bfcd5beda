//! Access over HTTP: declared, asked for, approved, used up, and nothing told to those whom it does
//! not concern.

use axum::http::StatusCode;
use postern_domain::SecretText;
use serde_json::{Value, json};

use super::{Answer, Api};

const SECRET: &str = "kO8-vault-me-now";

/// Ada administers everything, Zoe the tenant /apac; Ben, of the group sre, asks; Cy approves.
async fn estate() -> Api {
    let api = Api::new().await;
    api.world.person("ada", "/", &[("administrator", "/")]).await;
    api.world.person("zoe", "/apac", &[("administrator", "/apac")]).await;
    api.world.person("ben", "/emea", &[]).await;
    api.world.person("cy", "/emea", &[("approver", "/emea")]).await;
    api.world.person("aud", "/", &[("auditor", "/")]).await;
    api.world.group("sre", "/emea", &["ben"]).await;
    api.world.group("leads", "/emea", &["cy"]).await;
    let applied = apply(&api, "ada", documents(), false).await;
    assert_eq!((applied.status, &applied.body["applied"]), (StatusCode::OK, &json!(true)), "{}", applied.body);
    let put = call(&api, "ada", "PUT", "/v1/accounts/root@web-1/secret", json!({ "password": SECRET })).await;
    assert_eq!((put.status, put.body), (StatusCode::NO_CONTENT, Value::Null));
    api
}

fn documents() -> Value {
    json!([
        { "kind": "Asset", "name": "web-1", "scope": "/emea", "platform": "linux", "address": "10.0.0.1:22",
          "labels": { "env": "prod" } },
        { "kind": "Account", "account": "root@web-1", "credential": "password" },
        { "kind": "Policy", "name": "prod", "scope": "/emea", "subjects": { "groups": ["sre"] },
          "obligations": { "approval": { "count": 1, "groups": ["leads"] }, "max_duration": "1h" } },
    ])
}

async fn call(api: &Api, who: &str, method: &str, path: &str, body: Value) -> Answer {
    let token: SecretText = api.world.login(who).await;
    api.call(method, path, Some(&token), body).await
}

async fn apply(api: &Api, who: &str, documents: Value, dry_run: bool) -> Answer {
    call(api, who, "POST", "/v1/apply", json!({ "documents": documents, "dry_run": dry_run })).await
}

fn wish(seconds: u64) -> Value {
    json!({ "account": "root@web-1", "duration_seconds": seconds, "reason": "disk full" })
}

#[tokio::test]
async fn a_request_goes_all_the_way() {
    let api = estate().await;
    let reach = call(&api, "ben", "GET", "/v1/access", Value::Null).await;
    assert_eq!(reach.body["items"][0]["state"], "request");
    assert_eq!(reach.body["items"][0]["demands"]["approval"]["count"], 1);
    let made = call(&api, "ben", "POST", "/v1/requests", wish(1_800)).await;
    assert_eq!((made.status, &made.body["state"]), (StatusCode::CREATED, &json!("pending")));
    let id = made.body["id"].as_str().expect("an id").to_owned();
    let waiting = call(&api, "cy", "GET", "/v1/requests?waiting=true", Value::Null).await;
    assert_eq!(waiting.body["items"][0]["id"], id.as_str());
    let approved = call(&api, "cy", "POST", &format!("/v1/requests/{id}/approve"), Value::Null).await;
    assert_eq!((approved.status, &approved.body["state"]), (StatusCode::OK, &json!("granted")));
    let grants = call(&api, "ben", "GET", "/v1/grants?state=active", Value::Null).await;
    let grant = grants.body["items"][0]["id"].as_str().expect("a grant").to_owned();
    let reach = call(&api, "ben", "GET", "/v1/access?q=web&label=env%3Dprod", Value::Null).await;
    assert_eq!(reach.body["items"][0]["state"], "ready");
    assert_eq!(reach.body["items"][0]["grant"], grant.as_str());
    let path = format!("/v1/grants/{grant}/revoke");
    let revoked = call(&api, "ben", "POST", &path, json!({ "reason": "done" })).await;
    assert_eq!(revoked.body["state"], "revoked");
}

#[tokio::test]
async fn a_refusal_says_why_in_words_and_for_programs() {
    let api = estate().await;
    let refused = call(&api, "ben", "POST", "/v1/requests", wish(7_200)).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "refused"));
    let reason = &refused.body["reasons"][0];
    assert_eq!((&reason["code"], &reason["max_seconds"]), (&json!("too_long"), &json!(3_600)));
    assert!(reason["message"].as_str().expect("a message").contains("at most 1h"));
    let made = call(&api, "ben", "POST", "/v1/requests", wish(60)).await;
    let id = made.body["id"].as_str().expect("an id").to_owned();
    let own = call(&api, "ben", "POST", &format!("/v1/requests/{id}/approve"), Value::Null).await;
    assert_eq!((own.status, own.code()), (StatusCode::FORBIDDEN, "forbidden"));
    let outsider = call(&api, "ada", "POST", &format!("/v1/requests/{id}/approve"), Value::Null).await;
    assert_eq!(outsider.body["reasons"][0]["code"], "not_approver");
}

#[tokio::test]
async fn what_is_not_theirs_to_see_does_not_exist() {
    let api = estate().await;
    let made = call(&api, "ben", "POST", "/v1/requests", wish(60)).await;
    let id = made.body["id"].as_str().expect("an id").to_owned();
    for (path, absent) in [
        ("/v1/assets/web-1".to_owned(), "/v1/assets/web-7".to_owned()),
        ("/v1/assets/web-1/host-keys".to_owned(), "/v1/assets/web-7/host-keys".to_owned()),
        ("/v1/accounts/root@web-1".to_owned(), "/v1/accounts/root@web-7".to_owned()),
        ("/v1/policies/prod".to_owned(), "/v1/policies/pool".to_owned()),
        (format!("/v1/requests/{id}"), "/v1/requests/req_0000000000000000".to_owned()),
    ] {
        let (there, nowhere) =
            (call(&api, "zoe", "GET", &path, Value::Null).await, call(&api, "zoe", "GET", &absent, Value::Null).await);
        assert_eq!((there.status, nowhere.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND), "{path}");
        let told = |answer: &Answer, path: &str| {
            let name = path.trim_end_matches("/host-keys").rsplit('/').next().unwrap_or_default().to_owned();
            answer.body["detail"].as_str().unwrap_or_default().replace(&name, "x")
        };
        assert_eq!(told(&there, &path), told(&nowhere, &absent), "{path}");
    }
    for path in ["/v1/assets", "/v1/accounts", "/v1/policies", "/v1/requests", "/v1/grants", "/v1/access"] {
        let listed = call(&api, "zoe", "GET", path, Value::Null).await;
        assert_eq!(listed.body, json!({ "items": [], "next": null }), "{path}");
    }
}

#[tokio::test]
async fn no_answer_carries_a_secret() {
    let api = estate().await;
    for who in ["ada", "ben", "aud"] {
        for path in [
            "/v1/assets",
            "/v1/accounts",
            "/v1/accounts/root@web-1",
            "/v1/accounts/root@web-1/secret",
            "/v1/policies",
            "/v1/access",
            "/v1/audit?limit=500",
        ] {
            let answer = call(&api, who, "GET", path, Value::Null).await;
            assert!(!answer.body.to_string().contains(SECRET), "{who} {path}");
        }
    }
    let wrong = json!({ "password": format!("{SECRET}\n") });
    let refused = call(&api, "ada", "PUT", "/v1/accounts/root@web-1/secret", wrong).await;
    assert_eq!((refused.status, &refused.body["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("password")));
    assert!(!refused.body.to_string().contains(SECRET));
    let wrong = json!({ "password": 7, "private_key": SECRET });
    let refused = call(&api, "ada", "PUT", "/v1/accounts/root@web-1/secret", wrong).await;
    assert!(!refused.body.to_string().contains(SECRET));
}

#[tokio::test]
async fn an_auditor_changes_nothing() {
    let api = estate().await;
    for (method, path, body) in [
        ("PUT", "/v1/assets/web-1", json!({ "platform": "linux", "address": "h:22" })),
        ("PUT", "/v1/accounts/root@web-1", json!({ "credential": "ssh_key" })),
        ("PUT", "/v1/accounts/root@web-1/secret", json!({ "password": "x" })),
        ("PUT", "/v1/policies/prod", json!({})),
        ("DELETE", "/v1/policies/prod", Value::Null),
        ("POST", "/v1/assets/web-1/host-keys/SHA256:x", json!({ "state": "pinned" })),
        ("POST", "/v1/apply", json!({ "documents": documents() })),
    ] {
        let answer = call(&api, "aud", method, path, body).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "forbidden"), "{method} {path}");
    }
    assert_eq!(call(&api, "aud", "GET", "/v1/assets/web-1", Value::Null).await.body["address"], "10.0.0.1:22");
}

#[tokio::test]
async fn apply_tells_everything_that_is_wrong_and_does_nothing() {
    let api = estate().await;
    let mut wrong = documents();
    wrong[0]["address"] = json!("nowhere");
    wrong[2]["subjects"]["groups"] = json!(["nobody"]);
    let refused = apply(&api, "ada", wrong, false).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid"));
    let told: Vec<_> = refused.body["problems"]
        .as_array()
        .expect("problems")
        .iter()
        .map(|problem| (problem["document"].as_u64().unwrap_or(0), problem["field"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(told, [(1, "address"), (3, "subjects.groups")]);
    let mut changed = documents();
    changed[0]["address"] = json!("10.0.0.9:22");
    let dry = apply(&api, "ada", changed, true).await;
    let first = &dry.body["changes"][0];
    assert_eq!((&first["action"], &first["fields"][0]["new"]), (&json!("update"), &json!("10.0.0.9:22")));
    assert_eq!(call(&api, "ada", "GET", "/v1/assets/web-1", Value::Null).await.body["address"], "10.0.0.1:22");
    let again = apply(&api, "ada", documents(), false).await;
    assert!(again.body["changes"].as_array().expect("changes").iter().all(|change| change["action"] == "unchanged"));
}

#[tokio::test]
async fn a_repeated_call_gets_the_first_answer() {
    let api = estate().await;
    let token = api.world.login("ben").await;
    let send = async || {
        let request = axum::http::Request::builder()
            .method("POST")
            .uri("/v1/requests")
            .header("authorization", format!("Bearer {}", token.expose()))
            .header("idempotency-key", "click-1")
            .body(axum::body::Body::from(wish(60).to_string()))
            .expect("a request");
        api.send(request).await
    };
    let (first, second) = (send().await, send().await);
    assert_eq!(first.body, second.body);
    assert_eq!(second.headers["idempotent-replay"], "true");
    assert_eq!(api.world.events("request.create").await.len(), 1);
}

#[tokio::test]
async fn a_policy_is_put_with_the_fields_that_it_shows() {
    let api = estate().await;
    let mut policy = call(&api, "ada", "GET", "/v1/policies/prod", Value::Null).await.body;
    let fields = policy.as_object_mut().expect("an object");
    for computed in ["id", "name", "revision"] {
        fields.remove(computed);
    }
    fields["obligations"]["max_duration_seconds"] = json!(600);
    let put = call(&api, "ada", "PUT", "/v1/policies/prod", policy.clone()).await;
    assert_eq!((put.status, &put.body["revision"]), (StatusCode::OK, &json!(2)), "{}", put.body);
    policy["conditions"] = json!({ "hours": [{ "from": "25:00", "to": "26:00" }] });
    let wrong = call(&api, "ada", "PUT", "/v1/policies/prod", policy).await;
    assert_eq!((wrong.status, &wrong.body["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("conditions.hours[0]")));
    let kept = call(&api, "ada", "GET", "/v1/policies/prod/revisions", Value::Null).await;
    assert_eq!(kept.body["items"].as_array().map(Vec::len), Some(2));
    let deleted = call(&api, "ada", "DELETE", "/v1/policies/prod", Value::Null).await;
    assert_eq!((deleted.status, deleted.body), (StatusCode::OK, json!({ "proposal": null })));
    assert_eq!(call(&api, "ada", "GET", "/v1/policies/prod", Value::Null).await.status, StatusCode::NOT_FOUND);
}
