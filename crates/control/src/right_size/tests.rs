use postern_domain::document::parse;
use postern_domain::permission::Permission;
use postern_domain::policy::Access;

use crate::testing::World;
use crate::{ApplyInput, Error};

const ACCESS: &str = "\
kind: Asset\nname: web-1\nplatform: linux\naddress: 192.0.2.7:22\n---\n\
kind: Account\naccount: root@web-1\ncredential: ssh_certificate\n---\n\
kind: Policy\nname: oncall\nsubjects: { users: [ben], groups: [sre] }\naccess: standing\n---\n\
kind: Policy\nname: frozen\neffect: deny\nsubjects: { groups: [sre] }\naccounts: { names: [nobody] }\n";

async fn world() -> World {
    let world = World::new().await;
    world.person("ada", "/", &[("administrator", "/")]).await;
    world.person("ben", "/", &[]).await;
    world.person("cyd", "/", &[]).await;
    world.group("sre", "/", &["cyd"]).await;
    let documents = parse("access.yaml", ACCESS).expect("documents").into_iter().map(|each| each.document).collect();
    let ada = world.caller("ada").await;
    world.control.apply(&ada, &ApplyInput { documents, dry_run: false }).await.expect("applied");
    world
}

#[tokio::test]
async fn what_nobody_used_is_told_of_policies_that_give() {
    let world = world().await;
    let ada = world.caller("ada").await;
    let permit = ada.permit(Permission::PolicyRead).expect("a permit");
    let sizes = world.control.right_size_list(&permit, None).await.expect("sizes");
    assert_eq!(sizes.len(), 1, "one that denies gives nothing");
    let oncall = sizes.first().expect("a policy");
    assert!(oncall.size.unused && oncall.size.access == Access::Standing);
    assert_eq!((oncall.size.people, oncall.size.accounts, oncall.days), (2, 1, 90));
    let refused = world.control.right_size_list(&permit, Some(0)).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
    let name = "oncall".parse().expect("a name");
    let shown = world.control.right_size_show(&ada, &permit, &name, Some(7)).await.expect("a policy");
    assert!(shown.diff.is_none() && shown.size.days == 7);
}
