//! Who gets in, and what those who do not are told.

use std::os::unix::fs::PermissionsExt;

use postern_domain::session::EndReason;

use crate::world::{Done, World, free_port, key};

/// Runs `true` as this login name, with a program that answers questions.
async fn login(world: &World, user: &str, args: &[&str], answers: &str) -> Done {
    let program = world.path("answers");
    std::fs::write(&program, format!("#!/bin/sh\necho \"$1\" >> {}.asked\n{answers}\n", program.display())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut all = args.to_vec();
    all.extend(["-o", "NumberOfPasswordPrompts=1", "-l", user, "127.0.0.1", "echo in"]);
    let mut command = world.command("ssh", &all);
    command.env("SSH_ASKPASS", &program).env("SSH_ASKPASS_REQUIRE", "force");
    Done::from(command.output().await.unwrap())
}

fn asked(world: &World) -> String {
    std::fs::read_to_string(world.path("answers.asked")).unwrap_or_default()
}

const ALL: &str = "case \"$1\" in *User:*) echo ben;; *Password:*) echo 'correct horse';; *Code*) echo 123456;; esac";

#[tokio::test(flavor = "multi_thread")]
async fn a_key_and_a_code() {
    let world = World::with(|wishes| wishes.factor = Some("https://gate/f/1".to_owned()), |_| {}).await;
    let done = login(&world, "root@web-1", &[], ALL).await;
    assert_eq!(done.out, b"in\n", "{}", done.err);
    assert!(asked(&world).contains("Code, or confirm at https://gate/f/1 and press Enter:"), "{}", asked(&world));
    let done = login(&world, "root@web-1", &[], "echo 000000").await;
    assert_eq!(done.code, Some(255), "a wrong code");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_and_a_code() {
    let world = World::with(|wishes| wishes.factor = Some("https://gate/f/1".to_owned()), |_| {}).await;
    let strange = world.path("strange_config");
    let no_key = ["-o", "PubkeyAuthentication=no"];
    let other_key = ["-F", strange.to_str().unwrap()];
    for (user, args) in
        [("root@web-1", &no_key[..]), ("ben/root@web-1", &no_key[..]), ("ben/root@web-1", &other_key[..])]
    {
        let done = login(&world, user, args, ALL).await;
        assert_eq!(done.out, b"in\n", "{user}: {}", done.err);
    }
    for wrong in [
        "case \"$1\" in *User:*) echo ben;; *Password:*) echo wrong;; *) echo 123456;; esac",
        "case \"$1\" in *User:*) echo nobody;; *Password:*) echo 'correct horse';; *) echo 123456;; esac",
        "case \"$1\" in *User:*) echo ben;; *Password:*) echo 'correct horse';; *) echo 1;; esac",
    ] {
        let done = login(&world, "root@web-1", &no_key, wrong).await;
        assert_eq!(done.code, Some(255), "{wrong}");
        assert!(done.err.contains("Permission denied"), "{}", done.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_ones_key_and_no_ones_key_get_nobody_in() {
    let world = World::new().await;
    let strange = world.path("strange_config");
    let args = ["-o", "PreferredAuthentications=publickey", "-F", strange.to_str().unwrap()];
    let done = login(&world, "root@web-1", &args, "").await;
    assert_eq!(done.code, Some(255));
    let args = ["-o", "PreferredAuthentications=publickey"];
    let done = login(&world, "eve/root@web-1", &args, "").await;
    assert_eq!(done.code, Some(255), "ben's key does not make him eve");
    assert_eq!(world.broker.sessions(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_none_is_explained() {
    let world = World::new().await;
    let done = login(&world, "root", &["-o", "PubkeyAuthentication=no"], ALL).await;
    assert_eq!(done.code, Some(255));
    assert!((done.err + &asked(&world)).contains("Write account@asset"), "explained");
    let long = "x".repeat(100_000);
    let done = login(&world, &format!("{long}@web-1"), &[], ALL).await;
    assert_ne!(done.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_why_and_exits_with_3() {
    let text = "needs approval:\n  postern request root@web-1 --for 1h";
    let world = World::with(|wishes| wishes.refuse = Some(text.to_owned()), |_| {}).await;
    for args in [&["web", "true"][..], &["web"][..], &["-tt", "web"][..]] {
        let done = world.ssh(args).await;
        assert_eq!(done.code, Some(3), "{args:?}");
        let told = done.err + &String::from_utf8_lossy(&done.out);
        assert!(told.contains("postern request root@web-1 --for 1h"), "{args:?}: {told}");
    }
    let done = world.run("sftp", &["-b", "/dev/null", "web"]).await;
    assert!(done.err.contains("needs approval"), "{}", done.err);
    let done = world.ssh(&["-W", "127.0.0.1:1", "web"]).await;
    assert!(done.err.contains("needs approval"), "{}", done.err);
    assert_eq!(world.broker.sessions(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_asset_is_refused_like_any_other() {
    let world = World::new().await;
    let done = login(&world, "root@no-such", &[], "").await;
    assert_eq!(done.code, Some(3));
    assert!(done.err.contains("no policy allows it"), "{}", done.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_with_another_host_key_is_not_signed_in_to() {
    let world = World::new().await;
    let other = key(world.folder.path(), "other_host_key").public_key().to_openssh().unwrap();
    world.broker.wishes.lock().unwrap().pinned = other;
    let done = world.ssh(&["web", "true"]).await;
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains("host key of web-1 has changed"), "{}", done.err);
    assert_eq!(world.broker.ended(1).await[0].0, EndReason::TargetFailed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_down_or_refuses_the_credential_is_told() {
    let world = World::new().await;
    let up = world.broker.wishes.lock().unwrap().port;
    world.broker.wishes.lock().unwrap().port = free_port();
    let done = world.ssh(&["web", "true"]).await;
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains("cannot be reached"), "{}", done.err);
    {
        let mut wishes = world.broker.wishes.lock().unwrap();
        wishes.port = up;
        wishes.account_password = Some("not this one".to_owned());
    }
    let done = world.ssh(&["web", "true"]).await;
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains("does not accept the credential of account root"), "{}", done.err);
    assert!(!done.err.contains("not this one"));
}
