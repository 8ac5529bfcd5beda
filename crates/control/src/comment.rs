//! What people say to each other about a request: who asks, who may answer, and who may look.

use postern_domain::RequestId;
use postern_domain::request::RequestComment;

use crate::request::{event_of, seen};
use crate::{Caller, Control, Error, text};

/// The longest comment, in characters.
const COMMENT_LEN_MAX: usize = 2000;
/// How many there may be about one request.
const COMMENTS_MAX: u32 = 200;

impl Control {
    /// What was said about a request that the caller may see, in its order.
    ///
    /// # Errors
    /// `NotFound` also when it is not theirs to see.
    pub async fn request_comments(&self, caller: &Caller, id: &RequestId) -> Result<Vec<RequestComment>, Error> {
        let mut rows = self.store().read().await?;
        seen(&mut rows, caller, id, self.now()).await?;
        Ok(rows.request_comments(id).await?)
    }

    /// Says something about a request that the caller may see; it is written down in the ledger too, and
    /// stays.
    ///
    /// # Errors
    /// `NotFound` also when it is not theirs to see; `Invalid` when there is no text or too much;
    /// `Conflict` when enough has been said.
    pub async fn request_comment(
        &self,
        caller: &Caller,
        id: &RequestId,
        said: &str,
    ) -> Result<Vec<RequestComment>, Error> {
        let said = text::words("text", said, COMMENT_LEN_MAX)?;
        if said.is_empty() {
            return Err(Error::invalid("text", "write something"));
        }
        let mut tx = self.store().write(self.now()).await?;
        let stored = seen(&mut tx, caller, id, self.now()).await?;
        if tx.request_comment_insert(id, &caller.user.id, &said).await? > COMMENTS_MAX {
            return Err(Error::Conflict(format!(
                "{COMMENTS_MAX} comments are the most there can be about one request"
            )));
        }
        let comments = tx.request_comments(id).await?;
        let event = event_of(tx.now(), caller, "request.comment", &stored.request).with("text", said);
        self.commit(tx, &[event]).await?;
        Ok(comments)
    }
}

#[cfg(test)]
mod tests;
