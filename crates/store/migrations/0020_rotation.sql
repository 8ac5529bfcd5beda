-- Versions of a secret are append-only. One is the account's; one at most is to become it.
alter table secret add column state text not null default 'previous'
    constraint secret_state_known check (state in ('candidate', 'current', 'previous', 'rejected'));
alter table secret add column verified_at integer;
update secret set state = 'current'
    where version = (select max(newest.version) from secret newest where newest.account_id = secret.account_id);
create unique index secret_current on secret (account_id) where state = 'current';
create unique index secret_candidate on secret (account_id) where state = 'candidate';

-- How secrets are looked after. What is null is taken from the asset, and there it is not set.
create table account_rotation (
    account_id text not null constraint account_rotation_pk primary key
        constraint account_rotation_account_fk references account (id),
    every_seconds integer,
    after_use integer,
    heartbeat_seconds integer,
    dependents text not null
) strict, without rowid;

create table asset_rotation (
    asset_id text not null constraint asset_rotation_pk primary key
        constraint asset_rotation_asset_fk references asset (id),
    every_seconds integer,
    after_use integer,
    heartbeat_seconds integer,
    reconcile text not null
) strict, without rowid;

-- Rotations that were asked for at once.
create table rotation_run (
    id text not null constraint rotation_run_pk primary key,
    scope text not null,
    account text,
    labels text not null,
    requested_by text not null,
    reason text not null,
    state text not null constraint rotation_run_state_known check (state in ('running', 'stopped', 'done')),
    concurrency integer not null,
    failures_max integer not null,
    stopped_reason text,
    created_at integer not null,
    ended_at integer
) strict;

-- One rotation; `machine` is the state machine's own record. Whoever works on it has its lease, and
-- writes only while `fence` is the one that the lease was given with.
create table rotation (
    id text not null constraint rotation_pk primary key,
    account_id text not null constraint rotation_account_fk references account (id),
    asset_id text not null constraint rotation_asset_fk references asset (id),
    scope text not null,
    cause text not null constraint rotation_cause_known check (cause in ('schedule', 'use', 'checkin', 'demand')),
    run_id text constraint rotation_run_fk references rotation_run (id),
    state text not null,
    machine text not null,
    version integer,
    attempts integer not null default 0,
    note text,
    fence integer not null default 0,
    lease_until integer not null default 0,
    next_at integer,
    created_at integer not null,
    ended_at integer
) strict;
create unique index rotation_open on rotation (account_id) where ended_at is null;
create index rotation_next on rotation (next_at) where ended_at is null;
create index rotation_open_asset on rotation (asset_id) where ended_at is null;
create index rotation_of_run on rotation (run_id, state);
create index rotation_of_account on rotation (account_id, id);

-- The last look at whether a vaulted secret opens its account.
create table heartbeat (
    account_id text not null constraint heartbeat_pk primary key
        constraint heartbeat_account_fk references account (id),
    result text constraint heartbeat_result_known check (result in ('accepted', 'rejected', 'unclear')),
    detail text,
    checked_at integer,
    next_at integer not null
) strict, without rowid;
create index heartbeat_next on heartbeat (next_at);

-- What has yet to be told of a new secret, written in the transaction that made it the account's.
create table dependent_push (
    account_id text not null constraint dependent_push_account_fk references account (id),
    name text not null,
    state text not null constraint dependent_push_state_known
        check (state in ('pending', 'told', 'rolled_back', 'failed')),
    version integer not null,
    note text,
    at integer,
    fence integer not null default 0,
    lease_until integer not null default 0,
    next_at integer,
    attempts integer not null default 0,
    constraint dependent_push_pk primary key (account_id, name)
) strict, without rowid;
create index dependent_push_next on dependent_push (next_at) where next_at is not null;

create table checkout (
    id text not null constraint checkout_pk primary key,
    user_id text not null constraint checkout_user_fk references user (id),
    account_id text not null constraint checkout_account_fk references account (id),
    scope text not null,
    policy_id text not null constraint checkout_policy_fk references policy (id),
    grant_id text constraint checkout_grant_fk references access_grant (id),
    reason text not null,
    version integer not null,
    state text not null constraint checkout_state_known check (state in ('open', 'checked_in', 'expired')),
    opened_at integer not null,
    ends_at integer not null,
    ended_at integer,
    rotation_id text
) strict;
create unique index checkout_open on checkout (account_id) where state = 'open';
create index checkout_ends on checkout (ends_at) where state = 'open';

-- What is made on targets for sessions. Its end is written down with its beginning.
create table provision (
    id text not null constraint provision_pk primary key,
    account_id text constraint provision_account_fk references account (id),
    asset_id text not null constraint provision_asset_fk references asset (id),
    account text not null,
    scope text not null,
    name text not null,
    rule text,
    placed text not null,
    state text not null constraint provision_state_known
        check (state in ('provisioning', 'active', 'revoking', 'revoked')),
    expires_at integer not null,
    attempts integer not null default 0,
    note text,
    fence integer not null default 0,
    lease_until integer not null default 0,
    next_at integer,
    created_at integer not null,
    revoked_at integer
) strict;
create unique index provision_live on provision (asset_id, name, placed) where state <> 'revoked';
create index provision_next on provision (next_at) where state <> 'revoked';

-- When an asset was last looked at for what was left over.
create table provision_inventory (
    asset_id text not null constraint provision_inventory_pk primary key
        constraint provision_inventory_asset_fk references asset (id),
    next_at integer not null
) strict, without rowid;

alter table session add column provision_id text;
