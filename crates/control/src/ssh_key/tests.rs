use postern_store::PageRequest;

use super::SshKeyAdd;
use crate::Error;
use crate::testing::World;

const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti ben@laptop";

fn add(text: &str) -> SshKeyAdd {
    SshKeyAdd { public_key: text.to_owned(), comment: None, user: None }
}

async fn two() -> World {
    let world = World::new().await;
    world.person("ben", "/", &[]).await;
    world.person("eve", "/", &[]).await;
    world
}

/// A public key of any algorithm in the one-line form, from its wire fields.
fn line(algorithm: &str, fields: &[&[u8]]) -> String {
    use base64::Engine;
    let mut blob = Vec::new();
    for field in std::iter::once(algorithm.as_bytes()).chain(fields.iter().copied()) {
        blob.extend_from_slice(&u32::try_from(field.len()).expect("short").to_be_bytes());
        blob.extend_from_slice(field);
    }
    format!("{algorithm} {}", base64::engine::general_purpose::STANDARD.encode(blob))
}

fn rsa(bits: usize) -> String {
    let mut modulus = vec![0_u8; bits / 8 + 1];
    modulus[1] = 0x80;
    *modulus.last_mut().expect("a byte") = 1;
    line("ssh-rsa", &[&[1, 0, 1], &modulus])
}

#[tokio::test]
async fn a_key_is_registered_listed_and_removed() {
    let world = two().await;
    let ben = world.caller("ben").await;
    let key = world.control.ssh_key_add(&ben, &add(&format!("{ED25519}\n"))).await.expect("registered");
    assert_eq!(key.algorithm, "ssh-ed25519");
    assert_eq!(key.comment, "ben@laptop");
    assert!(key.fingerprint.starts_with("SHA256:") && key.fingerprint.len() == 50, "{}", key.fingerprint);
    assert_eq!(Some(key.public_key.as_str()), ED25519.strip_suffix(" ben@laptop"));
    let owner = world.control.key_owner(&key.fingerprint, None).await.expect("an answer");
    assert_eq!(owner.expect("an owner").name, ben.user.name);

    let eve = world.caller("eve").await;
    let taken = world.control.ssh_key_add(&eve, &add(ED25519)).await;
    assert!(matches!(taken, Err(Error::Conflict(_))), "a key is one person's");
    assert!(matches!(world.control.ssh_key_remove(&eve, &key.id).await, Err(Error::NotFound { .. })));
    assert!(world.control.ssh_key_list(&eve, &PageRequest::default()).await.expect("a list").items.is_empty());
    let named = world.control.key_owner(&key.fingerprint, Some(&eve.user.name)).await.expect("an answer");
    assert_eq!(named, None, "the client says that it is somebody else");

    world.control.ssh_key_remove(&ben, &key.id).await.expect("removed");
    assert_eq!(world.control.key_owner(&key.fingerprint, None).await.expect("an answer"), None);
    let actions: Vec<_> = world.events("ssh_key").await.into_iter().map(|event| event.action).collect();
    assert_eq!(actions, ["ssh_key.add", "ssh_key.remove"]);
}

#[tokio::test]
async fn hardware_backed_and_strong_keys_are_taken() {
    let world = two().await;
    let ben = world.caller("ben").await;
    let sk = line("sk-ssh-ed25519@openssh.com", &[&[7; 32], b"ssh:"]);
    for (text, algorithm) in [(sk, "sk-ssh-ed25519@openssh.com"), (rsa(3072), "ssh-rsa"), (rsa(4096), "ssh-rsa")] {
        let key = world.control.ssh_key_add(&ben, &add(&text)).await.expect(algorithm);
        assert_eq!(key.algorithm, algorithm);
    }
}

#[tokio::test]
async fn what_is_weak_or_no_public_key_is_refused() {
    let world = two().await;
    let ben = world.caller("ben").await;
    let dss = line("ssh-dss", &[&[5; 129], &[5; 21], &[5; 129], &[5; 128]]);
    for text in [
        String::new(),
        "ssh-ed25519".to_owned(),
        "ssh-ed25519 AAAA".to_owned(),
        format!("{ED25519}\n{ED25519}"),
        format!("command=\"/bin/true\" {ED25519}"),
        "-----BEGIN OPENSSH PRIVATE KEY-----".to_owned(),
        rsa(2048),
        dss,
        line("ssh-ed25519", &[&[1; 31]]),
        format!("ssh-ed25519 {}", "A".repeat(10_000_000)),
    ] {
        let refused = world.control.ssh_key_add(&ben, &add(&text)).await;
        let shown: String = text.chars().take(60).collect();
        assert!(matches!(refused, Err(Error::Invalid { ref field, .. }) if field == "public_key"), "{shown}");
    }
}

#[tokio::test]
async fn control_characters_do_not_get_into_comments() {
    let world = two().await;
    let ben = world.caller("ben").await;
    let wish = SshKeyAdd { public_key: ED25519.to_owned(), comment: Some("\u{1b}[31mred\u{7}".to_owned()), user: None };
    assert_eq!(world.control.ssh_key_add(&ben, &wish).await.expect("registered").comment, "[31mred");
}
