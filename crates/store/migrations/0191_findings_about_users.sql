-- A finding is about an account on an asset, about a found host, or about a user.
create table finding_of_any (
    id text not null constraint finding_pk primary key,
    asset_id text constraint finding_asset_fk references asset (id),
    host_id text constraint finding_host_fk references found_host (id),
    user_id text constraint finding_user_fk references user (id),
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
    constraint finding_subject
        check ((asset_id is not null) + (host_id is not null) + (user_id is not null) = 1)
) strict;
insert into finding_of_any (id, asset_id, host_id, account, kind, severity, evidence, state, raised_at, seen_at,
    accepted_by, accepted_until, note, resolved_at)
    select id, asset_id, host_id, account, kind, severity, evidence, state, raised_at, seen_at,
    accepted_by, accepted_until, note, resolved_at from finding;
drop table finding;
alter table finding_of_any rename to finding;
create unique index finding_unresolved on finding (asset_id, account, kind) where state <> 'resolved';
create unique index finding_unresolved_host on finding (host_id, kind) where state <> 'resolved' and host_id is not null;
create unique index finding_unresolved_user on finding (user_id, kind) where state <> 'resolved' and user_id is not null;
create index finding_asset on finding (asset_id, state);
create index finding_by_raised on finding (state, raised_at, id);
create index finding_by_seen on finding (state, seen_at, id);
create index finding_by_severity on finding (
    state,
    case severity when 'critical' then 3 when 'high' then 2 when 'medium' then 1 else 0 end,
    id
);
