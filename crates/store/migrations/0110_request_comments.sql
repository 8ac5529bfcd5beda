-- What people say to each other about a request.
create table request_comment (
    request_id text not null constraint request_comment_request_fk references request (id),
    number integer not null,
    user_id text not null constraint request_comment_user_fk references user (id),
    body text not null,
    at integer not null,
    constraint request_comment_pk primary key (request_id, number)
) strict, without rowid;
