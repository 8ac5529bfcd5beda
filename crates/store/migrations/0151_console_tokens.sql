-- Whether a connect token is for the SQL console: policies may tell it from clients of one's own.
alter table connect_token add column console integer not null default 0;
