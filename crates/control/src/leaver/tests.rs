use super::*;
use crate::UserChange;
use crate::estate::Estate;

#[tokio::test]
async fn what_a_leaver_answered_for_is_handed_over() {
    let estate = Estate::new().await;
    estate.apply("ada", "{kind: Account, account: root@web-1, credential: password, owner: olga}").await.unwrap();
    let (caller, permit) = estate.caller("ada", Permission::UserWrite).await;
    let control = &estate.world.control;
    let olga = "olga".parse().unwrap();
    let leaving = control.user_leaving(&caller, &permit, &olga).await.unwrap();
    assert_eq!((leaving.owned, leaving.known), (vec!["root@web-1".parse().unwrap()], vec![]));
    let disabled = |heir: &str| UserChange {
        state: Some(UserState::Disabled),
        heir: Some(heir.parse().unwrap()),
        ..UserChange::default()
    };
    for nobody in ["ghost", "olga"] {
        let refused = control.user_change(&caller, &permit, &olga, disabled(nobody)).await;
        assert!(matches!(refused, Err(Error::Invalid { .. })), "{nobody}");
    }
    control.user_change(&caller, &permit, &olga, disabled("ben")).await.unwrap();
    let leaving = control.user_leaving(&caller, &permit, &"ben".parse().unwrap()).await.unwrap();
    assert_eq!(leaving.owned, ["root@web-1".parse().unwrap()]);
    assert_eq!(estate.world.events("account.hand_over").await.len(), 1);
}
