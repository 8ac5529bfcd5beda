use std::collections::BTreeSet;

use super::*;
use crate::{PageRequest, Store};
use postern_domain::Timestamp;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn scope(text: &str) -> ScopePath {
    text.parse().unwrap()
}

fn asset_of(index: u32, scope: &ScopePath) -> Asset {
    Asset {
        id: AssetId::generate(NOW, index.to_be_bytes()),
        name: format!("web-{index:05}").parse().unwrap(),
        scope: scope.clone(),
        platform: if index.is_multiple_of(10) { Platform::Postgresql } else { Platform::Linux },
        address: format!("10.0.0.{}:22", index % 250),
        labels: BTreeMap::from([("env".to_owned(), if index.is_multiple_of(2) { "prod" } else { "dev" }.to_owned())]),
        server_ca: None,
        column_tags: Default::default(),
        created_at: NOW,
    }
}

async fn store_with(folder: &std::path::Path, assets: &[Asset]) -> Store {
    let store = Store::open(&folder.join("db")).await.unwrap();
    let mut tx = store.write(NOW).await.unwrap();
    for path in ["/emea", "/emea/core", "/apac"] {
        tx.scope_create(&scope(path)).await.unwrap();
    }
    for asset in assets {
        tx.asset_insert(asset).await.unwrap();
    }
    tx.commit_upkeep().await.unwrap();
    store
}

#[tokio::test]
async fn pages_give_every_visible_asset_once_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let assets: Vec<_> =
        (0..300).map(|index| asset_of(index, &scope(["/emea", "/emea/core", "/apac"][index as usize % 3]))).collect();
    let store = store_with(folder.path(), &assets).await;
    let mut rows = store.read().await.unwrap();
    let mut seen = BTreeSet::new();
    let mut cursor = None;
    loop {
        let page = PageRequest { cursor, limit: Some(7) };
        let page = rows.assets(&[scope("/emea")], &AssetFilter::default(), &page.into()).await.unwrap();
        for asset in page.items {
            assert!(scope("/emea").contains(&asset.scope));
            assert!(seen.insert(asset.name));
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 200);
}

#[tokio::test]
async fn every_filter_narrows() {
    let folder = tempfile::tempdir().unwrap();
    let assets: Vec<_> = (0..40).map(|index| asset_of(index, &scope("/emea/core"))).collect();
    let store = store_with(folder.path(), &assets).await;
    let mut rows = store.read().await.unwrap();
    let all = PageRequest { cursor: None, limit: Some(500) };
    for (filter, count) in [
        (AssetFilter::default(), 40),
        (AssetFilter { q: Some("WEB-0001".to_owned()), ..AssetFilter::default() }, 10),
        (AssetFilter { q: Some("%".to_owned()), ..AssetFilter::default() }, 0),
        (AssetFilter { labels: BTreeMap::from([("env".to_owned(), "prod".to_owned())]), ..AssetFilter::default() }, 20),
        (AssetFilter { labels: BTreeMap::from([("tier".to_owned(), "prod".to_owned())]), ..AssetFilter::default() }, 0),
        (AssetFilter { platform: Some(Platform::Postgresql), ..AssetFilter::default() }, 4),
        (AssetFilter { scope: Some(scope("/emea")), ..AssetFilter::default() }, 40),
        (AssetFilter { scope: Some(scope("/apac")), ..AssetFilter::default() }, 0),
    ] {
        let page = rows.assets(&[ScopePath::root()], &filter, &all.clone().into()).await.unwrap();
        assert_eq!(page.items.len(), count, "{filter:?}");
    }
}

#[tokio::test]
async fn a_cursor_of_another_listing_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_with(folder.path(), &[]).await;
    let page = PageRequest { cursor: Some("nonsense".to_owned()), limit: None };
    let answer = store.read().await.unwrap().assets(&[ScopePath::root()], &AssetFilter::default(), &page.into()).await;
    assert!(matches!(answer, Err(Error::Cursor)));
}

#[tokio::test]
async fn a_name_is_taken_in_its_tenant_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_with(folder.path(), &[asset_of(1, &scope("/emea"))]).await;
    let mut tx = store.write(NOW).await.unwrap();
    let again = Asset { id: AssetId::generate(NOW, [9; 4]), ..asset_of(1, &scope("/emea/core")) };
    assert!(matches!(tx.asset_insert(&again).await, Err(Error::Exists { noun: "an asset of this name" })));
    let elsewhere = Asset { id: AssetId::generate(NOW, [8; 4]), ..asset_of(1, &scope("/apac")) };
    tx.asset_insert(&elsewhere).await.unwrap();
}

#[tokio::test]
async fn column_tags_are_kept_and_come_with_its_accounts() {
    let folder = tempfile::tempdir().unwrap();
    let mut asset = asset_of(0, &scope("/emea"));
    let store = store_with(folder.path(), std::slice::from_ref(&asset)).await;
    assert_eq!(store.read().await.unwrap().asset(&asset.id).await.unwrap(), Some(asset.clone()));
    asset.column_tags = BTreeMap::from([("pii".parse().unwrap(), BTreeSet::from(["email".to_owned()]))]);
    let mut tx = store.write(NOW).await.unwrap();
    tx.asset_update(&asset).await.unwrap();
    tx.commit_upkeep().await.unwrap();
    assert_eq!(store.read().await.unwrap().asset(&asset.id).await.unwrap(), Some(asset));
}
