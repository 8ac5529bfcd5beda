use postern_domain::permission::Permission;
use postern_domain::user::NoticeChoice;

use super::*;
use crate::StandInInput;
use crate::estate::{Estate, wish};

const SERVER: &str = "https://gate.example";

/// What would be told of each event of the ledger, as things stand.
async fn told(estate: &Estate) -> Vec<Notice> {
    let control = &estate.world.control;
    let mut rows = control.store().read().await.unwrap();
    let mut told = Vec::new();
    for leaf in rows.leaves_from(0, 1_000).await.unwrap() {
        let telling = Telling { server: SERVER, channel: "people", index: leaf.index };
        told.extend(telling.notice(&mut rows, &event_in(&leaf.body), estate.world.now()).await.unwrap());
    }
    told
}

fn names(notice: &Notice) -> Vec<&str> {
    let mut names: Vec<_> = notice.to.iter().map(|person| person.user.as_str()).collect();
    names.sort_unstable();
    names
}

async fn choose(estate: &Estate, who: &str, choice: NoticeChoice) -> Result<NoticeChoiceView, Error> {
    let caller = estate.world.caller(who).await;
    estate.world.control.notice_choose(&caller, &choice).await
}

#[tokio::test]
async fn those_who_may_answer_are_told_and_whoever_asked_hears_the_answer() {
    let estate = Estate::new().await;
    let request = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    let asked = told(&estate).await;
    assert_eq!(asked.len(), 1);
    // Eve approves, but is of no group that is asked; Ben is, and asks himself.
    assert_eq!((asked[0].kind, names(&asked[0])), ("asked", vec!["cy", "dee"]));
    assert_eq!(asked[0].title, "ben asks for root@web-1");
    assert_eq!(asked[0].link, format!("{SERVER}/requests/{}", request.id));
    estate.approve("cy", &request.id).await.unwrap();
    let now = told(&estate).await;
    assert_eq!((now.len(), names(&now[0])), (1, vec!["dee"]), "who has answered is asked no more");
    estate.approve("dee", &request.id).await.unwrap();
    let now = told(&estate).await;
    assert_eq!(now.iter().map(|notice| (notice.kind, names(notice))).collect::<Vec<_>>(), [("approved", vec!["ben"])]);
    assert_eq!(now[0].title, "dee said yes: root@web-1");
}

#[tokio::test]
async fn a_no_comes_with_its_reason_and_silence_is_told_too() {
    let estate = Estate::new().await;
    let request = estate.ask("ben", &wish("root@web-1")).await.unwrap().id;
    estate.deny("cy", &request, "Not during the freeze.").await.unwrap();
    let now = told(&estate).await;
    assert_eq!((now[0].title.as_str(), names(&now[0])), ("cy said no: root@web-1", vec!["ben"]));
    assert_eq!(now[0].says[0], ("Said", "Not during the freeze.".to_owned()));
    let other = crate::RequestInput { ticket: Some("CHG-8".to_owned()), ..wish("root@web-1") };
    estate.ask("ben", &other).await.unwrap();
    estate.world.clock.advance(std::time::Duration::from_secs(8 * 24 * 3600));
    estate.world.control.expire().await.unwrap();
    assert_eq!(told(&estate).await.pop().map(|notice| notice.kind), Some("expired"));
}

#[tokio::test]
async fn everybody_chooses_for_themselves_what_they_are_told_and_where() {
    let estate = Estate::new().await;
    estate.ask("ben", &wish("root@web-1")).await.unwrap();
    let elsewhere = Some("cy@mobile.example".to_owned());
    choose(&estate, "cy", NoticeChoice { address: elsewhere.clone(), ..NoticeChoice::default() }).await.unwrap();
    choose(&estate, "dee", NoticeChoice { asked: false, ..NoticeChoice::default() }).await.unwrap();
    let now = told(&estate).await;
    assert_eq!(now[0].to, [Recipient { user: "cy".to_owned(), address: elsewhere }]);
    let refused =
        choose(&estate, "cy", NoticeChoice { address: Some("a\r\nBcc: b@c".to_owned()), asked: true, answered: true });
    assert!(matches!(refused.await, Err(Error::Invalid { field, .. }) if field == "address"));
    assert_eq!(estate.world.events("user.notices").await.len(), 2);
}

#[tokio::test]
async fn who_stands_in_is_told_in_the_place_of_who_is_away() {
    let estate = Estate::new().await;
    let (cy, permit) = estate.caller("cy", Permission::RequestApprove).await;
    let ends_at = estate.world.now().after(std::time::Duration::from_secs(3600));
    let away = StandInInput { stand_in: "eve".parse().unwrap(), starts_at: None, ends_at, reason: None };
    estate.world.control.stand_in_create(&cy, &permit, &away).await.unwrap();
    estate.ask("ben", &wish("root@web-1")).await.unwrap();
    assert_eq!(names(&told(&estate).await[0]), ["dee", "eve"]);
}
