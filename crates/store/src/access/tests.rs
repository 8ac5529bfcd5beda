use std::collections::{BTreeMap, BTreeSet};

use postern_domain::account::{AccountState, CredentialKind};
use postern_domain::asset::Platform;
use postern_domain::policy::{Access, Conditions, Effect, Obligations, Subjects};
use postern_domain::{AccountId, AssetId, PolicyId, Timestamp};

use super::*;
use crate::PageRequest;
use crate::account::AccountFields;
use crate::asset::AssetFilter;
use crate::{Store, WriteTx};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn scope(text: &str) -> ScopePath {
    text.parse().unwrap()
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

async fn add(tx: &mut WriteTx, index: u8, at: &str, platform: Platform, tags: &[(&str, &str)]) {
    let asset = Asset {
        id: AssetId::generate(NOW, [1, 0, 0, index]),
        name: format!("node-{index}").parse().unwrap(),
        scope: scope(at),
        platform,
        address: "h:22".to_owned(),
        labels: labels(tags),
        server_ca: None,
        column_tags: Default::default(),
        created_at: NOW,
    };
    tx.asset_insert(&asset).await.unwrap();
    for (number, name) in ["root", "app"].into_iter().enumerate() {
        let id = AccountId::generate(NOW, [2, 0, u8::try_from(number).unwrap(), index]);
        let fields = AccountFields { credential: CredentialKind::Password, owner: None, state: AccountState::Managed };
        tx.account_insert(&id, &asset.id, &name.parse().unwrap(), &fields).await.unwrap();
    }
}

fn policy(at: &str, accounts: Accounts) -> Policy {
    Policy {
        id: PolicyId::generate(NOW, [0; 4]),
        name: "p".parse().unwrap(),
        scope: scope(at),
        description: String::new(),
        effect: Effect::Allow,
        subjects: Subjects::default(),
        accounts,
        conditions: Conditions::default(),
        access: Access::Request,
        obligations: Obligations::default(),
        revision: 1,
    }
}

/// The selection in SQL and the one that policy makes are the same one.
#[tokio::test]
async fn sql_selects_what_policies_select() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("db")).await.unwrap();
    let mut tx = store.write(NOW).await.unwrap();
    for path in ["/a", "/a/b", "/ab"] {
        tx.scope_create(&scope(path)).await.unwrap();
    }
    add(&mut tx, 0, "/a", Platform::Linux, &[("env", "prod")]).await;
    add(&mut tx, 1, "/a/b", Platform::Linux, &[("env", "prod"), ("odd\"$.name", "x")]).await;
    add(&mut tx, 2, "/ab", Platform::Postgresql, &[("env", "dev"), ("app.kubernetes.io/name", "shop")]).await;
    add(&mut tx, 3, "/", Platform::Redis, &[]).await;
    tx.commit_upkeep().await.unwrap();
    let named = |names: &[&str], assets: &[&str]| Accounts {
        names: names.iter().map(|name| name.parse().unwrap()).collect(),
        assets: assets.iter().map(|name| name.parse().unwrap()).collect(),
        ..Accounts::default()
    };
    let labelled = |pairs: &[(&str, &str)]| Accounts { labels: labels(pairs), ..Accounts::default() };
    let policies = [
        policy("/", Accounts::default()),
        policy("/a", Accounts::default()),
        policy("/a", named(&["root"], &[])),
        policy("/", named(&["app"], &["node-2", "node-3"])),
        policy("/", Accounts { platforms: BTreeSet::from([Platform::Redis]), ..Accounts::default() }),
        policy("/", labelled(&[("env", "prod")])),
        policy("/", labelled(&[("env", "prod"), ("odd\"$.name", "x")])),
        policy("/", labelled(&[("app.kubernetes.io/name", "shop")])),
        policy("/", labelled(&[("env", "%")])),
    ];
    let mut rows = store.read().await.unwrap();
    let all = PageRequest { cursor: None, limit: Some(500) };
    let filter = AssetFilter::default();
    let everything = [policy("/", Accounts::default())];
    let everything: Vec<_> = everything.iter().collect();
    for within in ["/", "/a", "/a/b", "/ab"].map(scope) {
        let estate =
            rows.accounts_selected(&ScopePath::root(), &everything, &filter, &all.clone().into()).await.unwrap().items;
        assert_eq!(estate.len(), 8);
        for chosen in 0_u32..1 << policies.len() {
            let chosen: Vec<_> = policies
                .iter()
                .enumerate()
                .filter(|(bit, _)| chosen >> bit & 1 == 1)
                .map(|(_, policy)| policy)
                .collect();
            if chosen.len() > 2 {
                continue;
            }
            let expected: Vec<_> = estate
                .iter()
                .filter(|(account, asset)| {
                    within.contains(&asset.scope)
                        && chosen.iter().any(|policy| {
                            policy.scope.contains(&asset.scope) && policy.accounts.include(account, asset)
                        })
                })
                .cloned()
                .collect();
            let found = rows.accounts_selected(&within, &chosen, &filter, &all.clone().into()).await.unwrap().items;
            assert_eq!(found, expected, "{within} {chosen:?}");
        }
    }
}

#[tokio::test]
async fn a_thousand_policies_are_not_too_many() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("db")).await.unwrap();
    let mut tx = store.write(NOW).await.unwrap();
    add(&mut tx, 7, "/", Platform::Linux, &[("n", "999")]).await;
    tx.commit_upkeep().await.unwrap();
    let policies: Vec<_> = (0..1_000)
        .map(|number| policy("/", Accounts { labels: labels(&[("n", &number.to_string())]), ..Accounts::default() }))
        .collect();
    let policies: Vec<_> = policies.iter().collect();
    let mut rows = store.read().await.unwrap();
    let page = PageRequest::default();
    let found =
        rows.accounts_selected(&ScopePath::root(), &policies, &AssetFilter::default(), &page.into()).await.unwrap();
    assert_eq!(found.items.len(), 2);
}
