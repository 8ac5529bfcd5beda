-- Who was away and had named whoever answered.
alter table approval add column in_place_of text constraint approval_in_place_of_fk references user (id);

-- When something is said next because nobody answers; null when nothing is.
alter table request add column notice_at integer;
create index request_notice_due on request (notice_at) where state = 'pending' and notice_at is not null;

-- What was said about requests because nobody answered.
create table request_notice (
    request_id text not null constraint request_notice_request_fk references request (id),
    number integer not null,
    kind text not null constraint request_notice_kind_known check (kind in ('remind', 'escalate')),
    stage integer not null,
    at integer not null,
    constraint request_notice_pk primary key (request_id, number)
) strict, without rowid;

-- Who answers requests in the place of somebody who is away.
create table stand_in (
    id text not null constraint stand_in_pk primary key,
    user_id text not null constraint stand_in_user_fk references user (id),
    stand_in_id text not null constraint stand_in_stand_in_fk references user (id),
    starts_at integer not null,
    ends_at integer not null,
    reason text not null,
    ended_at integer,
    created_at integer not null,
    constraint stand_in_window check (ends_at > starts_at),
    constraint stand_in_another check (user_id <> stand_in_id)
) strict;
create index stand_in_user on stand_in (user_id, ends_at);
create index stand_in_stand_in on stand_in (stand_in_id, ends_at);
