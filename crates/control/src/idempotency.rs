//! Answers remembered for calls that may be repeated.

use std::time::Duration;

use aws_lc_rs::digest;
use postern_store::Remembered;

use crate::{Control, Error};

/// How long an answer is remembered.
const REMEMBERED_FOR: Duration = Duration::from_secs(24 * 3600);

/// The SHA-256 of `parts`, each preceded by its length, in hex.
#[must_use]
pub fn digest(parts: &[&[u8]]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    hex::encode(context.finish())
}

impl Control {
    /// The answer that `caller` got for `key`, when it is remembered still.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remembered(&self, caller: &str, key: &str) -> Result<Option<Remembered>, Error> {
        let since = self.now().before(REMEMBERED_FOR);
        Ok(self.store().read().await?.remembered(caller, key, since).await?)
    }

    /// Remembers the answer that `caller` got for `key`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remember(&self, caller: &str, key: &str, answer: &Remembered) -> Result<(), Error> {
        let now = self.now();
        let mut tx = self.store().write(now).await?;
        tx.remember(caller, key, answer, now.before(REMEMBERED_FOR)).await?;
        Ok(tx.commit_upkeep().await?)
    }
}
