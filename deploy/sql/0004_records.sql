-- Records: every field of the specification is a column of its name; a
-- reference is <field>_id. NULL is "inherit", "none", "unlimited". Lists are
-- their canonical text, with commas. Money is micro-units.
--
-- The checks here are the last line: what a value may be is first checked by
-- the code, with better words. Their names are shown to operators. Names and
-- numbers are compared by bytes (collation "C"): an upgrade of the C library
-- cannot damage their indexes.
create extension if not exists btree_gist;

-- "192.0.2.1,198.51.100.0/24,2001:db8::/32": addresses, and networks without
-- bits behind the prefix
create function is_networks(value text) returns boolean
language plpgsql immutable strict parallel safe as $$
begin
	return (select bool_and(item ~ ':|^[0-9]+(\.[0-9]+){3}(/|$)' and item::inet = network(item::inet))
		from regexp_split_to_table(value, ',') item);
exception when invalid_text_representation then
	return false;
end $$;

-- "192.0.2.1:5060,[2001:db8::1]:5060"
create function is_endpoints(value text) returns boolean
language plpgsql immutable strict parallel safe as $$
begin
	return (select bool_and(part is not null
			and family(coalesce(part[1], part[2])::inet)
				= case when part[1] is null then 4 else 6 end
			and part[3]::integer between 1 and 65535)
		from regexp_split_to_table(value, ',') item,
			regexp_match(item, '^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):([0-9]{1,5})$') part);
exception when invalid_text_representation then
	return false;
end $$;

create table rate_table (
	id integer generated always as identity primary key,
	name text collate "C" not null
		constraint rate_table_name_unique unique
		constraint rate_table_name_length check (octet_length(name) between 1 and 64)
		constraint rate_table_name_format
			check (name !~ '[\u0001-\u001f\u007f,]|^ | $' and name <> 'none')
);

create table account (
	id integer generated always as identity primary key,
	name text collate "C" not null
		constraint account_name_unique unique
		constraint account_name_length check (octet_length(name) between 1 and 64)
		constraint account_name_format
			check (name !~ '[\u0001-\u001f\u007f,]|^ | $' and name <> 'none'),
	kind text not null default 'customer'
		constraint account_kind_values check (kind in ('customer', 'clearing', 'agent')),
	status text not null default 'normal'
		constraint account_status_values check (status in ('normal', 'locked')),
	overdraft bigint default 0 -- NULL: unlimited
		constraint account_overdraft_range check (overdraft between 0 and 1000000000000000000),
	rate_table_id integer
		constraint account_rate_table_reference references rate_table on delete restrict,
	agent_id integer,
	agent_kind text not null generated always as ('agent') stored,
	commission_percent numeric(7,4) not null default 0
		constraint account_commission_percent_range check (commission_percent between 0 and 100),
	-- What refers to an account says by this of which kind it must be.
	constraint account_kind_unique unique (id, kind),
	constraint account_agent_reference foreign key (agent_id, agent_kind)
		references account (id, kind) on delete restrict
);

create table gateway_group (
	id integer generated always as identity primary key,
	name text collate "C" not null
		constraint gateway_group_name_unique unique
		constraint gateway_group_name_length check (octet_length(name) between 1 and 64)
		constraint gateway_group_name_format
			check (name !~ '[\u0001-\u001f\u007f,]|^ | $' and name <> 'none'),
	line_limit integer not null default 0
		constraint gateway_group_line_limit_range check (line_limit between 0 and 1000000),
	calendar text not null default ''
		constraint gateway_group_calendar_format check (calendar ~
			'^((mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))? ([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00) [0-9]{1,7}(,(?!$)|$))*$')
);

create table mapping (
	id integer generated always as identity primary key,
	name text collate "C" not null
		constraint mapping_name_unique unique
		constraint mapping_name_length check (octet_length(name) between 1 and 64)
		constraint mapping_name_format
			check (name !~ '[\u0001-\u001f\u007f,]|^ | $' and name <> 'none'),
	lock text not null default 'none'
		constraint mapping_lock_values check (lock in ('none', 'all')),
	account_id integer not null,
	account_kind text not null generated always as ('customer') stored,
	type text not null default 'static'
		constraint mapping_type_values check (type in ('static', 'dynamic')),
	username text collate "C" not null default ''
		constraint mapping_username_format
			check (username !~ '[\u0001-\u001f\u007f]' and octet_length(username) <= 128),
	ha1 text
		constraint mapping_ha1_format
			check (ha1 ~ '^([^\t\n]*\t[0-9a-f]{32}\t[0-9a-f]{64}(\n|$))*$'),
	line_limit integer not null default 0
		constraint mapping_line_limit_range check (line_limit between 0 and 1000000),
	cps_limit integer not null default 0
		constraint mapping_cps_limit_range check (cps_limit between 0 and 100000),
	group_id integer
		constraint mapping_group_reference references gateway_group on delete restrict,
	reserved_lines integer not null default 0
		constraint mapping_reserved_lines_range check (reserved_lines between 0 and 1000000),
	callee_rules text not null default ''
		constraint mapping_callee_rules_format check (callee_rules ~
			'^((?=[^=])[0-9A-Za-z#_+.-]*\*?=[0-9A-Za-z#_+.-]*\*?[0-9A-Za-z#_+.-]*(,(?!$)|$))*$'),
	caller_rules text not null default ''
		constraint mapping_caller_rules_format check (caller_rules ~
			'^((?=[^=])[0-9A-Za-z#_+.-]*\*?=[0-9A-Za-z#_+.-]*\*?[0-9A-Za-z#_+.-]*(,(?!$)|$))*$'),
	reply_address text not null default 'socket'
		constraint mapping_reply_address_values
			check (reply_address in ('socket', 'via_port', 'via')),
	request_address text not null default 'socket'
		constraint mapping_request_address_values
			check (request_address in ('socket', 'contact_port', 'contact')),
	local_ip text not null default 'auto'
		constraint mapping_local_ip_format
			check (local_ip = 'auto' or (local_ip !~ '[/,]' and is_networks(local_ip))),
	codecs text not null default ''
		constraint mapping_codecs_format
			check (codecs ~ '^([A-Za-z0-9._+-]+(,(?!$)|$))*$' and octet_length(codecs) <= 2048),
	dtmf_mode text not null default 'transparent'
		constraint mapping_dtmf_mode_values
			check (dtmf_mode in ('transparent', 'rfc2833', 'info', 'inband')),
	rtp_learning text not null default 'auto'
		constraint mapping_rtp_learning_values check (rtp_learning in ('auto', 'sdp', 'any')),
	nat_media_sdp_first boolean not null default false,
	t38 boolean not null default true,
	nomedia_time integer
		constraint mapping_nomedia_time_range check (nomedia_time between 0 and 3600),
	media_proxy text
		constraint mapping_media_proxy_values check (media_proxy in ('on', 'off', 'auto')),
	route_prefix_digits integer
		constraint mapping_route_prefix_digits_range check (route_prefix_digits between 0 and 15),
	auth_mode text not null default 'ip'
		constraint mapping_auth_mode_values check (auth_mode in ('ip', 'ip_port', 'password')),
	addresses text not null default '',
	callee_source text not null default 'to'
		constraint mapping_callee_source_values check (callee_source in ('to', 'request_line')),
	caller_source text not null default 'from'
		constraint mapping_caller_source_values
			check (caller_source in ('from', 'rpid', 'display', 'pai')),
	support_privacy boolean not null default true,
	cause_map text not null default ''
		constraint mapping_cause_map_format
			check (cause_map ~ '^([3-6][0-9]{2}=[3-6][0-9]{2}(,(?!$)|$))*$'),
	constraint mapping_account_reference foreign key (account_id, account_kind)
		references account (id, kind) on delete restrict,
	constraint mapping_addresses_format check (addresses = ''
		or case auth_mode when 'ip_port' then is_endpoints(addresses)
			else is_networks(addresses) end),
	constraint mapping_addresses_needed check (addresses <> ''
		or auth_mode = 'password' or type = 'dynamic'),
	constraint mapping_username_needed check (username <> ''
		or (auth_mode <> 'password' and type <> 'dynamic'))
);

create table registration (
	id integer generated always as identity primary key,
	name text collate "C" not null
		constraint registration_name_unique unique
		constraint registration_name_length check (octet_length(name) between 1 and 64)
		constraint registration_name_format
			check (name !~ '[\u0001-\u001f\u007f,]|^ | $' and name <> 'none'),
	enabled boolean not null default true,
	sip_proxy text not null
		constraint registration_sip_proxy_format
			check (sip_proxy ~ '^([A-Za-z0-9._-]+|\[?[0-9A-Fa-f:.]+\]?)$'
				and octet_length(sip_proxy) <= 255),
	remote_port integer not null default 5060
		constraint registration_remote_port_range check (remote_port between 1 and 65535),
	transport text not null default 'udp'
		constraint registration_transport_values check (transport in ('udp', 'tcp', 'tls')),
	local_port text not null default ''
		constraint registration_local_port_format
			check (local_port !~ '[\u0001-\u001f\u007f]' and octet_length(local_port) <= 64),
	domain text not null default ''
		constraint registration_domain_format
			check (domain ~ '^([A-Za-z0-9._-]*|\[?[0-9A-Fa-f:.]+\]?)$'
				and octet_length(domain) <= 255),
	username text not null default ''
		constraint registration_username_format
			check (username !~ '[\u0001-\u001f\u007f]' and octet_length(username) <= 128),
	auth_user text not null default ''
		constraint registration_auth_user_format
			check (auth_user !~ '[\u0001-\u001f\u007f]' and octet_length(auth_user) <= 128),
	sealed text
		constraint registration_sealed_format
			check (sealed ~ '^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$'
				and octet_length(sealed) <= 4096),
	host_name text not null default ''
		constraint registration_host_name_format
			check (host_name ~ '^([A-Za-z0-9._-]*|\[?[0-9A-Fa-f:.]+\]?)$'
				and octet_length(host_name) <= 255),
	register_period text -- seconds, or the word
		constraint registration_register_period_range check (case
			when register_period ~ '^[1-9][0-9]{1,3}$'
				then register_period::integer between 20 and 7200
			else register_period = 'auto' end),
	send_unregister boolean,
	gateway_id integer
);

create table routing (
	id integer generated always as identity primary key,
	name text collate "C" not null
		constraint routing_name_unique unique
		constraint routing_name_length check (octet_length(name) between 1 and 64)
		constraint routing_name_format
			check (name !~ '[\u0001-\u001f\u007f,]|^ | $' and name <> 'none'),
	lock text not null default 'none'
		constraint routing_lock_values check (lock in ('none', 'all')),
	account_id integer,
	account_kind text not null generated always as ('clearing') stored,
	type text not null default 'static'
		constraint routing_type_values check (type in ('static', 'dynamic')),
	username text collate "C" not null default ''
		constraint routing_username_format
			check (username !~ '[\u0001-\u001f\u007f]' and octet_length(username) <= 128),
	ha1 text
		constraint routing_ha1_format
			check (ha1 ~ '^([^\t\n]*\t[0-9a-f]{32}\t[0-9a-f]{64}(\n|$))*$'),
	sealed text
		constraint routing_sealed_format
			check (sealed ~ '^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$'
				and octet_length(sealed) <= 4096),
	line_limit integer not null default 0
		constraint routing_line_limit_range check (line_limit between 0 and 1000000),
	cps_limit integer not null default 0
		constraint routing_cps_limit_range check (cps_limit between 0 and 100000),
	group_id integer
		constraint routing_group_reference references gateway_group on delete restrict,
	reserved_lines integer not null default 0
		constraint routing_reserved_lines_range check (reserved_lines between 0 and 1000000),
	callee_rules text not null default ''
		constraint routing_callee_rules_format check (callee_rules ~
			'^((?=[^=])[0-9A-Za-z#_+.-]*\*?=[0-9A-Za-z#_+.-]*\*?[0-9A-Za-z#_+.-]*(,(?!$)|$))*$'),
	caller_rules text not null default ''
		constraint routing_caller_rules_format check (caller_rules ~
			'^((?=[^=])[0-9A-Za-z#_+.-]*\*?=[0-9A-Za-z#_+.-]*\*?[0-9A-Za-z#_+.-]*(,(?!$)|$))*$'),
	reply_address text not null default 'socket'
		constraint routing_reply_address_values
			check (reply_address in ('socket', 'via_port', 'via')),
	request_address text not null default 'socket'
		constraint routing_request_address_values
			check (request_address in ('socket', 'contact_port', 'contact')),
	local_ip text not null default 'auto'
		constraint routing_local_ip_format
			check (local_ip = 'auto' or (local_ip !~ '[/,]' and is_networks(local_ip))),
	codecs text not null default ''
		constraint routing_codecs_format
			check (codecs ~ '^([A-Za-z0-9._+-]+(,(?!$)|$))*$' and octet_length(codecs) <= 2048),
	dtmf_mode text not null default 'transparent'
		constraint routing_dtmf_mode_values
			check (dtmf_mode in ('transparent', 'rfc2833', 'info', 'inband')),
	rtp_learning text not null default 'auto'
		constraint routing_rtp_learning_values check (rtp_learning in ('auto', 'sdp', 'any')),
	nat_media_sdp_first boolean not null default false,
	t38 boolean not null default true,
	nomedia_time integer
		constraint routing_nomedia_time_range check (nomedia_time between 0 and 3600),
	media_proxy text
		constraint routing_media_proxy_values check (media_proxy in ('on', 'off', 'auto')),
	route_prefix_digits integer
		constraint routing_route_prefix_digits_range check (route_prefix_digits between 0 and 15),
	addresses text not null default ''
		constraint routing_addresses_format check (addresses ~
			'^(([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(;(udp|tcp|tls))?(,(?!$)|$))*$'),
	prefixes text collate "C" not null default '' -- one empty prefix: everything
		constraint routing_prefixes_format
			check (prefixes ~ '^[0-9A-Za-z*#_+]{0,24}(,[0-9A-Za-z*#_+]{0,24})*$'),
	prefix_mode text not null default 'extension'
		constraint routing_prefix_mode_values check (prefix_mode in ('extension', 'expiration')),
	priority integer not null default 10
		constraint routing_priority_range check (priority between 0 and 9999),
	protect boolean not null default false,
	mapping_mode text not null default 'all'
		constraint routing_mapping_mode_values check (mapping_mode in ('all', 'allow', 'forbid')),
	mapping_names_id text not null default '' -- ids of mapping gateways: "3,17"
		constraint routing_mapping_names_format
			check (mapping_names_id ~ '^([1-9][0-9]{0,8}(,(?!$)|$))*$'),
	registration_id integer
		constraint routing_registration_reference references registration on delete restrict
		deferrable,
	options_check boolean not null default false,
	switch text
		constraint routing_switch_values check (switch in ('off', 'on')),
	stop_codes text not null default ''
		constraint routing_stop_codes_format check (stop_codes ~ '^([3-6][0-9]{2}(,(?!$)|$))*$'),
	ring_back text not null default 'passthrough'
		constraint routing_ring_back_values
			check (ring_back in ('passthrough', '183_sdp', '180_sdp')),
	redirects integer not null default 0
		constraint routing_redirects_range check (redirects between 0 and 5),
	privacy text
		constraint routing_privacy_values check (privacy in ('none', 'passthrough', 'id')),
	pai text not null default 'none'
		constraint routing_pai_values check (pai in ('none', 'passthrough', 'caller')),
	ppi text not null default 'none'
		constraint routing_ppi_values check (ppi in ('none', 'passthrough', 'caller')),
	rpid text not null default 'none'
		constraint routing_rpid_values check (rpid in ('none', 'passthrough', 'caller')),
	pai_rules text not null default ''
		constraint routing_pai_rules_format check (pai_rules ~
			'^((?=[^=])[0-9A-Za-z#_+.-]*\*?=[0-9A-Za-z#_+.-]*\*?[0-9A-Za-z#_+.-]*(,(?!$)|$))*$'),
	local_domain boolean not null default false,
	invite_timeout integer
		constraint routing_invite_timeout_range check (invite_timeout between 1 and 300),
	trying_timeout integer
		constraint routing_trying_timeout_range check (trying_timeout between 1 and 600),
	progress_timeout integer
		constraint routing_progress_timeout_range check (progress_timeout between 1 and 600),
	progress_sdp_timeout integer
		constraint routing_progress_sdp_timeout_range check (progress_sdp_timeout between 1 and 600),
	ringing_timeout integer
		constraint routing_ringing_timeout_range check (ringing_timeout between 1 and 600),
	stop_after_sdp boolean,
	stop_after_invite_timeout boolean,
	constraint routing_account_reference foreign key (account_id, account_kind)
		references account (id, kind) on delete restrict,
	constraint routing_username_needed check (username <> '' or type <> 'dynamic')
);
-- The two may name each other: deferrable, so that one transaction can make
-- both (set constraints all deferred).
alter table registration add constraint registration_gateway_reference
	foreign key (gateway_id) references routing on delete restrict deferrable;

create table phone (
	id integer generated always as identity primary key,
	number text collate "C" not null
		constraint phone_number_unique unique
		constraint phone_number_format check (number ~ '^[0-9A-Za-z*#_]{1,40}$'),
	ha1 text
		constraint phone_ha1_format
			check (ha1 ~ '^([^\t\n]*\t[0-9a-f]{32}\t[0-9a-f]{64}(\n|$))*$'),
	account_id integer not null,
	account_kind text not null generated always as ('customer') stored,
	enabled boolean not null default true,
	max_contacts integer not null default 1
		constraint phone_max_contacts_range check (max_contacts between 1 and 10),
	line_limit integer not null default 0
		constraint phone_line_limit_range check (line_limit between 0 and 1000000),
	forward_no_answer text collate "C"
		constraint phone_forward_no_answer_format
			check (forward_no_answer ~ '^[0-9A-Za-z*#_]{0,40}$'),
	codecs text not null default ''
		constraint phone_codecs_format
			check (codecs ~ '^([A-Za-z0-9._+-]+(,(?!$)|$))*$' and octet_length(codecs) <= 2048),
	dtmf_mode text not null default 'transparent'
		constraint phone_dtmf_mode_values
			check (dtmf_mode in ('transparent', 'rfc2833', 'info', 'inband')),
	nomedia_time integer
		constraint phone_nomedia_time_range check (nomedia_time between 0 and 3600),
	media_proxy text
		constraint phone_media_proxy_values check (media_proxy in ('on', 'off', 'auto')),
	ringing_timeout integer
		constraint phone_ringing_timeout_range check (ringing_timeout between 1 and 600),
	constraint phone_account_reference foreign key (account_id, account_kind)
		references account (id, kind) on delete restrict
);

create table rate (
	id integer generated always as identity primary key,
	table_id integer not null
		constraint rate_table_reference references rate_table on delete restrict,
	prefix text collate "C" not null
		constraint rate_prefix_format check (prefix ~ '^[0-9A-Za-z*#_+]{0,24}$'),
	rate bigint not null -- a minute
		constraint rate_rate_range check (rate between 0 and 1000000000000),
	first_increment integer not null default 1
		constraint rate_first_increment_range check (first_increment between 1 and 3600),
	next_increment integer not null default 1
		constraint rate_next_increment_range check (next_increment between 1 and 3600),
	connect_fee bigint not null default 0
		constraint rate_connect_fee_range check (connect_fee between 0 and 1000000000000),
	valid_from timestamptz(0) not null default '1970-01-01 00:00:00+00'
		constraint rate_valid_from_range check (valid_from
			between '1970-01-01 00:00:00+00' and '9999-12-31 23:59:59+00'),
	valid_to timestamptz(0) -- the first second behind; NULL: never
		constraint rate_valid_to_range check (valid_to <= '9999-12-31 23:59:59+00'),
	locked boolean not null default false,
	constraint rate_valid_order check (valid_to > valid_from),
	constraint rate_unique unique (table_id, prefix, valid_from)
);

create table list (
	id integer generated always as identity primary key,
	list text not null
		constraint list_list_values check (list in
			('caller_black', 'callee_black', 'source_black', 'source_white')),
	entry text collate "C" not null,
	constraint list_entry_format check (case
		when list in ('source_black', 'source_white') then entry !~ ',' and is_networks(entry)
		else entry ~ '^(?=.)[0-9A-Za-z#_+]{0,63}\*?$' end),
	constraint list_unique unique (list, entry)
);

-- Foreign keys ask for these when what they refer to is removed.
create index account_rate_table on account (rate_table_id);
create index account_agent on account (agent_id);
create index mapping_account on mapping (account_id);
create index mapping_group on mapping (group_id);
create index routing_account on routing (account_id);
create index routing_group on routing (group_id);
create index routing_registration on routing (registration_id);
create index registration_gateway on registration (gateway_id);
create index phone_account on phone (account_id);

-- User names of terminals: of phones (their number), of mapping gateways with
-- a password, of dynamic gateways. No two may be equal, whatever their kinds;
-- the primary key sees also what another transaction is about to commit.
create table terminal (
	username text collate "C" constraint terminal_username_unique primary key,
	kind text not null,
	id integer not null,
	constraint terminal_record unique (kind, id)
);

-- The arguments: kind; the user name and the condition, of a row r
create function terminal_track() returns trigger language plpgsql as $$
begin
	if tg_op <> 'INSERT' then
		delete from terminal t using old_rows o where t.kind = tg_argv[0] and t.id = o.id;
	end if;
	if tg_op <> 'DELETE' then
		execute format('insert into terminal (username, kind, id)
			select r.%I, %L, r.id from new_rows r where %s',
			tg_argv[1], tg_argv[0], tg_argv[2]);
	end if;
	return null;
end $$;

do $$
declare
	t record;
begin
	for t in values
		('phone', 'number', 'true'),
		('mapping', 'username', 'r.type = ''dynamic'' or r.auth_mode = ''password'''),
		('routing', 'username', 'r.type = ''dynamic''')
	loop
		execute format('create trigger terminal_insert after insert on %I
			referencing new table as new_rows
			for each statement execute function terminal_track(%L, %L, %L)',
			t.column1, t.column1, t.column2, t.column3);
		execute format('create trigger terminal_update after update on %I
			referencing old table as old_rows new table as new_rows
			for each statement execute function terminal_track(%L, %L, %L)',
			t.column1, t.column1, t.column2, t.column3);
		execute format('create trigger terminal_delete after delete on %I
			referencing old table as old_rows
			for each statement execute function terminal_track(%L, %L, %L)',
			t.column1, t.column1, t.column2, t.column3);
	end loop;
end $$;

-- Addresses of mapping gateways, one per row; port 0: any. A call of one
-- auth_mode must not come from two gateways.
create table mapping_address (
	mapping_id integer not null references mapping on delete cascade,
	auth_mode text not null,
	network inet not null,
	port integer not null,
	constraint mapping_addresses_overlap exclude using gist
		(auth_mode with =, port with =, network inet_ops with &&, mapping_id with <>)
);
create index mapping_address_mapping on mapping_address (mapping_id);

create function mapping_address_track() returns trigger language plpgsql as $$
begin
	delete from mapping_address a using new_rows n where a.mapping_id = n.id;
	insert into mapping_address (mapping_id, auth_mode, network, port)
	select n.id, n.auth_mode,
		case n.auth_mode when 'ip_port'
			then trim('[]' from regexp_replace(item, ':[0-9]+$', '')) else item end::inet,
		case n.auth_mode when 'ip_port'
			then substring(item from ':([0-9]+)$')::integer else 0 end
	from new_rows n, regexp_split_to_table(n.addresses, ',') item
	where n.addresses <> '';
	return null;
end $$;
create trigger mapping_address_insert after insert on mapping
	referencing new table as new_rows
	for each statement execute function mapping_address_track();
create trigger mapping_address_update after update on mapping
	referencing new table as new_rows
	for each statement execute function mapping_address_track();

-- Which mapping gateways a routing gateway names: one that is named cannot be
-- removed.
create table routing_mapping (
	routing_id integer not null references routing on delete cascade,
	mapping_id integer not null
		constraint routing_mapping_names_reference references mapping on delete restrict,
	constraint routing_mapping_names_unique primary key (routing_id, mapping_id)
);
create index routing_mapping_mapping on routing_mapping (mapping_id);

create function routing_mapping_track() returns trigger language plpgsql as $$
begin
	delete from routing_mapping m using new_rows n where m.routing_id = n.id;
	insert into routing_mapping (routing_id, mapping_id)
	select n.id, item::integer
	from new_rows n, regexp_split_to_table(n.mapping_names_id, ',') item
	where n.mapping_names_id <> '';
	return null;
end $$;
create trigger routing_mapping_insert after insert on routing
	referencing new table as new_rows
	for each statement execute function routing_mapping_track();
create trigger routing_mapping_update after update on routing
	referencing new table as new_rows
	for each statement execute function routing_mapping_track();

do $$
declare
	name text;
begin
	foreach name in array array['rate_table', 'account', 'gateway_group', 'mapping',
		'registration', 'routing', 'phone', 'rate', 'list']
	loop
		call config_table(name::regclass, name);
	end loop;
end $$;
