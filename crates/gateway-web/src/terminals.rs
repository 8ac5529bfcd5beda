//! All tabs of this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use postern_domain::policy::Obligations;
use postern_domain::session::EndReason;
use postern_domain::{LoginId, SecretText, SessionId, Timestamp};
use postern_gateway::Sessions;
use postern_ssh_target::target::client_config;
use russh::client;

use crate::attachment::{AttachError, Attachment};
use crate::files::{FileError, Files};
use crate::govern;
use crate::message::Attach;
use crate::open::{self, OpenError, Wish};
use crate::tab::{Attends, Tab};

/// What one person can make the gateway spend, and for how long.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Tabs at once in one login.
    pub tabs_max: usize,
    /// How long a session lives that nobody is attached to, and how long it is remembered that it ended.
    pub kept: Duration,
    /// How long a target has to be reached, to exchange keys, and to take the credential: each.
    pub target_time: Duration,
    /// How many bytes a target may send on a channel before any of them has been taken.
    pub window: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { tabs_max: 32, kept: Duration::from_secs(60), target_time: Duration::from_secs(10), window: 256 * 1024 }
    }
}

/// A tab that has been opened. It carries a secret and has no `Debug`.
pub struct Opened {
    /// The session.
    pub session: SessionId,
    /// What attaches to it, shown once.
    pub ticket: SecretText,
    /// When it must end at the latest.
    pub until: Timestamp,
    /// What it is bound to.
    pub obligations: Obligations,
    /// How long it lives while nobody is attached.
    pub kept: Duration,
}

/// All tabs. Clones are handles on the same.
#[derive(Clone)]
pub struct Terminals {
    shared: Arc<Shared>,
}

struct Shared {
    sessions: Sessions,
    config: Arc<client::Config>,
    limits: Limits,
    tabs: Mutex<HashMap<SessionId, Arc<Tab>>>,
    /// By login, the proof of a factor that has opened a session under a policy that wants one for each.
    spent: Mutex<HashMap<LoginId, Timestamp>>,
}

/// How many logins' spent proofs are remembered; each is of use for a minute.
const SPENT_MAX: usize = 4096;

impl Terminals {
    /// None yet; sessions are opened with `sessions`.
    #[must_use]
    pub fn new(sessions: Sessions, limits: Limits) -> Self {
        let config = client_config(limits.window);
        Self { shared: Arc::new(Shared { sessions, config, limits, tabs: Mutex::default(), spent: Mutex::default() }) }
    }

    /// Opens a session and reaches its target.
    ///
    /// # Errors
    /// When policy says no, or the target is not to be had.
    pub async fn open(&self, wish: Wish) -> Result<Opened, OpenError> {
        let shared = Arc::clone(&self.shared);
        // A task of its own: a browser that goes away in the middle leaves nothing half open.
        let opened = tokio::spawn(async move { shared.open(wish).await }).await;
        opened.unwrap_or_else(|_| Err(OpenError::Unavailable("opening the terminal failed".to_owned())))
    }

    /// When the factor was proved in `login` that has opened a session already under a policy that wants
    /// one for each session.
    #[must_use]
    pub fn spent(&self, login: &LoginId) -> Option<Timestamp> {
        self.shared.spent.lock().unwrap_or_else(PoisonError::into_inner).get(login).copied()
    }

    /// Attaches a browser of `login` to a tab, in the place of whoever was attached.
    ///
    /// # Errors
    /// When there is no such tab, or the ticket or the login is not its own.
    pub fn attach(&self, session: &SessionId, login: &LoginId, wish: &Attach) -> Result<Attachment, AttachError> {
        let tab = self.shared.tabs().get(session).cloned().ok_or(AttachError::Unknown)?;
        if tab.login != *login || !tab.is_ticket(&wish.ticket) {
            return Err(AttachError::Ticket);
        }
        Ok(Attachment::new(tab, wish))
    }

    /// The files of a tab of `login`.
    ///
    /// # Errors
    /// When there is no such tab, it is over, or it may not move files.
    pub async fn files(&self, session: &SessionId, login: &LoginId) -> Result<Arc<Files>, FileError> {
        let tab = self.shared.tabs().get(session).filter(|tab| tab.login == *login).cloned();
        let tab = tab.filter(|tab| tab.state().ended.is_none()).ok_or(FileError::Gone)?;
        // The tab is not forsaken while its files are being asked for the first time.
        let _attends = Attends::new(&tab);
        tab.files().await
    }

    /// Ends a tab of `login`; false when it has none such.
    #[must_use]
    pub fn close(&self, session: &SessionId, login: &LoginId) -> bool {
        let tab = self.shared.tabs().get(session).filter(|tab| tab.login == *login).cloned();
        tab.is_some_and(|tab| {
            tab.closing.cancel();
            true
        })
    }

    /// Ends all tabs of a login that is over.
    pub fn sign_in_over(&self, login: &LoginId) {
        let tabs: Vec<_> = self.shared.tabs().values().filter(|tab| tab.login == *login).cloned().collect();
        for tab in tabs {
            tab.end(EndReason::ClientClosed, "you have signed out");
        }
    }

    /// The logins that have tabs.
    #[must_use]
    pub fn logins(&self) -> Vec<LoginId> {
        let mut logins: Vec<_> = self.shared.tabs().values().map(|tab| tab.login.clone()).collect();
        logins.sort();
        logins.dedup();
        logins
    }
}

impl Shared {
    fn tabs(&self) -> MutexGuard<'_, HashMap<SessionId, Arc<Tab>>> {
        // Each change is one operation of the map.
        self.tabs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn open(self: Arc<Self>, wish: Wish) -> Result<Opened, OpenError> {
        let max = self.limits.tabs_max;
        let live = |tab: &Arc<Tab>| tab.login == wish.login && tab.state().ended.is_none();
        if self.tabs().values().filter(|tab| live(tab)).count() >= max {
            return Err(OpenError::TooMany(max));
        }
        let (login, factor_at) = (wish.login.clone(), wish.factor_at);
        let open::Reached { tab, ticket, governed } =
            open::open(&self.sessions, &self.config, &self.limits, wish).await?;
        let opened = Opened {
            session: tab.id.clone(),
            ticket,
            until: tab.until,
            obligations: tab.obligations.clone(),
            kept: self.limits.kept,
        };
        if let (0, Some(at)) = (opened.obligations.mfa_max_age_seconds, factor_at) {
            let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
            if spent.len() >= SPENT_MAX {
                spent.clear();
            }
            spent.insert(login, at);
        }
        self.tabs().insert(tab.id.clone(), Arc::clone(&tab));
        let shared = Arc::clone(&self);
        tokio::spawn(async move {
            govern::run(Arc::clone(&tab), governed).await;
            // Whoever comes back in time learns why it ended.
            tokio::time::sleep(shared.limits.kept).await;
            shared.tabs().remove(&tab.id);
        });
        Ok(opened)
    }
}
