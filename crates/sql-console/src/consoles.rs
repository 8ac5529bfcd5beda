//! All consoles of this process.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use postern_domain::{AccountRef, LoginId, SecretText, Timestamp};
use rustls::ClientConfig;

use crate::client::{Client, Gone};
use crate::console::Console;
use crate::line::{Door, Protocol, SignIn};
use crate::mysql::Mysql;
use crate::pg::Postgres;

/// How many logins' spent proofs are remembered; each is of use for a minute.
const SPENT_MAX: usize = 4096;

/// What one person can make the gateway spend, and for how long.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Consoles at once in one login.
    pub consoles_max: usize,
    /// How long a console lives that nobody is attached to.
    pub kept: Duration,
    /// How long the gateway has to let somebody in, its target included.
    pub sign_in_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { consoles_max: 16, kept: Duration::from_secs(60), sign_in_time: Duration::from_secs(30) }
    }
}

/// A wish for a console.
pub struct Wish {
    /// In which login.
    pub login: LoginId,
    /// On what.
    pub account: AccountRef,
    /// What is spoken with it.
    pub protocol: Protocol,
    /// The connect token.
    pub token: SecretText,
    /// The database to begin with.
    pub database: Option<String>,
    /// From where.
    pub source: IpAddr,
    /// Whether what is shown may be kept as a file.
    pub may_export: bool,
    /// The proof of a factor that this uses up, where policy wants one for each session.
    pub spends: Option<Timestamp>,
}

/// A console that has been opened. It carries a secret and has no `Debug`.
pub struct Opened {
    /// What it is called.
    pub console: String,
    /// What attaches to it, shown once.
    pub ticket: SecretText,
    /// How long it lives while nobody is attached.
    pub kept: Duration,
}

/// Why there is no console. The texts are for the person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The gateway says no, or the target is not to be had.
    #[error("{0}")]
    Told(String),
    /// The gateway cannot be reached.
    #[error("{0}")]
    Unavailable(String),
    /// This sign-in has as many consoles as it may.
    #[error("{0} SQL consoles are open in this sign-in already; close some")]
    TooMany(usize),
}

/// Why nobody attaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// There is none, or it is over.
    #[error("there is no such console")]
    Unknown,
    /// The ticket or the login is not its own.
    #[error("not the ticket of this console")]
    Ticket,
    /// Somebody is attached.
    #[error("the console is open in another tab")]
    Taken,
}

/// All consoles. Clones are handles on the same.
#[derive(Clone)]
pub struct Consoles {
    shared: Arc<Shared>,
}

struct Shared {
    door: Arc<dyn Door>,
    tls: Arc<ClientConfig>,
    limits: Limits,
    known: Mutex<HashMap<String, Known>>,
    /// By login, the proof of a factor that has opened a session under a policy that wants one for each.
    spent: Mutex<HashMap<LoginId, Timestamp>>,
}

/// A console that there is.
struct Known {
    login: LoginId,
    ticket: Vec<u8>,
    /// It itself while nobody is attached, and how often it has been left so.
    parked: Option<Box<Console>>,
    times: u64,
}

/// A console's place among all; given back when dropped.
pub(crate) struct Place {
    shared: Arc<Shared>,
    name: String,
    pub(crate) login: LoginId,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.known().remove(&self.name);
    }
}

impl Shared {
    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        // Each change is one operation of the map.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Consoles {
    /// None yet. The gateway is entered by `door`, and known by what `tls` trusts.
    #[must_use]
    pub fn new(door: Arc<dyn Door>, tls: Arc<ClientConfig>, limits: Limits) -> Self {
        let (known, spent) = (Mutex::default(), Mutex::default());
        Self { shared: Arc::new(Shared { door, tls, limits, known, spent }) }
    }

    /// When the factor was proved in `login` that has opened a session already under a policy that wants
    /// one for each session.
    #[must_use]
    pub fn spent(&self, login: &LoginId) -> Option<Timestamp> {
        self.shared.spent.lock().unwrap_or_else(PoisonError::into_inner).get(login).copied()
    }

    /// Signs in to the gateway, which opens a session and reaches its target.
    ///
    /// # Errors
    /// When the gateway says no, or there are too many.
    pub async fn open(&self, wish: Wish) -> Result<Opened, OpenError> {
        let this = self.clone();
        // A task of its own: a browser that goes away in the middle leaves nothing half open.
        let opened = tokio::spawn(async move { this.open_now(wish).await }).await;
        opened.unwrap_or_else(|_| Err(OpenError::Unavailable("opening the console failed".to_owned())))
    }

    async fn open_now(&self, wish: Wish) -> Result<Opened, OpenError> {
        let Shared { limits, door, .. } = &*self.shared;
        let (name, ticket) = (format!("con_{}", random::<16>()?), format!("pst_console_{}", random::<32>()?));
        let ticket = SecretText::new(ticket);
        {
            let mut known = self.shared.known();
            if known.values().filter(|other| other.login == wish.login).count() >= limits.consoles_max {
                return Err(OpenError::TooMany(limits.consoles_max));
            }
            let ticket = hashed(&ticket);
            known.insert(name.clone(), Known { login: wish.login.clone(), ticket, parked: None, times: 0 });
        }
        let place = Place { shared: Arc::clone(&self.shared), name: name.clone(), login: wish.login.clone() };
        let reaching = self.sign_in(&wish);
        let client = match tokio::time::timeout(limits.sign_in_time, reaching).await {
            Ok(Ok(client)) => client,
            Ok(Err(Gone::Told(why))) => return Err(OpenError::Told(why)),
            Ok(Err(broke @ Gone::Broke(_))) => return Err(OpenError::Unavailable(broke.to_string())),
            Err(_) => return Err(OpenError::Unavailable("the gateway did not let you in in time".to_owned())),
        };
        if let Some(at) = wish.spends {
            let mut spent = self.shared.spent.lock().unwrap_or_else(PoisonError::into_inner);
            if spent.len() >= SPENT_MAX {
                spent.clear();
            }
            spent.insert(wish.login.clone(), at);
        }
        let whose = (place, wish.account, wish.may_export);
        self.park(Console::new(whose, client, (Arc::clone(door), wish.source)));
        Ok(Opened { console: name, ticket, kept: limits.kept })
    }

    async fn sign_in(&self, wish: &Wish) -> Result<Client, Gone> {
        let stream = self.shared.door.enter(wish.protocol, wish.source).await?;
        let wanted = SignIn {
            account: &wish.account,
            token: &wish.token,
            database: wish.database.as_deref(),
            tls: Arc::clone(&self.shared.tls),
        };
        Ok(match wish.protocol {
            Protocol::Postgresql => Client::Postgres(Postgres::sign_in(stream, &wanted).await?),
            Protocol::Mysql => Client::Mysql(Mysql::sign_in(stream, &wanted).await?),
        })
    }

    /// Attaches a browser of `login` to a console that nobody is attached to.
    ///
    /// # Errors
    /// When there is no such console, the ticket or the login is not its own, or it is taken.
    pub fn attach(&self, name: &str, login: &LoginId, ticket: &SecretText) -> Result<Console, AttachError> {
        let mut known = self.shared.known();
        let found = known.get_mut(name).ok_or(AttachError::Unknown)?;
        if found.login != *login || verify_slices_are_equal(&found.ticket, &hashed(ticket)).is_err() {
            return Err(AttachError::Ticket);
        }
        let mut console = found.parked.take().ok_or(AttachError::Taken)?;
        console.greet();
        Ok(*console)
    }

    /// Takes a console back whose browser is gone. What runs in it is cancelled; it is kept for a while.
    pub async fn release(&self, mut console: Console) {
        if console.is_over() || !console.quieten().await {
            console.leave().await;
            return;
        }
        self.park(console);
    }

    fn park(&self, console: Console) {
        let name = console.place.name.clone();
        let mut known = self.shared.known();
        let Some(found) = known.get_mut(&name) else { return };
        found.times += 1;
        found.parked = Some(Box::new(console));
        let (times, shared, kept) = (found.times, Arc::clone(&self.shared), self.shared.limits.kept);
        drop(known);
        tokio::spawn(async move {
            tokio::time::sleep(kept).await;
            let forsaken = shared.known().get_mut(&name).filter(|found| found.times == times)?.parked.take();
            // Dropped after the lock: its place is taken out of what the lock guards.
            forsaken?.leave().await;
            Some(())
        });
    }
}

fn hashed(ticket: &SecretText) -> Vec<u8> {
    digest(&SHA256, ticket.expose().as_bytes()).as_ref().to_vec()
}

fn random<const N: usize>() -> Result<String, OpenError> {
    let mut random = [0; N];
    rand::fill(&mut random).map_err(|_| OpenError::Unavailable(io::Error::other("no random bytes").to_string()))?;
    Ok(hex::encode(random))
}
