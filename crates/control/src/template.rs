//! Wishes that are kept: one's own, and those that are shared by scope. A template gives no right.

use postern_domain::event::Event;
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::policy::ticket::TICKET_LEN_MAX;
use postern_domain::request::{RequestTemplate, TemplateWish};
use postern_domain::{ScopePath, TemplateId};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::request::REASON_LEN_MAX;
use crate::{Caller, Control, Error, text};

/// The longest name, in characters.
const NAME_LEN_MAX: usize = 80;
/// How many accounts one names.
const ACCOUNTS_MAX: usize = 21;
/// How many one person keeps.
const KEPT_MAX: usize = 100;

/// A wish to be kept.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateInput {
    /// What it is called.
    pub name: String,
    /// Whom it is for: those of this scope, above and below it, which takes `policy:write` there; oneself only
    /// unless given.
    #[serde(default)]
    pub scope: Option<ScopePath>,
    /// The wish.
    pub wish: TemplateWish,
}

impl Control {
    /// The caller's own, and those that are shared with them, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn template_list(&self, caller: &Caller) -> Result<Vec<RequestTemplate>, Error> {
        let mut all = self.store().read().await?.templates(&caller.user.id).await?;
        let shared = |scope: &ScopePath| scope.meet(&caller.user.scope).is_some();
        all.retain(|kept| kept.user == caller.user.name || kept.scope.as_ref().is_some_and(shared));
        Ok(all)
    }

    /// Keeps a wish, for oneself or for a scope.
    ///
    /// # Errors
    /// `Invalid` when a field is not acceptable; `Forbidden` when the caller may not share it there.
    pub async fn template_create(
        &self,
        caller: &Caller,
        _: &Permit<Manage>,
        input: &TemplateInput,
    ) -> Result<RequestTemplate, Error> {
        let name = text::line("name", &input.name, NAME_LEN_MAX)?;
        if input.wish.accounts.len() > ACCOUNTS_MAX {
            return Err(Error::invalid("wish.accounts", format!("names more than {ACCOUNTS_MAX} accounts")));
        }
        let ticket = input.wish.ticket.as_deref().map(|ticket| text::line("wish.ticket", ticket, TICKET_LEN_MAX));
        let wish = TemplateWish {
            reason: text::words("wish.reason", &input.wish.reason, REASON_LEN_MAX)?,
            ticket: ticket.transpose()?,
            ..input.wish.clone()
        };
        if let Some(scope) = &input.scope
            && !caller.authority.covers(Permission::PolicyWrite, scope)
        {
            return Err(Error::Forbidden(format!("sharing it with {scope} needs the permission policy:write there")));
        }
        let mut tx = self.store().write(self.now()).await?;
        let kept = tx.templates(&caller.user.id).await?.iter().filter(|kept| kept.user == caller.user.name).count();
        if kept >= KEPT_MAX {
            return Err(Error::Conflict(format!("{KEPT_MAX} templates of yours are kept already: remove one first")));
        }
        let id = TemplateId::generate(tx.now(), postern_vault::random::bytes());
        let template = RequestTemplate { id, name, user: caller.user.name.clone(), scope: input.scope.clone(), wish };
        tx.template_insert(&template, &caller.user.id).await?;
        let event = event_of(&tx, caller, "request.template_create", &template);
        self.commit(tx, &[event]).await?;
        Ok(template)
    }

    /// Forgets one: the caller's own, or a shared one where they hold `policy:write`.
    ///
    /// # Errors
    /// `NotFound` also when it is not theirs to remove.
    pub async fn template_delete(&self, caller: &Caller, id: &TemplateId) -> Result<(), Error> {
        let unknown = || Error::not_found("template", id);
        let mut tx = self.store().write(self.now()).await?;
        let template = tx.template(id).await?.ok_or_else(unknown)?;
        let governs = |scope: &ScopePath| caller.authority.covers(Permission::PolicyWrite, scope);
        if template.user != caller.user.name && !template.scope.as_ref().is_some_and(governs) {
            return Err(unknown());
        }
        tx.template_delete(id).await?;
        let event = event_of(&tx, caller, "request.template_delete", &template);
        self.commit(tx, &[event]).await?;
        Ok(())
    }
}

fn event_of(tx: &postern_store::WriteTx, caller: &Caller, action: &str, template: &RequestTemplate) -> Event {
    let scope = template.scope.clone().unwrap_or_else(|| caller.user.scope.clone());
    Event::done(tx.now(), caller.actor(), action, template.id.as_str(), scope)
        .with("name", template.name.as_str())
        .with("shared", template.scope.is_some())
}

#[cfg(test)]
mod tests;
