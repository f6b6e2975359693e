drop function cdr_prune(interval);
drop function cdr_partitions_ahead(integer);
drop function cdr_partition(regclass, date);
drop table attempt;
drop table cdr;
delete from schema_migration where version = 6;
