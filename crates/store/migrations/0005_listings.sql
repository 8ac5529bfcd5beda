-- Listings go through an index from the cursor on and stop after a page, however they are sorted.
create index asset_by_created on asset (created_at, id);
create index asset_by_platform on asset (platform, id);
create index asset_by_address on asset (address, id);
create index user_by_name on user (name, id);
create index user_by_created on user (created_at, id);
create index user_by_seen on user (coalesce(last_seen_at, 0), id);
create index user_group_by_name on user_group (name, id);
create index policy_by_scope on policy (scope, id) where deleted_at is null;
create index session_by_started on session (started_at, id);
create index session_by_ended on session (coalesce(ended_at, 9223372036854775807), id);
create index session_by_account on session (account_id, started_at);
create index request_by_expiry on request (expires_at, id);
create index leaf_outcome on leaf (outcome, leaf_index);

-- An asset's labels, to be found by; kept true to the document in asset.labels by triggers.
create table asset_label (
    asset_id text not null constraint asset_label_asset_fk references asset (id) on delete cascade,
    name text not null,
    value text not null,
    constraint asset_label_pk primary key (name, value, asset_id)
) strict, without rowid;
create index asset_label_asset on asset_label (asset_id);

create trigger asset_label_insert after insert on asset
begin
    insert into asset_label (asset_id, name, value) select new.id, l.key, l.value from json_each(new.labels) l;
end;
create trigger asset_label_update after update of labels on asset
begin
    delete from asset_label where asset_id = new.id;
    insert into asset_label (asset_id, name, value) select new.id, l.key, l.value from json_each(new.labels) l;
end;
insert into asset_label (asset_id, name, value) select a.id, l.key, l.value from asset a, json_each(a.labels) l;
