use crate::rule::Rule;

fn basis(id: &str) -> Vec<String> {
    let found = crate::shipped().into_iter().find(|rule: &Rule| rule.id == id);
    found.map(|rule| rule.basis()).unwrap_or_default()
}

#[test]
fn a_rule_says_how_often_it_must_see_something() {
    let many = basis("movement.fan_out").join(" ");
    assert!(many.contains("different hosts are seen within"), "{many}");
    let again = basis("discovery.host").join(" ");
    assert_eq!(again, "It finds something once it is seen at least 8 times within 1 minute for the same session.");
    let moved = basis("exfiltration.download_bytes").join(" ");
    assert!(moved.contains("MB add up within"), "{moved}");
}

#[test]
fn a_rule_says_what_is_usual() {
    assert!(basis("access.unusual_hour").join(" ").starts_with("Usual are the hours, in UTC"));
    let volume = basis("exfiltration.volume").join(" ");
    assert!(volume.contains("10 times that, and at least 10 MiB"), "{volume}");
}

#[test]
fn a_rule_that_finds_whatever_matches_says_nothing() {
    assert!(basis("credentials.shadow").is_empty());
}
