-- What nobody may hold together, and a change of it that waits until somebody else makes it too.
create table separation_of_duties (
    id text not null constraint separation_of_duties_pk primary key,
    tenant text not null,
    name text not null,
    scope text not null,
    body text not null,
    waiting text,
    created_at integer not null,
    constraint separation_of_duties_name_unique unique (tenant, name)
) strict;
