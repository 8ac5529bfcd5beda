-- Alerts page by page.
create index alert_by_raised on alert (raised_at, id);
create index alert_by_severity on alert (
    (case severity when 'critical' then 3 when 'high' then 2 when 'medium' then 1 else 0 end), id);
