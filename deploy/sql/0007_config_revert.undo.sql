drop function config_param_rollback(text);
drop function config_revert(bigint);
drop function config_row_write(text, integer, text, text, jsonb);
delete from schema_migration where version = 7;
