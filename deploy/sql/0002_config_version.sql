-- Versions of the configuration: who changed what, when, from what, to what.
--
-- A transaction that changes a table of the configuration is one version.
-- Triggers see to it, so that a change by psql is a version like any other.
-- Settings an operator's client makes: tandem.operator, tandem.note.

create table config_version (
	version bigint primary key,
	at timestamptz not null,
	operator text not null,
	note text
);

-- One row per record that changed. Kind is the name of its table ('param': a
-- parameter, which has id 0). Passwords are 'set' in before and after; what
-- they were, for a revert alone, is in secrets: {"before": {"ha1": ...},
-- "after": ...}; it is shown to nobody. No foreign key to config_version:
-- only config_track() writes here, and a check per row would double the time
-- of a large import.
create table config_change (
	version bigint not null,
	seq integer not null,
	kind text not null,
	id integer not null,
	name text not null,
	op text not null constraint config_change_op_values
		check (op in ('insert', 'update', 'delete')),
	before jsonb,
	after jsonb,
	secrets jsonb,
	primary key (version, seq),
	constraint config_change_op_rows check (case op
		when 'insert' then before is null and after is not null
		when 'update' then before is not null and after is not null
		when 'delete' then before is not null and after is null end)
);
create index config_change_record on config_change (kind, id);

-- Trigger: this may not be done; the argument says why.
create function refuse() returns trigger language plpgsql as $$
begin
	raise exception '%: % is refused: %', tg_table_name, lower(tg_op), tg_argv[0]
		using errcode = 'integrity_constraint_violation';
end $$;

-- Before the first row is touched: versions are committed in the order of
-- their numbers, and two writers cannot wait for each other, for each has
-- this lock before any other.
create function config_lock() returns trigger language plpgsql as $$
begin
	perform pg_advisory_xact_lock(hashtext('tandem configuration'));
	return null;
end $$;

-- The version of this transaction, made when it is first asked for. The
-- setting is the transaction's own, and goes back with a savepoint as the row
-- does; the transaction's number in it tells a setting that is not ours.
create function config_version_take() returns bigint language plpgsql as $$
declare
	xact text := pg_current_xact_id()::text;
	was text[] := string_to_array(current_setting('tandem.config_version', true), ':');
	taken bigint;
begin
	if was[1] = xact then
		return was[2]::bigint;
	end if;
	select coalesce(max(version), 0) + 1 into taken from config_version;
	-- Under a snapshot older than the lock the number may be another's:
	-- then the conflict is a serialization failure, to be tried again.
	insert into config_version (version, at, operator, note)
	values (taken, clock_timestamp(),
		coalesce(nullif(current_setting('tandem.operator', true), ''), session_user),
		nullif(current_setting('tandem.note', true), ''))
	on conflict (version) do nothing;
	perform set_config('tandem.config_version', xact || ':' || taken, true);
	perform pg_notify('tandem_config', taken::text);
	return taken;
end $$;

-- A row as it is shown, and what is not shown of it
create function config_shown(record jsonb) returns jsonb
language sql immutable parallel safe as $$
	select case when record ? 'ha1' or record ? 'sealed' then record
		|| case when record ->> 'ha1' <> '' then '{"ha1": "set"}' else '{}' end::jsonb
		|| case when record ->> 'sealed' <> '' then '{"sealed": "set"}' else '{}' end::jsonb
	else record end
$$;
create function config_hidden(record jsonb) returns jsonb
language sql immutable parallel safe as $$
	select case when record ? 'ha1' or record ? 'sealed' then
		nullif(jsonb_strip_nulls(jsonb_build_object(
			'ha1', nullif(record ->> 'ha1', ''),
			'sealed', nullif(record ->> 'sealed', ''))), '{}')
	end
$$;

-- After a statement: its rows, as one set. The arguments: kind, key column.
-- Rows that did not change are no change; a row whose key changed is one that
-- went and one that came.
-- account_kind and agent_kind are constants for a foreign key and say nothing.
create function config_track() returns trigger language plpgsql as $$
declare
	made text := '''{account_kind,agent_kind}''::text[]';
	rows_of text := case tg_op
	when 'INSERT' then
		'select null::jsonb as b, to_jsonb(n) - ' || made || ' as a from new_rows n'
	when 'DELETE' then
		'select to_jsonb(o) - ' || made || ' as b, null::jsonb as a from old_rows o'
	else format(
		'select to_jsonb(o) - %2$s as b, to_jsonb(n) - %2$s as a
		from old_rows o full join new_rows n on o.%1$I = n.%1$I
		where o is distinct from n', tg_argv[1], made)
	end;
	is_changed boolean;
	taken bigint;
	last integer;
begin
	execute 'select exists (' || rows_of || ')' into is_changed;
	if not is_changed then
		return null;
	end if;
	taken := config_version_take();
	select coalesce(max(seq), 0) into last from config_change where version = taken;
	-- offset 0: else each mention of a row would make its jsonb anew
	execute 'insert into config_change
		(version, seq, kind, id, name, op, before, after, secrets)
	select $1, $2 + row_number() over (), $3,
		coalesce((coalesce(a, b) ->> ''id'')::integer, 0),
		coalesce(coalesce(a, b) ->> ''name'', coalesce(a, b) ->> ''number'',
			coalesce(a, b) ->> ''entry'', coalesce(a, b) ->> ''prefix''),
		case when b is null then ''insert'' when a is null then ''delete''
			else ''update'' end,
		config_shown(b), config_shown(a),
		case when config_hidden(b) is not null or config_hidden(a) is not null
			then jsonb_strip_nulls(jsonb_build_object(
				''before'', config_hidden(b), ''after'', config_hidden(a)))
		end
	from (' || rows_of || ' offset 0) changed'
	using taken, last, tg_argv[0];
	return null;
end $$;

-- Make a table one of the configuration
create procedure config_table(name regclass, kind text) language plpgsql as $$
declare
	key text := case kind when 'param' then 'name' else 'id' end;
begin
	execute format('create trigger config_lock
		before insert or update or delete on %s
		for each statement execute function config_lock()', name);
	execute format('create trigger config_insert after insert on %s
		referencing new table as new_rows
		for each statement execute function config_track(%L, %L)', name, kind, key);
	execute format('create trigger config_update after update on %s
		referencing old table as old_rows new table as new_rows
		for each statement execute function config_track(%L, %L)', name, kind, key);
	execute format('create trigger config_delete after delete on %s
		referencing old table as old_rows
		for each statement execute function config_track(%L, %L)', name, kind, key);
	execute format('create trigger config_truncate before truncate on %s
		for each statement execute function refuse(%L)', name,
		'it would not be in the audit; delete the rows');
end $$;
