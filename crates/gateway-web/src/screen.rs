//! What a tab has shown and may have to show again, by the number of each byte since the beginning.

use std::collections::VecDeque;

use bytes::Bytes;

/// How many bytes may be under way without having been acknowledged.
pub(crate) const UNDER_WAY_MAX: u64 = 512 * 1024;
/// How many bytes that were acknowledged are kept.
const KEPT_MAX: u64 = 256 * 1024;
/// How far the beginning of a line is looked for where a past begins in the middle.
const LINE_MAX: usize = 4 * 1024;

/// The past of one terminal. Bounded by its caller, which pushes nothing while `is_full`.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    kept: VecDeque<u8>,
    /// The number of the first byte that is kept.
    first: u64,
    acked: u64,
}

impl Screen {
    /// The number of the next byte.
    pub(crate) fn end(&self) -> u64 {
        self.first + u64::try_from(self.kept.len()).unwrap_or(0)
    }

    /// Takes output.
    pub(crate) fn push(&mut self, data: &[u8]) {
        self.kept.extend(data);
        self.trim();
    }

    /// Whether nothing more is to be taken until some of it has been acknowledged.
    pub(crate) fn is_full(&self) -> bool {
        self.end() - self.acked >= UNDER_WAY_MAX
    }

    /// All before this byte has been shown.
    pub(crate) fn ack(&mut self, bytes: u64) {
        self.acked = self.acked.max(bytes.min(self.end()));
        self.trim();
    }

    /// Up to `max` bytes from number `from` on.
    pub(crate) fn read(&self, from: u64, max: usize) -> Bytes {
        let skip = usize::try_from(from.saturating_sub(self.first)).unwrap_or(usize::MAX);
        if skip >= self.kept.len() {
            return Bytes::new();
        }
        let upto = skip.saturating_add(max).min(self.kept.len());
        self.kept.range(skip..upto).copied().collect()
    }

    /// Where somebody goes on who has seen all before `from`, or nothing; and whether they miss something.
    pub(crate) fn resume(&mut self, from: Option<u64>) -> (u64, bool) {
        match from {
            Some(from) if (self.first..=self.end()).contains(&from) => {
                self.ack(from);
                (from, false)
            }
            _ if self.first == 0 => (0, from.is_some_and(|from| from > 0)),
            _ => (self.first + self.line_start(), true),
        }
    }

    /// How many bytes until a line begins.
    fn line_start(&self) -> u64 {
        let newline = self.kept.iter().take(LINE_MAX).position(|byte| *byte == b'\n');
        newline.and_then(|at| u64::try_from(at + 1).ok()).unwrap_or(0)
    }

    fn trim(&mut self) {
        let from = self.acked.saturating_sub(KEPT_MAX);
        let surplus = usize::try_from(from.saturating_sub(self.first)).unwrap_or(0).min(self.kept.len());
        self.kept.drain(..surplus);
        self.first += u64::try_from(surplus).unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whoever_comes_back_goes_on_where_they_were() {
        let mut screen = Screen::default();
        screen.push(b"hello world");
        assert_eq!(screen.resume(Some(6)), (6, false));
        assert_eq!(screen.read(6, 100), "world");
        assert_eq!(screen.resume(None), (0, false));
        assert_eq!(screen.resume(Some(99)), (0, true), "more than there was");
    }

    #[test]
    fn a_past_that_was_dropped_begins_with_a_line() {
        let mut screen = Screen::default();
        let line = [b'x'; 99].iter().chain(b"\n").copied().collect::<Vec<u8>>();
        for _ in 0..10_000 {
            screen.push(&line);
            screen.ack(u64::MAX);
        }
        let (offset, gap) = screen.resume(None);
        assert!(gap && offset.is_multiple_of(100), "{offset}");
        assert_eq!(screen.resume(Some(5)), (offset, true));
    }

    proptest! {
        #[test]
        fn what_is_kept_is_bounded_and_right(pieces in proptest::collection::vec((1usize..70_000, any::<u32>()), 1..60)) {
            let mut screen = Screen::default();
            let mut all = Vec::new();
            for (len, ack) in pieces {
                if !screen.is_full() {
                    let piece: Vec<u8> = (0..len).map(|i| u8::try_from((all.len() + i) % 251).unwrap()).collect();
                    screen.push(&piece);
                    all.extend(piece);
                }
                screen.ack(u64::from(ack) % (u64::try_from(all.len()).unwrap() + 10));
                prop_assert!(screen.kept.len() <= usize::try_from(UNDER_WAY_MAX + KEPT_MAX).unwrap() + 70_000);
                let first = usize::try_from(screen.first).unwrap();
                prop_assert_eq!(&screen.read(screen.first, usize::MAX)[..], &all[first..]);
            }
        }
    }
}
