-- How long the answer to a deed in a live session took, in milliseconds.
alter table alert add column answered_ms integer;
