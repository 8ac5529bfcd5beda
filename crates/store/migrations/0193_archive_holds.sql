-- Whether a recording's copy in the archive is held there, too.
alter table session add column archive_held integer not null default 0
    constraint session_archive_held_is_bool check (archive_held in (0, 1));
create index session_archive_held on session (id) where archive_held = 1;
