//! Slowing down those who guess, without letting them lock others out.
//!
//! Failures are counted by who was tried *and* from where: whoever guesses slows down themselves
//! only. Two more counters look at a whole source, and at the codes tried against one person from
//! everywhere by those who know the password; neither holds back somebody at an address from which
//! they have proved who they are before.

use std::net::IpAddr;
use std::time::Duration;

use postern_domain::event::{Actor, Event, Outcome};
use postern_domain::user::User;
use postern_domain::{ScopePath, Timestamp, UserName};
use postern_store::{Failures, ReadTx, WriteTx};

use crate::{Control, Error, digest};

/// How failures turn into waiting.
struct Limit {
    /// This many cost nothing.
    free: u32,
    /// Each one more doubles the wait from one second, up to this.
    wait_max: Duration,
    /// After this long without a failure all are forgotten.
    memory: Duration,
}

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// One person tried from one source.
const PAIR: Limit = Limit { free: 5, wait_max: Duration::from_secs(300), memory: DAY };
/// Anybody tried from one source.
const SOURCE: Limit = Limit { free: 30, wait_max: Duration::from_secs(60), memory: HOUR };
/// One person's codes tried from anywhere.
const EVERYWHERE: Limit = Limit { free: 20, wait_max: HOUR, memory: DAY };

/// How long an address is remembered from which somebody proved who they are.
const SOURCE_KNOWN: Duration = Duration::from_secs(90 * 24 * 3600);
/// Failures that are written down one by one; from there on only every such many of all.
const EVENTS_FREE: u32 = 1000;
const ANY: &str = "*";

impl Limit {
    fn wait(&self, failures: Option<Failures>, now: Timestamp) -> Option<Duration> {
        let failures = failures?;
        let over = failures.count.checked_sub(self.free)?;
        let wait = 1_u64.checked_shl(over).map_or(self.wait_max, Duration::from_secs).min(self.wait_max);
        wait.checked_sub(now.since(failures.last_at)).filter(|left| !left.is_zero())
    }

    fn since(&self, now: Timestamp) -> Timestamp {
        now.before(self.memory)
    }
}

/// What is being tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proving {
    /// A password.
    Password,
    /// A one-time code, by somebody who has proved the password or a key.
    Code,
}

/// Somebody trying something.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    proving: Proving,
    /// Who is tried, unreadably: what was typed as a name may have been a password.
    subject: String,
    /// The address, or the network of one host where it is IPv6.
    network: String,
    source: IpAddr,
    known: bool,
}

impl Attempt {
    /// Somebody at `source` tries to be `name`, who is `user` if anybody.
    pub(crate) async fn begin(
        rows: &mut ReadTx,
        proving: Proving,
        name: &UserName,
        user: Option<&User>,
        source: IpAddr,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let network = network(source);
        let known = match user {
            Some(user) => rows.source_known(&user.id, &network, now.before(SOURCE_KNOWN)).await?,
            None => false,
        };
        let what: &[u8] = match proving {
            Proving::Password => b"password",
            Proving::Code => b"code",
        };
        Ok(Self { proving, subject: digest(&[what, name.as_str().as_bytes()]), network, source, known })
    }

    /// Refuses when there were too many failures.
    pub(crate) async fn admit(&self, rows: &mut ReadTx, now: Timestamp) -> Result<(), Error> {
        let mut counters = vec![(&PAIR, self.subject.as_str(), self.network.as_str())];
        if !self.known {
            counters.push((&SOURCE, ANY, &self.network));
            if self.proving == Proving::Code {
                counters.push((&EVERYWHERE, &self.subject, ANY));
            }
        }
        let mut longest = None;
        for (limit, subject, source) in counters {
            longest = longest.max(limit.wait(rows.failures(subject, source, limit.since(now)).await?, now));
        }
        longest.map_or(Ok(()), |wait| Err(Error::Throttled(wait)))
    }

    /// Forgets the failures of somebody who has just proved who they are.
    pub(crate) async fn succeeded(&self, tx: &mut WriteTx, user: &User) -> Result<(), Error> {
        tx.failures_clear(&self.subject, &self.network).await?;
        Ok(tx.source_seen(&user.id, &self.network).await?)
    }
}

impl Control {
    /// Counts a failure, and writes it down unless it is one of very many that are alike.
    pub(crate) async fn attempt_failed(
        &self,
        attempt: &Attempt,
        user: Option<&User>,
        cause: &str,
    ) -> Result<(), Error> {
        let now = self.now();
        let mut tx = self.store().write(now).await?;
        let pair = tx.failure_add(&attempt.subject, &attempt.network, PAIR.since(now)).await?;
        let source = tx.failure_add(ANY, &attempt.network, SOURCE.since(now)).await?;
        if attempt.proving == Proving::Code {
            tx.failure_add(&attempt.subject, ANY, EVERYWHERE.since(now)).await?;
        }
        let all = tx.failure_add(ANY, ANY, SOURCE.since(now)).await?;
        tx.failures_forget(now.before(DAY)).await?;
        // Nobody can fill the ledger: what repeats is written down at 1, 2, 4, 8 and so on.
        let alike = if user.is_some() { pair } else { source };
        let telling = if all > EVENTS_FREE { all.is_multiple_of(EVENTS_FREE) } else { alike.is_power_of_two() };
        if !telling {
            return Ok(tx.commit_upkeep().await?);
        }
        let (target, scope) = match user {
            Some(user) => (user.name.to_string(), user.scope.clone()),
            None => ("unknown".to_owned(), ScopePath::root()),
        };
        let event =
            Event::done(now, Actor::Unknown { source: attempt.source.to_string() }, "login.create", target, scope)
                .outcome(Outcome::Failed)
                .with("cause", cause)
                .with("failures", alike)
                .with("failures_everywhere", all);
        self.commit(tx, &[event]).await?;
        Ok(())
    }
}

/// One host's addresses: with IPv6 it has a whole /64 of them.
fn network(source: IpAddr) -> String {
    match source.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            format!("{}/64", std::net::Ipv6Addr::from(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_and_ends() {
        let now = Timestamp::from_millis(1_000_000);
        let wait = |count| PAIR.wait(Some(Failures { count, last_at: now }), now).map(|wait| wait.as_secs());
        assert_eq!(wait(4), None);
        assert_eq!(wait(5), Some(1));
        assert_eq!(wait(8), Some(8));
        assert_eq!(wait(13), Some(256));
        assert_eq!(wait(14), Some(300));
        assert_eq!(wait(u32::MAX), Some(300));
        let later = now.after(Duration::from_secs(9));
        assert_eq!(PAIR.wait(Some(Failures { count: 8, last_at: now }), later), None);
    }

    #[test]
    fn a_host_is_one_source_whichever_of_its_addresses_it_uses() {
        let network = |text: &str| network(text.parse().expect("an address"));
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:2"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
    }
}
