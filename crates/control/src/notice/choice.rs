//! Which notices somebody gets, and where: their own choice.

use postern_domain::event::Event;
use postern_domain::user::NoticeChoice;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Caller, Control, Error, text};

/// Which notices the caller gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoticeChoiceView {
    /// What they have chosen.
    pub choice: NoticeChoice,
    /// The address that administrators gave them, used unless they choose another.
    pub given: Option<String>,
    /// By which ways notices go out: `mail`, `webhook`; none when there are none.
    pub ways: Vec<String>,
}

impl Control {
    /// Which notices the caller gets, and where.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn notice_choice(&self, caller: &Caller) -> Result<NoticeChoiceView, Error> {
        let choice = self.store().read().await?.notice_choice(&caller.user.id).await?;
        Ok(NoticeChoiceView { choice, given: caller.user.email.clone(), ways: self.notice_ways() })
    }

    /// Chooses which notices the caller gets, and where.
    ///
    /// # Errors
    /// `Invalid` when the address is none.
    pub async fn notice_choose(&self, caller: &Caller, wanted: &NoticeChoice) -> Result<NoticeChoiceView, Error> {
        let address = match text::email(wanted.address.as_deref()) {
            Err(Error::Invalid { message, .. }) => return Err(Error::invalid("address", message)),
            checked => checked?,
        };
        let choice = NoticeChoice { address, ..wanted.clone() };
        let mut tx = self.store().write(self.now()).await?;
        if tx.notice_choice(&caller.user.id).await? != choice {
            tx.notice_choice_set(&caller.user.id, &choice).await?;
            let (name, scope) = (caller.user.name.as_str(), caller.user.scope.clone());
            let event = Event::done(tx.now(), caller.actor(), "user.notices", name, scope)
                .with("address", choice.address.clone())
                .with("asked", choice.asked)
                .with("answered", choice.answered);
            self.commit(tx, &[event]).await?;
        }
        Ok(NoticeChoiceView { choice, given: caller.user.email.clone(), ways: self.notice_ways() })
    }
}
