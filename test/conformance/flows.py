#!/usr/bin/env python3
"""The call flows of RFC 3665, with sipp as both parties and Tandem between.

flows.py BIN CASE: one case, in a cluster of its own. Where the RFC has proxies
there is a back-to-back user agent here: each side's flow is the RFC's, and
what a proxy would decide (fail-over, redirection) is in the record of the call.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import main  # noqa: E402
from support.sipp_flow import (Callee, Caller, Flow, answering,  # noqa: E402
                               sdp)
from support.sip_switch import on_a_switch, side_by_side  # noqa: E402


# --- 3.1, 3.6, 3.7: sessions that come about ----------------------------------

@on_a_switch()
def sessions_are_established(s):
    def ended_by_the_caller():  # 3.1
        flow = Flow(s)
        flow.run(flow.caller().invite().gets(100, 180, 200).ack().pause(1000)
                 .bye().gets(200), answering().answers("BYE"))
        record = flow.record(end_reason="NormalRelease", end_side="caller",
                             sip_code=200)
        assert record["duration_ms"] >= 900, record

    def ended_by_the_callee():
        flow = Flow(s)
        flow.run(flow.caller().invite().gets(100, 180, 200).ack()
                 .answers("BYE"), answering().pause(500).bye().gets(200))
        flow.record(end_reason="NormalRelease", end_side="callee")

    def heard_before_it_is_answered():
        flow = Flow(s)
        early = sdp(Callee.media, 7000)
        got, _ = flow.run(
            flow.caller().invite().gets(100, 183, 200).ack().bye().gets(200),
            Callee().says(100).says(183, early).pause(300).says(200, early)
            .takes("ACK").answers("BYE"))
        progress = got[got.index("SIP/2.0 183"):got.index("SIP/2.0 200")]
        assert f"c=IN IP4 {Callee.media}" in progress, progress
        flow.record(end_reason="NormalRelease", codec="PCMU")

    def redirected_without_an_offer():  # 3.6: SDP in the 200 and the ACK
        flow = Flow(s, {"redirects": 1})
        elsewhere = f"<sip:{flow.number[:5]}999@192.0.2.1>"
        _, (there,) = flow.run(
            flow.caller().invite(None).gets(100, 180, 200)
            .ack(sdp(Caller.media)).bye().gets(200),
            Callee().refuses(302, Contact=elsewhere)
            .takes("INVITE", rrs="true").says(180).says(200).takes("ACK")
            .answers("BYE"))
        assert f"INVITE sip:{flow.number[:5]}999@" in there, there
        ack = there[there.rindex("\nACK "):]
        assert f"c=IN IP4 {Caller.media}" in ack, ack
        flow.record(end_reason="NormalRelease")

    def moved_to_another_address():  # 3.7
        flow = Flow(s)
        moved = sdp("192.0.2.96", 6002, 2)
        _, (there,) = flow.run(
            flow.caller().invite().gets(100, 180, 200).ack().pause(300)
            .reinvite(moved).gets(100, 200).ack().pause(300).bye().gets(200),
            answering().answers("INVITE", 200, sdp(Callee.media, 7000),
                                Contact="<sip:gw@[local_ip]:[local_port]>")
            .takes("ACK").answers("BYE"))
        assert there.count("c=IN IP4 192.0.2.96") == 1, there
        flow.record(end_reason="NormalRelease")

    side_by_side(ended_by_the_caller, ended_by_the_callee,
                 heard_before_it_is_answered, redirected_without_an_offer,
                 moved_to_another_address)


# --- 3.4, 3.8 to 3.11: those that do not, or not at once ------------------------

@on_a_switch()
def sessions_fail_as_they_should(s):
    def refused(code, seen, reason):
        def check():
            flow = Flow(s)
            flow.run(flow.caller().invite().gets(100, 180, seen).ack_refused(),
                     Callee().says(100).says(180).refuses(code))
            flow.record(end_reason=reason, sip_code=seen, duration=0)
        check.__name__ = f"refused {code}"
        return check

    def given_up_by_the_caller():  # 3.8
        flow = Flow(s)
        flow.run(flow.caller().invite().gets(100, 180).pause(300).cancel()
                 .gets(200, 487).ack_refused(),
                 Callee().says(100).says(180).is_cancelled())
        flow.record(end_reason="CallerCancel", sip_code=487, duration=0)

    def given_up_by_the_switch():
        flow = Flow(s, {"ringing_timeout": 2})
        flow.run(flow.caller().invite().gets(100, 180, 480).ack_refused(),
                 Callee().says(100).says(180).is_cancelled())
        flow.record(end_reason="NoAnswer", sip_code=480)

    def no_response():  # 3.10
        flow = Flow(s, {"invite_timeout": 2})
        flow.run(flow.caller().invite().gets(100, 408).ack_refused(), None)
        flow.record(sip_code=408, duration=0)

    def the_first_way_fails():  # 3.4
        flow = Flow(s, {}, {})
        flow.run(flow.caller().invite().gets(100, 180, 200).ack().bye()
                 .gets(200), Callee().refuses(503),
                 answering().answers("BYE"))
        record = flow.record(end_reason="NormalRelease",
                             routing_gateway=f"{flow.name}-1")
        assert [a["sip_code"] for a in record["attempts"]] == [503, 200]

    side_by_side(refused(486, 486, "CalleeBusy"),  # 3.9
                 refused(480, 480, "NoAnswer"),  # 3.11
                 refused(404, 404, "NumberInvalid"),
                 given_up_by_the_caller, given_up_by_the_switch, no_response,
                 the_first_way_fails)


# --- 3.3: who calls has to say who it is ----------------------------------------

@on_a_switch(settings={"SS_SIP_AUTHENTICATION_ALGORITHM": "MD5"})
def a_caller_is_challenged(s):
    flow = Flow(s, customer={"auth_mode": "password", "username": "alice",
                             "password": "4Hpb9cT2", "addresses": ""})
    caller = flow.caller()
    caller.user = "alice"
    offer = sdp(caller.media)
    caller.invite().gets(100).gets(407, auth="true").ack_refused()
    caller.invite(offer, **{"[authentication username=alice password=4Hpb9cT2]":
                            None})
    caller.gets(100, 180, 200).ack().bye().gets(200)
    # By itself sipp names no user there, which is another URI.
    got, _ = flow.run(caller, answering().answers("BYE"), options=(
        "-auth_uri", f"{flow.number}@{s.at[0]}:{s.at[1]}"))
    assert got.count("SIP/2.0 407") == 1
    flow.record(end_reason="NormalRelease", caller="alice")


if __name__ == "__main__":
    sys.exit(main())
