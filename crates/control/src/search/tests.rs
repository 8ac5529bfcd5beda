use super::*;

#[test]
fn what_is_shown_is_cut_to_what_was_found() {
    let text = format!("{}cat /etc/shadow\u{1b}[2J{}", "x".repeat(100), "y".repeat(400));
    let parts = parts(&text, std::slice::from_ref(&(104..115)));
    let shown: String = parts.iter().map(|part| part.text.as_str()).collect();
    assert!(shown.starts_with("… x") && shown.chars().count() == TEXT_MAX && !shown.contains('\u{1b}'), "{shown}");
    assert_eq!(
        parts.iter().filter(|part| part.found).map(|part| part.text.as_str()).collect::<Vec<_>>(),
        ["/etc/shadow"]
    );
}
