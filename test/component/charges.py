#!/usr/bin/env python3
"""What real calls cost, and which are recorded, by the tables of billing.md.

charges.py BIN CASE: one case, in a cluster of its own.
"""

import decimal
import os
import shutil
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.billing_switch import (  # noqa: E402
    GOOD, on_a_billing_switch, short, wrong)
from support.cases import main  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.sip import Caller, near, wait_until  # noqa: E402
from support.sip_switch import side_by_side  # noqa: E402

BUSY = [(0, 100), (0.02, 486)]
D = decimal.Decimal

# raw duration, increments, billed with 6 s of free time (billing.md 4)
FREE = ((5, (60, 60), 0), (5, (1, 1), 0), (12, (60, 60), 60),
        (12, (1, 1), 6), (65, (60, 60), 60), (65, (1, 1), 59))
# unit, rate, increments, fee of the connection, charged, billed, fee (5)
FEES = (("0.01", "0.0045", (1, 1), "0", 20, 20, "0.01"),
        ("0.0001", "0.0045", (1, 1), "0", 20, 20, "0.0015"),
        ("0.01", "0.60", (30, 6), "0.05", 12, 30, "0.35"),
        ("0.0001", "0.60", (30, 6), "0.05", 12, 30, "0.3500"),
        ("0.01", "0.01", (6, 6), "0", 7, 12, "0.01"),
        ("0.0001", "0.01", (6, 6), "0", 7, 12, "0.0020"))


class Timed:
    """A call that is to last so many seconds, by a rate of its own."""

    def __init__(self, s, number, seconds, increments, rate="0.60",
                 connect="0", under=None, **wanted):
        self.s, self.seconds, self.wanted = s, seconds, wanted
        self.under = under or {}
        table = f"t{number}"
        s.ask("rate-table.add", name=table)
        s.rate(table, "", rate, first_increment=increments[0],
               next_increment=increments[1], connect_fee=connect)
        s.account(table, "10", rate_table=table)
        self.lane = s.lane(GOOD, caller={"account": table})

    def begin(self):
        """What it is charged by is what is in force when it begins."""
        with self.s.under(**self.under):
            self.a, self.b = self.lane.establish()
        self.until = self.a.answer.time + self.seconds - 0.5

    def end(self):
        """Half a second is left of the one that was begun: False on a machine
        that stood still for longer."""
        wait_until(self.until)
        self.a.bye()
        self.a.expect("200 BYE")
        self.b.expect("BYE")
        row = self.s.record(self.a.call_id, within=30)
        if row["duration"] != self.seconds:
            return False
        assert not wrong(row, **self.wanted), (wrong(row, **self.wanted), row)
        return True


def play(calls):
    for _ in range(3):
        for call in calls:
            call.begin()
        calls = [call for call in sorted(calls, key=lambda c: c.until)
                 if not call.end()]
        if not calls:
            return
    raise AssertionError(f"never as long as it was to be: {calls}")


@on_a_billing_switch
def calls_are_billed_as_the_tables_say(s):
    """billing.md 11.1, 11.3"""
    s.set(SERVER_BILLING_FEE_PRECISTION=4)
    calls = [Timed(s, n, raw, increments, billed_duration=billed,
                   fee=billed * 10000, free_seconds=min(raw, 6),
                   under={"SERVER_BILLING_FREE_TIME": 6})
             for n, (raw, increments, billed) in enumerate(FREE)]
    calls += [Timed(s, len(FREE) + n, charged, increments, rate, connect,
                    {"SERVER_BILLING_FEE_UNIT": unit},
                    billed_duration=billed, fee=int(D(fee) * 1000000))
              for n, (unit, rate, increments, connect, charged, billed, fee)
              in enumerate(FEES)]
    play(calls)


@on_a_billing_switch
def the_prefix_of_a_route_is_not_rated(s):
    """billing.md 11.2, by the parameter"""
    s.ask("rate-table.add", name="uk")
    s.rate("uk", "44", "0.60")
    s.account("buyer", "10", rate_table="uk")
    lane = s.lane(([*GOOD], {"prefixes": "0044"}), caller={"account": "buyer"})
    lane.number = "0044123456789"
    with s.under(SERVER_BILLING_GATEWAY_ROUTE_PREFIX=2):
        row = short(s, lane)
    assert not wrong(row, called_rated="44123456789", rate_prefix="44",
                     called_sent=lane.number, called_original=lane.number,
                     billing_mode="rated"), row
    with s.under(SERVER_BILLING_GATEWAY_ROUTE_PREFIX=3):
        lane.invite()
        lane.call.expect(403)
    lane.record(end_reason="NoRate")
    with s.under(SERVER_BILLING_GATEWAY_ROUTE_PREFIX=0):
        lane.invite()
        lane.call.expect(403)
    lane.record(end_reason="NoRate", sip_code=403, called_rated=lane.number)


@on_a_billing_switch
def a_margin_is_the_fee_less_the_cost(s):
    """billing.md 11.11"""
    s.set(SERVER_BILLING_FEE_PRECISTION=3, SERVER_BILLING_FEE_UNIT="0.001")
    for table, rate in (("sale", "0.02"), ("cost", "0.01")):
        s.ask("rate-table.add", name=table)
        s.rate(table, "", rate, first_increment=60, next_increment=60)
    s.ask("account.add", name="agent", kind="agent", commission_percent="10")
    s.ask("account.add", name="carrier", kind="clearing",
          overdraft="unlimited", rate_table="cost")
    s.account("buyer", "10", rate_table="sale", agent="agent")
    lane = s.lane(([*GOOD], {"account": "carrier"}),
                  caller={"account": "buyer"})
    row = short(s, lane)
    assert not wrong(row, billed_duration=60, fee=20000, vendor_cost=10000,
                     margin=10000, commission=2000,
                     vendor_rate_missing=False), row
    s.has("buyer", balance="9.98", reserved=0)
    s.has("carrier", balance="-0.01")
    s.has("agent", balance="0.002")
    sums = {"answered": 1, "fee": "0.02", "cost": "0.01", "margin": "0.01",
            "share": 0.5}
    for by, key in ((None, "buyer"), ("gateway", lane.b.name)):
        found, = s.ask("report.profit", **({"by": by} if by else {}))
        assert not wrong(found, key=key, **sums), found
    hour, = s.ask("report.traffic", account="buyer")
    assert not wrong(hour, attempts=1, answered=1, failed=0, asr=1), hour
    assert hour["key"].endswith(":00:00.000Z"), hour
    assert not s.ask("report.traffic", account="agent")
    assert s.ask("report.analysis") == s.ask("analyse.calls")
    assert "0.01" in s.do("report", "profit", "--by", "prefix")
    for report in ("analysis", "profit", "traffic"):
        assert s.ctl("report", report, "--by", "moon")[0] != 0, report
    kinds = [r["kind"] for r in s.ask("account.ledger", name="agent")]
    assert kinds == ["commission"], kinds
    assert not [r for r in s.ask("ledger.verify") if r["wrong"]]


@on_a_billing_switch
def switches_say_what_is_not_recorded(s):
    """billing.md 10, 11.6, 11.7: the first row that fits decides"""
    s.account("buyer", "1")
    good, busy = (s.lane(answers, caller={"account": "buyer"})
                  for answers in (GOOD, BUSY))
    stranger = s.peer(Caller(s.net.address(), switch=s.at))

    def is_busy():
        call = busy.invite()
        call.ack(call.expect(486))
        return call

    def is_unknown():
        call = stranger.invite("4412345")
        call.ack(call.expect(403))
        return call

    with s.under(SERVER_BILLING_RECORD_SERVER_HANG_UP=0):
        row = short(s, good)
        assert not wrong(row, end_side="caller", fee=10000), row
        good.record(is_busy(), within=15, end_reason="CalleeBusy")
    with s.under(SERVER_BILLING_RECORD_ZERO_HOLD_TIME=0):
        unanswered = is_busy()
        s.record(is_unknown().call_id, within=15, billing_mode="illegal",
                 end_reason="UnauthorizedSource", duration=0, fee=0,
                 source_ip=stranger.address, called_original="4412345")
    with s.under(SERVER_BILLING_RECORD_ILLEGAL_CALL=0):
        illegal = is_unknown()
        last = good.record(is_busy(), within=15, billing_mode="zero")
    for call in (unanswered, illegal):
        assert not s.records(call_id_a=call.call_id)
    assert last["fee"] == 0
    zero = 'tandem_billing_cdr_suppressed_total{rule="zero"}'
    wait_for(10, lambda: s.metrics_of("billingd.0")[zero] == 1, zero)
    s.has("buyer", balance="0.99", reserved=0)


# --- what a day may cost -----------------------------------------------------

def not_at_midnight():
    """The day of the system's time zone lasts for as long as a case."""
    def there_is_time():
        now = time.localtime()
        return (now.tm_hour, now.tm_min) < (23, 58)
    wait_for(130, there_is_time, "the next day")


class Capped:
    """An account whose calls cost a cent a second, and a lane of it."""

    def __init__(self, s, name, balance=None, **fields):
        self.s, self.name = s, name
        with s.lock:
            s.ask("rate-table.add", name=name)
            s.rate(name, "", "0.60")
            s.account(name, balance, rate_table=name, **fields)
            self.lane = s.lane(GOOD, caller={"account": name})

    def cut(self, seconds, fee):
        """A call that is ended then."""
        a, b = self.lane.establish()
        for dialog in (a, b):
            bye = dialog.expect("BYE", seconds + 10)
            took = bye.time - a.answer.time
            assert near(took, seconds), f"BYE at {took:.3f}"
        row = self.s.record(a.call_id, within=30)
        assert not wrong(row, end_reason="BalanceExhausted", fee=fee,
                         end_side="server"), row

    def refused(self):
        before = len(self.lane.b.invites())
        call = self.lane.invite()
        call.ack(call.expect(402, 10))
        self.lane.record(call, within=30, fee=0, sip_code=402,
                         end_reason="AccountBalanceNotEnough")
        assert len(self.lane.b.invites()) == before

    def set(self, **fields):
        self.s.change("account", "set", self.name, **fields)

    def is_held_to_its_cap(self):
        """Of 0.03"""
        self.cut(3, 30000)
        self.refused()
        self.s.has(self.name, spent_today="0.03")
        self.set(daily_cap="0.05")
        self.cut(2, 20000)
        self.refused()
        self.set(daily_cap="unlimited")
        row = short(self.s, self.lane)
        assert not wrong(row, end_reason="NormalRelease", fee=10000), row
        self.s.has(self.name, reserved=0, spent_today="0.06")


@on_a_billing_switch
def calls_of_a_day_cost_no_more_than_its_cap(s):
    """With money that is there, and without a limit to it"""
    not_at_midnight()
    prepaid = Capped(s, "prepaid", "10", daily_cap="0.03")
    postpaid = Capped(s, "postpaid", overdraft="unlimited", daily_cap="0.03")
    side_by_side(prepaid.is_held_to_its_cap, postpaid.is_held_to_its_cap)
    s.has("prepaid", balance="9.94")
    s.has("postpaid", balance="-0.06")
    assert not [r for r in s.ask("ledger.verify") if r["wrong"]]


@on_a_billing_switch
def a_cap_counts_calls_that_run_at_once(s):
    not_at_midnight()
    account = Capped(s, "many", overdraft="unlimited", daily_cap="0.06")
    with s.under(SERVER_BILLING_RESERVE_FIRST=5):
        a, b = account.lane.establish()
        account_b = account.lane.establish()
        account.refused()
        for dialog in (*account_b, a, b):
            dialog.expect("BYE", 15)
    calls = [s.record(d.call_id, within=30) for d in (a, account_b[0])]
    assert {r["end_reason"] for r in calls} == {"BalanceExhausted"}, calls
    assert sorted(r["fee"] for r in calls) == [10000, 50000], calls


@on_a_billing_switch
def what_a_day_cost_outlives_billingd_and_its_journal(s):
    not_at_midnight()
    account = Capped(s, "kept", overdraft="unlimited", daily_cap="0.02")
    short(s, account.lane)
    account.cut(1, 10000)
    s.kill("billingd.0")
    account.refused()
    s.has("kept", spent_today="0.02")
    s.do("stop", "billingd")
    shutil.rmtree(s.dir / "state" / "billingd" / "journal")
    s.do("start", "billingd")
    s.has("kept", 30, spent_today="0.02")
    account.refused()


if __name__ == "__main__":
    sys.exit(main())
