alter table account drop daily_cap, drop line_limit;
delete from schema_migration where version = 11;
