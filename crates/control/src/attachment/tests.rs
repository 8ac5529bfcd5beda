use super::*;
use crate::estate::{Estate, wish};

#[tokio::test]
async fn a_file_is_read_by_whoever_sees_the_request_and_told_to_the_ledger() {
    let estate = Estate::new().await;
    let control = &estate.world.control;
    let request = estate.ask("ben", &wish("root@web-1")).await.unwrap().id;
    let (ben, cy) = (estate.world.caller("ben").await, estate.world.caller("cy").await);
    let put = control.attachment_add(&ben, &request, "plan.txt", b"the plan".to_vec()).await.unwrap();
    assert_eq!((put.number, put.bytes), (1, 8));
    let (file, content) = control.attachment_read(&cy, &request, 1).await.unwrap();
    assert_eq!((file.name.as_str(), content.as_slice()), ("plan.txt", b"the plan".as_slice()));
    let zoe = estate.world.caller("zoe").await;
    assert!(matches!(control.attachment_read(&zoe, &request, 1).await, Err(Error::NotFound { .. })));
    assert!(matches!(control.attachment_list(&zoe, &request).await, Err(Error::NotFound { .. })));
    let told = estate.world.events("request.attach").await;
    assert_eq!(told[0].details["sha256"], put.sha256.as_str());
    assert!(!estate.ledger().await.contains("the plan"));
    let mut rows = control.store().read().await.unwrap();
    let stored = rows.attachment(&request, 1).await.unwrap().unwrap();
    assert!(!String::from_utf8_lossy(&stored.sealed).contains("the plan"), "sealed");
}

#[tokio::test]
async fn files_are_small_few_and_named_plainly() {
    let estate = Estate::new().await;
    let control = &estate.world.control;
    let request = estate.ask("ben", &wish("root@web-1")).await.unwrap().id;
    let ben = estate.world.caller("ben").await;
    for (name, length) in [("x", ATTACHMENT_LEN_MAX + 1), ("x", 0), ("../x", 1), ("", 1), ("a\nb", 1)] {
        let refused = control.attachment_add(&ben, &request, name, vec![1; length]).await;
        assert!(matches!(refused, Err(Error::Invalid { .. })), "{name:?} {length}");
    }
    for _ in 0..ATTACHMENTS_MAX {
        control.attachment_add(&ben, &request, "x", vec![1]).await.unwrap();
    }
    assert!(matches!(control.attachment_add(&ben, &request, "x", vec![1]).await, Err(Error::Conflict(_))));
    let other = crate::RequestInput { ticket: Some("CHG-8".to_owned()), ..wish("root@web-1") };
    let closed = estate.ask("ben", &other).await.unwrap().id;
    estate.deny("cy", &closed, "no").await.unwrap();
    assert!(matches!(control.attachment_add(&ben, &closed, "x", vec![1]).await, Err(Error::Conflict(_))));
}

#[tokio::test]
async fn files_are_sealed_again_with_the_rest() {
    let estate = Estate::new().await;
    let control = &estate.world.control;
    let request = estate.ask("ben", &wish("root@web-1")).await.unwrap().id;
    let ben = estate.world.caller("ben").await;
    control.attachment_add(&ben, &request, "x", b"content".to_vec()).await.unwrap();
    let mut tx = control.store().write(estate.world.now()).await.unwrap();
    rewrap(control.vault(), &mut tx).await.unwrap();
    tx.commit_upkeep().await.unwrap();
    assert_eq!(control.attachment_read(&ben, &request, 1).await.unwrap().1, b"content");
}
