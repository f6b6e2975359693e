#!/usr/bin/env python3
"""Calls whose media is relayed: SDP, digits, silence, ports, quality.

media_calls.py BIN CASE: one case, in a cluster and a PostgreSQL of its own.
"""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import main  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.media_lane import (  # noqa: E402
    G729, NOMEDIA_S, PCMU, POINTED_S, PRIVATE_A, PRIVATE_B, PUBLIC, MediaLane,
    formats_of, host_of, on_media, port_of)
from support.rtp import (  # noqa: E402
    SILENCE, RtpEnd, loudness, packet)
from support.sip import make_sdp  # noqa: E402
from support.sip_calls import refused  # noqa: E402
from support.usage import pause  # noqa: E402


# --- relay or bypass ---------------------------------------------------------------

@on_media()
def sound_passes_both_ways_and_the_record_has_its_quality(s):
    m = MediaLane(s).establish()
    assert m.is_relayed()
    m.speak(1.2)
    row = m.hang_up(media="relay")
    assert row["a_packets"] == row["b_packets"] == 60, row
    assert row["a_lost"] == row["b_lost"] == 0, row
    assert row["a_mos"] > 4 and row["b_mos"] > 4, row


@on_media(settings={"SS_MEDIA_PROXY": "off"})
def who_is_behind_nat_is_relayed_unless_that_is_off(s):
    """media 12.1"""
    m = MediaLane(s).establish()
    assert m.is_relayed()
    m.speak()
    m.hang_up(media="relay")
    with s.under(SS_MEDIA_PROXY_BEHIND_NAT="Off"):
        lane = s.lane([(0, 100), (0.1, 200)])
        call, there = lane.establish(body=make_sdp(PRIVATE_A, 4000))
        assert host_of(there.invite.sdp) == PRIVATE_A, there.invite.sdp
        call.bye()
        lane.record(media="bypass")


@on_media(settings={"SS_MEDIA_PROXY": "auto"})
def auto_relays_where_it_must(s):
    for address, fields, how in (
            (PUBLIC, {}, "bypass"), (PRIVATE_A, {}, "relay"),
            (PUBLIC, {"nomedia_time": 30}, "relay"),
            (PUBLIC, {"media_proxy": "on"}, "relay")):
        lane = s.lane([(0, 100), (0.1, 200)], caller=fields)
        call, _ = lane.establish(body=make_sdp(address, 4000))
        call.bye()
        lane.record(media=how)


# --- SDP -----------------------------------------------------------------------------

@on_media()
def nothing_of_the_callers_address_reaches_the_gateway(s):
    """media 12.2 and 2"""
    lane = s.lane([(0, 100), (0.1, 200)])
    offer = make_sdp(PRIVATE_A, 4000, formats=(G729, PCMU), lines=(
        f"a=rtcp:4001 IN IP4 {PRIVATE_A}",
        f"a=candidate:1 1 UDP 1 {PRIVATE_A} 4000 typ host", "a=rtcp-mux",
        "a=ice-ufrag:abcd", "a=ice-pwd:abcdefghijklmnopqrstuv", "a=ptime:20",
        "a=sendrecv")).replace("s=-", f"s=of {PRIVATE_A}\r\ni=a secret")
    call, there = lane.establish(body=offer)
    seen = there.invite.sdp
    assert PRIVATE_A not in seen and "candidate" not in seen, seen
    assert "ice" not in seen and "mux" not in seen, seen
    assert "i=" not in seen and "s=-" in seen, seen
    assert host_of(seen) == s.net.switch, seen
    assert s.rtp <= port_of(seen) <= s.rtp_last and port_of(seen) % 2 == 0
    assert formats_of(seen)[:2] == ["18", "0"], seen
    assert "a=ptime:20" in seen and "a=sendrecv" in seen, seen
    got = call.answer.sdp
    assert host_of(got) == s.net.switch, got
    assert port_of(got) != port_of(seen)
    call.bye()
    lane.record()


@on_media()
def hold_passes_and_an_address_of_zeros_is_inactive(s):
    m = MediaLane(s).establish()
    m.speak()
    for body, wanted in (
            (make_sdp(PRIVATE_A, m.a.port, 2, direction="sendonly"),
             "a=sendonly"),
            (make_sdp("0.0.0.0", m.a.port, 3), "a=inactive"),
            (make_sdp(PRIVATE_A, m.a.port, 4), None)):
        m.call.reinvite(body)
        answer = m.call.expect("200 INVITE")
        m.call.ack(answer)
        seen = m.there.expect("INVITE").sdp
        m.there.expect("ACK")
        assert host_of(seen) == s.net.switch and \
            port_of(seen) == m.b.to[1], seen
        assert (wanted in seen) if wanted else \
            ("inactive" not in seen and "sendonly" not in seen), seen
        assert host_of(answer.sdp) == s.net.switch, answer.sdp
    pause(POINTED_S)
    m.speak()
    m.hang_up()


@on_media()
def a_reinvite_moves_media_and_the_other_end_notices_nothing(s):
    m = MediaLane(s).establish()
    m.speak()
    old, new = m.a, m._end(m.lane.a.address)
    new.to = old.to
    m.call.reinvite(make_sdp(PRIVATE_A, new.port, 2))
    m.call.ack(m.call.expect("200 INVITE"))
    m.there.expect("ACK")
    pause(POINTED_S)
    old.forget()
    m.a = new
    m.speak()
    old.expect_none(0)
    m.hang_up()


@on_media()
def video_has_port_zero(s):
    lane = s.lane([(0, 100), (0.1, 200)])
    offer = make_sdp(PRIVATE_A, 4000) + \
        "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    call, there = lane.establish(body=offer)
    assert port_of(there.invite.sdp) and \
        port_of(there.invite.sdp, "video") == 0, there.invite.sdp
    call.bye()
    lane.record()


# --- codecs ---------------------------------------------------------------------------

@on_media()
def a_gateway_sees_only_what_it_may_use(s):
    """media 12.8"""
    m = MediaLane(s, b_fields={"codecs": "PCMA,PCMU"},
                  formats=(G729, PCMU), answer=(PCMU,)).establish()
    assert formats_of(m.there.invite.sdp) == ["0"], m.there.invite.sdp
    m.hang_up()

    lane = s.lane(([(0, 100), (0.1, 200)], {"codecs": "G723"}),
                  [(0, 100), (0.1, 200)])
    call = lane.invite(body=make_sdp(PRIVATE_A, 4000, formats=(G729, PCMU)))
    call.ack(call.expect(200))
    assert not lane.gw[0].calls() and len(lane.gw[1].calls()) == 1
    call.bye()
    lane.record()

    lane = s.lane(([(0, 100), (0.1, 200)], {"codecs": "G723"}))
    lane.invite(body=make_sdp(PRIVATE_A, 4000, formats=(G729, PCMU)))
    refused(lane, 488, "MediaFailure")
    assert not lane.gw[0].calls()

    lane = s.lane([(0, 100), (0.1, 200)], caller={"codecs": "G723"})
    lane.invite(body=make_sdp(PRIVATE_A, 4000, formats=(G729, PCMU)))
    refused(lane, 488, "MediaFailure")


# --- who may send -----------------------------------------------------------------------

@on_media()
def a_third_party_is_not_heard_in_mid_call(s):
    """media 12.9 and 12.10"""
    m = MediaLane(s).establish()
    m.speak()
    mallory = m._end(s.net.address())
    m.a.forget(), m.b.forget()
    for end in (m.a, m.b):
        for ssrc in (end.ssrc, 1):
            mallory.raw(packet(end.number, 1, ssrc, SILENCE), end.to)
    m.a.expect_none()
    m.b.expect_none(0)
    mallory.expect_none(0)
    m.speak()
    moved = m._end(m.lane.a.address)
    moved.to = m.a.to
    pause(1.2)
    m.b.forget()
    moved.send()
    m.b.expect(1)
    m.a = moved
    m.speak()
    m.hang_up()


# --- ring-back --------------------------------------------------------------------------

RING_HZ = 425


def hears_tone(end):
    end.forget()
    wait_for(20, lambda: any(loudness(p.payload, RING_HZ) > 0.9
                             for p in list(end.came)), "ring-back tone")


@on_media()
def a_tone_is_heard_until_a_gateway_is_whichever_it_is(s):
    """call-setup 9, and a switch: the second one rings like the first."""
    bare, rings = {"sdp": False}, {"ring_back": "183_sdp"}
    lane = s.lane(([(0, 100), (0.1, 180, bare), (3, 503)], rings),
                  ([(0, 100), (0.1, 180, bare), (10, 200)], rings))
    second = lane.gw[1]
    with RtpEnd(lane.a.address) as a, RtpEnd(second.address) as b:
        second.sdp = lambda **kwargs: make_sdp(PRIVATE_B, b.port, **kwargs)
        lane.invite(body=make_sdp(PRIVATE_A, a.port))
        lane.call.expect(183)
        hears_tone(a)
        wait_for(20, second.calls, "the second gateway")
        hears_tone(a)
        there = second.calls()[0]
        lane.complete(20)
        b.to = (s.net.switch, port_of(there.invite.sdp))
        b.stream(0.5)
        a.forget()
        b.stream(0.5)
        a.expect(20)
        assert all(p.payload == SILENCE for p in a.came), "it still rings"
        lane.call.bye()
        lane.record(end_reason="NormalRelease", media="relay")


# --- silence ----------------------------------------------------------------------------

SILENT = {"SS_NOMEDIAHANGUPTIME": NOMEDIA_S}


@on_media(settings=SILENT)
def a_call_that_falls_silent_is_ended(s):
    """media 12.3: its time is that of then (12.6)"""
    m = MediaLane(s).establish()
    m.speak(1.0)
    s.set(SS_NOMEDIAHANGUPTIME=20)
    m.began = time.monotonic()
    row = m.ended_for_silence(NOMEDIA_S)
    tail = row["silent_tail"]
    assert NOMEDIA_S * 1000 <= tail <= (NOMEDIA_S + 1.2) * 1000, row
    assert row["duration"] in (3, 4, 5), row


@on_media(settings=SILENT)
def a_call_that_never_had_media_is_ended_after_its_answer(s):
    """media 12.5"""
    m = MediaLane(s).establish()
    off = MediaLane(s, {"nomedia_time": 0}).establish()
    bypass = s.lane(([(0, 100), (0.1, 200)], {"media_proxy": "off"}),
                    caller={"media_proxy": "off"})
    other, _ = bypass.establish(body=make_sdp(PUBLIC, 4000))
    m.ended_for_silence(NOMEDIA_S)
    pause(NOMEDIA_S)
    assert not off.call.received("BYE") and not other.received("BYE")
    off.hang_up()
    other.bye()
    bypass.record(end_reason="NormalRelease", media="bypass")


@on_media(settings=SILENT)
def one_side_that_speaks_keeps_the_call(s):
    """media 12.4"""
    m = MediaLane(s).establish()
    m.a.stream(2 * NOMEDIA_S + 1)
    assert not m.call.received("BYE")
    m.hang_up()
    with s.under(SS_NOMEDIAHANGUP_MODE="any"):
        m = MediaLane(s)
        m.establish()
        m.a.stream(2 * NOMEDIA_S + 1, wait=False)
        m.ended_for_silence(NOMEDIA_S, side="b")
        m.a.hush()


# --- ports ------------------------------------------------------------------------------

@on_media(rtp=20)
def without_ports_a_call_is_refused_and_leaves_nothing(s):
    calls = [MediaLane(s).establish() for _ in range(5)]
    lane = s.lane([(0, 100), (0.1, 200)])
    lane.invite(body=make_sdp(PRIVATE_A, 4000))
    refused(lane, 503, "MediaFailure")
    assert not lane.b.calls()
    assert s.media("tandem_media_port_exhausted_total") >= 1
    for m in calls:
        m.speak()
        m.hang_up()
    pause(2.2)
    MediaLane(s).establish().hang_up()


@on_media()
def a_call_lives_on_when_mediad_and_sipd_die(s):
    m = MediaLane(s).establish()
    m.speak(0.5)
    s.kill("mediad.0")
    m.speak(0.5)
    s.kill("sipd.0")
    m.speak(0.5)
    row = m.hang_up(media="relay")
    assert row["a_packets"] == row["b_packets"] == 75, row


@on_media()
def a_second_gateway_has_ports_of_its_own(s):
    lane = s.lane([(0, 100), (0.1, 503)], [(0, 100), (0.1, 200)])
    call, there = lane.establish(body=make_sdp(PRIVATE_A, 4000))
    first = lane.gw[0].calls()[0].invite.sdp
    assert port_of(first) != port_of(there.invite.sdp), first
    call.bye()
    lane.record(media="relay")


if __name__ == "__main__":
    sys.exit(main())
