//! What must hold for access documents and names, whatever the text. Shared by the fuzz target and by
//! the test that replays its corpus.

use postern_domain::document;
use postern_domain::name::GateLogin;
use postern_domain::{AccountRef, ScopePath, UserName};

/// Takes `bytes` for `access.yaml`, and for what somebody signs in as.
pub(crate) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(documents) = document::parse("access.yaml", &text) {
        for located in &documents {
            let again = document::to_yaml(std::slice::from_ref(&located.document)).unwrap_or_default();
            let read = document::parse("again.yaml", &again).map(|documents| documents.into_iter().map(|l| l.document));
            let same = read.is_ok_and(|read| read.eq(std::iter::once(located.document.clone())));
            assert!(same, "a document is read as it is written");
        }
    }
    if let Ok(name) = text.parse::<UserName>() {
        assert_eq!(name.as_str().parse::<UserName>().as_ref(), Ok(&name), "a canonical name is its own");
    }
    if let Ok(account) = text.parse::<AccountRef>() {
        assert_eq!(account.to_string().parse::<AccountRef>().as_ref(), Ok(&account));
    }
    if let Ok(scope) = text.parse::<ScopePath>() {
        assert!(ScopePath::root().contains(&scope) && scope.tenant().contains(&scope));
    }
    let _ = text.parse::<GateLogin>();
}
