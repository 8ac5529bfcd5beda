//! A control plane in a folder of its own, with a clock that is set by hand and an open vault, for
//! tests here and in the crates above.

#![allow(clippy::expect_used, clippy::missing_panics_doc, reason = "a test that cannot be set up has failed")]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_lc_rs::hmac;
use postern_domain::event::Event;
use postern_domain::permission::RoleAssignment;
use postern_domain::user::{Group, Login, Profile, User, UserState};
use postern_domain::{GroupId, LoginId, ScopePath, SecretBytes, SecretText, Timestamp, UserId, UserName};
use postern_store::{LeafFilter, PageRequest, Store, StoredLogin, TotpSeed};
use postern_vault::token::{self, Purpose};
use postern_vault::{Recipient, SealedRoot, SharePlan, password, random, totp};

mod authenticator;

pub use authenticator::Authenticator;

use crate::{Caller, Clock, Control, Settings, Visitor, data, factor, keys};

mod target;

pub use target::{CERTIFIED, Fault, Host, Hosts};

/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery staple";
/// Where everybody comes from, unless said otherwise.
pub const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10));
/// When it begins: 2026-01-01T00:00:00Z.
const BEGINNING: i64 = 1_767_225_600_000;

/// A clock that stands still until it is moved.
pub struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

impl HandClock {
    /// Moves it on.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).expect("a short time"), Ordering::SeqCst);
    }

    /// Sets it, also back.
    pub fn set(&self, to: Timestamp) {
        self.0.store(to.as_millis(), Ordering::SeqCst);
    }
}

/// A control plane with nobody in it.
pub struct World {
    /// The use cases.
    pub control: Control,
    /// Its clock.
    pub clock: Arc<HandClock>,
    folder: tempfile::TempDir,
}

/// Somebody who has enrolled.
pub struct Person {
    /// As they were when they were made.
    pub user: User,
    /// The seed of their one-time codes.
    pub seed: SecretBytes,
}

impl Person {
    /// The one-time code that their generator shows at `at`.
    #[must_use]
    pub fn code(&self, at: Timestamp) -> SecretText {
        code(&self.seed, at)
    }
}

/// The code that a generator with this seed shows at `at`.
#[must_use]
pub fn code(seed: &SecretBytes, at: Timestamp) -> SecretText {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, seed.expose());
    let tag = hmac::sign(&key, &totp::step_at(at).to_be_bytes());
    let offset = usize::from(tag.as_ref().last().expect("a tag") & 15);
    let word = tag.as_ref().get(offset..offset + 4).expect("a tag of 20 bytes");
    let number = u32::from_be_bytes(word.try_into().expect("four bytes")) & 0x7FFF_FFFF;
    SecretText::new(format!("{:06}", number % 1_000_000))
}

impl World {
    /// A new one: empty, its vault open, its clock at the beginning of 2026.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for place in ["bundles_a", "bundles_b"] {
            std::fs::create_dir(folder.path().join(place)).expect("a folder");
        }
        let store = Store::open(&folder.path().join("postern.db")).await.expect("a database");
        let recipients = [Recipient::KeyFile(random::secret(32))];
        let (_, _, vault) = SealedRoot::create(&recipients, SharePlan::default()).expect("a vault");
        let clock = Arc::new(HandClock(AtomicI64::new(BEGINNING)));
        let mut tx = store.write(clock.now()).await.expect("a transaction");
        let ring = data::ring_text(&vault.key_ring().expect("an open vault"));
        tx.setting_set(data::KEY_RING, &ring).await.expect("a setting");
        keys::make_missing(&mut tx, &vault).await.expect("keys");
        tx.commit_upkeep().await.expect("a commit");
        let settings = Settings {
            data: folder.path().to_owned(),
            public_url: "https://gate.example.test:8443".to_owned(),
            ssh_address: Some("gate.example.test:2222".to_owned()),
            ssh_sources: Vec::new(),
            postgresql_address: Some("gate.example.test:5433".to_owned()),
            mysql_address: None,
            redis_address: None,
            key_file: folder.path().join("vault.key"),
            break_glass_places: ["bundles_a", "bundles_b"].iter().map(|name| folder.path().join(name)).collect(),
            retention: postern_domain::retention::Retention::default(),
            authority: None,
        };
        Self { control: Control::new(store, vault, clock.clone(), settings), clock, folder }
    }

    /// Its data folder.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A visitor from where everybody comes from.
    #[must_use]
    pub fn visitor(&self) -> Visitor {
        Visitor { source: SOURCE, client: "test".to_owned() }
    }

    /// Makes a scope, and those above it.
    pub async fn scope(&self, path: &str) -> ScopePath {
        let path: ScopePath = path.parse().expect("a scope");
        let mut tx = self.control.store().write(self.now()).await.expect("a transaction");
        let segments: Vec<_> = path.as_str().split('/').filter(|segment| !segment.is_empty()).collect();
        for depth in 1..=segments.len() {
            let above = format!("/{}", segments.iter().take(depth).copied().collect::<Vec<_>>().join("/"));
            let above = above.parse().expect("a scope");
            if !tx.scope_exists(&above).await.expect("an answer") {
                tx.scope_create(&above).await.expect("a scope");
            }
        }
        tx.commit_upkeep().await.expect("a commit");
        path
    }

    /// Makes somebody active who has enrolled, with these roles as `(role, scope)`.
    pub async fn person(&self, name: &str, scope: &str, roles: &[(&str, &str)]) -> Person {
        static HASH: OnceLock<String> = OnceLock::new();
        let hash = HASH.get_or_init(|| password::hash(&SecretText::new(PASSWORD.to_owned())).expect("a hash"));
        let scope = self.scope(scope).await;
        let roles: Vec<_> = roles
            .iter()
            .map(|(role, scope)| RoleAssignment {
                role: role.parse().expect("a role"),
                scope: scope.parse().expect("a scope"),
            })
            .collect();
        for assignment in &roles {
            self.scope(assignment.scope.as_str()).await;
        }
        let now = self.now();
        let user = User {
            id: UserId::generate(now, random::bytes()),
            name: name.parse().expect("a name"),
            email: None,
            scope,
            state: UserState::Active,
            groups: Vec::new(),
            roles,
            totp: true,
            created_at: now,
            last_seen_at: None,
            profile: Profile::default(),
        };
        let seed = totp::generate();
        let sealed = factor::seal_seed(self.control.vault(), &user.id, &seed).expect("an open vault");
        let mut tx = self.control.store().write(now).await.expect("a transaction");
        tx.user_create(&user).await.expect("a user");
        tx.user_roles_set(&user.id, &user.roles).await.expect("roles");
        tx.password_set(&user.id, hash).await.expect("a password");
        tx.totp_set(&user.id, &TotpSeed { sealed, last_step: 0 }).await.expect("a seed");
        tx.commit_upkeep().await.expect("a commit");
        Person { user, seed }
    }

    /// Makes a group of these people.
    pub async fn group(&self, name: &str, scope: &str, members: &[&str]) -> Group {
        let scope = self.scope(scope).await;
        let mut tx = self.control.store().write(self.now()).await.expect("a transaction");
        let group = Group {
            id: GroupId::generate(self.now(), random::bytes()),
            name: name.parse().expect("a name"),
            scope,
            description: String::new(),
            members: members.iter().map(|name| name.parse().expect("a name")).collect(),
            roles: Vec::new(),
        };
        tx.group_put(&group).await.expect("a group");
        for member in &group.members {
            let user = tx.user_by_name(member).await.expect("an answer").expect("a user");
            tx.group_member_add(&group.id, &user.id).await.expect("a member");
        }
        tx.commit_upkeep().await.expect("a commit");
        group
    }

    /// Signs somebody in, with a second factor proved just now; gives the token.
    pub async fn login(&self, name: &str) -> SecretText {
        let now = self.now();
        let name: UserName = name.parse().expect("a name");
        let mut tx = self.control.store().write(now).await.expect("a transaction");
        let user = tx.user_by_name(&name).await.expect("an answer").expect("a user");
        let token = token::generate(Purpose::Login);
        let login = Login {
            id: LoginId::generate(now, random::bytes()),
            source: SOURCE.to_string(),
            client: "test".to_owned(),
            created_at: now,
            last_used_at: now,
            expires_at: now.after(Duration::from_secs(12 * 3600)),
            mfa_at: Some(now),
        };
        let stored = StoredLogin { login, user: user.id, idle_max: None, passkey: false, ended_at: None };
        tx.login_create(&stored, &token.hash.to_string()).await.expect("a login");
        tx.commit_upkeep().await.expect("a commit");
        token.text
    }

    /// Somebody signed in, with a second factor proved just now.
    pub async fn caller(&self, name: &str) -> Caller {
        let token = self.login(name).await;
        self.control.authenticate(token, self.visitor()).await.expect("an active user")
    }

    /// What was written down under `action`, oldest first.
    pub async fn events(&self, action: &str) -> Vec<Event> {
        let filter = LeafFilter { action: Some(action.to_owned()), ..LeafFilter::default() };
        let page = PageRequest { cursor: None, limit: Some(500) };
        let mut rows = self.control.store().read().await.expect("a snapshot");
        let leaves = rows.leaves(&[ScopePath::root()], &filter, &page.into()).await.expect("leaves");
        leaves.items.iter().rev().map(|leaf| serde_json::from_slice(&leaf.body).expect("an event")).collect()
    }
}
