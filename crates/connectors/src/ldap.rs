//! Directories reached by LDAP over TLS: OpenLDAP and what keeps to the RFCs. A password travels in the
//! Password Modify operation (RFC 3062), so that the directory hashes it by its own policy.

use async_trait::async_trait;
use ldap3::exop::PasswordModify;
use ldap3::{
    Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Mod, Scope, SearchEntry, dn_escape, ldap_escape,
};
use postern_domain::account::CredentialKind;
use postern_domain::asset::Platform;
use postern_domain::discovery::Observation;
use postern_domain::secret_rules::{PasswordRules, SecretRules};
use postern_domain::{AccountName, SecretText};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::connector::{Capabilities, Change, Connector, Coverage, SettingSpec, Survey};
use crate::entitlement::{Entitlement, Provision, Provisioned, grant_name, grant_of_name};
use crate::login::{Login, Secret};
use crate::outcome::{Cause, Failure, Outcome, SignInError, Verdict};
use crate::target::{Settings, Target};
use crate::tls::{self, Pinned};

mod inventory;

/// Directories.
#[derive(Clone, Copy, Debug, Default)]
pub struct Directory;

const BASE: &str = "base_dn";
const USER: &str = "user_dn";
const PLACE: &str = "provision_dn";
const GROUPS: &str = "privileged_groups";
const SETTINGS: &[SettingSpec] = &[
    SettingSpec { name: BASE, about: "where accounts and groups lie: dc=example,dc=com", required: true },
    SettingSpec {
        name: USER,
        about: "how an account's name becomes a DN: uid={account},ou=people,dc=example,dc=com; several divided by `;`",
        required: true,
    },
    SettingSpec { name: PLACE, about: "the DN below which ephemeral accounts are made", required: false },
    SettingSpec { name: GROUPS, about: "names of privileged groups, divided by commas", required: false },
];

/// The most templates for DNs: each is an attempt of its own.
const TEMPLATES_MAX: usize = 4;

#[async_trait]
impl Connector for Directory {
    fn platform(&self) -> Platform {
        Platform::Ldap
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            discover: true,
            change_own: true,
            reconcile: true,
            overlap: false,
            provision_account: true,
            provision_sudo: false,
            provision_membership: false,
            native_expiry: false,
        }
    }

    fn secret_rules(&self, kind: CredentialKind) -> Option<SecretRules> {
        (kind == CredentialKind::Password).then_some(SecretRules::Password(PasswordRules::common(28)))
    }

    fn settings(&self) -> &'static [SettingSpec] {
        SETTINGS
    }

    async fn discover(
        &self,
        target: &Target,
        by: &Login,
        survey: &Survey,
        found: &mpsc::Sender<Observation>,
    ) -> Result<Coverage, Failure> {
        let mut session = Session::open(target, &by.account, &by.secret).await.map_err(SignInError::failure)?;
        inventory::discover(&mut session, &target.settings, survey, found).await
    }

    async fn verify(&self, target: &Target, account: &AccountName, secret: &Secret) -> Verdict {
        match Session::open(target, account, secret).await {
            Ok(mut session) => {
                session.close().await;
                Verdict::Works
            }
            Err(error) => error.verdict(),
        }
    }

    async fn change(&self, target: &Target, by: &Login, change: Change<'_>) -> Outcome {
        let Secret::Password(candidate) = change.candidate else {
            return Outcome::NotApplied(Failure::unsupported("use keys as secrets of accounts"));
        };
        let mut session = match Session::open(target, &by.account, &by.secret).await {
            Ok(session) => session,
            Err(error) => return Outcome::NotApplied(error.failure()),
        };
        let dn = if by.account == *change.account {
            Ok(session.dn.clone())
        } else {
            session.find(&target.settings, change.account).await
        };
        let outcome = match dn {
            Ok(dn) => session.set_password(&dn, candidate).await,
            Err(failure) => Outcome::NotApplied(failure),
        };
        session.close().await;
        outcome
    }

    async fn reconcile(&self, target: &Target, by: &Login, account: &AccountName, candidate: &Secret) -> Outcome {
        self.change(target, by, Change { account, old: None, candidate }).await
    }

    async fn provision(&self, target: &Target, by: &Login, what: &Provision) -> Outcome<Provisioned> {
        let Entitlement::Account { secret: Secret::Password(password), member_of, sudo: None } = &what.what else {
            return Outcome::NotApplied(Failure::unsupported("provision that"));
        };
        let place = match target.settings.require(PLACE) {
            Ok(place) => place,
            Err(failure) => return Outcome::NotApplied(failure),
        };
        let name = match grant_name(&what.grant) {
            Ok(name) => name,
            Err(error) => return Outcome::NotApplied(Failure::new(Cause::Setting, error)),
        };
        let mut session = match Session::open(target, &by.account, &by.secret).await {
            Ok(session) => session,
            Err(error) => return Outcome::NotApplied(error.failure()),
        };
        let dn = format!("uid={name},{place}");
        let note = format!("Postern {}", what.grant);
        let outcome = session.make(&target.settings, &dn, name.as_str(), &note, password, member_of).await;
        session.close().await;
        outcome.map(|()| what.placed(None))
    }

    async fn revoke(&self, target: &Target, by: &Login, provisioned: &Provisioned) -> Outcome {
        let (place, name) = match (target.settings.require(PLACE), grant_name(&provisioned.grant)) {
            (Ok(place), Ok(name)) => (place, name),
            (Err(failure), _) => return Outcome::NotApplied(failure),
            (_, Err(error)) => return Outcome::NotApplied(Failure::new(Cause::Setting, error)),
        };
        let mut session = match Session::open(target, &by.account, &by.secret).await {
            Ok(session) => session,
            Err(error) => return Outcome::NotApplied(error.failure()),
        };
        let outcome = session.unmake(&target.settings, &format!("uid={name},{place}")).await;
        session.close().await;
        outcome
    }

    async fn list_provisioned(&self, target: &Target, by: &Login) -> Result<Vec<Provisioned>, Failure> {
        let mut session = Session::open(target, &by.account, &by.secret).await.map_err(SignInError::failure)?;
        let entries = session.search(target.settings.require(BASE)?, "(uid=pst-*)", &["uid"]).await?;
        let names = entries.iter().filter_map(|entry| entry.attrs.get("uid")).flatten();
        let grants = names.filter_map(|name| grant_of_name(name));
        Ok(grants.map(|grant| Provisioned { grant, account: None, group: None, expires_at: None }).collect())
    }
}

/// A bound connection.
struct Session {
    ldap: Ldap,
    /// Who is bound.
    dn: String,
    step: std::time::Duration,
}

impl Session {
    async fn open(target: &Target, account: &AccountName, secret: &Secret) -> Result<Self, SignInError> {
        let Secret::Password(password) = secret else {
            return Err(SignInError::Failed(Failure::unsupported("sign accounts in with keys")));
        };
        // A bind without a password is not a proof of anything, and succeeds (RFC 4513 section 5.1.2).
        if password.expose().is_empty() {
            return Err(SignInError::Refused(Failure::new(Cause::Refused, "an empty password proves nothing")));
        }
        let templates = target.settings.require(USER).map_err(SignInError::Failed)?;
        let mut refused = None;
        for template in templates.split(';').take(TEMPLATES_MAX) {
            let dn = template.trim().replace("{account}", &dn_escape(account.as_str()));
            let mut ldap = connect(target).await.map_err(SignInError::Failed)?;
            let bound = timeout(target.limits.step, ldap.simple_bind(&dn, password.expose())).await;
            let result = bound.unwrap_or(Err(LdapError::from(std::io::Error::from(std::io::ErrorKind::TimedOut))));
            match result {
                Ok(LdapResult { rc: 0, .. }) => return Ok(Self { ldap, dn, step: target.limits.step }),
                Ok(result) if result.rc == 49 => refused = Some(failure(&result)),
                Ok(result) => return Err(SignInError::Failed(failure(&result))),
                Err(error) => return Err(SignInError::Failed(broken(&error))),
            }
        }
        Err(SignInError::Refused(
            refused.unwrap_or_else(|| Failure::new(Cause::Setting, "the setting `user_dn` is empty")),
        ))
    }

    async fn close(&mut self) {
        let _ = timeout(std::time::Duration::from_secs(1), self.ldap.unbind()).await;
    }

    /// Searches the whole tree below `base`.
    async fn search(&mut self, base: &str, filter: &str, attributes: &[&str]) -> Result<Vec<SearchEntry>, Failure> {
        use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
        let adapters: Vec<Box<dyn Adapter<'_, &str, &[&str]>>> =
            vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(PAGE))];
        let searching = async {
            let mut stream =
                self.ldap.streaming_search_with(adapters, base, Scope::Subtree, filter, attributes).await?;
            let mut entries = Vec::new();
            while let Some(entry) = stream.next().await? {
                if entries.len() >= ENTRIES_MAX {
                    break;
                }
                entries.push(SearchEntry::construct(entry));
            }
            let result = stream.finish().await;
            Ok::<_, LdapError>((entries, result))
        };
        match timeout(self.step, searching).await {
            Err(_) => Err(Failure::new(Cause::Timeout, "the directory did not answer in time")),
            Ok(Err(error)) => Err(broken(&error)),
            Ok(Ok((entries, result))) if result.rc == 0 || !entries.is_empty() => Ok(entries),
            Ok(Ok((_, result))) => Err(failure(&result)),
        }
    }

    /// The DN of the one account of this name.
    async fn find(&mut self, settings: &Settings, account: &AccountName) -> Result<String, Failure> {
        let name = ldap_escape(account.as_str()).into_owned();
        let filter = format!("(|(uid={name})(&(cn={name})(userPassword=*)))");
        let entries = self.search(settings.require(BASE)?, &filter, &["1.1"]).await?;
        match entries.as_slice() {
            [entry] => Ok(entry.dn.clone()),
            [] => Err(Failure::new(Cause::NoSuchAccount, format_args!("the directory has no account {account}"))),
            _ => Err(Failure::new(Cause::Conflict, format_args!("the directory has several accounts {account}"))),
        }
    }

    async fn set_password(&mut self, dn: &str, password: &SecretText) -> Outcome {
        let modify = PasswordModify { user_id: Some(dn), old_pass: None, new_pass: Some(password.expose()) };
        match timeout(self.step, self.ldap.extended(modify)).await {
            Err(_) => Outcome::Unknown(Failure::new(Cause::Timeout, "the directory did not answer in time")),
            Ok(Err(error)) => Outcome::Unknown(broken(&error)),
            Ok(Ok(result)) => said(&result.1),
        }
    }

    async fn make(
        &mut self,
        settings: &Settings,
        dn: &str,
        name: &str,
        note: &str,
        password: &SecretText,
        member_of: &[String],
    ) -> Outcome {
        let set = |value: &str| HashSet::from([value.to_owned()]);
        let attributes = vec![
            ("objectClass".to_owned(), set("inetOrgPerson")),
            ("uid".to_owned(), set(name)),
            ("cn".to_owned(), set(name)),
            ("sn".to_owned(), set("Postern")),
            ("description".to_owned(), set(note)),
        ];
        match timeout(self.step, self.ldap.add(dn, attributes)).await {
            Err(_) => return Outcome::Unknown(Failure::new(Cause::Timeout, "the directory did not answer in time")),
            Ok(Err(error)) => return Outcome::Unknown(broken(&error)),
            // 68: it is there already.
            Ok(Ok(result)) if result.rc != 68 => match said(&result) {
                Outcome::Applied(()) => {}
                other => return other,
            },
            Ok(Ok(_)) => {}
        }
        let set = self.set_password(dn, password).await;
        if let Some(failure) = set.failure() {
            return Outcome::Unknown(failure.clone());
        }
        for group in member_of {
            if let Err(failure) = self.join(settings, dn, group).await {
                return Outcome::Unknown(failure);
            }
        }
        Outcome::Applied(())
    }

    async fn join(&mut self, settings: &Settings, dn: &str, group: &str) -> Result<(), Failure> {
        let filter = format!("(&(objectClass=groupOfNames)(cn={}))", ldap_escape(group));
        let groups = self.search(settings.require(BASE)?, &filter, &["1.1"]).await?;
        let [entry] = groups.as_slice() else {
            return Err(Failure::new(Cause::NoSuchAccount, format_args!("the directory has no group {group}")));
        };
        let add = vec![Mod::Add("member".to_owned(), HashSet::from([dn.to_owned()]))];
        let result = self.ldap.modify(&entry.dn, add).await.map_err(|error| broken(&error))?;
        // 20: it is a member already.
        if result.rc == 0 || result.rc == 20 { Ok(()) } else { Err(failure(&result)) }
    }

    /// Takes the entry out of every group, then away.
    async fn unmake(&mut self, settings: &Settings, dn: &str) -> Outcome {
        let base = match settings.require(BASE) {
            Ok(base) => base,
            Err(failure) => return Outcome::NotApplied(failure),
        };
        let groups = match self.search(base, &format!("(member={})", ldap_escape(dn)), &["1.1"]).await {
            Ok(groups) => groups,
            Err(failure) => return Outcome::NotApplied(failure),
        };
        for group in groups {
            let delete = vec![Mod::Delete("member".to_owned(), HashSet::from([dn.to_owned()]))];
            match self.ldap.modify(&group.dn, delete).await {
                Ok(result) if result.rc == 0 || result.rc == 16 => {}
                Ok(result) => return Outcome::Unknown(failure(&result)),
                Err(error) => return Outcome::Unknown(broken(&error)),
            }
        }
        match timeout(self.step, self.ldap.delete(dn)).await {
            Err(_) => Outcome::Unknown(Failure::new(Cause::Timeout, "the directory did not answer in time")),
            Ok(Err(error)) => Outcome::Unknown(broken(&error)),
            Ok(Ok(result)) if result.rc == 32 => Outcome::Applied(()),
            Ok(Ok(result)) => said(&result),
        }
    }
}

async fn connect(target: &Target) -> Result<Ldap, Failure> {
    let pinned = Arc::new(Pinned::new(target));
    let stream = target.dial().await?.into_std();
    let stream = stream.map_err(|error| Failure::new(Cause::Unreachable, error))?;
    let settings = LdapConnSettings::new()
        .set_conn_timeout(target.limits.connect)
        .set_std_stream(ldap3::StdStream::Tcp(stream))
        .set_config(Arc::new(tls::config(pinned.clone())?));
    let host = if target.host.contains(':') { format!("[{}]", target.host) } else { target.host.clone() };
    let url = format!("ldaps://{host}:{}", target.port);
    match LdapConnAsync::with_settings(settings, &url).await {
        Err(error) => Err(pinned.explain(target, &error)),
        Ok((connection, ldap)) => {
            tokio::spawn(async move {
                let _ = connection.drive().await;
            });
            Ok(ldap)
        }
    }
}

fn broken(error: &LdapError) -> Failure {
    Failure::new(Cause::Protocol, format_args!("the connection broke: {error}"))
}

/// What a result of an operation means for what it would have changed.
fn said(result: &LdapResult) -> Outcome {
    match result.rc {
        0 => Outcome::Applied(()),
        // Other, unavailable, busy with no word on what was done.
        1 | 52 | 80 => Outcome::Unknown(failure(result)),
        _ => Outcome::NotApplied(failure(result)),
    }
}

fn failure(result: &LdapResult) -> Failure {
    let cause = match result.rc {
        49 => Cause::Refused,
        50 | 8 | 13 => Cause::Forbidden,
        19 => Cause::Rejected,
        53 => Cause::Locked,
        32 => Cause::NoSuchAccount,
        68 | 20 => Cause::Conflict,
        3 | 51 | 52 => Cause::Timeout,
        _ => Cause::Protocol,
    };
    let text = if result.text.is_empty() { "the directory refused" } else { &result.text };
    Failure::new(cause, format_args!("{text} (LDAP result {})", result.rc))
}

/// How many entries are asked for at a time.
const PAGE: i32 = 500;
/// The most entries of one search.
const ENTRIES_MAX: usize = 200_000;
