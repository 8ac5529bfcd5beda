//! Notices of requests: whoever is asked hears of it, again when it is urgent, and whoever asked hears the answer.
//! What is told follows from the ledger and from how the request stands at that moment: what has been answered
//! meanwhile is asked of nobody.

mod allowance;
mod choice;

use std::cmp::Reverse;

use postern_channels::{Channel, Notice, Recipient};
use postern_domain::event::{Actor, Event, Outcome};
use postern_domain::period::Period;
use postern_domain::policy::{self, Decision};
use postern_domain::request::{Request, RequestState};
use postern_domain::user::{User, UserState};
use postern_domain::{RequestId, ScopePath, Timestamp, UserName};
use postern_store::{ReadTx, StoredRequest};

pub(crate) use allowance::Allowance;
pub use choice::NoticeChoiceView;

use crate::context::able_to_answer;
use crate::ledger::event_in;
use crate::{Control, Error, visible};

/// How many events of the ledger are looked at before a place is kept.
const LOOKED_MAX: u32 = 500;
/// How many that tell nobody anything are passed by before the place is kept.
const PASSED_MAX: u64 = 200;
/// How many people are told of one event at most: those who were seen last.
const TOLD_MAX: usize = 50;
/// How much of a reason is told, in characters.
const REASON_LEN_MAX: usize = 500;
/// How many accounts are named.
const NAMED_MAX: usize = 5;

impl Control {
    /// Tells people of the next event that concerns any; says whether there may be more.
    ///
    /// # Errors
    /// `Unavailable` when nobody takes it: it is to be told again.
    pub(crate) async fn tell_people(&self, channel: &mut Channel, allowance: &mut Allowance) -> Result<bool, Error> {
        let name = channel.config().name.clone();
        let Some((place, tree)) = self.channel_place(&name).await? else { return Ok(true) };
        let mut rows = self.store().read().await?;
        let (mut next, mut notice) = (place.next, None);
        for leaf in rows.leaves_from(place.next, LOOKED_MAX).await? {
            next = leaf.index + 1;
            let event = event_in(&leaf.body);
            let telling = Telling { server: &self.settings().public_url, channel: &name, index: leaf.index };
            notice = telling.notice(&mut rows, &event, self.now()).await?;
            if notice.is_some() {
                break;
            }
        }
        drop(rows);
        let told = notice.is_some();
        if let Some(notice) = notice {
            self.tell_each(channel, allowance, notice).await?;
        }
        if told || next - place.next >= PASSED_MAX {
            let mut tx = self.store().write(self.now()).await?;
            tx.channel_delivered(&name, place.next, next, told).await?;
            tx.commit_upkeep().await?;
            return Ok(next < tree.size());
        }
        Ok(false)
    }

    async fn tell_each(&self, channel: &mut Channel, allowance: &mut Allowance, notice: Notice) -> Result<(), Error> {
        let (now, name) = (self.now(), channel.config().name.clone());
        for notice in allowance.share(notice, now) {
            let unreachable = match channel.notify(&self.settings().public_url, now, &notice).await {
                Ok(unreachable) => unreachable,
                Err(error) => return Err(self.channel_fails(&name, &error).await?),
            };
            allowance.took(&notice, now);
            for one in unreachable {
                let event = Event::done(now, Self::system(), "notice.refused", one.user, ScopePath::root());
                let why: String = one.why.chars().take(REASON_LEN_MAX).collect();
                self.note(event.outcome(Outcome::Failed).with("channel", name.as_str()).with("reason", why)).await?;
            }
        }
        Ok(())
    }
}

/// Who is told of an event, and what.
struct Telling<'a> {
    server: &'a str,
    channel: &'a str,
    index: u64,
}

impl Telling<'_> {
    async fn notice(&self, rows: &mut ReadTx, event: &Event, now: Timestamp) -> Result<Option<Notice>, Error> {
        if event.outcome != Outcome::Done {
            return Ok(None);
        }
        if event.action == "channel.test" && event.target == self.channel {
            return self.test(rows, event).await;
        }
        if !matches!(event.action.split_once('.'), Some(("request", _))) {
            return Ok(None);
        }
        let Ok(id) = event.target.parse::<RequestId>() else { return Ok(None) };
        let Some(stored) = rows.request(&id).await? else { return Ok(None) };
        // What was asked for in one breath is told of once.
        if stored.bundle.as_ref().is_some_and(|first| *first != id) {
            return Ok(None);
        }
        let about = About { telling: self, request: &stored.request, event };
        match event.action.as_str() {
            "request.create" => about.asked(rows, &stored, "asked", now).await,
            "request.remind" => about.asked(rows, &stored, "reminded", now).await,
            "request.escalate" => about.asked(rows, &stored, "escalated", now).await,
            "request.approve" if stored.request.state == RequestState::Pending => {
                if about.begins_a_stage() {
                    about.asked(rows, &stored, "asked", now).await
                } else {
                    Ok(None)
                }
            }
            "request.approve" if about.is_last_answer() => about.answered(rows, &stored, "approved").await,
            "request.deny" => about.answered(rows, &stored, "denied").await,
            "request.expire" => about.answered(rows, &stored, "expired").await,
            "request.recur_end" => about.answered(rows, &stored, "ended").await,
            _ => Ok(None),
        }
    }

    async fn test(&self, rows: &mut ReadTx, event: &Event) -> Result<Option<Notice>, Error> {
        let Actor::User { name, .. } = &event.actor else { return Ok(None) };
        let Ok(name) = name.parse::<UserName>() else { return Ok(None) };
        let Some(user) = rows.user_by_name(&name).await? else { return Ok(None) };
        Ok(Some(Notice {
            index: self.index,
            kind: "test",
            title: format!("the channel {} reaches you", self.channel),
            says: Vec::new(),
            link: format!("{}/settings", self.server),
            to: recipient(rows, &user, Concern::Any).await?.into_iter().collect(),
        }))
    }
}

/// What a notice is to somebody.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Concern {
    Asked,
    Answered,
    Any,
}

/// An event of a request.
struct About<'a> {
    telling: &'a Telling<'a>,
    request: &'a Request,
    event: &'a Event,
}

impl About<'_> {
    /// Whether no answer came after this one.
    fn is_last_answer(&self) -> bool {
        let Actor::User { name, .. } = &self.event.actor else { return false };
        self.request.approvals.last().is_some_and(|answer| answer.user.as_str() == name)
    }

    /// Whether this answer was the one after which others are asked.
    fn begins_a_stage(&self) -> bool {
        let answered = self.event.details.get("stage").and_then(serde_json::Value::as_u64);
        let waits = self.request.awaited().and_then(|awaited| u64::try_from(awaited.stage).ok());
        self.is_last_answer() && answered.zip(waits).is_some_and(|(answered, waits)| waits > answered)
    }

    async fn asked(
        &self,
        rows: &mut ReadTx,
        stored: &StoredRequest,
        kind: &'static str,
        now: Timestamp,
    ) -> Result<Option<Notice>, Error> {
        if self.request.state != RequestState::Pending {
            return Ok(None);
        }
        let mut to = Vec::new();
        for user in answering(rows, stored, now).await?.into_iter().take(TOLD_MAX) {
            to.extend(recipient(rows, &user, Concern::Asked).await?);
        }
        let asks = format!("{} asks for {}", self.request.user, self.what());
        let title = match kind {
            "reminded" => format!("still waiting: {asks}"),
            "escalated" => format!("nobody has answered: {asks}"),
            _ => asks,
        };
        Ok(self.notice(kind, title, Vec::new(), to))
    }

    async fn answered(
        &self,
        rows: &mut ReadTx,
        stored: &StoredRequest,
        kind: &'static str,
    ) -> Result<Option<Notice>, Error> {
        let Some(user) = rows.user(&stored.user).await? else { return Ok(None) };
        let to = recipient(rows, &user, Concern::Answered).await?.into_iter().collect();
        let who = match &self.event.actor {
            Actor::User { name, .. } => name.as_str(),
            _ => "postern",
        };
        let what = self.what();
        let title = match kind {
            "approved" => format!("{who} said yes: {what}"),
            "denied" => format!("{who} said no: {what}"),
            "expired" => format!("nobody answered in time: {what}"),
            _ => format!("no more windows: {what}"),
        };
        let said = self.event.details.get("reason").and_then(serde_json::Value::as_str).unwrap_or_default();
        let said = Some(("Said", cut(said))).filter(|(_, said)| !said.is_empty());
        Ok(self.notice(kind, title, said.into_iter().collect(), to))
    }

    fn notice(
        &self,
        kind: &'static str,
        title: String,
        said: Vec<(&'static str, String)>,
        to: Vec<Recipient>,
    ) -> Option<Notice> {
        let request = self.request;
        let mut says = said;
        says.push(("For", Period::from_seconds(request.duration_seconds).to_string()));
        says.extend(request.starts_at.map(|at| ("From", at.to_string())));
        says.extend(request.recurs.as_ref().map(|recurs| ("Again and again until", recurs.until.to_string())));
        says.extend(request.ticket.clone().map(|ticket| ("Ticket", ticket)));
        says.push(("Reason", cut(&request.reason)));
        let Telling { server, index, .. } = *self.telling;
        let link = format!("{server}/requests/{}", request.id);
        (!to.is_empty()).then_some(Notice { index, kind, title, says, link, to })
    }

    /// The accounts, or the first of them.
    fn what(&self) -> String {
        let others = self.request.together.iter().map(|other| &other.account);
        let named: Vec<_> =
            [&self.request.account].into_iter().chain(others).take(NAMED_MAX).map(ToString::to_string).collect();
        let more = (self.request.together.len() + 1).saturating_sub(named.len());
        let longer = if self.request.extends.is_some() { "more time on " } else { "" };
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{longer}{}{rest}", named.join(", "))
    }
}

/// Those who may answer now, who was seen last first: in the place of who is away comes who stands in for them.
async fn answering(rows: &mut ReadTx, stored: &StoredRequest, now: Timestamp) -> Result<Vec<User>, Error> {
    let request = &stored.request;
    let away = rows.stand_ins_now(now).await?;
    let mut found: Vec<User> = Vec::new();
    for user in able_to_answer(rows, request, now).await? {
        let named = away.iter().find(|named| named.user == user.name);
        let instead = match named {
            None => Some(user),
            Some(named) => match rows.user_by_name(&named.stand_in).await? {
                Some(other) => {
                    let other = visible::subject(rows, &other.id, &request.scope.tenant()).await?;
                    let may = |other: &User| {
                        matches!(policy::may_stand_in(other, &user, true, request, now), Decision::Permit(_))
                    };
                    other.filter(may)
                }
                None => None,
            },
        };
        found.extend(instead.filter(|one| found.iter().all(|other| other.id != one.id)));
    }
    found.sort_by_key(|user| (Reverse(user.last_seen_at), user.name.clone()));
    Ok(found)
}

/// Where somebody is told, unless they do not want to be.
async fn recipient(rows: &mut ReadTx, user: &User, concern: Concern) -> Result<Option<Recipient>, Error> {
    let choice = rows.notice_choice(&user.id).await?;
    let wanted = match concern {
        Concern::Asked => choice.asked,
        Concern::Answered => choice.answered,
        Concern::Any => true,
    };
    let told = wanted && user.state == UserState::Active;
    let address = choice.address.or_else(|| user.email.clone());
    Ok(told.then(|| Recipient { user: user.name.to_string(), address }))
}

fn cut(text: &str) -> String {
    text.chars().take(REASON_LEN_MAX).collect()
}

#[cfg(test)]
mod tests;
