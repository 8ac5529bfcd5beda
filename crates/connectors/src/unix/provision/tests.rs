use postern_domain::GrantId;

use super::*;

fn grant(n: u8) -> GrantId {
    GrantId::generate(Timestamp::from_millis(1_700_000_000_000), [0, 0, 0, n])
}

#[test]
fn a_rule_ends_by_itself_and_holds_nothing_odd() {
    let rule = |commands: &[&str]| SudoRule {
        run_as: "root".to_owned(),
        commands: commands.iter().map(|command| (*command).to_owned()).collect(),
    };
    let until = Timestamp::from_millis(1_700_000_000_000);
    assert_eq!(
        sudo_line("ann", &rule(&["/usr/bin/id", "/bin/ls -l"]), until).unwrap(),
        "ann ALL=(root) NOTAFTER=20231114221320Z NOPASSWD: /usr/bin/id, /bin/ls -l"
    );
    for bad in ["id", "/bin/sh\nroot ALL=(ALL) ALL", "/bin/a, /bin/b", "/bin/a \\", "!/bin/a", ""] {
        assert!(sudo_line("ann", &rule(&[bad]), until).is_err(), "{bad:?}");
    }
    assert!(sudo_line("ann", &rule(&[]), until).is_err());
}

#[test]
fn what_is_listed_is_one_entry_for_each_grant() {
    let names = [grant(1), grant(2), grant(3)].map(|grant| grant_name(&grant).unwrap());
    let text = format!(
        "account {0} 20000\nrule {0} {0}\nrule {1} ann\nmember {2} ben wheel\nrule pst-odd x\njunk\n",
        names[0], names[1], names[2]
    );
    let found = read_list(&text);
    assert_eq!(found.len(), 3);
    assert_eq!((found[0].account.clone(), found[0].expires_at.is_some()), (None, true));
    assert_eq!(found[1].account.as_ref().map(AccountName::as_str), Some("ann"));
    assert_eq!(found[2].group.as_deref(), Some("wheel"));
}
