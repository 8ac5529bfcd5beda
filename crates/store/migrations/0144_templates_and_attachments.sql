-- Wishes that are kept.
create table request_template (
    id text not null constraint request_template_pk primary key,
    name text not null,
    user_id text not null constraint request_template_user_fk references user (id),
    scope text,
    wish text not null,
    created_at integer not null
) strict;
create index request_template_user on request_template (user_id);

-- Files that people put to requests, sealed.
create table request_attachment (
    request_id text not null constraint request_attachment_request_fk references request (id),
    number integer not null,
    name text not null,
    bytes integer not null,
    sha256 text not null,
    sealed blob not null,
    user_id text not null constraint request_attachment_user_fk references user (id),
    at integer not null,
    constraint request_attachment_pk primary key (request_id, number)
) strict;
