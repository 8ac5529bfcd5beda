//! Separation of duties: ways in which people have let themselves do more, each tried on the running
//! product. An attempt has succeeded when afterwards somebody can do more with the account that is at
//! stake, holds another grant, a policy says something else, or a link lets whoever made it be somebody else.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;

use anyhow::Context as _;
use postern_e2e::{Gate, Person, run_with_input};
use serde_json::{Value, json};

const SETUP: &str = r#"
kind: Asset
name: web-1
platform: linux
address: 192.0.2.7:22
labels: { env: prod }
---
kind: Account
account: root@web-1
credential: ssh_certificate
---
kind: Account
account: admin@web-1
credential: ssh_certificate
---
kind: Role
name: group-manager
permissions: ["user:read", "group:write", "policy:read"]
---
kind: Role
name: policy-writer
permissions: ["policy:read", "policy:write", "asset:read", "user:read"]
---
kind: Role
name: people-manager
permissions: ["user:read", "user:write", "role:write", "policy:read"]
---
kind: Policy
name: dev
subjects: { groups: [dev] }
accounts: { labels: { env: dev } }
access: standing
---
kind: Policy
name: lab
scope: /lab
subjects: { groups: [dev] }
access: standing
---
kind: Policy
name: databases
subjects: { groups: [dev] }
accounts: { platforms: [postgresql] }
access: standing
---
kind: Policy
name: oncall
subjects: { groups: [oncall] }
accounts: { names: [root] }
access: standing
---
kind: Policy
name: programs
subjects: { workloads: [bot] }
accounts: { names: [root] }
access: standing
---
kind: Policy
name: pair
subjects: { groups: [quorum] }
accounts: { names: [admin] }
obligations: { max_duration: 1h, approval: { count: 2, groups: [leads] } }
---
kind: Policy
name: no-contractors
effect: deny
subjects: { groups: [contractors] }
---
kind: Policy
name: sre
subjects: { groups: [sre] }
accounts: { names: [root], labels: { env: prod } }
obligations: OBLIGATIONS
"#;

const GROUPS: &str = r#"
kind: Group
name: sre
members: SRE
---
kind: Group
name: leads
members: LEADS
roles: [{ role: approver, scope: / }]
---
kind: Group
name: oncall
members: []
---
kind: Group
name: quorum
members: []
---
kind: Group
name: dev
members: DEV
---
kind: Group
name: contractors
members: CONTRACTORS
"#;

/// Whoever approves is not on call.
const APART: &str = "{kind: SeparationOfDuties, name: approve-or-oncall, \
                     sets: [{groups: [leads]}, {groups: [oncall], policies: [oncall]}]}";

const EARLIER: &str = "{ max_duration: 8h, capabilities: [shell, exec, sftp_read] }";
const NOW: &str = "{ max_duration: 1h, capabilities: [shell, exec], mfa_max_age: 1h, idle: 10m, concurrent_sessions: 1, \
                   ticket_pattern: 'CHG-[0-9]+', approval: { count: 1, groups: [leads] } }";

/// The product with its people. Ada and Max administer it; Ben and Lee are of those who approve, Gus manages
/// groups, Pia writes policies, Olga operates, Rob manages people. All of them may ask for the account, but
/// Gus and Pia are contractors, to whom everything is denied. Ada, Pia, Lee and Olga have a user for privileged
/// work each, which Max has made: the last two of these are of those who approve.
struct Stage {
    gate: Gate,
    people: BTreeMap<&'static str, Person>,
    /// How many links have let in whoever made them.
    taken: Cell<usize>,
}

/// What there is to gain.
#[derive(Debug, PartialEq)]
struct State {
    policies: BTreeMap<String, Value>,
    answers: BTreeMap<(String, String), u8>,
    grants: usize,
    taken: usize,
}

impl Stage {
    fn new() -> anyhow::Result<Self> {
        let (mut gate, shown) = Gate::set_up("ada", "correct horse battery staple")?;
        let ada = Person::of_setup("ada", "correct horse battery staple", &shown)?;
        gate.start()?;
        ada.sign_in(&gate)?;
        let mut stage = Self { gate, people: [("ada", ada)].into(), taken: Cell::default() };
        stage.apply("ada", &stage.groups(""))?;
        stage.person("ada").cli(&["user", "create", "bot", "--workload", "--role", "user=/"])?.ok()?;
        stage.apply("ada", &SETUP.replace("OBLIGATIONS", EARLIER))?;
        stage.apply("ada", &SETUP.replace("OBLIGATIONS", NOW))?;
        for (name, role) in [
            ("ben", "user=/"),
            ("lee", "user=/"),
            ("gus", "group-manager=/"),
            ("olga", "operator=/"),
            ("rob", "people-manager=/"),
            ("pia", "policy-writer=/"),
            ("max", "administrator=/"),
        ] {
            let made = stage.person("ada").cli(&["user", "create", name, "--role", role, "-o", "json"])?.json()?;
            let link = made.pointer("/link/url").and_then(Value::as_str).context("no link")?;
            let person = Person::enrol(&stage.gate, name, link)?;
            person.sign_in(&stage.gate)?;
            stage.people.insert(name, person);
            if name == "rob" {
                // From Pia on there are two people who may change policies.
                stage.apply("ada", &stage.groups("[ada, ben, lee, gus, olga, rob]"))?;
            }
        }
        let sre = ["ada", "ben", "lee", "gus", "olga", "rob", "pia", "max"];
        stage.apply("ada", APART)?;
        stage.call("ada", "PUT", "/v1/groups/sre", json!({ "members": sre }));
        stage.call("ada", "PUT", "/v1/groups/contractors", json!({ "members": ["gus", "pia"] }));
        for (name, everyday, role) in [
            ("ada-adm", "ada", "administrator=/"),
            ("pia-adm", "pia", "policy-writer=/"),
            ("lee-adm", "lee", "user=/"),
            ("olga-adm", "olga", "user=/"),
        ] {
            let create = ["user", "create", name, "--role", role, "--identity", everyday, "-o", "json"];
            let made = stage.person("max").cli(&create)?.json()?;
            let link = made.pointer("/link/url").and_then(Value::as_str).context("no link")?;
            let person = Person::enrol(&stage.gate, name, link)?;
            person.sign_in(&stage.gate)?;
            stage.people.insert(name, person);
        }
        stage.leads();
        stage.members("max", "quorum", &["rob"]);
        Ok(stage)
    }

    /// Those who approve, as they are at the beginning.
    fn leads(&self) {
        let roles = json!([{ "role": "approver", "scope": "/" }]);
        let leads = json!({ "members": ["ben", "lee", "lee-adm", "olga-adm"], "roles": roles });
        let put = self.call("max", "PUT", "/v1/groups/leads", leads);
        assert_eq!(put["members"].as_array().map(Vec::len), Some(4), "{put}");
    }

    fn groups(&self, sre: &str) -> String {
        let of = |members: &'static str| if sre.is_empty() { "[]" } else { members };
        GROUPS
            .replace("SRE", if sre.is_empty() { "[]" } else { sre })
            .replace("LEADS", of("[ben, lee]"))
            .replace("DEV", of("[olga, rob]"))
            .replace("CONTRACTORS", of("[gus]"))
    }

    fn person(&self, name: &str) -> &Person {
        &self.people[name]
    }

    fn apply(&self, who: &str, documents: &str) -> anyhow::Result<()> {
        self.person(who).cli_with(&["apply", "-f", "-"], documents)?.ok()?;
        Ok(())
    }

    /// Calls the API as somebody signed in; what is refused is an answer too.
    fn call(&self, who: &str, method: &str, path: &str, body: Value) -> Value {
        let kept = self.person(who).folder().join("config/login.json");
        let kept: Value = serde_json::from_str(&fs::read_to_string(kept).unwrap()).unwrap();
        self.call_with(kept["token"].as_str().unwrap(), who, method, path, &body)
    }

    fn call_with(&self, token: &str, who: &str, method: &str, path: &str, body: &Value) -> Value {
        let header = self.person(who).folder().join("header");
        fs::write(&header, format!("Authorization: Bearer {token}\n")).unwrap();
        let mut command = self.gate.curl(path);
        command.args(["-X", method, "-H", &format!("@{}", header.display())]);
        let mut input = Vec::new();
        if !body.is_null() {
            command.args(["-H", "Content-Type: application/json", "--data-binary", "@-"]);
            input = serde_json::to_vec(body).unwrap();
        }
        let ran = run_with_input(&mut command, &input).unwrap();
        serde_json::from_slice(&ran.stdout).unwrap_or(Value::Null)
    }

    fn token(&self, who: &str, permission: &str) -> String {
        let wish = json!({ "name": "t", "permissions": [permission], "expires_in_seconds": 3600 });
        self.call(who, "POST", "/v1/tokens", wish)["token"].as_str().unwrap_or_default().to_owned()
    }

    fn state(&self) -> State {
        let items = |path: &str| self.call("ada", "GET", path, Value::Null)["items"].as_array().unwrap().clone();
        let policies = items("/v1/policies?limit=500").into_iter();
        let mut answers = BTreeMap::new();
        for action in ["connect", "shell", "sftp_read", "checkout"] {
            for item in items(&format!("/v1/access/who-can?action={action}&account=root@web-1&limit=500")) {
                let rank =
                    ["refused", "on_request", "step_up", "allowed"].iter().position(|word| item["answer"] == **word);
                let rank = u8::try_from(rank.unwrap()).unwrap();
                answers.insert((item["user"].as_str().unwrap().to_owned(), action.to_owned()), rank);
            }
        }
        State {
            policies: policies.map(|policy| (policy["name"].as_str().unwrap().to_owned(), policy)).collect(),
            answers,
            grants: items("/v1/grants?state=active&limit=500").len(),
            taken: self.taken.get(),
        }
    }

    fn ask(&self, who: &str) -> String {
        self.ask_for(who, "root@web-1")
    }

    fn ask_for(&self, who: &str, account: &str) -> String {
        let wish = json!({ "account": account, "duration_seconds": 600, "reason": "x", "ticket": "CHG-1" });
        self.call(who, "POST", "/v1/requests", wish)["id"].as_str().unwrap_or("req_none").to_owned()
    }

    fn say_yes(&self, who: &str, request: &str) -> Value {
        self.call(who, "POST", &format!("/v1/requests/{request}/approve"), Value::Null)
    }

    /// Puts a policy as somebody; gives the proposal, if it became one.
    fn edit(&self, who: &str, policy: &str, change: impl FnOnce(&mut Value)) -> String {
        let mut body = self.call("ada", "GET", &format!("/v1/policies/{policy}"), Value::Null);
        change(&mut body);
        let fields = body.as_object_mut().unwrap();
        fields.retain(|field, _| !["id", "name", "revision"].contains(&field.as_str()));
        let put = self.call(who, "PUT", &format!("/v1/policies/{policy}"), body);
        put.pointer("/proposal/id").and_then(Value::as_str).unwrap_or("prp_none").to_owned()
    }

    fn accept(&self, who: &str, proposal: &str) -> Value {
        self.call(who, "POST", &format!("/v1/proposals/{proposal}/approve"), Value::Null)
    }

    fn members(&self, who: &str, group: &str, members: &[&str]) -> Value {
        self.call(who, "PUT", &format!("/v1/groups/{group}"), json!({ "members": members }))
    }

    /// A user of somebody's making who is enrolled by them.
    fn second(&self, maker: &str, name: &'static str, role: &str, groups: &[&str]) -> Option<Person> {
        let roles: Vec<_> = Some(role).filter(|role| !role.is_empty()).into_iter().collect();
        let roles: Vec<_> = roles.iter().map(|role| json!({ "role": role, "scope": "/" })).collect();
        let made = self.call(maker, "POST", "/v1/users", json!({ "name": name, "roles": roles, "groups": groups }));
        let person = Person::enrol(&self.gate, name, made.pointer("/link/url")?.as_str()?).ok()?;
        person.sign_in(&self.gate).ok()?;
        Some(person)
    }

    /// Makes those again what they were who share the right to change policies.
    fn restore(&self) {
        let permissions = ["policy:read", "policy:write", "asset:read", "user:read"];
        self.call("ada", "PUT", "/v1/roles/policy-writer", json!({ "permissions": permissions }));
        self.enable(&["max", "pia"]);
        self.call("ada", "PUT", "/v1/users/max/roles", json!([{ "role": "administrator", "scope": "/" }]));
    }

    /// What two people do is done: who is refused is refused for what they are.
    fn ways_are_open(&self) {
        let answered = self.say_yes("lee", &self.ask("ben"));
        assert_eq!(answered["state"], "granted", "{answered}");
    }

    fn stand_in(&self, away: &str, other: &str) {
        self.person(away).cli(&["stand-in", "name", other, "--until", "1d"]).unwrap().ok().unwrap();
    }

    fn enable(&self, people: &[&str]) {
        for who in people {
            self.call("ada", "PATCH", &format!("/v1/users/{who}"), json!({ "state": "active" }));
            self.person(who).sign_in(&self.gate).unwrap();
        }
    }

    /// Leaves nothing that waits, and groups as they were.
    fn tidy(&self) {
        for named in self.call("ada", "GET", "/v1/stand-ins", Value::Null)["items"].as_array().unwrap() {
            self.call("ada", "POST", &format!("/v1/stand-ins/{}/end", named["id"].as_str().unwrap()), Value::Null);
        }
        for proposal in self.call("ada", "GET", "/v1/proposals?state=waiting", Value::Null)["items"].as_array().unwrap()
        {
            let path = format!("/v1/proposals/{}/refuse", proposal["id"].as_str().unwrap());
            self.call("ada", "POST", &path, json!({ "reason": "tidied" }));
        }
        for request in self.call("ada", "GET", "/v1/requests?state=pending", Value::Null)["items"].as_array().unwrap() {
            let path = format!("/v1/requests/{}/withdraw", request["id"].as_str().unwrap());
            self.call(request["user"].as_str().unwrap(), "POST", &path, Value::Null);
        }
        for made in self.call("ada", "GET", "/v1/waiting-credentials", Value::Null)["items"].as_array().unwrap() {
            let (user, id) = (made["user"].as_str().unwrap(), made["id"].as_str().unwrap());
            match made["kind"].as_str().unwrap() {
                "link" => self.call("ada", "POST", &format!("/v1/users/{user}/link/refuse"), Value::Null),
                "token" => self.call("ada", "DELETE", &format!("/v1/tokens/{id}"), Value::Null),
                _ => self.call("ada", "DELETE", &format!("/v1/ssh-keys/{id}"), Value::Null),
            };
        }
        self.leads();
    }

    /// Makes a link for somebody, and has those say yes to it; gives whether it lets anybody in.
    fn takes_over(&self, maker: &str, whom: &str, confirmed_by: &[&str]) -> bool {
        let link = self.call(maker, "POST", &format!("/v1/users/{whom}/link"), Value::Null);
        for who in confirmed_by {
            self.call(who, "POST", &format!("/v1/users/{whom}/link/confirm"), Value::Null);
        }
        self.opens(&link)
    }

    /// Makes a token for the program that may do more than anybody, and has those say yes to it; gives whether it
    /// works.
    fn gets_program(&self, maker: &str, confirmed_by: &[&str]) -> bool {
        let wish = json!({ "name": "b", "permissions": ["request:create"], "expires_in_seconds": 3600, "user": "bot" });
        let made = self.call(maker, "POST", "/v1/tokens", wish);
        let id = made.pointer("/api_token/id").and_then(Value::as_str).unwrap_or("tok_none").to_owned();
        for who in confirmed_by {
            self.call(who, "POST", &format!("/v1/tokens/{id}/confirm"), Value::Null);
        }
        self.is_program(&made)
    }

    fn is_program(&self, made: &Value) -> bool {
        let token = made["token"].as_str().unwrap_or_default();
        let is = self.call_with(token, "ada", "GET", "/v1/login", &Value::Null)["user"]["name"] == "bot";
        self.taken.set(self.taken.get() + usize::from(is));
        is
    }

    fn opens(&self, link: &Value) -> bool {
        let Some(token) = link["url"].as_str().and_then(|url| url.rsplit_once('/')) else { return false };
        let opens = self.call("ada", "GET", &format!("/v1/links/{}", token.1), Value::Null)["purpose"] == "enrol";
        self.taken.set(self.taken.get() + usize::from(opens));
        opens
    }
}

type Attempt = (&'static str, fn(&Stage));

fn own_requests() -> Vec<Attempt> {
    vec![
        ("an approver says yes to themselves", |s| drop(s.say_yes("ben", &s.ask("ben")))),
        ("another approver does", |s| drop(s.say_yes("lee", &s.ask("lee")))),
        ("an administrator does", |s| drop(s.say_yes("ada", &s.ask("ada")))),
        ("the other administrator does", |s| drop(s.say_yes("max", &s.ask("max")))),
        ("somebody does who may not approve at all", |s| drop(s.say_yes("olga", &s.ask("olga")))),
        ("whoever stands in for the one who asks", |s| {
            s.stand_in("ben", "ada");
            s.say_yes("ada", &s.ask("ben"));
        }),
        ("in the place of somebody who may, to themselves", |s| {
            s.stand_in("lee", "ada");
            s.say_yes("ada", &s.ask("ada"));
        }),
        ("in the place of somebody who may, by a token", |s| {
            s.stand_in("lee", "max");
            let (token, request) = (s.token("max", "request:approve"), s.ask("ada"));
            s.call_with(&token, "max", "POST", &format!("/v1/requests/{request}/approve"), &Value::Null);
        }),
        ("by a token", |s| {
            let (token, request) = (s.token("ben", "request:approve"), s.ask("ben"));
            s.call_with(&token, "ben", "POST", &format!("/v1/requests/{request}/approve"), &Value::Null);
        }),
        ("by the token of an administrator", |s| {
            let (token, request) = (s.token("ada", "request:approve"), s.ask("ada"));
            s.call_with(&token, "ada", "POST", &format!("/v1/requests/{request}/approve"), &Value::Null);
        }),
        ("after joining those who approve", |s| {
            let request = s.ask("ada");
            s.members("ada", "leads", &["ada", "ben", "lee"]);
            s.say_yes("ada", &request);
        }),
        ("after joining them, asking then", |s| {
            s.members("max", "leads", &["max", "ben", "lee"]);
            s.say_yes("max", &s.ask("max"));
        }),
        ("by joining them as who manages groups", |s| {
            s.members("gus", "leads", &["gus", "ben", "lee"]);
            s.say_yes("gus", &s.ask("gus"));
        }),
        ("after removing the group that approves", |s| {
            let request = s.ask("ada");
            s.call("ada", "DELETE", "/v1/groups/leads", Value::Null);
            s.say_yes("ada", &request);
        }),
        ("by giving oneself the role of approvers", |s| {
            let request = s.ask("rob");
            s.call("rob", "PUT", "/v1/users/rob/roles", json!([{ "role": "approver", "scope": "/" }]));
            s.say_yes("rob", &request);
        }),
        ("by a second account that is put on call when it is made", |s| {
            drop(s.second("ada", "ada-oncall", "", &["oncall"]));
        }),
        ("by one that is put on call later", |s| {
            s.second("max", "max-later", "", &[]);
            s.members("max", "oncall", &["max-later"]);
        }),
        ("by one that goes on call by a group of its own", |s| {
            s.second("ada", "ada-group", "", &["new-oncall"]);
            drop(s.edit("ada", "oncall", |p| p["subjects"]["groups"] = json!(["oncall", "new-oncall"])));
        }),
        ("by a second account that an administrator makes for themselves", |s| {
            let request = s.ask("ada");
            if let Some(second) = s.second("ada", "ada-too", "", &["leads"]) {
                let _ = second.cli(&["approve", &request]);
            }
        }),
    ]
}

fn own_policies() -> Vec<Attempt> {
    vec![
        ("approval is dropped", |s| drop(s.edit("ada", "sre", |p| p["obligations"]["approval"] = Value::Null))),
        ("approval is dropped, and then it is asked for", |s| {
            s.edit("pia", "sre", |p| p["obligations"]["approval"] = Value::Null);
            s.ask("ben");
        }),
        ("anybody may approve", |s| {
            s.edit("ada", "sre", |p| p["obligations"]["approval"]["groups"] = json!([]));
            s.say_yes("ada", &s.ask("ada"));
        }),
        ("access stands", |s| drop(s.edit("ada", "sre", |p| p["access"] = json!("standing")))),
        ("windows are longer", |s| {
            drop(s.edit("pia", "sre", |p| p["obligations"]["max_duration_seconds"] = json!(7_200)));
        }),
        ("sessions do more", |s| {
            s.edit("pia", "sre", |p| p["obligations"]["capabilities"] = json!(["shell", "exec", "sftp_read"]));
        }),
        ("factors are older", |s| {
            drop(s.edit("pia", "sre", |p| p["obligations"]["mfa_max_age_seconds"] = json!(7_200)));
        }),
        ("no ticket is wanted", |s| drop(s.edit("pia", "sre", |p| p["obligations"]["ticket_pattern"] = Value::Null))),
        ("any ticket will do", |s| drop(s.edit("pia", "sre", |p| p["obligations"]["ticket_pattern"] = json!(".*")))),
        ("no reason is wanted", |s| drop(s.edit("pia", "sre", |p| p["obligations"]["reason_required"] = json!(false)))),
        ("sessions may be idle", |s| drop(s.edit("pia", "sre", |p| p["obligations"]["idle_seconds"] = Value::Null))),
        ("more sessions at once", |s| {
            drop(s.edit("pia", "sre", |p| p["obligations"]["concurrent_sessions"] = json!(9)));
        }),
        ("the secret may be seen", |s| {
            drop(s.edit("pia", "sre", |p| p["obligations"]["checkout_seconds"] = json!(600)));
        }),
        ("more accounts", |s| drop(s.edit("pia", "sre", |p| p["accounts"]["labels"] = json!({})))),
        ("more people", |s| drop(s.edit("ada", "oncall", |p| p["subjects"]["users"] = json!(["ada"])))),
        ("an earlier text, which gave more", |s| {
            s.call("ada", "POST", "/v1/policies/sre/rollback", json!({ "revision": 1 }));
        }),
        ("a new policy for oneself", |s| {
            let text = "{kind: Policy, name: mine, subjects: {users: [ada]}, access: standing}";
            drop(s.apply("ada", text));
        }),
        ("a new policy with the group for it, at once", |s| {
            let group = "{kind: Group, name: us, members: [ada]}\n---\n";
            let text = "{kind: Policy, name: mine, subjects: {groups: [us]}, access: standing}";
            drop(s.apply("ada", &format!("{group}{text}")));
        }),
        ("a deny is removed", |s| drop(s.call("pia", "DELETE", "/v1/policies/no-contractors", Value::Null))),
        ("a deny is removed by an administrator", |s| {
            s.call("max", "DELETE", "/v1/policies/no-contractors", Value::Null);
        }),
        ("a deny holds for others only", |s| {
            s.edit("pia", "no-contractors", |p| p["subjects"] = json!({ "users": ["gus"] }));
        }),
        ("a deny holds at night", |s| {
            let night = json!([{ "from": "01:00", "to": "02:00" }]);
            s.edit("pia", "no-contractors", |p| p["conditions"]["hours"] = night);
        }),
        ("a deny holds from elsewhere", |s| {
            s.edit("pia", "no-contractors", |p| p["conditions"]["networks"] = json!(["192.0.2.0/24"]));
        }),
        ("a deny is about fewer accounts", |s| {
            s.edit("pia", "no-contractors", |p| p["accounts"]["names"] = json!(["nobody"]));
        }),
        ("a deny allows", |s| drop(s.edit("pia", "no-contractors", |p| p["effect"] = json!("allow")))),
    ]
}

/// What is declared to be kept apart is held together.
fn kept_apart() -> Vec<Attempt> {
    vec![
        ("a lead is put on call", |s| drop(s.members("gus", "oncall", &["ben"]))),
        ("by an administrator", |s| drop(s.members("ada", "oncall", &["lee"]))),
        ("as text", |s| drop(s.apply("ada", "{kind: Group, name: oncall, members: [ben]}"))),
        ("a policy gives leads what those on call have", |s| {
            let proposal = s.edit("pia", "oncall", |p| p["subjects"]["groups"] = json!(["leads", "oncall"]));
            s.accept("max", &proposal);
        }),
        ("what keeps it apart is taken away by one", |s| {
            s.call("pia", "DELETE", "/v1/duties/approve-or-oncall", Value::Null);
            s.call("pia", "DELETE", "/v1/duties/approve-or-oncall", Value::Null);
            s.members("gus", "oncall", &["ben"]);
        }),
        ("it keeps less apart, as one wants it", |s| {
            let less =
                APART.replace("policies: [oncall]", "policies: [dev]").replace("groups: [oncall]", "groups: [dev]");
            drop(s.apply("pia", &less));
            drop(s.apply("pia", &less));
            s.members("gus", "oncall", &["ben"]);
        }),
        ("one is made a user in both groups", |s| {
            let body = json!({ "name": "both", "groups": ["leads", "oncall"], "roles": [] });
            s.call("ada", "POST", "/v1/users", body);
        }),
    ]
}

/// One person, two users.
fn other_users_of_ones_own() -> Vec<Attempt> {
    vec![
        ("another user of one's own says yes", |s| drop(s.say_yes("olga-adm", &s.ask("olga")))),
        ("by a token", |s| {
            let (token, request) = (s.token("olga-adm", "request:approve"), s.ask("olga"));
            s.call_with(&token, "olga-adm", "POST", &format!("/v1/requests/{request}/approve"), &Value::Null);
        }),
        ("in the place of somebody who may", |s| {
            s.stand_in("lee", "olga-adm");
            s.say_yes("olga-adm", &s.ask("olga"));
        }),
        ("two of one person are two of those who are asked", |s| {
            let request = s.ask_for("rob", "admin@web-1");
            s.say_yes("lee", &request);
            s.say_yes("lee-adm", &request);
        }),
        ("one of them in the place of somebody who is away", |s| {
            s.stand_in("olga-adm", "lee-adm");
            let request = s.ask_for("rob", "admin@web-1");
            s.say_yes("lee", &request);
            s.say_yes("lee-adm", &request);
        }),
        ("an administrator's other user is let approve, and does", |s| {
            let request = s.ask("ada");
            s.members("max", "leads", &["ben", "lee", "ada-adm"]);
            s.say_yes("ada-adm", &request);
        }),
        ("the two are taken apart by oneself first", |s| {
            s.members("max", "leads", &["ben", "lee", "ada-adm"]);
            s.call("ada", "PATCH", "/v1/users/ada-adm", json!({ "identity": "" }));
            s.say_yes("ada-adm", &s.ask("ada"));
        }),
        ("by the other user", |s| {
            s.members("max", "leads", &["ben", "lee", "ada-adm"]);
            s.call("ada-adm", "PATCH", "/v1/users/ada-adm", json!({ "identity": "max" }));
            s.say_yes("ada-adm", &s.ask("ada"));
        }),
        ("one's own change of policy is approved", |s| {
            let proposal = s.edit("pia", "dev", |p| p["obligations"]["max_duration_seconds"] = json!(72_000));
            s.accept("pia-adm", &proposal);
        }),
        ("by the everyday user", |s| {
            let proposal = s.edit("ada-adm", "dev", |p| p["obligations"]["max_duration_seconds"] = json!(72_000));
            s.accept("ada", &proposal);
        }),
        ("by a second user that the other one has made", |s| {
            let proposal = s.edit("ada-adm", "dev", |p| p["obligations"]["max_duration_seconds"] = json!(72_000));
            if let Some(second) = s.second("ada", "ada-four", "administrator", &[]) {
                let _ = second.cli(&["policy", "approve", &proposal]);
            }
        }),
        ("a change by which one's other user gains is approved", |s| {
            let proposal = s.edit("max", "oncall", |p| p["subjects"]["users"] = json!(["ada-adm"]));
            s.accept("ada", &proposal);
        }),
        ("one puts one's other user on call", |s| drop(s.members("ada", "oncall", &["ada-adm"]))),
        ("and the other one does so", |s| drop(s.members("ada-adm", "oncall", &["ada"]))),
        ("who approves is put on call as another user", |s| drop(s.members("gus", "oncall", &["lee-adm"]))),
        ("what keeps it apart is taken away by both", |s| {
            s.call("pia", "DELETE", "/v1/duties/approve-or-oncall", Value::Null);
            s.call("pia-adm", "DELETE", "/v1/duties/approve-or-oncall", Value::Null);
            s.members("gus", "oncall", &["ben"]);
        }),
    ]
}

/// Whoever opens a link for somebody becomes them.
fn links_for_others() -> Vec<Attempt> {
    vec![
        ("a link for somebody who may", |s| {
            s.takes_over("ada", "ben", &[]);
        }),
        ("confirmed by oneself", |s| {
            s.takes_over("max", "ben", &["max"]);
        }),
        ("by another user of one's own", |s| {
            s.takes_over("ada", "ben", &["ada-adm"]);
        }),
        ("by somebody of one's own making", |s| {
            let link = s.call("ada", "POST", "/v1/users/ben/link", Value::Null);
            if let Some(five) = s.second("ada", "ada-five", "administrator", &[]) {
                let _ = five.cli(&["user", "link-confirm", "ben"]);
            }
            s.opens(&link);
        }),
        ("by a token of somebody else's", |s| {
            let (link, token) =
                (s.call("max", "POST", "/v1/users/ben/link", Value::Null), s.token("ada", "user:write"));
            s.call_with(&token, "ada", "POST", "/v1/users/ben/link/confirm", &Value::Null);
            s.opens(&link);
        }),
        ("by who manages people, for somebody who may more", |s| {
            s.takes_over("rob", "olga", &["rob"]);
        }),
        ("the others are disabled first", |s| {
            for other in ["max", "rob"] {
                s.call("ada", "PATCH", &format!("/v1/users/{other}"), json!({ "state": "disabled" }));
            }
            s.takes_over("ada", "ben", &["ada-adm"]);
            s.enable(&["max", "rob"]);
        }),
        ("somebody who was invited by others and has not enrolled", |s| {
            s.call("max", "POST", "/v1/users", json!({ "name": "invited" }));
            s.takes_over("ada", "invited", &["ada"]);
        }),
    ]
}

/// Whoever has a token or a key of a program is it.
fn programs_of_ones_own() -> Vec<Attempt> {
    vec![
        ("a token for a program that may more", |s| {
            s.gets_program("ada", &[]);
        }),
        ("confirmed by oneself", |s| {
            s.gets_program("max", &["max"]);
        }),
        ("by another user of one's own", |s| {
            s.gets_program("ada", &["ada-adm"]);
        }),
        ("by who manages people, and by a token of another", |s| {
            let wish =
                json!({ "name": "b", "permissions": ["request:create"], "expires_in_seconds": 3600, "user": "bot" });
            let (made, token) = (s.call("max", "POST", "/v1/tokens", wish), s.token("ada", "user:write"));
            let id = made.pointer("/api_token/id").and_then(Value::as_str).unwrap_or("tok_none").to_owned();
            s.call("olga", "POST", &format!("/v1/tokens/{id}/confirm"), Value::Null);
            s.call_with(&token, "ada", "POST", &format!("/v1/tokens/{id}/confirm"), &Value::Null);
            s.is_program(&made);
        }),
        ("by somebody of one's own making", |s| {
            let wish =
                json!({ "name": "b", "permissions": ["request:create"], "expires_in_seconds": 3600, "user": "bot" });
            let made = s.call("ada", "POST", "/v1/tokens", wish);
            let id = made.pointer("/api_token/id").and_then(Value::as_str).unwrap_or("tok_none").to_owned();
            let Some(six) = s.second("ada", "ada-six", "administrator", &[]) else { return };
            let _ = six.cli(&["token", "confirm", &id]);
            s.is_program(&made);
        }),
        ("a key for it", |s| {
            let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
            let made = s.call("ada", "POST", "/v1/ssh-keys", json!({ "public_key": key, "user": "bot" }));
            let id = made["id"].as_str().unwrap_or("key_none").to_owned();
            s.call("ada", "POST", &format!("/v1/ssh-keys/{id}/confirm"), Value::Null);
            let waiting = s.call("ada", "GET", "/v1/waiting-credentials", Value::Null);
            let waits = waiting["items"].as_array().unwrap().iter().any(|waiting| waiting["id"] == made["id"]);
            s.taken.set(s.taken.get() + usize::from(!waits));
        }),
        ("the others are disabled first", |s| {
            for other in ["max", "rob"] {
                s.call("ada", "PATCH", &format!("/v1/users/{other}"), json!({ "state": "disabled" }));
            }
            s.gets_program("ada", &["ada-adm"]);
            s.enable(&["max", "rob"]);
        }),
    ]
}

fn own_proposals() -> Vec<Attempt> {
    vec![
        ("one's own proposal is approved", |s| {
            let proposal = s.edit("ada", "sre", |p| p["access"] = json!("standing"));
            s.accept("ada", &proposal);
        }),
        ("by a token", |s| {
            let proposal = s.edit("ada", "sre", |p| p["access"] = json!("standing"));
            let token = s.token("ada", "policy:write");
            s.call_with(&token, "ada", "POST", &format!("/v1/proposals/{proposal}/approve"), &Value::Null);
        }),
        ("by somebody who gains by it", |s| {
            let proposal = s.edit("pia", "oncall", |p| p["subjects"]["users"] = json!(["max"]));
            s.accept("max", &proposal);
        }),
        ("by somebody whose group gains by it", |s| {
            let proposal = s.edit("pia", "sre", |p| p["access"] = json!("standing"));
            s.accept("ada", &proposal);
        }),
        ("by somebody who may not change policies", |s| {
            let proposal = s.edit("pia", "oncall", |p| p["subjects"]["users"] = json!(["olga"]));
            s.accept("olga", &proposal);
        }),
        ("by a second account of the author's", |s| {
            let proposal = s.edit("ada", "oncall", |p| p["subjects"]["users"] = json!(["ada"]));
            if let Some(second) = s.second("ada", "ada-three", "administrator", &[]) {
                let _ = second.cli(&["policy", "approve", &proposal]);
            }
        }),
    ]
}

fn own_groups_and_labels() -> Vec<Attempt> {
    vec![
        ("one joins a group that may", |s| drop(s.members("gus", "oncall", &["gus"]))),
        ("an administrator joins it", |s| drop(s.members("ada", "oncall", &["ada"]))),
        ("as text", |s| drop(s.apply("max", "{kind: Group, name: oncall, members: [max]}"))),
        ("one leaves a group that may not", |s| drop(s.members("gus", "contractors", &["pia"]))),
        ("one removes the group that may not", |s| {
            drop(s.call("gus", "DELETE", "/v1/groups/contractors", Value::Null));
        }),
        ("a label is changed to one that is open", |s| {
            let body = json!({ "platform": "linux", "address": "192.0.2.7:22", "labels": { "env": "dev" } });
            s.call("olga", "PUT", "/v1/assets/web-1", body);
        }),
        ("as text", |s| {
            let text = "{kind: Asset, name: web-1, platform: linux, address: '192.0.2.7:22', labels: {env: dev}}";
            drop(s.apply("olga", text));
        }),
        ("the asset is moved to where one may", |s| {
            let body =
                json!({ "scope": "/lab", "platform": "linux", "address": "192.0.2.7:22", "labels": { "env": "prod" } });
            s.call("olga", "PUT", "/v1/assets/web-1", body);
        }),
        ("the asset is called another platform", |s| {
            let body = json!({ "platform": "postgresql", "address": "192.0.2.7:22", "labels": { "env": "prod" } });
            s.call("olga", "PUT", "/v1/assets/web-1", body);
        }),
        ("one gives oneself a role", |s| {
            s.call("rob", "PUT", "/v1/users/rob/roles", json!([{ "role": "administrator", "scope": "/" }]));
            s.members("rob", "oncall", &["rob"]);
        }),
        ("one defines a role that may everything", |s| {
            let body = json!({ "permissions": ["user:read", "user:write", "role:write", "policy:read", "policy:write", "group:write"] });
            s.call("rob", "PUT", "/v1/roles/people-manager", body);
            s.members("rob", "oncall", &["rob"]);
        }),
        ("one takes over an administrator by a link", |s| {
            let link = s.call("rob", "POST", "/v1/users/max/link", Value::Null);
            assert!(link.pointer("/url").is_none() || link["url"].is_null(), "a link for an administrator: {link}");
        }),
        ("a token is made that may more", |s| {
            let token = s.token("olga", "policy:write");
            s.call_with(&token, "olga", "DELETE", "/v1/policies/no-contractors", &Value::Null);
        }),
        ("a role is narrowed until one is alone, and then it is done", |s| {
            s.call("ada", "PUT", "/v1/roles/policy-writer", json!({ "permissions": ["policy:read"] }));
            s.call("ada", "PUT", "/v1/users/max/roles", json!([{ "role": "user", "scope": "/" }]));
            s.edit("ada", "sre", |p| p["access"] = json!("standing"));
            s.members("ada", "oncall", &["ada"]);
            s.restore();
        }),
        ("the others are disabled, and then it is done", |s| {
            for other in ["max", "pia"] {
                s.call("ada", "PATCH", &format!("/v1/users/{other}"), json!({ "state": "disabled" }));
            }
            s.edit("ada", "sre", |p| p["obligations"]["approval"] = Value::Null);
            s.call("ada", "DELETE", "/v1/policies/no-contractors", Value::Null);
            s.members("ada", "oncall", &["ada"]);
            s.restore();
        }),
        ("the other administrator is taken over by a link, and says yes", |s| {
            let proposal = s.edit("ada", "oncall", |p| p["subjects"]["users"] = json!(["ada"]));
            let link = s.call("ada", "POST", "/v1/users/max/link", Value::Null);
            s.call("ada-adm", "POST", "/v1/users/max/link/confirm", Value::Null);
            if let Some(taken) = link["url"].as_str().and_then(|link| Person::enrol(&s.gate, "max", link).ok()) {
                let _ = taken.sign_in(&s.gate);
                let _ = taken.cli(&["policy", "approve", &proposal]);
            }
        }),
    ]
}

#[test]
fn nobody_lets_themselves_do_more() {
    let stage = Stage::new().unwrap();
    // The ways that are meant to be gone are open.
    let proposal = stage.edit("pia", "dev", |p| p["obligations"]["max_duration_seconds"] = json!(36_000));
    assert_eq!(stage.accept("max", &proposal)["state"], "approved");
    stage.ways_are_open();
    let request = stage.ask_for("rob", "admin@web-1");
    assert_eq!(stage.say_yes("lee", &request)["state"], "pending");
    assert_eq!(stage.say_yes("ben", &request)["state"], "granted");
    assert!(stage.takes_over("max", "gus", &["ada"]), "two people make a link");
    assert!(stage.gets_program("max", &["ada"]), "and a token of a program");
    stage.call("ada", "POST", "/v1/users/gus/link", Value::Null);
    stage.tidy();
    let mut before = stage.state();
    assert!(before.answers.contains_key(&("ada".to_owned(), "shell".to_owned())), "{:?}", before.answers);
    let attempts = [
        own_requests(),
        own_policies(),
        kept_apart(),
        other_users_of_ones_own(),
        links_for_others(),
        programs_of_ones_own(),
        own_proposals(),
        own_groups_and_labels(),
    ]
    .concat();
    let mut succeeded = 0;
    for (what, attempt) in &attempts {
        attempt(&stage);
        let after = stage.state();
        // A second account may get what everybody in its group has; it is not to say yes to its maker.
        let second = |who: &str| who.ends_with("-too") || who.ends_with("-three");
        let more = after
            .answers
            .iter()
            .any(|(key, rank)| !second(&key.0) && before.answers.get(key).is_none_or(|was| was < rank));
        let changed = before.policies != after.policies;
        if more || changed || after.grants > before.grants || after.taken > before.taken {
            succeeded += 1;
            let State { grants, taken, .. } = after;
            println!("succeeded: {what}: answers {more}, policies {changed}, grants {grants}, links {taken}");
        }
        stage.tidy();
        before = stage.state();
    }
    stage.ways_are_open();
    println!("attempts={} succeeded={succeeded}", attempts.len());
    assert!(attempts.len() >= 40 && succeeded == 0, "{succeeded} of {} attempts", attempts.len());
}
