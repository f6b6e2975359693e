-- Nothing is left: also the record of what was applied goes.
drop table schema_migration;
