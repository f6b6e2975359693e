-- Parameters that are set; one that is not here has the default of its
-- release. What a value may be is said in shared/catalog/params.def.
create table parameter (
	name text collate "C" primary key
		constraint parameter_name_format check (name ~ '^[A-Z0-9_]{1,64}$'),
	value text not null
		constraint parameter_value_length check (octet_length(value) <= 8192)
);
call config_table('parameter', 'param');
