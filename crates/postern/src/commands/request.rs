//! `postern request`, `postern requests`, `postern comment`, `postern approve`, `postern deny`, `postern withdraw`.

use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use postern_control::{RequestContext, SuggestedApprover};
use postern_domain::policy::{Day, Hours};
use postern_domain::request::{Awaited, Recurrence, Request, RequestComment, RequestState};
use postern_domain::risk::{Risk, WeighedRequest};
use postern_domain::{AccountRef, Period, RequestId, Timestamp};
use serde_json::json;

use super::template;
use crate::client::Client;
use crate::exit::{DONE, Failure, PENDING, REFUSED};
use crate::output::{self, Columns, Format};

/// How often a request that waits is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Ask for access.
#[derive(Args)]
pub(crate) struct Ask {
    /// What for, account@asset; several are answered as one.
    #[arg(required_unless_present = "template")]
    accounts: Vec<AccountRef>,
    /// Ask as a template says (postern template list); what is given beside it wins.
    #[arg(long, value_name = "NAME")]
    template: Option<String>,
    /// How long: 30m, 8h, 1h30m.
    #[arg(long = "for", value_name = "DURATION", required_unless_present_any = ["every", "template"])]
    duration: Option<Period>,
    /// Windows that come again: "mon-fri 08:00-10:00", "08:00-10:00" for every day, "sat,sun 22:00-06:00 Europe/Berlin".
    #[arg(long, value_name = "HOURS", requires = "until", conflicts_with_all = ["duration", "begins"])]
    every: Option<Every>,
    /// When windows stop to come again: a time, or a wait (14d).
    #[arg(long, value_name = "TIME", requires = "every")]
    until: Option<Begins>,
    /// When the window begins, where not at once: a time (2026-11-26T20:00Z) or a wait (2h).
    #[arg(long = "at", value_name = "TIME")]
    begins: Option<Begins>,
    /// Why.
    #[arg(long)]
    reason: Option<String>,
    /// The ticket that it belongs to; the incident, with --break-glass.
    #[arg(long)]
    ticket: Option<String>,
    /// This is an emergency: it is told at once and reviewed afterwards.
    #[arg(long)]
    break_glass: bool,
    /// Wait until it is decided.
    #[arg(long)]
    wait: bool,
}

/// When a window begins: at a time, or after a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begins {
    At(Timestamp),
    In(Period),
}

impl Begins {
    pub(crate) fn time(self) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::In(wait) => {
                let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                let now = Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX));
                now.after(Duration::from_secs(wait.seconds()))
            }
        }
    }
}

impl FromStr for Begins {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(wait) = text.parse() {
            return Ok(Self::In(wait));
        }
        let time = text.parse().map_err(|_| "write a time (2026-11-26T20:00Z) or a wait (2h)")?;
        Ok(Self::At(time))
    }
}

/// Hours that come again, as they are typed: days, from-to, zone.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Every(Hours);

impl FromStr for Every {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const DAYS: [(&str, Day); 7] = [
            ("mon", Day::Mon),
            ("tue", Day::Tue),
            ("wed", Day::Wed),
            ("thu", Day::Thu),
            ("fri", Day::Fri),
            ("sat", Day::Sat),
            ("sun", Day::Sun),
        ];
        let place = |name: &str| DAYS.iter().position(|(known, _)| *known == name.to_lowercase());
        let unknown = |part: &str| format!("`{part}` is not a day: write mon-fri or sat,sun");
        let mut parts = text.split_whitespace().peekable();
        let mut days = std::collections::BTreeSet::new();
        if let Some(named) = parts.next_if(|part| !part.contains(':')) {
            for part in named.split(',') {
                let (from, to) = part.split_once('-').unwrap_or((part, part));
                let (from, to) = place(from).zip(place(to)).ok_or_else(|| unknown(part))?;
                let length = (to + DAYS.len() - from) % DAYS.len();
                days.extend(DAYS.iter().cycle().skip(from).take(length + 1).map(|(_, day)| *day));
            }
        }
        let window = parts.next().and_then(|part| part.split_once('-'));
        let (from, to) = window.ok_or("write from when to when, for example mon-fri 08:00-10:00")?;
        let zone = parts.next().unwrap_or("UTC").to_owned();
        let hours = Hours { days, from: from.to_owned(), to: to.to_owned(), zone, except: [].into() };
        hours.check().map_err(|error| error.to_string())?;
        if parts.next().is_some() { Err("there is something after the time zone".to_owned()) } else { Ok(Self(hours)) }
    }
}

/// List requests: your own, those that wait for your answer, and those you may see.
#[derive(Args)]
pub(crate) struct Requests {
    /// Your own only.
    #[arg(long, conflicts_with = "waiting")]
    mine: bool,
    /// Those only that wait for your answer.
    #[arg(long)]
    waiting: bool,
    /// In this state only: pending, granted, denied, expired, withdrawn.
    #[arg(long)]
    state: Option<String>,
}

/// Say something about a request, or read what was said.
#[derive(Args)]
pub(crate) struct Comment {
    /// The request.
    id: RequestId,
    /// What to say; what was said is shown when it is left out.
    text: Option<String>,
}

/// List some of those who may answer a request, the likeliest first.
#[derive(Args)]
pub(crate) struct Approvers {
    /// The request.
    id: RequestId,
}

/// Say yes to somebody's request.
#[derive(Args)]
pub(crate) struct Approve {
    /// The request, or several.
    #[arg(required = true)]
    ids: Vec<RequestId>,
    /// What there is to say about it.
    #[arg(long)]
    reason: Option<String>,
}

/// Say no to somebody's request.
#[derive(Args)]
pub(crate) struct Deny {
    /// The request, or several.
    #[arg(required = true)]
    ids: Vec<RequestId>,
    /// Why not; who asked will read it.
    #[arg(long)]
    reason: String,
}

/// Take your own request back, with those made in the same breath; end one that recurs.
#[derive(Args)]
pub(crate) struct Withdraw {
    /// The request.
    id: RequestId,
}

impl Columns for WeighedRequest {
    const HEADINGS: &'static [&'static str] =
        &["ID", "USER", "ACCOUNT", "FOR", "STATE", "APPROVALS", "RISK", "TICKET", "REASON", "MADE"];

    fn cells(&self) -> Vec<String> {
        let Self { request, risk } = self;
        vec![
            request.id.to_string(),
            super::user::called(&request.user, request.identity.as_ref()),
            several(request),
            Period::from_seconds(request.duration_seconds).to_string(),
            output::word(&request.state),
            approvals(request),
            risk.as_ref().map_or_else(|| "-".to_owned(), weighed),
            output::or_dash(request.ticket.as_ref()),
            request.reason.clone(),
            output::time(request.created_at),
        ]
    }
}

/// The account, and how many more were asked for in the same breath.
fn several(request: &Request) -> String {
    match request.together.len() {
        0 => request.account.to_string(),
        more => format!("{} (+{more})", request.account),
    }
}

/// A level, and what it follows from.
pub(super) fn weighed(risk: &Risk) -> String {
    let signals: Vec<_> = risk.signals.iter().map(|signal| output::word(signal).replace('_', " ")).collect();
    let level = output::word(&risk.level);
    if signals.is_empty() { level } else { format!("{level} ({})", signals.join(", ")) }
}

/// How many have said yes, of how many wanted, in the stage that waits.
fn approvals(request: &Request) -> String {
    let Some(rule) = &request.approval else { return "-".to_owned() };
    match request.awaited() {
        Some(Awaited { stage, stages, count, given, .. }) if stages > 1 => {
            format!("{given}/{count} (stage {stage} of {stages})")
        }
        Some(Awaited { count, given, .. }) => format!("{given}/{count}"),
        None => rule.stages().map(|(count, _)| format!("{count}/{count}")).collect::<Vec<_>>().join(", "),
    }
}

impl Ask {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        let this = self.filled(&client).await?;
        this.ask(&client, format).await
    }

    /// The same with what its template says where nothing else was given.
    async fn filled(mut self, client: &Client) -> Result<Self, Failure> {
        if let Some(called) = &self.template {
            let kept = template::wish(client, called).await?;
            if self.accounts.is_empty() {
                self.accounts = kept.accounts;
            }
            if self.every.is_none() {
                self.duration = self.duration.or(Some(Period::from_seconds(kept.duration_seconds)));
            }
            self.reason = self.reason.or(Some(kept.reason).filter(|reason| !reason.is_empty()));
            self.ticket = self.ticket.or(kept.ticket);
        }
        Ok(self)
    }

    async fn ask(self, client: &Client, format: Format) -> Result<u8, Failure> {
        let recurs = self.every.zip(self.until).map(|(Every(hours), until)| Recurrence { hours, until: until.time() });
        let (account, also) = self.accounts.split_first().ok_or_else(|| Failure::usage("name an account"))?;
        let body = json!({
            "account": account,
            "also": also,
            "recurs": recurs,
            "duration_seconds": self.duration.map_or(0, Period::seconds),
            "starts_at": self.begins.map(Begins::time),
            "reason": self.reason,
            "ticket": self.ticket,
            "break_glass": self.break_glass,
        });
        let mut request: Request = client.post("/v1/requests", &body).await?;
        if self.wait && request.state == RequestState::Pending {
            eprintln!("{} waits for approval", request.id);
            while request.state == RequestState::Pending {
                tokio::time::sleep(LOOK_EVERY).await;
                request = client.get(&format!("/v1/requests/{}", request.id)).await?;
            }
        }
        show(&request, format)
    }
}

/// Says how a request stands; gives the exit code that tells scripts.
pub(crate) fn show(request: &Request, format: Format) -> Result<u8, Failure> {
    if format == Format::Table {
        output::line(&told(request))?;
    } else {
        output::one(format, request)?;
    }
    Ok(code(request.state))
}

/// The exit code that tells scripts how a request stands.
fn code(state: RequestState) -> u8 {
    match state {
        RequestState::Granted => DONE,
        RequestState::Pending => PENDING,
        RequestState::Denied | RequestState::Expired | RequestState::Withdrawn => REFUSED,
    }
}

/// How a request stands, for a person.
fn told(request: &Request) -> String {
    let Request { id, account, .. } = request;
    match request.state {
        RequestState::Granted if request.recurs.is_some() => match (request.next_window_at, &request.recurs_ended) {
            (Some(at), _) => format!("{id} granted: {account}, the next window begins {}", output::time(at)),
            (None, Some(why)) => format!("{id}: no more windows on {account}: {why}"),
            (None, None) => format!("{id}: the last window on {account} has begun"),
        },
        RequestState::Granted if request.extends.is_some() => {
            let period = Period::from_seconds(request.duration_seconds);
            format!("{id} granted: {account} for {period} from now ({})", output::or_dash(request.grant.as_ref()))
        }
        RequestState::Granted => {
            let period = Period::from_seconds(request.duration_seconds);
            let grant = output::or_dash(request.grant.as_ref());
            let begins = request.starts_at.map(|at| format!(", from {}", output::time(at))).unwrap_or_default();
            format!("{id} granted: {account} for {period}{begins} ({grant})")
        }
        RequestState::Pending => format!(
            "{id} waits for approval ({} so far), until {}; then: postern requests",
            approvals(request),
            output::time(request.expires_at)
        ),
        RequestState::Denied => {
            let no = request.approvals.iter().find(|answer| !answer.approved);
            let by = no.map_or_else(String::new, |answer| {
                format!(" by {}: {}", answer.user, answer.reason.as_deref().unwrap_or_default())
            });
            format!("{id} denied{by}")
        }
        RequestState::Expired => format!("{id} was not answered in time: ask again"),
        RequestState::Withdrawn => format!("{id} was withdrawn"),
    }
}

impl Requests {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let flag = |set: bool| set.then(|| "true".to_owned());
        let query = [("mine", flag(self.mine)), ("waiting", flag(self.waiting)), ("state", self.state)];
        let requests: Vec<WeighedRequest> = Client::signed_in()?.all("/v1/requests", &query).await?;
        output::list(format, &requests)?;
        Ok(DONE)
    }
}

/// What was said, as the server tells it.
#[derive(serde::Deserialize)]
struct Comments {
    comments: Vec<RequestComment>,
}

impl Columns for RequestComment {
    const HEADINGS: &'static [&'static str] = &["AT", "USER", "TEXT"];

    fn cells(&self) -> Vec<String> {
        vec![output::time(self.at), self.user.to_string(), self.text.replace('\n', " ")]
    }
}

impl Comment {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let (client, path) = (Client::signed_in()?, format!("/v1/requests/{}/comments", self.id));
        let said: Comments = match self.text {
            Some(text) => client.post(&path, &json!({ "text": text })).await?,
            None => client.get(&path).await?,
        };
        output::list(format, &said.comments)?;
        Ok(DONE)
    }
}

impl Columns for SuggestedApprover {
    const HEADINGS: &'static [&'static str] = &["USER", "ANSWERED", "LAST SEEN", "AWAY", "STAND-IN"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.user.to_string(),
            self.answered.to_string(),
            self.last_seen_at.map_or_else(|| "-".to_owned(), output::time),
            if self.away { "yes" } else { "no" }.to_owned(),
            output::or_dash(self.stand_in.as_ref()),
        ]
    }
}

impl Approvers {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let path = format!("/v1/requests/{}/context", self.id);
        let context: RequestContext = Client::signed_in()?.get(&path).await?;
        output::list(format, &context.approvers)?;
        Ok(DONE)
    }
}

impl Approve {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        answers(&self.ids, "approve", &json!({ "reason": self.reason }), format).await
    }
}

impl Deny {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        answers(&self.ids, "deny", &json!({ "reason": self.reason }), format).await
    }
}

impl Withdraw {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        answer(&self.id, "withdraw", &json!({}), format).await
    }
}

/// Answers one after the other; what is refused of several stops none of the others.
async fn answers(ids: &[RequestId], verb: &str, body: &serde_json::Value, format: Format) -> Result<u8, Failure> {
    let [several @ .., last] = ids else { return Ok(DONE) };
    let mut failed = None;
    for id in several {
        if let Err(failure) = answer(id, verb, body, format).await {
            eprintln!("{id}: {}", failure.message());
            failed = Some(failure);
        }
    }
    let code = answer(last, verb, body, format).await?;
    failed.map_or(Ok(code), Err)
}

async fn answer(id: &RequestId, verb: &str, body: &serde_json::Value, format: Format) -> Result<u8, Failure> {
    let request: Request = Client::signed_in()?.post(&format!("/v1/requests/{id}/{verb}"), body).await?;
    if format == Format::Table {
        output::line(&told(&request))?;
    } else {
        output::one(format, &request)?;
    }
    Ok(DONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_that_come_again_are_read_as_people_write_them() {
        let read = |text: &str| text.parse::<Every>().map(|Every(hours)| hours);
        let week = read("mon-fri 08:00-10:00").unwrap();
        assert_eq!(
            (week.days.len(), week.from.as_str(), week.to.as_str(), week.zone.as_str()),
            (5, "08:00", "10:00", "UTC")
        );
        assert!(read("08:00-10:00").unwrap().days.is_empty());
        assert_eq!(read("fri-mon 22:00-06:00 Europe/Berlin").unwrap().days.len(), 4);
        assert_eq!(read("sat,sun 00:00-24:00").unwrap().days, [Day::Sat, Day::Sun].into());
        for wrong in ["", "mon", "someday 08:00-10:00", "08:00", "8-10", "08:00-10:00 Nowhere", "08:00-10:00 UTC x"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
