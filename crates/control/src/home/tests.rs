use crate::Error;
use crate::estate::{Estate, wish};
use postern_domain::permission::Permission;

#[tokio::test]
async fn everybody_sees_what_waits_for_them_and_what_they_wait_for() {
    let estate = Estate::new().await;
    let request = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    let home = async |who: &str| estate.world.control.home(&estate.world.caller(who).await).await.unwrap();
    let ben = home("ben").await;
    assert_eq!((ben.counts.mine, ben.counts.waiting, ben.counts.grants), (1, 0, 0));
    assert_eq!(ben.mine.iter().map(|mine| &mine.id).collect::<Vec<_>>(), [&request.id]);
    assert!(ben.estate.is_none(), "the state of the whole is for those who look after it");
    let cy = home("cy").await;
    assert_eq!((cy.counts.mine, cy.counts.waiting), (0, 1));
    assert_eq!(cy.waiting[0].id, request.id);
    assert_eq!(home("eve").await.counts.waiting, 0, "she is none of those whose yes is wanted");

    estate.approve("cy", &request.id).await.unwrap();
    estate.approve("dee", &request.id).await.unwrap();
    let ben = home("ben").await;
    assert_eq!((ben.counts.mine, ben.counts.grants), (0, 1));
    assert_eq!(home("cy").await.counts.waiting, 0);
    assert_eq!(estate.world.control.counts(&estate.world.caller("ben").await).await.unwrap(), ben.counts);
}

#[tokio::test]
async fn figures_of_the_estate_are_counted() {
    let estate = Estate::new().await;
    let figures = async || {
        let ada = estate.world.caller("ada").await;
        estate.world.control.home(&ada).await.unwrap().estate.expect("for administrators").figures
    };
    let before = figures().await;
    assert_eq!((before.assets, before.accounts, before.policies, before.policies_standing), (2, 2, 2, 0));
    // The one with a certificate needs none.
    assert_eq!((before.accounts_not_ready, before.accounts_without_owner), (1, 2));
    assert_eq!((before.rotations_due, before.rotations_open, before.rotations_failed), (0, 0, 0));
    assert_eq!((before.findings_open, before.findings_high), (0, 0));
    let secret =
        crate::SecretInput { password: Some(postern_domain::SecretText::new("x".to_owned())), private_key: None };
    estate.secret_put("ada", "root@web-1", secret).await.unwrap();
    let standing = "{kind: Policy, name: always, scope: /emea, subjects: {users: [ben]}, access: standing}";
    estate.apply("ada", standing).await.unwrap();
    let after = figures().await;
    assert_eq!((after.accounts_not_ready, after.policies_standing), (0, 1));

    let rotated = "{kind: Account, account: root@web-1, credential: password, rotation: {every: 1d}}";
    estate.apply("ada", rotated).await.unwrap();
    assert_eq!(figures().await.rotations_due, 0);
    estate.world.clock.advance(std::time::Duration::from_secs(2 * 86_400));
    assert_eq!(figures().await.rotations_due, 1, "its secret is older than it may be");
}

#[tokio::test]
async fn what_has_happened_is_told_day_by_day() {
    let estate = Estate::new().await;
    let ada = estate.world.caller("ada").await;
    let history = async |days| {
        let permit = ada.permit(Permission::StatusRead).unwrap();
        estate.world.control.history(&permit, days).await
    };
    estate.ask("ben", &crate::estate::wish("root@dev-1")).await.unwrap();
    let standing = "{kind: Policy, name: always, scope: /emea, subjects: {users: [ben]}, access: standing}";
    estate.apply("ada", standing).await.unwrap();
    estate.world.clock.advance(std::time::Duration::from_secs(86_400));
    estate.ask("ben", &crate::estate::wish("root@web-1")).await.unwrap();
    let days = history(Some(3)).await.unwrap();
    let requests: Vec<_> = days.iter().map(|day| day.requests.clone().into_iter().collect::<Vec<_>>()).collect();
    assert_eq!(requests, [vec![], vec![("granted".to_owned(), 1)], vec![("pending".to_owned(), 1)]]);
    assert_eq!(days.iter().map(|day| day.policies_standing).collect::<Vec<_>>(), [0, 1, 1]);
    let known: Vec<_> = days.iter().map(|day| (day.accounts_governed, day.accounts_found)).collect();
    assert_eq!(known.first(), Some(&(0, 0)), "nothing was known before");
    assert!(known.last().is_some_and(|(governed, found)| *governed > 0 && governed <= found), "{known:?}");
    assert_eq!(days.last().unwrap().day, estate.world.now().to_string()[..10]);
    assert_eq!(history(None).await.unwrap().len(), 30);
    assert!(matches!(history(Some(0)).await, Err(Error::Invalid { .. })));
    let permit = estate.world.caller("zoe").await.permit(Permission::StatusRead);
    if let Some(permit) = permit {
        let told = estate.world.control.history(&permit, None).await;
        assert!(matches!(told, Err(Error::Forbidden(_))), "another tenant's administrator");
    }
}

#[tokio::test]
async fn what_stands_is_kept_day_by_day() {
    let estate = Estate::new().await;
    let control = &estate.world.control;
    let kept = async || {
        let permit = estate.world.caller("ada").await.permit(Permission::StatusRead).unwrap();
        let days = control.history(&permit, Some(3)).await.unwrap();
        days.into_iter().map(|day| day.kept.map(|kept| kept.standing_rights)).collect::<Vec<_>>()
    };
    assert_eq!(kept().await, [None, None, None], "nothing was kept yet");
    let standing = "{kind: Policy, name: always, scope: /emea, subjects: {users: [ben, cy]}, access: standing}";
    estate.apply("ada", standing).await.unwrap();
    control.day_figures_keep().await.unwrap();
    let before = kept().await;
    let both = before.last().copied().flatten().unwrap();
    assert!(both > 0 && both % 2 == 0, "two people, each on each account: {both}");

    estate.world.clock.advance(std::time::Duration::from_secs(86_400));
    let narrower = "{kind: Policy, name: always, scope: /emea, subjects: {users: [ben]}, access: standing}";
    estate.apply("ada", narrower).await.unwrap();
    control.day_figures_keep().await.unwrap();
    control.day_figures_keep().await.unwrap();
    assert_eq!(kept().await, [None, Some(both), Some(both / 2)], "the day before stays as it was");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_can_look_at_once() {
    let estate = Estate::new().await;
    let mut looks = Vec::new();
    for _ in 0..64 {
        let (control, ada) = (estate.world.control.clone(), estate.world.caller("ada").await);
        looks.push(tokio::spawn(async move { control.home(&ada).await.map(|home| home.estate.is_some()) }));
    }
    for look in looks {
        assert!(look.await.unwrap().unwrap());
    }
}
