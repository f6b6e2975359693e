#!/usr/bin/env python3
"""Records of calls reach PostgreSQL, each once, with its money (cdr 3, 5).

cdr.py BIN CASE: one case, in a cluster of its own.
"""

import csv
import functools
import io
import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import case, main  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.paid_switch import PaidSwitch  # noqa: E402
from support.sip import wait_until  # noqa: E402
from support.small_disk import SmallDisk, may_mount  # noqa: E402

BATCH = 25
GOOD = [(0, 100), (0.02, 180), (0.05, 200)]
BUSY = [(0, 100), (0.02, 486)]
DOWN = [(0, 503)]


def on_a_paid_switch(function, **kwargs):
    @functools.wraps(function)
    def run():
        with PaidSwitch(**kwargs) as s:
            function(s)
            assert s.unbalanced() == "0"
            s.idle()
            s.stop_well()
    return case(run)


def end(call, there, after=0.2):
    """It lasts so long: a talk of 50 ms or less is none."""
    wait_until(call.answer.time + after)
    call.bye()
    call.expect("200 BYE")
    there.expect("BYE")


@on_a_paid_switch
def an_ended_call_is_a_row_with_its_money(s):
    lane = s.lane(GOOD)
    end(*lane.establish())
    lane.record(end_reason="NormalRelease", end_side="caller", sip_code=200,
                q850=16, called_original=lane.number, account="customer",
                clearing_account="vendor", mapping_gateway=lane.a.name,
                routing_gateway=lane.b.name, rate_table="retail",
                rate_prefix="4", billing_mode="rated", fee=10000)
    row = lane.record()
    entries = s.rows("select account_id, amount, kind from ledger "
                     f"where cdr_id = '{row['cdr_id']}'")
    assert [(e["amount"], e["kind"]) for e in entries] == [
        ("-10000", "call")], entries
    assert s.sql("select sum(amount) from ledger_double") == "0"


@on_a_paid_switch
def attempts_are_told_in_their_order(s):
    lane = s.lane(DOWN, GOOD)
    end(*lane.establish())
    row = lane.record(routing_gateway=lane.gw[1].name)
    tried = [a["gateway"] for a in row["attempts"] if "skipped" not in a]
    assert tried == [gw.name for gw in lane.gw], row["attempts"]
    assert s.sql("select string_agg(gateway, ',' order by seq) from attempt "
                 f"where cdr_id = '{row['cdr_id']}' and skipped is null") == \
        ",".join(tried)
    assert s.sql("select count(*) from traffic_hour where answered = 1") == \
        "1"


@on_a_paid_switch
def a_call_that_fails_costs_nothing_and_is_recorded(s):
    lane = s.lane(BUSY)
    call = lane.invite()
    call.ack(call.expect(486))
    lane.record(call, end_reason="CalleeBusy", sip_code=486, q850=17,
                billing_mode="zero", fee=0)
    assert s.sql("select count(*) from ledger") == "0"


@on_a_paid_switch
def without_postgresql_records_wait_and_are_there_afterwards(s):
    lane = s.lane(GOOD)
    end(*lane.establish())
    lane.record()
    s.pg.stop("immediate")
    away = time.monotonic()
    calls = []
    for _ in range(5):
        calls.append(lane.establish()[0])
        wait_until(calls[-1].answer.time + 0.2)
        calls[-1].bye()
        calls[-1].expect("200 BYE")
    wait_for(5, lambda: s.gauge("tandem_billing_journal_depth") > 0,
             "a depth")
    wait_until(away + float(os.environ.get("TANDEM_AWAY_S", "0")))
    s.pg.start()
    for call in calls:
        lane.record(call, within=30, end_reason="NormalRelease")
    assert s.sql("select count(*), count(distinct cdr_id) from cdr") == "6|6"


@on_a_paid_switch
def a_killed_billingd_books_nothing_twice(s):
    lane = s.lane(GOOD)
    kills = int(os.environ.get("TANDEM_KILLS", "6"))
    for _ in range(kills):
        call, there = lane.establish()
        pid = s.status()["billingd.0"]["pid"]
        wait_until(call.answer.time + 0.2)
        call.bye()
        os.kill(pid, signal.SIGKILL)
        call.expect("200 BYE")
        there.expect("BYE")
        s.wait_ready(15, unlike={"billingd.0": pid})
        lane.record(call, within=30)
    found = s.sql("select count(*), count(distinct cdr_id), sum(fee) from cdr")
    assert found == f"{kills}|{kills}|{kills * 10000}", found
    assert s.sql("select sum(amount), count(*) from ledger") == \
        f"{-kills * 10000}|{kills}"


@on_a_paid_switch
def what_is_there_already_is_not_booked_again(s):
    lane = s.lane(GOOD)
    for _ in range(3):
        end(*lane.establish())
        lane.record()
    # A database that forgot how far the journal was gets everything again.
    s.pg.stop("immediate")
    call, there = lane.establish()
    end(call, there)
    s.pg.start()
    s.sql("update journal_mark set seq = 0")
    pid = s.status()["billingd.0"]["pid"]
    os.kill(pid, signal.SIGKILL)
    s.wait_ready(15, unlike={"billingd.0": pid})
    lane.record(call, within=30)
    wait_for(10, lambda: s.sql("select seq > 0 from journal_mark") == "t",
             "the mark")
    assert s.sql("select count(*), count(distinct cdr_id) from cdr") == "4|4"
    assert s.sql("select sum(amount), count(*) from ledger where kind = "
                 "'call'") == "-40000|4"
    assert s.sql("select sum(answered) from traffic_hour") == "4"
    assert s.sql("select count(*) from attempt") == "4"
    assert not [r for r in s.ask("ledger.verify") if r["wrong"]]
    assert not s.log_events("cdr_quarantined")


@on_a_paid_switch
def what_the_database_refuses_is_set_aside_and_tried_again(s):
    lane = s.lane(GOOD)
    s.sql("alter table cdr add constraint test check (called !~ '666$')")
    bad = lane.establish(number=lane.prefix + "666")
    end(*bad)
    good = lane.establish()
    end(*good)
    lane.record(good[0], within=10)
    assert not s.records(call_id_a=bad[0].call_id)
    assert s.logged("cdr_quarantined")
    s.sql("alter table cdr drop constraint test")
    assert s.ask("cdr.replay")[0]["replayed"] == 1
    lane.record(bad[0], within=10)
    wait_for(5, lambda: s.ask("cdr.replay")[0]["replayed"] == 0, "no more")
    assert s.sql("select count(*), count(distinct cdr_id) from ledger") == \
        "2|2"


def ids(rows):
    return [r["cdr_id"] for r in rows]


@on_a_paid_switch
def records_are_found_and_summed_up(s):
    lane, busy = s.lane(DOWN, GOOD), s.lane(BUSY)
    for n in range(3):
        end(*lane.establish(), after=0.2 + n)
        lane.record()
    call = busy.invite()
    call.ack(call.expect(486))
    failed = busy.record(call)
    by = functools.partial(s.ask, "cdr.query")

    rows = by()
    assert len(rows) == 4 and ids(rows) == sorted(ids(rows), reverse=True)
    assert rows[0]["end_reason"] == "CalleeBusy" and rows[0]["fee"] == "0"
    assert rows[1]["fee"] == "0.01" and rows[1]["setup_ms"] >= 0, rows[1]
    assert ids(by(sort="start_time")) == ids(rows)[::-1]
    longest = by(sort="-duration", limit="1")[0]
    assert longest["duration_ms"] >= 2200, longest
    assert ids(by(account="customer", end_reason="CalleeBusy")) == \
        [failed["cdr_id"]]
    assert len(by(called=lane.prefix + "*")) == 3
    assert len(by(called=lane.prefix + "_*")) == 0
    assert len(by(routing_gateway=lane.gw[0].name)) == 3, "in attempts"
    assert len(by(min_duration="1", sip_code="200")) == 3
    assert len(by(min_fee="0.01")) == 3 and not by(min_fee="0.02")
    assert ids(by(call_id=failed["call_id_a"])) == [failed["cdr_id"]]
    assert s.ask("cdr.show", cdr_id=failed["cdr_id"])[0]["sip_code"] == 486
    assert not by(to="2020-01-01") and not by(source_ip="192.0.2.1")

    assert not [r for r in s.ask("ledger.verify") if r["wrong"]]
    sums = {r["key"]: r for r in s.ask("analyse.calls", by="gateway")}
    good = sums[lane.gw[1].name]
    assert (good["attempts"], good["answered"], good["asr"]) == (3, 3, 1), \
        good
    assert sums[lane.gw[0].name]["answered"] == 0, sums
    assert sums[busy.b.name]["ner"] == 1, sums
    found = s.ask("gateway.failures", name=lane.gw[0].name)
    assert [(r["sip_code"], r["count"], r["share"]) for r in found] == \
        [(503, 3, 1)], found

    lines = list(csv.reader(io.StringIO(
        s.do("cdr", "export", "--format", "csv"))))
    assert len(lines) == 5 and lines[0][0] == "cdr_id", lines
    assert "01" in s.do("cdr", "query", "--called", lane.prefix + "*")
    assert "CalleeBusy" in s.do("cdr", "show", failed["cdr_id"])

    # What the books do not say is found, with its first.
    s.sql("insert into ledger (account_id, amount, kind, cdr_id) select 1, "
          f"-5, 'call', '{failed['cdr_id']}'")
    s.sql("update traffic_hour set fee = fee + 1 where answered > 0")
    wrong = {r["check"]: r["first"] for r in s.ask("ledger.verify")
             if r["wrong"]}
    assert set(wrong) == {"a record is booked as it says",
                          "sums of hours are those of records"}, wrong
    assert wrong["a record is booked as it says"].startswith(
        failed["cdr_id"]), wrong
    s.sql("alter table house disable trigger house_guard; "
          "update house set balance = balance + 1 where name = 'cash'")
    wrong = {r["check"] for r in s.ask("ledger.verify") if r["wrong"]}
    assert {"accounts and the house are zero together",
            "the house has what accounts gave"} < wrong, wrong


@on_a_paid_switch
def filters_of_a_query_are_each_one_of_many(s):
    """cdr.md 4: each finds what it says and nothing else, and all together."""
    good, busy = s.lane(GOOD), s.lane(BUSY)
    end(*good.establish(), after=1.2)
    talk = good.record()
    call = busy.invite()
    call.ack(call.expect(486))
    failed = busy.record(call)
    s.set(SERVER_BILLING_FREE_E164S=good.prefix + "*")
    end(*good.establish(), after=0.2)
    free = good.record(within=10)
    by = functools.partial(s.ask, "cdr.query")
    three = [free["cdr_id"], failed["cdr_id"], talk["cdr_id"]]
    for filters, wanted in (
            ({}, (0, 1, 2)),
            ({"mapping_gateway": busy.a.name}, (1,)),
            ({"end_side": "callee"}, (1,)),
            ({"end_side": "caller"}, (0, 2)),
            ({"billing_mode": "free"}, (0,)),
            ({"billing_mode": "zero"}, (1,)),
            ({"sip_code": "486"}, (1,)),
            ({"min_duration": "2"}, (2,)),
            ({"max_duration": "1"}, (0, 1)),
            ({"min_fee": "0.01"}, (2,)),
            ({"account": "customer"}, (0, 1, 2)),
            ({"account": "vendor"}, ()),
            ({"source_ip": busy.a.address}, (1,)),
            ({"caller": talk["caller_sent"]}, (0, 1, 2)),
            ({"caller": "99*"}, ()),
            ({"called": good.number}, (0, 2)),
            ({"called": good.number[:-1]}, ()),
            ({"call_id": talk["call_id_b"]}, (2,)),
            ({"cdr_id": failed["cdr_id"]}, (1,)),
            ({"from": "2020-01-01", "to": "2999-01-01"}, (0, 1, 2)),
            ({"from": "2999-01-01"}, ()),
            ({"end_side": "caller", "billing_mode": "rated",
              "routing_gateway": good.b.name}, (2,))):
        found = ids(by(**filters))
        assert found == [three[n] for n in wanted], (filters, found, three)
    assert ids(by(sort="end_time")) == three[::-1]
    assert ids(by(sort="-fee", limit="1")) == [talk["cdr_id"]]
    for wrong in ({"limit": "0"}, {"limit": "10001"}, {"sort": "caller"},
                  {"min_duration": "x"}, {"from": "noon"}):
        words = [w for k, v in wrong.items()
                 for w in ("--" + k.replace("_", "-"), v)]
        code, said = s.ctl("cdr", "query", *words)
        assert code != 0, (wrong, said)
    rows = json.loads(s.do("cdr", "export", "--format", "json"))
    assert sorted(ids(rows)) == sorted(three), rows


@on_a_paid_switch
def a_record_leads_to_its_messages(s):
    """cdr.md 5.6"""
    trace = s.ask("trace.start")[0]["trace"]
    lane = s.lane(GOOD)
    end(*lane.establish())
    lane.record()
    row, = s.ask("cdr.query", called=lane.number)

    def messages():
        return [m for m in s.ask("trace.show", name=trace, limit=1000)
                if m["call_id"] == row["call_id_a"]]
    wait_for(10, lambda: {"INVITE", "BYE"} <= {
        m["method"] for m in messages()}, "its messages")


@on_a_paid_switch
def pages_of_a_query_are_all_of_it_once(s):
    s.sql("insert into cdr (cdr_id, start_time, duration, end_reason) "
          "select 'id' || n, now() - n % 7 * interval '1 minute', n % 5, "
          "'NormalRelease' from generate_series(1, 500) n")
    for sort in ("start_time", "-start_time", "duration", "-fee"):
        seen, cursor = [], {}
        while cursor is not None:
            answer = s.answer("cdr.query", sort=sort, limit=70, **cursor)
            seen += ids(answer["rows"])
            cursor = {"cursor": answer["next"]} if answer["next"] else None
        assert len(seen) == len(set(seen)) == 500, (sort, len(seen))


@on_a_paid_switch
def calls_at_a_cap_and_sources_that_may_not_call_are_reported(s):
    s.set(SS_MAX_CALL_DURATION="2")
    lane = s.lane(GOOD)
    a, b = lane.establish()
    for dialog in (a, b):
        dialog.expect("BYE", 4)
    lane.record(end_reason="MaxDuration", within=10)
    found = s.ask("report.near-cap")
    assert [(r["gateway"], r["cap"], r["cap_name"]) for r in found] == \
        [(lane.b.name, 2, "SS_MAX_CALL_DURATION")], found
    s.sql("insert into illegal_source values (current_date, '192.0.2.7', 3, "
          "now(), now(), '{1,2}', 'UnauthorizedSource')")
    found = s.ask("report.illegal")[0]
    assert found["numbers"] == ["1", "2"], found
    assert found["blacklisted"] is False, found
    s.sql("insert into list (list, entry) values "
          "('caller_black', '12*'), ('source_black', '192.0.2.0/24')")
    assert s.ask("report.illegal")[0]["blacklisted"] is True
    s.sql("insert into cdr (cdr_id, start_time, duration, duration_ms, "
          "silent_tail, phone, end_reason, end_detail, fee) select 'g' || n, "
          "now(), 65, 65000, 5000, '2001', 'NoMediaTimeout', 'both', 20000 "
          "from generate_series(1, 4) n")
    found = s.ask("report.ghost")
    assert [(r["kind"], r["phone"], r["count"], r["talk"], r["silent_tail"],
             r["silent_side"]) for r in found] == \
        [("no_media", "2001", 4, 60, 5, "both")], found


@on_a_paid_switch
def calls_longer_than_is_usual_to_a_prefix_are_reported(s):
    for prefix, seconds in (("44", 400), ("49", 100)):
        for ago, answered, length in ("8 days", 90, 1000), ("2 days", 10, 60), \
                ("0 days", 2, seconds):
            talk = answered * length * 1000
            s.sql("insert into traffic_hour select date_trunc('hour', at, "
                  f"'UTC'), 'far', 'a', '{prefix}', 'CallerHangup', 200, "
                  f"{answered}, {answered}, {talk}, 1, 1, 5, 4, 1, at, at "
                  f"from (select now() - interval '{ago}' as at) x")
    found = s.ask("report.ghost")
    assert [(r["kind"], r["gateway"], r["called"], r["duration"], r["count"])
            for r in found] == [("long_calls", "far", "44", 400, 2)], found


@on_a_paid_switch
def reports_come_a_page_at_a_time(s):
    s.sql("insert into illegal_source select current_date, "
          "'192.0.2.0'::inet + n, n % 3, now(), now(), '{1}', "
          "'UnauthorizedSource' from generate_series(1, 7) n")
    whole, seen, cursor = s.ask("report.illegal"), [], {}
    while cursor is not None:
        answer = s.answer("report.illegal", limit=3, **cursor)
        assert len(answer["rows"]) == min(3, 7 - len(seen))
        seen += answer["rows"]
        cursor = {"cursor": answer["next"]} if answer["next"] else None
    assert seen == whole and len(whole) == 7, (seen, whole)
    for words in ("--limit", "0"), ("--limit", "10001"), ("--cursor", "x"):
        s.refused("report", "illegal", *words)


@functools.partial(on_a_paid_switch, journal_mb=1)
def with_a_full_journal_new_calls_are_refused_and_come_back(s):
    lane = s.lane(GOOD)
    running = lane.establish()
    s.pg.stop("immediate")
    taken, refused = [running[0]], set()
    while not refused:
        assert len(taken) < 2000, "it is never full"
        calls = [lane.invite() for _ in range(BATCH)]
        for call in calls:
            final = wait_for(5, lambda c=call: [
                m for m in c.received() if m.code and m.code >= 200],
                "a final answer")[0]
            call.ack(final)
            if final.code == 200:
                taken.append(call)
                call.bye()
            else:
                refused.add(final.code)
        for call in calls:
            if call in taken:
                call.expect("200 BYE")
    assert refused == {503}, refused
    assert s.gauge("tandem_billing_journal_used_percent") >= 80
    assert s.logged("journal_full")
    end(*running)

    s.pg.start()
    wait_for(30, lambda: s.gauge("tandem_billing_journal_used_percent") < 80,
             "room")
    end(*lane.establish())
    lane.record(within=10)
    assert s.sql("select count(*) from cdr where sip_code = 200") == \
        str(len(taken) + 1)


class OnASmallDisk(PaidSwitch):
    """billingd's journal has a disk of its own: two of its files of 64 MB
    are not much of it."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.disk = SmallDisk(self.dir / "state" / "billingd", 320)

    def __exit__(self, kind, value, trace):
        self.disk.close()
        super().__exit__(kind, value, trace)


def finals(calls):
    return [wait_for(5, lambda c=call: [
        m for m in c.received() if m.code and m.code >= 200],
        "a final answer")[0] for call in calls]


@case
def with_a_full_disk_new_calls_are_refused_and_come_back():
    if not may_mount():
        print("not run: it needs to mount a small disk")
        return
    with OnASmallDisk() as s:
        lane = s.lane(GOOD)
        running = [lane.establish() for _ in range(5)]
        s.disk.fill()
        s.logged("journal_full", 20)
        wait_for(5, lambda: s.gauge("tandem_billing_journal_used_percent")
                 >= 95, "its gauge")
        calls = [lane.invite() for _ in range(10)]
        for call, final in zip(calls, finals(calls)):
            call.ack(final)
            assert final.code == 503, final.code
        # What ran is written into the room that is kept for it.
        for call, there in running:
            end(call, there, after=1)
            lane.record(call, within=15, end_reason="NormalRelease")
        s.kill("billingd.0")
        s.disk.empty()

        def is_served():
            call = lane.invite()
            final = finals([call])[0]
            call.ack(final)
            if final.code == 200:
                call.bye()
                call.expect("200 BYE")
            return final.code == 200
        wait_for(20, is_served, "service")
        wait_for(30, lambda: s.sql("select count(*) from cdr where "
                                   "answer_time is not null") == "6",
                 "each record")
        s.shipped()
        wait_for(10, lambda: s.gauge("tandem_billing_journal_used_percent")
                 in range(1, 80), "room")
        assert s.unbalanced() == "0"
        assert not [r for r in s.ask("ledger.verify") if r["wrong"]]
        assert s.sql("select count(*), count(distinct cdr_id) from cdr "
                     "where answer_time is not null") == "6|6"
        s.stop()


if __name__ == "__main__":
    sys.exit(main())
