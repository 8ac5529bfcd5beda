use postern_domain::permission::Permission;

use super::*;
use crate::RuleView;
use crate::estate::Estate;

const SHIPPED: &str = "credentials.shadow";
const OWN: &str = "
- id: payroll.read
  title: The payroll was read
  severity: high
  attack: T1005
  respond: alert
  on: [command]
  match: {path: '^/srv/payroll/'}
  hits: ['cat /srv/payroll/a']
  misses: ['ls /srv']
";

async fn with_two() -> Estate {
    let estate = Estate::new().await;
    estate.world.person("max", "/", &[("administrator", "/")]).await;
    estate
}

async fn switch(estate: &Estate, who: &str, id: &str, enabled: bool) -> RulesChanged {
    let (caller, permit) = estate.caller(who, Permission::PolicyWrite).await;
    estate.world.control.rule_switch(&caller, &permit, id, enabled).await.unwrap()
}

async fn apply(estate: &Estate, who: &str, text: &str) -> RulesChanged {
    let (caller, permit) = estate.caller(who, Permission::PolicyWrite).await;
    estate.world.control.rule_apply(&caller, &permit, text).await.unwrap()
}

async fn rule(estate: &Estate, id: &str) -> RuleView {
    let (_, permit) = estate.caller("ada", Permission::PolicyRead).await;
    let rules = estate.world.control.rule_list(&permit).await.unwrap();
    rules.into_iter().find(|rule| rule.id == id).unwrap()
}

#[tokio::test]
async fn who_is_alone_switches_a_rule_off_alone() {
    let estate = Estate::new().await;
    let changed = switch(&estate, "ada", SHIPPED, false).await;
    assert_eq!((changed.rules, changed.waiting), (vec![SHIPPED.to_owned()], Vec::new()));
    assert!(!rule(&estate, SHIPPED).await.enabled);
}

#[tokio::test]
async fn switching_a_rule_off_takes_two() {
    let estate = with_two().await;
    for _ in 0..2 {
        assert_eq!(switch(&estate, "ada", SHIPPED, false).await.waiting, [SHIPPED], "also the second time");
    }
    let found = rule(&estate, SHIPPED).await;
    assert!(found.enabled && found.waiting.is_some_and(|waiting| waiting.author.as_str() == "ada" && !waiting.enabled));
    assert_eq!(switch(&estate, "max", SHIPPED, false).await.rules, [SHIPPED]);
    let found = rule(&estate, SHIPPED).await;
    assert!(!found.enabled && found.waiting.is_none());
    assert_eq!(estate.world.events("detection_rule.propose").await.len(), 2);
    assert_eq!(estate.world.events("detection_rule.disable").await[0].details["author"], "ada");
    // More is one person's to do.
    assert_eq!(switch(&estate, "ada", SHIPPED, true).await.rules, [SHIPPED]);
}

#[tokio::test]
async fn what_waits_is_dropped_by_switching_on_and_after_seven_days() {
    let estate = with_two().await;
    switch(&estate, "ada", SHIPPED, false).await;
    switch(&estate, "max", SHIPPED, true).await;
    assert!(rule(&estate, SHIPPED).await.waiting.is_none());
    switch(&estate, "ada", SHIPPED, false).await;
    estate.world.clock.advance(WAIT_MAX);
    assert_eq!(switch(&estate, "max", SHIPPED, false).await.waiting, [SHIPPED], "it was over");
}

#[tokio::test]
async fn a_rule_that_is_on_is_made_narrower_by_two_and_wider_by_one() {
    let estate = with_two().await;
    assert_eq!(apply(&estate, "ada", OWN).await.rules, ["payroll.read"]);
    switch(&estate, "ada", "payroll.read", true).await;
    let softer = OWN.replace("respond: alert", "respond: note");
    assert_eq!(apply(&estate, "ada", &softer).await.waiting, ["payroll.read"]);
    assert_eq!(rule(&estate, "payroll.read").await.response, "alert");
    let other = OWN.replace("severity: high", "severity: low");
    assert_eq!(apply(&estate, "max", &other).await.waiting, ["payroll.read"], "another change than the one that waits");
    assert_eq!(apply(&estate, "ada", &other).await.rules, ["payroll.read"]);
    assert_eq!(rule(&estate, "payroll.read").await.severity, "low");
    let harder = other.replace("respond: alert", "respond: pause");
    assert_eq!(apply(&estate, "ada", &harder).await.rules, ["payroll.read"]);
}
