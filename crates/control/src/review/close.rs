//! Reviews that come to their end, and those that start again.

use postern_domain::event::{Actor, Event};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::review::{Decision, Review, ReviewState, Unanswered};
use postern_domain::user::UserState;
use postern_domain::{ReviewId, Timestamp};
use postern_store::WriteTx;

use super::{Author, evidence, narrow, seen, start};
use crate::{Caller, Control, Error, authenticate, visible};

/// How many rights are decided in one transaction when nobody answered.
const BATCH_MAX: u32 = 200;

impl Control {
    /// Closes a review before it is due: what nobody has answered for becomes what its plan says.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` without `review:write` in its scope; `Conflict` when it is over already.
    pub async fn review_close(&self, caller: &Caller, permit: &Permit<Manage>, id: &ReviewId) -> Result<Review, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let (review, _) = seen(&mut tx, caller, id).await?;
        visible::within(permit, &review.scope)?;
        if review.state == ReviewState::Closed {
            return Err(Error::Conflict(format!("review {id} is over already")));
        }
        tx.review_end(id).await?;
        let event = Event::done(tx.now(), caller.actor(), "review.end", id.as_str(), review.scope.clone())
            .with("waiting", review.counts.waiting);
        self.commit(tx, &[event]).await?;
        while !self.close_some(id).await? {}
        self.review_show(caller, id).await
    }

    /// Has a review start again no more.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` without `review:write` in its scope; `Conflict` when it does not start again.
    pub async fn review_stop(&self, caller: &Caller, permit: &Permit<Manage>, id: &ReviewId) -> Result<Review, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let (review, _) = seen(&mut tx, caller, id).await?;
        visible::within(permit, &review.scope)?;
        if review.next_at.is_none() {
            return Err(Error::Conflict(format!("review {id} does not start again")));
        }
        tx.review_repeats_no_more(id).await?;
        let event = Event::done(tx.now(), caller.actor(), "review.stop", id.as_str(), review.scope.clone());
        self.commit(tx, &[event]).await?;
        self.review_show(caller, id).await
    }

    /// Closes reviews that are due, and starts those again whose time has come. To be called every second or so.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_reviews(&self) -> Result<(), Error> {
        let now = self.now();
        let mut rows = self.store().read().await?;
        let (due, again) = (rows.reviews_due(now).await?, rows.reviews_to_repeat(now).await?);
        drop(rows);
        for id in &due {
            while !self.close_some(id).await? {}
        }
        for id in &again {
            self.start_again(id).await?;
        }
        Ok(())
    }

    /// Decides some of what nobody has answered for; closes the review when nothing is left, and says so.
    async fn close_some(&self, id: &ReviewId) -> Result<bool, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let Some(review) = tx.review(id).await?.filter(|review| review.state == ReviewState::Open) else {
            return Ok(true);
        };
        let waiting = tx.review_items_waiting(id, BATCH_MAX).await?;
        if waiting.is_empty() {
            let event = close(&mut tx, &review).await?;
            self.commit(tx, &[event]).await?;
            return Ok(true);
        }
        let decision = match review.plan.unanswered {
            Unanswered::Revoke => Decision::Revoke,
            Unanswered::Keep => Decision::Keep,
        };
        let reason = format!("nobody answered by {}", review.due_at);
        let decided = narrow::Decided { decision, reason: &reason, by: None, actor: Self::system() };
        let events = narrow::carry_out(&mut tx, &review, &waiting, &decided).await?;
        self.commit(tx, &events).await?;
        Ok(false)
    }

    /// Starts a review again as its author, if they may still do that.
    async fn start_again(&self, id: &ReviewId) -> Result<(), Error> {
        let mut tx = self.store().write(self.now()).await?;
        let Some(before) = tx.review(id).await? else { return Ok(()) };
        tx.review_repeats_no_more(id).await?;
        let author = tx.user_by_name(&before.author).await?.filter(|user| user.state == UserState::Active);
        let authority = match &author {
            Some(user) => authenticate::authority(&mut tx, user).await?,
            None => postern_domain::permission::Authority::default(),
        };
        let may = authority.covers(Permission::ReviewWrite, &before.scope);
        let (Some(user), true) = (&author, may) else {
            let event = stopped(&before, tx.now(), "its author may not start reviews there any more");
            self.commit(tx, &[event]).await?;
            return Ok(());
        };
        let by = Author { user, authority: &authority, actor: Self::system() };
        let (started, event) =
            start(&mut tx, &by, before.name.clone(), before.scope.clone(), before.plan.clone()).await?;
        let event = match started {
            Some(_) => event.with("after", id.as_str()).with("author", before.author.as_str()),
            None => stopped(&before, tx.now(), "there is nothing to review any more"),
        };
        self.commit(tx, &[event]).await?;
        Ok(())
    }
}

fn stopped(review: &Review, now: Timestamp, why: &str) -> Event {
    Event::done(now, Actor::System, "review.stop", review.id.as_str(), review.scope.clone()).with("reason", why)
}

/// Closes a review; its event holds the digest of everything that was decided.
async fn close(tx: &mut WriteTx, review: &Review) -> Result<Event, Error> {
    tx.review_close(&review.id).await?;
    let items = evidence::items(tx, &review.id).await?;
    let stamped: Vec<_> =
        review.paces.iter().filter(|pace| pace.rubber_stamped).map(|pace| pace.user.to_string()).collect();
    Ok(Event::done(tx.now(), Actor::System, "review.close", review.id.as_str(), review.scope.clone())
        .with("counts", serde_json::to_value(review.counts).unwrap_or_default())
        .with("rubber_stamped", stamped)
        .with("items_sha256", evidence::digest(&evidence::json(&items)?)))
}
