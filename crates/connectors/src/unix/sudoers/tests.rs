use super::*;

const TEXT: &str = "\
# a comment = nothing
Defaults env_reset, secure_path = /usr/bin
User_Alias OPS = ann, ben
root\tALL=(ALL:ALL) ALL
%sudo   ALL=(ALL:ALL) ALL
svc, %web ALL=(root) NOPASSWD: \\
    /usr/bin/systemctl restart nginx
OPS ALL = (root) /usr/bin/id
@includedir /etc/sudoers.d
";

#[test]
fn subjects_are_read() {
    let subjects = Subjects::read(TEXT);
    assert_eq!(subjects.users, ["root", "svc"]);
    assert_eq!(subjects.groups, ["sudo", "web"]);
    assert!(subjects.anybody, "an alias may be anybody");
    assert!(!Subjects::read("root ALL=(ALL) ALL\n").anybody);
}

#[test]
fn a_rule_says_whether_it_gives_everything_and_to_which_group() {
    let listing = "Matching Defaults entries for ann on web-1:\n    env_reset\n\n\
        User ann may run the following commands on web-1:\n    (ALL : ALL) ALL\n    \
        (root) NOPASSWD: /usr/bin/systemctl restart nginx\n";
    let groups = ["ann".to_owned(), "sudo".to_owned()];
    let found = rules(listing, "ann", &groups, &Subjects::read(TEXT));
    assert_eq!(found.len(), 2);
    assert_eq!(
        found[0],
        Privilege::Sudo { rule: "(ALL : ALL) ALL".to_owned(), all: true, group: Some("sudo".to_owned()) }
    );
    assert!(matches!(&found[1], Privilege::Sudo { all: false, .. }));
    assert!(rules("User ann is not allowed to run sudo on web-1.\n", "ann", &groups, &Subjects::read(TEXT)).is_empty());
}
