//! Which rules are worth asking about something: of all that look at its kind, those whose text or first word
//! it may have, found for all of them in one pass over each.

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
    /// The rules that want a text.
    texts: Wanted,
    /// Those of the others that want a first word.
    verbs: Wanted,
    /// Those that want neither.
    others: Vec<usize>,
}

/// Rules that want something of one text.
#[derive(Clone, Debug)]
struct Wanted {
    expressions: RegexSet,
    /// By their numbers, in the order of their expressions in the set.
    rules: Vec<usize>,
}

impl Wanted {
    fn new(wanting: Vec<(&str, usize)>) -> Result<Self, Invalid> {
        let (expressions, rules): (Vec<&str>, Vec<usize>) = wanting.into_iter().unzip();
        let expressions = RegexSetBuilder::new(expressions)
            .case_insensitive(true)
            .size_limit(SET_LEN_MAX)
            .dfa_size_limit(TABLE_LEN_MAX)
            .build()
            .map_err(|error| Invalid(format!("the expressions of all rules together: {error}")))?;
        Ok(Self { expressions, rules })
    }

    fn is_found(&self, text: &str) -> bool {
        !self.rules.is_empty() && self.expressions.is_match(text)
    }

    fn found(&self, text: &str) -> impl Iterator<Item = usize> {
        self.expressions.matches(text).into_iter().filter_map(|place| self.rules.get(place).copied())
    }
}

/// The rules for one kind of thing.
#[derive(Default)]
struct Sorted<'a> {
    texts: Vec<(&'a str, usize)>,
    verbs: Vec<(&'a str, usize)>,
    others: Vec<usize>,
}

impl<'a> Sorted<'a> {
    fn add(&mut self, number: usize, rule: &'a Rule) {
        match (&rule.matches.text, &rule.matches.verb) {
            (Some(text), _) => self.texts.push((text, number)),
            (None, Some(verb)) => self.verbs.push((verb, number)),
            (None, None) => self.others.push(number),
        }
    }

    fn sieve(self) -> Result<Sieve, Invalid> {
        let Self { texts, verbs, others } = self;
        Ok(Sieve { texts: Wanted::new(texts)?, verbs: Wanted::new(verbs)?, others })
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

    /// The numbers of the rules that may hold for something of this kind with this text and this first word,
    /// in their order.
    pub(crate) fn candidates(&self, on: On, text: &str, verb: &str) -> Cow<'_, [usize]> {
        let Some((_, sieve)) = self.0.iter().find(|(other, _)| *other == on) else { return Cow::default() };
        let Sieve { texts, verbs, others } = sieve;
        if !texts.is_found(text) && !verbs.is_found(verb) {
            return Cow::Borrowed(others);
        }
        let mut numbers = others.clone();
        numbers.extend(texts.found(text));
        numbers.extend(verbs.found(verb));
        numbers.sort_unstable();
        numbers.dedup();
        Cow::Owned(numbers)
    }
}
