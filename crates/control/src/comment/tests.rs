use super::*;
use crate::estate::{Estate, wish};

#[tokio::test]
async fn who_asks_and_who_answers_talk_about_a_request() {
    let estate = Estate::new().await;
    let request = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    let say = async |who: &str, text: &str| {
        let caller = estate.world.caller(who).await;
        estate.world.control.request_comment(&caller, &request.id, text).await
    };
    say("cy", "Which disk?").await.unwrap();
    let said = say("ben", "  /var,\nsince noon  ").await.unwrap();
    let told: Vec<_> = said.iter().map(|comment| (comment.user.to_string(), comment.text.as_str())).collect();
    assert_eq!(told, [("cy".to_owned(), "Which disk?"), ("ben".to_owned(), "/var,\nsince noon")]);
    let ben = estate.world.caller("ben").await;
    assert_eq!(estate.world.control.request_comments(&ben, &request.id).await.unwrap(), said);
    assert_eq!(estate.world.events("request.comment").await.len(), 2, "the ledger has them");

    for (who, text) in [("cy", " "), ("cy", "\u{1b}[31mred")] {
        assert!(matches!(say(who, text).await, Err(Error::Invalid { field, .. }) if field == "text"));
    }
    assert!(matches!(say("cy", &"x".repeat(COMMENT_LEN_MAX + 1)).await, Err(Error::Invalid { .. })));
    assert!(matches!(say("zoe", "hello").await, Err(Error::NotFound { .. })), "another tenant's");
    let zoe = estate.world.caller("zoe").await;
    let looked = estate.world.control.request_comments(&zoe, &request.id).await;
    assert!(matches!(looked, Err(Error::NotFound { .. })));
    for _ in 2..COMMENTS_MAX {
        say("ben", "and more").await.unwrap();
    }
    assert!(matches!(say("ben", "one too many").await, Err(Error::Conflict(_))));
}
