//! The use cases and the background jobs, one file per noun.
//!
//! `Control` is what the API, the gateways and the jobs call. Each use case takes the caller and the
//! permit that was decided for them, changes rows in one transaction and commits it with its event.

mod access;
mod account;
mod acting;
mod alert;
mod answers;
mod apply;
mod approval;
mod archive;
mod archive_hold;
mod asset;
mod attachment;
mod authenticate;
mod backup;
mod break_glass;
mod broker;
mod caller;
mod certificate;
mod channel;
mod checkout;
mod clock;
mod comment;
mod connect;
mod context;
mod data;
mod dependent;
mod detection;
mod detection_rule;
mod discovery;
mod document;
mod draft;
mod duties;
mod enrolment;
mod error;
#[cfg(test)]
mod estate;
mod expiry;
mod extension;
mod factor;
mod facts;
mod finding;
mod gate;
mod grant;
mod group;
mod heartbeat;
mod hold;
mod home;
mod host_key;
mod idempotency;
mod jobs;
mod keys;
mod leaver;
mod ledger;
mod link;
mod live;
mod login;
mod notice;
mod offline;
mod passkey;
mod password;
mod person_findings;
mod policy;
mod profile;
mod proposal;
mod provision;
mod reach;
mod recording;
mod recurrence;
mod reminder;
mod report;
mod request;
mod retention;
mod review;
mod right_size;
mod role;
mod rotation;
mod scope;
mod search;
mod secret;
mod session;
mod settings;
mod shared;
mod ssh_key;
mod stand_in;
mod statement;
mod status;
mod template;
mod terminal;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod text;
mod throttle;
mod ticket;
mod timeline;
mod token;
mod user;
mod vault;
mod verify;
mod visible;
mod waiting;
mod witness;
mod workload;

use std::sync::Arc;

use postern_domain::Timestamp;
use postern_domain::event::{Actor, Event};
use postern_store::Store;
use postern_vault::Vault;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use access::{AccessAsset, AccessFilter, AccessItem, AccessReason, AccessState, Demands};
pub use account::AccountInput;
pub use alert::{AlertClosing, AlertView, BackTestFinding, BackTested, FALSE_BUDGET_PERCENT, RuleView};
pub use answers::{WhoCan, WhoCanWanted};
pub use apply::{Applied, ApplyInput, DocumentProblem};
pub use archive::ArchiveView;
pub use asset::AssetInput;
pub use attachment::ATTACHMENT_LEN_MAX;
pub use backup::{BackedUp, backup, restore};
pub use break_glass::UseReview;
pub use caller::{Caller, CredentialUsed, Visitor};
pub use channel::{ChannelView, channels};
pub use checkout::{CheckedOut, CheckoutInput};
pub use clock::{Clock, SystemClock};
pub use connect::{ConnectTicket, ConnectWanted, ConsoleToken};
pub use context::{EmergencyAsked, RequestContext, SuggestedApprover};
pub use data::{DataFolder, Opened, Opening, open, recover_vault, write_durably};
pub use detection_rule::RulesChanged;
pub use discovery::{ConnectorInput, DiscoveryInput, DiscoveryView, HostAdoption};
pub use document::{DocumentText, DocumentsInput, DocumentsRead, DocumentsWritten};
pub use draft::{DraftDiff, DraftInput, ReplayChange, Replayed, Simulated};
pub use duties::DutiesView;
pub use error::Error;
pub use extension::ExtensionInput;
pub use factor::FactorGiven;
pub use facts::Facts;
pub use finding::{Acceptance, FindingAction, OwnerInput};
pub use grant::GrantWanted;
pub use group::GroupBody;
pub use hold::HoldInput;
pub use home::{Counts, Estate, Home};
pub use host_key::{HostKeyDecision, HostKeySight};
pub use idempotency::digest;
pub use leaver::Leaving;
pub use ledger::{AuditEntry, AuditExport, InclusionProof};
pub use link::{Enrolled, FactorLink, LinkIssued, LinkPasskey, LinkUse, LinkView, SetUp, TotpOffer};
pub use login::{HeldPermission, PasskeySignIn, SignIn, SignedIn, WhoAmI};
pub use notice::NoticeChoiceView;
pub use offline::{
    BundleView, BundledAccount, HolderView, OfflinePlanInput, OfflineView, OpenedInput, PLACES_MIN, PlaceView, PlanView,
};
pub use passkey::{PasskeyAdd, PasskeyAnswer, PasskeyOffer};
pub use policy::{PolicyDeleted, PolicyInput, PolicyPut, PolicyRevision};
pub use postern_store::{
    AccountFilter, Alert, AlertComment, AlertFilter, AssetFilter, DayFigures, FindingFilter, HostFilter, KeptFigures,
    LeafFilter, LinkPurpose, Listed, Listing, Page, PageRequest, PolicyFilter, Remembered, ReviewItemFilter,
    ReviewItemState, RotationFilter, RuleFigures, SessionFilter, UserFilter,
};
pub use profile::VendorTerms;
pub use proposal::ProposalView;
pub use reach::{AccessExplained, ReachAs, ReachItem};
pub use recording::{Integrity, IntegrityVerdict, RecordingFormat, watched_line};
pub use report::{ReportInput, ReportReviewInput, ReportScheduleInput};
pub use request::{RequestInput, RequestWanted};
pub use retention::{RecordingFate, RetentionView};
pub use review::{
    EvidenceFormat, EvidenceVerified, ReviewAnswer, ReviewAnswered, ReviewInput, ReviewItemsWanted, ReviewOutcome,
    ReviewStarted, verify_evidence,
};
pub use right_size::{PolicyRightSize, PolicyRightSized};
pub use role::RoleBody;
pub use rotation::{RotateInput, RotatePlan, RotateTarget, Worker};
pub use scope::ScopeBody;
pub use search::{SearchCount, SearchFacets, SearchFound, SearchHit, SearchPart, SearchResult};
pub use secret::SecretInput;
pub use session::{SessionGuest, SessionLive};
pub use settings::SettingsView;
pub use ssh_key::SshKeyAdd;
pub use stand_in::StandInInput;
pub use statement::{StatementDecision, WaitingStatement};
pub use status::{Gauges, LedgerStatus, Readiness, Status};
pub use template::TemplateInput;
pub use timeline::{RecordingLine, RecordingMark, RecordingMarks, RecordingSearch};
pub use token::{TokenCreate, TokenCreated};
pub use user::{UserChange, UserCreate, UserCreated};
pub use vault::{Unsealing, VaultStatus};
pub use verify::{Verification, verify_offline};
pub use witness::{WitnessView, witnesses};

/// What the control plane needs to know about where it runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The data folder.
    pub data: std::path::PathBuf,
    /// How people reach the console, without a slash at the end: `https://127.0.0.1:8443`.
    pub public_url: String,
    /// How people reach the SSH gateway, `host:port`; none when it is off.
    pub ssh_address: Option<String>,
    /// The addresses or networks that targets see Postern come from, which certificates are bound to;
    /// where none are given, they are good from anywhere.
    pub ssh_sources: Vec<String>,
    /// How people reach the PostgreSQL gateway, `host:port`; none when it is off.
    pub postgresql_address: Option<String>,
    /// The same for the MySQL gateway.
    pub mysql_address: Option<String>,
    /// The same for the Redis gateway.
    pub redis_address: Option<String>,
    /// The key file that unseals the vault.
    pub key_file: std::path::PathBuf,
    /// The folders that break-glass bundles are written to; at least two for there to be any.
    pub break_glass_places: Vec<std::path::PathBuf>,
    /// How long recordings are kept.
    pub retention: postern_domain::retention::Retention,
    /// The certificate authority that clients know the gate by, where it is one of its own.
    pub authority: Option<std::path::PathBuf>,
}

/// The control plane. Cheap to clone.
#[derive(Clone)]
pub struct Control(Arc<Inner>);

struct Inner {
    store: Store,
    vault: Vault,
    clock: Arc<dyn Clock>,
    settings: Settings,
    /// Told after each commit, so that the new leaves are published and watchers refresh.
    committed: Notify,
    changes: tokio::sync::broadcast::Sender<&'static str>,
    /// Told when there may be a rotation to work on.
    work: Notify,
    stop: CancellationToken,
    started_at: Timestamp,
    live: live::LiveSessions,
    /// What is done on targets, when tests say otherwise than the platforms do.
    connectors: std::sync::OnceLock<postern_connectors::Connectors>,
    statements: statement::WaitingStatements,
    /// The ticket system, where there is one.
    tickets: std::sync::OnceLock<postern_tickets::Tickets>,
    /// The gateways' sessions, once they are up.
    sessions: std::sync::OnceLock<postern_gateway::Sessions>,
    /// The ways out for events, once they are known.
    channels: std::sync::OnceLock<Vec<channel::Known>>,
    /// Where the archive is, once that is known.
    archive: std::sync::OnceLock<postern_archive::ArchiveConfig>,
    /// Who sees the ledger, once that is known.
    witnesses: std::sync::OnceLock<witness::Known>,
    /// What recordings are searched with.
    search: search::Searching,
    /// What goes on about break-glass bundles.
    bundling: offline::Bundling,
    /// What authenticators were asked and have not answered.
    questions: passkey::Questions,
    /// The detection rules that are on.
    detection: detection::Detection,
    /// Leaves covered by the newest signed checkpoint.
    published: std::sync::atomic::AtomicU64,
}

/// How many change notices a slow listener may fall behind before it is told to refresh everything.
const CHANGES_BEHIND_MAX: usize = 256;

impl Control {
    /// Puts the parts together; starts nothing.
    #[must_use]
    pub fn new(store: Store, vault: Vault, clock: Arc<dyn Clock>, settings: Settings) -> Self {
        let (changes, _) = tokio::sync::broadcast::channel(CHANGES_BEHIND_MAX);
        let started_at = clock.now();
        Self(Arc::new(Inner {
            store,
            vault,
            clock,
            settings,
            committed: Notify::new(),
            changes,
            work: Notify::new(),
            stop: CancellationToken::new(),
            started_at,
            live: live::LiveSessions::default(),
            connectors: std::sync::OnceLock::new(),
            statements: statement::WaitingStatements::default(),
            tickets: std::sync::OnceLock::new(),
            sessions: std::sync::OnceLock::new(),
            channels: std::sync::OnceLock::new(),
            archive: std::sync::OnceLock::new(),
            witnesses: std::sync::OnceLock::new(),
            search: search::Searching::default(),
            bundling: offline::Bundling::default(),
            questions: passkey::Questions::default(),
            detection: detection::Detection::default(),
            published: std::sync::atomic::AtomicU64::new(0),
        }))
    }

    /// Where this runs.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Cancelled when Postern stops: what goes on for as long as it runs ends then.
    #[must_use]
    pub fn stop(&self) -> &CancellationToken {
        &self.0.stop
    }

    /// Closes the database after the transactions in progress.
    pub async fn close(&self) {
        self.store().close().await;
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Nouns that have changed, from now on: the first part of each event's action.
    #[must_use]
    pub fn changes(&self) -> tokio::sync::broadcast::Receiver<&'static str> {
        self.0.changes.subscribe()
    }

    /// Tells the use cases where sessions are run, so that they can be watched. Once only.
    pub fn attach(&self, sessions: postern_gateway::Sessions) {
        let _ = self.0.sessions.set(sessions);
    }

    /// Acts on targets by these connectors and no others. Once only, before anything is done.
    pub fn attach_connectors(&self, connectors: postern_connectors::Connectors) {
        let _ = self.0.connectors.set(connectors);
    }

    pub(crate) fn connectors(&self) -> &postern_connectors::Connectors {
        self.0.connectors.get_or_init(postern_connectors::Connectors::all)
    }

    pub(crate) fn questions(&self) -> &passkey::Questions {
        &self.0.questions
    }

    pub(crate) fn live(&self) -> &live::LiveSessions {
        &self.0.live
    }

    pub(crate) fn waiting_statements(&self) -> &statement::WaitingStatements {
        &self.0.statements
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.0.vault
    }

    /// Commits `tx` with `events`, then tells those who wait for changes.
    pub(crate) async fn commit(&self, tx: postern_store::WriteTx, events: &[Event]) -> Result<u64, Error> {
        let first = tx.commit(events).await?;
        self.0.committed.notify_one();
        for event in events {
            // Nobody listening is no failure.
            let _ = self.0.changes.send(noun_of(&event.action));
        }
        Ok(first)
    }

    /// Writes down something that changed no row: a refusal, a failed sign-in.
    pub(crate) async fn note(&self, event: Event) -> Result<(), Error> {
        let tx = self.store().write(self.now()).await?;
        self.commit(tx, &[event]).await?;
        Ok(())
    }

    /// A refusal by `caller`'s authority, written down.
    ///
    /// # Errors
    /// When it cannot be written down; the caller is refused all the same.
    pub async fn note_forbidden(&self, caller: &Caller, operation: &str) -> Result<(), Error> {
        let event = Event::done(self.now(), caller.actor(), "api.call", operation, caller.user.scope.clone())
            .outcome(postern_domain::event::Outcome::Refused);
        self.note(event).await
    }

    /// Postern itself as an actor.
    pub(crate) const fn system() -> Actor {
        Actor::System
    }
}

/// The noun of an action, from the closed list that listeners know.
fn noun_of(action: &str) -> &'static str {
    const NOUNS: [&str; 33] = [
        "alert",
        "detection_rule",
        "report",
        "duties",
        "stand_in",
        "user",
        "group",
        "role",
        "scope",
        "login",
        "ssh_key",
        "passkey",
        "token",
        "asset",
        "host_key",
        "account",
        "secret",
        "policy",
        "request",
        "review",
        "grant",
        "session",
        "vault",
        "audit",
        "rotation",
        "heartbeat",
        "dependent",
        "checkout",
        "provision",
        "connect_token",
        "statement",
        "channel",
        "break_glass",
    ];
    let noun = action.split('.').next().unwrap_or_default();
    NOUNS.into_iter().find(|known| *known == noun).unwrap_or("other")
}
