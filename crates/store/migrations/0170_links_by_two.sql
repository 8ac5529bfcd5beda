-- A link for somebody who exists already works once somebody else has confirmed it, or after a time.
alter table link add column made_by text constraint link_made_by_fk references user (id);
alter table link add column awaits integer not null default 0 constraint link_awaits_is_bool check (awaits in (0, 1));
alter table link add column works_from integer;
create index link_waiting on link (user_id) where made_by is not null and used_at is null;
