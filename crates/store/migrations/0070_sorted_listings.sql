-- What is found on assets is listed by asset and name: `web-1 root`. Names of assets do not change.
alter table observation add column listed_as text not null default '';
update observation set listed_as = (select a.name from asset a where a.id = asset_id) || ' ' || name;
create trigger observation_listed_as after insert on observation
begin
    update observation set listed_as = (select a.name from asset a where a.id = new.asset_id) || ' ' || new.name
        where asset_id = new.asset_id and name = new.name;
end;
create index observation_by_listed on observation (listed_as, (asset_id || ' ' || name)) where gone_at is null;
create index observation_by_first on observation (first_seen_at, (asset_id || ' ' || name)) where gone_at is null;
create index observation_by_seen on observation (seen_at, (asset_id || ' ' || name)) where gone_at is null;

create index rotation_by_created on rotation (created_at, id);
create index rotation_by_ended on rotation (coalesce(ended_at, 9223372036854775807), id);
create index rotation_by_state on rotation (state, created_at, id);
create index checkout_by_opened on checkout (opened_at, id);
create index checkout_by_end on checkout (ends_at, id);
-- Findings are always listed in one state.
create index finding_by_raised on finding (state, raised_at, id);
create index finding_by_seen on finding (state, seen_at, id);
create index finding_by_severity on finding (
    state,
    case severity when 'critical' then 3 when 'high' then 2 when 'medium' then 1 else 0 end,
    id
);
create index discovery_run_by_created on discovery_run (created_at, id);
create index discovery_run_by_ended on discovery_run (coalesce(ended_at, 9223372036854775807), id);
create index scope_by_created on scope (created_at, path);
