-- Requests that were made in the same breath have the id of the first.
alter table request add column bundle_id text constraint request_bundle_fk references request (id);
create index request_bundle on request (bundle_id) where bundle_id is not null;

-- The grant whose window is to be made longer.
alter table request add column extends_id text constraint request_extends_fk references access_grant (id);
alter table access_grant add column extended_at integer;

-- Windows that come again: which, when the next begins, why no more come; and the window's own request.
alter table request add column recurs text;
alter table request add column next_window_at integer;
alter table request add column recurs_ended text;
alter table request add column series_id text constraint request_series_fk references request (id);
create index request_series on request (series_id) where series_id is not null;
create index request_window_due on request (next_window_at) where next_window_at is not null;
