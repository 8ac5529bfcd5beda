use std::time::Instant;

use postern_domain::session::Session;
use postern_domain::{Timestamp, UserId};

use super::*;
use crate::{
    AccountFilter, AlertFilter, AssetFilter, CheckoutFilter, FindingFilter, GrantFilter, LeafFilter, PolicyFilter,
    RequestFilter, RotationFilter, SessionFilter, Store, UserFilter,
};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const MANY: u64 = 100_000;
const OBLIGATIONS: &str = r#"{}"#;

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
        format!(
            "{count} insert into request (id, user_id, account_id, scope, duration_seconds, reason, state, policy_id, \
             obligations, created_at, expires_at) select printf('req_%016d', i), printf('usr_%016d', i % 500), \
             printf('acc_%016d', i), {scope}, 600, '', 'granted', 'pol_0000000000000000', '{OBLIGATIONS}', i, i + 1 from n"
        ),
        format!(
            "{count} insert into access_grant (id, request_id, user_id, account_id, scope, policy_id, obligations, \
             starts_at, ends_at) select printf('gra_%016d', i), printf('req_%016d', i), printf('usr_%016d', i % 500), \
             printf('acc_%016d', i), {scope}, 'pol_0000000000000000', '{OBLIGATIONS}', i, i + 600 from n"
        ),
        format!(
            "{count} insert into api_token (id, hash, user_id, name, permissions, scope, created_at, expires_at) \
             select printf('tok_%016d', i), printf('%d', i), 'usr_0000000000000000', printf('token-%06d', i), '[]', '/', \
             i, i + 1 from n"
        ),
        format!(
            "{count} insert into leaf (leaf_index, hash, body, at, actor, action, target, scope, outcome) \
             select i, zeroblob(32), x'7b7d', i, printf('user-%06d', i % 500), case when i % 2 then 'session.open' \
             else 'session.end' end, printf('web-%06d', i), {scope}, 'done' from n"
        ),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(tx.connection()).await.unwrap();
    }
    tx.commit_upkeep().await.unwrap();
    store
}

/// As many of what hangs on them.
async fn full_of_secrets(store: &Store) {
    let mut tx = store.write(NOW).await.unwrap();
    let count = format!("with recursive n (i) as (select 0 union all select i + 1 from n where i < {})", MANY - 1);
    let scope = "case when i % 10 = 0 then '/emea' else '/' end";
    let observed = serde_json::to_string(&postern_domain::discovery::Observation::named("root")).unwrap();
    for sql in [
        format!(
            "{count} insert into rotation (id, account_id, asset_id, scope, cause, state, machine, created_at, ended_at) \
             select printf('rot_%016d', i), printf('acc_%016d', i), printf('ast_%016d', i), {scope}, 'demand', \
             'current', '{{}}', i, i + 1 from n"
        ),
        format!(
            "{count} insert into checkout (id, user_id, account_id, scope, policy_id, reason, version, state, \
             opened_at, ends_at, ended_at) select printf('chk_%016d', i), printf('usr_%016d', i % 500), \
             printf('acc_%016d', i), {scope}, 'pol_0000000000000000', '', 1, 'checked_in', i, i + 1, i from n"
        ),
        format!(
            "{count} insert into finding (id, asset_id, account, kind, severity, evidence, state, raised_at, seen_at) \
             select printf('fnd_%016d', i), printf('ast_%016d', i), 'root', 'stale', case when i % 3 then 'low' \
             else 'critical' end, '[]', case when i % 2 then 'open' else 'resolved' end, i, i from n"
        ),
        format!(
            "{count} insert into alert (id, scope, rule, title, severity, attack, response, state, user_name, account, \
             source, evidence, why, raised_at, last_at) select printf('alr_%016d', i), {scope}, 'a.rule', 'found', \
             case when i % 3 then 'low' else 'critical' end, '', 'alert', case when i % 2 then 'open' else 'closed' end, \
             '', '', '', '', '', i, i from n"
        ),
        format!(
            "{count} insert into observation (asset_id, name, body, first_seen_at, seen_at) \
             select printf('ast_%016d', i), 'root', '{observed}', i, i from n"
        ),
        format!(
            "{count} insert into discovery_run (id, scope, requested_by, state, created_at, ended_at) \
             select printf('dis_%016d', i), {scope}, 'ada', 'done', i, i from n"
        ),
        format!("{count} insert into scope (path, created_at) select printf('/many/%06d', i), i from n"),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(tx.connection()).await.unwrap();
    }
    tx.commit_upkeep().await.unwrap();
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
    full_of_secrets(&store).await;
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
    pages += more_nouns(&mut rows, &root, &own).await;
    println!("rows={MANY} pages={pages} millis_each={}", began.elapsed().as_millis() / pages);
}

/// The same of the nouns that hang on the others; gives how many pages were read.
async fn more_nouns(rows: &mut ReadTx, root: &[ScopePath], own: &UserId) -> u128 {
    let mut pages = 0;
    for sort in ["account", "-created_at", "last_used_at"] {
        let first = rows.accounts(root, &AccountFilter::default(), &sorted(sort, None)).await.unwrap();
        let second = rows.accounts(root, &AccountFilter::default(), &sorted(sort, first.next)).await.unwrap();
        assert!(first.items.iter().all(|account| !second.items.contains(account)), "{sort}");
        is_indexed(&Query::page(&crate::account::LISTED, &sorted(sort, second.next)).unwrap().plan(rows).await);
        pages += 2;
    }
    let filter =
        RequestFilter { own: None, scopes: root.to_vec(), pending_scopes: root.to_vec(), state: None, q: None };
    for sort in ["-created_at", "expires_at"] {
        let first = rows.requests(&filter, &sorted(sort, None)).await.unwrap();
        assert_eq!(first.items.last().unwrap().cursor(Some(sort)).unwrap(), first.next.clone().unwrap());
        is_indexed(&Query::page(&crate::request::LISTED, &sorted(sort, first.next)).unwrap().plan(rows).await);
        pages += 1;
    }
    let filter = GrantFilter { own: None, scopes: root.to_vec(), state: None, q: None };
    for sort in ["-starts_at", "ends_at"] {
        let first = rows.grants(&filter, NOW, &sorted(sort, None)).await.unwrap();
        is_indexed(&Query::page(&crate::grant::LISTED, &sorted(sort, first.next)).unwrap().plan(rows).await);
        pages += 1;
    }
    for sort in ["-created_at", "name", "expires_at", "-last_used_at"] {
        let first = rows.tokens(own, &sorted(sort, None)).await.unwrap();
        let mut query = Query::page(&crate::api_token::LISTED, &sorted(sort, first.next)).unwrap();
        query.equal("t.user_id", Some(own.to_string()));
        is_indexed(&query.plan(rows).await);
        pages += 1;
    }
    for sort in ["-index", "index"] {
        let first = rows.leaves(root, &LeafFilter::default(), &sorted(sort, None)).await.unwrap();
        let second = rows.leaves(root, &LeafFilter::default(), &sorted(sort, first.next)).await.unwrap();
        assert!(first.items.iter().all(|leaf| !second.items.contains(leaf)), "{sort}");
        is_indexed(&Query::page(&crate::ledger::LISTED, &sorted(sort, second.next)).unwrap().plan(rows).await);
        pages += 2;
    }
    pages + of_secrets(rows, root, own).await
}

/// Lists what is first and what comes after by `list`, which takes how it is to be listed, and sees that it comes
/// from an index.
macro_rules! paged {
    ($rows:ident, $plan:expr, $narrow:expr, $sorts:expr, $list:expr) => {
        for sort in $sorts {
            let first = $list(sorted(sort, None)).await.unwrap();
            assert_eq!(first.items.len(), 50, "{sort}");
            let second = $list(sorted(sort, first.next)).await.unwrap();
            assert!(first.items.iter().all(|item| !second.items.contains(item)), "{sort}");
            let mut query = Query::page(&$plan, &sorted(sort, second.next)).unwrap();
            query.sql().push($narrow);
            is_indexed(&query.plan($rows).await);
        }
    };
}

/// The same of what is about secrets, of what was discovered, and of scopes.
async fn of_secrets(rows: &mut ReadTx, root: &[ScopePath], own: &UserId) -> u128 {
    let filter = CheckoutFilter { own: own.clone(), scopes: root.to_vec(), open: false, q: None };
    paged!(rows, crate::checkout::LISTED, "", ["-opened_at", "ends_at"], async |by| rows.checkouts(&filter, &by).await);
    let filter = RotationFilter::default();
    paged!(rows, crate::rotation::LISTED, "", ["-created_at", "ended_at"], async |by| {
        rows.rotations(root, &filter, &by).await
    });
    let filter = FindingFilter::default();
    let open = " and f.state = 'open'";
    paged!(rows, crate::finding::LISTED, open, ["-raised_at", "seen_at", "-severity"], async |by| {
        rows.findings(root, &filter, &by).await
    });
    let filter = AlertFilter::default();
    paged!(rows, crate::alert::LISTED, "", ["-raised_at", "severity"], async |by| rows
        .alerts(root, &filter, &by)
        .await);
    paged!(rows, crate::finding::INVENTORY, "", ["account", "-seen_at", "first_seen_at"], async |by| {
        rows.inventory(root, None, &by).await
    });
    paged!(rows, crate::discovery::LISTED, "", ["-created_at", "ended_at"], async |by| {
        rows.discovery_runs(root, &by).await
    });
    paged!(rows, crate::scope::LISTED, "", ["path", "-created_at"], async |by| rows
        .scopes_listed(root, None, &by)
        .await);
    32
}

#[tokio::test]
async fn the_ledger_is_counted_and_read_by_what_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = full(folder.path()).await;
    let mut rows = store.read().await.unwrap();
    let counted = Listing { count: true, ..Listing::default() };
    let by = |actor: &str, action: &str| LeafFilter {
        actor: Some(actor.to_owned()),
        action: Some(action.to_owned()),
        ..LeafFilter::default()
    };
    let root = [ScopePath::root()];
    for (filter, expected) in [
        (by("user-000007", "session"), Some(200)),
        (by("user-000007", "session.open"), Some(200)),
        (by("user-000007", "sess"), Some(0)),
        (by("user-000008", "session.open"), Some(0)),
    ] {
        assert_eq!(rows.leaves(&root, &filter, &counted).await.unwrap().total, expected, "{filter:?}");
    }
    let oldest = rows.leaves_matching(&root, &by("user-000007", "session"), 8, 3).await.unwrap();
    assert_eq!(oldest.iter().map(|leaf| leaf.index).collect::<Vec<_>>(), [507, 1007, 1507]);
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
