use std::time::Instant;

use postern_domain::session::Session;
use postern_domain::{Timestamp, UserId};

use super::*;
use crate::{AssetFilter, PolicyFilter, SessionFilter, Store, UserFilter};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const MANY: u64 = 100_000;

/// A hundred thousand of each noun, in the root's scope and in `/emea`.
async fn full(folder: &std::path::Path) -> Store {
    let store = Store::open(&folder.join("db")).await.unwrap();
    let mut tx = store.write(NOW).await.unwrap();
    tx.scope_create(&"/emea".parse().unwrap()).await.unwrap();
    let count = format!("with recursive n (i) as (select 0 union all select i + 1 from n where i < {})", MANY - 1);
    let scope = "case when i % 10 = 0 then '/emea' else '/' end";
    let body = r#"{"description":"","effect":"allow","subjects":{},"accounts":{},"conditions":{},"access":"request","obligations":{}}"#;
    for sql in [
        format!(
            "{count} insert into asset (id, tenant, name, scope, platform, address, labels, created_at) \
             select printf('ast_%016d', i), '/', printf('web-%06d', i), {scope}, \
             case when i % 7 = 0 then 'postgresql' else 'linux' end, printf('10.0.%d.%d:22', i / 250, i % 250), \
             json_object('env', case when i % 1000 = 0 then 'rare' else 'prod' end), i from n"
        ),
        format!(
            "{count} insert into account (id, asset_id, name, credential, state, created_at) \
             select printf('acc_%016d', i), printf('ast_%016d', i), 'root', 'password', 'managed', i from n"
        ),
        format!(
            "{count} insert into user (id, name, scope, state, created_at) select printf('usr_%016d', i), \
             printf('user-%06d', i), {scope}, 'active', i from n"
        ),
        format!(
            "{count} insert into policy (id, tenant, name, scope, body, revision) select printf('pol_%016d', i), '/', \
             printf('policy-%06d', i), {scope}, '{body}', 1 from n"
        ),
        format!(
            "{count} insert into session (id, user_id, account_id, scope, protocol, source, policy_id, state, \
             started_at, ends_by, ended_at, end_reason) select printf('ses_%016d', i), printf('usr_%016d', i % 500), \
             printf('acc_%016d', i), {scope}, 'ssh', '192.0.2.1', 'pol_0000000000000000', 'ended', i, i + 1, i, \
             'client_closed' from n"
        ),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(tx.connection()).await.unwrap();
    }
    tx.commit_upkeep().await.unwrap();
    store
}

fn sorted(sort: &str, cursor: Option<String>) -> Listing {
    Listing { page: PageRequest { cursor, limit: Some(50) }, sort: Some(sort.to_owned()), count: false }
}

/// Every page costs what it shows: it is read from an index, and nothing is sorted.
fn is_indexed(steps: &[String]) {
    assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:?}");
    let scans =
        steps.iter().any(|step| step.starts_with("SCAN") && !step.contains("INDEX") && !step.contains("VIRTUAL"));
    assert!(!scans, "{steps:?}");
}

#[tokio::test]
async fn a_hundred_thousand_rows_are_paged_through_an_index_however_they_are_sorted() {
    let folder = tempfile::tempdir().unwrap();
    let store = full(folder.path()).await;
    let mut rows = store.read().await.unwrap();
    let root = [ScopePath::root()];
    let own: UserId = "usr_0000000000000000".parse().unwrap();
    let began = Instant::now();
    let mut pages = 0;
    for sort in ["name", "-name", "created_at", "-created_at", "platform", "-address"] {
        let first = rows.assets(&root, &AssetFilter::default(), &sorted(sort, None)).await.unwrap();
        let second = rows.assets(&root, &AssetFilter::default(), &sorted(sort, first.next)).await.unwrap();
        assert!(first.items.iter().all(|asset| !second.items.contains(asset)), "{sort}");
        is_indexed(&Query::page(&crate::asset::LISTED, &sorted(sort, second.next)).unwrap().plan(&mut rows).await);
        pages += 2;
    }
    for sort in ["name", "-created_at", "-last_seen_at"] {
        let first = rows.users(&root, &UserFilter::default(), &sorted(sort, None)).await.unwrap();
        is_indexed(&Query::page(&crate::user::LISTED, &sorted(sort, first.next)).unwrap().plan(&mut rows).await);
        pages += 1;
    }
    for sort in ["name", "-scope"] {
        let first = rows.policies(&root, &PolicyFilter::default(), &sorted(sort, None)).await.unwrap();
        is_indexed(&Query::page(&crate::policy::LISTED, &sorted(sort, first.next)).unwrap().plan(&mut rows).await);
        pages += 1;
    }
    for sort in ["-started_at", "started_at", "-ended_at"] {
        let filter = SessionFilter::default();
        let first: Listed<Session> = rows.sessions(&root, &own, &filter, &sorted(sort, None)).await.unwrap();
        is_indexed(&Query::page(&crate::session::LISTED, &sorted(sort, first.next)).unwrap().plan(&mut rows).await);
        pages += 1;
    }
    println!("rows={MANY} pages={pages} millis_each={}", began.elapsed().as_millis() / pages);
}

#[tokio::test]
async fn rows_are_found_by_label_and_counted_as_far_as_that_is_cheap() {
    let folder = tempfile::tempdir().unwrap();
    let store = full(folder.path()).await;
    let mut rows = store.read().await.unwrap();
    let counted = Listing { count: true, ..Listing::default() };
    let labels = std::collections::BTreeMap::from([("env".to_owned(), "rare".to_owned())]);
    let rare = AssetFilter { labels, ..AssetFilter::default() };
    let found = rows.assets(&[ScopePath::root()], &rare, &counted).await.unwrap();
    assert_eq!((found.items.len(), found.total), (50, Some(100)));
    let all = rows.assets(&[ScopePath::root()], &AssetFilter::default(), &counted).await.unwrap();
    assert_eq!(all.total, None, "more than are counted");
    let emea = rows.assets(&["/emea".parse().unwrap()], &AssetFilter::default(), &counted).await.unwrap();
    assert_eq!(emea.total, Some(10_000));
    assert!(emea.items.iter().all(|asset| asset.scope.as_str() == "/emea"));

    let mut tx = store.write(NOW).await.unwrap();
    let mut moved = found.items[0].clone();
    moved.labels.clear();
    tx.asset_update(&moved).await.unwrap();
    assert_eq!(tx.assets(&[ScopePath::root()], &rare, &counted).await.unwrap().total, Some(99), "labels are kept true");
}

#[tokio::test]
async fn a_cursor_counts_for_its_own_order_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = full(folder.path()).await;
    let mut rows = store.read().await.unwrap();
    let filter = AssetFilter::default();
    let first = rows.assets(&[ScopePath::root()], &filter, &sorted("name", None)).await.unwrap();
    let other = rows.assets(&[ScopePath::root()], &filter, &sorted("-name", first.next)).await;
    assert!(matches!(other, Err(Error::Cursor)));
    let unknown = rows.assets(&[ScopePath::root()], &filter, &sorted("labels", None)).await;
    assert!(matches!(unknown, Err(Error::Sort { accepted }) if accepted == "name, created_at, platform, address"));
}
