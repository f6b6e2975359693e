#!/usr/bin/env python3
"""Calls that are paid: rates, accounts, prepaid calls that are cut off.

billing.py BIN CASE: one case, in a cluster of its own. billing.md 11.
"""

import decimal
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.billing_switch import (  # noqa: E402
    GOOD, BillingSwitch, on_a_billing_switch, short, wrong)
from support.cases import case, main  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.media_lane import MediaCalls, MediaLane  # noqa: E402
from support.sip import Caller, near, wait_until  # noqa: E402
from support.sip_switch import side_by_side  # noqa: E402

D = decimal.Decimal


class Paid:
    """An answered call of an account of its own."""

    def __init__(self, s, name, balance, rate="0.60", increments=(1, 1),
                 **fields):
        self.s = s
        self.name = name
        with s.lock:
            table = f"t{name}"
            s.ask("rate-table.add", name=table)
            s.rate(table, "", rate, first_increment=increments[0],
                   next_increment=increments[1])
            s.account(name, balance, rate_table=table, **fields)
            self.lane = s.lane(GOOD, caller={"account": name})

    def answer(self):
        self.a, self.b = self.lane.establish()
        self.begun = self.a.answer.time
        return self

    def cut(self, seconds, reason="BalanceExhausted", **record):
        """Both ends get BYE then."""
        for dialog in (self.a, self.b):
            bye = dialog.expect("BYE", seconds + 3 -
                                (time.monotonic() - self.begun))
            took = bye.time - self.begun
            assert near(took, seconds), f"BYE at {took:.3f}"
        return self.s.record(self.a.call_id, within=15, end_reason=reason,
                             end_side="server", **record)

    def bye(self, at=None):
        if at is not None:
            wait_until(self.begun + at)
        self.a.bye()
        self.a.expect("200 BYE")
        self.b.expect("BYE")


# --- quotes ------------------------------------------------------------------

EXACT = (("0.00456", "0.01", "0.005", "0.0046", "0.01", "0.05"),
         ("0.005", "0.01", "0.005", "0.0050", "0.01", "0.05"),
         ("0.02341", "0.02", "0.023", "0.0234", "0.02", "0.05"),
         ("0.15678", "0.16", "0.157", "0.1568", "0.16", "0.15"),
         ("1.23456", "1.23", "1.235", "1.2346", "1.23", "1.25"))
STEPS = ((2, "0.01"), (3, "0.001"), (4, "0.0001"), (2, "0.0001"),
         (4, "0.05"))
RATES = (("0.02", (60, 60), "0", 61, 120, "0.04", "0.04", "0.0400"),
         ("0.02", (1, 1), "0", 61, 61, "0.020333333333...", "0.02", "0.0203"),
         ("0.0045", (1, 1), "0", 20, 20, "0.0015", "0.01", "0.0015"),
         ("0.60", (30, 6), "0", 31, 36, "0.36", "0.36", "0.3600"),
         ("0.60", (30, 6), "0.05", 12, 30, "0.35", "0.35", "0.3500"),
         ("0.01", (6, 6), "0", 7, 12, "0.002", "0.01", "0.0020"))
FREE = ((5, 0, 0), (12, 60, 6), (65, 60, 59), (66, 60, 60), (125, 120, 119),
        (366, 360, 360))


def quotes_free_time(s):
    s.ask("rate-table.add", name="free")
    s.rate("free", "1", "0.60", first_increment=60, next_increment=60)
    s.rate("free", "2", "0.60", first_increment=1, next_increment=1)
    with s.under(SERVER_BILLING_FREE_TIME=6):
        for raw, minute, second in FREE:
            for number, billed in (("1", minute), ("2", second)):
                found = s.quote(table="free", number=number, seconds=raw)
                assert found["billed"] == billed, (raw, found)


def quotes_rates(s):
    s.set(SERVER_BILLING_FEE_PRECISTION=4)
    s.ask("rate-table.add", name="rates")
    for n, (rate, (first, later), fee, *_) in enumerate(RATES):
        s.rate("rates", str(n), rate, first_increment=first,
               next_increment=later, connect_fee=fee)
    for precision, unit, column in ((2, "0.01", 6), (4, "0.0001", 7)):
        with s.under(SERVER_BILLING_FEE_PRECISTION=precision,
                     SERVER_BILLING_FEE_UNIT=unit):
            for n, row in enumerate(RATES):
                found = s.quote(table="rates", number=n, seconds=row[3])
                assert (found["billed"], found["exact"], found["fee"]) == \
                    (row[4], row[5], row[column]), (row, found)


def quotes_steps(s):
    """A connection fee of so much for a call without a rate a minute."""
    s.ask("rate-table.add", name="steps")
    for n, (exact, *_) in enumerate(EXACT):
        s.pg.psql("insert into rate (table_id, prefix, rate, connect_fee) "
                  "select id, '%d', 0, %d from rate_table where name = "
                  "'steps'" % (n, D(exact) * 1000000))
    wait_for(5, lambda: len(s.ask("rate.list", table="steps")) == len(EXACT),
             "the rates")
    for column, (precision, unit) in enumerate(STEPS):
        with s.under(SERVER_BILLING_FEE_PRECISTION=precision,
                     SERVER_BILLING_FEE_UNIT=unit):
            for n, (exact, *fees) in enumerate(EXACT):
                found = s.quote(table="steps", number=n, seconds=1)
                assert D(found["fee"]) == D(fees[column]), (exact, found)
                assert found["exact"] == exact, found


@on_a_billing_switch
def quotes_are_those_of_the_tables(s):
    quotes_free_time(s)
    quotes_rates(s)
    quotes_steps(s)


@on_a_billing_switch
def rates_are_stored_with_the_decimals_of_their_day(s):
    s.ask("rate-table.add", name="two")
    for precision, stored in ((2, "0.01"), (4, "0.0045")):
        with s.under(SERVER_BILLING_FEE_PRECISTION=precision):
            s.rate("two", str(precision), "0.0045")
        row, = s.ask("rate.list", table="two", prefix=str(precision))
        assert row["rate"] == stored, row
    steps = {r["step"]: r["result"] for r in s.ask(
        "rate.explain", account=s.account("x", rate_table="two"),
        number="41", seconds="61")}
    assert steps["fee"].startswith("0.01"), steps
    assert {"called", "rated", "rate", "duration", "free_time", "increments",
            "exact"} <= set(steps), steps
    s.refused("rate", "explain", "x", "9", "60", "--at", "noon")
    s.refused("rate", "quote", "--account", "x", "--number", "9",
              "--seconds", "60", saying="NoRate")


# --- accounts ------------------------------------------------------------------

@on_a_billing_switch
def payments_are_booked_once_and_named(s):
    s.account("p", overdraft="0.10")
    s.has("p", balance=0, reserved=0, available="0.10")
    for _ in range(2):
        row, = s.ask("account.recharge", name="p", amount="1.50", note="cash",
                     request_id="r1")
        assert D(row["balance"]) == D("1.50"), row
    s.refused("account", "recharge", "p", "2", "--request-id", "r1",
              saying="booked before")
    s.refused("account", "recharge", "p", "-1", saying="above 0")
    s.ask("account.recharge", name="p", amount="-0.50", kind="correction")
    s.has("p", balance="1.00", available="1.10")
    for _ in range(2):
        s.do("account", "credit", "p", "2", "--request-id", "r2")
        s.do("account", "debit", "p", "0.25", "--request-id", "r3",
              "--note", "fee")
    s.refused("account", "debit", "p", "-1", saying="above 0")
    s.refused("account", "credit", "p", "0", saying="above 0")
    row, = s.ask("account.balance", name="p")
    assert D(row["balance"]) == D("2.75"), row
    rows = s.ask("account.history", name="p")
    assert rows == s.ask("account.ledger", name="p"), rows
    assert [(D(r["amount"]), r["kind"]) for r in rows] == \
        [(D("-0.25"), "correction"), (D("2"), "payment"),
         (D("-0.5"), "correction"), (D("1.5"), "payment")], rows
    assert rows[3]["note"] == "cash" and rows[3]["operator"], rows
    assert rows[0]["note"] == "fee", rows
    s.do("account", "lock", "p")
    assert s.money("p")["status"] == "locked"
    s.do("account", "unlock", "p")
    assert s.money("p")["status"] == "normal"
    s.refused("account", "show", "nobody")


# --- prepaid -------------------------------------------------------------------

@on_a_billing_switch
def a_call_ends_at_the_second_that_is_not_paid(s):
    def plain():
        call = Paid(s, "plain", "0.20").answer()
        s.has("plain", reserved="0.20", available=0)
        call.cut(20, fee=200000, duration=20, billed_duration=20)
        s.has("plain", balance=0, reserved=0)

    def overdraft():
        Paid(s, "over", "0.20", overdraft="0.10").answer().cut(30)
        s.has("over", balance="-0.10", available=0)

    def minute():
        """The second minute is not covered; the first is paid in full."""
        call = Paid(s, "minute", "1.00", increments=(60, 60)).answer()
        s.has("minute", reserved="0.60", available="0.40")
        call.bye(5)
        s.has("minute", balance="0.40", reserved=0)

    def nothing():
        call = Paid(s, "poor", None)
        call.lane.invite()
        call.lane.call.expect(402)
        assert not call.lane.tried(call.lane.b)
        call.lane.record(end_reason="AccountBalanceNotEnough", fee=0,
                         sip_code=402, billing_mode="zero")

    def last_slice_paid():
        call = Paid(s, "payer", "0.10").answer()
        wait_until(call.begun + 5)
        s.ask("account.recharge", name="payer", amount="0.10")
        call.cut(20)
    side_by_side(plain, overdraft, minute, nothing, last_slice_paid)
    s.ask("cdr.query")
    values = s.metrics_of("billingd.0")
    for result in ("full", "part", "refused"):
        name = f'tandem_billing_grants_total{{result="{result}"}}'
        assert values[name] > 0, values
    for operation in ("store", "lease", "command"):
        name = ('tandem_billing_db_seconds_count'
                f'{{operation="{operation}"}}')
        assert values[name] > 0, values


@on_a_billing_switch
def a_locked_account_ends_its_calls_if_it_is_to(s):
    call = Paid(s, "late", "9").answer()
    s.do("account", "lock", "late")
    wait_until(call.begun + 1.5)
    call.lane.a.expect_none("BYE", 0.5)
    s.do("account", "lock", "late", "--disconnect")
    call.a.expect("BYE")
    call.b.expect("BYE")
    row = s.record(call.a.call_id, within=15,
                   end_reason="OperatorDisconnect")
    assert row["fee"] == row["billed_duration"] * 10000 > 10000, row
    s.has("late", balance=9 - D(row["fee"]) / 1000000, reserved=0)
    call.lane.invite()
    call.lane.call.expect(403)
    call.lane.record(end_reason="AccountLocked", fee=0)
    s.do("account", "unlock", "late")
    call.answer()
    call.bye()


# --- rated, recorded -----------------------------------------------------------

@on_a_billing_switch
def fees_costs_and_commissions_of_real_calls(s):
    """billing.md 11.2, 3, 5, 11, and rows of the tables in 4 and 5."""
    s.set(SERVER_BILLING_FEE_PRECISTION=3, SERVER_BILLING_FEE_UNIT="0.001")
    s.ask("rate-table.add", name="sale")
    s.ask("rate-table.add", name="cost")
    s.rate("sale", "44", "0.02", first_increment=60, next_increment=60)
    s.rate("sale", "33", "0.60", first_increment=30, next_increment=6,
           connect_fee="0.05")
    s.rate("cost", "44", "0.01", first_increment=1, next_increment=1)
    s.ask("account.add", name="agent", kind="agent", commission_percent="10")
    s.ask("account.add", name="carrier", kind="clearing",
          overdraft="unlimited", rate_table="cost")
    s.account("buyer", "10", rate_table="sale", agent="agent")

    def lane(prefix, **caller):
        one = s.lane(([*GOOD], {"prefixes": prefix, "account": "carrier"}),
                     caller={"account": "buyer", **caller})
        one.number = prefix + "5550100"
        return one

    def rated():
        row = short(s, lane("4471"), 1.2)
        assert not wrong(
            row, billing_mode="rated", fee=20000, commission=2000, rate=20000,
            duration=2, billed_duration=60, called_rated="44715550100",
            vendor_cost=1000, margin=19000, rate_table="sale", rate_prefix="44",
            clearing_account="carrier", agent="agent"), row

    def stripped():
        """The switch rates without 00, the gateway gets all of it."""
        one = lane("004472", route_prefix_digits=2)
        s.change("routing", "set", one.b.name, route_prefix_digits=2)
        row = short(s, one)
        assert not wrong(row, called_rated="44725550100",
                         called_sent="0044725550100", fee=20000), row
        s.change("mapping", "set", one.a.name, route_prefix_digits=0)
        one.invite()
        one.call.expect(403)
        one.record(end_reason="NoRate", sip_code=403, billing_mode="zero")

    def connected():
        row = short(s, lane("3371"))
        assert not wrong(row, fee=350000, billed_duration=30,
                         connect_fee=50000, vendor_rate_missing=True), row

    def costs():
        s.rate("cost", "4473", "0.60", first_increment=1, next_increment=1)
        row = short(s, lane("4473"), 2.5)
        assert not wrong(row, fee=20000, vendor_cost=30000, margin=-10000,
                         vendor_rate=600000, vendor_rate_prefix="4473"), row
    side_by_side(rated, stripped, connected, costs)
    s.has("buyer", balance=D("10") - 3 * D("0.02") - D("0.35"), reserved=0)
    s.has("agent", balance="0.041")
    s.has("carrier", balance="-0.032")


@on_a_billing_switch
def free_numbers_free_time_and_what_is_not_recorded(s):
    """billing.md 11.3, 5, 6, 7"""
    s.set(SERVER_BILLING_FREE_E164S="5000*,7000",
          SERVER_BILLING_NO_CDR_E164S="600*")
    s.account("buyer", "1")
    s.account("broke")

    def lane(number, account):
        one = s.lane(([*GOOD], {"prefixes": number}),
                     caller={"account": account})
        one.number = number
        return one

    def free():
        row = short(s, lane("50001", "broke"))
        assert not wrong(row, fee=0, billing_mode="free"), row
        assert "rate" not in row, row

    def unrecorded():
        one = lane("6001", "broke")
        a, b = one.establish()
        a.bye()
        a.expect("200 BYE")
        b.expect("BYE")

    def in_free_time():
        row = short(s, lane("8001", "buyer"), 0.5)
        assert not wrong(row, fee=0, duration=1, billed_duration=0,
                         free_seconds=1), row

    def disconnected(number, **record):
        one = lane(number, "buyer")
        one.establish()
        wait_until(one.call.answer.time + 1)
        s.ask("call.disconnect", name=s.calls(called=number)[0]["call"])
        one.call.expect("BYE")
        if record:
            one.record(**record)

    def illegal():
        stranger = s.peer(Caller(s.net.address(), switch=s.at))
        call = stranger.invite("441")
        call.expect(403)
        row = s.record(call.call_id, within=15,
                       end_reason="UnauthorizedSource")
        assert not wrong(row, billing_mode="illegal", fee=0, duration=0,
                         source_ip=stranger.address), row
    s.set(SERVER_BILLING_FREE_TIME=6)
    side_by_side(free, unrecorded, in_free_time, illegal)
    s.unset("SERVER_BILLING_FREE_TIME")
    with s.under(SERVER_BILLING_RECORD_SERVER_HANG_UP=0):
        disconnected("8002")
    disconnected("8003", end_reason="OperatorDisconnect", end_side="server",
                 fee=10000)
    s.has("buyer", balance="0.99", reserved=0)
    assert not s.records(called="6001") and not s.records(called="8002")
    values = s.metrics_of("billingd.0")
    for rule in ("no_cdr", "server_hangup"):
        name = f'tandem_billing_cdr_suppressed_total{{rule="{rule}"}}'
        assert values[name] == 1, values


@on_a_billing_switch
def many_calls_on_one_balance_spend_no_more(s):
    """Five at once on 0.30: 6 s for each of them, or fewer for those that
    come last; never more than 30 s in all."""
    calls = [Paid(s, "shared", "0.30").lane]
    calls += [s.lane(GOOD, caller={"account": "shared"}) for _ in range(4)]
    answered = []
    for lane in calls:
        lane.invite()
        wait_for(5, lambda lane=lane: lane.call.received(200) or
                 lane.call.received(402), "200 or 402")
        if lane.call.received(200):
            lane.call.ack(lane.call.expect(200))
            answered.append(lane)
    money = s.money("shared")
    assert answered and D(money["reserved"]) <= D("0.30"), money
    assert D(money["available"]) >= 0, money
    for lane in answered:
        lane.call.expect("BYE", 34)
    s.has("shared", balance=0, reserved=0)


@on_a_billing_switch
def billingd_dies_and_calls_are_cut_at_their_second_all_the_same(s):
    def lives_again():
        call = Paid(s, "again", "0.15").answer()
        call.cut(15)

    def holds():
        call = Paid(s, "holds", "9").answer()
        s.has("holds", reserved="0.60")
        wait_until(call.begun + 6)
        s.has("holds", 10, reserved="0.60")
        call.bye()
        s.has("holds", 5, reserved=0)

    def killer():
        wait_until(time.monotonic() + 3)
        s.kill("billingd.0")
    side_by_side(lives_again, holds, killer)


@case
def wall_time_of_billingd_alone_steps_and_no_call_is_lost():
    s = BillingSwitch()
    s.conf.write_text("faults = on\n" + s.text)
    with s:
        call = Paid(s, "clock", "9").answer()
        s.ask("daemon.fault", process="billingd.0", what="clock", value=3600)
        # sipd says every 5 s which calls are up, and every 5 s billingd looks
        # for some of which it has not heard.
        wait_until(call.begun + 16)
        assert not s.log_events("call_lost")
        call.bye()
        row = s.record(call.a.call_id, within=15, end_reason="NormalRelease")
        assert 16000 <= row["duration_ms"] < 26000, row
        s.idle()
        s.stop_well()


@on_a_billing_switch
def who_cannot_be_asked_for_more_ends_with_internal_error(s):
    call = Paid(s, "lost", "9")
    with s.under(SERVER_BILLING_RESERVE_MAX=8,
                 SERVER_BILLING_RESERVE_FIRST=8):
        call.answer()
    threading.Timer(10, s.do, ("start", "billingd")).start()
    s.do("stop", "billingd")
    call.cut(8, "InternalError", fee=80000)


@on_a_billing_switch
def postgresql_is_away_and_prepaid_calls_go_on(s):
    call = Paid(s, "away", "9").answer()
    call.bye()
    s.pg.freeze()
    try:
        call.answer()
        call.bye()
    finally:
        s.pg.thaw()
    wait_for(10, lambda: len(s.records(end_reason="NormalRelease")) == 2,
             "both records")



@on_a_billing_switch
def a_vendor_is_paid_by_the_rate_of_the_answer(s):
    """Also when it is changed meanwhile, and billingd knows it from its
    journal alone."""
    s.ask("rate-table.add", name="cost")
    s.rate("cost", "", "0.60", first_increment=60, next_increment=60)
    s.ask("account.add", name="carrier", kind="clearing",
          overdraft="unlimited", rate_table="cost")
    lane = s.lane(([*GOOD], {"account": "carrier"}))
    a, b = lane.establish()
    wait_until(a.answer.time + 0.5)
    s.pg.psql("update rate set rate = 6000000 where table_id = (select id "
              "from rate_table where name = 'cost')")
    wait_for(10, lambda: s.quote(table="cost", number="1", seconds=60)["fee"]
             == "6.00", "the other rate")
    s.kill("billingd.0")
    a.bye()
    a.expect("200 BYE")
    b.expect("BYE")
    row = s.record(a.call_id, within=20)
    assert not wrong(row, vendor_rate=600000, vendor_cost=600000), row
    assert not wrong(short(s, lane), vendor_rate=6000000), "the next call"


class PaidMedia(BillingSwitch, MediaCalls):
    pass


@case
def silence_is_charged_or_not():
    """billing.md 11.10"""
    talk = 5

    def seconds(ms):
        return (ms + 949) // 1000
    with PaidMedia() as s:
        s.ask("rate-table.add", name="second")
        s.rate("second", "", "0.60", first_increment=1, next_increment=1)
        s.account("talker", "10", rate_table="second")

        def lane():
            return MediaLane(s, a_fields={"account": "talker"},
                             b_fields={"nomedia_time": 5}).establish()
        charged = lane()
        s.set(SERVER_BILLING_NOMEDIA_TAIL=0)
        free = lane()
        for one in (charged, free):
            one.a.stream(talk, wait=False)
            one.b.stream(talk, wait=False)
        for one in (charged, free):
            one.call.expect("BYE", 20)
            one.there.expect("BYE")
        rows = [one.lane.record(within=15, end_reason="NoMediaTimeout")
                for one in (charged, free)]
        for row in rows:
            # mediad tells when, sipd ends it: by their turns, some ms apart
            assert 4950 <= row["silent_tail"] <= 7500, row
            assert row["duration"] == seconds(row["duration_ms"]) >= 10, row
        assert rows[0]["billed_duration"] == rows[0]["duration"], rows[0]
        talked = rows[1]["duration_ms"] - rows[1]["silent_tail"]
        assert rows[1]["billed_duration"] == seconds(talked) <= talk + 2, \
            rows[1]
        for row in rows:
            assert row["fee"] == 10000 * row["billed_duration"], row
        s.idle()
        s.stop()


if __name__ == "__main__":
    sys.exit(main())
