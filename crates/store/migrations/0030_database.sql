-- What an asset's TLS is verified by: certificates in PEM.
alter table asset add column server_ca text;

-- Short-lived tokens that stand for a password where a client of a database signs in. `source` is the
-- address that one works from, null for any; `mfa_at` when the second factor was proved that it was
-- made under; `once` whether that was for this very token, which then works once.
create table connect_token (
    id text not null constraint connect_token_pk primary key,
    hash text not null constraint connect_token_hash_unique unique,
    user_id text not null constraint connect_token_user_fk references user (id),
    login_id text not null constraint connect_token_login_fk references login (id) on delete cascade,
    account_id text not null constraint connect_token_account_fk references account (id),
    protocol text not null,
    source text,
    mfa_at integer,
    once integer not null,
    created_at integer not null,
    expires_at integer not null,
    used_at integer
) strict;
create index connect_token_expires on connect_token (expires_at);
create index connect_token_user on connect_token (user_id);
create index connect_token_login on connect_token (login_id);
