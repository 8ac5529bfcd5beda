//! What an envelope belongs to, and the one encoding in which that is bound to it.

use zeroize::Zeroizing;

/// The identity of the record that a secret is sealed for. An envelope opens under the binding that
/// it was sealed with and under no other, so that a ciphertext moved to another row, or an older
/// version put back, does not open.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Binding {
    noun: String,
    id: String,
    version: u64,
}

impl Binding {
    /// The record of kind `noun` (`secret`, `totp`, `recording`) with this `id`, in this `version`.
    #[must_use]
    pub fn new(noun: impl Into<String>, id: impl Into<String>, version: u64) -> Self {
        Self { noun: noun.into(), id: id.into(), version }
    }

    /// Appends the binding's three fields.
    pub(crate) fn append_to(&self, fields: Fields) -> Fields {
        fields.bytes(self.noun.as_bytes()).bytes(self.id.as_bytes()).number(self.version)
    }
}

/// Associated data: every field is preceded by its length (eight bytes, big-endian), so that no two
/// different lists of fields have one encoding. Wiped when dropped: some hash inputs hold secrets.
pub(crate) struct Fields(Zeroizing<Vec<u8>>);

/// Room for every list that holds a secret, so that none is copied while it grows.
const FIELDS_CAPACITY: usize = 256;

impl Fields {
    /// Begins with the label that says what the data is for.
    pub(crate) fn new(label: &str) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(FIELDS_CAPACITY))).bytes(label.as_bytes())
    }

    /// One more field.
    pub(crate) fn bytes(mut self, field: &[u8]) -> Self {
        self.0.extend_from_slice(&u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.0.extend_from_slice(field);
        self
    }

    /// One more field: eight bytes, big-endian.
    pub(crate) fn number(self, value: u64) -> Self {
        self.bytes(&value.to_be_bytes())
    }
}

impl AsRef<[u8]> for Fields {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(binding: &Binding) -> Vec<u8> {
        binding.append_to(Fields::new("test")).as_ref().to_vec()
    }

    #[test]
    fn a_boundary_moved_between_fields_changes_the_encoding() {
        assert_ne!(encoded(&Binding::new("ab", "c", 1)), encoded(&Binding::new("a", "bc", 1)));
    }

    proptest! {
        #[test]
        fn encodings_agree_only_for_equal_bindings(
            a in ("[a-c]{0,3}", "[a-c]{0,3}", 0_u64..3),
            b in ("[a-c]{0,3}", "[a-c]{0,3}", 0_u64..3),
        ) {
            let (a, b) = (Binding::new(a.0, a.1, a.2), Binding::new(b.0, b.1, b.2));
            prop_assert_eq!(a == b, encoded(&a) == encoded(&b));
        }
    }
}
