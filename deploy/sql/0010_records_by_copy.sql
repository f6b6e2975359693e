-- Records at the speed of COPY: rows go straight into their tables, sums are
-- made of a batch at once, and only indexes that find something are kept.
--
-- A shipper calls journal_advance(), copies a batch into cdr and attempt and
-- into its own "entry", "traffic_part" and "odd", and calls leases_settle() and
-- records_apply(): in one transaction. Who copies a record that is there
-- already is refused by cdr's primary key, with all that is in his
-- transaction; he leaves it out and comes again.

-- Who is at work meanwhile waits, in the order in which he takes them too.
select pg_advisory_xact_lock(hashtext('tandem partitions'));
lock table lease, balance, account, ledger, cdr, attempt in access exclusive mode;

-- --- the ledger ---------------------------------------------------------------

drop view ledger_double;
drop trigger ledger_book on ledger;
drop function ledger_book();
alter table ledger
	drop constraint ledger_account_reference,
	drop constraint ledger_request_unique,
	drop constraint ledger_pkey;
drop index ledger_account_time;
create unique index ledger_request_unique on ledger (request_id)
	where request_id is not null;

-- Each entry names its counter-account, one of the house. What an account
-- gains the house loses: the balances of both together are always zero.
create table house (
	name text primary key,
	balance bigint not null default 0
);
insert into house (name) values ('traffic sold'), ('traffic bought'), ('commissions'),
	('cash'), ('corrections');

create function ledger_house(entry_kind text, account_kind text) returns text
language sql immutable parallel safe as $$
	select case entry_kind
		when 'commission' then 'commissions'
		when 'payment' then 'cash'
		when 'correction' then 'corrections'
		else case account_kind when 'clearing' then 'traffic bought' else 'traffic sold' end
	end
$$;

alter table ledger add column house text;
alter table ledger disable trigger ledger_append_only;
update ledger l set house = ledger_house(l.kind, a.kind) from account a where a.id = l.account_id;
alter table ledger enable trigger ledger_append_only;
update house h set balance = -s.sum
from (select house, sum(amount)::bigint from ledger group by house) s where s.house = h.name;
alter table ledger
	alter column house set not null,
	-- In an account time and id rise together.
	add constraint ledger_pkey primary key (account_id, time, id);

create trigger house_guard before insert or update or delete on house
	for each row execute function balance_guard();
create trigger house_truncate before truncate on house
	for each statement execute function refuse('it is the sum of ledger entries');

-- One entry: what it makes of the balance is found here, under the lock of the
-- balance's row. Who books many at once says it himself (ledger_book_calls()).
create function ledger_fill() returns trigger language plpgsql as $$
begin
	select b.balance + new.amount, ledger_house(new.kind, a.kind)
	into new.balance_after, new.house
	from balance b join account a on a.id = b.account_id
	where b.account_id = new.account_id for update of b;
	if not found then
		raise exception 'ledger: there is no account %', new.account_id
			using errcode = 'foreign_key_violation', constraint = 'ledger_account_reference';
	end if;
	new.id := nextval('ledger_entry');
	new.time := clock_timestamp();
	return new;
end $$;
create trigger ledger_fill before insert on ledger
	for each row when (new.balance_after is null) execute function ledger_fill();

-- The balances follow what was really put in; what does not fit them is
-- refused. Houses are locked behind accounts, by name.
create function ledger_apply() returns trigger language plpgsql as $$
declare
	accounts bigint := (select count(*) from (select distinct account_id from new_rows) a);
	changed bigint;
begin
	if accounts = 0 then
		return null;
	end if;
	update balance b set balance = l.balance_after
	from (select account_id, sum(amount) as amount, max(id) as last
		from new_rows group by account_id) s
	join new_rows l on l.account_id = s.account_id and l.id = s.last
	where b.account_id = s.account_id and b.balance + s.amount = l.balance_after;
	get diagnostics changed = row_count;
	if changed <> accounts then
		raise exception 'ledger: an entry does not follow the one before'
			using errcode = 'integrity_constraint_violation';
	end if;

	perform from house h where name in (select house from new_rows) order by name for update;
	update house h set balance = h.balance - s.amount
	from (select house, sum(amount)::bigint as amount from new_rows group by house) s
	where h.name = s.house;
	return null;
end $$;
create trigger ledger_apply after insert on ledger
	referencing new table as new_rows
	for each statement execute function ledger_apply();

-- An account of which there is an entry stays. Its balance's row is what both
-- who books and who removes it must have.
create function balance_leave() returns trigger language plpgsql as $$
begin
	if exists (select from ledger where account_id = old.account_id) then
		raise exception 'account %: there are entries of it', old.account_id
			using errcode = 'foreign_key_violation', constraint = 'ledger_account_reference';
	end if;
	return null;
end $$;
create trigger balance_leave after delete on balance
	for each row execute function balance_leave();

-- A lease of which nothing is left keeps no account.
create function account_leave() returns trigger language plpgsql as $$
begin
	delete from lease where account_id = old.id and granted = settled;
	return old;
end $$;
create trigger account_leave before delete on account
	for each row execute function account_leave();

-- The two sides of each entry, by transaction
create view ledger_double as
	select id, time, coalesce(cdr_id, 'entry ' || id) as transaction, account_id,
		null::text as house, amount, kind from ledger
	union all
	select id, time, coalesce(cdr_id, 'entry ' || id), null, house, -amount, kind from ledger;

-- "entry": n, account_id, amount, kind, cdr_id
create function ledger_book_calls() returns void language plpgsql as $$
declare
	accounts bigint := (select count(*) from (select distinct account_id from entry) a);
	locked bigint;
begin
	perform from balance where account_id in (select account_id from entry)
	order by account_id for update;
	get diagnostics locked = row_count;
	if locked <> accounts then
		raise exception 'ledger: there is no account %', (select min(account_id) from entry e
				where not exists (select from balance b where b.account_id = e.account_id))
			using errcode = 'foreign_key_violation', constraint = 'ledger_account_reference';
	end if;
	insert into ledger (id, time, account_id, amount, balance_after, kind, cdr_id, house)
	select nextval('ledger_entry'), x.at, account_id, amount, after, kind, cdr_id, house
	from (select e.account_id, e.amount, e.kind, e.cdr_id,
			ledger_house(e.kind, a.kind) as house, t.at,
			(b.balance + sum(e.amount) over (partition by e.account_id order by e.n
				rows unbounded preceding))::bigint as after
		from entry e
		join balance b on b.account_id = e.account_id
		join account a on a.id = e.account_id
		cross join (select clock_timestamp() as at offset 0) t
		order by e.account_id, e.n) x;
end $$;

-- Totals only grow, and there may be several of one account.
create or replace function leases_settle(lease_node text, accounts integer[], totals bigint[])
returns void language sql as $$
	update lease l set settled = greatest(l.settled, least(s.total, l.granted)),
		changed_at = clock_timestamp()
	from (select account_id, max(total) as total
		from unnest(accounts, totals) u (account_id, total) group by account_id) s
	where l.node = lease_node and l.account_id = s.account_id
		and l.settled < least(s.total, l.granted)
$$;

-- A journal whose node has another name now takes its leases with it.
create function journal_open(id text, node_name text) returns bigint
language plpgsql as $$
declare
	was text;
	at bigint;
begin
	insert into journal_mark (journal, node, seq) values (id, node_name, 0)
	on conflict (journal) do nothing;
	select node, seq into was, at from journal_mark where journal = id for update;
	if was <> node_name then
		update lease l set node = node_name where node = was
			and not exists (select from lease n
				where n.node = node_name and n.account_id = l.account_id)
			and not exists (select from journal_mark m where m.node = was and m.journal <> id
				and m.changed_at > now() - interval '1 day');
		update journal_mark set node = node_name where journal = id;
	end if;
	return at;
end $$;

-- --- reports ------------------------------------------------------------------

-- "traffic_part": as traffic_hour
drop function report_traffic();
create function report_traffic() returns void language plpgsql as $$
begin
	insert into traffic_hour as t select * from traffic_part order by 1, 2, 3, 4, 5, 6
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
	from odd, lateral (values
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
	from odd where cap_s > 0
	on conflict do nothing;

	insert into illegal_source as i
	select (start_time at time zone 'UTC')::date, source_ip, count(*), min(start_time),
		max(start_time),
		(array_agg(distinct coalesce(called_original, '')))[1:10],
		(array_agg(end_reason order by start_time desc))[1]
	from odd where billing_mode = 'illegal' and source_ip is not null
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

drop function records_apply();
drop function records_insert();
create function records_apply() returns void language plpgsql as $$
begin
	perform ledger_book_calls();
	perform report_traffic();
	if exists (select from odd) then
		perform report_others();
	end if;
end $$;

-- --- indexes ------------------------------------------------------------------

-- Attempts come with their call or not at all; they are looked for by gateway.
alter table attempt drop constraint attempt_pkey;

-- Numbers mostly have one form.
drop index cdr_caller_original, cdr_caller_sent, cdr_called_original, cdr_called_sent;
create index cdr_caller_original on cdr (caller_original)
	where caller_original is distinct from caller;
create index cdr_caller_sent on cdr (caller_sent)
	where caller_sent is distinct from caller;
create index cdr_called_original on cdr (called_original)
	where called_original is distinct from called;
create index cdr_called_sent on cdr (called_sent)
	where called_sent is distinct from called;
-- What few things are looked for by is found within the days that are asked
-- for; a gateway by its attempts.
drop index cdr_mapping_gateway, cdr_routing_gateway, cdr_source_ip;

-- A regular expression takes longer than all other checks.
alter table cdr
	drop constraint cdr_end_reason_format,
	add constraint cdr_end_reason_length check (octet_length(end_reason) between 1 and 64);
