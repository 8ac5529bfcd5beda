-- Access reviews. What is reviewed is written down when a review starts, and does not change but by answers.
create table review (
    id text not null constraint review_pk primary key,
    name text not null,
    scope text not null,
    plan text not null,
    state text not null constraint review_state_known check (state in ('open', 'closed')),
    author_id text not null constraint review_author_fk references user (id),
    started_at integer not null,
    due_at integer not null,
    closed_at integer,
    next_at integer
) strict;
create index review_started on review (started_at, id);
create index review_due on review (due_at) where state = 'open';
create index review_next on review (next_at) where next_at is not null;

create table review_item (
    review_id text not null constraint review_item_review_fk references review (id),
    number integer not null,
    -- The number as text that sorts.
    place text not null,
    kind text not null,
    -- Who holds it and what it is, in small letters, to be searched for.
    holder text not null,
    subject text not null,
    advice text not null,
    last_used_at integer not null,
    owners text not null,
    body text not null,
    decision text constraint review_item_decision_known check (decision in ('keep', 'reduce', 'revoke')),
    reason text,
    decided_by text,
    decided_at integer,
    effect text constraint review_item_effect_known check (effect in ('done', 'failed')),
    effect_detail text,
    constraint review_item_pk primary key (review_id, number)
) strict;
create index review_item_place on review_item (review_id, place);
create index review_item_holder on review_item (review_id, holder, place);
create index review_item_used on review_item (review_id, last_used_at, place);
create index review_item_waiting on review_item (review_id, place) where decision is null;

-- When each reviewer first looked at a review.
create table review_look (
    review_id text not null constraint review_look_review_fk references review (id),
    user_id text not null constraint review_look_user_fk references user (id),
    first_at integer not null,
    constraint review_look_pk primary key (review_id, user_id)
) strict, without rowid;
