-- Reports that were made: what they say, and the files as they were signed. None changes but by its review.
create table report (
    id text not null constraint report_pk primary key,
    kind text not null,
    scope text not null,
    body text not null,
    made_at integer not null,
    pdf blob not null,
    csv blob not null,
    json blob not null,
    note blob not null,
    review text,
    review_note blob
) strict;
create index report_made on report (made_at, id);

create table report_schedule (
    id text not null constraint report_schedule_pk primary key,
    kind text not null,
    scope text not null,
    every text not null,
    next_at integer not null,
    author_id text not null constraint report_schedule_author_fk references user (id),
    failure text
) strict;
create index report_schedule_due on report_schedule (next_at);
