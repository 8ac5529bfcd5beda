use postern_domain::{SecretBytes, Timestamp};

use super::*;

#[test]
fn a_line_of_the_list_is_read() {
    let survey = Survey { accounts_max: 9, digest_key: SecretBytes::new(vec![1; 32]), now: Timestamp::from_millis(0) };
    let read = |line| observe(line, &survey).unwrap();
    let default = read("user default on nopass ~* &* +@all");
    assert_eq!((default.password, default.privileges), (PasswordSight::Empty, vec![Privilege::Superuser]));
    let app = read("user app on #aa ~app:* resetchannels -@all +@read +@write -@dangerous");
    assert!(app.privileges.is_empty() && app.can_sign_in);
    let admin = read("user admin on #aa #bb ~* &* -@all +acl|setuser +@read");
    assert_eq!(admin.privileges, [Privilege::Attribute { name: "+acl|setuser".to_owned() }]);
    assert_ne!(app.password, admin.password);
    assert!(!read("user gone off #aa ~* +@all").can_sign_in);
    assert!(observe("nonsense", &survey).is_none());
}
