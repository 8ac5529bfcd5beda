//! What ends by itself: requests that nobody answered, grants whose window is over.

use postern_domain::event::Event;
use postern_domain::request::RequestState;

use crate::{Control, Error};

/// How many are closed in one transaction.
const BATCH_MAX: u32 = 200;

impl Control {
    /// Closes what has ended by now. To be called every second or so; gives how many it closed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn expire(&self) -> Result<usize, Error> {
        Ok(self.expire_requests().await? + self.expire_grants().await? + self.break_glass_raise().await?)
    }

    /// Closes the requests that nobody answered in time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn expire_requests(&self) -> Result<usize, Error> {
        let now = self.now();
        if self.store().read().await?.requests_lapsed(now, 1).await?.is_empty() {
            return Ok(0);
        }
        let mut tx = self.store().write(now).await?;
        let mut events = Vec::new();
        for request in tx.requests_lapsed(now, BATCH_MAX).await? {
            tx.request_close(&request.id, RequestState::Expired).await?;
            events.push(
                Event::done(now, Self::system(), "request.expire", request.id.as_str(), request.scope)
                    .with("user", request.user.as_str())
                    .with("account", request.account.to_string()),
            );
        }
        self.commit(tx, &events).await?;
        Ok(events.len())
    }

    /// Writes down, once each, that the window of a grant is over. The grant ends without this: where
    /// it stands is a matter of its times.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn expire_grants(&self) -> Result<usize, Error> {
        let now = self.now();
        if self.store().read().await?.grants_over(now, 1).await?.is_empty() {
            return Ok(0);
        }
        let mut tx = self.store().write(now).await?;
        let mut events = Vec::new();
        for grant in tx.grants_over(now, BATCH_MAX).await? {
            tx.grant_expiry_noted(&grant.id).await?;
            events.push(
                Event::done(now, Self::system(), "grant.expire", grant.id.as_str(), grant.scope)
                    .with("user", grant.user.as_str())
                    .with("account", grant.account.to_string()),
            );
        }
        self.commit(tx, &events).await?;
        Ok(events.len())
    }
}
