#!/usr/bin/env python3
"""Calls whose media is relayed: what SIP says, and what is heard.

media_sip.py BIN CASE: one case, in a cluster of its own. An end of RTP on the
loopback names a private address: so it is behind NAT, and its media goes to
where its SIP comes from.
"""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import main  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.rtp import RtpEnd  # noqa: E402
from support.sip import make_sdp, near  # noqa: E402
from support.sip_calls import GOOD, answered, refused  # noqa: E402
from support.sip_switch import on_a_switch  # noqa: E402

PRIVATE = "10.0.0.5"
PORTS = 40
on_a_relay = on_a_switch(relay=PORTS)


def line(sdp, begin):
    """What follows that, in the first line that begins so."""
    for row in sdp.splitlines():
        if row.startswith(begin):
            return row[len(begin):]
    raise AssertionError(f"no {begin} in {sdp}")


def media_port(sdp):
    return int(line(sdp, "m=audio ").split()[0])


class Talk:
    """A call with both its ends of RTP, answered."""

    def __init__(self, s, lane=None, sdp=None, **invite):
        self.s = s
        self.lane = lane = lane or s.lane(GOOD)
        self.a = s.keep(RtpEnd(lane.a.address))
        self.b = s.keep(RtpEnd(lane.b.address))
        lane.b.sdp = lambda **kwargs: make_sdp(PRIVATE, self.b.port, **kwargs)
        self.call, self.there = lane.establish(
            body=sdp or make_sdp(PRIVATE, self.a.port), **invite)
        self.a.to = (s.net.switch, media_port(self.call.answer.sdp))
        self.b.to = (s.net.switch, media_port(self.there.invite.sdp))

    def speak(self, seconds=0.3, lost=0):
        """Both ways; so many packets may be missing on each. It begins when
        mediad knows of both sides."""
        for end, other in ((self.a, self.b), (self.b, self.a)):
            other.forget()
            wait_for(5, lambda e=end, o=other: e.send() and o.came,
                     "the first packet")
        for end in (self.a, self.b):
            end.forget()
        self.a.stream(seconds, wait=False)
        self.b.stream(seconds)
        for end in (self.a, self.b):
            end.expect(round(seconds * 50) - lost)

    def end(self, **record):
        self.call.bye()
        self.call.expect("200 BYE")
        return self.lane.record(end_reason="NormalRelease", media="relay",
                                **record)


# --- what SIP says ------------------------------------------------------------

@on_a_relay
def a_gateway_sees_the_relay_and_what_it_may_use(s):
    lane = s.lane((GOOD, {"codecs": "PCMU", "dtmf_mode": "rfc2833"}),
                  caller={"dtmf_mode": "info"})
    offer = make_sdp(PRIVATE, 4000, formats=(
        (18, "G729/8000"), (0, "PCMU/8000")), lines=(
            f"a=candidate:1 1 UDP 1 {PRIVATE} 4000 typ host", "a=sendrecv"))
    call, there = lane.establish(body=offer)
    seen = there.invite.sdp
    assert PRIVATE not in seen and "candidate" not in seen, seen
    assert line(seen, "c=") == f"IN IP4 {s.net.switch}", seen
    assert line(seen, "s=") == "-" and there.invite.origin()[1] == 1, seen
    port, _, *formats = line(seen, "m=audio ").split()
    assert s.rtp <= int(port) <= s.rtp_last and int(port) % 2 == 0, seen
    assert formats == ["0", "101"], seen
    assert "a=rtpmap:101 telephone-event/8000" in seen, seen
    assert line(call.answer.sdp, "c=") == f"IN IP4 {s.net.switch}"
    assert line(call.answer.sdp, "m=audio ").split()[2:] == ["0"], \
        call.answer.sdp
    row, = s.calls(called=lane.number)
    assert row["media"] == "relay" and row["codec"] == "PCMU", row
    call.bye()
    lane.record(media="relay")


@on_a_relay
def bypassed_calls_keep_their_sdp(s):
    off = {"media_proxy": "off"}
    lane = s.lane((GOOD, off), caller=off)
    offer = make_sdp("192.0.2.9", 4002)
    call, there = lane.establish(body=offer)
    assert line(there.invite.sdp, "c=") == "IN IP4 192.0.2.9"
    assert media_port(there.invite.sdp) == 4002
    call.bye()
    lane.record(media="bypass", end_reason="NormalRelease")

    # media 12, 1: behind NAT it is relayed all the same, if that is wanted
    behind = s.lane((GOOD, off), caller=off)
    with s.under(SS_MEDIA_PROXY_BEHIND_NAT="Off"):
        answered(behind, body=make_sdp(PRIVATE, 4004))
        behind.record(media="bypass")
    call, there = behind.establish(body=make_sdp(PRIVATE, 4004))
    assert PRIVATE not in there.invite.sdp
    call.bye()
    behind.record(media="relay")


@on_a_relay
def a_tone_of_ours_has_an_sdp_of_ours(s):
    bare = [(0, 100), (0.1, 180, {"sdp": False}), (0.5, 200)]
    for mode, code, has_sdp in (("183_sdp", 183, True),
                                ("180_sdp", 180, True),
                                ("passthrough", 180, False)):
        lane = s.lane((bare, {"ring_back": mode}))
        call = lane.invite()
        ringing = call.expect(code)
        assert bool(ringing.sdp) == has_sdp, ringing.data
        if has_sdp:
            assert line(ringing.sdp, "c=") == f"IN IP4 {s.net.switch}"
        lane.complete()
        call.bye()
        lane.record(media="relay")


@on_a_relay
def fax_is_relayed_where_it_is_wanted(s):
    def fax(version):
        return make_sdp(PRIVATE, 0, version=version).rstrip() + \
            "\r\nm=image 4010 udptl t38\r\n"
    talk = Talk(s)
    talk.lane.b.reply["INVITE"] = lambda request: (
        200, {"Contact": talk.lane.b.contact()}, fax(2))
    talk.call.invite = talk.call.request("INVITE", None, fax(2))
    answer = talk.call.expect("200 INVITE")
    talk.call.ack(answer)
    seen = talk.lane.b.received("INVITE")[-1].sdp
    assert line(seen, "m=image ") == f"{talk.b.to[1]} udptl t38", seen
    assert line(answer.sdp, "m=image ") == f"{talk.a.to[1]} udptl t38"
    talk.end()

    off = Talk(s, s.lane((GOOD, {"t38": "off"})))
    off.call.invite = off.call.request("INVITE", None, fax(2))
    off.call.expect("488 INVITE")
    off.speak()
    off.end()


# --- what is heard ------------------------------------------------------------

@on_a_relay
def both_hear_each_other_and_the_record_says_so(s):
    talk = Talk(s)
    talk.speak(1.0)
    row, = s.calls(called=talk.lane.number)
    assert 0 <= row["a_rtp_age"] < 1 and 0 <= row["b_rtp_age"] < 1, row
    shown, = s.ask("call.show", name=row["call"])
    assert shown["a_media"]["packets"] > 50, shown
    assert shown["b_media"]["mos"] > 4, shown
    wait_for(5, lambda: s.calls(called=talk.lane.number)[0]["a_rtp_age"] > 1,
             "the age of the last packet grows")
    row = talk.end(codec="PCMU")
    for side, end in (("a", talk.a), ("b", talk.b)):
        # those that came before mediad knew of the side do not count
        assert 50 < row[f"{side}_packets"] <= end.sent, row
        assert row[f"{side}_lost"] == 0, row


@on_a_relay
def silence_ends_a_call(s):
    fields = {"nomedia_time": 2}
    never = Talk(s, s.lane((GOOD, fields)))
    began = time.monotonic()
    bye = never.call.expect("BYE", 5)
    assert 1.9 <= bye.time - began <= 3.5, bye.time - began
    never.there.expect("BYE")
    row = never.lane.record(end_reason="NoMediaTimeout", end_side="server",
                            end_detail="both")
    assert near(row["silent_tail"], 2000, 1200), row

    one = Talk(s, s.lane((GOOD, fields)))
    one.a.stream(3.5)  # the other is silent: mode both
    one.call.expect_none("BYE", 0.2)
    one.end()

    with s.under(SS_NOMEDIAHANGUP_MODE="any"):
        any_of = Talk(s, s.lane((GOOD, fields)))
    any_of.a.stream(4, wait=False)
    any_of.call.expect("BYE", 5)
    any_of.lane.record(end_reason="NoMediaTimeout", end_detail="b")


@on_a_relay
def a_gateway_that_was_heard_is_not_left(s):
    early = [(0, 100), (0.1, 183, {"sdp": True}), (1.0, 503)]
    settings = {"SS_SIP_STOP_SWITCH_AFTER_SDP": "Off"}
    for heard in (False, True):
        lane = s.lane(early, GOOD)
        with RtpEnd(lane.a.address) as a, RtpEnd(lane.b.address) as b:
            lane.b.sdp = lambda b=b, **kwargs: make_sdp(PRIVATE, b.port,
                                                        **kwargs)
            with s.under(**settings):
                call = lane.invite(body=make_sdp(PRIVATE, a.port))
            call.expect(183)
            there = lane.b.call()
            if heard:
                b.to = (s.net.switch, media_port(there.invite.sdp))
                b.stream(0.3)
                a.expect(10)
                refused(lane, 503, "AllGatewayBusy")
                assert lane.tried(lane.gw[1]) == 0
            else:
                lane.complete()
                call.bye()
                lane.record(end_reason="NormalRelease")


if __name__ == "__main__":
    main()
