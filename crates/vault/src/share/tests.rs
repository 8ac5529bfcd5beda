use proptest::prelude::*;

use super::*;
use crate::random::System;

fn made(plan: SharePlan) -> (Key, VaultId, Vec<RecoveryShare>) {
    let root = Key::generate(&mut System);
    let id = VaultId::generate(&mut System);
    let (_, shares) = split(Opens::Vault, &root, &id, plan, &mut System);
    (root, id, shares)
}

fn texts(shares: &[RecoveryShare], numbers: &[usize]) -> Vec<SecretText> {
    numbers.iter().map(|n| shares[n - 1].text().clone()).collect()
}

fn fails(typed: &[SecretText], id: &VaultId) -> Error {
    combine(Opens::Vault, typed, id).err().unwrap()
}

#[test]
fn three_of_five_in_any_order_however_typed() {
    let (root, id, shares) = made(SharePlan::default());
    let mut typed = texts(&shares, &[5, 1, 3]);
    typed[0] = SecretText::new(typed[0].expose().to_uppercase().replace('-', " "));
    typed[1] =
        SecretText::new(format!("\n{}\t", typed[1].expose().replace('-', "").replace('0', "O").replace('1', "l")));
    assert_eq!(combine(Opens::Vault, &typed, &id).unwrap().expose(), root.expose());
}

#[test]
fn more_than_enough_is_fine() {
    let (root, id, shares) = made(SharePlan::default());
    assert_eq!(combine(Opens::Vault, &texts(&shares, &[1, 2, 3, 4, 5]), &id).unwrap().expose(), root.expose());
}

#[test]
fn two_of_five_are_not_enough() {
    let (_, id, shares) = made(SharePlan::default());
    assert_eq!(fails(&texts(&shares, &[2, 4]), &id), ShareError::NotEnough { given: 2, needed: 3 }.into());
    assert_eq!(fails(&[], &id), ShareError::NotEnough { given: 0, needed: 2 }.into());
}

#[test]
fn the_share_at_fault_is_named() {
    let (_, id, shares) = made(SharePlan::default());
    let (_, other_id, others) = made(SharePlan::default());
    assert_ne!(id, other_id);

    let mut typed = texts(&shares, &[1, 2]);
    typed.push(SecretText::new(
        shares[3].text().expose().chars().rev().skip(1).collect::<String>().chars().rev().collect(),
    ));
    assert_eq!(fails(&typed, &id), ShareError::Mistyped { position: 3, index: Some(4) }.into());
    assert_eq!(fails(&typed, &id).to_string(), "share 3 as given is mistyped (it says that it is number 4)");

    let mut typed = texts(&shares, &[1, 2]);
    typed.push(others[2].text().clone());
    assert_eq!(fails(&typed, &id), ShareError::OtherVault { position: 3 }.into());

    let typed = texts(&shares, &[1, 2, 1]);
    assert_eq!(fails(&typed, &id), ShareError::Repeated { position: 3, index: 1 }.into());

    let (_, again) = split(Opens::Vault, &Key::generate(&mut System), &id, SharePlan::default(), &mut System);
    let mut typed = texts(&shares, &[1, 2]);
    typed.push(again[2].text().clone());
    assert_eq!(fails(&typed, &id), ShareError::OtherSet { position: 3 }.into());
}

#[test]
fn a_share_says_what_it_is() {
    let (_, id, shares) = made(SharePlan::new(2, 3).unwrap());
    let share = RecoveryShare::parse(shares[1].text()).unwrap();
    assert_eq!(share.label().vault_id, id);
    assert_eq!((share.label().index, share.label().plan.count(), share.label().plan.threshold()), (2, 3, 2));
    assert_eq!(share.text().expose(), shares[1].text().expose());
    assert!(share.text().expose().starts_with("psh1-2-3-2-"));
}

#[test]
fn plans_that_protect_nothing_are_refused() {
    for (threshold, count) in [(0, 0), (1, 1), (1, 5), (4, 3), (2, 32)] {
        assert!(SharePlan::new(threshold, count).is_err());
    }
}

proptest! {
    #[test]
    fn one_wrong_character_is_always_noticed(at in 0_usize..TEXT_LEN, to in 0_usize..32) {
        let (_, id, shares) = made(SharePlan::new(2, 2).unwrap());
        let mut bare: Vec<u8> = base32::fold(shares[0].text().expose()).bytes().collect();
        prop_assume!(bare[at] != CROCKFORD[to]);
        bare[at] = CROCKFORD[to];
        let typed = [SecretText::new(String::from_utf8(bare).unwrap()), shares[1].text().clone()];
        let noticed = matches!(fails(&typed, &id), Error::Share(ShareError::Mistyped { position: 1, .. }));
        prop_assert!(noticed);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,200}", tail in "[0-9a-z-]{0,120}") {
        let _ = RecoveryShare::parse(&SecretText::new(text.clone()));
        let _ = RecoveryShare::parse(&SecretText::new(format!("psh1{tail}{text}")));
    }
}
