-- How far each channel has told what the ledger holds.
create table channel (
    name text not null constraint channel_pk primary key,
    next_index integer not null,
    delivered_at integer,
    failed_at integer,
    failure text,
    failures integer not null default 0
) strict;
