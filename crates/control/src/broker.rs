//! The gateways' port: from somebody at the door to a lease on a target, and its end.

use std::net::IpAddr;

use async_trait::async_trait;
use postern_domain::account::CredentialKind;
use postern_domain::event::{Actor, Event, Outcome};
use postern_domain::grant::GrantState;
use postern_domain::permit::{Connect, Permit};
use postern_domain::policy::{self, Client, Decision, Obligations, OpenedUnder, Reason};
use postern_domain::provision::ProvisionRule;
use postern_domain::rotation::{RotationSetting, RotationTrigger};
use postern_domain::session::EndReason;
use postern_domain::user::User;
use postern_domain::{AccountId, AccountRef, IntentId, ScopePath, SecretText, SessionId, Timestamp, UserName};
use postern_gateway::{
    Broker, BrokerError, ConnectRequest, Credential, FactorNeed, HostKeyVerdict, Identity, Lease, Recorded,
    RecordingPlan, Refusal, StatementAnswer, StatementEvent,
};
use postern_store::{Intent, NewSession, SessionEnd, WriteTx};
use postern_vault::random;

use crate::HostKeySight;
use crate::facts::Facts;
use crate::live::LiveSession;
use crate::provision::Made;
use crate::{Control, Error, certificate, gate, provision, recording};

/// The action under which opening a session is written down.
const OPEN: &str = "session.open";

/// What a wish to open a session is decided on.
struct Known {
    user: User,
    /// None where the account does not exist or the person may not know of it.
    facts: Option<Facts>,
    /// When a second factor was proved with this key from this address.
    proved_at: Option<Timestamp>,
}

#[async_trait]
impl Broker for Control {
    async fn user_by_key(&self, fingerprint: &str, named: Option<&UserName>) -> Result<Option<Identity>, BrokerError> {
        let owner = self.key_owner(fingerprint, named).await?;
        Ok(owner.map(|user| identity(&user, Some(fingerprint))))
    }

    async fn user_by_password(
        &self,
        named: &UserName,
        password: SecretText,
        source: IpAddr,
    ) -> Result<Identity, BrokerError> {
        match self.check_password(named, password, source).await {
            Ok(user) => Ok(identity(&user, None)),
            Err(error) => Err(refused_or_failed(error)),
        }
    }

    async fn user_by_token(
        &self,
        token: SecretText,
        account: &AccountRef,
        protocol: &'static str,
        source: IpAddr,
    ) -> Result<Identity, BrokerError> {
        self.connect_token_owner(&token, account, protocol, source).await.map_err(refused_or_failed)
    }

    async fn statement_event(&self, session: &SessionId, event: StatementEvent) -> Result<(), BrokerError> {
        Ok(self.statement_noted(session, &event).await?)
    }

    async fn statement_ask(&self, session: &SessionId, event: StatementEvent) -> Result<StatementAnswer, BrokerError> {
        Ok(self.statement_wait(session, event).await?)
    }

    async fn factor_need(&self, request: &ConnectRequest) -> Result<FactorNeed, BrokerError> {
        let known = self.known(request).await?;
        match self.decide(request, &known) {
            Decision::StepUp { .. } => {
                let key = request.user.key.as_deref().unwrap_or_default();
                let link = self.factor_link(&known.user.id, request.source, key).await?;
                Ok(FactorNeed::Wanted { link: link.url })
            }
            Decision::Permit(_) | Decision::Deny(_) => Ok(FactorNeed::None),
        }
    }

    async fn prove_factor(
        &self,
        user: &Identity,
        code: SecretText,
        link: &str,
        source: IpAddr,
    ) -> Result<Timestamp, BrokerError> {
        if !code.expose().is_empty() {
            let key = user.key.as_deref().unwrap_or_default();
            return self.prove_code(&user.id, &code, source, key).await.map_err(refused_or_failed);
        }
        let token = SecretText::new(link.rsplit('/').next().unwrap_or_default().to_owned());
        let confirmed = self.factor_link_confirmed(&token).await?;
        confirmed.ok_or_else(|| refusal("the link has not been confirmed yet: open it, confirm, then press Enter"))
    }

    async fn open(&self, request: ConnectRequest) -> Result<Lease, BrokerError> {
        let known = self.known(&request).await?;
        let decision = self.decide(&request, &known);
        let Known { user, facts, .. } = known;
        match (decision, facts) {
            (Decision::Permit(permit), Some(facts)) => self.open_permitted(&user, &request, &facts, permit).await,
            (Decision::StepUp { max_age_seconds, .. }, facts) => {
                let wanted =
                    format!("a second factor not older than {max_age_seconds} seconds is required: connect again");
                self.refuse_session(&user, &request, facts.as_ref(), Vec::new()).await;
                Err(refusal(&wanted))
            }
            (Decision::Deny(reasons), facts) => {
                Err(self.refuse_session(&user, &request, facts.as_ref(), reasons).await)
            }
            (Decision::Permit(_), None) => {
                Err(self.refuse_session(&user, &request, None, vec![Reason::NoPolicy]).await)
            }
        }
    }

    async fn host_key(&self, session: &SessionId, public_key: &str) -> Result<HostKeyVerdict, BrokerError> {
        let Some(live) = self.live().get(session) else {
            return Ok(HostKeyVerdict::Refused("the session is over".to_owned()));
        };
        let (asset, name) = (&live.asset, &live.account_ref.asset);
        Ok(match self.host_key_seen(asset, public_key).await? {
            HostKeySight::Pinned => HostKeyVerdict::Pinned,
            HostKeySight::Unknown { fingerprint } => HostKeyVerdict::Refused(format!(
                "nobody has decided yet that {name} is known by the host key {fingerprint}; \
                 an administrator does so with: postern asset trust {name} {fingerprint}"
            )),
            HostKeySight::Changed { fingerprint, .. } => HostKeyVerdict::Refused(format!(
                "THE HOST KEY OF {name} HAS CHANGED to {fingerprint}: either it was reinstalled or somebody is in \
                 between; when the change is right, an administrator says so with: postern asset trust {name} \
                 {fingerprint}"
            )),
            HostKeySight::Rejected { fingerprint } => {
                HostKeyVerdict::Refused(format!("an administrator has rejected the host key {fingerprint} of {name}"))
            }
        })
    }

    async fn live(&self, session: &SessionId) -> Result<(), BrokerError> {
        let Some(live) = self.live().get(session) else {
            return Err(BrokerError::Unavailable("the session is over".to_owned()));
        };
        let now = self.now();
        let mut tx = self.store().write(now).await.map_err(Error::from)?;
        tx.session_live(session).await.map_err(Error::from)?;
        tx.intent_resolve(OPEN, session.as_str(), "done").await.map_err(Error::from)?;
        let event = Event::done(now, Self::system(), OPEN, session.as_str(), live.scope)
            .with("account", live.account_ref.to_string());
        self.commit(tx, &[event]).await?;
        self.watch_deeds(session);
        Ok(())
    }

    async fn ended(&self, session: &SessionId, reason: EndReason, recorded: Option<Recorded>, detail: Option<String>) {
        let live = self.live().remove(session);
        let scope = live.as_ref().map_or_else(ScopePath::root, |live| live.scope.clone());
        let now = self.now();
        let mut event = Event::done(now, Self::system(), "session.end", session.as_str(), scope)
            .with("reason", serde_json::json!(reason));
        if let Some(live) = &live {
            event = event.with("account", live.account_ref.to_string());
        }
        if let Some(recorded) = &recorded {
            event =
                event.with("recording_bytes", recorded.bytes).with("recording_digest", hex::encode(recorded.digest));
        }
        if let Some(detail) = detail {
            event = event.with("detail", detail);
        }
        let capabilities = recorded.as_ref().map(|recorded| recorded.capabilities.clone()).unwrap_or_default();
        let recording = recorded.map(|recorded| (recorded.bytes, hex::encode(recorded.digest)));
        let end = SessionEnd { at: now, reason, recording, capabilities };
        let outcome = if reason == EndReason::TargetFailed { Outcome::Failed } else { Outcome::Done };
        let written = async {
            let mut tx = self.store().write(now).await?;
            tx.session_end(session, &end).await?;
            tx.intent_resolve(OPEN, session.as_str(), "ended").await?;
            let mut events = vec![event.outcome(outcome)];
            events.extend(self.session_leaves(&mut tx, session, live.as_ref(), reason).await?);
            self.commit(tx, &events).await
        };
        if let Err(error) = written.await {
            // It stays open in the database and is closed at the next start, with its digest.
            tracing::error!(%session, error = &error as &dyn std::error::Error, "the end of a session cannot be written");
        }
    }
}

impl Control {
    /// What follows from the end of a session: what was made for it is taken away, and the secret that it
    /// used is changed where policy or the account's setting says so.
    async fn session_leaves(
        &self,
        tx: &mut WriteTx,
        session: &SessionId,
        live: Option<&LiveSession>,
        reason: EndReason,
    ) -> Result<Option<Event>, Error> {
        provision::session_over(tx, session).await?;
        let Some(live) = live.filter(|_| reason != EndReason::TargetFailed) else { return Ok(None) };
        self.after_use(tx, &live.account, &live.obligations).await
    }

    /// Begins the rotation that a use of an account calls for, if it does.
    pub(crate) async fn after_use(
        &self,
        tx: &mut WriteTx,
        account: &AccountId,
        obligations: &Obligations,
    ) -> Result<Option<Event>, Error> {
        if obligations.provision.as_ref().is_some_and(ProvisionRule::own_account) {
            return Ok(None);
        }
        let Some(found) = tx.account(account).await? else { return Ok(None) };
        if found.credential == CredentialKind::SshCertificate {
            return Ok(None);
        }
        let asset = match tx.account_asset(account).await? {
            Some(asset) => tx.asset_rotation(&asset).await?,
            None => RotationSetting::default(),
        };
        if !obligations.rotate_after_use && found.rotation.setting.over(&asset).after_use != Some(true) {
            return Ok(None);
        }
        Ok(Some(self.rotation_follows(tx, account, RotationTrigger::Use).await?.1))
    }

    /// Gathers what a wish to open a session is decided on, in one snapshot.
    async fn known(&self, request: &ConnectRequest) -> Result<Known, Error> {
        let mut rows = self.store().read().await?;
        let id = &request.user.id;
        let person = rows.person(id).await?.ok_or_else(|| Error::not_found("user", id))?;
        let facts = Facts::of_person(&mut rows, &person, &request.account, self.now()).await?;
        // What was proved to a gateway counts for the gateways; in the browser it is the sign-in's own.
        let proved_at = if request.protocol == crate::terminal::PROTOCOL {
            None
        } else {
            let key = request.user.key.as_deref().unwrap_or_default();
            gate::factor_proved_at(&mut rows, id, key, request.source).await?
        };
        Ok(Known { user: person.user, facts, proved_at })
    }

    /// Decides on opening a session.
    fn decide(&self, request: &ConnectRequest, known: &Known) -> Decision<Connect> {
        let Some(facts) = &known.facts else { return Decision::Deny(vec![Reason::NoPolicy]) };
        let now = self.now();
        let decide = |mfa_at| policy::connect(&facts.connect(request.source, mfa_at).by(client_of(request)), now);
        match decide(request.user.factor_at.max(request.user.token_factor_at).max(known.proved_at)) {
            // Asked for at every session, only what was proved on this very connection counts.
            Decision::Permit(permit) if permit.action().obligations.mfa_max_age_seconds == 0 => {
                decide(request.user.factor_at)
            }
            decision => decision,
        }
    }

    /// Writes the intent down, then opens the secret.
    async fn open_permitted(
        &self,
        user: &User,
        request: &ConnectRequest,
        facts: &Facts,
        permit: Permit<Connect>,
    ) -> Result<Lease, BrokerError> {
        let now = self.now();
        let id = SessionId::generate(now, random::bytes());
        let action = permit.action();
        let new = NewSession {
            id: id.clone(),
            user: user.id.clone(),
            account: action.account.clone(),
            scope: facts.asset.scope.clone(),
            protocol: request.protocol,
            source: request.source.to_string(),
            policy: action.policy.clone(),
            grant: action.grant.clone(),
            ends_by: action.until,
        };
        let mut event = Event::done(now, actor(user, request.source), OPEN, id.as_str(), new.scope.clone())
            .outcome(Outcome::Intent)
            .with("account", request.account.to_string())
            .with("policy", action.policy.as_str())
            .with("until", action.until.to_string());
        if let Some(grant) = &action.grant {
            event = event.with("grant", grant.as_str());
        }
        if let Some(key) = &request.user.key {
            event = event.with("ssh_key", key.as_str());
        }
        if action.obligations.break_glass.is_some() {
            event = event.with("break_glass", true);
        }
        // A grant revoked in the middle of this ends the session.
        let (live, directives) = LiveSession::new(action, user, request.account.clone(), new.scope.clone(), now);
        let live = live.by(client_of(request));
        self.live().add(id.clone(), live);
        let begun = self.begin(&new, request.user.key.as_deref(), event).await;
        let opened = match begun {
            Ok(()) => self.lease(&id, facts, &permit, directives).await,
            Err(error) => Err(error),
        };
        match opened {
            Ok(lease) => Ok(lease),
            Err(error) => {
                self.ended(&id, EndReason::TargetFailed, None, Some(error.to_string())).await;
                Err(error.into())
            }
        }
    }

    /// Writes down that a session is about to be opened, and by which key.
    async fn begin(&self, new: &NewSession, key: Option<&str>, event: Event) -> Result<(), Error> {
        let mut tx = self.store().write(event.at).await?;
        if let Some(grant) = &new.grant
            && tx.user(&new.user).await?.is_some_and(|user| user.vendor().is_some())
            && tx.grant(grant, event.at).await?.is_none_or(|grant| grant.used)
        {
            return Err(Error::Conflict("this grant has opened a session already: ask again".to_owned()));
        }
        tx.session_insert(new).await?;
        if let Some(key) = key {
            tx.ssh_key_used(key).await?;
        }
        tx.user_seen(&new.user, event.at).await?;
        tx.intent_insert(&Intent {
            id: IntentId::generate(event.at, random::bytes()),
            action: OPEN.to_owned(),
            target: new.id.to_string(),
            scope: new.scope.clone(),
        })
        .await?;
        self.commit(tx, &[event]).await?;
        Ok(())
    }

    async fn lease(
        &self,
        id: &SessionId,
        facts: &Facts,
        permit: &Permit<Connect>,
        directives: tokio::sync::mpsc::Receiver<postern_gateway::Directive>,
    ) -> Result<Lease, Error> {
        let (host, port) = facts
            .asset
            .address
            .rsplit_once(':')
            .and_then(|(host, port)| Some((host.trim_matches(['[', ']']).to_owned(), port.parse().ok()?)))
            .ok_or_else(|| Error::Unavailable(format!("the address of {} is not host:port", facts.asset.name)))?;
        let made = match &permit.action().obligations.provision {
            Some(rule) => Some(self.provision_for(id, facts, permit.action(), rule).await?),
            None => None,
        };
        let (account, credential) = match made {
            Some(Made { account, credential: Some(credential) }) => (account, credential),
            Some(Made { account, credential: None }) => (account, self.credential(id, facts, permit).await?),
            None => (facts.account.name.clone(), self.credential(id, facts, permit).await?),
        };
        let (key, sealed_key) = self.vault().data_key(&recording::binding(id))?;
        Ok(Lease {
            session: id.clone(),
            host,
            port,
            account,
            server_ca: facts.asset.server_ca.clone(),
            credential,
            obligations: permit.action().obligations.clone(),
            until: permit.action().until,
            recording: RecordingPlan { path: self.recording_path(id), key, sealed_key, session: id.clone() },
            directives,
        })
    }

    /// What proves the account that was asked for.
    async fn credential(&self, id: &SessionId, facts: &Facts, permit: &Permit<Connect>) -> Result<Credential, Error> {
        Ok(match facts.account.credential {
            CredentialKind::Password => Credential::Password(self.secret_for(permit).await?),
            CredentialKind::SshKey => Credential::SshKey(self.secret_for(permit).await?),
            CredentialKind::SshCertificate => {
                let authority = self.ssh_key(crate::keys::OwnKey::SshUserCa).await?;
                certificate::issue(
                    &authority,
                    id,
                    &facts.account.name,
                    permit.action(),
                    &self.settings().ssh_sources,
                    self.now(),
                )?
            }
        })
    }

    /// Writes a refusal down and says what to do next.
    async fn refuse_session(
        &self,
        user: &User,
        request: &ConnectRequest,
        facts: Option<&Facts>,
        reasons: Vec<Reason>,
    ) -> BrokerError {
        let scope = facts.map_or_else(|| user.scope.clone(), |facts| facts.asset.scope.clone());
        let event = Event::done(self.now(), actor(user, request.source), OPEN, request.account.to_string(), scope)
            .outcome(Outcome::Refused)
            .with("reasons", serde_json::json!(reasons));
        if let Err(error) = self.note(event).await {
            return error.into();
        }
        let mut message = format!("{} is refused:", request.account);
        for reason in &reasons {
            message.push_str(&format!("\n  {reason}"));
        }
        if reasons.iter().any(|reason| matches!(reason, Reason::NeedsRequest { .. })) {
            message.push_str(&format!("\n  or ask in the console: {}/access", self.settings().public_url));
        }
        BrokerError::Refused(Refusal { message, reasons })
    }

    /// Decides anew on every live session and ends those that policy no longer allows.
    pub(crate) async fn redecide_live(&self) -> Result<(), Error> {
        for (id, session) in self.live().all() {
            match self.stands(&session).await? {
                Err(reason) => {
                    let opened_at = session.opened_at;
                    tracing::info!(session = %id, ?reason, %opened_at, "policy no longer allows a live session");
                    self.live().end(&id, reason, told(reason));
                }
                Ok(until) if until != session.until => {
                    self.live().until(&id, until);
                    let mut tx = self.store().write(self.now()).await?;
                    tx.session_until(&id, until).await?;
                    tx.commit_upkeep().await?;
                }
                Ok(_) => {}
            }
        }
        Ok(())
    }

    /// Until when a live session may go on, or why it may not.
    async fn stands(&self, session: &LiveSession) -> Result<Result<Timestamp, EndReason>, Error> {
        let now = self.now();
        let Some(facts) = self.session_facts(&session.user, &session.account, session.opened_at).await? else {
            return Ok(Err(EndReason::PolicyChanged));
        };
        let opened = OpenedUnder {
            policy: &session.policy,
            grant: session.grant.as_ref(),
            obligations: &session.obligations,
            started_at: session.opened_at,
        };
        Ok(match policy::reconsider(&facts.connect(session.source, None).by(session.client), &opened, now) {
            Ok(until) if until > now => Ok(until),
            Ok(_) => Err(EndReason::Expired),
            Err(reasons) => Err(end_reason(&reasons, session, &facts, now)),
        })
    }
}

/// By which kind of client a session is wished for.
fn client_of(request: &ConnectRequest) -> Client {
    match request.protocol {
        crate::terminal::PROTOCOL => Client::Terminal,
        "ssh" => Client::Ssh,
        _ if request.user.console => Client::SqlConsole,
        _ => Client::DatabaseClient,
    }
}

fn end_reason(reasons: &[Reason], session: &LiveSession, facts: &Facts, now: Timestamp) -> EndReason {
    let grant = facts.grants.iter().find(|grant| session.grant.as_ref() == Some(&grant.id));
    match grant.map(|grant| grant.state_at(now)) {
        _ if reasons.contains(&Reason::UserInactive) => EndReason::UserDisabled,
        Some(GrantState::Revoked) => EndReason::Revoked,
        Some(GrantState::Expired) => EndReason::Expired,
        _ => EndReason::PolicyChanged,
    }
}

fn told(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Revoked => "your grant was revoked",
        EndReason::Expired => "the window of your grant is over",
        EndReason::UserDisabled => "your access to postern has been switched off",
        _ => "policy no longer allows this session",
    }
}

fn identity(user: &User, key: Option<&str>) -> Identity {
    let (id, name) = (user.id.clone(), user.name.clone());
    Identity { id, name, key: key.map(str::to_owned), factor_at: None, token_factor_at: None, console: false }
}

fn actor(user: &User, source: IpAddr) -> Actor {
    Actor::User { name: user.name.to_string(), source: Some(source.to_string()) }
}

fn refusal(message: &str) -> BrokerError {
    BrokerError::Refused(Refusal { message: message.to_owned(), reasons: Vec::new() })
}

/// What the person did wrong is a refusal that they are told; what failed inside is not.
fn refused_or_failed(error: Error) -> BrokerError {
    match error {
        Error::Unauthenticated { .. } | Error::Throttled(_) | Error::Invalid { .. } | Error::Refused(_) => {
            refusal(&error.to_string())
        }
        other => other.into(),
    }
}

#[cfg(test)]
mod tests;
