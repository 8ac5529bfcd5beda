use super::*;
use crate::estate::{Estate, wish};

fn wanted(action: &str, account: Option<&str>) -> WhoCanWanted {
    let account = account.map(|account| account.parse().unwrap());
    let labels = [("env".to_owned(), "prod".to_owned())];
    let filter = AccessFilter { labels: labels.into_iter().filter(|_| account.is_none()).collect(), q: None };
    WhoCanWanted { action: action.parse().unwrap(), account, filter, source: None, refused: false, draft: None }
}

async fn who(estate: &Estate, wanted: &WhoCanWanted) -> Vec<(String, Answer)> {
    let (caller, permit) = estate.caller("ada", Permission::PolicyRead).await;
    let found = estate.world.control.who_can(&caller, &permit, wanted, None, None).await.unwrap();
    assert_eq!(found.next, None);
    found.items.into_iter().map(|item| (item.user.to_string(), item.answer)).collect()
}

#[tokio::test]
async fn a_grant_turns_a_question_into_a_yes() {
    let estate = Estate::new().await;
    let root = Some("root@web-1");
    assert_eq!(who(&estate, &wanted("shell", root)).await, [("ben".to_owned(), Answer::OnRequest)]);
    let secret =
        crate::SecretInput { password: Some(postern_domain::SecretText::new("x".to_owned())), private_key: None };
    estate.secret_put("ada", "root@web-1", secret).await.unwrap();
    let request = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    estate.approve("cy", &request.id).await.unwrap();
    estate.approve("dee", &request.id).await.unwrap();
    assert_eq!(who(&estate, &wanted("shell", root)).await, [("ben".to_owned(), Answer::Allowed)]);
    assert_eq!(who(&estate, &wanted("checkout", root)).await, []);
    assert!(who(&estate, &wanted("connect", None)).await.contains(&("ben".to_owned(), Answer::Allowed)));
}

#[tokio::test]
async fn pages_add_up_to_the_whole() {
    let estate = Estate::new().await;
    let (caller, permit) = estate.caller("ada", Permission::PolicyRead).await;
    let all = WhoCanWanted { refused: true, ..wanted("connect", None) };
    let ask =
        async |cursor: Option<&str>, limit| estate.world.control.who_can(&caller, &permit, &all, cursor, limit).await;
    let whole = ask(None, None).await.unwrap().items;
    let (mut pieces, mut cursor) = (Vec::new(), None);
    loop {
        let page = ask(cursor.as_deref(), Some(1)).await.unwrap();
        pieces.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(pieces, whole);
    assert!(matches!(ask(Some("x"), None).await, Err(Error::Invalid { .. })));
    let nothing = WhoCanWanted { filter: AccessFilter::default(), ..all.clone() };
    let found = estate.world.control.who_can(&caller, &permit, &nothing, None, None).await;
    assert!(matches!(found, Err(Error::Invalid { .. })), "no account is named");
}
