-- Where hosts are looked for. The body is what was declared.
create table discovery_source (
    id text not null constraint discovery_source_pk primary key,
    tenant text not null,
    name text not null,
    scope text not null,
    body text not null,
    next_at integer,
    created_at integer not null,
    deleted_at integer
) strict;
create unique index discovery_source_name on discovery_source (tenant, name) where deleted_at is null;
create index discovery_source_due on discovery_source (next_at) where next_at is not null and deleted_at is null;

-- A discovery of a source: what was declared when it began, and how far it is. A run that was cut off goes
-- on at its cursor.
create table source_run (
    run_id text not null constraint source_run_pk primary key
        constraint source_run_run_fk references discovery_run (id),
    source_id text not null constraint source_run_source_fk references discovery_source (id),
    body text not null,
    targets integer not null,
    cursor integer not null default 0,
    hosts integer not null default 0,
    gaps text not null default '[]'
) strict, without rowid;
create index source_run_source on source_run (source_id);

-- Who listens where, as of the newest look. The asset is the one that is at this address.
create table found_host (
    id text not null constraint found_host_pk primary key,
    source_id text not null constraint found_host_source_fk references discovery_source (id),
    address text not null,
    name text,
    platform text not null,
    recognised integer not null,
    banner text,
    host_key text,
    asset_id text constraint found_host_asset_fk references asset (id),
    first_seen_at integer not null,
    seen_at integer not null,
    gone_at integer
) strict;
create unique index found_host_address on found_host (source_id, address);
create index asset_address on asset (tenant, address);

-- A finding is about an account on an asset, or about a found host.
create table finding_of_any (
    id text not null constraint finding_pk primary key,
    asset_id text constraint finding_asset_fk references asset (id),
    host_id text constraint finding_host_fk references found_host (id),
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
    resolved_at integer,
    constraint finding_subject check ((asset_id is null) <> (host_id is null))
) strict;
insert into finding_of_any (id, asset_id, account, kind, severity, evidence, state, raised_at, seen_at, accepted_by,
    accepted_until, note, resolved_at)
    select id, asset_id, account, kind, severity, evidence, state, raised_at, seen_at, accepted_by,
    accepted_until, note, resolved_at from finding;
drop table finding;
alter table finding_of_any rename to finding;
create unique index finding_unresolved on finding (asset_id, account, kind) where state <> 'resolved';
create unique index finding_unresolved_host on finding (host_id, kind) where state <> 'resolved' and host_id is not null;
create index finding_asset on finding (asset_id, state);
