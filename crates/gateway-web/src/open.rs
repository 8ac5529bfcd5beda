//! Opening a tab: the session, the way to its target, and somebody to govern both.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand;
use postern_domain::session::{EndReason, Machine};
use postern_domain::{AccountRef, LoginId, SecretText, Timestamp, UserId, UserName};
use postern_gateway::{BrokerError, ConnectRequest, Directives, Identity, LiveSession, Refusal, Sessions};
use postern_ssh_target::activity::now;
use postern_ssh_target::channels::Inboxes;
use postern_ssh_target::target::{Destination, HostKeys};
use postern_ssh_target::upstream::Upstream;
use russh::client;
use tokio_util::sync::CancellationToken;

use crate::PROTOCOL;
use crate::govern::Governed;
use crate::tab::{Parts, Tab};
use crate::terminals::Limits;

/// A wish for a tab, of somebody who has signed in.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Who.
    pub user: UserId,
    /// Their name.
    pub name: UserName,
    /// When they last proved a second factor in this login.
    pub factor_at: Option<Timestamp>,
    /// In which login.
    pub login: LoginId,
    /// On what.
    pub account: AccountRef,
    /// From where.
    pub source: IpAddr,
}

/// Why there is no tab. The texts are for the person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Policy says no.
    #[error(transparent)]
    Refused(Refusal),
    /// It would be allowed, but the target is not to be had.
    #[error("{0}")]
    Target(String),
    /// Postern cannot open sessions.
    #[error("{0}")]
    Unavailable(String),
    /// This sign-in has as many tabs as it may.
    #[error("{0} terminals are open in this sign-in already; close some")]
    TooMany(usize),
}

impl From<BrokerError> for OpenError {
    fn from(error: BrokerError) -> Self {
        match error {
            BrokerError::Refused(refusal) => Self::Refused(refusal),
            unavailable @ BrokerError::Unavailable(_) => Self::Unavailable(unavailable.to_string()),
        }
    }
}

/// A tab that has reached its target, its ticket, and what governs it.
pub(crate) struct Reached {
    pub(crate) tab: Arc<Tab>,
    pub(crate) ticket: SecretText,
    pub(crate) governed: Governed,
}

/// Opens the session and reaches its target. Ends the session where it does not come that far.
pub(crate) async fn open(
    sessions: &Sessions,
    config: &Arc<client::Config>,
    limits: &Limits,
    wish: Wish,
) -> Result<Reached, OpenError> {
    let Wish { user: id, name, factor_at, login, account, source } = wish;
    let user = Identity { id, name, key: None, factor_at, token_factor_at: None, console: false };
    let request = ConnectRequest { user, account: account.clone(), source, protocol: PROTOCOL };
    let mut live = sessions.open(request).await?;
    let ticket = ticket()?;
    let idle = live.obligations().idle_seconds.map(Duration::from_secs);
    let machine_limits = postern_domain::session::Limits { account: account.clone(), until: live.until(), idle };
    let machine = Machine::new(machine_limits, now());
    let (Some(mut directives), Some(guests)) = (live.take_directives(), live.take_guests()) else {
        return Err(OpenError::Unavailable("nobody governs the session".to_owned()));
    };
    let (gone, cut) = (CancellationToken::new(), CancellationToken::new());
    let inboxes = Arc::<Inboxes>::default();
    let handler = Upstream {
        inboxes: Arc::clone(&inboxes),
        host_keys: HostKeys { broker: Arc::clone(sessions.broker()), session: live.id().clone() },
        channels: None,
        gone: gone.clone(),
    };
    let reached = reach(&mut live, &mut directives, handler, (config, limits.target_time, cut.clone())).await;
    let target = match reached {
        Ok(target) => target,
        Err((reason, text)) => {
            live.finish(reason, Some(text.clone())).await;
            return Err(OpenError::Target(text));
        }
    };
    let parts = Parts {
        id: live.id().clone(),
        login,
        account,
        obligations: live.obligations().clone(),
        until: live.until(),
        limits: limits.clone(),
        recorder: live.recorder(),
        target,
        inboxes,
        held: guests.held(),
        cut,
    };
    let tab = Tab::new(parts, &ticket);
    Ok(Reached { tab, ticket, governed: Governed { live, directives, guests, machine, target_gone: gone } })
}

/// Dials, unless something ends the session first.
async fn reach(
    live: &mut LiveSession,
    directives: &mut Directives,
    handler: Upstream,
    (config, time, cut): (&Arc<client::Config>, Duration, CancellationToken),
) -> Result<client::Handle<Upstream>, (EndReason, String)> {
    let unusable = || (EndReason::TargetFailed, "the session came without a credential".to_owned());
    let credential = live.take_credential().ok_or_else(unusable)?;
    let (host, account) = (live.host().to_owned(), live.account().to_string());
    let destination = Destination { host: &host, port: live.port(), account: &account };
    let recorder = live.recorder();
    let target = tokio::select! {
        reached = destination.reach(handler, credential, config, time, cut) => {
            reached.map_err(|error| (EndReason::TargetFailed, error.to_string()))?
        }
        failure = recorder.failed() => return Err((EndReason::RecorderFailed, failure.to_string())),
        end = directives.end() => return Err(end),
    };
    live.now_live().await.map_err(|error| (EndReason::TargetFailed, error.to_string()))?;
    Ok(target)
}

/// 256 random bits.
fn ticket() -> Result<SecretText, OpenError> {
    let mut random = [0; 32];
    rand::fill(&mut random).map_err(|_| OpenError::Unavailable("no random bytes".to_owned()))?;
    Ok(SecretText::new(format!("pst_terminal_{}", hex::encode(random))))
}
