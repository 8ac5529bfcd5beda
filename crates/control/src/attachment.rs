//! Files that people put to requests: small, sealed, and known to the ledger by their hash.

use aws_lc_rs::digest;
use postern_domain::request::{Attachment, RequestState};
use postern_domain::{RequestId, SecretBytes};
use postern_store::{SealedAttachment, WriteTx};
use postern_vault::{Binding, Envelope, Vault};

use crate::request::{event_of, seen};
use crate::{Caller, Control, Error, text};

/// The largest file, in bytes.
pub const ATTACHMENT_LEN_MAX: usize = 256 * 1024;
/// How many there may be to one request.
const ATTACHMENTS_MAX: usize = 5;
/// The longest name, in characters.
const NAME_LEN_MAX: usize = 100;
/// How many are read at once when all are sealed again.
const REWRAPPED_AT_ONCE: u32 = 10;

impl Control {
    /// The files of a request that the caller may see, in their order.
    ///
    /// # Errors
    /// `NotFound` also when it is not theirs to see.
    pub async fn attachment_list(&self, caller: &Caller, id: &RequestId) -> Result<Vec<Attachment>, Error> {
        let mut rows = self.store().read().await?;
        seen(&mut rows, caller, id, self.now()).await?;
        Ok(rows.attachments(id).await?)
    }

    /// One file with its content.
    ///
    /// # Errors
    /// `NotFound` also when it is not theirs to see; when the vault is sealed.
    pub async fn attachment_read(
        &self,
        caller: &Caller,
        id: &RequestId,
        number: u32,
    ) -> Result<(Attachment, Vec<u8>), Error> {
        let mut rows = self.store().read().await?;
        seen(&mut rows, caller, id, self.now()).await?;
        let found = rows.attachment(id, number).await?;
        let found = found.ok_or_else(|| Error::not_found("attachment", number))?;
        let content = self.vault().open(&binding(id, number), &Envelope::parse(&found.sealed)?)?;
        Ok((found.attachment, content.expose().to_vec()))
    }

    /// Puts a file to a request that the caller may see and that waits; it stays.
    ///
    /// # Errors
    /// `NotFound` also when it is not theirs to see; `Invalid` when the name or the file is not acceptable;
    /// `Conflict` when the request no longer waits, or has enough of them.
    pub async fn attachment_add(
        &self,
        caller: &Caller,
        id: &RequestId,
        name: &str,
        content: Vec<u8>,
    ) -> Result<Attachment, Error> {
        let name = text::line("name", name, NAME_LEN_MAX)?;
        if name.contains(['/', '\\']) {
            return Err(Error::invalid("name", "give the name of a file, without folders"));
        }
        if content.is_empty() || content.len() > ATTACHMENT_LEN_MAX {
            return Err(Error::invalid("body", format!("a file has 1 to {ATTACHMENT_LEN_MAX} bytes")));
        }
        let mut tx = self.store().write(self.now()).await?;
        let stored = seen(&mut tx, caller, id, self.now()).await?;
        if stored.request.state != RequestState::Pending {
            return Err(Error::Conflict(format!("request {id} is no longer pending")));
        }
        let there = tx.attachments(id).await?;
        if there.len() >= ATTACHMENTS_MAX {
            return Err(Error::Conflict(format!("{ATTACHMENTS_MAX} files are the most there can be to one request")));
        }
        let attachment = Attachment {
            number: u32::try_from(there.len()).unwrap_or(u32::MAX).saturating_add(1),
            name,
            bytes: content.len() as u64,
            sha256: hex::encode(digest::digest(&digest::SHA256, &content)),
            user: caller.user.name.clone(),
            at: tx.now(),
        };
        let sealed = self.vault().seal(&binding(id, attachment.number), &SecretBytes::new(content))?.to_bytes();
        let file = SealedAttachment { request: id.clone(), attachment, sealed };
        tx.attachment_insert(&file, &caller.user.id).await?;
        let attachment = file.attachment;
        let event = event_of(tx.now(), caller, "request.attach", &stored.request)
            .with("name", attachment.name.as_str())
            .with("bytes", attachment.bytes)
            .with("sha256", attachment.sha256.as_str());
        self.commit(tx, &[event]).await?;
        Ok(attachment)
    }
}

/// Seals all files again under the newest key of `vault`; gives how many.
pub(crate) async fn rewrap(vault: &Vault, tx: &mut WriteTx) -> Result<u64, Error> {
    let mut rewrapped = 0;
    let mut after: Option<(RequestId, u32)> = None;
    loop {
        let from = after.as_ref().map(|(request, number)| (request, *number));
        let files = tx.attachments_after(from, REWRAPPED_AT_ONCE).await?;
        let Some(last) = files.last() else { return Ok(rewrapped) };
        after = Some((last.request.clone(), last.attachment.number));
        for SealedAttachment { request, attachment, sealed } in &files {
            let binding = binding(request, attachment.number);
            if let Some(fresh) = vault.rewrap(&binding, &Envelope::parse(sealed)?)? {
                tx.attachment_rewrap(request, attachment.number, &fresh.to_bytes()).await?;
                rewrapped += 1;
            }
        }
    }
}

fn binding(request: &RequestId, number: u32) -> Binding {
    Binding::new("attachment", request.as_str(), u64::from(number))
}

#[cfg(test)]
mod tests;
