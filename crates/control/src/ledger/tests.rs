use base64::Engine as _;
use postern_domain::permission::Permission;
use postern_ledger::Hash;
use serde_json::Value;

use super::*;
use crate::estate::{Estate, wish};

async fn exported(estate: &Estate, who: &str, filter: LeafFilter, proof: bool) -> Vec<Value> {
    let (_, permit) = estate.caller(who, Permission::AuditRead).await;
    let control = &estate.world.control;
    let mut export = control.audit_export(&permit, filter, 0, proof).await.unwrap();
    let mut text = Vec::new();
    while let Some(lines) = control.audit_export_next(&mut export).await.unwrap() {
        text.extend(lines);
    }
    text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

fn hash(text: &Value) -> Hash {
    Hash(hex::decode(text.as_str().unwrap()).unwrap().try_into().unwrap())
}

#[tokio::test]
async fn an_export_has_what_its_filters_let_through_oldest_first() {
    let estate = Estate::new().await;
    let first = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    estate.approve("cy", &first.id).await.unwrap();
    let by = |actor: &str| LeafFilter { actor: Some(actor.to_owned()), ..LeafFilter::default() };
    let actions = |lines: &[Value]| -> Vec<String> {
        lines.iter().map(|line| line["event"]["action"].as_str().unwrap().to_owned()).collect()
    };
    let of_ben = exported(&estate, "ada", by("ben"), false).await;
    assert!(actions(&of_ben).contains(&"request.create".to_owned()), "{of_ben:?}");
    assert!(of_ben.iter().all(|line| line["event"]["actor"]["name"] == "ben"), "{of_ben:?}");
    let all = exported(&estate, "ada", LeafFilter::default(), false).await;
    assert_eq!(all.len() as u64, estate.leaves().await);
    assert!(all.iter().map(|line| line["index"].as_u64().unwrap()).eq(0..all.len() as u64));
    let requests = LeafFilter { action: Some("request".to_owned()), ..LeafFilter::default() };
    assert_eq!(
        actions(&exported(&estate, "ada", requests.clone(), false).await),
        ["request.create", "request.approve"]
    );
    assert!(exported(&estate, "zoe", requests, false).await.is_empty(), "they lie in another tenant");
}

#[tokio::test]
async fn each_exported_event_is_proved_against_the_checkpoint_that_comes_first() {
    let estate = Estate::new().await;
    estate.ask("ben", &wish("root@web-1")).await.unwrap();
    estate.world.control.publish_all().await.unwrap();
    let filter = LeafFilter { action: Some("request".to_owned()), ..LeafFilter::default() };
    let lines = exported(&estate, "ada", filter, true).await;
    let [checkpoint, event] = &lines[..] else { panic!("{lines:?}") };
    assert!(checkpoint["checkpoint"].as_str().unwrap().contains(&checkpoint["size"].to_string()));
    let body = base64::engine::general_purpose::STANDARD.decode(event["leaf"].as_str().unwrap()).unwrap();
    let path: Vec<Hash> = event["path"].as_array().unwrap().iter().map(hash).collect();
    let (index, size) = (event["index"].as_u64().unwrap(), checkpoint["size"].as_u64().unwrap());
    let root = hash(&checkpoint["root"]);
    let leaf = postern_ledger::leaf_hash(&body);
    postern_ledger::proof::verify_inclusion(&leaf, index, size, &path, &root).unwrap();
    let other = postern_ledger::leaf_hash(b"{}");
    assert!(postern_ledger::proof::verify_inclusion(&other, index, size, &path, &root).is_err());
}
