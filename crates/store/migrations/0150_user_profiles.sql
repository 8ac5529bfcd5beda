-- Users that are programs, what policies choose people by, and whose privileged user one is.
alter table user add column kind text not null default 'person'
    constraint user_kind_known check (kind in ('person', 'workload'));
alter table user add column attributes text not null default '{}';
alter table user add column identity_id text constraint user_identity_fk references user (id);
create index user_identity on user (identity_id) where identity_id is not null;

-- On which terms somebody of another company is let in.
create table vendor (
    user_id text not null constraint vendor_pk primary key constraint vendor_user_fk references user (id) on delete cascade,
    sponsor_id text not null constraint vendor_sponsor_fk references user (id),
    company text not null,
    ends_at integer not null,
    networks text not null,
    hours text not null
) strict;
create index vendor_sponsor on vendor (sponsor_id);

-- Whether a grant has been used is asked at each session of a vendor.
create index session_grant on session (grant_id) where grant_id is not null;
