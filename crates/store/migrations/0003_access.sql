-- What kind of secret a version is: an account whose credential was changed has none until one of
-- the new kind is stored.
alter table secret add column kind text not null default 'password'
    constraint secret_kind_known check (kind in ('password', 'ssh_key'));

-- When the ledger was told that the window is over.
alter table access_grant add column expiry_noted_at integer;
create index access_grant_expiring on access_grant (ends_at) where revoked_at is null and expiry_noted_at is null;

-- Every text that a policy ever had.
create table policy_revision (
    policy_id text not null constraint policy_revision_policy_fk references policy (id),
    revision integer not null,
    scope text not null,
    body text not null,
    changed_at integer not null,
    constraint policy_revision_pk primary key (policy_id, revision)
) strict, without rowid;

-- Listings go through assets by name and stop after a page.
create index asset_by_name on asset (name, id);
create index policy_by_name on policy (name, id) where deleted_at is null;
create index request_account on request (account_id);
create index request_expiring on request (expires_at) where state = 'pending';
create index session_open_account on session (account_id, user_id) where state <> 'ended';
