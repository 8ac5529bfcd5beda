use postern_domain::permission::Permission;

use crate::estate::Estate;
use crate::testing::SOURCE;
use crate::{Control, Error, SecretInput};

async fn secrets(control: &Control) -> Vec<u32> {
    let mut rows = control.store().read().await.unwrap();
    let mut keks = Vec::new();
    for key in crate::keys::OwnKey::ALL {
        if let Some(text) = rows.setting(key.setting()).await.unwrap() {
            keks.push(crate::keys::envelope(&text).unwrap().kek_id());
        }
    }
    keks
}

#[tokio::test]
async fn a_new_key_rewraps_everything_that_is_stored() {
    let estate = Estate::new().await;
    let control = &estate.world.control;
    let password = Some(postern_domain::SecretText::new("first of its name".to_owned()));
    estate.secret_put("ada", "root@web-1", SecretInput { password, private_key: None }).await.unwrap();

    let (caller, permit) = estate.caller("ada", Permission::VaultManage).await;
    let status = control.vault_rotate_key(&caller, &permit).await.expect("rotated");
    assert_eq!(status.kek_count, 2);
    let current = status.kek_current.expect("a key");
    assert!(secrets(control).await.iter().all(|kek| *kek == current), "own keys are under the new one");
    let event = estate.world.events("vault.rotate_key").await.pop().expect("an event");
    let people = 8;
    assert_eq!(event.details["rewrapped"], 4 + 1 + people, "own keys, the secret, everybody's seed");

    let fay = estate.world.person("fay", "/", &[]).await;
    let code = fay.code(estate.world.now());
    control.prove_code(&fay.user.id, &code, SOURCE, "").await.expect("codes still work");
}

#[tokio::test]
async fn the_vault_is_the_whole_installations() {
    let estate = Estate::new().await;
    let (zoe, permit) = estate.caller("zoe", Permission::VaultManage).await;
    let answer = estate.world.control.vault_rotate_key(&zoe, &permit).await;
    assert!(matches!(answer, Err(Error::Forbidden(_))), "a tenant's administrator does not turn its keys");
}
