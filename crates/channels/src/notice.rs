//! Notices: what one person is told of a request, rather than what a machine is told of events. The link in one is
//! the plain address of a page that asks who one is: whoever gets hold of a notice has gained nothing by it.

use serde::Serialize;

/// Somebody who is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Recipient {
    /// Their name.
    pub user: String,
    /// Their mail address; none where nobody has given one.
    pub address: Option<String>,
}

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// The place in the ledger of the event that it is about: a receiver knows by it what comes twice.
    pub index: u64,
    /// Why: `asked`, `reminded`, `escalated`, `approved`, `denied`, `expired`, `ended`, `test`.
    pub kind: &'static str,
    /// In one line.
    pub title: String,
    /// What there is to say, each with its name.
    pub says: Vec<(&'static str, String)>,
    /// The page of the console where one sees it, once signed in.
    pub link: String,
    /// Who is told.
    pub to: Vec<Recipient>,
}

/// Somebody whom the receiver will never take a notice for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreachable {
    /// Who.
    pub user: String,
    /// What the receiver said.
    pub why: String,
}

impl Notice {
    /// In one line, without control characters.
    #[must_use]
    pub fn line(&self) -> String {
        plain(&self.title)
    }

    /// For people to read. What others have written stands behind a mark, so that nothing in it passes for a word
    /// of Postern's.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}\n\n", self.line());
        for (name, said) in &self.says {
            text.push_str(&format!("{name}: > {}\n", plain(said)));
        }
        text.push_str(&format!("\n{}\n\nThe link opens nothing by itself: sign in to see it.\n", self.link));
        text
    }
}

fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_stays_on_its_line_behind_a_mark() {
        let notice = Notice {
            index: 7,
            kind: "asked",
            title: "ben asks\r\nBcc: x".to_owned(),
            says: vec![("Reason", "fix\n\nhttps://gate.example/requests/other".to_owned())],
            link: "https://gate.example/requests/req_1".to_owned(),
            to: Vec::new(),
        };
        assert_eq!(notice.line(), "ben asks  Bcc: x");
        assert_eq!(
            notice.text(),
            "ben asks  Bcc: x\n\nReason: > fix  https://gate.example/requests/other\n\n\
             https://gate.example/requests/req_1\n\nThe link opens nothing by itself: sign in to see it.\n"
        );
    }
}
