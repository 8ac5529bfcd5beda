//! A worker that is stopped at every await of a rotation in turn, while answers get lost, come late or
//! come twice. After each, others go on; then the vault's secret must open the account, every secret that
//! the target holds must be one that the vault knows, and the account must not be locked.
//!
//! What runs is the product's own worker on its own database; the target is in memory, so that what it
//! does is repeated exactly.

use std::pin::pin;
use std::task::Poll;

use super::*;

/// What is stopped: whose secret, and who can repair it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Itself,
    Repaired,
    Key,
}

/// Polls `future` until it has waited `awaits` times, then drops it; gives its output when it was done
/// before that.
pub(crate) async fn stopped_at<F: Future>(future: F, awaits: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut waited = 0;
    std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if waited == awaits => Poll::Ready(None),
        Poll::Pending => {
            waited += 1;
            Poll::Pending
        }
    })
    .await
}

#[derive(Default)]
struct Counted {
    points: usize,
    secrets_lost: usize,
    lock_outs: usize,
}

/// One account on a target of its own, in a fleet that all trials share.
struct Trial<'a> {
    fleet: &'a Fleet,
    number: u16,
    account: &'static str,
}

impl<'a> Trial<'a> {
    async fn prepare(fleet: &'a Fleet, number: u16, kind: Kind, faults: &[Fault]) -> Self {
        fleet.host(number, kind == Kind::Repaired).await;
        let mut trial = Self { fleet, number, account: "app" };
        if kind == Kind::Key {
            trial.account = "key";
            let account = format!("kind: Account\naccount: key@host-{number}\ncredential: ssh_key\n");
            fleet.estate.apply("ada", &account).await.unwrap();
            let key = postern_domain::SecretText::new(keys_for_tests());
            let secret = SecretInput { password: None, private_key: Some(key) };
            fleet.estate.secret_put("ada", &trial.reference(), secret).await.unwrap();
            let held = fleet.vaulted(&trial.reference()).await;
            fleet.hosts.at(FIRST_PORT + number, |host| host.accounts.insert("key".to_owned(), vec![held]));
        }
        fleet.hosts.at(FIRST_PORT + number, |host| host.faults = faults.iter().copied().collect());
        trial
    }

    fn reference(&self) -> String {
        format!("{}@host-{}", self.account, self.number)
    }

    /// Every version that the vault knows.
    async fn known(&self) -> Vec<String> {
        let id = self.fleet.id(&self.reference()).await;
        let mut rows = self.fleet.control().store().read().await.unwrap();
        let versions = rows.secret_versions(&id).await.unwrap();
        versions.iter().map(|one| self.fleet.control().opened(one).unwrap().expose().to_owned()).collect()
    }

    fn held(&self) -> Vec<String> {
        self.fleet.opens(self.number, self.account)
    }

    /// Counts what must not be.
    async fn judge(&self, counted: &mut Counted, over: bool) {
        let known = self.known().await;
        let held = self.held();
        let lost = !held.iter().all(|secret| known.contains(secret));
        let useless = over && !held.contains(&self.fleet.vaulted(&self.reference()).await);
        counted.secrets_lost += usize::from(lost || useless);
        let locked = self.fleet.hosts.at(FIRST_PORT + self.number, |host| !host.locked.is_empty());
        counted.lock_outs += usize::from(locked);
        if over {
            let state = self.fleet.account(&self.reference()).await.rotation.state;
            assert_eq!(state, None, "it comes to an end by itself");
        }
        assert!(!lost && !useless && !locked, "{}: {held:?} of {known:?}", self.reference());
    }
}

#[tokio::test]
async fn no_stop_anywhere_loses_a_secret_or_locks_an_account() {
    use Fault::{AnswerLost, Late, None as Fine, Refused, RequestLost, Twice, Unreachable};
    let plans: [&[Fault]; 9] = [
        &[],
        &[AnswerLost],
        &[RequestLost],
        &[Late],
        &[Twice, Twice],
        &[Refused],
        &[Fine, AnswerLost],
        &[Fine, Unreachable],
        &[Late, AnswerLost, RequestLost],
    ];
    let fleet = Fleet::new(0, false).await;
    let mut counted = Counted::default();
    let mut number = 0;
    for kind in [Kind::Itself, Kind::Repaired, Kind::Key] {
        for faults in plans {
            for awaits in 0.. {
                let trial = Trial::prepare(&fleet, number, kind, faults).await;
                number += 1;
                fleet.rotate_one(&trial.reference()).await.unwrap();
                let worker = Worker::new(fleet.control().clone());
                let through = stopped_at(worker.work_once(), awaits).await.is_some();
                trial.judge(&mut counted, false).await;
                counted.points += 1;
                // Whoever comes next finds the lease run out.
                fleet.estate.world.clock.advance(Duration::from_secs(600));
                if !through {
                    // And is stopped as well, somewhere else.
                    stopped_at(Worker::new(fleet.control().clone()).work_once(), awaits / 2).await;
                    trial.judge(&mut counted, false).await;
                    fleet.estate.world.clock.advance(Duration::from_secs(600));
                }
                fleet.settle().await;
                trial.judge(&mut counted, true).await;
                if through {
                    break;
                }
            }
        }
    }
    let Counted { points, secrets_lost, lock_outs } = counted;
    println!("points={points} secrets_lost={secrets_lost} lock_outs={lock_outs} kind=worker");
    assert!(points >= 200 && secrets_lost == 0 && lock_outs == 0);
}
