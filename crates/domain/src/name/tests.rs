use proptest::prelude::*;

use super::*;
use crate::{ScopePath, SessionId};

#[test]
fn one_thing_has_one_spelling() {
    assert_eq!("Ben".parse::<UserName>(), "ben".parse());
    assert_eq!("WEB-1".parse::<AssetName>(), "web-1".parse());
    assert_ne!("Root".parse::<AccountName>(), "root".parse(), "targets tell case apart");
    assert_eq!("root@Web-1".parse::<AccountRef>().unwrap().to_string(), "root@web-1");
}

#[test]
fn what_looks_like_something_else_is_refused() {
    for text in ["", "-a", ".a", "a b", "a@b", "a/b", "ben\n", "ben\0", "bén", "ｂｅｎ", "ſ", &"a".repeat(64)] {
        assert!(text.parse::<UserName>().is_err(), "{text:?}");
    }
    for text in ["", "-oProxyCommand=x", "a b", "a;b", "$(a", "a@b", "a/b", "a'", &"a".repeat(129)] {
        assert!(text.parse::<AccountName>().is_err(), "{text:?}");
    }
    for text in ["root", "@web-1", "root@", "root@web 1", "a@b@c"] {
        assert!(text.parse::<AccountRef>().is_err(), "{text:?}");
    }
}

#[test]
fn a_login_may_name_the_person() {
    let login: GateLogin = "Ben/root@web-1".parse().unwrap();
    assert_eq!(
        (login.user.unwrap().to_string(), login.account.to_string()),
        ("ben".to_owned(), "root@web-1".to_owned())
    );
    assert_eq!("root@web-1".parse::<GateLogin>().unwrap().user, None);
    for text in ["/root@web-1", "ben/", "ben/x/root@web-1", "ben/root"] {
        assert!(text.parse::<GateLogin>().is_err(), "{text:?}");
    }
}

#[test]
fn an_error_shows_no_control_characters() {
    let error = "a\u{1b}[31m\r\nb".parse::<UserName>().unwrap_err();
    assert!(!error.to_string().chars().any(char::is_control), "{error}");
}

#[test]
fn the_published_patterns_say_what_is_accepted() {
    let schema = crate::document::access_schema();
    let accepts = |noun: &str, text: &str| {
        let pattern = schema["$defs"][noun]["pattern"].as_str().unwrap();
        regex::Regex::new(pattern).unwrap().is_match(text)
    };
    for text in
        ["", "a", "A.b_c-d", "-a", ".a", "a b", "root@web-1", "a$+\\", "/", "/emea/eu", "/emea/", &"a".repeat(64)]
    {
        assert_eq!(accepts("AssetName", text), text.parse::<AssetName>().is_ok(), "{text}");
        assert_eq!(accepts("AccountName", text), text.parse::<AccountName>().is_ok(), "{text}");
        assert_eq!(accepts("AccountRef", text), text.parse::<AccountRef>().is_ok(), "{text}");
        assert_eq!(accepts("ScopePath", text), text.parse::<ScopePath>().is_ok(), "{text}");
    }
}

#[test]
fn ten_million_characters_are_refused() {
    for text in ["a", "@", "/", "\0", "é", "a@", "/a"] {
        let text = text.repeat(10_000_000 / text.len());
        assert!(text.parse::<UserName>().is_err());
        assert!(text.parse::<AccountName>().is_err());
        assert!(text.parse::<AccountRef>().is_err());
        assert!(text.parse::<GateLogin>().is_err());
        assert!(text.parse::<ScopePath>().is_err());
        assert!(text.parse::<SessionId>().is_err());
        assert!(text.parse::<crate::Period>().is_err());
        assert!(crate::asset::split_address(&text).is_err());
        assert!(crate::asset::host_key_parts(&text).is_none());
    }
}

proptest! {
    #[test]
    fn display_reads_back(user in "[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}", account in "[a-zA-Z0-9._$\\\\+][a-zA-Z0-9._$\\\\+-]{0,127}") {
        let name: UserName = user.parse().unwrap();
        prop_assert_eq!(name.to_string().parse::<UserName>().unwrap(), name);
        let reference: AccountRef = format!("{account}@{user}").parse().unwrap();
        prop_assert_eq!(reference.to_string().parse::<AccountRef>().unwrap(), reference);
    }

    #[test]
    fn no_text_panics(text in "(?s).{0,80}") {
        let _ = (text.parse::<UserName>(), text.parse::<AccountName>(), text.parse::<AccountRef>());
        if let Ok(login) = text.parse::<GateLogin>() {
            let user = login.user.map(|user| format!("{user}/")).unwrap_or_default();
            let again: GateLogin = format!("{user}{}", login.account).parse().unwrap();
            prop_assert_eq!(again.account, login.account);
        }
    }
}
