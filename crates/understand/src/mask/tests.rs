use proptest::prelude::*;

use super::*;

/// Where people put secrets: `{}` is the secret, as one word.
const WORDS: &[&str] = &[
    "mysql --password={} -u app shop",
    "mysql -u app -p{} shop",
    "mysqldump -h db-1 -uapp -p{} --all-databases",
    "tool --password {} run",
    "tool --api-key={} run",
    "tool --token {} | less",
    "export TOKEN={}",
    "export AWS_SECRET_ACCESS_KEY={} && aws s3 ls",
    "PGPASSWORD={} psql -h db-1 shop",
    "MYSQL_PWD={} mysql",
    "DB_PASS={} ./run",
    "curl -u app:{} https://api.test/",
    "curl -H 'Authorization: Bearer {}' https://api.test/",
    "curl -H \"X-Api-Key: {}\" https://api.test/",
    "curl https://app:{}@api.test/path",
    "psql postgresql://app:{}@db-1/shop",
    "psql \"host=db-1 password={} dbname=shop\"",
    "sshpass -p {} ssh web-1",
    "redis-cli -a {} ping",
    "redis-cli auth {}",
    "AUTH {}",
    "CONFIG SET requirepass {}",
    "ACL SETUSER app on >{} ~* +@all",
    "ldapsearch -D cn=admin -w {} -b dc=test",
    "echo {} | sudo -S id",
    "echo app:{} | chpasswd",
    "docker login -u app -p {} registry.test",
    "openssl enc -k {} -in a -out b",
    "openssl rsa -passin pass:{} -in key",
    "{\"user\":\"app\",\"password\":\"{}\"}",
    "password: {}",
    "db.password={}",
    "userPassword: {}",
    "aws_secret_access_key = {}",
    "Authorization: Basic {}",
    "Cookie: session={}",
    "create user app identified by '{}'",
    "alter user app identified with caching_sha2_password by '{}'",
    "alter role app password '{}'",
    "alter role app with encrypted password '{}' valid until 'infinity'",
    "create role app login password $${}$$",
    "set password for app = '{}'",
    "set password = password('{}')",
    "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n",
    "smbclient -U app%{} //files/share",
    "xfreerdp /u:app /p:{} /v:win-1",
    "app:$6$salt${}:19000:0:99999:7:::",
    "passwd --stdin app <<< {}",
    "net user app {} /add",
];

/// Where they may quote one that has blanks and signs in it.
const QUOTED: &[&str] = &[
    "mysql --password='{}' shop",
    "export DB_PASSWORD='{}'; run",
    "tool --secret '{}' run",
    "alter role app password '{}'",
    "{\"token\": \"{}\", \"other\": 1}",
    "curl -H 'Authorization: Bearer {}' https://api.test/",
    "sshpass -p '{}' ssh web-1",
];

#[test]
fn every_place_is_a_valid_expression() {
    assert_eq!(PLACES.as_ref().map(Vec::len), Some(sources().len()));
}

#[test]
fn what_is_no_secret_stays() {
    for text in [
        "ls -la /etc/postgresql",
        "git log --author ada",
        "select id, name from customer where id = 5",
        "systemctl restart nginx",
        "tail -f /var/log/auth.log",
        "psql -h db-1 -p 5432 -U app shop",
        "ssh -p 2222 root@web-1",
        "cat /etc/passwd",
        "passwd app",
        "mkdir -p /srv/app",
        "curl https://api.test:8443/a",
        "grep -r password_reset src",
    ] {
        assert_eq!(mask(text), text);
    }
}

#[test]
fn what_surrounds_a_secret_stays() {
    assert_eq!(mask("mysql -u app --password=hunter2 shop"), "mysql -u app --password=*** shop");
    assert_eq!(mask("psql postgresql://app:hunter2@db-1/shop"), "psql postgresql://app:***@db-1/shop");
    assert_eq!(mask("alter role app password 'hunter2' login"), "alter role app password *** login");
}

#[test]
fn keys_over_several_lines_are_masked_line_by_line() {
    let mut masker = Masker::default();
    let lines = ["a", "-----BEGIN OPENSSH PRIVATE KEY-----", "c2VjcmV0", "-----END OPENSSH PRIVATE KEY-----", "b"];
    let masked: Vec<_> = lines.iter().map(|line| masker.line(line).into_owned()).collect();
    assert!(!masked.concat().contains("c2VjcmV0"));
    assert_eq!((masked[0].as_str(), masked[4].as_str()), ("a", "b"));
}

proptest! {
    #[test]
    fn a_planted_secret_never_comes_out(secret in "[A-Za-z0-9][A-Za-z0-9!#+,.=^_~-]{7,30}", at in 0..WORDS.len()) {
        let text = WORDS[at].replace("{}", &secret);
        prop_assert!(!mask(&text).contains(&secret), "{} -> {}", text, mask(&text));
    }

    #[test]
    fn nor_one_in_quotes(secret in "[A-Za-z0-9][A-Za-z0-9 !#$%&()*+,./:;<=>?@^_{|}~-]{6,30}[a-z0-9]", at in 0..QUOTED.len()) {
        let text = QUOTED[at].replace("{}", &secret);
        prop_assert!(!mask(&text).contains(&secret), "{} -> {}", text, mask(&text));
    }

    #[test]
    fn any_text_can_be_masked(text in "\\PC{0,200}") {
        let _ = mask(&text).len();
    }
}
