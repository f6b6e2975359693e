#!/usr/bin/env python3
"""The database: migrations, versions of the configuration, audit.

schema.py BIN CASE: one case, in a PostgreSQL of its own.
"""

import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import case, main  # noqa: E402
from support.cluster import ROOT  # noqa: E402
from support.postgres import USER  # noqa: E402
from support.schema import RECORDS, Schema, migrated, sessions  # noqa: E402

SQL = ROOT / "deploy" / "sql"
MIGRATIONS = sorted(p for p in SQL.glob("[0-9]*.sql")
                    if not p.name.endswith(".undo.sql"))
# A million must take less than a minute; fewer are enough to see a step that
# is done per row.
RATES = int(os.environ.get("TANDEM_TEST_RATES", "200000"))


# --- migrations --------------------------------------------------------------

@case
def each_migration_is_undone_without_a_trace():
    with Schema() as d:
        before = []
        for path in MIGRATIONS:
            before.append(d.dump("--schema-only"))
            d.run_psql("-1", "-f", str(path))
            if path.name.startswith("0001_"):
                continue
            d.sql("insert into schema_migration values "
                  f"({int(path.name[:4])}, '{path.stem}', '')")
        assert len(set(before)) == len(before), "a migration changes nothing"
        for path in reversed(MIGRATIONS):
            d.run_psql("-1", "-f", str(path.with_suffix(".undo.sql")))
            assert d.dump("--schema-only") == before.pop(), path
            if not path.name.startswith("0001_"):
                assert d.sql("select count(*) from schema_migration where "
                             f"version = {int(path.name[:4])}") == "0"
        d.migrate()


@case
def a_dump_with_everything_in_it_restores():
    with migrated(RECORDS) as d:
        d.sql("insert into ledger (account_id, amount, kind, operator) "
              "values (2, 5, 'payment', 'x')")
        d.sql("insert into cdr (cdr_id, start_time, end_reason) "
              "values ('a', now(), 'NormalRelease')")
        dump = d.dir / "dump"
        subprocess.run(["pg_dump", "-f", dump], env=d.env, check=True)
        d.sql("create database copy")
        d.run_psql("-d", "copy", "-f", str(dump))
        assert d.dump("-d", "copy") == d.dump()


# --- versions and audit ------------------------------------------------------

def versions(d):
    return d.sql("select version from config_version order by 1").split()


@case
def a_transaction_is_one_version_and_says_so_once():
    with migrated() as d:
        with sessions(d, 1) as (listener,):
            listener.tell("listen tandem_config;")
            listener.said()
            d.sql("begin; insert into parameter values ('A', '1'), ('B', '2');"
                  "insert into rate_table (name) values ('x');"
                  "update parameter set value = '3'; commit")
            d.sql("delete from parameter where name = 'A'")
            listener.tell("select 1;")
            told = re.findall(r'payload "(\d+)"', listener.said())
            assert told == ["1", "2"], told
        assert versions(d) == ["1", "2"]
        assert d.sql("select version, seq, kind, id, name, op from "
                     "config_change order by 1, 2").split("\n") == [
            "1|1|param|0|A|insert", "1|2|param|0|B|insert",
            "1|3|rate_table|1|x|insert",
            "1|4|param|0|A|update", "1|5|param|0|B|update",
            "2|1|param|0|A|delete"]


@case
def what_changes_nothing_is_no_version():
    with migrated("insert into parameter values ('A', '1')") as d:
        d.sql("update parameter set value = '1'")
        d.sql("update parameter set value = '2' where name = 'B'")
        d.sql("delete from rate_table")
        d.sql("begin; update parameter set value = '2'; rollback")
        assert versions(d) == ["1"]
        d.sql("begin; savepoint s; update parameter set value = '2'; "
              "rollback to s; update parameter set value = '3'; commit")
        assert versions(d) == ["1", "2"]
        assert d.sql("select before, after from config_change "
                     "where version = 2") == (
            '{"name": "A", "value": "1"}|{"name": "A", "value": "3"}')
        d.refuses("truncate parameter", words="is refused")
        d.refuses("truncate rate_table cascade", words="is refused")


@case
def versions_commit_in_order_under_four_writers():
    writers, rounds = 4, 40
    with migrated("insert into parameter values ('A', '0'), ('B', '0')") as d:
        with sessions(d, 1) as (listener,):
            listener.tell("listen tandem_config;")
            listener.said()
            # Each second writer goes the other way round: who would lock row
            # after row would wait for another who waits.
            running = [d.start_psql("".join(
                f"begin; update parameter set value = '{w}.{n}' "
                f"where name = '{'AB'[w % 2]}'; "
                f"update parameter set value = '{w}.{n}' "
                f"where name = '{'BA'[w % 2]}'; "
                f"insert into rate_table (name) values ('{w}.{n}'); commit;\n"
                for n in range(rounds))) for w in range(writers)]
            for process in running:
                _, wrong = process.communicate(timeout=60)
                assert process.returncode == 0, wrong
            listener.tell("select 1;")
            told = re.findall(r'payload "(\d+)"', listener.said())
        # Notices arrive in the order of commit.
        expected = [str(n + 2) for n in range(writers * rounds)]
        assert told == expected, told
        assert versions(d) == ["1"] + expected
        assert d.sql("select distinct count(*) from config_change "
                     "where version > 1 group by version") == "3"
        assert d.sql("select count(*) from (select at, lag(at) over "
                     "(order by version) was from config_version) v "
                     "where at < was") == "0"


@case
def an_old_snapshot_is_told_to_try_again():
    with migrated() as d:
        with sessions(d, 1) as (old,):
            old.tell("begin isolation level repeatable read; "
                     "select count(*) from config_version;")
            assert old.said() == "0\n"
            d.sql("insert into parameter values ('A', '1')")
            old.tell("insert into parameter values ('B', '1');")
            assert "40001" in old.said()
        assert versions(d) == ["1"]


@case
def the_audit_says_who_when_what_and_no_secret():
    ha1 = "sip.example\t" + "a" * 32 + "\t" + "b" * 64
    with migrated() as d:
        start = d.sql("select clock_timestamp()")
        d.sql("begin; set local tandem.operator = 'anna'; "
              "set local tandem.note = 'new phone'; "
              "insert into account (name) values ('c'); "
              "insert into phone (number, account_id, ha1) "
              f"values ('1', 1, '{ha1}'); "
              "insert into registration (name, sip_proxy, sealed) "
              "values ('up', 'h', 'c2VjcmV0'); commit")
        d.sql("update phone set ha1 = null, line_limit = 2")
        d.sql("delete from registration")
        assert d.sql("select operator, note, at > "
                     f"'{start}' and at <= clock_timestamp() "
                     "from config_version order by version").split("\n") == [
            "anna|new phone|t", f"{USER}||t", f"{USER}||t"]
        assert d.sql("select version, kind, before ->> 'ha1', "
                     "after ->> 'ha1', before ->> 'sealed', "
                     "after ->> 'sealed', before ->> 'line_limit', "
                     "after ->> 'line_limit' from config_change "
                     "where kind <> 'account' "
                     "order by version, seq").split("\n") == [
            "1|phone||set||||0", "1|registration||||set||",
            "2|phone|set||||0|2", "3|registration|||set|||"]
        shown = d.sql("select before, after from config_change")
        assert "aaaa" not in shown and "c2VjcmV0" not in shown
        assert d.sql("select secrets #>> '{before,ha1}' from config_change "
                     "where version = 2") == ha1
        assert d.sql("select secrets -> 'before' ->> 'sealed' from "
                     "config_change where version = 3") == "c2VjcmV0"
        assert d.sql("select count(*) from config_change where after ? "
                     "'account_kind' or after ? 'agent_kind'") == "0"


@case
def rates_are_imported_with_their_audit():
    with migrated("insert into rate_table (name) values ('big')") as d:
        rows = d.dir / "rates"
        with open(rows, "w", encoding="ascii") as f:
            for n in range(RATES):
                f.write(f"{100000 + n}\t{n}\t60\n")
        d.run_psql("-1", "-c", "create temp table staging "
                   "(prefix text, rate bigint, next_increment integer)",
                   "-c", f"\\copy staging from {rows}",
                   "-c", "insert into rate (table_id, prefix, rate, "
                   "next_increment) select 1, * from staging")
        assert d.sql("select count(*), max(seq) from config_change where "
                     "version = 2") == f"{RATES}|{RATES}"


if __name__ == "__main__":
    sys.exit(main())
