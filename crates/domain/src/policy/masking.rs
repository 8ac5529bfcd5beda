//! What is hidden in the results of database sessions.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::asset::{Asset, Platform};
use crate::name::TagName;

/// Something in a text that gives a person away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Detector {
    /// An e-mail address.
    Email,
    /// The number of a payment card.
    CardNumber,
    /// A telephone number in international form.
    Phone,
}

/// What is hidden in results.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Masking {
    /// Columns by name, with `*` for any text.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub columns: BTreeSet<String>,
    /// Columns by what they hold: those that the asset says have one of these tags. Of an asset that
    /// says so of none, nothing is hidden by it.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<TagName>,
    /// What is looked for in every text.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub detectors: BTreeSet<Detector>,
}

impl Masking {
    /// Whether columns are to be hidden, by name or by tag.
    #[must_use]
    pub fn names_columns(&self) -> bool {
        !self.columns.is_empty() || !self.tags.is_empty()
    }

    /// Whether everything that `other` hides is hidden here, too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.columns.is_superset(&other.columns)
            && self.tags.is_superset(&other.tags)
            && self.detectors.is_superset(&other.detectors)
    }

    /// The same on one asset: columns in the place of tags. A column that is written with a table is
    /// hidden in every table, since results do not tell which one a value comes from.
    #[must_use]
    pub fn on(&self, asset: &Asset) -> Self {
        let tagged = self.tags.iter().filter_map(|tag| asset.column_tags.get(tag)).flatten();
        let mut columns: BTreeSet<_> = self.columns.iter().chain(tagged).cloned().collect();
        if asset.platform != Platform::Redis {
            let bare = |column: &String| column.rsplit_once('.').map(|(_, name)| name.to_owned());
            let bare: Vec<_> = columns.iter().filter_map(bare).collect();
            columns.extend(bare);
        }
        Self { columns, tags: BTreeSet::new(), detectors: self.detectors.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fixture::Estate;

    fn asset(platform: Platform, tags: &[(&str, &[&str])]) -> Asset {
        let columns = |columns: &[&str]| columns.iter().map(|column| (*column).to_owned()).collect();
        let column_tags = tags.iter().map(|(tag, of)| (tag.parse().unwrap(), columns(of))).collect();
        Asset { platform, column_tags, ..Estate::new().asset }
    }

    fn masking(columns: &[&str], tags: &[&str]) -> Masking {
        Masking {
            columns: columns.iter().map(|column| (*column).to_owned()).collect(),
            tags: tags.iter().map(|tag| tag.parse().unwrap()).collect(),
            detectors: BTreeSet::from([Detector::Email]),
        }
    }

    #[test]
    fn tags_become_the_columns_that_the_asset_says() {
        let orders = asset(Platform::Postgresql, &[("pii", &["email", "phone*"]), ("payment", &["iban"])]);
        assert_eq!(masking(&["name"], &["pii", "health"]).on(&orders), masking(&["email", "name", "phone*"], &[]));
        let none = asset(Platform::Postgresql, &[]);
        assert!(!masking(&[], &["pii"]).on(&none).names_columns(), "nothing has the tag");
        assert!(masking(&[], &["pii"]).names_columns());
    }

    #[test]
    fn a_column_with_its_table_is_hidden_in_every_table() {
        let sql = asset(Platform::Mysql, &[]);
        assert_eq!(masking(&["customers.phone"], &[]).on(&sql), masking(&["customers.phone", "phone"], &[]));
        let keys = asset(Platform::Redis, &[("pii", &["user.*"])]);
        assert_eq!(masking(&[], &["pii"]).on(&keys), masking(&["user.*"], &[]));
    }

    proptest::proptest! {
        #[test]
        fn what_a_tag_has_is_hidden_and_nothing_else(
            tagged in proptest::collection::btree_map("[a-d]", proptest::collection::btree_set("[a-z]{1,3}", 0..4), 0..4),
            named in proptest::collection::btree_set("[a-z]{1,3}", 0..4),
            wanted in proptest::collection::btree_set("[a-f]", 0..4),
        ) {
            let tag = |text: &String| text.parse::<TagName>().unwrap();
            let column_tags = tagged.iter().map(|(name, columns)| (tag(name), columns.clone())).collect();
            let asset = Asset { column_tags, ..asset(Platform::Postgresql, &[]) };
            let masking = Masking {
                columns: named.clone(),
                tags: wanted.iter().map(tag).collect(),
                detectors: BTreeSet::new(),
            };
            let on = masking.on(&asset);
            let has = |column: &String| tagged.iter().any(|(tag, of)| wanted.contains(tag) && of.contains(column));
            for column in tagged.values().flatten().chain(&named) {
                proptest::prop_assert_eq!(on.columns.contains(column), named.contains(column) || has(column));
            }
            proptest::prop_assert!(on.tags.is_empty());
            proptest::prop_assert_eq!(on.on(&asset), on.clone());
            // More tags hide more, and fewer cover less.
            let fewer = Masking { tags: masking.tags.iter().skip(1).cloned().collect(), ..masking.clone() };
            proptest::prop_assert!(masking.covers(&fewer) && on.covers(&fewer.on(&asset)));
        }
    }
}
