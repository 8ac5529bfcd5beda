-- What stood at the end of each day in UTC, where it cannot be told later from what there is: the newest figures of
-- the day.
create table day_figures (
    -- Days since 1970.
    day integer constraint day_figures_pk primary key,
    -- How many people reach how many accounts at any time, each with each.
    standing_rights integer not null,
    -- Accounts whose secrets change by themselves, those of them that are overdue, and those whose last change failed.
    secrets_rotated integer not null,
    secrets_due integer not null,
    secrets_failed integer not null,
    -- Assets, and those that a discovery has looked at in the last thirty days.
    assets integer not null,
    assets_looked_at integer not null
) strict;
