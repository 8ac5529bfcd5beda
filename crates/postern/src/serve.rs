//! Wiring: the use cases, the gateways and the API in one process, from start to graceful stop.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use postern_api::{InBrowser, Metrics, Server};
use postern_archive::Archive;
use postern_control::{Control, DataFolder, Opening, Settings};
use postern_gateway::{Sessions, SessionsOptions};
use postern_gateway_database::{Gateway as DatabaseGateway, Protocol};
use postern_gateway_ssh::{Config, Gateway};
use postern_gateway_web::{Limits, Terminals};
use postern_tickets::Tickets;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::config::{self, File};
use crate::consoles::consoles;
use crate::exit::{DONE, Failure};
use crate::tls;

const HTTPS_DEFAULT: &str = "127.0.0.1:8443";
const SSH_DEFAULT: &str = "127.0.0.1:2222";
/// What MySQL's clients are told to be the version unless the file says another.
const MYSQL_VERSION: &str = "8.0.36-postern";
/// How long live sessions get to end when the server is stopped.
const DRAIN_MAX: Duration = Duration::from_secs(20);
/// How often timers are looked at: grants that end, requests that lapse.
const TICK: Duration = Duration::from_secs(1);
/// How often due discoveries are looked for.
const DISCOVERY_TICK: Duration = Duration::from_secs(15);

/// What the command line says; it wins over the file.
pub(crate) struct Wanted {
    pub data: PathBuf,
    pub config: Option<PathBuf>,
    pub https: Option<SocketAddr>,
    pub ssh: Option<SocketAddr>,
    pub pg: Option<SocketAddr>,
    pub mysql: Option<SocketAddr>,
    pub redis: Option<SocketAddr>,
}

/// Where things are served, everything considered.
struct Plan {
    file: File,
    data: PathBuf,
    https: SocketAddr,
    ssh: Option<SocketAddr>,
    postgresql: Option<SocketAddr>,
    mysql: Option<SocketAddr>,
    redis: Option<SocketAddr>,
}

/// Where things are served once ports that were left open are known.
#[derive(Clone, Copy)]
struct Served {
    https: SocketAddr,
    ssh: Option<SocketAddr>,
    postgresql: Option<SocketAddr>,
    mysql: Option<SocketAddr>,
    redis: Option<SocketAddr>,
}

impl Plan {
    fn of(wanted: Wanted) -> Result<Self, Failure> {
        let file = wanted.config.as_deref().map(config::read).transpose()?.unwrap_or_default();
        let https = match wanted.https.or(file.https.listen) {
            Some(address) => address,
            None => HTTPS_DEFAULT.parse()?,
        };
        let ssh = match wanted.ssh.or(file.ssh.listen) {
            _ if file.ssh.off => None,
            Some(address) => Some(address),
            None => Some(SSH_DEFAULT.parse()?),
        };
        let postgresql = wanted.pg.or(file.postgresql.listen);
        let mysql = wanted.mysql.or(file.mysql.listen);
        let redis = wanted.redis.or(file.redis.listen);
        Ok(Self { file, data: wanted.data, https, ssh, postgresql, mysql, redis })
    }

    fn settings(&self, served: Served) -> Settings {
        let Served { https, ssh, postgresql, mysql, redis } = served;
        let file = &self.file;
        let reached = |public: &Option<String>, listens: Option<SocketAddr>| {
            public.clone().filter(|_| listens.is_some()).or_else(|| listens.map(|address| address.to_string()))
        };
        let public_url = self.file.https.public_url.clone().unwrap_or_else(|| format!("https://{https}"));
        let ssh_address = file.ssh.public_address.clone().or_else(|| ssh.map(|address| address.to_string()));
        let folder = DataFolder::new(&self.data);
        let key_file = self.file.vault.key_file.clone().unwrap_or_else(|| folder.key_file());
        Settings {
            data: self.data.clone(),
            public_url: public_url.trim_end_matches('/').to_owned(),
            ssh_address,
            ssh_sources: self.file.ssh.source_addresses.iter().map(ToString::to_string).collect(),
            postgresql_address: reached(&file.postgresql.public_address, postgresql),
            mysql_address: reached(&file.mysql.public_address, mysql),
            redis_address: reached(&file.redis.public_address, redis),
            key_file,
            retention: file.retention.clone(),
            break_glass_places: file.break_glass.places.clone(),
            authority: file.https.certificate.is_none().then(|| folder.ca()),
        }
    }
}

/// Settings for the commands that work on a data folder without a server.
pub(crate) fn offline_settings(data: PathBuf) -> Result<Settings, Failure> {
    let plan = Plan::of(Wanted { data, config: None, https: None, ssh: None, pg: None, mysql: None, redis: None })?;
    Ok(plan.settings(Served { https: plan.https, ssh: plan.ssh, postgresql: None, mysql: None, redis: None }))
}

/// Binds what clients of databases are served on.
async fn bind_databases(plan: &Plan) -> Result<Vec<(Protocol, tokio::net::TcpListener)>, Failure> {
    let wanted = [
        (Protocol::Postgresql, plan.postgresql, "--pg"),
        (Protocol::Mysql, plan.mysql, "--mysql"),
        (Protocol::Redis, plan.redis, "--redis"),
    ];
    let mut databases = Vec::new();
    for (protocol, address, flag) in wanted {
        if let Some(address) = address {
            let bound = DatabaseGateway::bind(address).await;
            databases.push((protocol, bound.with_context(|| format!("choose another with {flag}"))?));
        }
    }
    Ok(databases)
}

/// Runs the server until SIGTERM or SIGINT.
pub(crate) async fn run(wanted: Wanted) -> Result<u8, Failure> {
    let plan = Plan::of(wanted)?;
    log(&plan.file.log)?;
    // What can be refused is refused before anything is opened.
    let channels = postern_control::channels(plan.file.channels.clone())?;
    let witnesses = postern_control::witnesses(&plan.file.witnesses)?;
    let archive = archive(&plan.file)?;
    plan.file.retention.check().map_err(|error| Failure::usage(error.to_string()))?;
    let https = tokio::net::TcpListener::bind(plan.https)
        .await
        .with_context(|| format!("cannot listen on {} (https): choose another with --https", plan.https))?;
    let ssh = match plan.ssh {
        Some(address) => Some(Gateway::bind(address).await.context("choose another with --ssh")?),
        None => None,
    };
    let databases = bind_databases(&plan).await?;
    let served = served(&https, ssh.as_ref(), &databases)?;
    let settings = plan.settings(served);
    let options = Opening { key_file: Some(settings.key_file.clone()), start_sealed: plan.file.vault.start_sealed };
    let opened = postern_control::open(settings, options).await?;
    let control = opened.control.clone();
    control.recover().await?;
    control.begin_detecting().await?;
    let tls::Identity { config: tls, certificate } =
        tls::identity(&DataFolder::new(&plan.data), &plan.file.https, served.https)?;
    let sessions = Sessions::new(Arc::new(control.clone()), SessionsOptions::default())?;
    control.attach(sessions.clone());
    control.attach_channels(&channels);
    attach_tickets(&control, &plan.file)?;
    announce(&control, opened.shares.as_deref(), served).await?;

    let stop = control.stop().clone();
    let mut tasks = tokio::task::JoinSet::new();
    let terminals = Terminals::new(sessions.clone(), Limits::default());
    let mut in_browser = InBrowser { terminals: Some(terminals), consoles: None };
    if !databases.is_empty() {
        let config = postern_gateway_database::Config {
            tls: tls.clone(),
            limits: postern_gateway_database::Limits::default(),
            mysql_version: plan.file.mysql.server_version.clone().unwrap_or_else(|| MYSQL_VERSION.to_owned()),
        };
        let gateway = DatabaseGateway::new(sessions.clone(), config)?;
        let consoles = consoles(gateway.door(), certificate).context("the SQL console")?;
        in_browser.consoles = Some(consoles);
        tasks.spawn(gateway.serve(databases, stop.clone()));
    }
    let app = postern_api::app(control.clone(), Arc::new(Metrics::default()), in_browser);
    let server = Server::new(https, tls, app);
    tasks.spawn(server.serve(stop.clone()));
    keep(&control, channels, witnesses, &mut tasks);
    tasks.spawn(control.clone().keep_retention(stop.clone()));
    if let Some(archive) = archive {
        tasks.spawn(control.clone().keep_archive(archive, stop.clone()));
    }
    if let Some(listener) = ssh {
        tasks.spawn(serve_ssh(control.clone(), sessions.clone(), listener, stop.clone()));
    }
    wait_for_stop().await?;
    tracing::info!("stopping: live sessions are being ended");
    sessions.drain(tokio::time::Instant::now() + DRAIN_MAX).await;
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    control.close().await;
    drop(opened.lock);
    tracing::info!("stopped");
    Ok(DONE)
}

/// Where everything listens.
fn served(
    https: &tokio::net::TcpListener,
    ssh: Option<&tokio::net::TcpListener>,
    databases: &[(Protocol, tokio::net::TcpListener)],
) -> Result<Served, Failure> {
    let listens = |protocol: Protocol| {
        let listener = databases.iter().find(|(found, _)| *found == protocol);
        listener.map(|(_, listener)| listener.local_addr()).transpose()
    };
    Ok(Served {
        https: https.local_addr()?,
        ssh: ssh.map(tokio::net::TcpListener::local_addr).transpose()?,
        postgresql: listens(Protocol::Postgresql)?,
        mysql: listens(Protocol::Mysql)?,
        redis: listens(Protocol::Redis)?,
    })
}

/// The archive, where one is configured.
fn archive(file: &File) -> Result<Option<Archive>, Failure> {
    let archive = file.archive.clone().map(Archive::new).transpose();
    archive.map_err(|error| Failure::usage(error.to_string()))
}

/// Tells the use cases which ticket system is asked, where one is.
fn attach_tickets(control: &Control, file: &File) -> Result<(), Failure> {
    if let Some(tickets) = &file.tickets {
        let tickets = Tickets::new(tickets.clone()).map_err(|error| Failure::usage(error.to_string()))?;
        control.attach_tickets(tickets);
    }
    Ok(())
}

/// Begins what goes on by itself for as long as the server runs.
fn keep(
    control: &Control,
    channels: Vec<postern_channels::Channel>,
    witnesses: Vec<postern_witnesses::Witness>,
    tasks: &mut tokio::task::JoinSet<()>,
) {
    let stop = control.stop();
    control.attach_witnesses(&witnesses);
    tasks.spawn(control.clone().keep_witnesses(witnesses, stop.clone()));
    tasks.spawn(control.clone().publish_ledger(stop.clone()));
    tasks.spawn(control.clone().keep_time(TICK, stop.clone()));
    tasks.spawn(control.clone().keep_to_policy(stop.clone()));
    tasks.spawn(control.clone().keep_tickets(stop.clone()));
    tasks.spawn(control.clone().keep_detecting(stop.clone()));
    tasks.spawn(control.clone().keep_search(stop.clone()));
    tasks.spawn(control.clone().keep_secrets(stop.clone()));
    tasks.spawn(control.clone().keep_channels(channels, stop.clone()));
    tasks.spawn(control.clone().keep_bundle(stop.clone()));
    tasks.spawn(control.clone().keep_discovering(DISCOVERY_TICK, stop.clone()));
}

/// The SSH gateway's own key lies in the vault: it is served as soon as the vault is unsealed.
async fn serve_ssh(control: Control, sessions: Sessions, listener: tokio::net::TcpListener, stop: CancellationToken) {
    let key = loop {
        match control.ssh_host_key().await {
            Ok(key) => break key,
            Err(postern_control::Error::Sealed) => tracing::warn!("ssh waits for the vault to be unsealed"),
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "ssh cannot be served"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(2)) => {}
        }
    };
    let gateway = Config::with_host_key(key.expose()).and_then(|config| Gateway::new(sessions, config));
    match gateway {
        Ok(gateway) => gateway.serve(listener, stop).await,
        Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "ssh cannot be served"),
    }
}

async fn wait_for_stop() -> Result<(), Failure> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Says where things are, and once what will never be said again. On standard output: it is for the
/// person who started the server, not for the log.
async fn announce(
    control: &Control,
    shares: Option<&[postern_domain::SecretText]>,
    served: Served,
) -> Result<(), Failure> {
    use crate::output::line;
    if let Some(shares) = shares {
        line("The vault was made. Keep these recovery shares apart from each other; they are shown only now.")?;
        line("Any 3 of them open the vault when its key file is lost:")?;
        for share in shares {
            line(&format!("  {}", share.expose()))?;
        }
    }
    line(&format!("console  {}", control.settings().public_url))?;
    if let Some(address) = served.ssh {
        line(&format!("ssh      {address}"))?;
    }
    if let Some(address) = served.postgresql {
        line(&format!("pg       {address}"))?;
    }
    if let Some(address) = served.mysql {
        line(&format!("mysql    {address}"))?;
    }
    if let Some(address) = served.redis {
        line(&format!("redis    {address}"))?;
    }
    if let Some(link) = control.setup_link().await? {
        line(&format!(
            "set up the first administrator (once, until {}): {}",
            crate::output::time(link.expires_at),
            link.url
        ))?;
    }
    Ok(())
}

fn log(wanted: &config::Log) -> Result<(), Failure> {
    let filter = wanted.filter.clone().or_else(|| std::env::var("POSTERN_LOG").ok());
    let filter = EnvFilter::try_new(filter.as_deref().unwrap_or("info,russh=warn"))
        .map_err(|error| Failure::usage(format!("log.filter: {error}")))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if wanted.json {
        builder.json().init();
    } else {
        builder.with_ansi(std::io::stderr().is_terminal()).init();
    }
    Ok(())
}
