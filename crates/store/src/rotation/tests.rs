use postern_domain::rotation::{RotationTrigger, Ways};
use postern_domain::{AccountId, AssetId};

use super::work::Saved;
use super::*;
use crate::account::AccountFields;
use crate::db::Store;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

async fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("postern.db")).await.unwrap();
    (folder, store)
}

/// `assets` assets with `each` accounts each.
async fn estate(store: &Store, assets: u8, each: u8) -> Vec<(AssetId, AccountId)> {
    let mut tx = store.write(NOW).await.unwrap();
    let mut made = Vec::new();
    for asset in 0..assets {
        let id = AssetId::generate(NOW, [0, 0, 0, asset]);
        let noun = postern_domain::asset::Asset {
            id: id.clone(),
            name: format!("web-{asset}").parse().unwrap(),
            scope: ScopePath::root(),
            platform: postern_domain::asset::Platform::Linux,
            address: "127.0.0.1:22".to_owned(),
            labels: BTreeMap::new(),
            server_ca: None,
            column_tags: Default::default(),
            created_at: NOW,
        };
        tx.asset_insert(&noun).await.unwrap();
        for account in 0..each {
            let of = AccountId::generate(NOW, [0, 0, asset, account]);
            let fields = AccountFields {
                credential: postern_domain::account::CredentialKind::Password,
                owner: None,
                state: postern_domain::account::AccountState::Managed,
            };
            tx.account_insert(&of, &id, &format!("user{account}").parse().unwrap(), &fields).await.unwrap();
            made.push((id.clone(), of));
        }
    }
    tx.commit_upkeep().await.unwrap();
    made
}

async fn plan(store: &Store, (asset, account): &(AssetId, AccountId), number: u8) -> bool {
    let mut tx = store.write(NOW).await.unwrap();
    let new = NewRotation {
        id: RotationId::generate(NOW, [0, 0, 0, number]),
        account: account.clone(),
        asset: asset.clone(),
        scope: ScopePath::root(),
        trigger: RotationTrigger::Demand,
        run: None,
        machine: Machine::new(Ways { itself: true, reconcile: false }, false, true),
        next_at: NOW,
    };
    let inserted = tx.rotation_insert(&new).await.unwrap();
    tx.commit_upkeep().await.unwrap();
    inserted
}

async fn claim(store: &Store, now: Timestamp) -> Option<work::Claimed> {
    let mut tx = store.write(now).await.unwrap();
    let claimed = tx.rotation_claim(now.after(std::time::Duration::from_secs(60))).await.unwrap();
    tx.commit_upkeep().await.unwrap();
    claimed
}

async fn save(store: &Store, claimed: &work::Claimed, now: Timestamp) -> bool {
    let mut tx = store.write(now).await.unwrap();
    let saved = Saved { machine: &claimed.machine, next_at: Some(now), lease_until: None };
    let written = tx.rotation_save(&claimed.id, claimed.fence, &saved).await.unwrap();
    tx.commit_upkeep().await.unwrap();
    written
}

#[tokio::test]
async fn an_account_has_one_rotation_at_a_time_and_a_target_one_worker() {
    let (_folder, store) = store().await;
    let accounts = estate(&store, 2, 2).await;
    assert!(plan(&store, &accounts[0], 1).await);
    assert!(!plan(&store, &accounts[0], 2).await, "the account has one");
    assert!(plan(&store, &accounts[1], 3).await && plan(&store, &accounts[2], 4).await);
    let first = claim(&store, NOW).await.unwrap();
    let second = claim(&store, NOW).await.unwrap();
    assert_ne!(first.asset, second.asset, "one on each target");
    assert!(claim(&store, NOW).await.is_none());
}

#[tokio::test]
async fn who_was_overtaken_writes_nothing() {
    let (_folder, store) = store().await;
    let accounts = estate(&store, 1, 1).await;
    plan(&store, &accounts[0], 1).await;
    let first = claim(&store, NOW).await.unwrap();
    assert!(claim(&store, NOW).await.is_none(), "the lease holds");
    let later = NOW.after(std::time::Duration::from_secs(61));
    let second = claim(&store, later).await.unwrap();
    assert_eq!(second.id, first.id);
    assert!(!save(&store, &first, later).await, "the first one is fenced out");
    assert!(save(&store, &second, later).await);
}
