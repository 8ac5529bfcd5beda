use postern_domain::document::Kind;

use super::*;
use crate::estate::Estate;

fn input(scope: Option<&str>, address: &str) -> AssetInput {
    AssetInput {
        scope: scope.map(|scope| scope.parse().unwrap()),
        platform: Platform::Linux,
        address: address.to_owned(),
        labels: BTreeMap::new(),
        host_keys: None,
        rotation: None,
        server_ca: None,
        column_tags: None,
    }
}

#[tokio::test]
async fn what_lies_in_another_tenant_looks_like_what_does_not_exist() {
    let estate = Estate::new().await;
    let (zoe, permit) = estate.caller("zoe", Permission::AssetRead).await;
    let told = async |name: &str| {
        estate.world.control.asset_show(&zoe, &permit, &name.parse().unwrap()).await.unwrap_err().to_string()
    };
    assert_eq!(told("web-1").await.replace("web-1", "web-7"), told("web-7").await);
    let page = Listing::default();
    assert!(estate.world.control.asset_list(&permit, &AssetFilter::default(), &page).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn an_asset_is_put_where_the_caller_may() {
    let estate = Estate::new().await;
    let control = &estate.world.control;
    let (olga, permit) = estate.caller("olga", Permission::AssetWrite).await;
    let name = "new-1".parse().unwrap();
    let made = control.asset_put(&olga, &permit, &name, input(None, "h:22")).await.unwrap();
    assert_eq!(made.scope.as_str(), "/emea");
    let moved = control.asset_put(&olga, &permit, &name, input(Some("/emea/core"), "h:23")).await.unwrap();
    assert_eq!((moved.id, moved.scope.as_str(), moved.address.as_str()), (made.id, "/emea/core", "h:23"));
    let kept = control.asset_put(&olga, &permit, &name, input(None, "h:24")).await.unwrap();
    assert_eq!(kept.scope.as_str(), "/emea/core");
    let outside = control.asset_put(&olga, &permit, &name, input(Some("/apac"), "h:22")).await;
    assert!(matches!(outside, Err(Error::Forbidden(_))));
    let bad = control.asset_put(&olga, &permit, &name, input(None, "no port")).await;
    assert!(matches!(bad, Err(Error::Invalid { field, .. }) if field == "address"));
    assert_eq!(estate.world.events("asset.update").await.len(), 2);
}

#[tokio::test]
async fn the_same_again_writes_nothing() {
    let estate = Estate::new().await;
    let (olga, permit) = estate.caller("olga", Permission::AssetWrite).await;
    let name = "new-1".parse().unwrap();
    estate.world.control.asset_put(&olga, &permit, &name, input(None, "h:22")).await.unwrap();
    let leaves = estate.leaves().await;
    estate.world.control.asset_put(&olga, &permit, &name, input(None, "h:22")).await.unwrap();
    assert_eq!(estate.leaves().await, leaves);
}

#[tokio::test]
async fn an_auditor_sees_everything_and_holds_nothing_that_changes() {
    let estate = Estate::new().await;
    let aud = estate.world.caller("aud").await;
    for permission in Permission::ALL.iter().filter(|permission| permission.changes()) {
        // Asking for oneself is everybody's; it is policy that gives nothing.
        assert!(*permission == Permission::RequestCreate || aud.permit(*permission).is_none(), "{permission:?}");
    }
    assert!(matches!(
        estate.apply("aud", "kind: Role\nname: mine\npermissions: [asset:write]\n").await,
        Err(Error::Documents(problems)) if problems.iter().all(|p| p.kind == Kind::Role && p.code == "forbidden")
    ));
}

/// A database whose columns have a tag, which policy hides.
const TAGGED: &str = "
kind: Asset
name: orders
scope: /emea
platform: postgresql
address: db:5432
column_tags: { pii: [email] }
---
kind: Account
account: app@orders
credential: password
---
kind: Policy
name: hidden
scope: /emea
subjects: { users: [olga, ben] }
accounts: { assets: [orders] }
access: standing
obligations:
  capabilities: [query]
  statements: { masking: { tags: [pii] } }
";

#[tokio::test]
async fn nobody_shows_themselves_more_by_what_an_asset_says_of_its_columns() {
    let estate = Estate::new().await;
    estate.apply("ada", TAGGED).await.unwrap();
    let head = "kind: Asset\nname: orders\nscope: /emea\nplatform: postgresql\naddress: db:5432\n";
    let put = async |tags: &str| estate.apply("olga", &format!("{head}column_tags: {tags}\n")).await;
    put("{ pii: [email, phone] }").await.expect("more is hidden");
    put("{ pii: [email, phone], payment: [iban] }").await.expect("no policy speaks of that tag");
    for less in ["{ pii: [email] }", "{ payment: [email, phone] }", "{}"] {
        let refused = put(less).await;
        let Err(Error::Documents(problems)) = refused else { panic!("{less}") };
        assert!(problems[0].message.contains("let yourself do more"), "{}", problems[0].message);
    }
    estate.apply("olga", &head.replace("db:", "db-2:")).await.expect("left out, they stay");
    let (ada, permit) = estate.caller("ada", Permission::AssetRead).await;
    let asset = estate.world.control.asset_show(&ada, &permit, &"orders".parse().unwrap()).await.unwrap();
    assert_eq!((asset.address.as_str(), asset.column_tags.len()), ("db-2:5432", 2));
    let told = estate.world.events("asset.update").await.remove(0);
    assert_eq!(
        told.details["changes"],
        serde_json::json!([{ "field": "column_tags.pii", "old": ["email"], "new": ["email", "phone"] }])
    );
}
