-- What connectors need to know of an asset besides its address: its platform's settings, the certificates
-- that it is known by (PEM), and as which account it is discovered. Whether passwords that everybody knows
-- may be tried on its accounts is an administrator's to say.
create table asset_connector (
    asset_id text not null constraint asset_connector_pk primary key
        constraint asset_connector_asset_fk references asset (id),
    settings text not null,
    certificates text not null,
    discovery_account text,
    try_default_passwords integer not null default 0,
    every_seconds integer,
    next_at integer
) strict, without rowid;
create index asset_connector_due on asset_connector (next_at) where next_at is not null;

-- A discovery of several assets. What is left to do after a crash is what is still waiting.
create table discovery_run (
    id text not null constraint discovery_run_pk primary key,
    scope text not null,
    requested_by text not null,
    state text not null constraint discovery_run_state_known check (state in ('running', 'done', 'cancelled')),
    created_at integer not null,
    ended_at integer
) strict;
create index discovery_run_running on discovery_run (id) where state = 'running';

create table discovery_target (
    run_id text not null constraint discovery_target_run_fk references discovery_run (id),
    asset_id text not null constraint discovery_target_asset_fk references asset (id),
    state text not null constraint discovery_target_state_known
        check (state in ('waiting', 'done', 'failed', 'cancelled')),
    accounts integer,
    gaps text,
    failure text,
    ended_at integer,
    millis integer,
    constraint discovery_target_pk primary key (run_id, asset_id)
) strict, without rowid;

-- The newest look at each account on a target. It holds no secret and no hash.
create table observation (
    asset_id text not null constraint observation_asset_fk references asset (id),
    name text not null,
    body text not null,
    owner_id text constraint observation_owner_fk references user (id),
    default_password_tried_at integer,
    default_password integer not null default 0,
    first_seen_at integer not null,
    seen_at integer not null,
    gone_at integer,
    constraint observation_pk primary key (asset_id, name)
) strict, without rowid;

create table finding (
    id text not null constraint finding_pk primary key,
    asset_id text not null constraint finding_asset_fk references asset (id),
    account text not null,
    kind text not null,
    severity text not null,
    evidence text not null,
    state text not null constraint finding_state_known check (state in ('open', 'accepted', 'resolved')),
    raised_at integer not null,
    seen_at integer not null,
    accepted_by text,
    accepted_until integer,
    note text,
    resolved_at integer
) strict;
create unique index finding_unresolved on finding (asset_id, account, kind) where state <> 'resolved';
create index finding_asset on finding (asset_id, state);
