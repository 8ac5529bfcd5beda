use postern_domain::discovery::{PasswordSight, Privilege};
use postern_domain::{SecretBytes, Timestamp};

use super::*;

#[test]
fn every_data_file_is_read() {
    for text in model::FILES {
        if let Err(error) = toml::from_str::<Model>(text) {
            panic!("{error}");
        }
    }
    assert_eq!(model::names(), ["ios", "junos", "routeros"]);
}

#[test]
fn an_unknown_family_is_refused_with_those_that_there_are() {
    let settings = Settings([("model".to_owned(), "pdp11".to_owned())].into());
    let error = NetworkDevice.check_settings(&settings).unwrap_err();
    assert_eq!(error.to_string(), "setting `model`: is one of ios, junos, routeros");
}

#[test]
fn accounts_are_read_from_what_devices_print() {
    let survey = Survey { accounts_max: 9, digest_key: SecretBytes::new(vec![1; 32]), now: Timestamp::from_millis(0) };
    let read = |name: &str, text: &str| model::named(name).unwrap().observations(text, &survey);
    let ios = read(
        "ios",
        "show running-config | include ^username\r\nusername admin privilege 15 secret 9 $9$abc\r\n\
         username view secret 5 $1$abc\r\nusername old privilege 1 password 7 0822455D0A16\r\nedge-1#",
    );
    assert_eq!(ios.iter().map(|seen| seen.name.as_str()).collect::<Vec<_>>(), ["admin", "old", "view"]);
    assert_eq!(ios[0].privileges, [Privilege::Level { level: 15 }]);
    assert!(ios[1].privileges.is_empty());
    assert!(matches!(&ios[1].password, PasswordSight::Set { scheme, .. } if scheme == "type 7"));
    let junos = read(
        "junos",
        "set system login user ann class super-user\r\n\
         set system login user ann authentication encrypted-password \"$6$x$y\"\r\n\
         set system login user ben class read-only\r\nann@edge> ",
    );
    assert_eq!(junos[0].privileges, [Privilege::Group { chain: vec!["super-user".to_owned()] }]);
    assert!(junos[1].privileges.is_empty());
    let routeros = read("routeros", " 0   name=admin group=full address=\r\n 1 X name=old group=read\r\n");
    assert!(routeros[0].is_privileged() && !routeros[1].can_sign_in);
}
