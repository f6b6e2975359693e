-- The way back: what was changed after a version is changed back, newest
-- first, as one more version. Nothing is forgotten by it.

-- A row of before or after with its secrets, as its table holds it
create function config_row_write(kind text, id integer, name text, op text, record jsonb)
returns void language plpgsql as $$
declare
	-- Columns that the server makes are not written.
	columns text := (select string_agg(format('%I', a.attname), ', ' order by a.attnum)
		from pg_attribute a
		where a.attrelid = format('%I', case kind when 'param' then 'parameter' else kind end)::regclass
			and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
			and record ? a.attname);
	into_table text := format('%I', case kind when 'param' then 'parameter' else kind end);
	is_it text := case kind when 'param' then format('name = %L', name)
		else format('id = %s', id) end;
begin
	case op
	when 'insert' then
		execute format('delete from %s where %s', into_table, is_it);
	when 'delete' then
		execute format('insert into %s (%s) overriding system value
			select %s from jsonb_populate_record(null::%s, $1)',
			into_table, columns, columns, into_table) using record;
	when 'update' then
		-- An identity is not updated, nor has it changed.
		columns := regexp_replace(columns, '^id, ', '');
		execute format('update %s set (%s) = row(%s) from (
			select * from jsonb_populate_record(null::%s, $1)) r where %s',
			into_table, columns,
			regexp_replace(columns, '([^, ]+)', 'r.\1', 'g'),
			into_table, into_table || '.' || is_it) using record;
	end case;
end $$;

create function config_revert(target bigint) returns bigint language plpgsql as $$
declare
	c config_change;
	n bigint := 0;
begin
	perform pg_advisory_xact_lock(hashtext('tandem configuration'));
	if target < 0 or not exists (select from config_version where version = greatest(target, 1)) then
		raise exception 'there is no version %', target
			using errcode = 'invalid_parameter_value';
	end if;
	set constraints all deferred;
	for c in select * from config_change where version > target
		order by version desc, seq desc
	loop
		perform config_row_write(c.kind, c.id, c.name, c.op,
			c.before || coalesce(c.secrets -> 'before', '{}'));
		n := n + 1;
	end loop;
	return n;
end $$;

-- One parameter, to what it was before its last change
create function config_param_rollback(param text) returns void language plpgsql as $$
declare
	c config_change;
begin
	select * into c from config_change where kind = 'param' and config_change.name = param
		order by version desc, seq desc limit 1;
	if not found then
		raise exception '% was never changed', param
			using errcode = 'invalid_parameter_value';
	end if;
	perform config_row_write(c.kind, c.id, c.name, c.op, c.before);
end $$;
