alter table cdr
	drop constraint cdr_end_reason_length,
	add constraint cdr_end_reason_format check (end_reason ~ '^[A-Za-z]{1,64}$');
create index cdr_mapping_gateway on cdr (mapping_gateway, start_time);
create index cdr_routing_gateway on cdr (routing_gateway, start_time);
create index cdr_source_ip on cdr (source_ip);
drop index cdr_caller_original, cdr_caller_sent, cdr_called_original, cdr_called_sent;
create index cdr_caller_original on cdr (caller_original);
create index cdr_caller_sent on cdr (caller_sent);
create index cdr_called_original on cdr (called_original);
create index cdr_called_sent on cdr (called_sent);
alter table attempt add constraint attempt_pkey primary key (cdr_id, start_time, seq);

drop function records_apply();
drop function report_traffic();
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

create or replace function report_others() returns void language plpgsql as $$
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

create function records_insert() returns void language plpgsql as $$
declare
	names text := (select string_agg(quote_ident(attname), ', ' order by attnum)
		from pg_attribute where attrelid = 'cdr'::regclass and attnum > 0 and not attisdropped);
begin
	execute format('with ins as (insert into cdr (%s) select %s from staging order by n
		on conflict do nothing returning cdr_id) insert into fresh select cdr_id from ins',
		names, names);
end $$;

drop function journal_open(text, text);
create or replace function leases_settle(lease_node text, accounts integer[], totals bigint[]) returns void
language sql as $$
	update lease l set settled = greatest(l.settled, least(s.total, l.granted)),
		changed_at = clock_timestamp()
	from unnest(accounts, totals) s (account_id, total)
	where l.node = lease_node and l.account_id = s.account_id
		and l.settled < least(s.total, l.granted)
$$;

drop function ledger_book_calls();
drop view ledger_double;
drop trigger account_leave on account;
drop function account_leave();
drop trigger balance_leave on balance;
drop function balance_leave();
drop trigger ledger_apply on ledger;
drop function ledger_apply();
drop trigger ledger_fill on ledger;
drop function ledger_fill();
drop function ledger_house(text, text);
drop table house;
alter table ledger drop constraint ledger_pkey;
alter table ledger drop column house;
drop index ledger_request_unique;
alter table ledger
	add constraint ledger_pkey primary key (id),
	add constraint ledger_request_unique unique (request_id),
	add constraint ledger_account_reference
		foreign key (account_id) references account on delete restrict;
create index ledger_account_time on ledger (account_id, time);
create function ledger_book() returns trigger language plpgsql as $$
begin
	update balance set balance = balance + new.amount
	where account_id = new.account_id returning balance into new.balance_after;
	if not found then
		raise exception 'ledger: there is no account %', new.account_id
			using errcode = 'foreign_key_violation', constraint = 'ledger_account_reference';
	end if;
	new.id := nextval('ledger_entry');
	new.time := clock_timestamp();
	return new;
end $$;
create trigger ledger_book before insert on ledger
	for each row execute function ledger_book();
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
delete from schema_migration where version = 10;
