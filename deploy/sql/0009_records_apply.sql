-- Records of calls from the journals of the nodes: each once, with all it
-- means, in one transaction.
--
-- A shipper copies a batch into its own "staging" and calls, in the same
-- transaction, journal_advance(), records_apply() and leases_settle().

-- How far the journal of a node is in the database. A journal has an id of its
-- own, for its sequence numbers count within it.
create table journal_mark (
	journal text collate "C" primary key
		constraint journal_mark_journal_format check (journal ~ '^[0-9a-f]{16}$'),
	node text not null,
	seq bigint not null
		constraint journal_mark_seq_range check (seq >= 0),
	changed_at timestamptz not null default clock_timestamp()
);

-- Who does not know how his last transaction ended must read the mark first.
create function journal_advance(id text, from_seq bigint, to_seq bigint) returns void
language plpgsql as $$
begin
	update journal_mark set seq = to_seq, changed_at = clock_timestamp()
	where journal = id and seq = from_seq and to_seq >= from_seq;
	if not found then
		raise exception 'journal %: it is not at %', id, from_seq
			using errcode = 'serialization_failure';
	end if;
end $$;

-- What was spent of leases, or given back: totals that only grow
create function leases_settle(lease_node text, accounts integer[], totals bigint[]) returns void
language sql as $$
	update lease l set settled = greatest(l.settled, least(s.total, l.granted)),
		changed_at = clock_timestamp()
	from unnest(accounts, totals) s (account_id, total)
	where l.node = lease_node and l.account_id = s.account_id
		and l.settled < least(s.total, l.granted)
$$;

-- --- reports: sums that are kept as records come ------------------------------

-- Of each hour (UTC): attempts by gateway; calls that reached none have the
-- gateway ''. Talk and money are with the gateway that answered.
create table traffic_hour (
	hour timestamptz not null,
	gateway text not null,
	account text not null,
	prefix text collate "C" not null, -- of the rate
	reason text not null,
	sip_code integer not null,
	attempts bigint not null,
	answered bigint not null,
	talk_ms bigint not null,
	setup_ms bigint not null,
	setups bigint not null,
	fee bigint not null,
	cost bigint not null,
	margin bigint not null,
	first timestamptz(3) not null,
	last timestamptz(3) not null,
	primary key (hour, gateway, account, prefix, reason, sip_code)
);
create index traffic_hour_gateway on traffic_hour (gateway, hour);

-- Calls with a silent tail, by day, gateway or phone, and length
create table ghost_length (
	day date not null,
	object text not null
		constraint ghost_length_object_values check (object in ('gateway', 'phone')),
	name text not null,
	seconds integer not null,
	count bigint not null,
	start timestamptz(3) not null, -- of the first one
	called text not null,
	talk bigint not null,
	silent_tail bigint not null,
	fee bigint not null,
	primary key (day, object, name, seconds)
);

-- Calls that ended where a limit was
create table near_cap (
	start_time timestamptz(3) not null,
	cdr_id text collate "C" not null,
	gateway text not null,
	phone text not null,
	called text not null,
	duration integer not null,
	cap integer not null,
	cap_name text not null,
	regime text not null,
	primary key (start_time, cdr_id)
);

-- Sources that may not call, by day
create table illegal_source (
	day date not null,
	source_ip inet not null,
	count bigint not null,
	first timestamptz(3) not null,
	last timestamptz(3) not null,
	numbers text[] not null, -- the first ten
	reason text not null,    -- of the last
	primary key (day, source_ip)
);

create index cdr_ghost on cdr (start_time)
	where end_reason = 'NoMediaTimeout' or silent_tail >= 30000;

-- --- applying -----------------------------------------------------------------

create function report_traffic() returns void language plpgsql as $$
begin
	insert into traffic_hour as t
	select date_trunc('hour', s.start_time, 'UTC'), coalesce(a.gateway, ''),
		coalesce(s.account, ''), coalesce(s.rate_prefix, ''),
		case when is_last then s.end_reason else coalesce(a.reason, s.end_reason) end,
		coalesce(case when is_last then coalesce(s.sip_code, a.sip_code) else a.sip_code end, 0),
		count(*), count(*) filter (where is_last and s.answer_time is not null),
		coalesce(sum(s.duration_ms) filter (where is_last), 0),
		coalesce(sum(s.setup_ms) filter (where is_last), 0),
		count(s.setup_ms) filter (where is_last),
		coalesce(sum(s.fee) filter (where is_last), 0),
		coalesce(sum(s.vendor_cost) filter (where is_last), 0),
		coalesce(sum(s.margin) filter (where is_last), 0),
		min(s.start_time), max(s.start_time)
	from staging s
	left join lateral (
		select e ->> 'gateway' as gateway, e ->> 'reason' as reason,
			(e ->> 'sip_code')::integer as sip_code,
			i = max(i) over () as is_final
		from jsonb_array_elements(s.attempts) with ordinality as x (e, i)
		where e ->> 'skipped' is null
	) a on true
	cross join lateral (select coalesce(a.is_final, true) as is_last) l
	group by 1, 2, 3, 4, 5, 6
	order by 1, 2, 3, 4, 5, 6
	on conflict (hour, gateway, account, prefix, reason, sip_code) do update set
		attempts = t.attempts + excluded.attempts,
		answered = t.answered + excluded.answered,
		talk_ms = t.talk_ms + excluded.talk_ms,
		setup_ms = t.setup_ms + excluded.setup_ms,
		setups = t.setups + excluded.setups,
		fee = t.fee + excluded.fee,
		cost = t.cost + excluded.cost,
		margin = t.margin + excluded.margin,
		first = least(t.first, excluded.first),
		last = greatest(t.last, excluded.last);
end $$;

create function report_others() returns void language plpgsql as $$
begin
	insert into ghost_length as g
	select (start_time at time zone 'UTC')::date, object, name, duration, count(*),
		min(start_time), min(coalesce(called, '')), min(duration_ms - silent_tail) / 1000,
		min(silent_tail), coalesce(sum(fee), 0)
	from staging, lateral (values
		('gateway', coalesce(routing_gateway, mapping_gateway)), ('phone', phone)) o (object, name)
	where name is not null and silent_tail > 0 and duration >= 60
	group by 1, 2, 3, 4
	order by 1, 2, 3, 4
	on conflict (day, object, name, seconds) do update set
		count = g.count + excluded.count,
		start = least(g.start, excluded.start),
		fee = g.fee + excluded.fee;

	insert into near_cap
	select start_time, cdr_id, coalesce(routing_gateway, ''), coalesce(phone, ''),
		coalesce(called, ''), duration, cap_s, cap_name, coalesce(regime, '')
	from staging where cap_s > 0
	on conflict do nothing;

	insert into illegal_source as i
	select (start_time at time zone 'UTC')::date, source_ip, count(*), min(start_time),
		max(start_time),
		(array_agg(distinct coalesce(called_original, '')))[1:10],
		(array_agg(end_reason order by start_time desc))[1]
	from staging where billing_mode = 'illegal' and source_ip is not null
	group by 1, 2
	order by 1, 2
	on conflict (day, source_ip) do update set
		count = i.count + excluded.count,
		first = least(i.first, excluded.first),
		last = greatest(i.last, excluded.last),
		numbers = case when cardinality(i.numbers) >= 10 then i.numbers
			else (select (array_agg(distinct n))[1:10]
				from unnest(i.numbers || excluded.numbers) n) end,
		reason = excluded.reason;
end $$;

-- Columns of "staging" beside those of cdr: n, account_id, agent_id,
-- clearing_id, cap_s, cap_name. "fresh" has the ids that were not there yet.
-- Returns how many those are.
create function records_apply() returns bigint language plpgsql as $$
declare
	written bigint;
begin
	perform records_insert();
	written := (select count(*) from fresh);
	if written <> (select count(*) from staging) then
		delete from staging s where not exists (select from fresh f where f.cdr_id = s.cdr_id)
			or exists (select from staging b where b.cdr_id = s.cdr_id and b.n < s.n);
	end if;

	insert into attempt (cdr_id, start_time, seq, gateway, address, start, ms, sip_code,
		reason, skipped)
	select s.cdr_id, s.start_time, i, coalesce(e ->> 'gateway', ''), e ->> 'address',
		(e ->> 'start')::timestamptz, (e ->> 'ms')::integer,
		(e ->> 'sip_code')::integer, e ->> 'reason', e ->> 'skipped'
	from staging s, jsonb_array_elements(s.attempts) with ordinality as x (e, i);

	insert into ledger (account_id, amount, kind, cdr_id)
	select account_id, sum(amount), kind, cdr_id from (
		select account_id, -fee as amount, 'call' as kind, cdr_id from staging
			where fee > 0 and account_id > 0
		union all
		select agent_id, commission, 'commission', cdr_id from staging
			where commission > 0 and agent_id > 0
		union all
		select clearing_id, -vendor_cost, 'call', cdr_id from staging
			where vendor_cost > 0 and clearing_id > 0
	) e
	group by account_id, kind, cdr_id
	order by account_id, cdr_id, kind;

	perform report_traffic();
	perform report_others();
	return written;
end $$;

-- The columns of cdr, in its order
create function records_insert() returns void language plpgsql as $$
declare
	names text := (select string_agg(quote_ident(attname), ', ' order by attnum)
		from pg_attribute where attrelid = 'cdr'::regclass and attnum > 0 and not attisdropped);
begin
	execute format('with ins as (insert into cdr (%s) select %s from staging order by n
		on conflict do nothing returning cdr_id) insert into fresh select cdr_id from ins',
		names, names);
end $$;

-- --- double entry ---------------------------------------------------------------

-- Each entry of an account has a counter-entry of the house: what a call
-- brings in or costs, what an agent earns, what is paid in or corrected. The
-- sum of every transaction is zero.
create view ledger_double as
	select id, time, coalesce(cdr_id, 'entry ' || id) as transaction, account_id,
		null::text as house, amount, kind from ledger
	union all
	select l.id, l.time, coalesce(l.cdr_id, 'entry ' || l.id), null,
		case when l.kind = 'commission' then 'commissions'
			when l.kind = 'payment' then 'cash'
			when l.kind = 'correction' then 'corrections'
			when a.kind = 'clearing' then 'traffic bought' else 'traffic sold' end,
		-l.amount, l.kind
	from ledger l join account a on a.id = l.account_id;
