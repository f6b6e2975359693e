drop table terminal, mapping_address, routing_mapping;
drop table list, rate, phone, routing, registration, mapping, gateway_group,
	account, rate_table;
drop function terminal_track();
drop function mapping_address_track();
drop function routing_mapping_track();
drop function is_networks(text);
drop function is_endpoints(text);
drop extension btree_gist;
delete from schema_migration where version = 4;
