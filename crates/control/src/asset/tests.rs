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
