use super::*;

const KNOWN: &[SettingSpec] = &[
    SettingSpec { name: "base", about: "where it begins", required: true },
    SettingSpec { name: "model", about: "which", required: false },
];

fn settings(pairs: &[(&str, &str)]) -> Settings {
    Settings(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

#[test]
fn settings_are_named_when_they_are_wrong() {
    assert_eq!(settings(&[("base", "x")]).check(KNOWN), Ok(()));
    for (given, name) in [
        (settings(&[]), "base"),
        (settings(&[("base", "x"), ("bose", "y")]), "bose"),
        (settings(&[("base", "a\nb")]), "base"),
    ] {
        assert_eq!(given.check(KNOWN).unwrap_err().name, name);
    }
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let target = Target {
        host: "127.0.0.1".to_owned(),
        port,
        trust: Trust::default(),
        settings: Settings::default(),
        limits: Limits::default(),
    };
    assert_eq!(target.dial().await.unwrap_err().cause, Cause::Unreachable);
}
