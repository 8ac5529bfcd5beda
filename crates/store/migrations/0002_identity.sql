-- The generator's seed that an enrolment link offers, until it is confirmed with a code; and the key
-- that a waiting gateway's link is for.
alter table link add column totp_sealed blob;
alter table link add column ssh_key text;
create index link_user on link (user_id);

-- How long the login may lie unused; null for as long as it lasts.
alter table login add column idle_ms_max integer;

-- The addresses from which somebody has proved who they are: failures from elsewhere do not delay them there.
create table user_source (
    user_id text not null constraint user_source_user_fk references user (id),
    source text not null,
    seen_at integer not null,
    constraint user_source_pk primary key (user_id, source)
) strict, without rowid;

create index throttle_last on throttle (last_at);
create index ssh_key_user on ssh_key (user_id);
create index api_token_user on api_token (user_id);
create index role_assignment_user on role_assignment (user_id);
create index role_assignment_group on role_assignment (group_id);
