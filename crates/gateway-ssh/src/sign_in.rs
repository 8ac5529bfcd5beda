//! Who is there? The conversation before a client is known, whatever its outcome.
//!
//! Nothing here tells whether a user, an account or an asset exists: wrong answers of every kind
//! look alike and take alike.

use std::net::IpAddr;
use std::sync::Arc;

use postern_domain::name::GateLogin;
use postern_domain::{AccountRef, SecretText, UserName};
use postern_gateway::{Broker, ConnectRequest, FactorNeed, Identity};
use russh::keys::{HashAlg, PublicKey};

use crate::config::Limits;
use postern_ssh_target::text::plain;

/// The conversation's state.
pub(crate) struct SignIn {
    broker: Arc<dyn Broker>,
    limits: Limits,
    source: IpAddr,
    /// The user name as the client spelt it; another one begins anew.
    named: String,
    state: State,
    wrong_answers: u32,
}

enum State {
    /// Nothing is proved.
    Unknown,
    /// A password or, with no prompt open, a key is proved; a factor is wanted.
    AwaitFactor { identity: Identity, account: AccountRef, link: String },
    /// The name has been explained to be wrong.
    AwaitGoodbye,
    /// The first questions have been put.
    AwaitPassword { asked_user: bool },
    /// Done.
    Known { identity: Identity, account: AccountRef },
}

/// What to say to the client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Come in.
    Welcome,
    /// No.
    No,
    /// No, and no other method either.
    Never,
    /// The key is proved; go on with questions.
    KeyAccepted,
    /// Questions: each with whether what is typed is shown.
    Ask {
        /// Shown first.
        instructions: String,
        /// The questions.
        prompts: Vec<(String, bool)>,
    },
}

impl SignIn {
    /// A client that has said nothing yet.
    pub(crate) fn new(broker: Arc<dyn Broker>, limits: Limits, source: IpAddr) -> Self {
        Self { broker, limits, source, named: String::new(), state: State::Unknown, wrong_answers: 0 }
    }

    /// Who it is and what they want, once they are in.
    pub(crate) fn known(&self) -> Option<(&Identity, &AccountRef)> {
        match &self.state {
            State::Known { identity, account } => Some((identity, account)),
            _ => None,
        }
    }

    /// Would this key be somebody's?
    pub(crate) async fn offer_key(&mut self, name: &str, key: &PublicKey) -> bool {
        self.begin(name);
        match parse(name) {
            Some(login) => self.key_owner(&login, key).await.is_some(),
            None => false,
        }
    }

    /// The client has signed with this key.
    pub(crate) async fn prove_key(&mut self, name: &str, key: &PublicKey) -> Answer {
        self.begin(name);
        let Some(login) = parse(name) else { return Answer::No };
        let Some(identity) = self.key_owner(&login, key).await else { return Answer::No };
        match self.need(&identity, &login.account).await {
            Some(FactorNeed::None) => {
                self.state = State::Known { identity, account: login.account };
                Answer::Welcome
            }
            Some(FactorNeed::Wanted { link }) => {
                self.state = State::AwaitFactor { identity, account: login.account, link };
                Answer::KeyAccepted
            }
            None => Answer::No,
        }
    }

    /// The client wants to be asked.
    pub(crate) fn questions(&mut self, name: &str) -> Answer {
        self.begin(name);
        if self.wrong_answers >= self.limits.sign_in_attempts {
            return Answer::Never;
        }
        if let State::AwaitFactor { link, .. } = &self.state {
            return ask_factor(link);
        }
        let Some(login) = parse(name) else {
            self.state = State::AwaitGoodbye;
            return Answer::Ask { instructions: explain(name), prompts: Vec::new() };
        };
        let asked_user = login.user.is_none();
        self.state = State::AwaitPassword { asked_user };
        let mut prompts = Vec::new();
        if asked_user {
            prompts.push(("User: ".to_owned(), true));
        }
        prompts.push(("Password: ".to_owned(), false));
        prompts.push(("Code, or Enter for a link: ".to_owned(), false));
        Answer::Ask { instructions: String::new(), prompts }
    }

    /// The client has answered.
    pub(crate) async fn answers(&mut self, name: &str, answers: Vec<SecretText>) -> Answer {
        let began = tokio::time::Instant::now();
        let verdict = self.judge(name, answers).await;
        match verdict {
            Answer::No => {
                self.wrong_answers += 1;
                tokio::time::sleep_until(began + self.limits.wrong_answer_delay * self.wrong_answers).await;
                if self.wrong_answers >= self.limits.sign_in_attempts { Answer::Never } else { Answer::No }
            }
            other => other,
        }
    }

    async fn judge(&mut self, name: &str, answers: Vec<SecretText>) -> Answer {
        if name != self.named {
            self.begin(name);
            return Answer::No;
        }
        let mut answers = answers.into_iter();
        match std::mem::replace(&mut self.state, State::Unknown) {
            State::AwaitFactor { identity, account, link } => {
                let Some(code) = answers.next() else { return Answer::No };
                let verdict = self.prove_factor(identity.clone(), account.clone(), code, &link).await;
                if verdict == Answer::No {
                    // What was proved stays proved; only the factor is asked for again.
                    self.state = State::AwaitFactor { identity, account, link };
                }
                verdict
            }
            State::AwaitPassword { asked_user } => {
                let Some(login) = parse(name) else { return Answer::No };
                let user = if asked_user {
                    answers.next().and_then(|user| user.expose().trim().parse::<UserName>().ok())
                } else {
                    login.user
                };
                let (Some(user), Some(password), Some(code)) = (user, answers.next(), answers.next()) else {
                    return Answer::No;
                };
                self.prove_password(&user, login.account, password, code).await
            }
            State::Unknown | State::AwaitGoodbye | State::Known { .. } => Answer::No,
        }
    }

    async fn prove_password(
        &mut self,
        user: &UserName,
        account: AccountRef,
        password: SecretText,
        code: SecretText,
    ) -> Answer {
        let identity = match self.broker.user_by_password(user, password, self.source).await {
            Ok(identity) => identity,
            Err(error) => {
                tracing::debug!(%error, source = %self.source, "password not accepted");
                return Answer::No;
            }
        };
        match self.need(&identity, &account).await {
            Some(FactorNeed::None) => {
                self.state = State::Known { identity, account };
                Answer::Welcome
            }
            Some(FactorNeed::Wanted { link }) if code.expose().trim().is_empty() => {
                let question = ask_factor(&link);
                self.state = State::AwaitFactor { identity, account, link };
                question
            }
            Some(FactorNeed::Wanted { link }) => self.prove_factor(identity, account, code, &link).await,
            None => Answer::No,
        }
    }

    async fn prove_factor(
        &mut self,
        mut identity: Identity,
        account: AccountRef,
        code: SecretText,
        link: &str,
    ) -> Answer {
        let code = SecretText::new(code.expose().trim().to_owned());
        match self.broker.prove_factor(&identity, code, link, self.source).await {
            Ok(at) => {
                identity.factor_at = Some(at);
                self.state = State::Known { identity, account };
                Answer::Welcome
            }
            Err(error) => {
                tracing::debug!(%error, user = %identity.id, "factor not accepted");
                Answer::No
            }
        }
    }

    async fn key_owner(&self, login: &GateLogin, key: &PublicKey) -> Option<Identity> {
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        match self.broker.user_by_key(&fingerprint, login.user.as_ref()).await {
            Ok(identity) => identity,
            Err(error) => {
                tracing::warn!(%error, "no answer on a key");
                None
            }
        }
    }

    async fn need(&self, identity: &Identity, account: &AccountRef) -> Option<FactorNeed> {
        let request = ConnectRequest {
            user: identity.clone(),
            account: account.clone(),
            source: self.source,
            protocol: crate::PROTOCOL,
        };
        match self.broker.factor_need(&request).await {
            Ok(need) => Some(need),
            Err(error) => {
                tracing::warn!(%error, user = %identity.id, "no answer on a second factor");
                None
            }
        }
    }

    /// What was proved for one name counts for no other.
    fn begin(&mut self, name: &str) {
        if name != self.named {
            name.chars().take(NAME_MAX + 1).collect::<String>().clone_into(&mut self.named);
            self.state = State::Unknown;
        }
    }
}

fn parse(name: &str) -> Option<GateLogin> {
    if name.len() > NAME_MAX { None } else { name.parse().ok() }
}

fn ask_factor(link: &str) -> Answer {
    Answer::Ask {
        instructions: String::new(),
        prompts: vec![(format!("Code, or confirm at {link} and press Enter: "), false)],
    }
}

fn explain(name: &str) -> String {
    format!("`{}` does not say what to sign in to. Write account@asset: ssh root@web-1@gate", plain(name, 40))
}

/// The longest login name looked at: user, account and asset at their longest.
const NAME_MAX: usize = 256;
