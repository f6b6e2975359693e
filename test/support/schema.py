"""The database of this release, for tests of its schema."""

import contextlib
import os
import re
import subprocess
import time

from support.cluster import ROOT, wait_for
from support.postgres import USER, Postgres

PSQL = ["psql", "-X", "-q", "-A", "-t", "-v", "VERBOSITY=verbose"]


class Failed(Exception):
    """psql's message; constraint is the one it names."""

    def __init__(self, text):
        super().__init__(text)
        found = re.search(r"CONSTRAINT NAME:\s+(\S+)", text)
        self.constraint = found.group(1) if found else None


class Schema(Postgres):
    """with Schema() as d: d.migrate() brings it to this release."""

    def __init__(self, **settings):
        super().__init__(**{"shared_buffers": "64MB", "max_wal_size": "4GB",
                            **settings})
        self.env = {**os.environ, "PGHOST": str(self.run), "PGUSER": USER,
                    "PGDATABASE": self.database}

    def run_psql(self, *args):
        done = subprocess.run(
            [*PSQL, "-v", "ON_ERROR_STOP=1", *args], env=self.env, text=True,
            capture_output=True, timeout=80, check=False)
        if done.returncode != 0:
            raise Failed(done.stderr)
        return done.stdout.removesuffix("\n")

    def sql(self, text):
        return self.run_psql("-c", text)

    def refuses(self, text, constraint=None, words=""):
        try:
            self.sql(text)
        except Failed as failure:
            assert constraint is None or failure.constraint == constraint, \
                failure
            assert words in str(failure), failure
            return
        raise AssertionError(f"was not refused: {text}")

    def tried(self, statements):
        """What each statement broke: a constraint's name, '' if nothing. They
        leave nothing behind."""
        script = [TRY] + [
            f"select replace(pg_temp.try({quoted(s)}), E'\\n', ' ');"
            for s in statements]
        answers = self.run_psql(
            "-f", self.script("\n".join(script))).split("\n")
        assert len(answers) == len(statements)
        return answers

    def wait_for_locks(self, count):
        """Until so many sessions wait for another"""
        wait_for(10, lambda: self.sql(
            "select count(*) from pg_stat_activity where application_name = "
            "'session' and wait_event_type = 'Lock'") == str(count),
            f"{count} sessions to wait")

    def script(self, text):
        path = self.dir / f"script{time.monotonic_ns()}"
        path.write_text(text, encoding="utf-8")
        return str(path)

    def start_psql(self, text):
        """psql with a script, running beside us"""
        return subprocess.Popen(
            [*PSQL, "-v", "ON_ERROR_STOP=1", "-f", self.script(text)],
            env=self.env, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)

    def migrate(self):
        for path in sorted((ROOT / "deploy" / "sql").glob("*.sql")):
            version, name = path.stem.split("_", 1)
            if path.name.endswith(".undo.sql"):
                continue
            self.run_psql(
                "-1", "-f", path, "-c", "insert into schema_migration "
                "(version, name, checksum) values "
                f"({int(version)}, '{name}', '')")

    def dump(self, *args):
        text = subprocess.run(["pg_dump", *args], env=self.env, text=True,
                              capture_output=True, check=True,
                              timeout=60).stdout
        # A key of its own in every dump, and what only people read
        return re.sub(r"(?m)^(\\(un)?restrict .*|--.*)?\n", "", text)


TRY = """
create function pg_temp.try(statement text) returns text
language plpgsql as $try$
declare
	broke text;
begin
	begin
		execute statement;
		raise exception using errcode = 'TD000';
	exception when sqlstate 'TD000' then
		return '';
	when others then
		get stacked diagnostics broke = constraint_name;
		return coalesce(nullif(broke, ''), sqlerrm);
	end;
end $try$;
"""


def quoted(value):
    if value is None:
        return "null"
    return "'" + str(value).replace("'", "''") + "'"


class Session:
    """A session that stays: what it is told takes effect when said() is
    asked for, or before."""

    def __init__(self, schema):
        self.process = subprocess.Popen(
            PSQL, env={**schema.env, "PGAPPNAME": "session"}, text=True,
            bufsize=1, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)

    def tell(self, text):
        self.process.stdin.write(text + "\n")

    def said(self):
        self.tell("\\echo -- so far")
        return "".join(iter(self.process.stdout.readline, "-- so far\n"))

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=20)


@contextlib.contextmanager
def sessions(schema, count):
    all_of_them = [Session(schema) for _ in range(count)]
    yield all_of_them
    for session in all_of_them:
        session.close()


@contextlib.contextmanager
def migrated(sql=None, **settings):
    """A database of this release, with what the SQL puts there"""
    with Schema(**settings) as d:
        d.migrate()
        if sql:
            d.sql(sql)
        yield d


# A record of each kind, which name each other where they can
RECORDS = """
insert into rate_table (name) values ('retail'), ('spare');
insert into account (name, kind) values ('agent', 'agent');
insert into account (name, kind, rate_table_id, agent_id)
	values ('customer', 'customer', 1, 1), ('vendor', 'clearing', null, null);
insert into gateway_group (name, line_limit) values ('site', 10), ('far', 0);
insert into mapping (name, account_id, group_id, addresses)
	values ('pbx', 2, 1, '192.0.2.0/24,2001:db8::/64');
insert into registration (name, sip_proxy) values ('upstream', 'sip.example');
insert into routing (name, account_id, group_id, registration_id,
	mapping_names_id, addresses)
	values ('carrier', 3, 2, 1, '1', '203.0.113.5:5060');
insert into registration (name, sip_proxy, gateway_id)
	values ('tied', '::1', 1);
insert into phone (number, account_id) values ('1001', 2);
insert into rate (table_id, prefix, rate) values (1, '44', 20000);
insert into list (list, entry) values ('caller_black', '1234*');
insert into parameter (name, value) values ('SS_MAX_CPS', '20');
"""
