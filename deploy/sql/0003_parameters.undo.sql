drop table parameter;
delete from schema_migration where version = 3;
