-- What detection rules found, and what people made of it.
create table alert (
    id text primary key,
    scope text not null,
    rule text not null,
    title text not null,
    severity text not null,
    attack text not null,
    response text not null,
    state text not null,
    session text,
    user_name text not null,
    account text not null,
    source text not null,
    -- Milliseconds from the session's start.
    deed_at integer,
    evidence text not null,
    why text not null,
    times integer not null default 1,
    raised_at integer not null,
    last_at integer not null,
    assignee text,
    closed_at integer,
    closed_by text,
    verdict text,
    comment text
) strict;
create index alert_state on alert (state, raised_at);
create index alert_same on alert (rule, user_name, account, last_at);

create table alert_comment (
    alert text not null references alert (id),
    at integer not null,
    author text not null,
    text text not null
) strict;
create index alert_comment_alert on alert_comment (alert, at);

-- Rules that are not as shipped: switched off or on, or of the estate's own.
create table detection_rule (
    id text primary key,
    enabled integer not null,
    body text,
    version integer not null,
    author text not null,
    changed_at integer not null
) strict;

-- How far the ledger has been looked at.
create table detection_place (
    one integer primary key check (one = 1),
    next_index integer not null
) strict;
