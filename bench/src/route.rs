//! The ways to the same target: direct, through the gate, and through an OpenSSH jump host.

use std::process::Command;

use anyhow::Context as _;
use postern_e2e::{Person, SshTarget, World, run};

/// What all routes negotiate, so that they differ in nothing but the way.
const CIPHER: &str = "aes256-gcm@openssh.com";
const KEX: &str = "curve25519-sha256";

/// The machines and the people.
pub(crate) struct Roads {
    pub(crate) world: World,
    pub(crate) bob: Person,
    jump: SshTarget,
}

/// A way to the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// The client dials the target.
    Direct,
    /// Through Postern: decided, injected, recorded, sealed.
    Gate,
    /// `ssh -J` through an OpenSSH server that records nothing.
    Jump,
}

impl Roads {
    pub(crate) fn open() -> anyhow::Result<Self> {
        let world = World::start()?;
        let bob = world.staff("bob")?;
        let jump = SshTarget::start("jump")?;
        let roads = Self { world, bob, jump };
        for route in [Route::Direct, Route::Gate, Route::Jump] {
            run(roads.ssh(route).arg("true"))?.ok().with_context(|| format!("{route:?}"))?;
        }
        Ok(roads)
    }

    /// OpenSSH's client on its way to root on the target.
    pub(crate) fn ssh(&self, route: Route) -> Command {
        let way = match route {
            Route::Gate => self.bob.ssh(&self.world.gate, "root@web-1"),
            Route::Direct | Route::Jump => plain(&self.world.target),
        };
        // Options are taken from the first that gives them.
        let mut command = Command::new("ssh");
        command.args([
            "-o",
            &format!("Ciphers={CIPHER}"),
            "-o",
            &format!("KexAlgorithms={KEX}"),
            "-o",
            "Compression=no",
        ]);
        if route == Route::Jump {
            command.args(["-o", &format!("ProxyCommand={}", self.through_jump())]);
        }
        command.args(way.get_args());
        command
    }

    fn through_jump(&self) -> String {
        let jump = plain(&self.jump);
        let words: Vec<String> = jump.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        let (host, options) =
            words.split_last().map(|(host, options)| (host.clone(), options.join(" "))).unwrap_or_default();
        format!("ssh -o Ciphers={CIPHER} -o KexAlgorithms={KEX} {options} -W %h:%p {host}")
    }
}

/// A client that signs in as root with the target's own key.
fn plain(target: &SshTarget) -> Command {
    let mut command = Command::new("ssh");
    command.args(["-F", "none", "-i"]).arg(target.key());
    for option in [
        "IdentitiesOnly=yes",
        "StrictHostKeyChecking=no",
        "UserKnownHostsFile=/dev/null",
        "BatchMode=yes",
        "LogLevel=ERROR",
        "ControlPath=none",
    ] {
        command.args(["-o", option]);
    }
    let port = target.address().rsplit(':').next().unwrap_or_default().to_owned();
    command.args(["-p", &port, "root@127.0.0.1"]);
    command
}
