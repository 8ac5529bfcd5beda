-- Changes of policies that let somebody do more, with the answers.
create table policy_proposal (
    id text not null constraint policy_proposal_pk primary key,
    tenant text not null,
    name text not null,
    scope text not null,
    author_id text not null constraint policy_proposal_author_fk references user (id),
    document text,
    base_revision integer not null,
    state text not null constraint policy_proposal_state_known
        check (state in ('waiting', 'approved', 'refused', 'withdrawn')),
    created_at integer not null,
    decided_by text constraint policy_proposal_decided_fk references user (id),
    decided_at integer,
    reason text
) strict;
create index policy_proposal_state on policy_proposal (state, created_at);

-- Who changed a policy, and with whose yes.
alter table policy_revision add column author text;
alter table policy_revision add column approved_by text;
