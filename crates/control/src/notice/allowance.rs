//! How much one person is told: who gets a hundred notices reads none.

use std::collections::HashMap;
use std::time::Duration;

use postern_channels::{Notice, Recipient};
use postern_domain::Timestamp;

/// How many notices one person gets in one hour.
const TOLD_MAX: u32 = 30;
const HOUR: Duration = Duration::from_secs(3600);

/// What each person was told in their hour, which begins with the first notice.
#[derive(Debug, Default)]
pub(crate) struct Allowance {
    told: HashMap<String, (Timestamp, u32)>,
}

impl Allowance {
    /// The notice for those who may be told; for those to whom it is the last of the hour, with a word on that.
    pub(crate) fn share(&mut self, notice: Notice, now: Timestamp) -> Vec<Notice> {
        self.told.retain(|_, (began, _)| now < began.after(HOUR));
        let left = |person: &Recipient| {
            let told = self.told.get(&person.user).map_or(0, |(_, told)| *told);
            TOLD_MAX.saturating_sub(told)
        };
        let (more, last): (Vec<_>, Vec<_>) =
            notice.to.iter().filter(|person| left(person) > 0).cloned().partition(|person| left(person) > 1);
        let mut of_last = Notice { to: last, ..notice.clone() };
        of_last
            .says
            .push(("Note", "this is the last notice for an hour; what else waits is in the console".to_owned()));
        [Notice { to: more, ..notice }, of_last].into_iter().filter(|notice| !notice.to.is_empty()).collect()
    }

    /// They were told.
    pub(crate) fn took(&mut self, notice: &Notice, now: Timestamp) {
        for person in &notice.to {
            self.told.entry(person.user.clone()).or_insert((now, 0)).1 += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_an_hour_says_so_and_then_there_is_silence() {
        let person = |name: &str| Recipient { user: name.to_owned(), address: None };
        let notice = Notice {
            index: 1,
            kind: "asked",
            title: String::new(),
            says: Vec::new(),
            link: String::new(),
            to: vec![person("cy"), person("dee")],
        };
        let now: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        let mut allowance = Allowance::default();
        for _ in 1..TOLD_MAX {
            let alone = Notice { to: vec![person("cy")], ..notice.clone() };
            let shared = allowance.share(alone.clone(), now);
            assert_eq!(shared, [alone]);
            allowance.took(&shared[0], now);
        }
        let shared = allowance.share(notice.clone(), now);
        assert_eq!(shared.iter().map(|one| one.to[0].user.as_str()).collect::<Vec<_>>(), ["dee", "cy"]);
        assert!(shared[1].says[0].1.contains("last notice"));
        shared.iter().for_each(|one| allowance.took(one, now));
        assert_eq!(allowance.share(notice.clone(), now)[0].to, [person("dee")]);
        assert_eq!(allowance.share(notice.clone(), now.after(HOUR)), [notice]);
    }
}
