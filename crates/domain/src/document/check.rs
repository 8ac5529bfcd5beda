//! What must be true of a document beyond the types of its fields. Everything that is not is told.

use super::node::Step;
use super::{
    AccountDocument, AssetDocument, Document, GroupDocument, ObligationsDocument, PolicyDocument, RoleDocument,
};
use crate::asset::{Platform, host_key_parts, is_pem_certificates, split_address};
use crate::name::shown;
use crate::period::Period;
use crate::permission::built_in_roles;
use crate::policy::{
    Access, CAPTURE_BYTES_MAX, CAPTURE_ROWS_MAX, Conditions, Effect, RiskCondition, StatementAction, Statements, ticket,
};
use crate::provision::ProvisionRule;
use crate::request::ApprovalRule;
use crate::risk::RiskLevel;
use crate::rotation::RotationSetting;
use crate::rotation::dependent::DEPENDENTS_MAX;

const DESCRIPTION_LEN_MAX: usize = 1_000;
const LABEL_LEN_MAX: usize = 63;
const LABEL_VALUE_LEN_MAX: usize = 255;
const LABELS_MAX: usize = 64;
const COLUMN_TAGS_MAX: usize = 64;
const TAGGED_COLUMNS_MAX: usize = 256;
const TAGGED_COLUMN_LEN_MAX: usize = 128;
const APPROVALS_MAX: u8 = 10;
const STAGES_MAX: usize = 5;
const EXCEPT_MAX: usize = 400;
const REMIND_SECONDS_MIN: u64 = 60;
const DURATION_SECONDS_MAX: u64 = 90 * 86_400;
const IDLE_SECONDS_MIN: u64 = 10;
const CHECKOUT_SECONDS_MIN: u64 = 60;
const EMERGENCY_SECONDS_MAX: u64 = 86_400;
const REVIEW_SECONDS_MIN: u64 = 3600;
const REVIEW_SECONDS_MAX: u64 = 30 * 86_400;
const STATEMENT_RULES_MAX: usize = 100;
const STATEMENT_RULE_NAME_LEN_MAX: usize = 63;

/// One thing that is not true, and the field that it is not true of.
pub(super) struct Fault {
    pub(super) path: Vec<Step>,
    pub(super) message: String,
}

/// Collects what is not true, below one path.
struct Faults {
    base: Vec<Step>,
    found: Vec<Fault>,
}

impl Faults {
    fn at(&mut self, fields: &[&str], message: impl Into<String>) {
        let keys = fields.iter().map(|field| Step::Key((*field).to_owned()));
        let path = self.base.iter().cloned().chain(keys).collect();
        self.found.push(Fault { path, message: message.into() });
    }

    fn within(&mut self, steps: Vec<Step>, look: impl FnOnce(&mut Self)) {
        let outer = self.base.len();
        self.base.extend(steps);
        look(self);
        self.base.truncate(outer);
    }
}

/// Everything that is not true of `document`.
pub(super) fn check(document: &Document) -> Vec<Fault> {
    let mut faults = Faults { base: Vec::new(), found: Vec::new() };
    match document {
        Document::Asset(asset) => check_asset(asset, &mut faults),
        Document::Account(account) => check_account(account, &mut faults),
        Document::Group(group) => check_group(group, &mut faults),
        Document::Policy(policy) => check_policy(policy, &mut faults),
        Document::Role(role) => check_role(role, &mut faults),
        Document::SeparationOfDuties(duties) => {
            check_description(&duties.description, &mut faults);
            for (field, message) in duties.faults() {
                faults.at(&[field], message);
            }
        }
        Document::DiscoverySource(source) => {
            for (field, message) in source.faults() {
                faults.at(&[field], message);
            }
        }
    }
    faults.found
}

fn check_asset(asset: &AssetDocument, faults: &mut Faults) {
    if let Err(error) = split_address(&asset.address) {
        faults.at(&["address"], error.to_string());
    }
    if asset.labels.len() > LABELS_MAX {
        faults.at(&["labels"], format!("has more than {LABELS_MAX} labels"));
    }
    for (label, value) in &asset.labels {
        if label.is_empty() || label.len() > LABEL_LEN_MAX || label.chars().any(char::is_control) {
            faults.at(&["labels", label], format!("a label has 1 to {LABEL_LEN_MAX} bytes"));
        }
        if value.len() > LABEL_VALUE_LEN_MAX || value.chars().any(char::is_control) {
            faults.at(&["labels", label], format!("a label's value has at most {LABEL_VALUE_LEN_MAX} bytes"));
        }
    }
    check_rotation(asset.rotation.as_ref(), true, faults);
    if asset.server_ca.as_ref().is_some_and(|pem| !is_pem_certificates(pem)) {
        faults.at(&["server_ca"], "is not PEM: give the lines from BEGIN CERTIFICATE to END CERTIFICATE, no key");
    }
    check_column_tags(asset, faults);
    for key in asset.host_keys.iter().flatten() {
        if host_key_parts(key).is_none() {
            let given = shown(key);
            faults.at(
                &["host_keys"],
                format!("`{given}` is not a public key: write it as `ssh-keyscan` does, `ssh-ed25519 AAAA...`"),
            );
        }
    }
}

/// Policies rest on tags: one that could mean nothing is told rather than kept.
fn check_column_tags(asset: &AssetDocument, faults: &mut Faults) {
    let Some(tags) = asset.column_tags.as_ref().filter(|tags| !tags.is_empty()) else { return };
    if !asset.platform.is_database() {
        faults.at(&["column_tags"], "is for databases: postgresql, mysql, redis");
    }
    if tags.len() > COLUMN_TAGS_MAX {
        faults.at(&["column_tags"], format!("has more than {COLUMN_TAGS_MAX} tags"));
    }
    for (tag, columns) in tags {
        let mut fault = |message: String| faults.at(&["column_tags", tag.as_str()], message);
        if columns.is_empty() {
            fault("names no column: name one, or leave the tag out".to_owned());
        }
        if columns.len() > TAGGED_COLUMNS_MAX {
            fault(format!("names more than {TAGGED_COLUMNS_MAX} columns: write `*` for what differs"));
        }
        for column in columns {
            let given = shown(column);
            if column.is_empty() || column.len() > TAGGED_COLUMN_LEN_MAX || column.chars().any(char::is_control) {
                fault(format!("`{given}` is not a column: give 1 to {TAGGED_COLUMN_LEN_MAX} bytes, `*` for any text"));
            } else if asset.platform != Platform::Redis && (column.trim() != column || column.contains(['"', '`'])) {
                fault(format!("`{given}` has blanks or quotation marks around it: write the name alone"));
            } else if asset.platform != Platform::Redis
                && let Some((_, name)) = column.rsplit_once('.')
            {
                let name = shown(name);
                fault(format!(
                    "`{given}` names a table, which results do not tell: write `{name}`, for any table; for a dot in \
                     a name write `*`"
                ));
            }
        }
    }
}

fn check_account(account: &AccountDocument, faults: &mut Faults) {
    check_rotation(account.rotation.as_ref(), false, faults);
    let dependents = account.dependents.as_deref().unwrap_or_default();
    if dependents.len() > DEPENDENTS_MAX {
        faults.at(&["dependents"], format!("names more than {DEPENDENTS_MAX}"));
    }
    for (index, dependent) in dependents.iter().enumerate() {
        faults.within(vec![Step::Key("dependents".to_owned()), Step::Index(index)], |faults| {
            if dependents.iter().take(index).any(|earlier| earlier.name == dependent.name) {
                faults.at(&["name"], format!("`{}` stands there twice", shown(&dependent.name)));
            }
            for (field, message) in dependent.faults() {
                faults.at(&field.split('.').collect::<Vec<_>>(), message);
            }
        });
    }
}

fn check_rotation(rotation: Option<&RotationSetting>, on_asset: bool, faults: &mut Faults) {
    for (field, message) in rotation.iter().flat_map(|rotation| rotation.faults(on_asset)) {
        faults.at(&["rotation", field], message);
    }
}

fn check_description(description: &str, faults: &mut Faults) {
    if description.len() > DESCRIPTION_LEN_MAX {
        faults.at(&["description"], format!("is longer than {DESCRIPTION_LEN_MAX} bytes"));
    }
}

fn check_group(group: &GroupDocument, faults: &mut Faults) {
    check_description(&group.description, faults);
    for assignment in group.roles.iter().flatten() {
        if !group.scope.contains(&assignment.scope) {
            faults.at(
                &["roles"],
                format!(
                    "`{}` would hold in {}, outside the group's scope {}",
                    assignment.role, assignment.scope, group.scope
                ),
            );
        }
    }
}

fn check_role(role: &RoleDocument, faults: &mut Faults) {
    if built_in_roles().iter().any(|built_in| built_in.name == role.name) {
        faults.at(&["name"], format!("`{}` is built in and cannot be changed: choose another name", role.name));
    }
    if role.permissions.is_empty() {
        faults.at(&["permissions"], "name at least one permission");
    }
}

fn check_policy(policy: &PolicyDocument, faults: &mut Faults) {
    check_description(&policy.description, faults);
    if policy.subjects.is_empty() {
        faults.at(&["subjects"], "name at least one user or group: a policy about nobody does nothing");
    }
    for (name, value) in &policy.subjects.attributes {
        if name.is_empty() || value.is_empty() {
            faults.at(&["subjects", "attributes"], "an attribute has a name and a value");
        }
    }
    check_conditions(&policy.conditions, faults);
    check_ticket(policy, faults);
    check_risk(policy, faults);
    if policy.effect == Effect::Allow {
        check_obligations(&policy.obligations, faults);
        check_break_glass(policy, faults);
    }
}

fn check_ticket(policy: &PolicyDocument, faults: &mut Faults) {
    let Some(condition) = &policy.conditions.ticket else { return };
    let mut fault = |text: String| faults.at(&["conditions", "ticket"], text);
    if policy.effect != Effect::Allow || policy.access != Access::Request {
        fault("is for policies that allow for the asking: nobody else gives a ticket".to_owned());
    }
    let sound = |state: &String| {
        !state.trim().is_empty() && state.chars().count() <= ticket::STATE_LEN_MAX && !state.contains(char::is_control)
    };
    let (states, most) = (&condition.states, ticket::STATES_MAX);
    if states.is_empty() || states.len() > most || !states.iter().all(sound) {
        fault(format!("names 1 to {most} states, each as the ticket system calls it"));
    }
}

fn check_risk(policy: &PolicyDocument, faults: &mut Faults) {
    let fault = match (policy.effect, policy.conditions.risk) {
        (Effect::Allow, Some(RiskCondition::AtLeast(_))) => {
            "a policy that allows says `at_most`: give a policy of its own to what needs more approval"
        }
        (Effect::Deny, Some(RiskCondition::AtMost(_))) => "a policy that denies says `at_least`, from where on it does",
        (Effect::Allow, Some(RiskCondition::AtMost(RiskLevel::High)))
        | (Effect::Deny, Some(RiskCondition::AtLeast(RiskLevel::Low))) => "holds always: leave it out",
        _ => return,
    };
    faults.at(&["conditions", "risk"], fault);
}

fn check_conditions(conditions: &Conditions, faults: &mut Faults) {
    let field =
        |name: &str, index| vec![Step::Key("conditions".to_owned()), Step::Key(name.to_owned()), Step::Index(index)];
    for (index, network) in conditions.networks.iter().enumerate() {
        if network.trunc() != *network {
            faults.within(field("networks", index), |faults| {
                faults
                    .at(&[], format!("`{network}` is an address within a network: did you mean {}?", network.trunc()));
            });
        }
    }
    for (index, hours) in conditions.hours.iter().enumerate() {
        if hours.except.len() > EXCEPT_MAX {
            faults.within(field("hours", index), |faults| {
                faults.at(&["except"], format!("names more than {EXCEPT_MAX} days"));
            });
        }
        if let Err(error) = hours.check() {
            faults.within(field("hours", index), |faults| faults.at(&[], error.to_string()));
        }
    }
}

fn check_obligations(obligations: &ObligationsDocument, faults: &mut Faults) {
    faults.within(vec![Step::Key("obligations".to_owned())], |faults| {
        if obligations.capabilities.is_empty() {
            faults.at(&["capabilities"], "name at least one: a session that may do nothing is of no use");
        }
        match obligations.max_duration.seconds() {
            0 => faults.at(&["max_duration"], "is 0s: nobody could use the policy"),
            seconds if seconds > DURATION_SECONDS_MAX => faults.at(&["max_duration"], "is more than 90d"),
            _ => {}
        }
        if obligations.mfa_max_age.seconds() > DURATION_SECONDS_MAX {
            faults.at(&["mfa_max_age"], "is more than 90d");
        }
        if obligations.idle.is_some_and(|idle| idle.seconds() < IDLE_SECONDS_MIN) {
            faults.at(&["idle"], format!("is less than {IDLE_SECONDS_MIN}s"));
        }
        match obligations.checkout.map(Period::seconds) {
            Some(seconds) if seconds < CHECKOUT_SECONDS_MIN => {
                faults.at(&["checkout"], format!("is less than {CHECKOUT_SECONDS_MIN}s"));
            }
            Some(seconds) if seconds > DURATION_SECONDS_MAX => faults.at(&["checkout"], "is more than 90d"),
            _ => {}
        }
        for (field, message) in obligations.provision.iter().flat_map(ProvisionRule::faults) {
            faults.at(&["provision", field], message);
        }
        if let Some(statements) = &obligations.statements {
            check_statements(statements, faults);
        }
        if obligations.concurrent_sessions == Some(0) {
            faults.at(&["concurrent_sessions"], "is 0: nobody could use the policy");
        }
        if obligations.clipboard.paste_bytes_max == Some(0) {
            faults.at(&["clipboard", "paste_bytes_max"], "is 0: write paste: false where nothing may be pasted");
        }
        if let Some(rule) = &obligations.approval {
            faults.within(vec![Step::Key("approval".to_owned())], |faults| check_approval(rule, faults));
        }
        if obligations.ticket_checked && obligations.ticket_pattern.is_none() {
            faults.at(&["ticket_checked"], "needs ticket_pattern: without a ticket there is nothing to check");
        }
        if let Some(pattern) = &obligations.ticket_pattern
            && let Err(error) = ticket::compile(pattern)
        {
            faults.at(&["ticket_pattern"], error.to_string());
        }
    });
}

fn check_approval(rule: &ApprovalRule, faults: &mut Faults) {
    let count = |given: u8, faults: &mut Faults| {
        if !(1..=APPROVALS_MAX).contains(&given) {
            faults.at(&["count"], format!("is {given}: ask for 1 to {APPROVALS_MAX} people"));
        }
    };
    count(rule.count, faults);
    if rule.next.len() > STAGES_MAX {
        faults.at(&["next"], format!("has more than {STAGES_MAX} stages"));
    }
    for (index, stage) in rule.next.iter().enumerate() {
        faults.within(vec![Step::Key("next".to_owned()), Step::Index(index)], |faults| count(stage.count, faults));
    }
    if rule.remind.is_some_and(|every| every.seconds() < REMIND_SECONDS_MIN) {
        faults.at(&["remind"], format!("is less than {REMIND_SECONDS_MIN}s"));
    }
    if let Some(more) = &rule.escalate {
        if more.groups.is_empty() {
            faults.at(&["escalate", "groups"], "name at least one group");
        }
        if more.after.seconds() == 0 {
            faults.at(&["escalate", "after"], "is 0s: name these groups beside the others instead");
        }
    }
}

/// Break-glass is asked for, with an incident and a reason, and lasts for as long as an emergency does.
fn check_break_glass(policy: &PolicyDocument, faults: &mut Faults) {
    let obligations = &policy.obligations;
    let Some(rule) = &obligations.break_glass else { return };
    if policy.access != Access::Request {
        faults.at(&["access"], "must be `request` where there is break_glass: each use has its incident");
    }
    faults.within(vec![Step::Key("obligations".to_owned())], |faults| {
        if obligations.ticket_pattern.is_none() {
            faults.at(&["ticket_pattern"], "is needed where there is break_glass: it says how incidents are written");
        }
        if !obligations.reason_required {
            faults.at(&["reason_required"], "must be true where there is break_glass");
        }
        if obligations.max_duration.seconds() > EMERGENCY_SECONDS_MAX {
            faults.at(&["max_duration"], "is more than 24h, which no emergency access lasts");
        }
        if !(REVIEW_SECONDS_MIN..=REVIEW_SECONDS_MAX).contains(&rule.review_within.seconds()) {
            faults.at(&["break_glass", "review_within"], "is not between 1h and 30d");
        }
    });
}

fn check_statements(statements: &Statements, faults: &mut Faults) {
    let key = |name: &str| Step::Key(name.to_owned());
    if let Some(capture) = &statements.capture {
        for (name, value, max) in
            [("rows", capture.rows, CAPTURE_ROWS_MAX), ("bytes", capture.bytes, CAPTURE_BYTES_MAX)]
        {
            if !(1..=max).contains(&value) {
                faults.at(&["statements", "capture", name], format!("is {value}, not between 1 and {max}"));
            }
        }
    }
    if statements.rules.len() > STATEMENT_RULES_MAX {
        faults.at(&["statements", "rules"], format!("has more than {STATEMENT_RULES_MAX} rules"));
    }
    for (index, rule) in statements.rules.iter().enumerate() {
        faults.within(vec![key("statements"), key("rules"), Step::Index(index)], |faults| {
            let length = rule.name.chars().count();
            if length == 0 || length > STATEMENT_RULE_NAME_LEN_MAX || rule.name.chars().any(char::is_control) {
                faults.at(
                    &["name"],
                    format!("give it a name of 1 to {STATEMENT_RULE_NAME_LEN_MAX} characters: whom it stops reads it"),
                );
            }
            if rule.action == StatementAction::Allow && !rule.functions.is_empty() {
                faults.at(&["functions"], "an allow is about what a statement does, not about what it calls");
            }
            for table in &rule.tables {
                if table.is_empty() || table.split('.').count() > 2 || table.split('.').any(str::is_empty) {
                    faults.at(&["tables"], format!("`{}` is not a table: write name or schema.name", shown(table)));
                }
            }
        });
    }
}
