//! PostgreSQL: short queries, bulk out, memory; beside a direct connection and pgbouncer, which pools
//! sessions. All three with TLS on every way, the gate recording every statement. MariaDB and Redis follow.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, bail};
use postern_e2e::{Child, DatabaseWorld, Person, free_port, run, until};
use tempfile::TempDir;

use crate::figures::{Figures, median};
use crate::process::{cpu_seconds, resident_kib};

const ROLE: &str = "app_admin";
const KIB_PER_SESSION_MAX: f64 = 64.0;

/// How much is measured.
pub(crate) struct Extent {
    seconds: u32,
    rounds: usize,
    mebibytes: u32,
    sessions: u32,
    only: Option<String>,
}

impl Extent {
    /// From the command line.
    pub(crate) fn of(arguments: &[String]) -> anyhow::Result<Self> {
        let mut extent = Self { seconds: 4, rounds: 3, mebibytes: 1024, sessions: 2000, only: None };
        for pair in arguments.chunks(2) {
            let [name, value] = pair else { bail!("{}: a number is missing", pair.concat()) };
            if name == "--only" {
                extent.only = Some(value.clone());
                continue;
            }
            let value: u32 = value.parse().with_context(|| format!("{name}: not a number"))?;
            match name.as_str() {
                "--seconds" => extent.seconds = value,
                "--rounds" => extent.rounds = usize::try_from(value)?,
                "--mebibytes" => extent.mebibytes = value,
                "--sessions" => extent.sessions = value,
                _ => bail!("{name} is not known"),
            }
        }
        Ok(extent)
    }

    fn wants(&self, database: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == database)
    }

    /// How long each round of each measurement lasts, in seconds.
    pub(crate) fn seconds(&self) -> u32 {
        self.seconds
    }

    /// How often each measurement is repeated.
    pub(crate) fn rounds(&self) -> usize {
        self.rounds
    }
}

/// A way to the database.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Route {
    Direct,
    Pooler,
    Gate,
}

/// pgbouncer, with a folder of its own.
struct Pooler {
    folder: TempDir,
    port: u16,
    process: Child,
}

impl Pooler {
    fn start(world: &DatabaseWorld) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path();
        let port = free_port()?;
        run(Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=localhost", "-keyout"])
            .arg(path.join("key"))
            .arg("-out")
            .arg(path.join("certificate")))?
        .ok()?;
        let shown = path.display();
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\npool_mode = session\nmax_client_conn = 4000\ndefault_pool_size = 100\n\
             auth_type = scram-sha-256\nauth_file = {shown}/users\nclient_tls_sslmode = require\n\
             client_tls_key_file = {shown}/key\nclient_tls_cert_file = {shown}/certificate\n\
             server_tls_sslmode = require\nlogfile = {shown}/log\npidfile =\nignore_startup_parameters = extra_float_digits\n",
            world.target.port(),
        );
        fs::write(path.join("settings.ini"), settings)?;
        fs::write(path.join("users"), format!("\"{ROLE}\" \"{}\"\n", world.target.password()))?;
        run(Command::new("chown").args(["-R", "postgres"]).arg(path))?.ok()?;
        let mut command = Command::new("pgbouncer");
        command.args(["-q", "-u", "postgres"]).arg(path.join("settings.ini"));
        let child = Child::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()))?;
        until("pgbouncer", || Ok(std::net::TcpStream::connect(("127.0.0.1", port)).ok()))?;
        Ok(Self { folder, port, process: child })
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

/// All ways to one database.
struct Roads {
    world: DatabaseWorld,
    uri: String,
    pooler: Pooler,
    /// Whose settings hold the gate's certificate that the address names.
    _ben: Person,
}

impl Roads {
    fn open(sessions: u32) -> anyhow::Result<Self> {
        let mut world = DatabaseWorld::start()?;
        world.target.sql(&format!("alter system set max_connections = {}", sessions + 100))?;
        world.target.stop();
        world.target.resume()?;
        let ben: Person = world.person("ben", "dba")?;
        let uri = ben.cli(&["connect", "app_admin@orders", "shop", "--print", "--for", "12h"])?.ok()?.text();
        run(world.target.direct("pgbench").args(["-q", "-i", "-s", "10"]))?.ok()?;
        let pooler = Pooler::start(&world)?;
        Ok(Self { uri: uri.trim().to_owned(), pooler, world, _ben: ben })
    }

    /// A client on its way; the connection comes last.
    fn command(&self, route: Route, program: &str, arguments: &[&str]) -> Command {
        let mut command = self.world.target.direct(program);
        command.args(arguments);
        match route {
            Route::Direct => {}
            Route::Pooler => {
                command.env("PGPORT", self.pooler.port.to_string());
            }
            Route::Gate => {
                for name in ["PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSSLMODE"] {
                    command.env_remove(name);
                }
                command.args(if program == "psql" { &["-d"][..] } else { &[] }).arg(&self.uri);
            }
        }
        command
    }
}

/// Measures everything; says whether every goal was reached.
pub(crate) fn run_all(extent: &Extent) -> anyhow::Result<bool> {
    let mut figures = Figures::default();
    type Measure = fn(&Extent, &mut Figures) -> anyhow::Result<()>;
    let all: [(&str, Measure); 3] =
        [("postgresql", postgres), ("mysql", crate::mysql::measure), ("redis", crate::redis::measure)];
    for (_, measure) in all.into_iter().filter(|(name, _)| extent.wants(name)) {
        measure(extent, &mut figures)?;
    }
    Ok(figures.print())
}

fn postgres(extent: &Extent, figures: &mut Figures) -> anyhow::Result<()> {
    let roads = Roads::open(extent.sessions)?;
    for mode in ["simple", "prepared"] {
        for clients in [1, 8, 16] {
            short_queries(extent, &roads, mode, clients, figures)?;
        }
    }
    bulk(extent, &roads, figures)?;
    memory(extent, &roads, figures)
}

fn short_queries(
    extent: &Extent,
    roads: &Roads,
    mode: &str,
    clients: u32,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let gate = roads.world.gate.id();
    let (seconds, count, threads) = (extent.seconds.to_string(), clients.to_string(), clients.min(2).to_string());
    let arguments = ["-n", "-S", "-M", mode, "-c", &count, "-j", &threads, "-T", &seconds];
    let (mut direct, mut pooler, mut through) = (Vec::new(), Vec::new(), Vec::new());
    let (mut cpu, mut pooler_cpu) = (Vec::new(), Vec::new());
    for _ in 0..extent.rounds {
        for route in [Route::Direct, Route::Pooler, Route::Gate] {
            let process = if route == Route::Pooler { roads.pooler.process.id() } else { gate };
            let before = cpu_seconds(process)?;
            let ran = run(&mut roads.command(route, "pgbench", &arguments))?;
            if ran.code != 0 {
                bail!("{}\n{}", ran.said(), roads.pooler.log());
            }
            let text = ran.text();
            let tps = number(&text, "tps = ")?;
            let done = number(&text, "number of transactions actually processed: ")?;
            let used = (cpu_seconds(process)? - before) * 1e6 / done;
            match route {
                Route::Direct => direct.push(tps),
                Route::Pooler => {
                    pooler.push(tps);
                    pooler_cpu.push(used);
                }
                Route::Gate => {
                    through.push(tps);
                    cpu.push(used);
                }
            }
        }
    }
    let (direct, pooler, through) = (median(&direct), median(&pooler), median(&through));
    let name = format!("{mode}_{clients}");
    figures.plain(&format!("{name}_tps"), through);
    figures.plain(&format!("{name}_of_direct"), through / direct);
    figures.at_least(&format!("{name}_of_pgbouncer"), through / pooler, 1.2);
    figures.plain(&format!("{name}_pgbouncer_cpu_us"), median(&pooler_cpu));
    figures.at_most(&format!("{name}_gate_cpu_us"), median(&cpu), 25.0);
    Ok(())
}

/// The number behind a word.
pub(crate) fn number(text: &str, word: &str) -> anyhow::Result<f64> {
    let after = text.split_once(word).with_context(|| format!("no `{word}` in {text}"))?.1;
    let digits: String = after.trim_start().chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    Ok(digits.parse()?)
}

fn bulk(extent: &Extent, roads: &Roads, figures: &mut Figures) -> anyhow::Result<()> {
    let rows = extent.mebibytes * 1024;
    let sql =
        format!("create table bulk as select repeat('x', 1017) || n % 1000 as text from generate_series(1, {rows}) n");
    run(roads.world.target.direct("psql").args(["-X", "-q", "-c", &sql]))?.ok()?;
    let gate = roads.world.gate.id();
    let (mut direct, mut pooler, mut through, mut cpu) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..extent.rounds {
        for route in [Route::Direct, Route::Pooler, Route::Gate] {
            let mut command = roads.command(route, "psql", &["-X", "-q", "-c", "copy bulk to stdout"]);
            let (before, begun) = (cpu_seconds(gate)?, Instant::now());
            let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
            let seconds = begun.elapsed().as_secs_f64();
            if !status.success() {
                bail!("{command:?}: {status}");
            }
            match route {
                Route::Direct => direct.push(seconds),
                Route::Pooler => pooler.push(seconds),
                Route::Gate => {
                    through.push(seconds);
                    cpu.push(cpu_seconds(gate)? - before);
                }
            }
        }
    }
    let (direct, pooler, through) = (median(&direct), median(&pooler), median(&through));
    figures.plain("copy_out_mib_per_second", f64::from(extent.mebibytes) / through);
    figures.at_least("copy_out_of_direct", direct / through, 0.7);
    figures.plain("copy_out_of_pgbouncer", pooler / through);
    figures.plain("copy_out_gate_cpu_seconds", median(&cpu));
    Ok(())
}

fn memory(extent: &Extent, roads: &Roads, figures: &mut Figures) -> anyhow::Result<()> {
    let gate = roads.world.gate.id();
    let script = tempfile::NamedTempFile::new()?;
    fs::write(script.path(), "\\sleep 600 s\n")?;
    let (count, path) = (extent.sessions.to_string(), script.path().display().to_string());
    let before = resident_kib(gate)?;
    let mut command = roads.command(Route::Gate, "pgbench", &["-n", "-t", "1", "-c", &count, "-j", "4", "-f", &path]);
    let _clients = Child::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()))?;
    let idle = format!("select count(*) >= {count} from pg_stat_activity where usename = '{ROLE}'");
    postern_e2e::within("all sessions", std::time::Duration::from_secs(600), || {
        Ok((roads.world.target.sql(&idle)? == "t").then_some(()))
    })?;
    let each = (resident_kib(gate)? - before) / f64::from(extent.sessions);
    figures.plain("idle_sessions", f64::from(extent.sessions));
    figures.at_most("idle_session_kib", each, KIB_PER_SESSION_MAX);
    Ok(())
}
