//! SSH: bulk both ways, connecting, a keystroke's echo, the cutting of sessions, memory.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use postern_e2e::{until, within};

use crate::cut;
use crate::figures::{Figures, median, quantile};
use crate::process::{cpu_seconds, resident_kib};
use crate::route::{Roads, Route};

/// Clients that connect at the same time when many are wanted.
const AT_ONCE: usize = 12;
/// Keystrokes that are typed on each route.
const KEYSTROKES: usize = 400;
/// Typed before counting begins.
const KEYSTROKES_FIRST: usize = 20;
const MIB_PER_GIB: f64 = 1024.0;
/// How much of the sessions' memory may be kept, and how long giving the rest back may take.
const KEPT_MAX: f64 = 0.25;
const GIVE_BACK: Duration = Duration::from_secs(5);

/// How much is measured.
pub(crate) struct Extent {
    mebibytes: usize,
    rounds: usize,
    logins: usize,
    sessions: usize,
}

impl Extent {
    /// From the command line.
    pub(crate) fn of(arguments: &[String]) -> anyhow::Result<Self> {
        let mut extent = Self { mebibytes: 512, rounds: 5, logins: 20, sessions: 1000 };
        for pair in arguments.chunks(2) {
            let [name, value] = pair else { bail!("{}: a number is missing", pair.concat()) };
            let value = value.parse().with_context(|| format!("{name}: not a number"))?;
            match name.as_str() {
                "--mebibytes" => extent.mebibytes = value,
                "--rounds" => extent.rounds = value,
                "--logins" => extent.logins = value,
                "--sessions" => extent.sessions = value,
                _ => bail!("{name} is not known"),
            }
        }
        Ok(extent)
    }
}

/// Measures everything; says whether every goal was reached.
pub(crate) fn run_all(extent: &Extent, roads: &Roads) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    bulk(extent, roads, &mut figures)?;
    connect(extent, roads, &mut figures)?;
    echo(roads, &mut figures)?;
    cut::measure(roads, &mut figures)?;
    memory(extent, roads, &mut figures)?;
    Ok(figures)
}

/// The same, on roads of its own.
pub(crate) fn run(extent: &Extent) -> anyhow::Result<bool> {
    let roads = Roads::open()?;
    Ok(run_all(extent, &roads)?.print())
}

/// One direction of bulk transfer, in seconds.
fn transfer(mut command: Command, input: Option<&std::path::Path>) -> anyhow::Result<f64> {
    let stdin = match input {
        Some(path) => Stdio::from(File::open(path)?),
        None => Stdio::null(),
    };
    let begun = Instant::now();
    let status = command.stdin(stdin).stdout(Stdio::null()).status()?;
    if !status.success() {
        bail!("{command:?}: {status}");
    }
    Ok(begun.elapsed().as_secs_f64())
}

fn bulk(extent: &Extent, roads: &Roads, figures: &mut Figures) -> anyhow::Result<()> {
    let mib = extent.mebibytes;
    let blob = tempfile::NamedTempFile::new_in("/dev/shm")?;
    let fill = format!("head -c {mib}M /dev/urandom >{}", blob.path().display());
    run_shell(&fill)?;
    run_command(roads.ssh(Route::Direct).arg(format!("head -c {mib}M /dev/urandom >/tmp/blob")))?;
    let gate = roads.world.gate.id();
    #[allow(clippy::cast_precision_loss)]
    let gib = mib as f64 / MIB_PER_GIB;
    for (name, is_up) in [("download", false), ("upload", true)] {
        let (mut direct, mut through, mut jump, mut cpu) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..extent.rounds {
            for route in [Route::Direct, Route::Gate, Route::Jump] {
                let mut command = roads.ssh(route);
                command.arg(if is_up { "cat >/dev/null" } else { "cat /tmp/blob" });
                let before = cpu_seconds(gate)?;
                let seconds = transfer(command, is_up.then(|| blob.path()))?;
                match route {
                    Route::Direct => direct.push(seconds),
                    Route::Jump => jump.push(seconds),
                    Route::Gate => {
                        through.push(seconds);
                        cpu.push((cpu_seconds(gate)? - before) / gib);
                    }
                }
            }
        }
        let (direct, through, jump) = (median(&direct), median(&through), median(&jump));
        let (of_direct, of_jump) = if is_up { (0.6, 2.0) } else { (0.75, 1.3) };
        figures.plain(&format!("{name}_mib_per_second"), mib_per_second(mib, through));
        figures.at_least(&format!("{name}_of_direct"), direct / through, of_direct);
        figures.at_least(&format!("{name}_of_jump"), jump / through, of_jump);
        figures.at_most(&format!("{name}_gate_cpu_seconds_per_gib"), median(&cpu), 1.5);
    }
    Ok(())
}

#[allow(clippy::cast_precision_loss)]
fn mib_per_second(mib: usize, seconds: f64) -> f64 {
    mib as f64 / seconds
}

fn run_shell(script: &str) -> anyhow::Result<()> {
    run_command(Command::new("sh").args(["-c", script]))
}

fn run_command(command: &mut Command) -> anyhow::Result<()> {
    postern_e2e::run(command)?.ok()?;
    Ok(())
}

fn connect(extent: &Extent, roads: &Roads, figures: &mut Figures) -> anyhow::Result<()> {
    let gate = roads.world.gate.id();
    let (mut direct, mut through) = (Vec::new(), Vec::new());
    let mut cpu = 0.0;
    for _ in 0..extent.logins {
        for route in [Route::Direct, Route::Gate] {
            let mut command = roads.ssh(route);
            command.arg("true");
            let before = cpu_seconds(gate)?;
            let seconds = transfer(command, None)?;
            if route == Route::Gate {
                through.push(seconds);
                cpu += cpu_seconds(gate)? - before;
            } else {
                direct.push(seconds);
            }
        }
    }
    #[allow(clippy::cast_precision_loss)]
    let per_login = cpu * 1000.0 / extent.logins.max(1) as f64;
    figures.plain("connect_ms", median(&through) * 1000.0);
    figures.at_most("connect_of_direct", median(&through) / median(&direct), 1.15);
    figures.at_most("login_gate_cpu_ms", per_login, 15.0);
    Ok(())
}

/// Somebody at a terminal whose every keystroke comes back.
struct Typist(Child);

impl Typist {
    fn new(mut command: Command) -> anyhow::Result<Self> {
        // Typed characters come back one by one, and nothing else does.
        command.arg("stty raw -echo; echo ready; exec cat");
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut typist = Self(child);
        let mut seen = Vec::new();
        while !seen.ends_with(b"ready\n") {
            seen.push(typist.read()?);
        }
        Ok(typist)
    }

    fn read(&mut self) -> anyhow::Result<u8> {
        let mut byte = [0];
        self.0.stdout.as_mut().context("no output")?.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    /// Types a character and waits for it; gives the milliseconds.
    fn strike(&mut self) -> anyhow::Result<f64> {
        let begun = Instant::now();
        self.0.stdin.as_mut().context("no input")?.write_all(b"x")?;
        self.read()?;
        Ok(begun.elapsed().as_secs_f64() * 1000.0)
    }
}

impl Drop for Typist {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn echo(roads: &Roads, figures: &mut Figures) -> anyhow::Result<()> {
    let command = |route| {
        let whole = roads.ssh(route);
        let mut with_terminal = Command::new("ssh");
        with_terminal.arg("-tt").args(whole.get_args());
        with_terminal
    };
    let mut direct = Typist::new(command(Route::Direct))?;
    let mut through = Typist::new(command(Route::Gate))?;
    let (mut of_direct, mut of_gate) = (Vec::new(), Vec::new());
    for stroke in 0..KEYSTROKES_FIRST + KEYSTROKES {
        let (one, other) = (direct.strike()?, through.strike()?);
        if stroke >= KEYSTROKES_FIRST {
            of_direct.push(one);
            of_gate.push(other);
        }
    }
    figures.plain("echo_ms", median(&of_gate));
    figures.at_most("echo_added_ms", median(&of_gate) - median(&of_direct), 0.15);
    figures.at_most("echo_added_p99_ms", quantile(&of_gate, 0.99) - quantile(&of_direct, 0.99), 1.0);
    Ok(())
}

/// What a process occupies once it has had the time to give back what its sessions took.
fn given_back(gate: u32, before: f64, during: f64) -> anyhow::Result<f64> {
    let enough = before + (during - before) * KEPT_MAX;
    let waited = within("memory to be given back", GIVE_BACK, || Ok((resident_kib(gate)? <= enough).then_some(())));
    // What is still there then is the figure.
    drop(waited);
    resident_kib(gate)
}

/// Idle sessions, ended when dropped.
struct Idle(Vec<Child>);

impl Drop for Idle {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
        }
        for child in &mut self.0 {
            let _ = child.wait();
        }
    }
}

fn memory(extent: &Extent, roads: &Roads, figures: &mut Figures) -> anyhow::Result<()> {
    let gate = roads.world.gate.id();
    let before = resident_kib(gate)?;
    let mut idle = Idle(Vec::new());
    while idle.0.len() < extent.sessions {
        let wanted = AT_ONCE.min(extent.sessions - idle.0.len());
        let mut opening = Vec::new();
        for _ in 0..wanted {
            let mut command = roads.ssh(Route::Gate);
            command.arg("echo open; exec sleep 100000");
            opening.push(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?);
        }
        for mut child in opening {
            let mut line = [0; 5];
            let open = child.stdout.as_mut().context("no output")?.read_exact(&mut line);
            idle.0.push(child);
            open.with_context(|| format!("session {} did not open", idle.0.len()))?;
        }
    }
    let during = resident_kib(gate)?;
    let opened = idle.0.len();
    drop(idle);
    until("the sessions to end", || {
        let live = roads.world.ada.cli(&["sessions", "--live", "-o", "json"])?.json()?;
        Ok(live.as_array().is_some_and(Vec::is_empty).then_some(()))
    })?;
    let after = given_back(gate, before, during)?;
    #[allow(clippy::cast_precision_loss)]
    let each = (during - before) / opened.max(1) as f64;
    #[allow(clippy::cast_precision_loss)]
    figures.plain("sessions_open", opened as f64);
    figures.at_most("session_resident_kib", each, 192.0);
    // What is not given back of what the sessions took.
    figures.at_most("memory_kept", (after - before) / (during - before).max(1.0), KEPT_MAX);
    Ok(())
}
