#!/usr/bin/env python3
"""What billingd and mediad answer when sipd asks for a call.

calls_asked.py BIN CASE: one case, in a cluster and a PostgreSQL of its own.
"""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import bin_dir, case, main  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.switch import Switch  # noqa: E402

LOCKED, NO_RATE = "refused 2", "refused 3"


class Asked(Switch):
    """With a customer that has a rate for 44."""

    def __enter__(self):
        super().__enter__()
        self.ask("rate-table.add", name="retail")
        self.ask("rate.add", table="retail", prefix="44", rate="0.01")
        self.ask("account.add", name="customer", rate_table="retail")
        self.customer = self.id_of("account", "customer")
        return self

    def id_of(self, table, name):
        return self.pg.psql(f"select id from {table} where name = '{name}'"
                            )[0]

    def tell(self, *words, worker=9):
        done = subprocess.run(
            [os.path.join(bin_dir(), "callask"), self.dir / "run", str(worker), *words],
            capture_output=True, text=True, timeout=30)
        return done.stdout.strip()

    def may_call(self, number, account=None):
        return self.tell("authorise", "X", account or self.customer, "0",
                         number)

    def records(self):
        file = self.dir / "state" / "billingd" / "records.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()]


@case
def a_call_may_begin_by_account_and_rate():
    with Asked() as s:
        assert s.may_call("44123") == "granted 0"
        assert s.may_call("49123") == NO_RATE
        s.do("param", "set", "SERVER_BILLING_FREE_E164S=49*")
        assert s.may_call("49123") == "granted 1"
        assert s.tell("renew", "X") == "granted 0"
        s.ask("account.set", name="customer", status="locked")
        assert s.may_call("44123") == LOCKED
        s.stop()


@case
def records_are_kept_once_across_a_crash():
    with Asked() as s:
        assert s.tell("answered", "A") == "stored"
        assert s.records() == []
        assert s.tell("ended", "A", "44123", "1500", "a@x") == "stored"
        assert s.tell("ended", "A", "44123", "1500", "a@x") == "stored"
        s.kill("billingd.0")
        assert s.tell("ended", "A", "44123", "1500", "a@x") == "stored"
        assert s.tell("ended", "B", "44124", "0", "b@x") == "stored"
        rows = s.records()
        assert [r["cdr_id"] for r in rows] == ["A", "B"], rows
        assert rows[0]["duration"] == 2, rows
        assert rows[0]["end_reason"] == "NormalRelease", rows
        assert [r["billing_mode"] for r in rows] == ["rated", "zero"], rows
        s.stop()


@case
def a_file_of_records_that_was_moved_away_is_begun_anew():
    with Asked() as s:
        assert s.tell("ended", "A", "44123", "1500", "a@x") == "stored"
        file = s.dir / "state" / "billingd" / "records.jsonl"
        file.rename(file.with_suffix(".1"))
        s.do("reload")
        assert s.tell("ended", "A", "44123", "1500", "a@x") == "stored"
        assert s.tell("ended", "B", "44123", "1500", "b@x") == "stored"
        assert [r["cdr_id"] for r in s.records()] == ["B"]
        s.stop()


@case
def a_number_without_records_leaves_none():
    with Asked() as s:
        s.do("param", "set", "SERVER_BILLING_NO_CDR_E164S=4412345")
        assert s.may_call("4412345") == "granted 1"
        assert s.tell("ended", "A", "4412345", "1500", "a@x") == "stored"
        assert s.records() == []
        found = {k: v for k, v in s.metrics_of("billingd.0").items()
                 if "cdr_suppressed" in k and v}
        assert list(found.values()) == [1], found
        assert 'rule="no_cdr"' in list(found)[0], found
        s.stop()


@case
def vendors_below_the_limit_are_named():
    with Asked() as s:
        for name, overdraft in (("poor", "1"), ("rich", "100"),
                                ("endless", "unlimited")):
            s.ask("account.add", name=name, kind="clearing",
                  overdraft=overdraft)
        poor = s.id_of("account", "poor")
        assert s.may_call("44123") == "granted 0"
        limit = "SERVER_VERIFY_CLEARING_CUSTOMER_REMAIN_MONEY_LIMIT"
        s.do("param", "set", f"{limit}=50")
        wait_for(10, lambda: s.may_call("44123") == f"granted 0 {poor}",
                 "the poor vendor to be named")
        s.do("param", "set", f"{limit}=1")
        wait_for(10, lambda: s.may_call("44123") == "granted 0",
                 "1 to be enough")
        s.stop()


@case
def without_a_relay_media_is_bypassed_whatever_is_repeated():
    with Asked() as s:
        for _ in range(2):
            assert s.tell("reserve", "7", "0") == "bypass"
            assert s.tell("point", "7", "0") == "pointed"
        for _ in range(2):
            assert s.tell("release", "7", "4294967295") == "released 0"
        s.stop()


if __name__ == "__main__":
    sys.exit(main())
