#!/usr/bin/env python3
"""What happens between an INVITE and its final answer.

call_early.py BIN CASE: one case, in a cluster of its own.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import main  # noqa: E402
from support.sip import assert_times, near, wait_until  # noqa: E402
from support.sip_calls import (GOOD, SILENT, answered, refused,  # noqa: E402
                               tried)
from support.sip_message import respond, user_of  # noqa: E402
from support.sip_switch import on_a_switch, side_by_side  # noqa: E402


# --- one gateway, more than one INVITE ----------------------------------------

@on_a_switch()
def an_interval_too_small_is_raised_on_the_same_gateway(s):
    def first_no(call):
        if len([m for m in call.agent.invites()]) == 1:
            return [(0, 422, {"Min_SE": "1800"})]
        return GOOD
    lane = s.lane(first_no, GOOD)
    s.set(SS_GATEWAY_SWITCH_LIMIT=0)
    record = answered(lane, lane.b, Supported="timer", Session_Expires=1800)
    assert len(tried(record)) == 1 and lane.tried(lane.gw[1]) == 0, record
    one, two = lane.b.invites()
    assert one.call_id == two.call_id and one.from_tag == two.from_tag
    assert two.cseq == one.cseq + 1
    assert two.get("session-expires").startswith("1800"), two.data
    assert two.get("min-se") == "1800", two.data


@on_a_switch()
def provisionals_may_be_made_reliable(s):
    def towards_the_caller():
        lane = s.lane([(0, 100), (0.1, 180), (5, 200)])
        call = lane.invite(Require="100rel")
        ringing = call.expect(180)
        assert "100rel" in ringing.lists("require") and ringing.get("rseq")
        wait_until(ringing.time + 2)
        assert_times(call.received(180), [0, 0.5, 1.5])
        call.prack(ringing, rack=f"{int(ringing.get('rseq')) + 1} "
                                 f"{ringing.get('cseq')}")
        call.expect("481 PRACK")
        call.prack(ringing)
        call.expect("200 PRACK")
        answer = call.expect(200, 8)
        assert len(call.received(180)) == 3
        call.ack(answer)
        call.bye()
        lane.record(end_reason="NormalRelease")

    def from_the_carrier():
        lane = s.lane([(0, 100), (0.1, 183, {"sdp": True, "reliable": True}),
                       (1.2, 200, {"sdp": False})])
        call = lane.invite(Supported="100rel")
        progress = call.expect(183)
        assert not progress.get("rseq"), "it was only supported"
        there = lane.b.call()
        assert "100rel" in there.invite.lists("supported")
        prack = lane.b.expect("PRACK")
        assert prack.get("rack") == \
            f"{there.rseq} {there.invite.get('cseq')}", prack.data
        lane.b.send(lane.b.sent(183)[0].data, s.at)
        call.ack(call.expect(200))
        assert len(lane.b.received("PRACK")) == 1
        call.bye()
        lane.record(end_reason="NormalRelease")

    def without_prack_the_call_ends():
        with s.under(SS_SIP_RESEND_INTERVAL="0.5,1"):
            lane = s.lane([(0, 100), (0.1, 180), (9, 200)])
            call = lane.invite(Require="100rel")
            ringing = call.expect(180)
        answer = refused(lane, 504, "GatewayTimeout")
        assert near(answer.time - ringing.time, 2.5)
        lane.b.expect("CANCEL")
        lane.b.expect("ACK")
    side_by_side(towards_the_caller, from_the_carrier,
                 without_prack_the_call_ends)


# --- the caller thinks again --------------------------------------------------

@on_a_switch()
def a_cancelled_call_ends_on_both_sides(s):
    def while_it_rings():
        lane = s.lane([(0, 100), (0.1, 180), (9, 200)])
        call = lane.invite()
        call.expect(180)
        began = lane.a.cancel(call).time
        assert call.expect("200 CANCEL").time - began < 0.3
        assert call.expect(487).time - began < 0.3
        lane.b.expect("CANCEL")
        lane.b.expect("ACK")
        lane.record(end_reason="CallerCancel", sip_code=487, q850=16,
                    end_side="caller", duration=0, routing_gateway=lane.b.name)

    def before_the_carrier_said_anything():
        lane = s.lane([(2, 180), (9, 200)])
        call = lane.invite()
        lane.b.call()
        lane.a.cancel(call)
        call.expect("200 CANCEL")
        call.expect(487)
        lane.b.expect_none("CANCEL", 1)
        lane.b.expect("CANCEL")
        lane.record(end_reason="CallerCancel")

    def the_answer_crosses_it():
        lane = s.lane([(0, 180), (1, 200)])
        lane.b.ends_cancelled = False
        call = lane.invite()
        call.expect(180)
        wait_until(call.invite.time + 0.8)
        lane.a.cancel(call)
        call.expect(487)
        lane.b.expect("ACK")
        lane.b.expect("BYE")
        lane.record(end_reason="CallerCancel", duration=0, sip_code=487)

    def too_late():
        lane = s.lane(GOOD)
        call, there = lane.establish()
        lane.a.cancel(call)
        call.expect("200 CANCEL")
        lane.b.expect_none("BYE", 0.5)
        there.bye()
        there.expect("200 BYE")
        lane.a.expect("BYE")
        lane.record(end_reason="NormalRelease", end_side="callee")

    def of_nothing():
        lane = s.lane(SILENT)
        call = lane.invite()
        call.expect(100)
        lane.a.cancel(call, branch="z9hG4bKnone")
        call.expect("481 CANCEL")
        lane.a.cancel(call)
        call.expect("200 CANCEL")
        call.expect(487)
        lane.record(end_reason="CallerCancel")

    def with_a_bye():
        lane = s.lane([(0, 180), (9, 200)])
        call = lane.invite()
        call.learn(call.expect(180))
        call.bye()
        call.expect("200 BYE")
        call.expect(487)
        lane.b.expect("CANCEL")
        lane.record(end_reason="CallerCancel", sip_code=487)
    side_by_side(while_it_rings, before_the_carrier_said_anything,
                 the_answer_crosses_it, too_late, of_nothing, with_a_bye)


# --- offers, forks and what cannot be -----------------------------------------

@on_a_switch()
def offers_and_answers_go_through(s):
    lane = s.lane(GOOD)
    call, there = lane.establish()
    assert "m=audio" in there.invite.sdp and "m=audio" in call.answer.sdp
    assert call.received(100)[0].time - call.invite.time < 0.2
    assert len(call.received(100)) == 1
    assert user_of(there.invite.uri) == lane.number
    call.bye()

    late = s.lane(GOOD)
    call = late.invite(sdp=None)
    answer = call.expect(200)
    there = late.b.call()
    assert not there.invite.sdp and answer.sdp
    late.b.expect_none("ACK", 0.3)
    call.ack(answer, late.a.sdp())
    assert "m=audio" in late.b.expect("ACK").sdp
    call.bye()


@on_a_switch()
def a_fork_is_one_call_for_the_caller(s):
    sdp = {"sdp": True}
    lane = s.lane([(0, 100), (0.1, 183, {"tag": "one", **sdp}),
                   (0.2, 180, {"tag": "two"}),
                   (0.4, 200, {"tag": "two"})])
    call, there = lane.establish()
    tags = {m.to_tag for m in call.received() if m.code > 100}
    assert len(tags) == 1, tags
    assert lane.b.received("ACK")[0].to_tag == "two"
    # another branch answers too
    lane.b.send(respond(there.invite, 200, None, {
        "Contact": lane.b.contact(), "Content-Type": "application/sdp"},
        lane.b.sdp(), "three"), s.at)
    ack, bye = lane.b.expect("ACK"), lane.b.expect("BYE")
    assert (ack.to_tag, bye.to_tag) == ("three", "three")
    call.bye()
    call.expect("200 BYE")
    assert lane.b.expect("BYE").to_tag == "two"
    lane.record(end_reason="NormalRelease")


@on_a_switch()
def a_redirect_is_followed_if_it_may(s):
    def moved(call):
        if user_of(call.invite.uri).endswith("100"):
            return [(0, 302, {"Contact": f"<sip:{lane.prefix}777@192.0.2.1>"})]
        return GOOD
    lane = s.lane((moved, {"redirects": 1}))
    record = answered(lane, lane.b)
    assert record["called"] == lane.number, record
    assert [user_of(m.uri) for m in lane.b.invites()] == [
        lane.number, lane.prefix + "777"]
    s.change("routing", "set", lane.b.name, redirects=0)
    lane.invite()
    refused(lane, 480, "CalleeRejected")


@on_a_switch()
def what_cannot_be_done_is_said(s):
    lane = s.lane(GOOD)
    call = lane.a.invite(lane.number, Require="gruu, 100rel, timer")
    assert call.expect(420).lists("unsupported") == ["gruu"]
    lane.a.invite(lane.number, Max_Forwards=0).expect(483)
    lane.a.invite(lane.number, Content_Type="text/plain").expect(415)
    assert not lane.b.invites()
    call, there = lane.establish(Max_Forwards=30)
    assert there.invite.get("max-forwards") == "29"
    assert set(there.invite.lists("allow")) >= {
        "INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "PRACK", "UPDATE",
        "INFO"}
    # the same request by another way
    lane.a.send(call.invite.data.replace(b"z9hG4bK", b"z9hG4bKz"), s.at)
    call.expect(("482", "482 INVITE"))
    for method in ("REFER", "SUBSCRIBE", "MESSAGE", "PUBLISH"):
        answer = lane.a.options(method=method).expect(405)
        assert "INVITE" in answer.lists("allow")
    lane.a.options().expect(200)
    lane.a.options(method="BYE").expect(481)
    call.bye()
    call.expect("200 BYE")


if __name__ == "__main__":
    sys.exit(main())
