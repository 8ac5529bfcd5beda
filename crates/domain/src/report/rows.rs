//! The rows that reports are made from. Each is one thing that an auditor can look up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::account::{AccountState, CredentialKind};
use crate::scope::ScopePath;
use crate::time::Timestamp;

macro_rules! rows {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }
    )*};
}

rows! {
    /// A privileged account that is known, whether governed or only found.
    AccountRow {
        /// The asset.
        asset: String,
        /// Its name there.
        account: String,
        /// Where it belongs.
        scope: ScopePath,
        /// The asset's platform.
        platform: String,
        /// Where it stands; `discovered` also where it was found and never taken in.
        state: AccountState,
        /// How it is proved to its target, where it is governed.
        credential: Option<CredentialKind>,
        /// Who answers for it.
        owner: Option<String>,
        /// Whether whoever answers for it may still act.
        owner_active: bool,
        /// Whether the vault holds what opens it, or nothing needs to be held.
        vaulted: bool,
        /// When a session used it last.
        last_used_at: Option<Timestamp>,
        /// When its secret was set.
        secret_set_at: Option<Timestamp>,
        /// How old its secret may be, in seconds; none where nothing says.
        rotate_seconds: Option<u64>,
        /// Whether its secret is older than it may be.
        overdue: bool,
        /// How the last look went: whether the secret opens it.
        heartbeat: Option<String>,
        /// What discovery thinks is wrong with it, by kind.
        findings: Option<String>,
        /// Whether one of these is high or critical.
        serious: bool,
    }

    /// A right, and who said so.
    AccessRow {
        /// `grant`, `standing` or `role`.
        kind: String,
        /// Who holds it: people, and groups with `@`.
        holder: String,
        /// To what.
        right: String,
        /// Where.
        scope: ScopePath,
        /// The policy or the role that it comes from.
        through: String,
        /// Who said yes to it.
        approved_by: Option<String>,
        /// Whether the policy asks for a person's yes.
        needs_approval: bool,
        /// Why it was asked for.
        reason: Option<String>,
        /// The ticket.
        ticket: Option<String>,
        /// Since when.
        since: Option<Timestamp>,
        /// Until when; none where it does not end by itself.
        until: Option<Timestamp>,
    }

    /// A use of an account: a session or a check-out.
    UseRow {
        /// Its identifier.
        id: String,
        /// `session` or `checkout`.
        kind: String,
        /// Who.
        user: String,
        /// On which asset.
        asset: String,
        /// As which account.
        account: String,
        /// Where that belongs.
        scope: ScopePath,
        /// How: the protocol, or the reason of a check-out.
        how: String,
        /// From which address.
        source: Option<String>,
        /// The policy that allowed it.
        policy: String,
        /// The grant that it used.
        grant: Option<String>,
        /// When it began.
        since: Timestamp,
        /// When it was over.
        until: Option<Timestamp>,
        /// How it ended.
        end: Option<String>,
        /// The digest of its recording, where there is one.
        recording: Option<String>,
        /// When its recording was taken away.
        pruned_at: Option<Timestamp>,
        /// For a check-out, whether the secret was changed afterwards.
        rotated: bool,
    }

    /// Something that a detection rule found.
    AlertRow {
        /// Its identifier.
        id: String,
        /// When it was found first.
        at: Timestamp,
        /// The rule.
        rule: String,
        /// What the rule is called.
        title: String,
        /// How bad it is.
        severity: String,
        /// Where it belongs.
        scope: ScopePath,
        /// Whose doing it is, where that is known.
        user: String,
        /// On which account, where it is about one.
        account: String,
        /// What was done at once.
        response: String,
        /// How often it was found.
        times: u64,
        /// How it stands.
        state: String,
        /// Who looks at it.
        assignee: Option<String>,
        /// When it was closed.
        closed_at: Option<Timestamp>,
        /// By whom.
        closed_by: Option<String>,
        /// As what.
        verdict: Option<String>,
    }

    /// A change of a secret.
    RotationRow {
        /// Its identifier.
        id: String,
        /// The asset.
        asset: String,
        /// The account.
        account: String,
        /// Where it belongs.
        scope: ScopePath,
        /// What caused it.
        cause: String,
        /// How far it has come.
        state: String,
        /// How often it was tried.
        attempts: u32,
        /// What there is to say of it.
        note: Option<String>,
        /// When it was due.
        since: Timestamp,
        /// When it was over.
        until: Option<Timestamp>,
    }

    /// A review of access.
    ReviewRow {
        /// Its identifier.
        id: String,
        /// What it is called.
        name: String,
        /// What lies here and below was reviewed.
        scope: ScopePath,
        /// Who started it.
        author: String,
        /// When.
        since: Timestamp,
        /// Until when it could be answered.
        due: Timestamp,
        /// When it was closed.
        until: Option<Timestamp>,
        /// How many rights were in it.
        items: u64,
        /// How many somebody answered for, so that they stay.
        kept: u64,
        /// How many are there for the asking only.
        reduced: u64,
        /// How many were taken away.
        revoked: u64,
        /// How many nobody answered for: those that are among the reduced and the taken away went for that
        /// reason, the others stay.
        unanswered: u64,
        /// How many decisions could not be carried out.
        failed: u64,
    }

    /// A use of break-glass.
    BreakGlassRow {
        /// Its identifier.
        id: String,
        /// How: through Postern, or with a bundle.
        tier: String,
        /// Who.
        user: String,
        /// What.
        target: String,
        /// Where that belongs.
        scope: ScopePath,
        /// The incident.
        incident: String,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
        /// Until when it was to be reviewed.
        review_until: Timestamp,
        /// When it was reviewed.
        reviewed_at: Option<Timestamp>,
        /// By whom.
        reviewed_by: Option<String>,
        /// Whether they found it justified.
        justified: Option<bool>,
    }

    /// A separation of duties, and somebody who holds together what it keeps apart.
    DutiesRow {
        /// The separation.
        name: String,
        /// Where it holds.
        scope: ScopePath,
        /// Who breaks it; none where nobody does.
        user: Option<String>,
        /// The one thing.
        one: Option<String>,
        /// The other.
        other: Option<String>,
    }

    /// A person, and what they could act with.
    PersonRow {
        /// Their name.
        user: String,
        /// Where they belong.
        scope: ScopePath,
        /// `invited`, `active` or `disabled`.
        state: String,
        /// `person` or `workload`.
        kind: String,
        /// The company that they are of, for somebody who is let in as a vendor.
        vendor: Option<String>,
        /// Who sponsors them there.
        sponsor: Option<String>,
        /// When a vendor's access ends.
        ends_at: Option<Timestamp>,
        /// Whether they have a second factor.
        second_factor: bool,
        /// Whether it is a passkey.
        passkey: bool,
        /// When they were last seen.
        last_seen_at: Option<Timestamp>,
        /// When they were made.
        created_at: Timestamp,
        /// When they were last disabled.
        disabled_at: Option<Timestamp>,
        /// Who disabled them.
        disabled_by: Option<String>,
        /// Grants that they could still use.
        grants: u64,
        /// Sessions of theirs that are not over.
        sessions: u64,
        /// Logins and tokens of theirs that still hold.
        credentials: u64,
        /// Accounts that they answer for.
        accounts: u64,
        /// Accounts whose secret, as it is now, they have seen.
        secrets_known: u64,
    }

    /// A change of who may do what.
    ChangeRow {
        /// Its place in the ledger.
        leaf: u64,
        /// When.
        at: Timestamp,
        /// Who.
        actor: String,
        /// What.
        action: String,
        /// Of what.
        target: String,
        /// Where that belongs.
        scope: ScopePath,
        /// How it came out.
        outcome: String,
    }

    /// Something wrong that somebody has accepted for a time.
    ExceptionRow {
        /// On what.
        target: String,
        /// Where that belongs.
        scope: ScopePath,
        /// What is wrong.
        kind: String,
        /// How bad it is.
        severity: String,
        /// Who accepts it.
        owner: Option<String>,
        /// Until when.
        until: Option<Timestamp>,
        /// Why.
        note: Option<String>,
    }

    /// A way out for events.
    ChannelRow {
        /// Its name.
        name: String,
        /// How many events it has yet to look at.
        behind: u64,
        /// When something was delivered last.
        delivered_at: Option<Timestamp>,
        /// Why it cannot deliver, where it cannot.
        failure: Option<String>,
    }
}

/// The part of the ledger that a report rests on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerRange {
    /// The first event of the period.
    pub first: u64,
    /// The last event of the period.
    pub last: u64,
    /// How many events of the period there are.
    pub events: u64,
    /// How many leaves the log had before the period.
    pub from_size: u64,
    /// The root over these, hex.
    pub from_root: String,
    /// How many leaves the signed log has.
    pub size: u64,
    /// The root over these, hex.
    pub root: String,
    /// The hashes that show that the one is the beginning of the other (RFC 6962), hex.
    pub consistency: Vec<String>,
    /// The signed checkpoint.
    pub checkpoint: String,
    /// Whether the proof was made and holds.
    pub proven: bool,
}

/// Hosts that discovery has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostCounts {
    /// How many answer.
    pub found: u64,
    /// How many of them are assets.
    pub known: u64,
    /// How many assets there are.
    pub assets: u64,
    /// How many of these were looked into in the last 30 days.
    pub discovered: u64,
}

/// Everything that reports are made from, in one scope and over one period.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "each is named for its rows")]
pub struct ReportFacts {
    pub accounts: Vec<AccountRow>,
    pub access: Vec<AccessRow>,
    pub uses: Vec<UseRow>,
    pub alerts: Vec<AlertRow>,
    pub rotations: Vec<RotationRow>,
    pub reviews: Vec<ReviewRow>,
    pub break_glass: Vec<BreakGlassRow>,
    pub duties: Vec<DutiesRow>,
    pub people: Vec<PersonRow>,
    pub changes: Vec<ChangeRow>,
    pub exceptions: Vec<ExceptionRow>,
    pub channels: Vec<ChannelRow>,
    pub hosts: HostCounts,
    pub ledger: LedgerRange,
}
