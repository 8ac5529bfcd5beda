-- When the ticket of a grant was last looked at, and when it was last found good.
alter table access_grant add column ticket_looked_at integer;
alter table access_grant add column ticket_good_at integer;
