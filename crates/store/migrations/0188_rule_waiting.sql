-- A change that weakens a detection rule and waits until somebody else makes it too, as JSON.
alter table detection_rule add column waiting text;
