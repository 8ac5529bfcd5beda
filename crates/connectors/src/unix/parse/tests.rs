use proptest::prelude::*;

use super::*;

const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nsvc:x:998:998::/srv:/usr/sbin/nologin\n\
    ann:x:1000:1000:Ann,,,:/home/ann:\nbad line\n+::::::\n";

#[test]
fn account_files_are_read() {
    let users = users(PASSWD, 100);
    assert_eq!(users.iter().map(|user| user.name.as_str()).collect::<Vec<_>>(), ["root", "svc", "ann"]);
    assert_eq!(users.iter().map(User::has_shell).collect::<Vec<_>>(), [true, false, true]);
    let groups = groups("root:x:0:\nsudo:x:27:ann,gone\nann:x:1000:\n", &users);
    assert_eq!(groups["ann"], ["sudo", "ann"]);
    assert_eq!(groups["root"], ["root"]);
}

#[test]
fn shadow_tells_empty_none_locked_and_equal_passwords_apart() {
    let text = "a:$6$s$same:19000:0:99999:7:::\nb:$6$s$same:19000:0:90:7:::\nc::19000:0:99999:7:::\n\
        d:!:19000:0:99999:7:::\ne:!$y$x$y:19000:0:99999:7::20000:\nf:*:19000:0:99999:7:::\nshort:x\n";
    let read = shadow(text, &[7; 32]);
    assert_eq!(read["a"].password, read["b"].password);
    assert!(read["a"].never_expires && !read["b"].never_expires);
    assert_eq!(read["c"].password, PasswordSight::Empty);
    assert_eq!(read["d"].password, PasswordSight::None);
    assert!(read["e"].locked && !read["d"].locked);
    assert_eq!(read["e"].expires_at, Some(Timestamp::from_millis(20_000 * 86_400_000)));
    assert_eq!(read["f"].password, PasswordSight::None);
    assert!(!read.contains_key("short"));
    let other = shadow(text, &[8; 32]);
    assert_ne!(read["a"].password, other["a"].password, "a digest is worth nothing under another key");
}

#[test]
fn keys_are_found_behind_options() {
    let line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ ann@laptop";
    let text = format!("# note\n{line}\nfrom=\"10.0.0.0/8\",command=\"echo ssh-rsa x\" {line}\nnonsense\n");
    let found = keys(&text, None, 10);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0], found[1]);
    assert_eq!(found[0].comment, "ann@laptop");
}

#[test]
fn last_sign_ins_are_read() {
    let text = "Username         Port     From                                       Latest\n\
        root             pts/0    127.0.0.1                                  Wed Nov 25 07:13:33 +0000 2026\n\
        ann                                                                  **Never logged in**\n";
    let read = last_sign_ins(text);
    assert_eq!(read.len(), 1);
    assert_eq!(read["root"].to_string(), "2026-11-25T07:13:33.000Z");
}

proptest! {
    #[test]
    fn no_text_panics(text in "(?s).{0,300}") {
        let users = users(&text, 10);
        groups(&text, &users);
        shadow(&text, &[1; 32]);
        keys(&text, None, 10);
        last_sign_ins(&text);
        sections(&text, "#");
    }
}
