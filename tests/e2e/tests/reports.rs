//! Reports of what really happened, made by the command line, read in each of their forms, checked by whoever
//! does not trust Postern, made by schedule, and signed off by somebody else.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use postern_e2e::{Person, Ran, World, run, until};
use serde_json::Value;

use crate::outside::verify;

const KINDS: [&str; 14] = [
    "pci-dss",
    "sox",
    "hipaa",
    "iso-27001",
    "nist-800-53",
    "soc-2",
    "access",
    "use",
    "inventory",
    "rotation",
    "reviews",
    "break-glass",
    "duties",
    "leavers",
];

const MORE_ACCESS: &str = r#"
kind: Group
name: on-call
---
kind: Policy
name: emergency
subjects: { groups: [on-call] }
accounts: { names: [deploy] }
obligations: { ticket_pattern: "INC-[0-9]+", max_duration: 1h, break_glass: { review_by: [leads] } }
---
kind: Policy
name: borrow
subjects: { groups: [sre] }
accounts: { names: [deploy] }
access: standing
obligations: { checkout: 30m, reason_required: false }
---
kind: SeparationOfDuties
name: ask-or-approve
description: Who asks does not approve
sets: [{ groups: [sre] }, { groups: [leads] }]
"#;

/// A quarter of a small company: its people, and what they did.
struct Quarter {
    world: World,
    /// Makes reports.
    rita: Person,
    /// Reviews them.
    olaf: Person,
    desk: PathBuf,
}

impl Quarter {
    fn live() -> Self {
        let world = World::start().unwrap();
        world
            .ada
            .cli(&["role", "put", "oversight", "--permission", "report:read", "--permission", "report:write"])
            .unwrap()
            .ok()
            .unwrap();
        let desk = world.gate.scratch().join("desk");
        fs::create_dir(&desk).unwrap();
        fs::copy(world.gate.data().join("ledger.pub"), desk.join("ledger.pub")).unwrap();
        let overseer = |name: &str| {
            let person = world.person(name, &[]).unwrap();
            world.ada.cli(&["user", "role", name, "oversight"]).unwrap().ok().unwrap();
            person
        };
        let (rita, olaf) = (overseer("rita"), overseer("olaf"));
        let quarter = Self { world, rita, olaf, desk };
        quarter.happens();
        quarter
    }

    fn ada(&self, arguments: &[&str]) -> Ran {
        self.world.ada.cli(arguments).unwrap().ok().unwrap()
    }

    fn happens(&self) {
        let world = &self.world;
        let cyd = world.staff("cyd").unwrap();
        world.person("eve", &["staff"]).unwrap();
        let dan = world.person("dan", &["sre", "on-call"]).unwrap();
        let lea = world.person("lea", &["leads"]).unwrap();
        world.person("max", &["sre", "leads"]).unwrap();
        world.apply(MORE_ACCESS).unwrap();
        for typed in ["uptime", "cat /etc/shadow"] {
            run(cyd.ssh(&world.gate, "deploy@web-1").arg(typed)).unwrap();
        }
        let asked =
            ["request", "root@web-1", "--for", "1h", "--reason", "disk full", "--ticket", "CHG-7", "-o", "json"];
        let asked: Value = serde_json::from_str(&dan.cli(&asked).unwrap().ended(4).unwrap().text()).unwrap();
        lea.cli(&["approve", asked["id"].as_str().unwrap()]).unwrap().ok().unwrap();
        dan.prove_factor(&world.gate, "root@web-1").unwrap();
        dan.cli(&["checkout", "deploy@web-1", "--reason", "a look"]).unwrap().ok().unwrap();
        dan.cli(&["checkin", "deploy@web-1"]).unwrap();
        let code = dan.code().unwrap();
        dan.cli(&["login", "--otp", &code]).unwrap().ok().unwrap();
        let down =
            ["request", "deploy@web-1", "--for", "10m", "--break-glass", "--ticket", "INC-9", "--reason", "down"];
        dan.cli(&down).unwrap().ok().unwrap();
        let uses = lea.cli(&["break-glass", "uses", "--open", "-o", "json"]).unwrap().json().unwrap();
        let words = ["break-glass", "review", uses[0]["id"].as_str().unwrap(), "--justified", "--text", "it was down"];
        lea.cli(&words).unwrap().ok().unwrap();
        self.ada(&["discover", "set", "web-1", "--account", "build"]);
        self.ada(&["discover", "run", "web-1"]);
        let review = self.ada(&[
            "review",
            "start",
            "Autumn",
            "--group",
            "sre",
            "--reviewer",
            "lea",
            "--keep-unanswered",
            "-o",
            "json",
        ]);
        let review: Value = serde_json::from_str(&review.text()).unwrap();
        self.ada(&["review", "close", review["id"].as_str().unwrap()]);
        self.ada(&["user", "disable", "eve"]);
        self.over();
    }

    /// Waits until sessions are over and what was found in them is told.
    fn over(&self) {
        until("the sessions to be over, and an alert", || {
            let sessions = self.world.ada.cli(&["sessions", "-o", "json"])?.json()?;
            let all = sessions.as_array().is_some_and(|all| all.iter().all(|one| one["state"] == "ended"));
            let alerts = self.world.ada.cli(&["alerts", "-o", "json"])?.ok()?.text();
            Ok((all && alerts.contains("credentials.shadow")).then_some(()))
        })
        .unwrap();
    }

    /// Makes a report in all its forms.
    fn report(&self, kind: &str) -> Made {
        let out = self.desk.join(kind);
        let folder = out.display().to_string();
        let said = self.rita.cli(&["report", "run", kind, "--since", "1d", "--out", &folder, "-o", "json"]).unwrap();
        let report = said.json().unwrap()[0].clone();
        let id = report["id"].as_str().unwrap().to_owned();
        let all: Value = serde_json::from_slice(&fs::read(out.join(format!("{id}.json"))).unwrap()).unwrap();
        Made { id, out, all, report }
    }
}

/// A report that was made, and where it lies.
struct Made {
    id: String,
    out: PathBuf,
    all: Value,
    report: Value,
}

impl Made {
    fn file(&self, ending: &str) -> String {
        format!("{}.{ending}", self.id)
    }

    fn text(&self, ending: &str) -> String {
        fs::read_to_string(self.out.join(self.file(ending))).unwrap()
    }

    /// What somebody reads who opens the PDF.
    fn paper(&self) -> String {
        let pdf = self.out.join(self.file("pdf"));
        run(Command::new("pdftotext").arg("-layout").arg(pdf).arg("-")).unwrap().ok().unwrap().text()
    }

    fn verified(&self) -> Ran {
        let files = ["note", "pdf", "csv", "json"].map(|ending| self.file(ending));
        let mut arguments = vec!["report"];
        arguments.extend(files.iter().map(String::as_str));
        arguments.extend(["--key", "../ledger.pub"]);
        verify(&self.out, &arguments)
    }

    /// How many rows of a table the CSV has.
    fn csv_rows(&self, table: &str) -> usize {
        self.text("csv").lines().filter(|line| line.starts_with(&format!("{table},"))).count()
    }

    fn finding(&self, check: &str) -> Value {
        let within = |list: &Value| list.as_array().cloned().unwrap_or_default();
        let controls = within(&self.all["controls"]);
        let mut all =
            controls.iter().flat_map(|control| within(&control["findings"])).chain(within(&self.all["findings"]));
        all.find(|finding| finding["check"] == check).unwrap_or_else(|| panic!("no {check} in {}", self.all))
    }
}

fn counted(finding: &Value) -> (u64, u64) {
    (finding["good"].as_u64().unwrap(), finding["total"].as_u64().unwrap())
}

/// Changes one byte in the middle of a file; gives what was there.
fn tamper(path: &Path) -> Vec<u8> {
    let before = fs::read(path).unwrap();
    let mut after = before.clone();
    let middle = after.len() / 2;
    after[middle] ^= 1;
    fs::write(path, after).unwrap();
    before
}

#[test]
fn reports_tell_what_happened_and_can_be_checked_by_anybody() {
    let quarter = Quarter::live();
    let made: BTreeMap<&str, Made> = KINDS.into_iter().map(|kind| (kind, quarter.report(kind))).collect();
    for (kind, report) in &made {
        report.verified().ok().unwrap();
        let paper = report.paper();
        assert!(paper.contains(report.all["title"].as_str().unwrap()), "{kind}: {paper}");
        assert!(paper.contains(&report.id), "{kind}: {paper}");
        for (table, rows) in report.all["rows"].as_object().unwrap() {
            if let Some(rows) = rows.as_array().filter(|rows| !rows.is_empty()) {
                assert_eq!(report.csv_rows(table), rows.len(), "{kind}: {table}");
            }
        }
    }

    let uses = &made["use"];
    let shown = uses.all["rows"]["uses"].as_array().unwrap();
    let of = |user: &str, kind: &str| shown.iter().filter(|row| row["user"] == user && row["kind"] == kind).count();
    assert_eq!((of("cyd", "session"), of("dan", "session"), of("dan", "checkout")), (3, 1, 1), "{shown:#?}");
    assert_eq!(counted(&uses.finding("sessions_recorded")), (4, 4));
    assert!(uses.paper().contains("cyd"), "{}", uses.paper());
    // The break-glass grant was approved by nobody, and dan's by lea.
    let access = made["access"].finding("grants_approved");
    assert_eq!(counted(&access), (1, 2), "{access}");
    assert!(made["access"].paper().contains("lea"));
    assert_eq!(counted(&made["break-glass"].finding("break_glass_reviewed")), (1, 1));
    let duties = made["duties"].finding("duties_kept");
    assert!(duties["exceptions"].to_string().contains("max"), "{duties}");
    let leavers = &made["leavers"];
    assert_eq!(counted(&leavers.finding("leavers_cut_off")), (1, 1));
    // Those who left stand first: paper ends after a thousand rows.
    let people = leavers.all["rows"]["people"].as_array().unwrap();
    assert_eq!((people[0]["user"].as_str(), people[1]["user"].as_str()), (Some("eve"), Some("ada")));
    // Nobody answered in the review, and what it was about stays.
    assert_eq!(counted(&made["reviews"].finding("access_reviewed")), (0, 1));
    let pci = &made["pci-dss"];
    let alerts = pci.finding("alerts_looked_at");
    assert!(counted(&alerts).1 >= 1, "{alerts}");
    let (proven, events) = counted(&pci.finding("log_intact"));
    assert!(proven == events && events > 20, "{proven} of {events}");
    assert!(pci.report["counts"]["not_covered"].as_u64().unwrap() > 0, "{}", pci.report);
    assert!(pci.paper().contains("10.3.2") && pci.text("csv").contains("10.3.2"));

    for ending in ["pdf", "csv", "json"] {
        let path = pci.out.join(pci.file(ending));
        let before = tamper(&path);
        let wrong = pci.verified().ended(1).unwrap().said();
        assert!(
            wrong.contains(&format!("{}: ", pci.file(ending))) && wrong.contains("is not what was signed"),
            "{wrong}"
        );
        fs::write(&path, before).unwrap();
    }
    let note = pci.out.join(pci.file("note"));
    let before = tamper(&note);
    assert!(pci.verified().ended(1).unwrap().said().contains(&pci.file("note")));
    fs::write(&note, before).unwrap();
    pci.verified().ok().unwrap();
}

#[test]
fn a_report_comes_by_schedule_and_somebody_else_signs_it_off() {
    let quarter = Quarter::live();
    let Quarter { world, rita, olaf, desk } = &quarter;
    let made = quarter.report("access");
    let comment = "db-1 has an owner from Monday on";
    let accept = ["report", "review", &made.id, "--accept", "--comment", comment];
    let own = rita.cli(&accept).unwrap().ended(3).unwrap();
    assert!(own.said().contains("somebody else has to review it"), "{}", own.said());
    olaf.cli(&accept).unwrap().ok().unwrap();
    let folder = made.out.display().to_string();
    olaf.cli(&["report", "get", &made.id, "--out", &folder]).unwrap().ok().unwrap();
    let (review, note) = (made.file("review.note"), made.file("note"));
    let check = || verify(&made.out, &["report", &review, &note, "--key", "../ledger.pub"]);
    let said = check().ok().unwrap().said();
    assert!(said.contains("olaf") && said.contains(comment), "{said}");
    let path = made.out.join(&review);
    let forged = fs::read_to_string(&path).unwrap().replace("accepted yes", "accepted no");
    fs::write(&path, forged).unwrap();
    assert!(check().ended(1).unwrap().said().contains(&review));

    let soon = run(Command::new("date").args(["-u", "-d", "+3 seconds", "+%Y-%m-%dT%H:%M:%SZ"])).unwrap().text();
    let schedule = ["report", "schedule", "use", "--every", "day", "--first", soon.trim(), "-o", "json"];
    let schedule = rita.cli(&schedule).unwrap().json().unwrap()[0].clone();
    let came = until("the report to come by itself", || {
        let listed = rita.cli(&["report", "list", "-o", "json"])?.json()?;
        let listed = listed.as_array().cloned().unwrap_or_default();
        Ok(listed.into_iter().find(|report| report["schedule"] == schedule["id"]))
    })
    .unwrap();
    assert_eq!((came["made_by"].as_str(), came["until"].as_str()), (Some("rita"), schedule["next_at"].as_str()));
    let (id, folder) = (came["id"].as_str().unwrap(), desk.join("scheduled"));
    rita.cli(&["report", "get", id, "--out", &folder.display().to_string()]).unwrap().ok().unwrap();
    let files = ["note", "pdf", "csv", "json"].map(|ending| format!("{id}.{ending}"));
    let [note, pdf, csv, json] = files.each_ref().map(String::as_str);
    verify(&folder, &["report", note, pdf, csv, json, "--key", "../ledger.pub"]).ok().unwrap();
    let shown = fs::read_to_string(folder.join(csv)).unwrap();
    assert!(shown.contains("cyd"), "{shown}");
    let events = world.ada.cli(&["audit", "list", "--action", "report.review", "-o", "json"]).unwrap().json().unwrap();
    assert_eq!(events[0]["event"]["target"], made.id, "{events:#}");
}
