-- Which notices of requests people get, and where, where they have chosen.
create table user_notice (
    user_id text not null constraint user_notice_pk primary key
        constraint user_notice_user_fk references user (id),
    address text,
    asked integer not null,
    answered integer not null
) strict;
