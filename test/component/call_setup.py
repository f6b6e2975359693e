#!/usr/bin/env python3
"""Which gateways a call is offered to, for how long, and what they say.

call_setup.py BIN CASE: one case, in a cluster of its own.
"""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import bin_dir, main  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.lossy import Lossy  # noqa: E402
from support.sip import (Caller, Uas, assert_times, near,  # noqa: E402
                         wait_until)
from support.sip_calls import (GOOD, SILENT, answered, busy,  # noqa: E402
                               refused, tried)
from support.sip_switch import on_a_switch, side_by_side  # noqa: E402

# --- resends, and what waits for them ----------------------------------------

@on_a_switch()
def copies_are_sent_by_the_list_until_something_comes(s):
    def copies(settings, wanted, end):
        def check():
            with s.under(SS_SIP_TIMEOUT_INVITE=60, **settings):
                lane = s.lane(SILENT)
                lane.invite()
                lane.b.call()
            answer = refused(lane, 408, "GatewayTimeout", end + 2)
            assert near(answer.time - lane.call.invite.time, end), \
                answer.time - lane.call.invite.time
            wait_until(answer.time + 1)
            assert_times(lane.b.invites(), wanted)
            assert len({m.data for m in lane.b.invites()}) == 1
            assert not lane.b.received("CANCEL")
        check.__name__ = f"copies {settings}"
        return check

    def expires_before_its_copies():
        lane = s.lane((SILENT, {"invite_timeout": 10}))
        lane.invite()
        answer = refused(lane, 408, "InviteTimeout", 12)
        assert near(answer.time - lane.call.invite.time, 10)
        assert_times(lane.b.invites(), [0, 0.5, 1.5, 3.5, 7.5])

    def any_response_ends_it():
        lane = s.lane([(0.7, 100), (3, 486)])
        lane.invite()
        refused(lane, 486, "CalleeBusy")
        assert_times(lane.b.invites(), [0, 0.5])

    def one_that_is_slow_is_answered():
        lane = s.lane(([(9, 100), (9.5, 180), (15, 200)],
                       {"invite_timeout": 10}))
        answered(lane, lane.b, 17)
        assert_times(lane.b.invites(), [0, 0.5, 1.5, 3.5, 7.5])

    def a_200_is_sent_again_until_its_ack():
        lane = s.lane(GOOD)
        call = lane.invite()
        first = call.expect(200)
        wait_until(first.time + 2)
        assert_times(call.received(200), [0, 0.5, 1.5])
        call.ack()
        call.bye()
        call.expect("200 BYE")
        lane.record(end_reason="NormalRelease")
        assert len(call.received("200 INVITE")) == 3

    side_by_side(
        copies({}, [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5,
                    31.5], 35.5),
        copies({"SS_SIP_RESEND_INTERVAL": "0.5,1,2,4,4,4"},
               [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5], 19.5),
        copies({"SS_SIP_RESEND_INTERVAL": "0.5,0.5,1,1,2,2,4,4,4,4"},
               [0, 0.5, 1, 2, 3, 5, 7, 11, 15, 19, 23], 27),
        copies({"SS_SIP_SEND_RETRY": 3}, [0, 0.5, 1.5, 3.5], 5.5),
        copies({"SS_SIP_RESEND_INTERVAL": "0.5,1"}, [0, 0.5, 1.5], 2.5),
        copies({"SS_SIP_SEND_RETRY": 0}, [0], 0.5),
        expires_before_its_copies, any_response_ends_it,
        one_that_is_slow_is_answered, a_200_is_sent_again_until_its_ack)


@on_a_switch(settings={"SS_SIP_RESEND_INTERVAL": "0.2,0.3"})
def nothing_is_left_when_calls_are_over(s):
    lane = s.lane(GOOD)
    answered(lane)
    lane = s.lane(busy(486))
    lane.invite()
    refused(lane, 486, "CalleeBusy")
    lane = s.lane(SILENT)
    lane.invite()
    refused(lane, 408, "GatewayTimeout")
    lane = s.lane([(0, 180)])
    call = lane.invite()
    call.expect(180)
    lane.a.cancel(call)
    call.expect(487)
    lane.record(end_reason="CallerCancel")
    # ends that say nothing any more
    lane = s.lane([(0, 180)])
    lane.b.answers_cancel = False
    call = lane.invite()
    call.expect(180)
    lane.a.cancel(call)
    call.expect(487)
    lane = s.lane(GOOD)
    call, there = lane.establish()
    lane.b.reply["BYE"] = None
    call.bye()
    lane.record(end_reason="NormalRelease")
    s.nothing_left()


@on_a_switch()
def calls_survive_lines_that_are_not_perfect(s):
    net, calls = s.net, []
    with Lossy(bin_dir(), net.address(), net.address(), 5060) as one, \
            Lossy(bin_dir(), net.address(), net.address(), 5060, 2) as two:
        a, b = net.address(), net.address()
        one.pair(a, net.switch, loss=10, double=10, delay=40)
        two.pair(net.switch, b, loss=10, double=10, delay=40)
        caller = s.peer(Caller(a, switch=(one.front, 5060)))
        carrier = s.peer(Uas(b, answers=[(0, 100), (0.1, 180), (0.3, 200)]))
        caller.resends = carrier.resends = True
        s.change("mapping", "add", "far", account="customer",
                 addresses=one.back, local_ip=net.switch)
        s.change("routing", "add", "away", account="vendor", prefixes="44",
                 addresses=f"{two.front}:5060", local_ip=net.switch)
        begun = time.monotonic()
        for n in range(40):
            calls.append(caller.invite(f"4455{n:04}"))
            wait_until(begun + n / 20)
        for call in calls:
            call.ack(call.expect(200, 10))
        for call in calls:
            call.bye()
        for call in calls:
            call.expect("200 BYE", 20)
        for call in calls:
            record = s.record(call.call_id, end_reason="NormalRelease",
                              end_side="caller")
            assert len(record["attempts"]) == 1, record
        assert len(carrier.calls()) == len(calls)
        s.idle(20)


# --- timers ------------------------------------------------------------------

def cancelled_at(lane, seconds, since):
    """The carrier's leg got CANCEL then, and its 487 an ACK."""
    cancel = lane.b.expect("CANCEL", 8)
    sent = lane.b.sent(since)[0]
    assert near(cancel.time - sent.time, seconds), cancel.time - sent.time
    lane.b.expect("ACK")
    assert not lane.b.received("BYE")


@on_a_switch()
def each_class_of_response_has_its_timer(s):
    times = {"trying_timeout": 2, "progress_timeout": 3,
             "progress_sdp_timeout": 5, "ringing_timeout": 4}
    sdp = {"sdp": True}

    def ends(answers, code, reason, seconds, since):
        def check():
            lane = s.lane((answers, times), GOOD)
            lane.invite()
            cancelled_at(lane, seconds, since)
            if code == 200:
                lane.call.ack(lane.call.expect(200))
                lane.call.bye()
                lane.record(end_reason="NormalRelease",
                            routing_gateway=lane.gw[1].name)
                return
            refused(lane, code, reason)
            assert not lane.gw[1].invites()
        check.__name__ = f"ends {answers}"
        return check

    def alone(answers, code, reason, seconds, since):
        def check():
            lane = s.lane((answers, times))
            lane.invite()
            cancelled_at(lane, seconds, since)
            refused(lane, code, reason)
        check.__name__ = f"alone {answers}"
        return check

    side_by_side(
        alone([(0.2, 100)], 408, "TryingTimeout", 2, 100),
        alone([(0, 100), (0.2, 183)], 408, "SessionProgressTimeout", 3, 183),
        alone([(0, 100), (0.2, 183, sdp)], 408, "EarlyMediaTimeout", 5, 183),
        alone([(0, 100), (0.2, 180)], 480, "NoAnswer", 4, 180),
        # each class once: what comes again changes nothing
        alone([(0, 100), (1, 100), (1.5, 100)], 408, "TryingTimeout", 2, 100),
        alone([(0, 180), (1, 183), (2, 180)], 408, "SessionProgressTimeout",
              3, 183),
        alone([(0, 183), (1, 181)], 408, "SessionProgressTimeout", 3, 183),
        # what ends a call, and what goes on to the next
        ends([(0, 100), (0.2, 180)], 480, "NoAnswer", 4, 180),
        ends([(0, 100)], 200, "", 2, 100),
        ends([(0, 183)], 200, "", 3, 183),
        ends([(0, 183, sdp)], 408, "EarlyMediaTimeout", 5, 183),
        ends([(0, 183, sdp), (0.1, 180)], 480, "NoAnswer", 4, 180))


@on_a_switch()
def a_late_answer_of_a_leg_that_was_given_up_is_ended(s):
    def a_200():
        lane = s.lane(([(1.6, 200)], {"invite_timeout": 1}), GOOD)
        record = answered(lane, lane.gw[1])
        lane.b.expect("ACK")
        lane.b.expect("BYE")
        assert tried(record) == [gw.name for gw in lane.gw]

    def a_180():
        lane = s.lane(([(1.6, 180)], {"invite_timeout": 1}), GOOD)
        answered(lane, lane.gw[1])
        lane.b.expect("CANCEL")
        lane.b.expect("ACK")
    side_by_side(a_200, a_180)


# --- switching ---------------------------------------------------------------

@on_a_switch()
def a_silent_gateway_is_left_for_the_next(s):
    def the_next_is_like_new():
        lane = s.lane((SILENT, {"invite_timeout": 2}),
                      ([(1.8, 100), (2.2, 200)], {"invite_timeout": 2}))
        record = answered(lane, lane.gw[1])
        start = lane.b.invites()[0].time
        assert_times(lane.b.invites(), [0, 0.5, 1.5])
        assert_times(lane.gw[1].invites(), [2, 2.5, 3.5], start)
        one, two = lane.b.invites()[0], lane.gw[1].invites()[0]
        assert one.call_id != two.call_id and one.from_tag != two.from_tag
        assert tried(record) == [gw.name for gw in lane.gw]
        assert record["setup_ms"] > 3500, record["setup_ms"]
        assert record["sip_code_b"] == 200 and record["attempts"][0][
            "reason"] == "InviteTimeout", record

    def not_if_that_ends_the_call():
        with s.under(SS_SIP_USER_AGENT_STOP_SWITCH_AFTER_INVITE_TIMEOUT="On"):
            lane = s.lane((SILENT, {"invite_timeout": 2}), GOOD)
            lane.invite()
            lane.b.call()
        refused(lane, 408, "InviteTimeout")
        assert not lane.gw[1].invites()

    def not_beyond_the_limit():
        with s.under(SS_GATEWAY_SWITCH_LIMIT=2):
            lane = s.lane(*[(SILENT, {"invite_timeout": 1})] * 5)
            lane.invite()
            lane.b.call()
        answer = refused(lane, 408, "InviteTimeout")
        assert near(answer.time - lane.call.invite.time, 3)
        assert [lane.tried(gw) for gw in lane.gw] == [1, 1, 1, 0, 0]

    def all_without_one():
        lane = s.lane(*[(SILENT, {"invite_timeout": 1})] * 5)
        lane.invite()
        answer = refused(lane, 408, "InviteTimeout", 7)
        assert near(answer.time - lane.call.invite.time, 5)
        assert [lane.tried(gw) for gw in lane.gw] == [1] * 5
    side_by_side(the_next_is_like_new, not_if_that_ends_the_call,
                 not_beyond_the_limit, all_without_one)


@on_a_switch()
def a_final_answer_leads_on_or_ends_the_call(s):
    sdp = (0, 183, {"sdp": True})
    table = [
        # what it says, its fields, parameters, code to A (200: the next)
        (busy(503), {}, {}, 200, None),
        (busy(404), {}, {}, 200, None),
        (busy(302), {}, {}, 200, None),
        (busy(603), {}, {}, 200, None),
        (busy(503, (0, 180)), {}, {}, 200, None),
        (busy(503, sdp), {}, {}, 503, "AllGatewayBusy"),
        (busy(500, sdp), {}, {}, 500, "CalleeRejected"),
        (busy(503, sdp), {"stop_after_sdp": "off"}, {}, 200, None),
        (busy(503, sdp), {}, {"SS_SIP_STOP_SWITCH_AFTER_SDP": "Off"}, 200,
         None),
        (busy(503, sdp), {"switch": "on"}, {}, 200, None),
        (busy(503, sdp), {}, {"SS_GATEWAY_SWITCH_UNTIL_CONNECT": "On"}, 200,
         None),
        (busy(486), {}, {}, 486, "CalleeBusy"),
        (busy(600), {}, {}, 600, "CalleeBusy"),
        (busy(486), {}, {"SS_GATEWAY_SWITCH_STOP_AFTER_USER_BUSY": "Off"},
         200, None),
        (busy(404), {"switch": "off"}, {}, 404, "NumberInvalid"),
        (busy(404), {"stop_codes": "404"}, {}, 404, "NumberInvalid"),
        (busy(404), {"stop_codes": "403"}, {}, 200, None),
    ]
    for answers, fields, parameters, code, reason in table:
        row = (answers, fields, parameters)
        with s.under(**{"SS_MAX_CALLS": 0, **parameters}):
            lane = s.lane((answers, dict(fields)), GOOD)
            call = lane.invite()
            lane.b.call()
        answer = call.expect(("2xx", "3xx", "4xx", "5xx", "6xx"))
        assert answer.code == code, (row, answer.first)
        lane.b.expect("ACK")
        if code == 200:
            call.ack(answer)
            call.bye()
            record = lane.record(end_reason="NormalRelease")
            assert tried(record) == [gw.name for gw in lane.gw], row
        else:
            lane.record(end_reason=reason, sip_code=code)
            assert not lane.gw[1].invites(), row


@on_a_switch()
def the_caller_gets_the_code_of_the_last_gateway(s):
    table = [(480, 480, "NoAnswer"), (404, 404, "NumberInvalid"),
             (410, 410, "NumberInvalid"), (484, 484, "NumberInvalid"),
             (604, 604, "NumberInvalid"), (408, 408, "GatewayTimeout"),
             (504, 504, "GatewayTimeout"), (488, 488, "MediaFailure"),
             (606, 606, "MediaFailure"), (503, 503, "AllGatewayBusy"),
             (401, 503, "AuthenticationFailed"),
             (407, 503, "AuthenticationFailed"),
             (402, 503, "CalleeRejected"), (420, 503, "CalleeRejected"),
             (481, 503, "CalleeRejected"), (482, 503, "CalleeRejected"),
             (491, 503, "CalleeRejected"), (302, 480, "CalleeRejected"),
             (403, 403, "CalleeRejected"), (500, 500, "CalleeRejected"),
             (603, 603, "CalleeRejected")]
    q850 = {"NoAnswer": 19, "NumberInvalid": 28, "GatewayTimeout": 102,
            "MediaFailure": 88, "AllGatewayBusy": 34, "CalleeRejected": 21,
            "AuthenticationFailed": 21}
    challenge = {"WWW_Authenticate": 'Digest realm="x", nonce="y"'}
    for code, wanted, reason in table:
        lane = s.lane([(0, 100), (0.02, code, challenge if code == 401 else {
            "Warning": '399 vendor "secret"', "Server": "Vendor 1"})])
        lane.invite()
        answer = refused(lane, wanted, reason, q850=q850[reason],
                         sip_code_b=code)
        assert f"cause={q850[reason]}" in answer.get("reason"), answer.data
        assert b"endor" not in answer.data, answer.data
    # A 503 behind another failure is not "all busy".
    lane = s.lane(busy(500), busy(503))
    lane.invite()
    refused(lane, 503, "CalleeRejected")
    lane = s.lane(busy(404), caller={"cause_map": "404=480"})
    lane.invite()
    refused(lane, 480, "NumberInvalid")


@on_a_switch()
def one_that_nobody_listens_for_is_left_at_once(s):
    lane = s.lane(GOOD, GOOD)
    lane.b.close()
    record = answered(lane, lane.gw[1], 2)
    assert record["attempts"][0]["reason"] == "GatewayTimeout", record


# --- candidates --------------------------------------------------------------

@on_a_switch()
def without_a_gateway_the_call_ends_at_once(s):
    lane = s.lane(busy(503), busy(503))
    lane.invite()
    refused(lane, 503, "AllGatewayBusy")
    lane.invite(number="9995550100")
    refused(lane, 503, "NoAvailableRouter", attempts=[], end_side="server",
            q850=3, called_original="9995550100")
    assert [lane.tried(gw) for gw in lane.gw] == [1, 1]


@on_a_switch()
def a_full_gateway_is_not_asked(s):
    lane = s.lane((GOOD, {"line_limit": 1}))
    first, _ = lane.establish()
    lane.invite()
    refused(lane, 503, "AllGatewayBusy")
    assert lane.tried(lane.b) == 1
    other = s.carrier(lane.prefix, GOOD, priority=9)
    answered(lane, other)
    first.bye()
    first.expect("200 BYE")
    answered(lane, lane.b)
    # Ringing is a line too.
    ringing = s.lane(([(0, 180), (9, 200)], {"line_limit": 1}))
    held = ringing.invite()
    held.expect(180)
    ringing.invite()
    refused(ringing, 503, "AllGatewayBusy")
    ringing.a.cancel(held)
    held.expect(487)


@on_a_switch()
def lines_of_an_account_are_those_of_all_its_gateways(s):
    s.change("account", "add", "few", overdraft="unlimited",
             rate_table="retail", line_limit=1)
    one, other = (s.lane(GOOD, caller={"account": "few"}) for _ in range(2))
    first, _ = one.establish()
    for lane in (other, one):
        lane.invite()
        answer = refused(lane, 503, "CapacityLimit", q850=42)
        assert answer.get("retry-after") == "1"
    assert not other.b.invites()
    answered(s.lane(GOOD))  # Another account's
    first.bye()
    first.expect("200 BYE")
    answered(other)
    s.change("account", "set", "few", line_limit=2)
    first, _ = one.establish()
    answered(other)
    first.bye()
    first.expect("200 BYE")


@on_a_switch()
def the_callers_own_limits_hold(s):
    lane = s.lane(GOOD, caller={"line_limit": 1})
    first, _ = lane.establish()
    lane.invite()
    answer = refused(lane, 503, "CapacityLimit", q850=42)
    assert answer.get("retry-after") == "1"
    with s.under(SS_MAX_CALLS=1):
        other = s.lane(GOOD)
        other.invite()
        answer = refused(other, 503, "CapacityLimit")
        assert answer.get("retry-after") == "5"
    s.change("mapping", "set", lane.a.name, line_limit=0, lock="all")
    lane.invite()
    refused(lane, 403, "AccountLocked")
    first.bye()
    first.expect("200 BYE")
    s.change("mapping", "set", lane.a.name, lock="none")
    s.change("account", "set", "customer", status="locked")
    lane.invite()
    refused(lane, 403, "AccountLocked")
    s.change("account", "set", "customer", status="normal")
    s.ask("list.add", list="callee_black", entry=lane.prefix + "*")
    lane.invite()
    refused(lane, 403, "Blacklisted")
    lane.invite(number="abc")
    refused(lane, 403, "NoRate")
    lane.invite(number="a/b")
    refused(lane, 484, "NumberInvalid")


@on_a_switch()
def a_lock_holds_from_the_next_call(s):
    lane = s.lane(GOOD, GOOD)
    answered(lane, lane.b)
    s.change("routing", "set", lane.b.name, lock="all")
    answered(lane, lane.gw[1])
    s.change("routing", "set", lane.gw[1].name, lock="all")
    lane.invite()
    refused(lane, 503, "AllGatewayBusy")
    s.change("routing", "set", lane.b.name, lock="none")
    answered(lane, lane.b)


@on_a_switch()
def prefixes_and_priorities_give_the_order(s):
    lane = s.lane((busy(503), {"prefixes": "P5"}), (GOOD, {}))
    answered(lane, lane.gw[1])
    s.change("routing", "set", lane.b.name, prefix_mode="expiration")
    lane.invite()
    refused(lane, 503, "AllGatewayBusy")

    lane = s.lane((busy(503), {"priority": 2}), (busy(503), {"priority": 1}))
    lane.invite()
    lane.call.expect(503)
    assert tried(lane.record()) == [lane.gw[1].name, lane.b.name]

    lane = s.lane((GOOD, {"prefixes": "P5", "priority": 1, "protect": "on"}),
                  (busy(503), {"priority": 7}))
    assert tried(answered(lane, lane.b)) == [lane.gw[1].name, lane.b.name]

    # The example of the manual: G2, G1, G3, G5, G4
    fields = [("P5", 20, {}), ("P5", 10, {}), ("P", 1, {}),
              ("P5", 1, {"protect": "on"}), (None, 1, {})]
    lane = s.lane(*[(busy(503), {"prefixes": p or "", "priority": n, **more})
                    for p, n, more in fields])
    s.change("routing", "set", lane.gw[4].name, prefixes="")
    names = [gw.name for gw in lane.gw]
    lane.invite()
    lane.call.expect(503)
    assert tried(lane.record()) == [names[n] for n in (1, 0, 2, 4, 3)]
    s.change("routing", "set", names[1], prefix_mode="expiration")
    lane.invite()
    lane.call.expect(503)
    assert tried(lane.record()) == [names[n] for n in (1, 0, 3)]
    s.change("routing", "set", names[1], mapping_mode="forbid",
             mapping_names=lane.a.name)
    lane.invite()
    lane.call.expect(503)
    assert tried(lane.record()) == [names[n] for n in (0, 2, 4, 3)]


@on_a_switch()
def a_vendor_without_money_is_not_used(s):
    def money(account, amount):
        s.pg.psql("insert into ledger (account_id, amount, kind, operator) "
                  "select id, %d, 'payment', 'test' from account "
                  "where name = '%s'" % (amount * 1000000, account))
    s.ask("account.add", name="poor", kind="clearing")
    money("poor", 5)
    lane = s.lane((GOOD, {"account": "poor"}), GOOD)
    answered(lane, lane.b)

    def settle():
        """What is left is looked at each second."""
        wait_until(time.monotonic() + 2.5)
    s.set(SERVER_VERIFY_CLEARING_CUSTOMER_REMAIN_MONEY_LIMIT=10)
    settle()
    answered(lane, lane.gw[1])
    s.change("routing", "set", lane.gw[1].name, account="poor")
    lane.invite()
    refused(lane, 503, "VendorBalanceNotEnough", q850=34)
    s.change("account", "set", "poor", overdraft=5)
    settle()
    answered(lane, lane.b)
    s.change("account", "set", "poor", status="locked")
    lane.invite()
    refused(lane, 503, "VendorBalanceNotEnough")


@on_a_switch()
def a_gateway_may_be_for_some_callers_only(s):
    other = s.caller()
    lane = s.lane((GOOD, {"mapping_mode": "allow",
                          "mapping_names": other.name}))

    def route():
        rows = s.ask("route.test", **{"from": lane.a.name,
                                      "called": lane.number})
        return {r["gateway"]: r.get("token") for r in rows if "gateway" in r}
    lane.invite()
    refused(lane, 503, "NoAvailableRouter")
    assert route() == {lane.b.name: "forbidden"}, route()
    s.change("routing", "set", lane.b.name, mapping_mode="forbid",
             mapping_names=lane.a.name)
    lane.invite()
    refused(lane, 503, "NoAvailableRouter")
    assert route() == {lane.b.name: "forbidden"}, route()
    s.change("routing", "set", lane.b.name, mapping_names=other.name)
    answered(lane, lane.b)
    assert not route()[lane.b.name], route()
    assert len(lane.b.invites()) == 1, "route.test sends nothing"


@on_a_switch()
def a_gateway_that_does_not_answer_options_is_offline(s):
    s.set(SS_SIP_OPTIONS_CHECK_PERIOD=2, SS_SIP_OPTIONS_CHECK_FAILURES=2)
    lane = s.lane((GOOD, {"options_check": "on"}), GOOD)
    lane.b.expect("OPTIONS")
    lane.b.expect("OPTIONS")
    answered(lane, lane.b)
    lane.b.reply["OPTIONS"] = None

    def state():
        return next(r["state"] for r in s.ask("gateway.status")
                    if r["gateway"] == lane.b.name)
    wait_for(8, lambda: state() == "offline", "it to be offline")
    answered(lane, lane.gw[1])
    assert lane.tried(lane.b) == 1
    lane.b.reply["OPTIONS"] = 503
    lane.b.expect("OPTIONS")
    assert state() == "offline"
    lane.b.reply["OPTIONS"] = 404
    wait_for(4, lambda: state() == "online", "it to be online")
    answered(lane, lane.b)


if __name__ == "__main__":
    sys.exit(main())
