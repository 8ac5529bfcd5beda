//! Telling what uses an account's secret that there is a new one: over SSH, as the reconcile account of
//! the asset that it is on. What cannot be made known is put back as it was.

use std::time::Duration;

use postern_connectors::{Login, Shell, ShellOutput, Target};
use postern_domain::account::Account;
use postern_domain::event::{Event, Outcome};
use postern_domain::rotation::dependent::PLACE;
use postern_domain::rotation::{Dependent, DependentState, Put};
use postern_domain::{ScopePath, SecretText};
use postern_store::{ClaimedPush, ReadTx};
use zeroize::Zeroizing;

use crate::acting::reconciler;
use crate::{Control, Error};

/// How long telling one may take.
const PUSH_MAX: Duration = Duration::from_secs(60);
const LEASE: Duration = Duration::from_secs(90);
/// The first and the longest pause before one that could not be told is told again.
const PAUSE_MIN: Duration = Duration::from_secs(10);
const PAUSE_MAX: Duration = Duration::from_secs(3600);
/// Where systemd looks for credentials that units load by name.
const CREDENTIALS: &str = "/etc/credstore";

/// What became of telling one.
enum Told {
    Done,
    RolledBack(String),
    Failed(String),
}

impl Control {
    /// Tells one dependent that has yet to be told. Gives whether there was one.
    ///
    /// # Errors
    /// When the database fails or the vault is sealed.
    pub async fn dependent_tell(&self) -> Result<bool, Error> {
        if self.vault().status().sealed {
            return Err(Error::Sealed);
        }
        let now = self.now();
        let mut tx = self.store().write(now).await?;
        let Some(claimed) = tx.dependent_claim(now.after(LEASE)).await? else { return Ok(false) };
        tx.commit_upkeep().await?;
        let mut rows = self.store().read().await?;
        let Some(account) = rows.account(&claimed.account).await? else { return Ok(true) };
        let reference = format!("{}@{}", account.name, account.asset);
        let dependent = account.rotation.dependents.iter().find(|dependent| dependent.name == claimed.name);
        let told = match dependent {
            None => Told::Failed("it is not declared any more".to_owned()),
            Some(dependent) => {
                let told = self.tell(&mut rows, &account, &claimed, dependent).await;
                match told {
                    Err(Error::Sealed) => return Err(Error::Sealed),
                    Err(error) => Told::Failed(error.to_string()),
                    Ok(told) => told,
                }
            }
        };
        drop(rows);
        self.dependent_told(&claimed, &reference, &account.scope, told).await?;
        Ok(true)
    }

    async fn dependent_told(
        &self,
        claimed: &ClaimedPush,
        reference: &str,
        scope: &ScopePath,
        told: Told,
    ) -> Result<(), Error> {
        let now = self.now();
        let pause = PAUSE_MIN.saturating_mul(1_u32 << claimed.attempts.min(12)).min(PAUSE_MAX);
        let (state, note, next_at) = match told {
            Told::Done => (DependentState::Told, None, None),
            Told::RolledBack(why) => (DependentState::RolledBack, Some(why), None),
            Told::Failed(why) => (DependentState::Failed, Some(why), Some(now.after(pause))),
        };
        let mut tx = self.store().write(now).await?;
        if !tx.dependent_save(claimed, state, note.as_deref(), next_at).await? {
            return Ok(());
        }
        let outcome = if state == DependentState::Told { Outcome::Done } else { Outcome::Failed };
        let mut event = Event::done(now, Self::system(), "dependent.tell", reference, scope.clone())
            .outcome(outcome)
            .with("dependent", claimed.name.as_str())
            .with("version", claimed.version)
            .with("state", serde_json::json!(state));
        if let Some(note) = note {
            tracing::warn!(account = reference, dependent = claimed.name, note, "a dependent could not be told");
            event = event.with("detail", note);
        }
        self.commit(tx, &[event]).await?;
        Ok(())
    }

    async fn tell(
        &self,
        rows: &mut ReadTx,
        account: &Account,
        claimed: &ClaimedPush,
        dependent: &Dependent,
    ) -> Result<Told, Error> {
        let sealed = rows.secret_version(&account.id, claimed.version).await?;
        let Some(sealed) = sealed else { return Ok(Told::Failed("the version is not in the vault".to_owned())) };
        let secret = self.opened(&sealed)?;
        let tenant = account.scope.tenant();
        let Some(asset) = rows.asset_in_tenant(&tenant, &dependent.asset).await? else {
            return Ok(Told::Failed(format!("asset `{}` does not exist", dependent.asset)));
        };
        let Some(by) = reconciler(rows, &asset).await? else {
            return Ok(Told::Failed(format!("asset `{}` has no reconcile account that can be used", asset.name)));
        };
        let target = self.target_of(rows, &asset).await?;
        let login = self.login_of(rows, &by).await?;
        let told = tokio::time::timeout(PUSH_MAX, tell(&target, &login, dependent, &secret)).await;
        Ok(told.unwrap_or_else(|_| Told::Failed("the target did not answer in time".to_owned())))
    }
}

async fn tell(target: &Target, by: &Login, dependent: &Dependent, secret: &SecretText) -> Told {
    let shell = match Shell::open(target, by).await {
        Ok(shell) => shell,
        Err(error) => return Told::Failed(error.to_string()),
    };
    match &dependent.put {
        Put::File { path, owner, group, mode, template } => {
            let content = Zeroizing::new(template.replacen(PLACE, secret.expose(), 1));
            let mode = u32::from_str_radix(mode, 8).unwrap_or(0o600);
            file(&shell, (path, owner, group, mode), &content, &dependent.reload).await
        }
        Put::SystemdCredential { credential, unit } => {
            if let Err(error) = shell.run_as_root(&["mkdir", "-p", "-m", "0700", CREDENTIALS], &[]).await {
                return Told::Failed(error.to_string());
            }
            let path = format!("{CREDENTIALS}/{credential}");
            let restart = ["/usr/bin/systemctl", "restart", unit].map(str::to_owned);
            let reload = if dependent.reload.is_empty() { &restart[..] } else { &dependent.reload };
            file(&shell, (&path, "root", "root", 0o600), secret.expose(), reload).await
        }
        Put::Command { command } => match run(&shell, command, secret.expose().as_bytes()).await {
            Ok(()) => match run(&shell, &dependent.reload, &[]).await {
                Ok(()) => Told::Done,
                Err(why) => Told::Failed(why),
            },
            Err(why) => Told::Failed(why),
        },
    }
}

/// Replaces a file and makes that known; where that fails, the file is put back and that is made known.
async fn file(
    shell: &Shell,
    (path, owner, group, mode): (&str, &str, &str, u32),
    content: &str,
    reload: &[String],
) -> Told {
    let before = match shell.put_file(path, owner, group, mode, content.as_bytes()).await {
        Ok(before) => before,
        Err(error) => return Told::Failed(error.to_string()),
    };
    let Err(why) = run(shell, reload, &[]).await else { return Told::Done };
    let restored = match &before {
        Some(before) => shell.put_file(path, owner, group, mode, before).await.map(|_| ()),
        None => shell.remove_file(path).await,
    };
    match restored {
        Ok(()) => match run(shell, reload, &[]).await {
            Ok(()) => Told::RolledBack(why),
            Err(again) => Told::RolledBack(format!("{why}; with what was there before: {again}")),
        },
        Err(error) => Told::Failed(format!("{why}; what was there before cannot be put back: {error}")),
    }
}

/// Runs a program as root; nothing where there is none.
async fn run(shell: &Shell, argv: &[String], stdin: &[u8]) -> Result<(), String> {
    let Some(program) = argv.first() else { return Ok(()) };
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    match shell.run_as_root(&words, stdin).await {
        Ok(ShellOutput { status: Some(0), .. }) => Ok(()),
        Ok(ShellOutput { status, stderr, .. }) => {
            let status = status.map_or_else(|| "was ended by a signal".to_owned(), |code| format!("ended with {code}"));
            let said = stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
            let said: String = said.chars().filter(|c| !c.is_control()).take(200).collect();
            Err(format!("{program} {status}: {said}"))
        }
        Err(error) => Err(error.to_string()),
    }
}
