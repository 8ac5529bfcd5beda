-- Passkeys (WebAuthn credentials): public keys, so that nothing here is secret. The body is the
-- credential as the library writes it, with its signature counter.
create table passkey (
    id text not null constraint passkey_pk primary key,
    user_id text not null constraint passkey_user_fk references user (id),
    credential_id text not null constraint passkey_credential_unique unique,
    name text not null,
    body text not null,
    created_at integer not null,
    last_used_at integer
) strict;
create index passkey_user on passkey (user_id, id);
