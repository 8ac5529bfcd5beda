//! Holds in the archive: what is on hold here is held there, too, beyond the time for which it is locked.

use postern_archive::Archive;
use postern_domain::retention::{HoldOn, Recorded};
use postern_domain::{HoldId, SessionId};

use crate::archive::{object, unarchived};
use crate::{Control, Error};

/// How many sessions are looked at at once.
const BATCH: u32 = 500;

/// The holds that the archive follows already.
pub(crate) type Followed = Option<Vec<(HoldId, HoldOn)>>;

impl Control {
    /// Whether a hold is on a session's recording.
    pub(crate) async fn is_held(&self, session: &SessionId) -> Result<bool, Error> {
        let mut rows = self.store().read().await?;
        let holds = rows.holds_in_force().await?;
        if holds.is_empty() {
            return Ok(false);
        }
        Ok(rows.recorded(session).await?.is_some_and(|recorded| covers(&holds, &recorded)))
    }

    /// Notes whether a recording is held in the archive.
    pub(crate) async fn archive_held_set(&self, session: &SessionId, held: bool) -> Result<(), Error> {
        let mut tx = self.store().write(self.now()).await?;
        tx.archive_held_set(session, held).await?;
        Ok(tx.commit_upkeep().await?)
    }

    /// Where other holds are in force than those `followed`: holds and lets go of what is in the archive. What comes
    /// into it later is held as it comes.
    pub(crate) async fn archive_follow_holds(&self, archive: &Archive, followed: &mut Followed) -> Result<(), Error> {
        let holds = self.store().read().await?.holds_in_force().await?;
        if followed.as_ref() == Some(&holds) {
            return Ok(());
        }
        let mut after = None;
        loop {
            let portion = self.store().read().await?.recordings_ever(after.as_ref(), BATCH).await?;
            for (recorded, held) in &portion {
                let wanted = covers(&holds, recorded);
                if wanted != *held && archive.hold(&object(&recorded.session), wanted).await.map_err(unarchived)? {
                    self.archive_held_set(&recorded.session, wanted).await?;
                }
            }
            match portion.last() {
                Some((last, _)) => after = Some(last.session.clone()),
                None => break,
            }
        }
        *followed = Some(holds);
        Ok(())
    }
}

fn covers(holds: &[(HoldId, HoldOn)], recorded: &Recorded) -> bool {
    holds.iter().any(|(_, on)| on.covers(recorded))
}
