-- When the window that a request asks for may begin at the earliest; null means when it is granted.
alter table request add column starts_at integer;
