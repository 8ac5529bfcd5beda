//! Files: `sftp`, `scp`, `rsync`, `git`.

use postern_wire::recording::{FileDigest, FrameKind, Sha256};

use crate::world::{World, random_bytes};

fn operations(frames: &[FrameKind<'_>]) -> Vec<(String, String, u64, Option<Sha256>, bool)> {
    frames
        .iter()
        .filter_map(|frame| match frame {
            FrameKind::Sftp { op, path, bytes, sha256, ok, .. } => {
                Some((op.to_string(), String::from_utf8_lossy(path).into_owned(), *bytes, *sha256, *ok))
            }
            _ => None,
        })
        .collect()
}

fn digest(content: &[u8]) -> Option<Sha256> {
    let mut digest = FileDigest::new();
    digest.update(content);
    Some(digest.finish())
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_copied_and_what_was_copied_is_known() {
    let world = World::new().await;
    let (here, there, back) = (world.path("here"), world.path("there"), world.path("back"));
    let content = random_bytes(5_000_000);
    std::fs::write(&here, &content).unwrap();
    let to = format!("web:{}", there.display());
    let up = world.run("scp", &[here.to_str().unwrap(), &to]).await;
    assert_eq!(up.code, Some(0), "{}", up.err);
    let down = world.run("scp", &[&to, back.to_str().unwrap()]).await;
    assert_eq!(down.code, Some(0), "{}", down.err);
    assert!(std::fs::read(&back).unwrap() == content);
    let path = there.display().to_string();
    let wrote = ("write".to_owned(), path.clone(), 5_000_000, digest(&content), true);
    let up = operations(&world.frames(0).await);
    assert!(up.contains(&wrote), "{up:?}");
    let read = ("read".to_owned(), path, 5_000_000, digest(&content), true);
    let down = operations(&world.frames(1).await);
    assert!(down.contains(&read), "{down:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_way_of_copying_works_too() {
    let world = World::new().await;
    let (here, back) = (world.path("here"), world.path("back"));
    std::fs::write(&here, "content").unwrap();
    let to = format!("web:{}", world.path("there").display());
    let up = world.run("scp", &["-O", here.to_str().unwrap(), &to]).await;
    assert_eq!(up.code, Some(0), "{}", up.err);
    let down = world.run("scp", &["-O", &to, back.to_str().unwrap()]).await;
    assert_eq!(down.code, Some(0), "{}", down.err);
    assert_eq!(std::fs::read(&back).unwrap(), b"content");
}

async fn batch(world: &World, lines: &str) -> crate::world::Done {
    std::fs::write(world.path("batch"), lines).unwrap();
    world.run("sftp", &["-b", world.path("batch").to_str().unwrap(), "web"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_sftp_does_is_recorded() {
    let world = World::new().await;
    let at = world.folder.path().display();
    std::fs::write(world.path("one"), "1").unwrap();
    let lines = format!(
        "put {at}/one {at}/two\nrename {at}/two {at}/three\nln -s {at}/three {at}/link\nmkdir {at}/dir\n\
         ls {at}/dir\nrmdir {at}/dir\nchmod 600 {at}/three\nget {at}/three {at}/four\nrm {at}/three\n"
    );
    let done = batch(&world, &lines).await;
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert_eq!(std::fs::read(world.path("four")).unwrap(), b"1");
    let operations = operations(&world.frames(0).await);
    for wanted in ["write", "rename", "symlink", "mkdir", "list", "rmdir", "attributes", "read", "remove"] {
        assert!(operations.iter().any(|(op, .., ok)| op == wanted && *ok), "{wanted}: {operations:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_read_cannot_write() {
    let world = World::allowing(&["sftp_read"]).await;
    let at = world.folder.path().display();
    std::fs::write(world.path("one"), "1").unwrap();
    let got = batch(&world, &format!("get {at}/one {at}/copy\nls {at}\n")).await;
    assert_eq!(got.code, Some(0), "{}", got.err);
    for line in [
        format!("put {at}/one {at}/two"),
        format!("rm {at}/one"),
        format!("rename {at}/one {at}/two"),
        format!("mkdir {at}/new"),
        format!("chmod 777 {at}/one"),
    ] {
        let done = batch(&world, &format!("{line}\n")).await;
        assert_ne!(done.code, Some(0), "{line}");
        assert!(done.err.to_lowercase().contains("denied") || done.err.contains("sftp_write"), "{line}: {}", done.err);
    }
    assert!(world.path("one").exists() && !world.path("two").exists() && !world.path("new").exists());
    let frames = world.frames(1).await;
    assert!(frames.contains(&FrameKind::Capability { name: "sftp_write".into(), allowed: false }));
    assert!(operations(&frames).iter().any(|(op, .., ok)| op == "write" && !ok));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_write_cannot_read() {
    let world = World::allowing(&["sftp_write"]).await;
    let at = world.folder.path().display();
    std::fs::write(world.path("one"), "1").unwrap();
    assert_eq!(batch(&world, &format!("put {at}/one {at}/two\n")).await.code, Some(0));
    assert_ne!(batch(&world, &format!("get {at}/one {at}/three\n")).await.code, Some(0));
    assert_ne!(batch(&world, &format!("ls {at}\n")).await.code, Some(0));
    assert!(!world.path("three").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_do_neither_is_told() {
    let world = World::allowing(&["exec"]).await;
    let done = batch(&world, "ls /\n").await;
    assert_ne!(done.code, Some(0));
    assert!(done.err.contains("sftp"), "{}", done.err);
    let shell = world.ssh(&["web"]).await;
    assert_ne!(shell.code, Some(0));
    assert!(shell.err.contains("shell is not allowed"), "{}", shell.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn rsync_and_git_work() {
    let world = World::new().await;
    let from = world.path("tree");
    std::fs::create_dir(&from).unwrap();
    std::fs::write(from.join("file"), random_bytes(300_000)).unwrap();
    let shell = format!("ssh -F {}", world.path("ssh_config").display());
    let to = format!("web:{}/", world.path("mirror").display());
    let done = world.run("rsync", &["-a", "-e", &shell, &format!("{}/", from.display()), &to]).await;
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert_eq!(std::fs::read(world.path("mirror").join("file")).unwrap(), std::fs::read(from.join("file")).unwrap());

    let repository = from.to_str().unwrap();
    for args in [
        vec!["init", "-q", repository],
        vec!["-C", repository, "add", "."],
        vec!["-C", repository, "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "one"],
    ] {
        assert_eq!(world.run("git", &args).await.code, Some(0));
    }
    let clone = world.path("clone");
    let source = format!("web:{repository}");
    let done = world.run("git", &["clone", "-q", &source, clone.to_str().unwrap()]).await;
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(clone.join("file").exists());
}
