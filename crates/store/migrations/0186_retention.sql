-- Recordings that were taken away because their time was over: what the session and the ledger say of them stays.
alter table session add column recording_pruned_at integer;
-- Whether the file is gone too; between the two lies only a crash.
alter table session add column recording_removed integer not null default 0;
create index session_recorded on session (ended_at, id)
    where recording_bytes is not null and recording_pruned_at is null;
create index session_unremoved on session (id) where recording_pruned_at is not null and recording_removed = 0;

-- Orders to keep recordings whatever their age. Every column given must match; none is ever removed.
create table hold (
    id text not null constraint hold_pk primary key,
    scope text not null,
    user_id text constraint hold_user_fk references user (id),
    asset_id text constraint hold_asset_fk references asset (id),
    account_id text constraint hold_account_fk references account (id),
    session_id text constraint hold_session_fk references session (id),
    from_at integer,
    until_at integer,
    reason text not null,
    placed_by text not null constraint hold_placed_by_fk references user (id),
    placed_at integer not null,
    -- Who wants it released, and why; it holds until somebody else agrees.
    asked_by text constraint hold_asked_by_fk references user (id),
    asked_at integer,
    asked_reason text,
    released_by text constraint hold_released_by_fk references user (id),
    released_at integer
) strict;
create index hold_in_force on hold (placed_at, id) where released_at is null;
