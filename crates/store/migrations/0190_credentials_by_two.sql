-- A token or a key of a workload that may do more than whoever made it works once somebody else has confirmed it.
alter table api_token add column made_by text constraint api_token_made_by_fk references user (id);
alter table api_token add column awaits integer not null default 0
    constraint api_token_awaits_is_bool check (awaits in (0, 1));
alter table api_token add column works_from integer;
create index api_token_waiting on api_token (user_id) where made_by is not null and revoked_at is null;
alter table ssh_key add column made_by text constraint ssh_key_made_by_fk references user (id);
alter table ssh_key add column awaits integer not null default 0
    constraint ssh_key_awaits_is_bool check (awaits in (0, 1));
alter table ssh_key add column works_from integer;
create index ssh_key_waiting on ssh_key (user_id) where made_by is not null;
