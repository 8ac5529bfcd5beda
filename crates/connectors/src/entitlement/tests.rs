use super::*;

#[test]
fn a_name_leads_back_to_its_grant() {
    let grant = GrantId::generate(Timestamp::from_millis(1_700_000_000_000), [1, 2, 3, 4]);
    let name = grant_name(&grant).unwrap();
    assert_eq!(name.as_str().len(), 20);
    assert_eq!(grant_of_name(name.as_str()), Some(grant));
    for other in ["pst-", "pst-short", "postgres", "pst-ABCDEFGHJKMNPQRS", ""] {
        assert_eq!(grant_of_name(other), None, "{other}");
    }
}
