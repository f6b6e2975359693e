#!/usr/bin/env python3
"""The database: money of accounts, call records by day.

ledger.py BIN CASE: one case, in a PostgreSQL of its own.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import case, main  # noqa: E402
from support.schema import migrated, sessions  # noqa: E402


# --- money -------------------------------------------------------------------

@case
def a_balance_is_the_sum_of_its_entries_always():
    writers, rounds = 4, 60
    wrong = ("select count(*) from balance b where balance <> (select "
             "coalesce(sum(amount), 0) from ledger l where l.account_id = "
             "b.account_id) or reserved <> (select coalesce(sum(amount), 0) "
             "from hold h where h.account_id = b.account_id)")
    with migrated("insert into account (name, overdraft) "
                  "select 'c' || n, 100 from generate_series(1, 3) n") as d:
        running = [d.start_psql("".join(
            f"begin; select hold_set('{w}.{n}', {n % 3 + 1}, {n}); "
            "insert into ledger (account_id, amount, kind, cdr_id) "
            f"values ({n % 3 + 1}, {n - 20 or 1}, 'call', '{w}.{n}'); "
            + (f"delete from hold where id = '{w}.{n}'; " if n % 2 else "")
            + ("rollback;\n" if n % 7 == 0 else "commit;\n")
            for n in range(rounds))) for w in range(writers)]
        while any(process.poll() is None for process in running):
            assert d.sql(wrong) == "0"
        for process in running:
            _, said = process.communicate()
            assert process.returncode == 0, said
        assert d.sql(wrong) == "0"
        booked = writers * len([n for n in range(rounds) if n % 7])
        assert d.sql("select count(*) from ledger") == str(booked)
        assert d.sql("select count(*) from (select balance_after - lag("
                     "balance_after, 1, 0::bigint) over (partition by "
                     "account_id order by id) - amount as step from ledger) e "
                     "where step <> 0") == "0"


@case
def entries_stay_and_are_booked_once():
    with migrated("insert into account (name) values ('c')") as d:
        payment = "insert into ledger (account_id, amount, kind, operator, " \
                  "request_id) values (1, 5000000, 'payment', 'anna', 'r1')"
        call = "insert into ledger (account_id, amount, kind, cdr_id) " \
               "values (1, -2000000, 'call', 'x')"
        d.sql(payment)
        d.refuses(payment, "ledger_request_unique")
        d.sql(call)
        d.refuses(call, "ledger_call_unique")
        # What is not booked changes nothing.
        d.sql(payment + " on conflict do nothing")
        d.sql(call + " on conflict do nothing")
        assert d.sql("select balance from balance") == "3000000"
        # An entry that says itself what it makes of the balance is right.
        said = "insert into ledger (id, time, account_id, amount, " \
               "balance_after, kind, operator, house) values (0, now(), 1, " \
               "1, {}, 'correction', 'bert', 'corrections')"
        for wrong in (77, 1, 3000000):
            d.refuses(said.format(wrong), words="does not follow")
        d.sql(said.format(3000001))
        for statement in ("update ledger set amount = 1",
                          "delete from ledger", "truncate ledger",
                          "update ledger set note = 'x' where false"):
            d.refuses(statement, words="is refused")
        for statement in ("update balance set balance = 0",
                          "update balance set reserved = 0",
                          "delete from balance", "truncate balance",
                          "truncate hold", "truncate lease"):
            d.refuses(statement)
        assert d.sql("select balance from balance") == "3000001"


@case
def accounts_and_the_house_are_zero_together():
    zero = ("select (select sum(balance) from balance) + "
            "(select sum(balance) from house)")
    with migrated("insert into account (name, kind) values ('c', 'customer'), "
                  "('v', 'clearing'), ('a', 'agent')") as d:
        d.sql("create table entry (n bigint, account_id integer, "
              "amount bigint, kind text, cdr_id text)")
        d.sql("insert into ledger (account_id, amount, kind, operator) "
              "values (1, 900, 'payment', 'x'), (2, -7, 'correction', 'x')")
        d.sql("insert into entry select n, 1, -n, 'call', 'c' || n "
              "from generate_series(1, 5) n")
        d.sql("insert into entry values (6, 3, 2, 'commission', 'c1'), "
              "(7, 2, -8, 'call', 'c1')")
        d.sql("select ledger_book_calls()")
        assert d.sql("select string_agg(balance_after::text, ',' order by id) "
                     "from ledger where account_id = 1") == \
            "900,899,897,894,890,885"
        assert d.sql("select balance from balance order by account_id") == \
            "885\n-15\n2"
        assert d.sql("select string_agg(name || ' ' || balance, ',' order by "
                     "name) from house") == \
            "cash -900,commissions -2,corrections 7,traffic bought 8," \
            "traffic sold 15"
        assert d.sql(zero) == "0"
        # Nothing of a batch that has one call which is booked already
        d.sql("delete from entry where n > 1")
        d.sql("insert into entry values (8, 1, -5, 'call', 'c9')")
        d.refuses("select ledger_book_calls()", "ledger_call_unique")
        d.sql("delete from entry where n = 1; "
              "insert into entry values (9, 99, -5, 'call', 'c9')")
        d.refuses("select ledger_book_calls()", "ledger_account_reference")
        assert d.sql("select balance from balance where account_id = 1") == \
            "885"
        assert d.sql(zero) == "0"
        for statement in ("update house set balance = 0",
                          "delete from house", "truncate house"):
            d.refuses(statement)


@case
def a_lease_that_is_used_up_keeps_no_account():
    with migrated("insert into account (name, overdraft) "
                  "values ('a', 100), ('b', 100)") as d:
        d.sql("select lease_raise('n', 1, 60), lease_raise('n', 2, 60)")
        d.refuses("delete from account where id = 1",
                  "lease_account_reference")
        # Several totals of one account: the highest counts.
        d.sql("select leases_settle('n', '{1,1,1}', '{30,60,10}')")
        d.sql("delete from account where id = 1")
        assert d.sql("select account_id, amount from lease") == "2|60"


@case
def a_node_that_is_renamed_takes_its_leases_along():
    journal = "0123456789abcdef"
    with migrated("insert into account (name, overdraft) "
                  "values ('a', 100)") as d:
        assert d.sql(f"select journal_open('{journal}', 'old')") == "0"
        d.sql("select lease_raise('old', 1, 60)")
        d.sql(f"select journal_advance('{journal}', 0, 7)")
        assert d.sql(f"select journal_open('{journal}', 'new')") == "7"
        assert d.sql("select node, amount from lease") == "new|60"
        assert d.sql("select lease_raise('new', 1, 60)") == "60"
        assert d.sql("select available from account_money") == "40"
        # A name that another journal has too is not taken from it.
        d.sql("select journal_open('00000000000000ff', 'new')")
        d.sql(f"select journal_open('{journal}', 'newer')")
        assert d.sql("select node from lease") == "new"


@case
def what_is_kept_back_is_never_more_than_there_is():
    steps = [
        # asked for, its answer, what is available after it
        ("hold_set('a', 1, 600)", "600", "400"),
        ("hold_set('a', 1, 600)", "600", "400"),
        ("hold_set('a', 1, 1001)", "600", "400"),
        ("hold_set('a', 1, 1000)", "1000", "0"),
        ("hold_set('b', 1, 1)", "0", "0"),
        ("hold_set('a', 1, 300)", "300", "700"),
        ("lease_raise('n1', 1, 500)", "500", "200"),
        ("lease_raise('n1', 1, 500)", "500", "200"),
        ("lease_raise('n1', 1, 400)", "500", "200"),
        ("lease_raise('n2', 1, 900)", "200", "0"),
        ("lease_raise('n1', 1, 900)", "500", "0"),
    ]
    with migrated("insert into account (name, overdraft) "
                  "values ('c', 200), ('postpaid', null); "
                  "insert into ledger (account_id, amount, kind, operator) "
                  "values (1, 800, 'payment', 'x')") as d:
        money = "select available from account_money where id = 1"
        for ask, answer, left in steps:
            assert d.sql(f"select {ask}") == answer, ask
            assert d.sql(money) == left, ask
        # Settling: the entry and the lease go down together.
        d.sql("begin; insert into ledger (account_id, amount, kind, cdr_id) "
              "values (1, -450, 'call', 'x'); update lease set settled = 450 "
              "where node = 'n1'; commit")
        assert d.sql(money) == "0"
        d.sql("delete from hold; delete from lease where node = 'n2'")
        assert d.sql(money) == "500"
        assert d.sql("select hold_set('p', 2, 1000000)") == "1000000"
        assert d.sql("select available is null from account_money "
                     "where id = 2") == "t"
        d.refuses("select hold_set('p', 1, 1)", "hold_pkey")
        d.refuses("select hold_set('q', 9, 1)", "hold_account_reference")


@case
def two_at_once_do_not_get_the_same_money():
    asks = [("hold_set('a', 1, 600)", "hold_set('b', 1, 600)", "0\n"),
            ("lease_raise('a', 1, 600)", "lease_raise('b', 1, 600)", "400\n")]
    with migrated("insert into account (name, overdraft) "
                  "values ('c', 1000)") as d:
        for first, second, answer in asks:
            with sessions(d, 2) as (one, two):
                one.tell(f"begin; select {first};")
                assert one.said() == "600\n"
                two.tell(f"select {second};")
                d.wait_for_locks(1)
                one.tell("commit;")
                assert one.said() == ""
                assert two.said() == answer
            d.sql("delete from hold; delete from lease")


# --- call records ------------------------------------------------------------

def where_they_lie(d, table="cdr"):
    return d.sql(f"select tableoid::regclass, cdr_id from {table} "
                 "order by cdr_id").split("\n")


@case
def partitions_are_made_ahead_and_empty_the_default_one():
    record = "insert into cdr (cdr_id, start_time, end_reason) values "
    attempt = "insert into attempt (cdr_id, start_time, seq, gateway) values "
    with migrated() as d:
        assert d.sql("select cdr_partitions_ahead(7)") == ""
        # Days are of UTC, whatever the session's time zone.
        d.sql("set timezone = 'Pacific/Auckland'; " + record +
              "('a', '2024-02-29 00:00:00Z', 'NormalRelease'), "
              "('b', '2024-02-29 23:59:59.999Z', 'NormalRelease'), "
              "('c', '2024-03-01 00:00:00Z', 'NormalRelease'), "
              "('d', '2024-12-31 23:59:59.999Z', 'NormalRelease'); " +
              attempt + "('a', '2024-02-29 00:00:00Z', 1, 'g')")
        assert where_they_lie(d) == ["cdr_default|a", "cdr_default|b",
                                     "cdr_default|c", "cdr_default|d"]
        assert d.sql("set timezone = 'Pacific/Auckland'; "
                     "select cdr_partitions_ahead(0)") == (
            "cdr_20240229\ncdr_20240301\ncdr_20241231\nattempt_20240229")
        assert where_they_lie(d) == ["cdr_20240229|a", "cdr_20240229|b",
                                     "cdr_20240301|c", "cdr_20241231|d"]
        assert where_they_lie(d, "attempt") == ["attempt_20240229|a"]
        # The made ones are like those that were there.
        d.refuses(record + "('a', '2024-02-29 00:00:00Z', 'NormalRelease')",
                  "cdr_20240229_pkey")
        d.refuses("update cdr set fee = 0", words="is refused")
        assert d.sql("select count(distinct n) from (select count(*) n from "
                     "pg_index join pg_inherits on inhrelid = indrelid "
                     "where inhparent = 'cdr'::regclass "
                     "group by indrelid) i") == "1"
        made = d.sql("select cdr_partitions_ahead(9)").split("\n")
        assert len(made) == 4, made
        assert d.sql("select cdr_partitions_ahead(9)") == ""
        for days in ("-1", "367", "null"):
            d.refuses(f"select cdr_partitions_ahead({days})",
                      words="not allowed")


@case
def two_that_make_partitions_at_once_make_them_once():
    with migrated() as d, sessions(d, 2) as (one, two):
        one.tell("begin; select cdr_partitions_ahead(9);")
        made = one.said().split()
        assert len(made) == 4, made
        two.tell("select cdr_partitions_ahead(10);")
        d.wait_for_locks(1)
        one.tell("commit;")
        assert one.said() == ""
        assert len(two.said().split()) == 2


@case
def old_days_are_dropped_whole():
    with migrated("insert into cdr (cdr_id, start_time, end_reason) "
                  "select 'd' || n, date_trunc('day', now() at time zone "
                  "'UTC') at time zone 'UTC' - n * interval '1 day', "
                  "'NormalRelease' "
                  "from generate_series(1, 5) n; "
                  "select cdr_partitions_ahead(0)") as d:
        d.sql("insert into cdr (cdr_id, start_time, end_reason) "
              "values ('old', '2024-01-01', 'NormalRelease')")
        dropped = d.sql("select cdr_prune('3 days')").split("\n")
        days = d.sql("select to_char((now() at time zone 'UTC')::date - n, "
                     "'YYYYMMDD') from (values (5), (4)) v(n)").split("\n")
        assert dropped == [f"cdr_{days[0]}", f"cdr_{days[1]}", "cdr_default"]
        assert d.sql("select cdr_id from cdr order by 1") == "d1\nd2\nd3"
        assert d.sql("select cdr_prune('3 days')") == ""
        for keep in ("'0'", "'-1 day'", "'23 hours'", "null"):
            d.refuses(f"select cdr_prune({keep})", words="not allowed")


@case
def two_that_drop_days_at_once_drop_them_once():
    with migrated("insert into cdr (cdr_id, start_time, end_reason) "
                  "values ('a', '2024-01-01 00:00:00Z', 'NormalRelease'); "
                  "select cdr_partitions_ahead(0)") as d, \
            sessions(d, 2) as (one, two):
        one.tell("begin; select cdr_prune('1 day');")
        assert one.said() == "cdr_20240101\n"
        two.tell("select cdr_prune('1 day');")
        d.wait_for_locks(1)
        one.tell("commit;")
        assert one.said() == ""
        assert two.said() == ""


if __name__ == "__main__":
    sys.exit(main())
