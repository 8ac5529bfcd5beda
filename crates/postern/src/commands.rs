//! The commands, one file per noun.

use clap::Subcommand;

use crate::exit::Failure;
use crate::output::Format;

mod access;
mod account;
mod alert;
mod answers;
mod apply;
mod archive;
mod asset;
mod audit;
mod backup;
mod break_glass;
mod checkout;
mod connect;
mod discovery;
mod duties;
mod grant;
mod group;
mod hold;
mod login;
mod notice;
mod policy;
mod report;
mod request;
mod review;
mod right_size;
mod role;
mod rotation;
mod search;
mod server;
mod session;
mod ssh_key;
mod stand_in;
mod statement;
mod status;
mod template;
mod token;
mod user;
mod vault;
mod witness;

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Prepare a data folder and its first administrator, offline.
    Setup(server::Setup),
    /// Run the server.
    Serve(server::Serve),
    /// Sign in, or prove a second factor again.
    Login(login::Login),
    /// Sign out.
    Logout(login::Logout),
    /// Show who is signed in and what they may do.
    Whoami(login::WhoAmICommand),
    /// Make, list, show, disable, enable users; issue enrolment links; set roles.
    #[command(subcommand)]
    User(user::UserCommand),
    /// List, show, change, remove groups.
    #[command(subcommand)]
    Group(group::GroupCommand),
    /// List and define roles of Postern itself.
    #[command(subcommand)]
    Role(role::RoleCommand),
    /// List and make scopes.
    #[command(subcommand)]
    Scope(role::ScopeCommand),
    /// Register, list and remove your own SSH keys.
    #[command(subcommand)]
    SshKey(ssh_key::SshKeyCommand),
    /// Make, list and revoke your own API tokens.
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Make true what documents declare: assets, accounts, groups, policies, roles, discovery sources.
    Apply(apply::Apply),
    /// List and show assets; decide on their host keys.
    #[command(subcommand)]
    Asset(asset::AssetCommand),
    /// List and show accounts; store their secrets.
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// Look at assets for accounts, and at networks for hosts: run, list, show, cancel, set, sources, hosts, adopt.
    #[command(subcommand)]
    Discover(discovery::DiscoverCommand),
    /// List accounts that discovery has seen, and why they are privileged.
    Accounts(discovery::Accounts),
    /// List what discovery thinks is wrong; adopt, own, disable, remove, accept.
    Findings(discovery::Findings),
    /// List, show, delete policies; tell what drafts would change.
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// List what detection found in sessions and in the ledger.
    Alerts(alert::Alerts),
    /// Show, assign, comment and close an alert.
    #[command(subcommand)]
    Alert(alert::AlertCommand),
    /// List, show, try, switch and change detection rules.
    #[command(subcommand)]
    Detect(alert::DetectCommand),
    /// List and delete what nobody may hold together.
    #[command(subcommand)]
    Duties(duties::DutiesCommand),
    /// List what you can reach or ask for.
    Access(access::Access),
    /// Say why somebody can or cannot do something with an account.
    Why(answers::Why),
    /// List who can do something with an account, or with the accounts of a label.
    WhoCan(answers::WhoCanCommand),
    /// List what somebody can reach or ask for.
    WhatCan(answers::WhatCan),
    /// Connect to a database with the client that speaks to it.
    Connect(connect::Connect),
    /// Offer a database on a local port, without a password there.
    Proxy(connect::Proxy),
    /// List statements that wait for somebody's yes.
    Statements(statement::Statements),
    /// Say yes or no to a statement that waits.
    #[command(subcommand)]
    Statement(statement::StatementCommand),
    /// Ask for access.
    Request(request::Ask),
    /// Keep, list and forget wishes.
    #[command(subcommand)]
    Template(template::TemplateCommand),
    Attach(template::Attach),
    Attachments(template::Attachments),
    /// List requests.
    Requests(request::Requests),
    /// Say yes to somebody's request.
    Approve(request::Approve),
    Approvers(request::Approvers),
    /// Name who answers requests while you are away; list, end.
    #[command(subcommand)]
    StandIn(stand_in::StandInCommand),
    Notices(notice::Notices),
    Comment(request::Comment),
    /// Say no to somebody's request.
    Deny(request::Deny),
    /// Take your own request back.
    Withdraw(request::Withdraw),
    /// Review who has what access: list, start, show, items, keep, reduce, revoke, close, stop, evidence, verify.
    #[command(subcommand)]
    Review(review::ReviewCommand),
    /// Reports for auditors: kinds, run, list, get, review, schedule, schedules, unschedule.
    #[command(subcommand)]
    Report(report::ReportCommand),
    /// Tell what policies give that nobody has used, and narrower ones that would have done.
    RightSize(right_size::RightSize),
    /// List grants.
    Grants(grant::Grants),
    Extend(grant::Extend),
    HandBack(grant::HandBack),
    /// End a grant early.
    Revoke(grant::Revoke),
    /// Change the secret of an account, or of every account of a label.
    Rotate(rotation::Rotate),
    /// List, show, stop rotations.
    #[command(subcommand)]
    Rotation(rotation::RotationCommand),
    /// List what was made on targets for sessions.
    Provisions(rotation::Provisions),
    /// See the secret of an account, for what cannot be brokered.
    Checkout(checkout::Open),
    /// Give a secret back: it is changed at once.
    Checkin(checkout::Close),
    /// List check-outs.
    Checkouts(checkout::Checkouts),
    /// Emergencies: list and review uses; plan, write and account for bundles.
    #[command(subcommand)]
    BreakGlass(break_glass::BreakGlassCommand),
    /// List the ways out for events, and how far each has come.
    Channels(break_glass::Channels),
    /// Show the archive, and how far it has come.
    Archive(archive::Archive),
    /// Show how long recordings are kept, and how many there are.
    Retention(hold::RetentionCommand),
    /// Keep recordings whatever their age, and release them.
    #[command(subcommand)]
    Hold(hold::HoldCommand),
    /// List the witnesses, and how much of the ledger each has seen.
    Witnesses(witness::Witnesses),
    /// Try a channel, or tell it again what it was told.
    #[command(subcommand)]
    Channel(break_glass::ChannelCommand),
    /// Show the server's state.
    Status(status::Status),
    /// List sessions: one's own, and those one may see.
    Sessions(session::Sessions),
    Search(search::Search),
    /// Show, watch, play, export, message or terminate one session.
    #[command(subcommand)]
    Session(session::SessionCommand),
    /// List, prove, verify or export the ledger.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Seal, unseal, rotate keys.
    #[command(subcommand)]
    Vault(vault::VaultCommand),
    /// Show the key that targets trust for the gateway's user certificates (sshd: TrustedUserCAKeys).
    SshCa(vault::SshCa),
    /// Write a backup of a data folder to one file.
    Backup(backup::Backup),
    /// Make a data folder from a backup.
    Restore(backup::Restore),
}

/// Runs a command: those before the semicolon by themselves, the others in the format that was asked for.
macro_rules! run {
    ($command:ident, $format:ident: $($silent:ident)*; $($telling:ident)*) => {
        match $command {
            $(Command::$silent(args) => args.run().await,)*
            $(Command::$telling(args) => args.run($format).await,)*
        }
    };
}

/// Does it; gives the exit code.
pub(crate) async fn run(command: Command, format: Format) -> Result<u8, Failure> {
    run! {
        command, format: Serve Proxy;
            Setup Login Logout Whoami User Group Role Scope SshKey Token Apply Asset Account Discover Accounts
            Findings Policy Duties Alerts Alert Detect Access Why WhoCan WhatCan Connect Statements Statement
            Request Notices Template Attach Attachments Requests Approve Approvers StandIn Comment Deny
            Withdraw Report Review RightSize Grants Extend HandBack Revoke Rotate Rotation Provisions Checkout
            Checkin Checkouts BreakGlass Channels Archive Retention Hold Witnesses Channel Status Sessions Search Session
            Audit Vault SshCa Backup Restore
    }
}
