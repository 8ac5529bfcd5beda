-- What was used in a session, as a list; null where that is not known.
alter table session add column capabilities text;
create index session_policy on session (policy_id, started_at);
create index checkout_policy on checkout (policy_id, opened_at);
