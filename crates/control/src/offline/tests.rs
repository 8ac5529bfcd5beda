use std::sync::LazyLock;

use postern_domain::permission::Permission;
use postern_domain::{SecretText, Timestamp};
use postern_ledger::note;
use postern_vault::offline::{self, Bundle, Contents, HolderKeyFile, HolderSecret};

use super::plan::HolderInput;
use super::*;
use crate::Caller;
use crate::estate::reference;
use crate::rotation::Worker;
use crate::rotation::tests::crash::stopped_at;
use crate::rotation::tests::{FIRST_PORT, Fleet, OLD};
use crate::testing::Fault;

static SECRETS: LazyLock<Vec<HolderSecret>> = LazyLock::new(|| {
    let passphrase = SecretText::new("correct horse battery staple".to_owned());
    (0..3).map(|_| HolderKeyFile::generate(&passphrase).unwrap().unlock(&passphrase).unwrap()).collect()
});

const ACCOUNT: &str = "app@host-0";

fn plan() -> OfflinePlanInput {
    let holders = ["ana", "ben", "cyd"].iter().zip(SECRETS.iter());
    OfflinePlanInput {
        threshold: 2,
        holders: holders
            .map(|(name, key)| HolderInput { name: name.parse().unwrap(), key: key.public().to_string() })
            .collect(),
        accounts: vec![reference(ACCOUNT)],
    }
}

async fn admin(fleet: &Fleet, who: &str) -> (Caller, Permit<Manage>) {
    fleet.estate.caller(who, Permission::VaultManage).await
}

/// A fleet with the plan in force.
async fn planned() -> Fleet {
    let fleet = Fleet::new(1, false).await;
    let (caller, permit) = admin(&fleet, "ada").await;
    let view = fleet.control().offline_plan(&caller, &permit, &plan()).await.unwrap();
    assert!(view.plan.is_some() && view.proposed.is_none(), "nobody else can be asked");
    fleet
}

/// What the holders find in the newest bundle that is whole in one of the places.
async fn found(fleet: &Fleet) -> Option<Contents> {
    let newest = fleet.control().store().read().await.unwrap().bundle_newest().await.unwrap()?;
    for place in fleet.control().places() {
        let path = place.join(format!("postern-bundle-{:08}.txt", newest.serial));
        let Ok(file) = std::fs::read(path) else { continue };
        if offline::sha256_hex(&file) == newest.digest {
            return Some(opened(&file));
        }
    }
    None
}

fn opened(file: &[u8]) -> Contents {
    let (_, body) = offline::parts(file).unwrap();
    let bundle = Bundle::parse(body).unwrap();
    let shares: Vec<_> = [0, 2].iter().map(|at| bundle.share(&SECRETS[*at]).unwrap()).collect();
    bundle.open(&shares).unwrap()
}

fn secrets(contents: &Contents) -> Vec<String> {
    contents.entries[0].secrets.iter().map(|secret| secret.value.expose().to_owned()).collect()
}

#[tokio::test]
async fn a_bundle_lies_in_two_places_signed_and_opens() {
    let fleet = planned().await;
    assert!(fleet.control().renew_bundle().await.unwrap());
    assert!(!fleet.control().renew_bundle().await.unwrap(), "it is true still");
    let contents = found(&fleet).await.unwrap();
    assert_eq!(secrets(&contents), [OLD]);
    assert_eq!(contents.entries[0].account, ACCOUNT);
    let files: Vec<_> = fleet
        .control()
        .places()
        .iter()
        .map(|place| std::fs::read(place.join("postern-bundle-00000001.txt")).unwrap())
        .collect();
    assert_eq!(files[0], files[1]);
    let (signed, body) = offline::parts(&files[0]).unwrap();
    let mut rows = fleet.control().store().read().await.unwrap();
    let signer = fleet.control().ledger_signer(&mut rows).await.unwrap();
    drop(rows);
    let text = note::open(signed.as_bytes(), signer.verifier()).unwrap();
    assert_eq!(text, offline::signed_text(body, 1));
    let ledger = fleet.estate.ledger().await;
    assert!(ledger.contains("break_glass.bundle") && !ledger.contains(OLD));
    let (_, permit) = admin(&fleet, "ada").await;
    let view = fleet.control().offline_show(&permit).await.unwrap();
    assert_eq!(view.problems, [] as [String; 0]);
    assert_eq!(view.bundle.unwrap().accounts[0].versions, [1]);
}

#[tokio::test]
async fn what_is_lost_in_one_place_is_put_back_and_old_ones_are_removed() {
    let fleet = planned().await;
    fleet.control().renew_bundle().await.unwrap();
    let place = fleet.control().places()[1].clone();
    std::fs::remove_file(place.join("postern-bundle-00000001.txt")).unwrap();
    assert!(fleet.control().renew_bundle().await.unwrap(), "one place is not enough");
    for _ in 0..6 {
        fleet.estate.world.clock.advance(std::time::Duration::from_secs(90_000));
        assert!(fleet.control().renew_bundle().await.unwrap(), "a day has passed");
    }
    let mut left: Vec<_> =
        std::fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    let kept: Vec<_> = (4..=8).map(|serial| format!("postern-bundle-{serial:08}.txt")).collect();
    assert_eq!(left, kept);
}

#[tokio::test]
async fn nobody_names_the_holders_alone_where_somebody_else_can_be_asked() {
    let fleet = Fleet::new(1, false).await;
    fleet.estate.world.person("eva", "/", &[("administrator", "/")]).await;
    fleet.estate.world.clock.advance(std::time::Duration::from_secs(2 * 86_400));
    let (ada, permit) = admin(&fleet, "ada").await;
    let view = fleet.control().offline_plan(&ada, &permit, &plan()).await.unwrap();
    assert!(view.plan.is_none() && view.proposed.is_some());
    assert!(!fleet.control().renew_bundle().await.unwrap(), "nothing is written under it");
    let own = fleet.control().offline_plan_approve(&ada, &permit).await;
    assert!(matches!(own, Err(Error::Forbidden(_))), "{own:?}");
    let (eva, permit) = admin(&fleet, "eva").await;
    let view = fleet.control().offline_plan_approve(&eva, &permit).await.unwrap();
    assert_eq!(view.plan.unwrap().approved_by.unwrap().as_str(), "eva");
    assert!(matches!(fleet.control().offline_plan_approve(&eva, &permit).await, Err(Error::Conflict(_))));
    assert!(fleet.control().renew_bundle().await.unwrap());
    // A change waits again, and the plan in force stays until then.
    fleet.control().offline_plan(&ada, &admin(&fleet, "ada").await.1, &plan()).await.unwrap();
    let view = fleet.control().offline_plan_refuse(&eva, &permit).await.unwrap();
    assert!(view.plan.is_some() && view.proposed.is_none());
}

#[tokio::test]
async fn a_plan_that_could_not_help_is_refused() {
    let fleet = Fleet::new(1, false).await;
    let (caller, permit) = admin(&fleet, "ada").await;
    let refused = async |input: OfflinePlanInput| match fleet.control().offline_plan(&caller, &permit, &input).await {
        Err(Error::Invalid { field, .. }) => field,
        other => panic!("not refused: {other:?}"),
    };
    assert_eq!(refused(OfflinePlanInput { threshold: 1, ..plan() }).await, "threshold");
    assert_eq!(refused(OfflinePlanInput { threshold: 4, ..plan() }).await, "threshold");
    assert_eq!(refused(OfflinePlanInput { holders: vec![], ..plan() }).await, "holders");
    let certified = vec![reference("root@host-0")];
    assert_eq!(refused(OfflinePlanInput { accounts: certified, ..plan() }).await, "accounts");
    let mut twice = plan();
    twice.holders[1].key = twice.holders[0].key.clone();
    assert_eq!(refused(twice).await, "holders");
    let mut mistyped = plan();
    mistyped.holders[0].key.push('0');
    assert_eq!(refused(mistyped).await, "holders");
    let stale = Caller { mfa_at: None, ..caller.clone() };
    assert!(matches!(fleet.control().offline_plan(&stale, &permit, &plan()).await, Err(Error::StepUp { .. })));
}

#[tokio::test]
async fn no_target_is_told_of_a_secret_that_lies_in_no_two_bundles() {
    let fleet = planned().await;
    fleet.control().renew_bundle().await.unwrap();
    let place = fleet.control().places()[0].clone();
    std::fs::remove_dir_all(&place).unwrap();
    fleet.rotate_one(ACCOUNT).await.unwrap();
    Worker::new(fleet.control().clone()).work_once().await.unwrap();
    assert_eq!(fleet.opens(0, "app"), [OLD], "the target was not told");
    assert_eq!(fleet.estate.world.events("rotation.apply").await.len(), 0);
    std::fs::create_dir(&place).unwrap();
    fleet.settle().await;
    let [new] = fleet.opens(0, "app").try_into().unwrap();
    assert_ne!(new, OLD);
    assert!(secrets(&found(&fleet).await.unwrap()).contains(&new));
}

/// A worker is stopped at every await in turn, on a target that loses answers; at every moment the holders
/// find the secret that opens the account.
#[tokio::test]
async fn wherever_a_rotation_is_stopped_the_holders_have_what_opens_the_account() {
    let mut points = 0;
    for fault in [Fault::None, Fault::AnswerLost, Fault::RequestLost, Fault::Late] {
        let fleet = planned().await;
        fleet.control().renew_bundle().await.unwrap();
        for awaits in (0..120).step_by(3) {
            fleet.rotate_one(ACCOUNT).await.unwrap();
            fleet.hosts.at(FIRST_PORT, |host| host.faults = [fault].into());
            let worker = Worker::new(fleet.control().clone());
            let done = stopped_at(worker.work_once(), awaits).await.is_some();
            let held = secrets(&found(&fleet).await.expect("a bundle"));
            for live in fleet.opens(0, "app") {
                assert!(held.contains(&live), "{fault:?}, stopped after {awaits} awaits");
            }
            points += 1;
            fleet.hosts.at(FIRST_PORT, |host| host.faults.clear());
            fleet.settle().await;
            let held = secrets(&found(&fleet).await.expect("a bundle"));
            assert!(fleet.opens(0, "app").iter().all(|live| held.contains(live)));
            if done {
                break;
            }
        }
    }
    assert!(points > 20, "{points}");
}

#[tokio::test]
async fn what_was_opened_is_told_reviewed_and_changed() {
    let fleet = planned().await;
    fleet.control().renew_bundle().await.unwrap();
    let contents = found(&fleet).await.unwrap();
    let opening = serde_json::json!({
        "serial": 1, "opened_at": Timestamp::from_millis(0).to_string(), "holders": ["ana", "cyd"],
        "accounts": [ACCOUNT], "incident": "INC-9", "reason": "the data centre was dark",
    })
    .to_string();
    let record = |opening: &str, mac: String| {
        let record = Some(serde_json::json!({ "opening": opening, "mac": mac }).to_string());
        OpenedInput { record, serial: None, incident: None, reason: None }
    };
    let (caller, permit) = admin(&fleet, "ada").await;
    let mac = offline::record_mac(&contents.record_key, opening.as_bytes()).unwrap();
    let altered = record(&opening.replace(ACCOUNT, "nobody@nowhere"), mac.clone());
    let refused = fleet.control().offline_opened(&caller, &permit, &altered).await;
    assert!(matches!(refused, Err(Error::Invalid { field, .. }) if field == "record"));
    let used = fleet.control().offline_opened(&caller, &permit, &record(&opening, mac)).await.unwrap();
    assert_eq!((used.target.as_str(), used.incident.as_str()), ("bundle 1", "INC-9"));
    let told = fleet.estate.world.events("break_glass.use").await;
    assert!(told.len() == 1 && postern_channels::urgent(&told[0]));
    fleet.settle().await;
    let [new] = fleet.opens(0, "app").try_into().unwrap();
    assert_ne!(new, OLD, "what was seen is worth nothing any more");
    assert!(secrets(&found(&fleet).await.unwrap()).contains(&new));
    let by_word = OpenedInput { record: None, serial: Some(1), incident: None, reason: None };
    let refused = fleet.control().offline_opened(&caller, &permit, &by_word).await;
    assert!(matches!(refused, Err(Error::Invalid { field, .. }) if field == "incident"));
}
