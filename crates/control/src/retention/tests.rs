use std::time::Duration;

use postern_domain::session::{EndReason, Session};
use postern_domain::{Capability, Period};
use postern_gateway::{Broker, ConnectRequest, Identity, Recorded as GatewayRecorded};

use super::*;
use crate::estate::{Estate, reference};
use crate::testing::SOURCE;
use crate::{HoldInput, IntegrityVerdict, RecordingFormat, RequestInput};

const DAY: Duration = Duration::from_secs(86_400);

fn days(days: u64) -> Retention {
    Retention { recordings: Keep::For(Period::from_seconds(days * 86_400)), ..Retention::default() }
}

/// A session of Ben's that is over, with a file for its recording.
async fn recorded(estate: &Estate) -> Session {
    let control = &estate.world.control;
    let wanted = RequestInput { reason: Some("a task".to_owned()), ..crate::estate::wish("root@dev-1") };
    estate.ask("ben", &wanted).await.expect("granted at once");
    let ben = estate.world.caller("ben").await;
    let user = Identity {
        id: ben.user.id,
        name: ben.user.name,
        key: None,
        factor_at: Some(estate.world.now()),
        token_factor_at: None,
        console: false,
    };
    let wish = ConnectRequest { user, account: reference("root@dev-1"), source: SOURCE, protocol: "ssh" };
    let lease = control.open(wish).await.expect("a lease");
    Broker::live(control, &lease.session).await.expect("live");
    std::fs::create_dir_all(control.recording_path(&lease.session).parent().unwrap()).unwrap();
    std::fs::write(control.recording_path(&lease.session), b"what was done").unwrap();
    let recorded = GatewayRecorded { bytes: 13, digest: [7; 32], capabilities: [Capability::Shell].into() };
    control.ended(&lease.session, EndReason::ClientClosed, Some(recorded), None).await;
    let caller = estate.world.caller("ada").await;
    control.session_show(&caller, &lease.session).await.unwrap()
}

async fn session(estate: &Estate, id: &SessionId) -> Session {
    estate.world.control.session_show(&estate.world.caller("ada").await, id).await.unwrap()
}

async fn held(estate: &Estate, input: HoldInput) -> postern_domain::retention::Hold {
    let (caller, permit) = estate.caller("ada", Permission::HoldWrite).await;
    let input = HoldInput { reason: "the matter of March".to_owned(), ..input };
    estate.world.control.hold_place(&caller, &permit, input).await.expect("held")
}

#[tokio::test]
async fn what_is_over_is_taken_away_and_its_proof_stays() {
    let estate = Estate::new().await;
    let (control, retention) = (estate.world.control.clone(), days(30));
    let old = recorded(&estate).await;
    estate.world.clock.advance(20 * DAY);
    let young = recorded(&estate).await;
    control.retention_keep(&retention).await.unwrap();
    assert_eq!(estate.world.events("retention.change").await.len(), 1, "that is written down");
    estate.world.clock.advance(11 * DAY);
    control.retention_keep(&retention).await.unwrap();

    assert!(!control.recording_path(&old.id).exists() && control.recording_path(&young.id).exists());
    let told = estate.world.events("recording.prune").await;
    assert_eq!(told.iter().map(|event| event.target.as_str()).collect::<Vec<_>>(), [old.id.as_str()]);
    assert_eq!((&told[0].details["keep"], &told[0].details["digest"]), (&"30d".into(), &"07".repeat(32).into()));
    let summary = session(&estate, &old.id).await.recording.expect("what is known of it");
    assert!(summary.pruned_at.is_some() && summary.digest == Some("07".repeat(32)));

    let auditor = estate.world.caller("aud").await;
    let found = control.recording_integrity(&auditor, &old.id).await.unwrap();
    assert_eq!(found.verdict, IntegrityVerdict::Pruned);
    let told = control.recording_export(&auditor, &old.id, RecordingFormat::Text).await.expect_err("gone").to_string();
    assert!(told.contains("when its time was over"), "{told}");
    assert!(matches!(control.recording_fate(&auditor, &old.id).await.unwrap(), RecordingFate::Pruned { .. }));
    let permit = auditor.permit(Permission::AuditRead).expect("a permit");
    let shown = control.retention_show(&permit).await.unwrap();
    assert_eq!((shown.kept, shown.kept_bytes, shown.pruned, shown.holds), (1, 13, 1, 0));
}

#[tokio::test]
async fn a_change_waits_before_it_takes_anything_away() {
    let estate = Estate::new().await;
    let control = &estate.world.control;
    let one = recorded(&estate).await;
    control.retention_keep(&days(400)).await.unwrap();
    estate.world.clock.advance(10 * DAY);
    control.retention_keep(&days(1)).await.unwrap();
    assert!(control.recording_path(&one.id).exists(), "a mistake can be mended for a day");
    let told = estate.world.events("retention.change").await.pop().unwrap();
    assert_eq!(told.details["shorter"], true);
    control.retention_keep(&days(400)).await.unwrap();
    estate.world.clock.advance(2 * DAY);
    control.retention_keep(&days(400)).await.unwrap();
    assert!(control.recording_path(&one.id).exists(), "it was mended");
    control.retention_keep(&days(1)).await.unwrap();
    estate.world.clock.advance(2 * DAY);
    control.retention_keep(&days(1)).await.unwrap();
    assert!(!control.recording_path(&one.id).exists());
}

#[tokio::test]
async fn a_hold_keeps_until_two_people_release_it() {
    let estate = Estate::new().await;
    estate.world.person("bo", "/", &[("administrator", "/")]).await;
    let (control, retention) = (estate.world.control.clone(), Retention { wait: Period::from_seconds(0), ..days(30) });
    let (one, other) = (recorded(&estate).await, recorded(&estate).await);
    let hold = held(&estate, HoldInput { session: Some(one.id.clone()), ..HoldInput::default() }).await;
    estate.world.clock.advance(31 * DAY);
    control.retention_keep(&retention).await.unwrap();
    assert!(control.recording_path(&one.id).exists() && !control.recording_path(&other.id).exists());
    let fate = control.recording_fate(&estate.world.caller("aud").await, &one.id).await.unwrap();
    assert_eq!(fate, RecordingFate::Kept { fate: Fate::Held { holds: vec![hold.id.clone()] } });

    let release = async |who: &str| {
        let (caller, permit) = estate.caller(who, Permission::HoldWrite).await;
        control.hold_release(&caller, &permit, &hold.id, "settled").await
    };
    assert!(release("ada").await.unwrap().released.is_none());
    let alone = release("ada").await.expect_err("alone").to_string();
    assert!(alone.contains("somebody else"), "{alone}");
    control.retention_keep(&retention).await.unwrap();
    assert!(control.recording_path(&one.id).exists(), "one person is not enough");

    let (caller, permit) = estate.caller("bo", Permission::HoldWrite).await;
    assert!(control.hold_keep(&caller, &permit, &hold.id).await.unwrap().release_asked.is_none());
    assert!(release("bo").await.unwrap().released.is_none(), "after a no it is asked for anew");
    assert_eq!(release("ada").await.unwrap().released.expect("released").by, "ada".parse().unwrap());
    assert!(matches!(release("bo").await, Err(Error::Conflict(_))));
    control.retention_keep(&retention).await.unwrap();
    assert!(!control.recording_path(&one.id).exists());
    let actions = ["hold.place", "hold.release_ask", "hold.keep", "hold.release", "recording.prune"];
    for (action, times) in actions.into_iter().zip([1, 2, 1, 1, 2]) {
        assert_eq!(estate.world.events(action).await.len(), times, "{action}");
    }
}

#[tokio::test]
async fn what_a_crash_left_behind_goes_at_the_next_look() {
    let estate = Estate::new().await;
    let control = &estate.world.control;
    let one = recorded(&estate).await;
    let mut tx = control.store().write(estate.world.now()).await.unwrap();
    tx.recording_prune(&one.id).await.unwrap();
    tx.commit_upkeep().await.unwrap();
    control.retention_keep(&Retention::default()).await.unwrap();
    assert!(!control.recording_path(&one.id).exists());
}
