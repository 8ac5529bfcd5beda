//! `postern connect` and `postern proxy`: databases with the clients that people have.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use postern_control::{AccessItem, ConnectTicket};
use postern_domain::{AccountRef, Period};
use serde_json::json;

use crate::client::{Client, Profile, folder};
use crate::exit::{DONE, Failure};
use crate::output::{self, Format};
use crate::proxy;

mod clients;

use clients::Started;

/// Connect to a database with the client that speaks to it.
#[derive(Args)]
pub(crate) struct Connect {
    #[command(flatten)]
    wanted: Wanted,
    /// The database there: a name, which is the account's unless given, or a number for Redis.
    database: Option<String>,
    /// Print a URI with the token in it instead of starting a client.
    #[arg(long)]
    print: bool,
    /// How long connections can be opened with the token: 30s to 12h.
    #[arg(long = "for", value_name = "DURATION", default_value = "5m")]
    lasts: Period,
    /// Arguments for the client.
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Offer a database on a local port, for clients that keep connecting: no password is asked for there.
#[derive(Args)]
pub(crate) struct Proxy {
    #[command(flatten)]
    wanted: Wanted,
    /// Where to listen; a free port of this machine unless given.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

/// What to connect to.
#[derive(Args)]
struct Wanted {
    /// The asset, or account@asset where you can reach several accounts on it.
    target: String,
    /// A one-time code, where policy asks for one at every session.
    #[arg(long)]
    otp: Option<String>,
    /// Let the token work from the address that this machine has to the server only.
    #[arg(long)]
    bind_source: bool,
}

impl Wanted {
    /// The account that is meant.
    async fn account(&self, client: &Client) -> Result<AccountRef, Failure> {
        if self.target.contains('@') {
            return Ok(self.target.parse()?);
        }
        let query = [("q", Some(self.target.clone()))];
        let items: Vec<AccessItem> = client.all("/v1/access", &query).await?;
        let accounts: Vec<_> =
            items.into_iter().map(|item| item.account).filter(|found| found.asset.as_str() == self.target).collect();
        match accounts.as_slice() {
            [account] => Ok(account.clone()),
            [] => Err(Failure::usage(format!("nothing named {} can be reached; see postern access", self.target))),
            several => {
                let names: Vec<_> = several.iter().map(ToString::to_string).collect();
                Err(Failure::usage(format!("say which account: {}", names.join(", "))))
            }
        }
    }

    async fn ticket(&self, client: &Client, lasts: Period) -> Result<ConnectTicket, Failure> {
        let body = json!({
            "account": self.account(client).await?,
            "expires_in_seconds": lasts.seconds(),
            "bind_source": self.bind_source,
            "code": self.otp,
        });
        client.post("/v1/connect-tokens", &body).await
    }
}

/// The file with the authority that the gate is verified by; none means the system's.
fn authority(profile: &Profile) -> Result<Option<PathBuf>, Failure> {
    let Some(pem) = &profile.ca else { return Ok(None) };
    let path = folder()?.join("gate-ca.pem");
    std::fs::write(&path, pem).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Some(path))
}

impl Connect {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let profile = Profile::load()?;
        let client = Client::signed_in()?;
        let ticket = self.wanted.ticket(&client, self.lasts).await?;
        let authority = authority(&profile)?;
        let root = authority.as_ref().map_or_else(|| "system".to_owned(), |path| path.display().to_string());
        let started = Started { ticket: &ticket, database: self.database.as_deref(), root: &root };
        if self.print {
            if format != Format::Table {
                output::one(format, &ticket)?;
            } else {
                output::line(&started.uri()?)?;
            }
            return Ok(DONE);
        }
        started.client(&self.arguments)
    }
}

impl Proxy {
    pub(crate) async fn run(self) -> Result<u8, Failure> {
        let profile = Profile::load()?;
        let client = Client::signed_in()?;
        // What is refused is refused now, not when somebody connects.
        let first = self.wanted.ticket(&client, Period::from_seconds(60)).await?;
        let listener = tokio::net::TcpListener::bind(self.listen)
            .await
            .with_context(|| format!("cannot listen on {}: choose another with --listen", self.listen))?;
        let address = listener.local_addr()?;
        output::line(&format!("{} on {address}; end with Ctrl-C", first.account))?;
        output::line(&format!("  {}", clients::local(&first, address)))?;
        let gate = proxy::Gate::of(profile.ca.as_deref())?;
        let protocol = first.protocol.clone();
        let mut ready = Some(first).filter(|_| self.wanted.otp.is_some());
        loop {
            let (stream, _) = listener.accept().await?;
            let ticket = match ready.take() {
                Some(ticket) => Ok(ticket),
                None => self.wanted.ticket(&client, Period::from_seconds(60)).await,
            };
            match ticket {
                Ok(ticket) => drop(tokio::spawn(gate.clone().relay(stream, ticket))),
                Err(failure) => drop(tokio::spawn(proxy::refuse(stream, protocol.clone(), failure.message()))),
            }
        }
    }
}
