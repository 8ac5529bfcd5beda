use proptest::prelude::*;

use super::*;
use crate::policy::Policy;

const SAMPLE: &str = r#"# what the sample team can reach
kind: Role
name: helpdesk
permissions: ["user:read", "request:read"]
---
kind: Group
name: sre
description: Site reliability
members: [ben, cyd]
roles:
  - role: approver
    scope: /emea
---
kind: Asset
name: Web-1
scope: /emea
platform: linux
address: 10.0.0.5:22
labels: { env: prod, rack: "12" }
host_keys:
  - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJzZ9Vn9 root@web-1
---
kind: Account
account: root@web-1
credential: ssh_certificate
owner: ada
---
kind: Policy
name: web-admins
scope: /emea
description: Administration of the web servers
effect: allow
subjects: { groups: [sre] }
accounts:
  names: [root]
  labels: { env: prod }
conditions:
  networks: [10.0.0.0/8, "2001:db8::/32"]
  hours:
    - days: [mon, tue, wed, thu, fri]
      from: 08:00
      to: 18:00
      zone: Europe/Berlin
obligations:
  capabilities: [shell, exec, sftp_read]
  mfa_max_age: 0s
  approval: { count: 2, groups: [leads] }
  ticket_pattern: CHG-[0-9]+
  max_duration: 4h
  idle: 15m
  concurrent_sessions: 2
---
kind: Policy
name: no-contractors
subjects: { users: [eve] }
effect: deny
"#;

fn documents(text: &str) -> Vec<Document> {
    match parse("access.yaml", text) {
        Ok(located) => located.into_iter().map(|located| located.document).collect(),
        Err(invalid) => panic!("{invalid}"),
    }
}

fn problems(text: &str) -> Vec<String> {
    match parse("access.yaml", text) {
        Ok(_) => Vec::new(),
        Err(invalid) => invalid
            .problems
            .iter()
            .map(|problem| {
                let text = problem.to_string();
                text.strip_suffix("; see docs/reference/access.schema.json").expect("names the schema").to_owned()
            })
            .collect(),
    }
}

fn policy_of(document: &Document) -> Policy {
    let Document::Policy(policy) = document else { panic!("not a policy") };
    policy.to_policy("pol_0000000000000000".parse().unwrap(), 1)
}

#[test]
fn a_sample_reads_as_meant() {
    let documents = documents(SAMPLE);
    let names: Vec<_> = documents.iter().map(|d| format!("{} {}", d.kind(), d.name())).collect();
    assert_eq!(
        names,
        [
            "Role helpdesk",
            "Group sre",
            "Asset web-1",
            "Account root@web-1",
            "Policy web-admins",
            "Policy no-contractors"
        ]
    );
    let policy = policy_of(&documents[4]);
    assert_eq!(policy.obligations.max_duration_seconds, 14_400);
    assert_eq!(policy.obligations.mfa_max_age_seconds, 0);
    assert_eq!(policy.obligations.idle_seconds, Some(900));
    assert_eq!(policy.access, Access::Request);
    assert!(policy.obligations.reason_required);
    assert_eq!(policy.conditions.hours[0].from, "08:00");
    let Document::Asset(asset) = &documents[2] else { panic!() };
    assert_eq!(
        asset.host_keys.iter().flatten().collect::<Vec<_>>(),
        ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJzZ9Vn9"],
        "the comment is no part of the key"
    );
}

#[test]
fn what_is_written_reads_back() {
    let first = documents(SAMPLE);
    let text = to_yaml(&first).unwrap();
    assert_eq!(documents(&text), first, "{text}");
    for document in &first[4..] {
        assert_eq!(Document::from(&policy_of(document)), *document);
    }
}

#[test]
fn json_reads_as_well_as_yaml() {
    for document in documents(SAMPLE) {
        let json = serde_json::to_string(&document).unwrap();
        assert_eq!(serde_json::from_str::<Document>(&json).unwrap(), document);
        assert_eq!(documents(&json), [document]);
    }
}

#[test]
fn every_mistake_is_told_at_its_place() {
    let text = r#"kind: Asset
name: Web 1
platform: linux
adress: 10.0.0.5:22
address: 10.0.0.5
---
kind: Policy
name: p
subjects: {}
conditions:
  networks: [10.0.0.5/8, ten, 10.0.0.1]
  hours:
    - { from: 8:00, to: 18:00 }
    - { from: "08:00", to: "18:00", zone: Europe/Atlantis }
obligations:
  capabilities: [shell, fly]
  max_duration: 90
  approval: { count: 0 }
  ticket_pattern: "CHG-["
  idle: 5s
---
kind: Server
---
name: x
---
just text
---
kind: Account
account: web-1
credential: password
password: hunter2
---
kind: Role
name: auditor
permissions: []
---
kind: Asset
labels: [a]
"#;
    assert_eq!(
        problems(text),
        [
            "access.yaml:2:7: Asset.name: asset name `Web 1` is not valid: use 1 to 63 of a-z 0-9 . _ - and begin with a letter or digit",
            "access.yaml:4:1: Asset.adress: is not a field here: expected one of `name`, `scope`, `platform`, `address`, `labels`, `host_keys`, `rotation`, `server_ca`, `column_tags`",
            "access.yaml:5:10: Asset.address: address `10.0.0.5` is not valid: write it as host:port, for example web-1.example.com:22, 192.0.2.7:22 or [2001:db8::7]:22",
            "access.yaml:9:11: Policy.subjects: name at least one user or group: a policy about nobody does nothing",
            "access.yaml:11:14: Policy.conditions.networks[0]: `10.0.0.5/8` is an address within a network: did you mean 10.0.0.0/8?",
            "access.yaml:11:26: Policy.conditions.networks[1]: `ten` is not a network: write it with its length, for example 10.0.0.0/8 or 192.0.2.7/32",
            "access.yaml:11:31: Policy.conditions.networks[2]: `10.0.0.1` is not a network: write it with its length, for example 10.0.0.0/8 or 192.0.2.7/32",
            "access.yaml:13:7: Policy.conditions.hours[0]: `8:00` is not a time of day: write HH:MM, for example 08:30",
            "access.yaml:14:7: Policy.conditions.hours[1]: `Europe/Atlantis` is not a time zone: write an IANA name, for example Europe/Berlin",
            "access.yaml:16:25: Policy.obligations.capabilities[1]: `fly` is not one of `shell`, `exec`, `sftp_read`, `sftp_write`, `local_forward`, `remote_forward`, `dynamic_forward`, `agent`, `x11`, `env`, `query`, `copy_in`, `copy_out`, `replication`",
            "access.yaml:17:17: Policy.obligations.max_duration: expected a string, found integer `90`: put it in quotes",
            "access.yaml:18:22: Policy.obligations.approval.count: is 0: ask for 1 to 10 people",
            "access.yaml:19:19: Policy.obligations.ticket_pattern: not a regular expression that can be used: unclosed character class",
            "access.yaml:20:9: Policy.obligations.idle: is less than 10s",
            "access.yaml:22:7: kind: say one of Role, Group, Asset, Account, Policy, SeparationOfDuties, DiscoverySource",
            "access.yaml:24:1: kind: is missing: say one of Role, Group, Asset, Account, Policy, SeparationOfDuties, DiscoverySource",
            "access.yaml:26:1: a document is a map that begins with kind: Role, Group, Asset, Account, Policy, SeparationOfDuties, DiscoverySource",
            "access.yaml:29:10: Account.account: account `web-1` is not valid: write it as account@asset, for example root@web-1",
            "access.yaml:31:1: Account.password: is not a field here: expected one of `account`, `credential`, `owner`, `rotation`, `dependents`",
            "access.yaml:34:7: Role.name: `auditor` is built in and cannot be changed: choose another name",
            "access.yaml:35:14: Role.permissions: name at least one permission",
            "access.yaml:37:1: Asset.name: is missing",
            "access.yaml:37:1: Asset.platform: is missing",
            "access.yaml:37:1: Asset.address: is missing",
            "access.yaml:38:9: Asset.labels: expected a map, found a list",
        ]
    );
}

#[test]
fn a_document_that_is_no_text_is_checked_too() {
    let mut document = documents(SAMPLE).remove(4);
    assert_eq!(document.clone().checked(), Ok(document.clone()));
    let Document::Policy(policy) = &mut document else { panic!() };
    policy.conditions.hours[0].to = "late".to_owned();
    policy.obligations.max_duration = Period::from_seconds(0);
    let fields: Vec<_> = document.checked().unwrap_err().into_iter().map(|problem| problem.field).collect();
    assert_eq!(fields, ["conditions.hours[0]", "obligations.max_duration"]);
}

#[test]
fn what_is_declared_twice_is_told() {
    let text = "kind: Group\nname: a\n---\nkind: Group\nname: A\n---\nkind: Group\nname: a\nscope: /emea\n";
    assert_eq!(problems(text), ["access.yaml:5:7: Group.name: `a` is declared already at line 1"]);
}

#[test]
fn broken_yaml_names_the_place() {
    let deep = format!("kind: Group\nname: {}\n", "[".repeat(40));
    for (text, expected) in [
        ("kind: [", "access.yaml:1:7: not YAML that can be read: unclosed bracket '['"),
        ("kind: Group\nname: a\nname: b\n", "access.yaml:3:1: `name` is given twice"),
        ("a: &x 1\nb: *x\n", "access.yaml:1:7: anchors and aliases are not accepted: write the value out"),
        (
            "kind: Group\n\tname: a",
            "access.yaml:1:7: not YAML that can be read: while scanning a plain scalar, found a tab",
        ),
        (&deep, "access.yaml:2:23: not YAML that can be read: recursion limit exceeded"),
    ] {
        assert_eq!(problems(text), [expected]);
    }
}

#[test]
fn mistakes_before_broken_yaml_are_told_too() {
    let problems = problems("kind: Nothing\n---\nkind: Group\nname: sre\n---\nkind: [\n");
    assert_eq!(problems.len(), 2, "{problems:?}");
}

#[test]
fn what_is_too_large_is_refused_at_once() {
    let long = "#".repeat(TEXT_LEN_MAX + 1);
    assert_eq!(problems(&long), ["access.yaml:1:1: the text is longer than 4194304 bytes"]);
    let many = "kind: Account\naccount: a@b\ncredential: password\n---\n".repeat(3);
    assert_eq!(problems(&many).len(), 2);
    let mut many = String::new();
    for number in 0..=DOCUMENTS_MAX {
        many.push_str(&format!("kind: Group\nname: g{number}\n---\n"));
    }
    assert_eq!(problems(&many), ["access.yaml:30001:1: there are more than 10000 documents"]);
}

#[test]
fn a_diff_names_the_fields_that_change() {
    let current = documents(SAMPLE);
    assert!(diff(&current, &current).iter().all(|change| change.action == Action::Unchanged));
    let text = SAMPLE
        .replace("max_duration: 4h", "max_duration: 8h")
        .replace("  idle: 15m\n", "")
        .replace("members: [ben, cyd]\n", "")
        .replace("labels: { env: prod, rack: \"12\" }", "labels: { env: test }")
        .replace("kind: Account\naccount: root@web-1", "kind: Account\naccount: deploy@web-1");
    let shown: Vec<_> = diff(&documents(&text), &current)
        .into_iter()
        .filter(|change| change.action != Action::Unchanged)
        .flat_map(|change| {
            let head = format!("{:?} {} {}", change.action, change.kind, change.name);
            change.fields.into_iter().map(move |field| {
                let value = |value: Option<serde_json::Value>| value.map_or("-".to_owned(), |value| value.to_string());
                format!("{head}: {} {} -> {}", field.field, value(field.old), value(field.new))
            })
        })
        .collect();
    assert_eq!(
        shown,
        [
            r#"Update Asset web-1: labels.env "prod" -> "test""#,
            r#"Update Asset web-1: labels.rack "12" -> -"#,
            r#"Create Account deploy@web-1: account - -> "deploy@web-1""#,
            r#"Create Account deploy@web-1: credential - -> "ssh_certificate""#,
            r#"Create Account deploy@web-1: owner - -> "ada""#,
            r#"Update Policy web-admins: obligations.idle "15m" -> -"#,
            r#"Update Policy web-admins: obligations.max_duration "4h" -> "8h""#,
        ]
    );
}

#[test]
fn column_tags_that_could_mean_nothing_are_told() {
    let asset = |platform: &str, tags: &str| {
        problems(&format!("kind: Asset\nname: orders\nplatform: {platform}\naddress: db:1\ncolumn_tags:\n  {tags}\n"))
    };
    assert_eq!(asset("postgresql", "pii: [email, 'phone*']\n  payment: [iban]"), [""; 0]);
    assert_eq!(asset("redis", "pii: ['user.*:mail']"), [""; 0]);
    for around in ["' email'", "'\"email\"'", "'`email`'"] {
        let told = asset("postgresql", &format!("pii: [{around}]"));
        assert!(told.len() == 1 && told[0].contains("write the name alone"), "{told:?}");
    }
    assert_eq!(
        asset("mysql", "pii: [customers.phone, '']\n  payment: []"),
        [
            "access.yaml:6:8: Asset.column_tags.pii: `` is not a column: give 1 to 128 bytes, `*` for any text",
            "access.yaml:6:8: Asset.column_tags.pii: `customers.phone` names a table, which results do not tell: write `phone`, for any table; for a dot in a name write `*`",
            "access.yaml:7:12: Asset.column_tags.payment: names no column: name one, or leave the tag out",
        ]
    );
    assert_eq!(
        asset("linux", "pii: [email]"),
        ["access.yaml:6:3: Asset.column_tags: is for databases: postgresql, mysql, redis"]
    );
    let told = asset("postgresql", "pii: [email]\n  PII: [phone]");
    assert!(told.len() == 1 && told[0].contains("tag `PII` is not valid"), "{told:?}");
    let many: String = (0..=64).map(|number| format!("t{number}: [c]\n  ")).collect();
    assert!(asset("postgresql", &many).iter().any(|problem| problem.ends_with("has more than 64 tags")));
    let many: Vec<_> = (0..=256).map(|number| format!("c{number}")).collect();
    assert_eq!(asset("postgresql", &format!("pii: [{}]", many.join(", "))).len(), 1);
}

#[test]
fn column_tags_stay_where_they_are_not_given_and_go_where_none_are() {
    let head = "kind: Asset\nname: orders\nplatform: postgresql\naddress: db:1\n";
    let current = documents(&format!("{head}column_tags: {{ pii: [email], payment: [iban] }}\n"));
    let changes = |tags: &str| {
        let changes = diff(&documents(&format!("{head}{tags}")), &current).remove(0).fields;
        changes.into_iter().map(|change| (change.field, change.old.is_some(), change.new.is_some())).collect::<Vec<_>>()
    };
    let gone = |tag: &str| (format!("column_tags.{tag}"), true, false);
    assert_eq!(changes(""), []);
    assert_eq!(changes("column_tags: {}\n"), [gone("payment"), gone("pii")]);
    assert_eq!(
        changes("column_tags: { pii: [email, name] }\n"),
        [gone("payment"), ("column_tags.pii".to_owned(), true, true)]
    );
}

#[test]
fn a_group_without_members_is_not_a_group_that_keeps_them() {
    let current = documents("kind: Group\nname: sre\nmembers: [ben]\n");
    let changes = |text| diff(&documents(text), &current).remove(0).fields.len();
    assert_eq!(changes("kind: Group\nname: sre\n"), 0);
    assert_eq!(changes("kind: Group\nname: sre\nmembers: []\n"), 1);
}

#[test]
fn the_published_schema_is_current() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(SCHEMA_PATH);
    let current = format!("{}\n", serde_json::to_string_pretty(&access_schema()).unwrap());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &current).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(published == current, "{SCHEMA_PATH} is stale: run the tests once with UPDATE=1");
}

proptest! {
    #[test]
    fn no_text_panics(text in "(?s).{0,400}") {
        let _ = parse("access.yaml", &text);
    }

    #[test]
    fn no_map_panics(text in "(kind: (Asset|Policy|Group|Account|Role)\n)?([a-z_]{1,12}: [-a-z0-9\"'{}\\[\\]:, &*]{0,12}\n){0,8}") {
        let _ = parse("access.yaml", &text);
    }
}
