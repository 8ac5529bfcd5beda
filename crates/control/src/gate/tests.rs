use postern_domain::permission::Permission;
use postern_domain::user::UserState;
use postern_domain::{SecretText, UserName};

use crate::gate::factor_proved_at;
use crate::testing::{PASSWORD, SOURCE, World};
use crate::{Error, SshKeyAdd, UserChange};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

fn name(text: &str) -> UserName {
    text.parse().expect("a name")
}

fn secret(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

#[tokio::test]
async fn a_password_is_checked_without_telling_who_exists() {
    let world = World::new().await;
    let ben = world.person("ben", "/", &[]).await;
    let user = world.control.check_password(&name("ben"), secret(PASSWORD), SOURCE).await.expect("ben");
    assert_eq!(user.id, ben.user.id);
    let wrong = world.control.check_password(&name("ben"), secret("something else"), SOURCE).await;
    let unknown = world.control.check_password(&name("eve"), secret(PASSWORD), SOURCE).await;
    let text =
        |answer: Result<_, Error>| answer.map(|_: postern_domain::user::User| ()).expect_err("refused").to_string();
    assert_eq!(text(wrong), text(unknown));
}

#[tokio::test]
async fn a_code_is_proved_for_the_key_and_the_address_that_it_came_with() {
    let world = World::new().await;
    let ben = world.person("ben", "/", &[]).await;
    let id = &ben.user.id;
    let code = ben.code(world.now());
    let at = world.control.prove_code(id, &code, SOURCE, "SHA256:one").await.expect("proved");
    assert_eq!(at, world.now());
    let proved = async |key: &str, source: &str| {
        let mut rows = world.control.store().read().await.expect("a snapshot");
        factor_proved_at(&mut rows, id, key, source.parse().expect("an address")).await.expect("an answer")
    };
    assert_eq!(proved("SHA256:one", &SOURCE.to_string()).await, Some(at));
    assert_eq!(proved("SHA256:two", &SOURCE.to_string()).await, None);
    assert_eq!(proved("SHA256:one", "203.0.113.9").await, None);
    let replayed = world.control.prove_code(id, &code, SOURCE, "SHA256:two").await;
    assert!(matches!(replayed, Err(Error::Unauthenticated { .. })), "not by another connection either");
    assert_eq!(proved("SHA256:two", &SOURCE.to_string()).await, None);
}

#[tokio::test]
async fn codes_are_not_guessed() {
    let world = World::new().await;
    let ben = world.person("ben", "/", &[]).await;
    let mut throttled = false;
    for guess in 0..10 {
        let answer = world.control.prove_code(&ben.user.id, &secret(&format!("{guess:06}")), SOURCE, "").await;
        throttled |= matches!(answer, Err(Error::Throttled(_)));
    }
    assert!(throttled);
}

#[tokio::test]
async fn a_disabled_users_key_is_nobodys() {
    let world = World::new().await;
    world.person("ada", "/", &[("administrator", "/")]).await;
    world.person("ben", "/", &[]).await;
    let ben = world.caller("ben").await;
    let wish = SshKeyAdd { public_key: KEY.to_owned(), comment: None, user: None };
    let key = world.control.ssh_key_add(&ben, &wish).await.expect("registered");
    let ada = world.caller("ada").await;
    let permit = ada.permit(Permission::UserWrite).expect("a permit");
    let disable = UserChange { state: Some(UserState::Disabled), ..UserChange::default() };
    world.control.user_change(&ada, &permit, &name("ben"), disable).await.expect("disabled");
    assert_eq!(world.control.key_owner(&key.fingerprint, None).await.expect("an answer"), None);
    assert!(world.control.check_password(&name("ben"), secret(PASSWORD), SOURCE).await.is_err());
    let code = world.control.factor_link(&ben.user.id, SOURCE, "").await.expect("a link");
    assert!(world.control.link_show(&code.token).await.is_err(), "nor do links work");
}
