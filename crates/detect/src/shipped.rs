//! The rules that Postern ships.

use crate::rule::{Rule, parse};

const TEXTS: [&str; 4] = [
    include_str!("../rules/commands.yaml"),
    include_str!("../rules/movement.yaml"),
    include_str!("../rules/databases.yaml"),
    include_str!("../rules/ledger.yaml"),
];

/// All of them.
#[must_use]
pub fn shipped() -> Vec<Rule> {
    // That they can be read is what the tests make sure of.
    TEXTS.iter().flat_map(|text| parse(text).unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_rule_comes_out_as_its_cases_say() {
        for text in TEXTS {
            parse(text).unwrap_or_else(|error| panic!("{error}"));
        }
        let rules = shipped();
        let faults: Vec<_> = rules.iter().filter_map(|rule| rule.try_cases().err()).collect();
        assert_eq!(faults, []);
        assert!(rules.len() >= 60, "{} rules are shipped", rules.len());
        let ids: std::collections::BTreeSet<_> = rules.iter().map(|rule| &rule.id).collect();
        assert_eq!(ids.len(), rules.len());
    }

    /// What people do all day.
    #[test]
    fn ordinary_work_is_no_alert() {
        let ordinary = [
            "ls -la",
            "cd /srv/app",
            "cat /etc/hosts",
            "systemctl restart nginx",
            "tail -f /var/log/nginx/access.log",
            "sudo apt-get update",
            "git pull",
            "docker ps",
            "df -h",
            "ps aux | grep postgres",
            "vim config.yaml",
            "journalctl -u app -n 100",
            "crontab -l",
            "id",
            "psql -h db-1 shop",
            "rm build/old.o",
            "mkdir -p /srv/x",
            "curl -s http://localhost:8080/health",
            "kubectl get pods",
            "tar czf /tmp/logs.tgz /var/log/nginx",
            "exit",
            "history",
            "chmod 644 a.txt",
            "cp a b",
            "ping -c1 db-1",
            "sudo systemctl status sshd",
            "ss -tlnp",
            "who",
        ];
        let mut detector = crate::Detector::new(shipped()).unwrap();
        for text in ordinary {
            let parsed = postern_understand::parse(text);
            let command = postern_understand::Command {
                text: text.to_owned(),
                programs: parsed.programs,
                files: parsed.files,
                hosts: parsed.hosts,
                prompted: true,
            };
            let deed =
                postern_understand::Deed { at: 0, channel: None, kind: postern_understand::DeedKind::Command(command) };
            let seen = crate::Observation {
                at: 0,
                user: "ada",
                source: "10.0.0.1",
                account: "app@web-1",
                session: "s",
                seen: crate::Seen::Deed(&deed),
            };
            let found: Vec<_> = detector
                .observe(&seen)
                .into_iter()
                .filter(|found| found.rule.respond > crate::Respond::Note)
                .map(|found| found.rule.id)
                .collect();
            assert_eq!(found, Vec::<String>::new(), "{text}");
        }
    }

    /// The table in the reference is made from the rules: `UPDATE=1 cargo test -p postern-detect`.
    #[test]
    fn the_reference_lists_every_rule() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/detection.md");
        let text = std::fs::read_to_string(&path).unwrap();
        let (before, _) = text.split_once(MARK).unwrap();
        let quoted = |value: serde_json::Result<String>| value.unwrap().trim_matches('"').to_owned();
        let mut made =
            format!("{before}{MARK}\n\n| rule | finds | severity | ATT&CK | does |\n|---|---|---|---|---|\n");
        for rule in shipped() {
            let (severity, does) =
                (quoted(serde_json::to_string(&rule.severity)), quoted(serde_json::to_string(&rule.respond)));
            made.push_str(&format!("| `{}` | {} | {severity} | {} | {does} |\n", rule.id, rule.title, rule.attack));
        }
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &made).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), made, "run UPDATE=1 cargo test -p postern-detect");
    }

    const MARK: &str = "<!-- made from crates/detect/rules -->";
}
