//! The OpenAPI 3.1 document, made from the declared routes.

use schemars::Schema;
use serde_json::{Map, Value, json};

use crate::problem::Problem;
use crate::route::{Guard, Routes};

/// The document.
pub(crate) fn document(mut routes: Routes) -> Value {
    let problem = routes.schemas.subschema_for::<Problem>();
    let mut paths: Map<String, Value> = Map::new();
    for spec in &routes.specs {
        let parameters = [parameters(&spec.path_schema, "path"), parameters(&spec.query_schema, "query")].concat();
        let mut operation = json!({
            "operationId": spec.operation,
            "summary": spec.summary,
            "tags": [spec.operation.split('_').next().unwrap_or_default()],
            "parameters": parameters,
            "responses": {
                spec.reply.status.as_str(): response(&spec.reply),
                "default": {
                    "description": "What went wrong",
                    "content": { "application/problem+json": { "schema": problem } },
                },
            },
        });
        match spec.guard {
            Guard::Public => insert(&mut operation, "security", json!([])),
            Guard::SignedIn => {}
            Guard::Holds(permission) => insert(&mut operation, "x-permission", json!(permission.as_str())),
        }
        if !is_nothing(&spec.body_schema) {
            let body = json!({ "required": true, "content": { "application/json": { "schema": spec.body_schema } } });
            insert(&mut operation, "requestBody", body);
        }
        if let Some(media) = spec.body_media {
            let schema = json!({ "type": "string", "format": "binary" });
            insert(
                &mut operation,
                "requestBody",
                json!({ "required": true, "content": { media: { "schema": schema } } }),
            );
        }
        let methods = paths.entry(spec.path.to_owned()).or_insert_with(|| json!({}));
        insert(methods, &spec.method.as_str().to_ascii_lowercase(), operation);
    }
    let schemas = routes.schemas.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Postern",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Privileged identity management. Every listing pages by cursor; errors are problem+json; \
                            calls that change something take an Idempotency-Key.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "security": [{ "token": [] }, { "cookie": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "cookie": { "type": "apiKey", "in": "cookie", "name": crate::auth::COOKIE },
            },
        },
    })
}

fn insert(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(map) = object {
        map.insert(name.to_owned(), value);
    }
}

fn is_nothing(schema: &Schema) -> bool {
    let reference = schema.get("$ref").and_then(Value::as_str).unwrap_or_default();
    reference.ends_with("/Nothing")
}

/// The properties of an object schema as parameters.
fn parameters(schema: &Schema, place: &str) -> Vec<Value> {
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Vec::new() };
    properties
        .iter()
        .map(|(name, property)| {
            let mut property = property.clone();
            let description = match &mut property {
                Value::Object(map) => map.remove("description").unwrap_or(Value::Null),
                _ => Value::Null,
            };
            json!({
                "name": name,
                "in": place,
                "required": place == "path" || required.contains(&name.as_str()),
                "description": description.as_str().unwrap_or_default(),
                "schema": property,
            })
        })
        .collect()
}

fn response(reply: &crate::reply::Described) -> Value {
    let mut response = json!({ "description": reply.status.canonical_reason().unwrap_or_default() });
    if let Some(media) = reply.media {
        let schema = reply.schema.clone().map_or_else(|| json!({}), |schema| json!({ "schema": schema }));
        insert(&mut response, "content", json!({ media: schema }));
    }
    response
}
