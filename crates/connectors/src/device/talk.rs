//! The dialogue itself.

use postern_domain::{AccountName, SecretText};
use zeroize::Zeroizing;

use super::cisco;
use super::model::{Model, Pattern, Step, Verifier};
use crate::outcome::{Cause, Failure, Outcome};
use crate::ssh::Ssh;
use crate::ssh::dialogue::Dialogue;

/// What the steps speak of.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    pub(super) account: &'a AccountName,
    pub(super) secret: Option<&'a SecretText>,
    pub(super) old: Option<&'a SecretText>,
}

/// A device that waits for a command, in the mode in which it can be changed.
pub(super) struct Talk {
    dialogue: Dialogue,
    model: &'static Model,
    /// Held, for the dialogue ends with it.
    _ssh: Ssh,
}

/// What the device waits with.
enum Wait {
    Prompt,
    More,
}

impl Talk {
    pub(super) async fn begin(ssh: Ssh, model: &'static Model, elevate: Option<&SecretText>) -> Result<Self, Failure> {
        let dialogue = ssh.dialogue().await?;
        let mut talk = Self { dialogue, model, _ssh: ssh };
        let mut text = talk.answer(&model.prompt.ready).await?;
        if let Some(enable) = &model.enable
            && !model.prompt.privileged.0.is_match(last(&text))
        {
            talk.dialogue.send(&enable.send).await?;
            talk.answer(&enable.ask).await?;
            talk.dialogue.send(elevate.map_or("", SecretText::expose)).await?;
            // A wrong one is asked for again, or answered with the prompt that was there before.
            let either = |line: &str| enable.ask.0.is_match(line) || model.prompt.ready.0.is_match(line);
            (_, text) = talk.dialogue.read_until(|text| either(last(text)).then_some(())).await?;
        }
        if !model.prompt.privileged.0.is_match(last(&text)) {
            let text = "the account is let in, and not let change anything: its enable secret is not taken";
            return Err(Failure::new(Cause::Forbidden, text));
        }
        for command in &model.setup {
            talk.ask(command).await?;
        }
        Ok(talk)
    }

    /// Sends a command, and reads its answer.
    pub(super) async fn ask(&mut self, command: &str) -> Result<Zeroizing<String>, Failure> {
        self.dialogue.send(command).await?;
        let model = self.model;
        let text = self.answer(&model.prompt.ready).await?;
        self.refusal(&text).map_or(Ok(text), Err)
    }

    /// Walks through the steps of a change.
    pub(super) async fn walk(&mut self, steps: &'static [Step], told: Told<'_>) -> Outcome {
        let mut may_be_applied = false;
        for step in steps {
            let line = match self.line(step, told) {
                Ok(line) => line,
                Err(failure) => return Outcome::NotApplied(failure),
            };
            if let Err(failure) = self.dialogue.send(&line).await {
                return ended(may_be_applied || step.applies, failure);
            }
            let model = self.model;
            let answer = self.answer(step.expect.as_ref().unwrap_or(&model.prompt.ready)).await;
            let text = match answer {
                Ok(text) => text,
                Err(failure) => return ended(may_be_applied || step.applies, failure),
            };
            if let Some(missing) = &step.missing
                && text.lines().any(|line| missing.0.is_match(line.trim()))
            {
                return Outcome::Applied(());
            }
            // What the device refuses in so many words has not happened.
            if let Some(failure) = self.refusal(&text) {
                return ended(may_be_applied, failure);
            }
            let is_expected = step.expect.as_ref().is_none_or(|expect| expect.0.is_match(last(&text)));
            if !is_expected || step.success.as_ref().is_some_and(|success| !success.0.is_match(&text)) {
                let failure = Failure::new(Cause::Protocol, "the device does not confirm the change");
                return ended(may_be_applied || step.applies, failure);
            }
            may_be_applied |= step.applies;
        }
        Outcome::Applied(())
    }

    fn line(&self, step: &Step, told: Told<'_>) -> Result<Zeroizing<String>, Failure> {
        let needed = || Failure::new(Cause::Refused, "this dialogue needs a password that is not at hand");
        if step.old {
            return told.old.map(|old| Zeroizing::new(old.expose().to_owned())).ok_or_else(needed);
        }
        let secret = told.secret.map(SecretText::expose);
        if let Some(secret) = secret
            && (secret.is_empty() || secret.bytes().any(|b| !b.is_ascii_graphic() || b"?\"\\".contains(&b)))
        {
            let text = "the password must be ASCII without blanks, quotes, backslashes and question marks";
            return Err(Failure::new(Cause::Rejected, text));
        }
        if step.secret {
            return secret.map(|secret| Zeroizing::new(secret.to_owned())).ok_or_else(needed);
        }
        let mut line = step.send.clone().unwrap_or_default().replace("{account}", told.account.as_str());
        if line.contains("{verifier}") {
            let verifier = match self.model.verifier {
                Some(Verifier::Cisco8) => cisco::type8(secret.ok_or_else(needed)?)?,
                None => return Err(needed()),
            };
            line = line.replace("{verifier}", &verifier);
        }
        Ok(Zeroizing::new(line))
    }

    /// Reads until the last line is what is waited for, turning pages on the way.
    async fn answer(&mut self, wanted: &Pattern) -> Result<Zeroizing<String>, Failure> {
        let mut whole = Zeroizing::new(String::new());
        for _ in 0..PAGES_MAX {
            let more = self.model.more.as_ref();
            let accept = |text: &str| {
                let line = last(text);
                // A device that refuses is back at its prompt, whatever was waited for.
                if wanted.0.is_match(line) || self.model.prompt.ready.0.is_match(line) {
                    Some(Wait::Prompt)
                } else {
                    more.filter(|more| more.0.is_match(line)).map(|_| Wait::More)
                }
            };
            let (wait, text) = self.dialogue.read_until(accept).await?;
            whole.push_str(&text);
            match wait {
                Wait::Prompt => return Ok(whole),
                Wait::More => self.dialogue.send(" ").await?,
            }
        }
        Err(Failure::new(Cause::Protocol, "the device pages without end"))
    }

    /// The line in which the device says no.
    fn refusal(&self, text: &str) -> Option<Failure> {
        let lines = text.lines().map(str::trim);
        let mut said = lines.filter(|line| self.model.errors.iter().any(|error| error.0.is_match(line)));
        said.next().map(|line| Failure::new(Cause::Rejected, line))
    }
}

fn ended(may_be_applied: bool, failure: Failure) -> Outcome {
    if may_be_applied { Outcome::Unknown(failure) } else { Outcome::NotApplied(failure) }
}

/// The line that has not ended yet.
fn last(text: &str) -> &str {
    text.rsplit(['\n', '\r']).next().unwrap_or_default()
}

/// The most pages of one answer.
const PAGES_MAX: usize = 10_000;
