-- Times are milliseconds since the Unix epoch, UTC. Scopes are canonical paths. Documents that are
-- only ever read whole (obligations, selectors) are JSON text. No secret is stored in clear.

create table scope (
    path text not null constraint scope_pk primary key,
    created_at integer not null
) strict;

create table user (
    id text not null constraint user_pk primary key,
    name text not null constraint user_name_unique unique,
    email text,
    scope text not null constraint user_scope_fk references scope (path),
    state text not null constraint user_state_known check (state in ('invited', 'active', 'disabled')),
    password_hash text,
    totp_sealed blob,
    totp_last_step integer not null default 0,
    created_at integer not null,
    last_seen_at integer
) strict;

create table user_group (
    id text not null constraint user_group_pk primary key,
    tenant text not null,
    name text not null,
    scope text not null constraint user_group_scope_fk references scope (path),
    description text not null default '',
    constraint user_group_name_unique unique (tenant, name)
) strict;

create table group_member (
    group_id text not null constraint group_member_group_fk references user_group (id) on delete cascade,
    user_id text not null constraint group_member_user_fk references user (id),
    constraint group_member_pk primary key (group_id, user_id)
) strict, without rowid;
create index group_member_user on group_member (user_id);

create table role (
    name text not null constraint role_pk primary key,
    permissions text not null
) strict;

create table role_assignment (
    role text not null,
    scope text not null constraint role_assignment_scope_fk references scope (path),
    user_id text constraint role_assignment_user_fk references user (id),
    group_id text constraint role_assignment_group_fk references user_group (id) on delete cascade,
    constraint role_assignment_holder check ((user_id is null) <> (group_id is null)),
    constraint role_assignment_unique unique (role, scope, user_id, group_id)
) strict;

create table recovery_code (
    user_id text not null constraint recovery_code_user_fk references user (id),
    hash text not null,
    used_at integer,
    constraint recovery_code_pk primary key (user_id, hash)
) strict, without rowid;

create table ssh_key (
    id text not null constraint ssh_key_pk primary key,
    user_id text not null constraint ssh_key_user_fk references user (id),
    fingerprint text not null constraint ssh_key_fingerprint_unique unique,
    algorithm text not null,
    public_key text not null,
    comment text not null,
    created_at integer not null,
    last_used_at integer
) strict;

-- One-time links: set-up, enrolment, confirmation of a factor for a waiting gateway.
create table link (
    id text not null constraint link_pk primary key,
    hash text not null constraint link_hash_unique unique,
    purpose text not null constraint link_purpose_known check (purpose in ('setup', 'enrol', 'factor')),
    user_id text constraint link_user_fk references user (id),
    source text,
    created_at integer not null,
    expires_at integer not null,
    used_at integer
) strict;

create table login (
    id text not null constraint login_pk primary key,
    hash text not null constraint login_hash_unique unique,
    user_id text not null constraint login_user_fk references user (id),
    source text not null,
    client text not null,
    created_at integer not null,
    last_used_at integer not null,
    expires_at integer not null,
    ended_at integer,
    mfa_at integer
) strict;
create index login_user on login (user_id);

create table api_token (
    id text not null constraint api_token_pk primary key,
    hash text not null constraint api_token_hash_unique unique,
    user_id text not null constraint api_token_user_fk references user (id),
    name text not null,
    permissions text not null,
    scope text not null constraint api_token_scope_fk references scope (path),
    created_at integer not null,
    expires_at integer not null,
    revoked_at integer,
    last_used_at integer
) strict;

-- When a person last proved a second factor to a gateway: by which key, from which address.
create table factor_proof (
    user_id text not null constraint factor_proof_user_fk references user (id),
    ssh_key text not null,
    source text not null,
    proved_at integer not null,
    constraint factor_proof_pk primary key (user_id, ssh_key, source)
) strict, without rowid;

-- Failures by who was tried and from where, so that nobody can lock out somebody else.
create table throttle (
    subject text not null,
    source text not null,
    failures integer not null,
    last_at integer not null,
    constraint throttle_pk primary key (subject, source)
) strict, without rowid;

create table asset (
    id text not null constraint asset_pk primary key,
    tenant text not null,
    name text not null,
    scope text not null constraint asset_scope_fk references scope (path),
    platform text not null,
    address text not null,
    labels text not null,
    created_at integer not null,
    constraint asset_name_unique unique (tenant, name)
) strict;

create table host_key (
    id text not null constraint host_key_pk primary key,
    asset_id text not null constraint host_key_asset_fk references asset (id),
    fingerprint text not null,
    public_key text not null,
    state text not null constraint host_key_state_known check (state in ('seen', 'pinned', 'rejected')),
    seen_at integer not null,
    constraint host_key_unique unique (asset_id, fingerprint)
) strict;

create table account (
    id text not null constraint account_pk primary key,
    asset_id text not null constraint account_asset_fk references asset (id),
    name text not null,
    credential text not null constraint account_credential_known
        check (credential in ('password', 'ssh_key', 'ssh_certificate')),
    owner_id text constraint account_owner_fk references user (id),
    state text not null constraint account_state_known
        check (state in ('discovered', 'managed', 'orphaned', 'disabled')),
    created_at integer not null,
    last_used_at integer,
    constraint account_unique unique (asset_id, name)
) strict;

-- Append-only versions; the newest is current.
create table secret (
    id text not null constraint secret_pk primary key,
    account_id text not null constraint secret_account_fk references account (id),
    version integer not null,
    sealed blob not null,
    created_at integer not null,
    constraint secret_version_unique unique (account_id, version)
) strict;

create table policy (
    id text not null constraint policy_pk primary key,
    tenant text not null,
    name text not null,
    scope text not null constraint policy_scope_fk references scope (path),
    body text not null,
    revision integer not null,
    deleted_at integer
) strict;
create unique index policy_name_unique on policy (tenant, name) where deleted_at is null;

create table request (
    id text not null constraint request_pk primary key,
    user_id text not null constraint request_user_fk references user (id),
    account_id text not null constraint request_account_fk references account (id),
    scope text not null,
    duration_seconds integer not null,
    reason text not null,
    ticket text,
    state text not null constraint request_state_known
        check (state in ('pending', 'granted', 'denied', 'expired', 'withdrawn')),
    policy_id text not null constraint request_policy_fk references policy (id),
    approval text,
    obligations text not null,
    created_at integer not null,
    expires_at integer not null
) strict;
create index request_user on request (user_id);
create index request_state on request (state);

create table approval (
    request_id text not null constraint approval_request_fk references request (id),
    user_id text not null constraint approval_user_fk references user (id),
    approved integer not null,
    reason text,
    at integer not null,
    constraint approval_pk primary key (request_id, user_id)
) strict, without rowid;

create table access_grant (
    id text not null constraint access_grant_pk primary key,
    request_id text not null constraint access_grant_request_unique unique
        constraint access_grant_request_fk references request (id),
    user_id text not null constraint access_grant_user_fk references user (id),
    account_id text not null constraint access_grant_account_fk references account (id),
    scope text not null,
    policy_id text not null constraint access_grant_policy_fk references policy (id),
    obligations text not null,
    starts_at integer not null,
    ends_at integer not null,
    revoked_at integer,
    revoked_reason text,
    constraint access_grant_window check (ends_at > starts_at)
) strict;
create index access_grant_user_account on access_grant (user_id, account_id);
create index access_grant_ends on access_grant (ends_at);

create table session (
    id text not null constraint session_pk primary key,
    user_id text not null constraint session_user_fk references user (id),
    account_id text not null constraint session_account_fk references account (id),
    scope text not null,
    protocol text not null,
    source text not null,
    policy_id text not null constraint session_policy_fk references policy (id),
    grant_id text constraint session_grant_fk references access_grant (id),
    state text not null constraint session_state_known check (state in ('opening', 'live', 'ended')),
    started_at integer not null,
    ends_by integer not null,
    ended_at integer,
    end_reason text,
    recording_bytes integer,
    recording_digest text,
    constraint session_end check ((state = 'ended') = (ended_at is not null))
) strict;
create index session_open on session (state) where state <> 'ended';
create index session_user on session (user_id, account_id);

-- Effects outside this database: written before, resolved after; open ones are closed at start.
create table intent (
    id text not null constraint intent_pk primary key,
    action text not null,
    target text not null,
    scope text not null,
    leaf integer not null,
    created_at integer not null,
    resolved_at integer,
    outcome text
) strict;
create index intent_open on intent (created_at) where resolved_at is null;

-- The ledger. A leaf's body is what was hashed; the other columns are for finding it.
create table leaf (
    leaf_index integer not null constraint leaf_pk primary key,
    hash blob not null,
    body blob not null,
    at integer not null,
    actor text not null,
    action text not null,
    target text not null,
    scope text not null,
    outcome text not null
) strict;
create index leaf_action on leaf (action, leaf_index);
create index leaf_actor on leaf (actor, leaf_index);
create index leaf_target on leaf (target, leaf_index);

create trigger leaf_append_only_update before update on leaf
begin select raise(abort, 'the ledger is append-only'); end;
create trigger leaf_append_only_delete before delete on leaf
begin select raise(abort, 'the ledger is append-only'); end;

create table setting (
    name text not null constraint setting_pk primary key,
    value text not null
) strict, without rowid;

create table idempotency (
    caller text not null,
    key text not null,
    request_hash text not null,
    status integer not null,
    body blob not null,
    created_at integer not null,
    constraint idempotency_pk primary key (caller, key)
) strict, without rowid;

insert into scope (path, created_at) values ('/', 0);
