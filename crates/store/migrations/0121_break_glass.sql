-- Uses of break-glass, each of which somebody has to review.
create table break_glass_use (
    id text not null constraint break_glass_use_pk primary key,
    tier text not null,
    user_name text not null,
    target text not null,
    scope text not null,
    grant_id text constraint break_glass_use_grant_fk references access_grant (id),
    incident text not null,
    reason text not null,
    review_by text not null,
    at integer not null,
    review_until integer not null,
    raised_at integer,
    reviewed_at integer,
    reviewed_by text,
    justified integer,
    review text
) strict;
create index break_glass_use_at on break_glass_use (at, id);
create index break_glass_use_open on break_glass_use (review_until) where reviewed_at is null;

-- Whether the second factor that was proved last in a login was a passkey.
alter table login add column mfa_passkey integer not null default 0;

-- Bundles for the hour in which Postern itself is dead: what was written where, never what is in it.
create table break_glass_bundle (
    serial integer not null constraint break_glass_bundle_pk primary key,
    digest text not null,
    manifest text not null,
    record_key blob not null,
    at integer not null
) strict;
