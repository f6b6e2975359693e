-- Call detail records, and their attempts, by day (UTC) of start_time.
--
-- A day without a partition goes to the default partition, and from there to
-- its own when that is made: no record is ever refused for want of one.
-- Texts are names as they were: a record outlives what it names.

create table cdr (
	cdr_id text collate "C" not null
		constraint cdr_cdr_id_length check (octet_length(cdr_id) between 1 and 128),
	parent_cdr_id text collate "C",
	start_time timestamptz(3) not null
		constraint cdr_start_time_range check (start_time
			between '1970-01-01 00:00:00+00' and '9999-12-30 00:00:00+00'),
	progress_time timestamptz(3),
	answer_time timestamptz(3),
	end_time timestamptz(3),
	setup_ms integer,
	ring_ms integer,
	duration_ms bigint,
	duration integer,
	free_seconds integer,
	silent_tail bigint, -- ms
	billed_duration integer,
	caller_original text collate "C",
	caller text collate "C",
	caller_sent text collate "C",
	called_original text collate "C",
	called text collate "C",
	called_sent text collate "C",
	called_rated text collate "C",
	called_rated_vendor text collate "C",
	mapping_gateway text,
	phone text collate "C",
	source_ip inet,
	source_port integer,
	transport text
		constraint cdr_transport_values check (transport in ('udp', 'tcp', 'tls')),
	routing_gateway text,
	phone_b text collate "C",
	dest_ip inet,
	attempts jsonb
		constraint cdr_attempts_format check (jsonb_typeof(attempts) = 'array'),
	account text,
	agent text,
	clearing_account text,
	rate_table text,
	rate_prefix text collate "C",
	rate bigint,
	connect_fee bigint,
	first_increment integer,
	next_increment integer,
	fee bigint,
	commission bigint,
	billing_mode text
		constraint cdr_billing_mode_values
			check (billing_mode in ('rated', 'free', 'zero', 'illegal')),
	vendor_rate_prefix text collate "C",
	vendor_rate bigint,
	vendor_cost bigint,
	margin bigint,
	vendor_rate_missing boolean,
	end_reason text not null
		constraint cdr_end_reason_format check (end_reason ~ '^[A-Za-z]{1,64}$'),
	end_detail text,
	end_side text
		constraint cdr_end_side_values check (end_side in ('caller', 'callee', 'server')),
	sip_code integer
		constraint cdr_sip_code_range check (sip_code between 100 and 699),
	sip_code_b integer
		constraint cdr_sip_code_b_range check (sip_code_b between 100 and 699),
	q850 integer
		constraint cdr_q850_range check (q850 between 0 and 127),
	regime text
		constraint cdr_regime_values check (regime in ('timer', 'no_timer')),
	media text
		constraint cdr_media_values check (media in ('relay', 'bypass', 'none')),
	codec text,
	a_packets bigint,
	a_lost bigint,
	b_packets bigint,
	b_lost bigint,
	a_loss_pct numeric(5,2),
	a_jitter_ms numeric(9,2),
	b_loss_pct numeric(5,2),
	b_jitter_ms numeric(9,2),
	a_mos numeric(3,2),
	b_mos numeric(3,2),
	call_id_a text collate "C",
	call_id_b text collate "C",
	config_version bigint,
	primary key (cdr_id, start_time)
) partition by range (start_time);

-- Each gateway that was tried, for reports by gateway; seq counts from 1
create table attempt (
	cdr_id text collate "C" not null,
	start_time timestamptz(3) not null -- of the call
		constraint attempt_start_time_range check (start_time
			between '1970-01-01 00:00:00+00' and '9999-12-30 00:00:00+00'),
	seq integer not null
		constraint attempt_seq_range check (seq >= 1),
	gateway text not null,
	address text,
	start timestamptz(3),
	ms integer,
	sip_code integer
		constraint attempt_sip_code_range check (sip_code between 100 and 699),
	reason text,
	skipped text, -- the token, if it was not tried
	primary key (cdr_id, start_time, seq)
) partition by range (start_time);

create table cdr_default partition of cdr default;
create table attempt_default partition of attempt default;

-- Of "cdr query". Byte order serves prefixes too; what is rare is looked for
-- within the days that are asked for.
create index cdr_start_time on cdr (start_time, cdr_id);
create index cdr_caller on cdr (caller);
create index cdr_caller_original on cdr (caller_original);
create index cdr_caller_sent on cdr (caller_sent);
create index cdr_called on cdr (called);
create index cdr_called_original on cdr (called_original);
create index cdr_called_sent on cdr (called_sent);
create index cdr_account on cdr (account, start_time);
create index cdr_mapping_gateway on cdr (mapping_gateway, start_time);
create index cdr_routing_gateway on cdr (routing_gateway, start_time);
create index cdr_source_ip on cdr (source_ip);
create index cdr_call_id_a on cdr (call_id_a);
create index cdr_call_id_b on cdr (call_id_b);
create index attempt_gateway on attempt (gateway, start_time);

create trigger cdr_never_changes before update on cdr
	for each row execute function refuse('a correction is a ledger entry of its own');

-- Make the partition of a day, with what the default partition has of it.
-- False: it was there
create function cdr_partition(parent regclass, day date) returns boolean
language plpgsql as $$
declare
	base text := (select relname from pg_class where oid = parent);
	schema text := (select nspname from pg_class c join pg_namespace n
		on n.oid = c.relnamespace where c.oid = parent);
	name text := format('%I.%I', schema, base || to_char(day, '_YYYYMMDD'));
	rest text := format('%I.%I', schema, base || '_default');
	first timestamptz := day::timestamp at time zone 'UTC';
	last timestamptz := (day + 1)::timestamp at time zone 'UTC';
begin
	if to_regclass(name) is not null then
		return false;
	end if;
	-- Attached, not created in place: that would stop all readers and
	-- writers of every day. Nobody may put a record of the day into the
	-- default partition between its being emptied and the end of this.
	execute format('lock table %s in access exclusive mode', rest);
	execute format('create table %s (like %s including defaults including constraints)',
		name, parent);
	execute format('with moved as (delete from %s where start_time >= $1
			and start_time < $2 returning *)
		insert into %s select * from moved', rest, name) using first, last;
	execute format('alter table %s attach partition %s for values from (%L) to (%L)',
		parent, name, first, last);
	return true;
end $$;

-- Partitions for today, this many days more, and every day of which there is
-- something in the default partitions. Returns those it made.
create function cdr_partitions_ahead(days integer) returns setof text
language plpgsql as $$
declare
	parent regclass;
	day date;
begin
	if days is null or days not between 0 and 366 then
		raise exception 'cdr_partitions_ahead: % is not allowed (0-366)',
			coalesce(days::text, 'null')
			using errcode = 'invalid_parameter_value';
	end if;
	perform pg_advisory_xact_lock(hashtext('tandem partitions'));
	foreach parent in array array['cdr', 'attempt']::regclass[] loop
		for day in execute format('select (now() at time zone ''UTC'')::date + n
				from generate_series(0, $1) n
			union select distinct (start_time at time zone ''UTC'')::date from %s_default
			order by 1', parent) using days
		loop
			if cdr_partition(parent, day) then
				return next parent || to_char(day, '_YYYYMMDD');
			end if;
		end loop;
	end loop;
end $$;

-- Drop the days that are wholly older than this. Returns those it dropped, and
-- the default partitions it took old rows from.
create function cdr_prune(keep interval) returns setof text language plpgsql as $$
declare
	oldest timestamptz := date_trunc('day', (now() - keep) at time zone 'UTC') at time zone 'UTC';
	parent regclass;
	name text;
	rows_gone bigint;
begin
	if keep is null or keep < interval '1 day' then
		raise exception 'cdr_prune: % is not allowed (1 day or more)', coalesce(keep::text, 'null')
			using errcode = 'invalid_parameter_value';
	end if;
	perform pg_advisory_xact_lock(hashtext('tandem partitions'));
	foreach parent in array array['cdr', 'attempt']::regclass[] loop
		for name in select inhrelid::regclass::text from pg_inherits
			where inhparent = parent and case
				when inhrelid::regclass::text ~ '_[0-9]{8}$'
				then to_date(right(inhrelid::regclass::text, 8), 'YYYYMMDD')::timestamp
					at time zone 'UTC' < oldest end
			order by 1
		loop
			execute format('drop table %s', name);
			return next name;
		end loop;
		execute format('delete from %s_default where start_time < $1', parent) using oldest;
		get diagnostics rows_gone = row_count;
		if rows_gone > 0 then
			return next parent || '_default';
		end if;
	end loop;
end $$;

do $$ begin
	perform cdr_partitions_ahead(7);
end $$;
