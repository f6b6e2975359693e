-- Money of accounts, in micro-units.
--
-- The ledger is the truth; a balance is the sum of its entries, kept by
-- trigger under the lock of the balance's row, so that it holds at every
-- instant. Reserved is the sum of what holds and leases still keep back.
-- Available = balance + overdraft - reserved.

create table balance (
	account_id integer primary key
		constraint balance_account_reference references account on delete cascade,
	balance bigint not null default 0,
	reserved bigint not null default 0
		constraint balance_reserved_range check (reserved >= 0)
);
insert into balance (account_id) select id from account;

create function balance_open() returns trigger language plpgsql as $$
begin
	insert into balance (account_id) select id from new_rows;
	return null;
end $$;
create trigger balance_open after insert on account
	referencing new table as new_rows
	for each statement execute function balance_open();

-- Only the triggers of what it sums up, and the removal of its account, may
-- touch a balance: they are one level down.
create function balance_guard() returns trigger language plpgsql as $$
begin
	if pg_trigger_depth() < 2 then
		raise exception 'balance: it is the sum of ledger entries: make an entry'
			using errcode = 'integrity_constraint_violation';
	end if;
	return coalesce(new, old);
end $$;
create trigger balance_guard before insert or update or delete on balance
	for each row execute function balance_guard();
create trigger balance_truncate before truncate on balance
	for each statement execute function refuse('it is the sum of ledger entries');

create sequence ledger_entry as bigint;
create table ledger (
	id bigint primary key, -- in the order of booking
	time timestamptz not null,
	account_id integer not null
		constraint ledger_account_reference references account on delete restrict,
	amount bigint not null
		constraint ledger_amount_range check (amount <> 0),
	balance_after bigint not null,
	kind text not null
		constraint ledger_kind_values
			check (kind in ('call', 'commission', 'payment', 'correction')),
	cdr_id text collate "C",
	operator text,
	note text
		constraint ledger_note_length check (octet_length(note) <= 1024),
	-- Of the client that asks for a payment, so that it may ask again
	request_id text collate "C"
		constraint ledger_request_unique unique
		constraint ledger_request_id_length check (octet_length(request_id) between 1 and 128),
	constraint ledger_origin check (case
		when kind in ('call', 'commission') then cdr_id is not null and operator is null
		else coalesce(operator, '') <> '' end),
	-- A record that is delivered twice is booked once.
	constraint ledger_call_unique unique (cdr_id, account_id, kind)
);
alter sequence ledger_entry owned by ledger.id;
create index ledger_account_time on ledger (account_id, time);

-- Number and time are taken under the lock: in an account they rise with
-- balance_after. Who books for several accounts at once does so by rising
-- account_id, or two of them may wait for each other.
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
create trigger ledger_append_only before update or delete or truncate on ledger
	for each statement execute function refuse('entries stay; make a correction');

-- What a running call keeps back, by the call's id
create table hold (
	id text collate "C" primary key
		constraint hold_id_length check (octet_length(id) between 1 and 128),
	account_id integer not null
		constraint hold_account_reference references account on delete restrict,
	amount bigint not null
		constraint hold_amount_range check (amount >= 0),
	changed_at timestamptz not null default clock_timestamp()
);
create index hold_account on hold (account_id);

-- What a node may spend without asking: granted in all, of which settled is
-- in the ledger. Both only grow, so that a node that does not know how its
-- request ended asks again for the same total.
create table lease (
	node text collate "C" not null
		constraint lease_node_length check (octet_length(node) between 1 and 64),
	account_id integer not null
		constraint lease_account_reference references account on delete restrict,
	granted bigint not null,
	settled bigint not null default 0,
	amount bigint not null generated always as (granted - settled) stored,
	changed_at timestamptz not null default clock_timestamp(),
	primary key (node, account_id),
	constraint lease_settled_range check (settled between 0 and granted)
);
create index lease_account on lease (account_id);

create function reserved_track() returns trigger language plpgsql as $$
begin
	if tg_op <> 'INSERT' then
		update balance set reserved = reserved - old.amount where account_id = old.account_id;
	end if;
	if tg_op <> 'DELETE' then
		update balance set reserved = reserved + new.amount where account_id = new.account_id;
	end if;
	return null;
end $$;
create trigger reserved_track after insert or update or delete on hold
	for each row execute function reserved_track();
create trigger reserved_track after insert or update or delete on lease
	for each row execute function reserved_track();
create trigger hold_truncate before truncate on hold
	for each statement execute function refuse('balances count it; delete the rows');
create trigger lease_truncate before truncate on lease
	for each statement execute function refuse('balances count it; delete the rows');

-- An account's money, as it is shown. Available NULL: unlimited
create view account_money as
	select a.id, a.name, a.kind, a.status, b.balance, a.overdraft, b.reserved,
		b.balance + a.overdraft - b.reserved as available
	from account a join balance b on b.account_id = a.id;

-- Lock an account's money. NULL: unlimited, or no such account
create function available_lock(account integer) returns bigint language plpgsql as $$
declare
	money balance;
begin
	select * into money from balance where account_id = account for update;
	return (select money.balance + overdraft - money.reserved from account a
		where a.id = account);
end $$;

-- Make the reservation of a call this much in all, if there is as much; may
-- be repeated. Returns what is reserved after it.
create function hold_set(hold_id text, account integer, wanted bigint) returns bigint
language plpgsql as $$
declare
	available bigint := available_lock(account);
	held bigint := coalesce((select amount from hold
		where id = hold_id and account_id = account), 0);
begin
	if available is not null and wanted > held and wanted - held > available then
		return held;
	end if;
	insert into hold (id, account_id, amount) values (hold_id, account, wanted)
	on conflict (id) do update set amount = wanted, changed_at = clock_timestamp()
		where hold.account_id = account;
	if not found then
		raise exception 'hold: % is of another account', hold_id
			using errcode = 'integrity_constraint_violation', constraint = 'hold_pkey';
	end if;
	return wanted;
end $$;

-- Raise what a node was granted to this total, or as near to it as there is
-- money; may be repeated. Returns the total granted after it.
create function lease_raise(lease_node text, account integer, wanted bigint) returns bigint
language plpgsql as $$
declare
	available bigint := available_lock(account);
	had bigint := coalesce((select granted from lease
		where node = lease_node and account_id = account), 0);
	total bigint := greatest(had, case when available is null then wanted
		else least(wanted, had + greatest(available, 0)) end);
begin
	if total > had then
		insert into lease (node, account_id, granted) values (lease_node, account, total)
		on conflict (node, account_id) do update
			set granted = total, changed_at = clock_timestamp();
	end if;
	return total;
end $$;
