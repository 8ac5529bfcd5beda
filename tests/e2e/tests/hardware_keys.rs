//! Keys that live in hardware (`sk-` keys, FIDO). OpenSSH's own software token stands in for the
//! device, which cannot be plugged in here; client, key format and signatures are the real ones.

use std::fs;
use std::process::Command;

use postern_e2e::{World, run};

/// OpenSSH's software token, of Debian's package `openssh-tests`.
const TOKEN: &str = "/usr/lib/openssh/regress/misc/sk-dummy/sk-dummy.so";

#[test]
fn a_hardware_key_signs_in() {
    let world = World::start().unwrap();
    let cyd = world.staff("cyd").unwrap();
    for (kind, algorithm) in
        [("ed25519-sk", "sk-ssh-ed25519@openssh.com"), ("ecdsa-sk", "sk-ecdsa-sha2-nistp256@openssh.com")]
    {
        fs::remove_file(cyd.key()).unwrap();
        let mut made = Command::new("ssh-keygen");
        made.args(["-q", "-t", kind, "-N", "", "-w", TOKEN, "-f"]).arg(cyd.key());
        run(&mut made).unwrap().ok().unwrap();
        let answering = cyd.ssh_answering(&world.gate, "deploy@web-1", &cyd.code().unwrap()).unwrap();
        let mut command = Command::new("ssh");
        command.args(["-o", &format!("SecurityKeyProvider={TOKEN}")]).args(answering.get_args()).arg("id -un");
        command.envs(answering.get_envs().filter_map(|(name, value)| Some((name, value?))));
        assert_ne!(run(&mut command).unwrap().code, 0, "{kind}: nobody's key yet");
        cyd.register_key().unwrap();
        assert_eq!(run(&mut command).unwrap().ok().unwrap().text(), "deploy\n", "{kind}");
        let listed = cyd.cli(&["ssh-key", "list", "-o", "json"]).unwrap().ok().unwrap().text();
        assert!(listed.contains(algorithm), "{listed}");
    }
}
