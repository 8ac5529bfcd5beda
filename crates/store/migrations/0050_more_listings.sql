-- An account is listed by its asset and its name: `web-1 root`. No name contains a space. Names of
-- assets do not change.
alter table account add column listed_as text not null default '';
update account set listed_as = (select a.name from asset a where a.id = asset_id) || ' ' || name;
create trigger account_listed_as after insert on account
begin
    update account set listed_as = (select a.name from asset a where a.id = new.asset_id) || ' ' || new.name
        where id = new.id;
end;
create index account_by_listed on account (listed_as, id);
create index account_by_created on account (created_at, id);
create index account_by_used on account (coalesce(last_used_at, 0), id);
create index request_by_created on request (created_at, id);
create index access_grant_by_start on access_grant (starts_at, id);
create index access_grant_by_end on access_grant (ends_at, id);
create index api_token_by_created on api_token (user_id, created_at, id);
create index api_token_by_expiry on api_token (user_id, expires_at, id);
create index api_token_by_use on api_token (user_id, coalesce(last_used_at, 0), id);
create index api_token_by_name on api_token (user_id, name, id);
