-- What columns of an asset hold: {"pii": ["email", "phone*"]}.
alter table asset add column column_tags text not null default '{}';
