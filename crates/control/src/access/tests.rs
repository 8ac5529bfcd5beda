use std::fmt::Write as _;
use std::time::Duration;

use postern_domain::account::AccountState;

use super::*;
use crate::SecretInput;
use crate::estate::{Estate, wish};

async fn listed(estate: &Estate, who: &str) -> Vec<AccessItem> {
    let caller = estate.world.caller(who).await;
    let page = PageRequest { cursor: None, limit: Some(500) };
    estate.world.control.access_list(&caller, &AccessFilter::default(), &page.into()).await.unwrap().items
}

async fn state(estate: &Estate, account: &str) -> Option<AccessState> {
    let items = listed(estate, "ben").await;
    items.iter().find(|item| item.account.to_string() == account).map(|item| item.state)
}

#[tokio::test]
async fn each_step_shows() {
    let estate = Estate::new().await;
    assert_eq!(state(&estate, "root@web-1").await, Some(AccessState::Unavailable), "no secret is stored yet");
    let secret = SecretInput { password: Some(postern_domain::SecretText::new("x".to_owned())), private_key: None };
    estate.secret_put("ada", "root@web-1", secret).await.unwrap();
    assert_eq!(state(&estate, "root@web-1").await, Some(AccessState::Request));
    let request = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    assert_eq!(state(&estate, "root@web-1").await, Some(AccessState::Pending));
    estate.approve("cy", &request.id).await.unwrap();
    estate.approve("dee", &request.id).await.unwrap();
    let items = listed(&estate, "ben").await;
    let item = items.iter().find(|item| item.account.to_string() == "root@web-1").unwrap();
    assert_eq!((item.state, item.policy.as_str()), (AccessState::Ready, "prod"));
    assert!(item.grant.is_some());
    assert_eq!(item.ends_at, Some(estate.world.now().after(Duration::from_secs(1_800))));
    assert_eq!(item.ssh.as_deref(), Some("ssh -p 2222 root@web-1@gate.example.test"));
    assert_eq!(item.demands.max_duration_seconds, 3_600);
    estate.world.clock.advance(Duration::from_secs(1_800));
    assert_eq!(state(&estate, "root@web-1").await, Some(AccessState::Request));
}

#[tokio::test]
async fn what_no_policy_gives_does_not_appear() {
    let estate = Estate::new().await;
    for who in ["cy", "ada", "zoe", "aud"] {
        assert!(listed(&estate, who).await.is_empty(), "{who}");
    }
    let deny = "
kind: Policy
name: not-here
scope: /emea
effect: deny
subjects: {users: [ben]}
accounts: {assets: [dev-1]}
";
    assert_eq!(state(&estate, "root@dev-1").await, Some(AccessState::Request));
    estate.apply("ada", deny).await.unwrap();
    assert_eq!(state(&estate, "root@dev-1").await, None);
}

#[tokio::test]
async fn an_account_out_of_use_says_so() {
    let estate = Estate::new().await;
    estate.account_state("root@dev-1", AccountState::Disabled).await;
    let items = listed(&estate, "ben").await;
    let item = items.iter().find(|item| item.account.to_string() == "root@dev-1").unwrap();
    assert_eq!(item.state, AccessState::Unavailable);
    assert_eq!(item.reasons[0].code, "account_inactive");
}

#[tokio::test]
async fn pages_give_each_account_once() {
    let estate = Estate::new().await;
    let mut text = String::new();
    for number in 0..30 {
        let env = if number % 3 == 0 { "dev" } else { "lab" };
        let _ = write!(
            text,
            "---\nkind: Asset\nname: node-{number:02}\nscope: /emea\nplatform: linux\naddress: h:22\nlabels: {{env: {env}}}\n\
             ---\nkind: Account\naccount: root@node-{number:02}\ncredential: ssh_certificate\n"
        );
    }
    estate.apply("ada", &text).await.unwrap();
    let ben = estate.world.caller("ben").await;
    let filter = AccessFilter { q: Some("node-".to_owned()), ..AccessFilter::default() };
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = PageRequest { cursor, limit: Some(3) };
        let page = estate.world.control.access_list(&ben, &filter, &page.into()).await.unwrap();
        assert!(page.items.len() <= 3);
        seen.extend(page.items.into_iter().map(|item| item.account.to_string()));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let expected: Vec<_> = (0..30).step_by(3).map(|number| format!("root@node-{number:02}")).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn what_one_reaches_is_sorted_both_ways_and_counted() {
    let estate = Estate::new().await;
    let mut text = String::new();
    for number in 0..7 {
        let _ = write!(
            text,
            "---\nkind: Asset\nname: node-{number}\nscope: /emea\nplatform: linux\naddress: h:22\nlabels: {{env: dev}}\n\
             ---\nkind: Account\naccount: root@node-{number}\ncredential: ssh_certificate\n"
        );
    }
    estate.apply("ada", &text).await.unwrap();
    let ben = estate.world.caller("ben").await;
    let filter = AccessFilter { q: Some("node-".to_owned()), ..AccessFilter::default() };
    for (sort, first) in [("account", "root@node-0"), ("-account", "root@node-6")] {
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = PageRequest { cursor, limit: Some(3) };
            let listing = Listing { page, sort: Some(sort.to_owned()), count: true };
            let page = estate.world.control.access_list(&ben, &filter, &listing).await.unwrap();
            assert_eq!(page.total, Some(7));
            seen.extend(page.items.into_iter().map(|item| item.account.to_string()));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((seen.len(), seen.first().map(String::as_str)), (7, Some(first)));
    }
}
