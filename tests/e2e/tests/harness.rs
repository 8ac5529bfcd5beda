use postern_e2e::{SshTarget, run};

#[test]
fn a_target_is_a_machine_of_its_own() {
    let target = SshTarget::start("web-7").unwrap();
    let said = run(target.ssh("root").arg("id -u; hostname; ls /root | wc -l; tr '\\0' ' ' </proc/1/cmdline")).unwrap();
    let text = said.ok().unwrap().text();
    assert!(text.starts_with("0\nweb-7\n0\n"), "{text}");
    assert!(text.contains("sshd"), "its first process is its own: {text}");
    let said = run(target.ssh("root").arg("touch /etc/x")).unwrap();
    assert!(said.stderr.contains("Permission denied"), "its root is nobody here: {}", said.stderr);
}
