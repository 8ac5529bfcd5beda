//! A session and the connection to its target.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use postern_domain::policy::Obligations;
use postern_domain::session::{EndReason, Machine, authorize};
use postern_domain::{Capability, UserName};
use postern_gateway::{BrokerError, ConnectRequest, Directives, Held, LiveSession, Recorder, RecorderFailed};
use postern_wire::recording::FrameKind;
use russh::client;
use tokio_util::sync::CancellationToken;

use crate::connection::Connection;
use crate::govern::{self, Governed};
use postern_ssh_target::activity::{Activity, now};
use postern_ssh_target::channels::Inboxes;
use postern_ssh_target::target::{Destination, HostKeys};
use postern_ssh_target::upstream::{TakesChannels, Upstream};

/// The session, live.
pub(crate) struct Link {
    pub(crate) obligations: Obligations,
    pub(crate) recorder: Recorder,
    /// The target.
    pub(crate) target: client::Handle<Upstream>,
    /// What the target has sent.
    pub(crate) inboxes: Arc<Inboxes>,
    /// Marks input.
    pub(crate) activity: Activity,
    /// Whether its input is held.
    pub(crate) held: Held,
    /// Which guest typed last; nobody when the person did.
    typist: Mutex<Option<UserName>>,
    given: Mutex<Given>,
}

/// What the client has been given beside its programs, and may therefore be asked for by the target.
#[derive(Debug, Default)]
struct Given {
    agent: bool,
    x11: bool,
    /// Addresses and ports that the target listens on for the client.
    listeners: HashSet<(String, u32)>,
    /// Where connections were opened to.
    destinations: HashSet<(String, u32)>,
}

/// There is no session. The text is for the person.
#[derive(Clone, Debug)]
pub(crate) struct NoLink {
    pub(crate) text: String,
    /// What `ssh` exits with.
    pub(crate) status: u32,
}

impl NoLink {
    /// Policy says no.
    fn refused(text: impl Into<String>) -> Self {
        Self { text: text.into(), status: STATUS_REFUSED }
    }

    /// It would be allowed but does not work.
    fn failed(text: impl Into<String>) -> Self {
        Self { text: text.into(), status: STATUS_FAILED }
    }
}

impl Link {
    /// Opens the session, reaches the target and sets somebody to govern both.
    pub(crate) async fn open(connection: &Arc<Connection>) -> Result<Arc<Self>, NoLink> {
        let Some((user, account)) = connection.signed_in.get().cloned() else {
            return Err(NoLink::failed("nobody has signed in"));
        };
        let request =
            ConnectRequest { user, account: account.clone(), source: connection.source, protocol: crate::PROTOCOL };
        let mut live = connection.gate.control.open_session(request).await.map_err(|error| match error {
            BrokerError::Refused(refusal) => NoLink::refused(refusal.message),
            error @ BrokerError::Unavailable(_) => NoLink::failed(error.to_string()),
        })?;
        let idle = live.obligations().idle_seconds.map(Duration::from_secs);
        let limits = postern_domain::session::Limits { account, until: live.until(), idle };
        let machine = Machine::new(limits, now());
        let (Some(mut directives), Some(guests)) = (live.take_directives(), live.take_guests()) else {
            return Err(NoLink::failed("nobody governs the session"));
        };
        let gone = CancellationToken::new();
        let inboxes = Arc::<Inboxes>::default();
        let handler = Upstream {
            inboxes: inboxes.clone(),
            host_keys: HostKeys { broker: connection.gate.control.broker(), session: live.id().clone() },
            channels: Some(Arc::downgrade(connection) as Weak<dyn TakesChannels>),
            gone: gone.clone(),
        };
        match Self::reach(connection, &mut live, &mut directives, handler).await {
            Ok(target) => {
                let link = Arc::new(Self {
                    obligations: live.obligations().clone(),
                    recorder: live.recorder(),
                    target,
                    inboxes,
                    activity: Activity::default(),
                    held: guests.held(),
                    typist: Mutex::default(),
                    given: Mutex::default(),
                });
                let governed = Governed { live, directives, guests, machine, target_gone: gone };
                connection.gate.tasks.spawn(govern::run(connection.clone(), link.clone(), governed));
                Ok(link)
            }
            Err((reason, text)) => {
                connection.gate.control.finish(live, reason, Some(text.clone())).await;
                Err(NoLink::failed(text))
            }
        }
    }

    /// Dials, unless something ends the session first.
    async fn reach(
        connection: &Arc<Connection>,
        live: &mut LiveSession,
        directives: &mut Directives,
        handler: Upstream,
    ) -> Result<client::Handle<Upstream>, (EndReason, String)> {
        let unusable = || (EndReason::TargetFailed, "the session came without a credential".to_owned());
        let credential = live.take_credential().ok_or_else(unusable)?;
        let host = live.host().to_owned();
        let (port, account) = (live.port(), live.account().to_string());
        let destination = Destination { host: &host, port, account: &account };
        let cut = connection.cut.clone();
        let gate = &connection.gate;
        let recorder = live.recorder();
        let target = tokio::select! {
            reached = destination.reach(handler, credential, &gate.client_config, gate.limits.target_time, cut) => {
                reached.map_err(|error| (EndReason::TargetFailed, error.to_string()))?
            }
            failure = recorder.failed() => {
                return Err((EndReason::RecorderFailed, failure.to_string()));
            }
            end = directives.end() => return Err(end),
            () = connection.client_gone.cancelled() => {
                return Err((EndReason::ClientClosed, "the client closed the connection".to_owned()));
            }
        };
        gate.control.broker().live(live.id()).await.map_err(|error| (EndReason::TargetFailed, error.to_string()))?;
        Ok(target)
    }

    /// The one place where the session is asked whether it may do something: all of `wanted` must be
    /// allowed. Both answers are recorded.
    pub(crate) async fn authorize(&self, wanted: &[Capability]) -> Result<Result<(), String>, RecorderFailed> {
        for capability in wanted {
            let verdict = authorize(&self.obligations, *capability);
            let name = capability.as_str().into();
            self.recorder.record(FrameKind::Capability { name, allowed: verdict.is_ok() }).await?;
            if let Err(refused) = verdict {
                return Ok(Err(refused.to_string()));
            }
        }
        Ok(Ok(()))
    }

    /// Like `authorize`, for what is wanted once in a while from where nothing may wait: any one of
    /// `wanted` is enough, and a refusal is recorded by whoever drains the channel.
    pub(crate) fn may_any(&self, wanted: &[Capability]) -> Result<(), String> {
        let mut refusal = String::new();
        for capability in wanted {
            match authorize(&self.obligations, *capability) {
                Ok(()) => return Ok(()),
                Err(refused) => refusal = refused.to_string(),
            }
        }
        Err(refusal)
    }

    /// Records what `may_any` refused.
    pub(crate) async fn record_refused(&self, capability: Capability) {
        let name = capability.as_str().into();
        // A recorder that fails ends the session by itself.
        let _ = self.recorder.record(FrameKind::Capability { name, allowed: false }).await;
    }

    /// Somebody types: a guest, or the person whose session it is. Who does is recorded when it changes.
    pub(crate) async fn typing(&self, guest: Option<&UserName>) -> Result<(), RecorderFailed> {
        let note = {
            let mut typist = self.typist.lock().unwrap_or_else(PoisonError::into_inner);
            if typist.as_ref() == guest {
                return Ok(());
            }
            *typist = guest.cloned();
            guest.map_or_else(|| "the person whose session it is types".to_owned(), |guest| format!("{guest} types"))
        };
        self.recorder.record(FrameKind::note(&note)).await
    }

    /// The client has been given its agent's or its display's forwarding.
    pub(crate) fn give(&self, what: Gift) {
        let mut given = self.given();
        match what {
            Gift::Agent => given.agent = true,
            Gift::X11 => given.x11 = true,
            Gift::Listener(address, port) => {
                given.listeners.insert((address, port));
            }
        }
    }

    /// The target no longer listens there for the client.
    pub(crate) fn take_back(&self, address: &str, port: u32) {
        self.given().listeners.remove(&(address.to_owned(), port));
    }

    /// Whether the client was given what the target now makes use of.
    pub(crate) fn has(&self, what: &Gift) -> bool {
        let given = self.given();
        match what {
            Gift::Agent => given.agent,
            Gift::X11 => given.x11,
            // A target may report another spelling of the address than was asked for.
            Gift::Listener(_, port) => given.listeners.iter().any(|(_, listens)| listens == port),
        }
    }

    /// How many listeners the target has for the client.
    pub(crate) fn listeners(&self) -> usize {
        self.given().listeners.len()
    }

    /// What a connection to this destination needs. `-L` and `-D` look alike; one that goes where none
    /// has gone before, when another has gone elsewhere, is taken for `-D`.
    pub(crate) fn destination(&self, host: &str, port: u32) -> &'static [Capability] {
        let mut given = self.given();
        let known = given.destinations.contains(&(host.to_owned(), port));
        if known || given.destinations.is_empty() {
            given.destinations.insert((host.to_owned(), port));
            &[Capability::LocalForward]
        } else {
            &[Capability::LocalForward, Capability::DynamicForward]
        }
    }

    fn given(&self) -> MutexGuard<'_, Given> {
        // Each change is one operation.
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something that lets the target open channels to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Gift {
    /// The agent.
    Agent,
    /// The display.
    X11,
    /// A listener at an address and port.
    Listener(String, u32),
}

/// What `ssh` exits with when policy refuses or ends a session.
pub(crate) const STATUS_REFUSED: u32 = 3;
/// What `ssh` exits with when a session cannot be had for another reason.
pub(crate) const STATUS_FAILED: u32 = 1;
