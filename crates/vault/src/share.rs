//! Shares as text: what is printed, kept by people, and typed again in the worst hour.
//!
//! `psh1` for a vault's root key and `pbg1` for a break-glass bundle, so that nobody takes one for the
//! other; then in base32: number, count, threshold (one character each), the vault's id (16), the
//! set's id (8), the value (52) and a checksum (8), written in groups. Case, blanks and hyphens do
//! not matter, and o, i and l are read as the digits they resemble.

use aws_lc_rs::digest;
use postern_domain::{SecretBytes, SecretText};
use zeroize::Zeroizing;

use crate::base32::{self, CROCKFORD};
use crate::binding::Fields;
use crate::document::{VAULT_ID_LEN, VaultId};
use crate::error::{Error, ShareError};
use crate::key::{KEY_LEN, Key};
use crate::random::Entropy;
use crate::shamir::{self, Point};

const SET_LEN: usize = 8;
const VALUE_LEN: usize = 52;
const CHECK_LEN: usize = 8;
const TEXT_LEN: usize = 4 + 3 + VAULT_ID_LEN + SET_LEN + VALUE_LEN + CHECK_LEN;
/// The longest text looked at: a share with a separator after every character.
const TYPED_LEN_MAX: usize = 4 * TEXT_LEN;
/// The most shares of one set; a number must fit one character.
const COUNT_MAX: u8 = 31;

/// How many shares are made, and how many of them open the vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharePlan {
    threshold: u8,
    count: u8,
}

impl SharePlan {
    /// `threshold` of `count`; at least 2 of 2, at most 31 shares.
    pub fn new(threshold: u8, count: u8) -> Result<Self, Error> {
        if threshold < 2 || threshold > count || count > COUNT_MAX {
            return Err(Error::Weak("recovery shares need a threshold of 2 or more and at most 31 shares"));
        }
        Ok(Self { threshold, count })
    }

    /// How many open the vault.
    #[must_use]
    pub fn threshold(self) -> u8 {
        self.threshold
    }

    /// How many there are.
    #[must_use]
    pub fn count(self) -> u8 {
        self.count
    }
}

impl Default for SharePlan {
    /// 3 of 5.
    fn default() -> Self {
        Self { threshold: 3, count: 5 }
    }
}

/// What shares open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opens {
    /// The vault.
    Vault,
    /// A break-glass bundle.
    Bundle,
}

impl Opens {
    const fn magic(self) -> &'static str {
        match self {
            Self::Vault => "psh1",
            Self::Bundle => "pbg1",
        }
    }
}

/// What a share says about itself. Not secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareLabel {
    /// The vault that it helps to open.
    pub vault_id: VaultId,
    /// The round in which it was made; shares of different rounds do not fit together.
    pub set: String,
    /// Its number, from 1.
    pub index: u8,
    /// How many there are and how many are needed.
    pub plan: SharePlan,
}

/// One recovery share, to be printed once and given to one person.
pub struct RecoveryShare {
    label: ShareLabel,
    text: SecretText,
}

impl RecoveryShare {
    /// Reads what somebody typed, so that a mistake can be told at once. The position in the error
    /// is 1.
    pub fn parse(typed: &SecretText) -> Result<Self, ShareError> {
        let (label, point) = decode(Opens::Vault, typed.expose(), 1)?;
        Ok(Self { text: encode(Opens::Vault, &label, &point.y), label })
    }

    /// What it says about itself.
    #[must_use]
    pub fn label(&self) -> &ShareLabel {
        &self.label
    }

    /// The text to print.
    #[must_use]
    pub fn text(&self) -> &SecretText {
        &self.text
    }
}

/// Splits a key.
pub(crate) fn split(
    opens: Opens,
    root: &Key,
    vault_id: &VaultId,
    plan: SharePlan,
    entropy: &mut impl Entropy,
) -> (String, Vec<RecoveryShare>) {
    let set = base32::encode(CROCKFORD, &entropy.array::<5>()).to_string();
    let shares = shamir::split(root.expose(), plan.threshold, plan.count, entropy)
        .iter()
        .map(|point| {
            let label = ShareLabel { vault_id: vault_id.clone(), set: set.clone(), index: point.x, plan };
            RecoveryShare { text: encode(opens, &label, &point.y), label }
        })
        .collect();
    (set, shares)
}

/// Puts the key together again. Whether it is the right one is for the caller to check.
pub(crate) fn combine(opens: Opens, typed: &[SecretText], vault_id: &VaultId) -> Result<Key, Error> {
    let mut points: Vec<Point> = Vec::with_capacity(typed.len());
    let mut first: Option<ShareLabel> = None;
    for (position, text) in (1..).zip(typed) {
        let (label, point) = decode(opens, text.expose(), position)?;
        if label.vault_id != *vault_id {
            return Err(ShareError::OtherVault { position }.into());
        }
        if first.as_ref().is_some_and(|first| first.set != label.set || first.plan != label.plan) {
            return Err(ShareError::OtherSet { position }.into());
        }
        if points.iter().any(|known| known.x == point.x) {
            return Err(ShareError::Repeated { position, index: point.x }.into());
        }
        points.push(point);
        first.get_or_insert(label);
    }
    let needed = first.map_or(2, |label| usize::from(label.plan.threshold));
    if points.len() < needed {
        return Err(ShareError::NotEnough { given: points.len(), needed }.into());
    }
    let root = SecretBytes::new(std::mem::take(&mut *shamir::combine(&points)));
    Key::from_secret(root).ok_or(Error::Crypto)
}

fn encode(opens: Opens, label: &ShareLabel, value: &[u8]) -> SecretText {
    let mut bare = Zeroizing::new(String::with_capacity(TEXT_LEN));
    bare.push_str(opens.magic());
    for number in [label.index, label.plan.count, label.plan.threshold] {
        bare.push(CROCKFORD.get(usize::from(number)).copied().map_or('0', char::from));
    }
    bare.push_str(label.vault_id.bare());
    bare.push_str(&label.set);
    bare.push_str(&base32::encode(CROCKFORD, value));
    let check = checksum(&bare);
    bare.push_str(&check);

    let mut text = String::with_capacity(TEXT_LEN * 2);
    for (at, c) in bare.char_indices() {
        let in_numbers = (4..7).contains(&at);
        if at > 0 && (in_numbers || (at >= 7 && (at - 7) % 4 == 0)) {
            text.push('-');
        }
        text.push(c);
    }
    SecretText::new(text)
}

fn decode(opens: Opens, typed: &str, position: usize) -> Result<(ShareLabel, Point), ShareError> {
    if typed.len() > TYPED_LEN_MAX {
        return Err(ShareError::Mistyped { position, index: None });
    }
    let bare = base32::fold(typed);
    let index = bare.strip_prefix(opens.magic()).and_then(|rest| rest.bytes().next()).and_then(digit);
    let mistyped = ShareError::Mistyped { position, index };
    let body_len = TEXT_LEN - CHECK_LEN;
    let sound = bare.is_ascii()
        && bare.len() == TEXT_LEN
        && bare.split_at_checked(body_len).is_some_and(|(body, check)| checksum(body) == check);
    if !sound {
        return Err(mistyped);
    }
    fields(opens, &bare).ok_or(mistyped)
}

fn fields(opens: Opens, bare: &str) -> Option<(ShareLabel, Point)> {
    let rest = bare.strip_prefix(opens.magic())?;
    let (numbers, rest) = rest.split_at_checked(3)?;
    let (vault, rest) = rest.split_at_checked(VAULT_ID_LEN)?;
    let (set, rest) = rest.split_at_checked(SET_LEN)?;
    let (value, _) = rest.split_at_checked(VALUE_LEN)?;
    let mut numbers = numbers.bytes().map(digit);
    let (index, count, threshold) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let plan = SharePlan::new(threshold, count).ok()?;
    base32::decode(CROCKFORD, set)?;
    let y = base32::decode(CROCKFORD, value)?;
    if index == 0 || index > count || y.len() != KEY_LEN {
        return None;
    }
    let vault_id = format!("vlt_{vault}").parse().ok()?;
    Some((ShareLabel { vault_id, set: set.to_owned(), index, plan }, Point { x: index, y }))
}

fn digit(byte: u8) -> Option<u8> {
    CROCKFORD.iter().position(|known| *known == byte).and_then(|value| u8::try_from(value).ok())
}

/// 40 bits of SHA-256. It reveals nothing useful: the value is 256 random bits.
fn checksum(body: &str) -> String {
    let data = Fields::new("postern share v1").bytes(body.as_bytes());
    let hash = digest::digest(&digest::SHA256, data.as_ref());
    base32::encode(CROCKFORD, hash.as_ref().get(..5).unwrap_or_default()).to_string()
}

/// A share with the label of `like` and another value, its checksum right.
#[cfg(test)]
pub(crate) fn forge(like: &SecretText, value: &[u8]) -> SecretText {
    let (label, _) = decode(Opens::Vault, like.expose(), 1).unwrap();
    encode(Opens::Vault, &label, value)
}

#[cfg(test)]
mod tests;
