//! Which rules are worth asking about something: of all that look at its kind, those whose text it may have,
//! found for all of them in one pass over the text.

use std::borrow::Cow;

use regex::{RegexSet, RegexSetBuilder};

use crate::rule::{Invalid, On, Rule};

/// The largest set of expressions, compiled, and the largest table that is made of it while it is used, in
/// bytes.
const SET_LEN_MAX: usize = 64 * 1024 * 1024;
const TABLE_LEN_MAX: usize = 8 * 1024 * 1024;

/// A sieve for each kind of thing that is looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sieves(Vec<(On, Sieve)>);

#[derive(Clone, Debug)]
struct Sieve {
    /// The rules that want a text, by their numbers, in the order of their expressions in the set.
    texts: RegexSet,
    wanting: Vec<usize>,
    /// Those that do not.
    others: Vec<usize>,
}

/// The rules for one kind of thing.
#[derive(Default)]
struct Sorted<'a> {
    texts: Vec<&'a str>,
    wanting: Vec<usize>,
    others: Vec<usize>,
}

impl<'a> Sorted<'a> {
    fn add(&mut self, number: usize, rule: &'a Rule) {
        match &rule.matches.text {
            Some(text) => {
                self.texts.push(text);
                self.wanting.push(number);
            }
            None => self.others.push(number),
        }
    }

    fn sieve(self) -> Result<Sieve, Invalid> {
        let Self { texts, wanting, others } = self;
        let texts = RegexSetBuilder::new(texts)
            .case_insensitive(true)
            .size_limit(SET_LEN_MAX)
            .dfa_size_limit(TABLE_LEN_MAX)
            .build()
            .map_err(|error| Invalid(format!("the expressions of all rules together: {error}")))?;
        Ok(Sieve { texts, wanting, others })
    }
}

impl Sieves {
    /// For these rules, which are numbered from 0.
    ///
    /// # Errors
    /// When their expressions are too much together.
    pub(crate) fn new<'a>(rules: impl Iterator<Item = &'a Rule>) -> Result<Self, Invalid> {
        let mut sorted: Vec<(On, Sorted<'_>)> = Vec::new();
        for (number, rule) in rules.enumerate() {
            for on in &rule.on {
                let known = sorted.iter().position(|(other, _)| other == on);
                let place = known.unwrap_or_else(|| {
                    sorted.push((*on, Sorted::default()));
                    sorted.len() - 1
                });
                if let Some((_, sorted)) = sorted.get_mut(place) {
                    sorted.add(number, rule);
                }
            }
        }
        let sieves = sorted.into_iter().map(|(on, sorted)| Ok((on, sorted.sieve()?)));
        Ok(Self(sieves.collect::<Result<_, Invalid>>()?))
    }

    /// The numbers of the rules that may hold for something of this kind with this text, in their order.
    pub(crate) fn candidates(&self, on: On, text: &str) -> Cow<'_, [usize]> {
        let Some((_, sieve)) = self.0.iter().find(|(other, _)| *other == on) else { return Cow::default() };
        if sieve.wanting.is_empty() || !sieve.texts.is_match(text) {
            return Cow::Borrowed(&sieve.others);
        }
        let wanting = sieve.texts.matches(text);
        let wanting = wanting.iter().filter_map(|place| sieve.wanting.get(place));
        let mut numbers: Vec<usize> = sieve.others.iter().chain(wanting).copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        Cow::Owned(numbers)
    }
}
