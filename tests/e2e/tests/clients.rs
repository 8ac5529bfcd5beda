//! OpenSSH and what people run over it, unchanged.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use postern_e2e::{Child, Person, World, free_port, run, run_with_input, until};

struct Scene {
    world: World,
    cyd: Person,
}

fn scene() -> Scene {
    let world = World::start().unwrap();
    let cyd = world.staff("cyd").unwrap();
    Scene { world, cyd }
}

impl Scene {
    fn ssh(&self, more: &[&str]) -> Command {
        let mut command = Command::new("ssh");
        command.args(self.cyd.options()).args(["-p", self.world.gate.ssh_port()]).args(more);
        command
    }

    /// scp and sftp spell the port in capitals.
    fn copying(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.args(self.cyd.options()).args(["-P", self.world.gate.ssh_port()]);
        command
    }

    /// What rsync and git start in place of ssh.
    fn transport(&self) -> String {
        let words: Vec<String> = ["ssh".to_owned()].into_iter().chain(self.cyd.options()).collect();
        format!("{} -p {}", words.join(" "), self.world.gate.ssh_port())
    }

    fn folder(&self) -> &Path {
        self.cyd.folder()
    }
}

const AT: &str = "deploy@web-1@127.0.0.1";

#[test]
fn commands_keep_their_streams_and_their_end() {
    let scene = scene();
    let said = run_with_input(scene.ssh(&[AT, "cat; echo no >&2; exit 3"]).arg(""), b"a\0b\xff").unwrap();
    assert_eq!((said.code, said.stdout.as_slice(), said.stderr.as_str()), (3, &b"a\0b\xff"[..], "no\n"));
    let killed = run(&mut scene.ssh(&[AT, "kill -TERM $$"])).unwrap();
    assert_ne!(killed.code, 0);
    let passed = run(scene.ssh(&["-o", "SetEnv=LANG=xx_YY", AT, "echo $LANG"]).arg("")).unwrap();
    assert_eq!(passed.ok().unwrap().text(), "xx_YY\n");
    let many = run(&mut scene.ssh(&[AT, "head -c 30000000 /dev/urandom | tee /tmp/x | sha256sum; sha256sum </tmp/x"]));
    let many = many.unwrap().ok().unwrap().text();
    let mut sums = many.lines();
    assert_eq!(sums.next(), sums.next());
}

#[test]
fn each_kind_of_credential_opens_its_account_and_stays_behind() {
    let scene = scene();
    for account in ["root", "build", "deploy"] {
        let said = run(
            &mut scene.ssh(&[&format!("{account}@web-1@127.0.0.1"), "id -un; env; cat ~/.ssh/* 2>/dev/null; true"])
        );
        let said = said.unwrap().ok().unwrap().text();
        assert!(said.starts_with(&format!("{account}\n")), "{said}");
        assert!(!said.contains(scene.world.target.password()), "{said}");
    }
    let log = scene.world.target.log();
    assert!(log.contains("Accepted publickey for root") && log.contains("ED25519-CERT"), "by certificate: {log}");
    assert!(log.contains("Accepted publickey for build") && log.contains("Accepted password for deploy"), "{log}");
}

#[test]
fn a_shell_has_a_terminal_of_its_size() {
    let scene = scene();
    let script = scene.folder().join("expect");
    let port = scene.world.gate.ssh_port();
    let talk = format!(
        "set timeout 90\nspawn -noecho ssh {} -p {port} {AT}\nset spawned $spawn_id\n\
         stty rows 33 columns 77 < $spawn_out(slave,name)\n\
         expect {{\\$ }} {{}} timeout {{exit 9}}\nsend \"stty size; tty\\r\"\n\
         expect {{33 77}} {{}} timeout {{exit 8}}\nexpect -re {{/dev/pts/.*\\$ }} {{}} timeout {{exit 7}}\n\
         send \"(echo st''arted; exec sleep 1000)\\r\"\nexpect {{started}} {{}} timeout {{exit 6}}\n\
         send \"\\003\"\nexpect {{\\$ }} {{}} timeout {{exit 4}}\n\
         send \"exit 5\\r\"\nexpect eof\nexit [lindex [wait] 3]\n",
        scene.cyd.options().join(" ")
    );
    fs::write(&script, talk).unwrap();
    run(Command::new("expect").arg(&script)).unwrap().ended(5).unwrap();
}

#[test]
fn files_go_both_ways() {
    let scene = scene();
    let (here, back) = (scene.folder().join("here"), scene.folder().join("back"));
    let content: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(&here, &content).unwrap();
    let there = format!("{AT}:there");
    run(scene.copying("scp").arg(&here).arg(&there)).unwrap().ok().unwrap();
    run(scene.copying("scp").arg(&there).arg(&back)).unwrap().ok().unwrap();
    assert!(fs::read(&back).unwrap() == content, "scp");
    run(scene.copying("scp").args(["-O"]).arg(&there).arg(&back)).unwrap().ok().unwrap();
    assert!(fs::read(&back).unwrap() == content, "scp in its old mode");
    fs::remove_file(&back).unwrap();
    let batch = format!("rename there elsewhere\nget elsewhere {}\nrm elsewhere\nls\n", back.display());
    let said = run_with_input(scene.copying("sftp").args(["-b", "-", AT]), batch.as_bytes()).unwrap().ok().unwrap();
    assert!(fs::read(&back).unwrap() == content, "sftp: {}", said.said());
}

#[test]
fn rsync_works_and_sends_only_what_changed() {
    let scene = scene();
    let tree = scene.folder().join("tree");
    fs::create_dir_all(tree.join("a/b")).unwrap();
    for name in ["one", "a/two", "a/b/three"] {
        fs::write(tree.join(name), name.repeat(1000)).unwrap();
    }
    let transport = scene.transport();
    let sync = |from: &str, to: &str| {
        run(Command::new("rsync").args(["-a", "--stats", "-e", &transport, from, to])).unwrap().ok().unwrap().text()
    };
    let here = format!("{}/", tree.display());
    sync(&here, &format!("{AT}:tree/"));
    let again = sync(&here, &format!("{AT}:tree/"));
    assert!(again.contains("Number of regular files transferred: 0"), "{again}");
    let copy = scene.folder().join("copy");
    sync(&format!("{AT}:tree/"), &format!("{}/", copy.display()));
    assert_eq!(fs::read(copy.join("a/b/three")).unwrap(), "a/b/three".repeat(1000).into_bytes());
}

#[test]
fn git_clones_and_pushes() {
    let scene = scene();
    let git = |folder: &Path, arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=cyd", "-c", "user.email=cyd@example.test"]).args(arguments);
        command.current_dir(folder).env("GIT_SSH_COMMAND", scene.transport()).env("GIT_CONFIG_GLOBAL", "/dev/null");
        run(&mut command).unwrap().ok().unwrap().text()
    };
    run(&mut scene.ssh(&[AT, "git init --quiet --bare repository"])).unwrap().ok().unwrap();
    let url = format!("{AT}:repository");
    git(scene.folder(), &["clone", "--quiet", &url, "first"]);
    let first = scene.folder().join("first");
    fs::write(first.join("file"), "content").unwrap();
    git(&first, &["add", "file"]);
    git(&first, &["commit", "--quiet", "-m", "One"]);
    git(&first, &["push", "--quiet", "origin", "HEAD:main"]);
    git(scene.folder(), &["clone", "--quiet", "--branch", "main", &url, "second"]);
    assert_eq!(fs::read_to_string(scene.folder().join("second/file")).unwrap(), "content");
}

/// A server on a free port that says `text` to everybody; it is there as long as the test.
fn greeter(text: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.write_all(text.as_bytes());
        }
    });
    port
}

fn greeting(port: u16) -> Option<String> {
    let mut text = String::new();
    TcpStream::connect(("127.0.0.1", port)).ok()?.read_to_string(&mut text).ok()?;
    Some(text).filter(|text| !text.is_empty())
}

fn background(command: &mut Command) -> Child {
    Child::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())).unwrap()
}

#[test]
fn forwards_reach_what_they_are_for() {
    let scene = scene();
    let server = greeter("hello\n");
    let (local, remote, socks) = (free_port().unwrap(), free_port().unwrap(), free_port().unwrap());
    let mut tunnel = scene.ssh(&["-N", "-o", "ExitOnForwardFailure=yes"]);
    tunnel.args(["-L", &format!("{local}:127.0.0.1:{server}"), "-R", &format!("{remote}:127.0.0.1:{server}")]);
    let _tunnel = background(tunnel.args(["-D", &socks.to_string(), AT]));
    assert_eq!(until("ssh -L", || Ok(greeting(local))).unwrap(), "hello\n");
    assert_eq!(until("ssh -R", || Ok(greeting(remote))).unwrap(), "hello\n");
    let proxy = format!("socks5h://127.0.0.1:{socks}");
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--max-time", "20", "--http0.9", "--proxy", &proxy, &format!("http://127.0.0.1:{server}/")]);
    assert_eq!(run(&mut curl).unwrap().text(), "hello\n");
}

#[test]
fn a_jump_leads_on_to_another_host() {
    let scene = scene();
    let config = scene.folder().join("ssh_config");
    let known = scene.folder().join("known_jump");
    let text = format!(
        "Host gate\n  HostName 127.0.0.1\n  Port {}\n  User deploy@web-1\n  IdentityFile {}\n\
         Host inner\n  HostName 127.0.0.1\n  Port {}\n  User root\n  IdentityFile {}\n\
         Host *\n  StrictHostKeyChecking accept-new\n  UserKnownHostsFile {}\n  IdentitiesOnly yes\n  BatchMode yes\n",
        scene.world.gate.ssh_port(),
        scene.cyd.key().display(),
        scene.world.target.port(),
        scene.world.target.key().display(),
        known.display(),
    );
    fs::write(&config, text).unwrap();
    let said = run(Command::new("ssh").arg("-F").arg(&config).args(["-J", "gate", "inner", "id -un"])).unwrap();
    assert_eq!(said.ok().unwrap().text(), "root\n");
}

#[test]
fn what_policy_does_not_allow_is_refused_one_by_one() {
    let world = World::start().unwrap();
    let access = world.access().unwrap();
    let narrow = "[shell, exec, sftp_read, sftp_write, local_forward, remote_forward, dynamic_forward, env]";
    world.apply(&access.replacen(narrow, "[exec, sftp_read]", 1)).unwrap();
    let cyd = world.staff("cyd").unwrap();
    let scene = Scene { world, cyd };
    run(&mut scene.ssh(&[AT, "true"])).unwrap().ok().unwrap();
    let shell = run_with_input(&mut scene.ssh(&["-tt", AT]), b"exit\n").unwrap();
    assert!(shell.code != 0 && shell.said().contains("shell"), "{}", shell.said());
    let here = scene.folder().join("here");
    fs::write(&here, "x").unwrap();
    let upload = run(scene.copying("scp").arg(&here).arg(format!("{AT}:there"))).unwrap();
    assert_ne!(upload.code, 0, "sftp_write");
    let download = run(scene.copying("scp").arg(format!("{AT}:/etc/hostname")).arg(&here)).unwrap();
    download.ok().unwrap();
    let server = greeter("hello\n");
    let forward = run(&mut scene.ssh(&["-W", &format!("127.0.0.1:{server}"), AT])).unwrap();
    assert!(forward.code != 0 && forward.text().is_empty(), "local_forward: {}", forward.said());
    let mut remote = scene.ssh(&["-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:9", AT, "true"]);
    assert_ne!(run(&mut remote).unwrap().code, 0, "remote_forward");
}
