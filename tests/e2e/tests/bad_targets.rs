//! Targets that are down, somebody else, broken, silent, or too much.

use std::io::Write as _;
use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use postern_e2e::{Child, Person, World, run, until};

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
    fn refused(&self) -> String {
        let ran = run(self.cyd.ssh(&self.world.gate, "deploy@web-1").arg("true")).unwrap();
        assert_ne!(ran.code, 0, "a session was opened");
        ran.said()
    }

    fn works(&self) {
        run(self.cyd.ssh(&self.world.gate, "deploy@web-1").arg("true")).unwrap().ok().unwrap();
    }

    /// Lets web-1 be this server for a while.
    fn with_target_at(&self, server: &TcpListener, then: impl FnOnce()) {
        let access = self.world.access().unwrap();
        let there = server.local_addr().unwrap().to_string();
        self.world.apply(&access.replace(&self.world.target.address(), &there)).unwrap();
        then();
        self.world.apply(&access).unwrap();
        self.works();
    }
}

#[test]
fn one_that_is_down_is_named_and_comes_back() {
    let mut scene = scene();
    scene.world.target.stop();
    let said = scene.refused();
    assert!(said.contains("cannot be reached"), "{said}");
    scene.world.target.resume().unwrap();
    scene.works();
}

#[test]
fn one_with_another_host_key_is_refused_until_somebody_decides() {
    let mut scene = scene();
    scene.world.target.stop();
    scene.world.target.forget_host_key().unwrap();
    scene.world.target.resume().unwrap();
    let said = scene.refused();
    assert!(said.contains("HOST KEY") && said.contains("postern asset trust"), "{said}");
    let ada = &scene.world.ada;
    let listed = ada.cli(&["asset", "host-keys", "web-1", "-o", "json"]).unwrap().json().unwrap();
    let seen = listed.as_array().unwrap().iter().find(|key| key["state"] == "seen").unwrap();
    ada.cli(&["asset", "trust", "web-1", seen["fingerprint"].as_str().unwrap()]).unwrap().ok().unwrap();
    scene.works();
}

#[test]
fn one_that_speaks_garbage_is_left() {
    let scene = scene();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let accepting = server.try_clone().unwrap();
    std::thread::spawn(move || {
        for mut stream in accepting.incoming().flatten() {
            let _ = stream.write_all(&[0xff; 4096]);
            let _ = stream.write_all(b"\nSSH-2.0-garbage\r\n\0\0\0\x01garbage");
        }
    });
    scene.with_target_at(&server, || {
        scene.refused();
    });
}

#[test]
fn one_that_says_nothing_is_not_waited_for_forever() {
    let scene = scene();
    // Connections are taken by the kernel and answered by nobody.
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    scene.with_target_at(&server, || {
        scene.refused();
    });
}

#[test]
fn one_that_floods_a_stalled_client_does_not_grow_the_gate() {
    let scene = scene();
    scene.works();
    let before = scene.world.gate.resident_kib().unwrap();
    let mut command = scene.cyd.ssh(&scene.world.gate, "deploy@web-1");
    command.arg("cat /dev/zero").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    // Nobody reads from the pipe, and the client itself is stopped.
    let client = Child::start(&mut command).unwrap();
    until("a live session", || {
        let status = scene.world.ada.cli(&["status", "-o", "json"])?.json()?;
        Ok((status["sessions_live"] == 1).then_some(()))
    })
    .unwrap();
    client.signal("STOP").unwrap();
    let begun = Instant::now();
    until("five seconds of flooding", || {
        let grown = scene.world.gate.resident_kib()?.saturating_sub(before);
        anyhow::ensure!(grown < 64 * 1024, "the gate grew by {grown} KiB");
        Ok((begun.elapsed() > Duration::from_secs(5)).then_some(()))
    })
    .unwrap();
    scene.works();
}
