//! `postern review ...`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand};
use postern_control::{ReviewAnswered, ReviewInput, ReviewOutcome, ReviewStarted, verify_evidence};
use postern_domain::review::{
    Decision, ItemEffect, Review, ReviewItem, ReviewPlan, ReviewState, Reviewers, RightKind, Unanswered,
};
use postern_domain::{GroupName, Period, PolicyName, ReviewId, ScopePath, UserName};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::client::Client;
use crate::exit::{DONE, FAILED, Failure};
use crate::output::{self, Columns, Format};

/// How many days there are for the answers, unless given.
const DAYS_DEFAULT: u64 = 14;
const DAY_SECONDS: u64 = 86_400;
/// The most that the server takes at once.
const ANSWERS_MAX: usize = 500;

/// Access reviews.
#[derive(Subcommand)]
pub(crate) enum ReviewCommand {
    /// List reviews.
    List {
        /// Those only that can be answered.
        #[arg(long)]
        open: bool,
    },
    /// Start a review of what there is now.
    Start(Box<Start>),
    /// Show one review: how far it is, and how everybody went about it.
    Show {
        /// Its identifier, rev_...
        id: ReviewId,
    },
    /// List rights in a review, with what is known and what is advised.
    Items(Items),
    /// Keep rights.
    Keep(Answer),
    /// Have rights there for the asking only, no longer at any time.
    Reduce(Answer),
    /// Take rights away.
    Revoke(Answer),
    /// Close a review before it is due.
    Close {
        /// Its identifier, rev_...
        id: ReviewId,
    },
    /// Have a review start again no more.
    Stop {
        /// Its identifier, rev_...
        id: ReviewId,
    },
    /// Write the evidence of a review that is over: REVIEW.json, REVIEW.csv and REVIEW.note, which is signed.
    Evidence {
        /// Its identifier, rev_...
        id: ReviewId,
        /// The folder to write it to.
        #[arg(long, default_value = ".", value_name = "FOLDER")]
        out: PathBuf,
    },
    /// Verify evidence offline.
    Verify {
        /// The signed note, REVIEW.note; the other two files lie beside it.
        note: PathBuf,
        /// The ledger's public key, in a file.
        #[arg(long)]
        key: PathBuf,
    },
}

/// Start a review of what there is now.
#[derive(Args)]
pub(crate) struct Start {
    /// What it is called.
    name: String,
    /// What lies here and below is reviewed; your own scope unless given.
    #[arg(long)]
    scope: Option<ScopePath>,
    /// Rights to accounts on assets with this label only; may be repeated.
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// Rights that this policy gives only; may be repeated.
    #[arg(long = "policy", value_name = "POLICY")]
    policies: Vec<PolicyName>,
    /// Rights that this group holds or gives only; may be repeated.
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<GroupName>,
    /// Rights of this kind only: policy_user, policy_group, policy_attributes,
    /// policy_workload, attribute, membership, role, grant; may be repeated.
    #[arg(long = "kind", value_name = "KIND", value_parser = word::<RightKind>)]
    kinds: Vec<RightKind>,
    /// Somebody who is asked; may be repeated.
    #[arg(long = "reviewer", value_name = "USER")]
    reviewers: Vec<UserName>,
    /// A group whose members are asked; may be repeated.
    #[arg(long = "reviewer-group", value_name = "GROUP")]
    reviewer_groups: Vec<GroupName>,
    /// Whoever answers for an account is asked about the rights that reach it.
    #[arg(long)]
    owners: bool,
    /// For how long it can be answered; 14d unless given.
    #[arg(long, value_name = "PERIOD")]
    due: Option<Period>,
    /// After how many days it starts again.
    #[arg(long, value_name = "DAYS")]
    every: Option<u32>,
    /// What nobody has answered for stays; it is taken away otherwise.
    #[arg(long)]
    keep_unanswered: bool,
}

/// List rights in a review.
#[derive(Args)]
pub(crate) struct Items {
    /// The review, rev_...
    id: ReviewId,
    /// How they stand: waiting, kept, reduced, revoked, failed.
    #[arg(long)]
    state: Option<String>,
    /// Of this kind.
    #[arg(long)]
    kind: Option<String>,
    /// With this advice: keep, reduce, revoke.
    #[arg(long)]
    advice: Option<String>,
    /// A part of whose it is, or of what it is.
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Those only that you may answer for.
    #[arg(long)]
    mine: bool,
}

/// Answer for rights in a review.
#[derive(Args)]
pub(crate) struct Answer {
    /// The review, rev_...
    id: ReviewId,
    /// The numbers of the rights.
    #[arg(required = true)]
    items: Vec<u32>,
    /// Why.
    #[arg(long)]
    reason: String,
}

fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as key=value")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(json!(text)).map_err(|error| error.to_string())
}

impl Start {
    fn body(self) -> ReviewInput {
        let plan = ReviewPlan {
            labels: self.labels.into_iter().collect(),
            policies: self.policies.into_iter().collect(),
            groups: self.groups.into_iter().collect(),
            kinds: self.kinds.into_iter().collect(),
            reviewers: Reviewers {
                users: self.reviewers.into_iter().collect(),
                groups: self.reviewer_groups.into_iter().collect(),
                owners: self.owners,
            },
            seconds: self.due.map_or(DAYS_DEFAULT * DAY_SECONDS, Period::seconds),
            every_days: self.every,
            unanswered: if self.keep_unanswered { Unanswered::Keep } else { Unanswered::Revoke },
        };
        ReviewInput { name: self.name, scope: self.scope, plan }
    }
}

impl Columns for Review {
    const HEADINGS: &'static [&'static str] = &[
        "ID",
        "NAME",
        "SCOPE",
        "STATE",
        "DUE",
        "ITEMS",
        "WAITING",
        "KEPT",
        "REDUCED",
        "REVOKED",
        "FAILED",
        "RUBBER-STAMPED BY",
    ];

    fn cells(&self) -> Vec<String> {
        let counts = self.counts;
        let numbers = [counts.items, counts.waiting, counts.kept, counts.reduced, counts.revoked, counts.failed];
        let mut cells = vec![
            self.id.to_string(),
            self.name.clone(),
            self.scope.to_string(),
            output::word(&self.state),
            output::time(self.due_at),
        ];
        cells.extend(numbers.iter().map(u64::to_string));
        let stamped = self.paces.iter().filter(|pace| pace.rubber_stamped);
        cells.push(stamped.map(|pace| pace.user.to_string()).collect::<Vec<_>>().join(","));
        cells
    }
}

impl Columns for ReviewItem {
    const HEADINGS: &'static [&'static str] =
        &["#", "WHO", "WHAT", "LAST USED", "90 DAYS", "FINDINGS", "PEERS", "ADVICE", "BECAUSE", "DECISION", "BY"];

    fn cells(&self) -> Vec<String> {
        let failed = matches!(self.effect, Some(ItemEffect::Failed));
        let decision = self.decision.as_ref().map(|decision| {
            let word = output::word(decision);
            if failed { format!("{word} (failed: {})", self.effect_detail.clone().unwrap_or_default()) } else { word }
        });
        vec![
            self.number.to_string(),
            self.right.holder(),
            self.right.words(),
            self.facts.last_used_at.map_or_else(|| "never".to_owned(), output::time),
            self.facts.uses.to_string(),
            self.facts.findings.to_string(),
            format!("{}/{}", self.facts.peers_with, self.facts.peers),
            output::word(&self.advice),
            self.reasons.first().cloned().unwrap_or_default(),
            output::or_dash(decision),
            output::or_dash(self.decided_by.as_ref()),
        ]
    }
}

impl Columns for ReviewOutcome {
    const HEADINGS: &'static [&'static str] = &["#", "WHO", "WHAT", "OUTCOME"];

    fn cells(&self) -> Vec<String> {
        let detail = self.effect_detail.clone();
        let outcome = match self.effect {
            None => "stays".to_owned(),
            Some(ItemEffect::Done) => detail.unwrap_or_default(),
            Some(ItemEffect::Failed) => format!("failed: {}", detail.unwrap_or_default()),
        };
        vec![self.number.to_string(), self.holder.clone(), self.right.clone(), outcome]
    }
}

fn print(format: Format, review: &Review) -> Result<(), Failure> {
    if format != Format::Table {
        return output::one(format, review);
    }
    output::list(format, std::slice::from_ref(review))?;
    for pace in &review.paces {
        let mark = if pace.rubber_stamped { "; kept everything without the time to look" } else { "" };
        let (user, kept, answers) = (&pace.user, pace.kept, pace.answers);
        let looked = Period::from_seconds(pace.seconds);
        output::line(&format!("{user} answered for {answers}, kept {kept}, looked for {looked}{mark}"))?;
    }
    if let Some(next) = review.next_at {
        output::line(&format!("it starts again at {}: postern review stop {}", output::time(next), review.id))?;
    }
    Ok(())
}

async fn answer(client: &Client, format: Format, answer: Answer, decision: Decision) -> Result<u8, Failure> {
    let Answer { id, items, reason } = answer;
    let mut code = DONE;
    for some in items.chunks(ANSWERS_MAX) {
        let body = json!({ "items": some, "decision": decision, "reason": reason });
        let answered: ReviewAnswered = client.post(&format!("/v1/reviews/{id}/decide"), &body).await?;
        if answered.items.iter().any(|item| item.effect == Some(ItemEffect::Failed)) {
            code = FAILED;
        }
        output::list(format, &answered.items)?;
    }
    Ok(code)
}

async fn evidence(client: &Client, id: &ReviewId, out: &Path) -> Result<(), Failure> {
    fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
    for part in ["json", "csv", "note"] {
        let query = [("format", Some(part.to_owned()))];
        let response = client.stream(&format!("/v1/reviews/{id}/evidence"), &query).await?;
        let path = out.join(format!("{id}.{part}"));
        fs::write(&path, response.bytes().await?).with_context(|| format!("cannot write {}", path.display()))?;
        output::line(&path.display().to_string())?;
    }
    Ok(())
}

fn verify(note: &Path, key: &Path) -> Result<u8, Failure> {
    let read = |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let key = String::from_utf8(read(key)?).map_err(|_| anyhow!("{} is no key", key.display()))?;
    let (json, csv) = (note.with_extension("json"), note.with_extension("csv"));
    match verify_evidence(&key, &read(note)?, &read(&json)?, &read(&csv)?) {
        Ok(good) => {
            let said = |word: &str| good.note.get(word).cloned().unwrap_or_default();
            let (review, scope, ledger) = (said("review"), said("scope"), said("ledger"));
            output::line(&format!(
                "good: {review} over {scope}, {} rights, leaves {ledger} of the ledger",
                good.items
            ))?;
            Ok(DONE)
        }
        Err(error) => {
            output::line(&format!("not good: {error}"))?;
            Ok(FAILED)
        }
    }
}

impl ReviewCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        if let Self::Verify { note, key } = &self {
            return verify(note, key);
        }
        let client = Client::signed_in()?;
        match self {
            Self::List { open } => {
                let state = open.then(|| output::word(&ReviewState::Open));
                let found: Vec<Review> = client.all("/v1/reviews", &[("state", state)]).await?;
                output::list(format, &found)?;
            }
            Self::Start(start) => {
                let started: ReviewStarted = client.post("/v1/reviews", &start.body()).await?;
                print(format, &started.review)?;
                if format == Format::Table && started.left_out > 0 {
                    let left_out = started.left_out;
                    output::line(&format!("{left_out} rights are left out: you could not take them away yourself"))?;
                }
            }
            Self::Show { id } => print(format, &client.get(&format!("/v1/reviews/{id}")).await?)?,
            Self::Items(Items { id, state, kind, advice, search, mine }) => {
                let mine = mine.then(|| "true".to_owned());
                let query = [("state", state), ("kind", kind), ("advice", advice), ("q", search), ("mine", mine)];
                let items: Vec<ReviewItem> = client.all(&format!("/v1/reviews/{id}/items"), &query).await?;
                output::list(format, &items)?;
            }
            Self::Keep(given) => return answer(&client, format, given, Decision::Keep).await,
            Self::Reduce(given) => return answer(&client, format, given, Decision::Reduce).await,
            Self::Revoke(given) => return answer(&client, format, given, Decision::Revoke).await,
            Self::Close { id } => print(format, &client.post(&format!("/v1/reviews/{id}/close"), &json!({})).await?)?,
            Self::Stop { id } => print(format, &client.post(&format!("/v1/reviews/{id}/stop"), &json!({})).await?)?,
            Self::Evidence { id, out } => evidence(&client, &id, &out).await?,
            Self::Verify { .. } => {}
        }
        Ok(DONE)
    }
}
