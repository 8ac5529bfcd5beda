use proptest::prelude::*;

use super::*;

const RULES: [PasswordRules; 3] = [
    PasswordRules::common(24),
    PasswordRules { length: 32, classes: &[LOWER, DIGITS], forbidden: "l1o0" },
    PasswordRules { length: 20, classes: &[LOWER, UPPER, DIGITS, "!?#"], forbidden: "?#" },
];

proptest! {
    #[test]
    fn what_is_generated_keeps_to_the_rules(seed in any::<u64>(), which in 0..RULES.len()) {
        let rules = RULES[which];
        let mut state = seed;
        let made = rules.generate(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u8
        });
        let text = made.expose();
        prop_assert_eq!(text.len(), rules.length);
        prop_assert!(rules.accept(&made).is_ok());
        prop_assert!(text.as_bytes()[0].is_ascii_alphanumeric());
        for class in rules.classes {
            prop_assert!(text.chars().any(|c| class.contains(c)));
        }
    }
}

#[test]
fn each_character_is_equally_likely() {
    let mut counts = std::collections::BTreeMap::new();
    for byte in 0..=255_u8 {
        let mut given = Some(byte);
        // A byte that is rejected is followed by zero.
        *counts.entry(pick(b"abc", &mut || given.take().unwrap_or(0))).or_insert(0) += 1;
    }
    assert_eq!(counts.values().copied().collect::<Vec<i32>>(), [86, 85, 85]);
}

#[test]
fn chosen_passwords_are_refused_with_a_remedy() {
    let rules = PasswordRules { forbidden: "@:", ..PasswordRules::common(24) };
    for (text, accepted) in [("good-one", true), ("", false), ("a\nb", false), ("a:b", false)] {
        assert_eq!(rules.accept(&SecretText::new(text.to_owned())).is_ok(), accepted, "{text:?}");
    }
}
