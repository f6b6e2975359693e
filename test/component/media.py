#!/usr/bin/env python3
"""mediad relays: sessions as sipd makes them, real packets, real attackers.

media.py BIN CASE: one case, in a cluster of its own.
"""

import contextlib
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import SANITIZED, main  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.media_rig import EVENTS, on_a_rig  # noqa: E402
from support.mediatalk import (  # noqa: E402
    ANY, INACTIVE, PORTS, RECVONLY, SDP, SENDONLY, SESSION)
from support.rtp import (  # noqa: E402
    SAMPLES, SILENCE, packet, receiver_report, sender_report)
from support.rtpload import RtpLoad  # noqa: E402
from support.usage import pause  # noqa: E402

REST_S = 2  # a pair that is given back rests so long
PORT_SILENT_S = 1  # then the source may have another port
ANSWERS_KEPT = 4096  # by the bus, for repeats
WINDOW_S = 5  # of learning any
FLOOD_RATE = 500 if SANITIZED else 5000


def same(sent, came):
    assert [p.data for p in came] == sent, (len(sent), came[:3])


# --- what passes -----------------------------------------------------------------

@on_a_rig()
def what_one_end_sends_the_other_hears_unchanged(s):
    call = s.call()
    assert call.port_a % 2 == call.port_b % 2 == 0
    assert s.rtp <= min(call.port_a, call.port_b) and \
        max(call.port_a, call.port_b) < s.rtp_last
    for one, other in ((call.a, call.b), (call.b, call.a)):
        sent = [one.send(bytes([n]) * SAMPLES, marker=n == 0)
                for n in range(20)]
        same(sent, other.expect(20))
        assert {p.source for p in other.came} == {other.to}
        other.forget()
        sent = [one.raw(sender_report(one.ssrc, 1), rtcp=True),
                one.raw(receiver_report(one.ssrc, other.ssrc), rtcp=True)]
        same(sent, other.expect_rtcp(2))
        assert {p.source for p in other.rtcp_came} == \
            {(other.to[0], other.to[1] + 1)}
        assert not other.came, other.came
    said = call.release()
    assert said["a"]["packets"] == said["b"]["packets"] == 20, said
    assert said["a"]["bytes"] == 20 * (12 + SAMPLES), said


@on_a_rig()
def one_stream_changes_ssrc_and_numbers_as_it_likes(s):
    call = s.call()
    sent = []
    for start in (65530, 7):  # over the end of the numbers, and a new SSRC
        call.a.ssrc += 1
        call.a.number = start
        sent += [call.a.send() for _ in range(10)]
    same(sent, call.b.expect(20))
    said = call.release()
    assert said["a"]["packets"] == 20 and said["a"]["lost"] == 0, said
    assert said["a"]["ssrc_changes"] == 1, said


@on_a_rig()
def nothing_passes_before_the_other_side_is_known(s):
    call = s.call(pointed=False)
    call.a.send()
    call.b.send()
    call.point(0)
    call.a.send()  # A is known; B is not
    call.b.send()
    call.a.expect_none()
    call.b.expect_none()
    call.point(1)
    call.b_hears()
    call.a_hears()


@on_a_rig()
def what_is_not_rtp_of_this_call_is_dropped(s):
    call = s.call()
    call.speak()
    call.b.forget()
    good = packet(1, 1, call.a.ssrc, SILENCE)
    for data in (b"", b"\x80", good[:11], b"\x00" + good[1:],
                 b"\xc0" + good[1:], packet(1, 1, 1, SILENCE, 97),
                 b"INVITE sip:a@b SIP/2.0\r\n\r\n", b"\xff" * 1500,
                 b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)):
        call.a.raw(data)
    call.a.raw(b"\x80\xc8\x00", rtcp=True)
    call.a.raw(b"\x00" * 28, rtcp=True)
    call.b.expect_none()
    call.speak()
    assert s.metric("tandem_media_rejected_total") >= 8


@on_a_rig()
def a_second_attempt_has_ports_of_its_own_and_a_keeps_hers(s):
    call = s.call()
    call.speak()
    other = s.end()
    got = s.talk.reserve(call.number, 2, s.relay)
    port = got["ports"][0]
    assert port not in (call.port_a, call.port_b), got
    other.to = (s.relay, port)
    s.talk.point(call.number, 1, remote=call.b.at, is_active=False)
    s.talk.point(call.number, 2, remote=other.at, is_active=True)
    call.b_hears(other)
    call.a.forget()
    other.send()
    call.a.expect(1)
    call.talk.release(call.number, 1)
    call.b.forget()
    call.a.forget()
    call.b.send()
    call.a.expect_none()
    call.b.expect_none()
    call.b_hears(other)


@on_a_rig()
def a_repeated_question_has_the_same_answer(s):
    s.opened.add(5)
    first = s.talk.reserve(5, 1, s.relay, local_a=s.relay)
    again = s.talk.reserve(5, 1, s.relay, local_a=s.relay)
    first.pop("n"), again.pop("n")
    assert first == again and first["reply"] == "reserved", (first, again)
    s.kill()
    again = s.talk.reserve(5, 1, s.relay, local_a=s.relay)
    again.pop("n")
    assert first == again, (first, again)
    assert s.talk.release(5)["reply"] == "released"
    again = s.talk.release(5)
    assert again["reply"] in ("released", "refused"), again
    assert s.talk.ask(f"point 5 0 remote={s.relay}:4000").get("why") == \
        SESSION


# --- who may send ----------------------------------------------------------------

@on_a_rig()
def a_third_party_neither_sends_nor_hears(s):
    """media 12.9, RTP-inject and RTP-bleed with one packet at a time."""
    call = s.call()
    call.speak()
    mallory = s.end()
    for number, ssrc in ((call.a.number, call.a.ssrc), (7, 7)):
        for port in (call.port_a, call.port_b):
            mallory.raw(packet(number, 1, ssrc, SILENCE), (s.relay, port))
            mallory.raw(sender_report(ssrc, 1), (s.relay, port), rtcp=True)
    call.a.forget(), call.b.forget()
    call.a.expect_none()
    call.b.expect_none()
    mallory.expect_none()
    call.speak()  # where they were
    mallory.expect_none(0)
    said = call.release()
    assert said["a"]["foreign"] + said["b"]["foreign"] >= 4, said
    assert s.metric("tandem_media_rejected_total",
                    reason="foreign_source") >= 4


@on_a_rig()
def another_port_of_the_same_host_cannot_take_a_stream_over(s):
    call = s.call()
    call.speak()
    mallory = s.end(call.a.address)
    call.a.stream(1.5, wait=False)
    call.b.forget()
    for _ in range(10):
        mallory.raw(packet(call.a.number, 1, call.a.ssrc, b"x" * SAMPLES),
                    (s.relay, call.port_a))
        pause(0.1)
    call.a.drained()
    assert b"x" * SAMPLES not in {p.payload for p in call.b.expect(70)}
    mallory.expect_none()
    call.a_hears()


@on_a_rig()
def a_source_may_change_its_port_when_the_old_one_is_silent(s):
    call = s.call()
    call.speak()
    moved = s.end(call.a.address)
    moved.to = call.a.to
    pause(PORT_SILENT_S + 0.2)
    call.b.forget()
    moved.send()
    call.b.expect(1)
    call.a_hears(moved)


@on_a_rig()
def a_peer_that_sends_from_another_port_than_it_said_is_answered_there(s):
    """media 12.10"""
    call = s.call(a_fields={"is_nat": True})
    real = s.end(call.a.address)
    real.to = call.a.to
    call.a_hears()  # not yet: where the SDP says
    call.b.forget()
    real.send()
    call.b.expect(1)
    call.a_hears(real)
    call.a.expect_none(0)


@on_a_rig()
def a_peer_behind_nat_is_reached_at_its_source(s):
    """A private address in the SDP, and packets from where its SIP is."""
    call = s.call(pointed=False)
    call.point(0, remote="10.1.2.3:" + str(call.a.port), is_nat=True,
               source=call.a.address)
    call.point(1)
    call.a_hears()
    real = s.end(call.a.address)
    real.to = call.a.to
    call.b.forget()
    real.send()
    call.b.expect(1)
    call.a_hears(real)


@on_a_rig()
def without_nat_its_sip_source_may_not_send_media(s):
    call = s.call(pointed=False)
    other = s.end()
    other.to = (s.relay, call.port_a)
    call.point(0, source=other.address, is_nat=False)
    call.point(1)
    other.send()
    call.b.expect_none()
    call.b_hears()


@on_a_rig()
def learning_sdp_takes_the_address_of_the_sdp_alone(s):
    call = s.call(pointed=False)
    other = s.end()
    other.to = (s.relay, call.port_a)
    call.point(0, source=other.address, is_nat=True, learning=SDP)
    call.point(1)
    other.send()
    call.b.expect_none()
    call.b_hears()


@on_a_rig()
def learning_any_takes_whoever_comes_first_and_then_nobody(s):
    call = s.call(a_fields={"learning": ANY})
    first, late = s.end(), s.end()
    first.to = late.to = (s.relay, call.port_a)
    first.send()
    call.b.expect(1)
    call.b.forget()
    late.send()
    call.a.send()
    call.b.expect_none()
    call.a_hears(first)
    late.expect_none(0)
    call.a.expect_none(0)


@on_a_rig()
def learning_any_ends_after_five_seconds(s):
    call = s.call(a_fields={"learning": ANY})
    pause(WINDOW_S + 0.5)
    stranger = s.end()
    stranger.to = (s.relay, call.port_a)
    stranger.send()
    call.b.expect_none()
    call.b_hears()


@on_a_rig()
def a_new_sdp_moves_a_stream_without_loss(s):
    call = s.call()
    call.speak()
    old, new = call.a, s.end()
    new.to = old.to
    old.stream(1.0, wait=False)
    call.b.stream(1.0, wait=False)
    pause(0.4)
    call.a = new
    call.point(0)
    old.drained()
    call.b.drained()
    wait_for(5, lambda: len(old.came) + len(new.came) >= 60,
             "every packet of B, of before, here or there")
    assert len(new.came) > 10, "B is heard at the new address"
    call.b_hears()
    call.a_hears(new)


@on_a_rig()
def with_sdp_first_it_goes_on_being_sent_to_the_address_of_the_sdp(s):
    call = s.call(a_fields={"is_nat": True, "sdp_first": True})
    real = s.end(call.a.address)
    real.to = call.a.to
    call.b.forget()
    real.send()
    call.b.expect(1)
    call.a_hears()
    real.expect_none(0)


@on_a_rig()
def free_and_released_ports_answer_nothing(s):
    call = s.call()
    call.speak()
    call.release()
    call.a.forget(), call.b.forget()
    mallory = s.end()
    for port in (*range(s.rtp, s.rtp + 40), call.port_a, call.port_b):
        mallory.raw(packet(1, 1, 1, SILENCE), (s.relay, port))
        call.a.raw(packet(1, 1, 1, SILENCE), (s.relay, port))
    mallory.expect_none()
    call.a.expect_none(0)
    call.b.expect_none(0)


def flood(s, load, guess):
    """Every port of every session, RTP and RTCP, from an address that has no
    business here."""
    targets = [(s.relay, end, port + rtcp)
               for end, port in enumerate(load.relayed) for rtcp in (0, 1)]
    load.spray(s.net.address(), FLOOD_RATE, guess, targets)


@contextlib.contextmanager
def flooded(s, when, guess):
    """20 calls that are attacked before, during or after learning."""
    with RtpLoad(s.bin, 20, s.net.address(), s.net.address()) as load:
        numbers = s.prepare(load, first=next(s.numbers) * 100)
        s.opened.update(numbers)
        if when == "before":
            flood(s, load, guess)
            pause(0.5)
        s.point_to(load, numbers)
        if when == "during":
            flood(s, load, guess)
            pause(0.5)
        load.start()
        if when == "after":
            pause(0.5)
            flood(s, load, guess)
        pause(1.5)
        load.calm()
        said = load.finish()
    s.release_all()
    yield said


@on_a_rig(ports=800)
def a_flood_before_during_and_after_learning_changes_nothing(s):
    """RTP-bleed and RTP-inject, with and without a guessed SSRC."""
    for when in ("before", "during", "after"):
        for guess in (False, True):
            with flooded(s, when, guess) as said:
                spray = said["sprayed"][0]
                assert spray["sent"] > FLOOD_RATE, (when, said)
                assert spray["back"] == 0, f"{when} {guess}: came back: {said}"
                assert said["foreign"] == said["strange"] == 0, said
                assert said["received"] and said["lost"] <= \
                    said["sent"] // 100, f"{when} {guess}: {said}"
    assert s.metric("tandem_media_rejected_total") > 0


# --- silence -----------------------------------------------------------------------

@on_a_rig()
def silence_of_both_sides_is_noticed_once_it_lasted(s):
    call = s.call(a_fields={"nomedia_s": 2}, b_fields={"nomedia_s": 2})
    call.speak(0.5)
    began = time.monotonic()
    s.talk.expect("lost", 5, session=call.number, sides=3)
    took = time.monotonic() - began
    assert 1.8 <= took <= 3.6, took


@on_a_rig()
def one_side_that_speaks_keeps_a_call_unless_any_may_be_silent(s):
    both = s.call(a_fields={"nomedia_s": 2}, b_fields={"nomedia_s": 2})
    one = s.call(a_fields={"nomedia_s": 2, "nomedia_any": True},
                 b_fields={"nomedia_s": 2, "nomedia_any": True})
    both.a.stream(4.5, wait=False)
    one.a.stream(4.5, wait=False)
    s.talk.expect("lost", 5, session=one.number, sides=2)
    both.a.drained()
    assert not s.talk.heard("lost", session=both.number)


@on_a_rig()
def a_call_without_any_packet_is_silent_since_its_answer(s):
    rings = {"nomedia_s": 1, "is_answered": False}
    call = s.call(a_fields=rings, b_fields=dict(rings))
    off = s.call()
    pause(2.5)
    assert not s.talk.heard("lost", sides=3), s.talk.notices
    call.point(0, is_answered=True)
    call.point(1, is_answered=True)
    s.talk.expect("lost", 5, session=call.number, sides=3)
    assert not s.talk.heard("lost", session=off.number)


@on_a_rig()
def what_is_dropped_and_rtcp_are_no_media(s):
    call = s.call(a_fields={"nomedia_s": 2}, b_fields={"nomedia_s": 2})
    call.speak()
    mallory = s.end()
    end = time.monotonic() + 5
    while time.monotonic() < end and not s.talk.heard("lost"):
        mallory.raw(packet(1, 1, 1, SILENCE), (s.relay, call.port_a))
        call.a.raw(sender_report(call.a.ssrc, 1), rtcp=True)
        pause(0.05)
    s.talk.expect("lost", 0.1, session=call.number, sides=3)


@on_a_rig()
def the_first_packet_of_a_side_is_told(s):
    call = s.call()
    assert not s.talk.heard("started")
    call.b.send()
    s.talk.expect("started", session=call.number, side=1)
    call.b.send()
    pause(0.2)
    assert len(s.talk.heard("started", side=1)) == 1, s.talk.notices


# --- quality -----------------------------------------------------------------------

@on_a_rig()
def one_of_twenty_lost_is_five_percent_and_its_mos(s):
    """media 12.11"""
    call = s.call()
    skip = set(range(10, 1000, 20))
    call.a.play([SILENCE] * 1000, skip=skip)
    call.b.expect(950)
    said = call.release()["a"]
    assert said["expected"] == 1000 and said["lost"] == 50, said
    assert said["packets"] == 950, said
    assert abs(said["mos"] - 392) <= 5 or SANITIZED, said


@on_a_rig()
def what_comes_twice_or_late_is_counted_as_that(s):
    call = s.call()
    for n in (0, 1, 2, 2, 4, 3, 5, 6):
        call.a.raw(packet(n, n * SAMPLES, 5, SILENCE))
    call.b.expect(7)
    said = call.release()["a"]
    assert (said["expected"], said["lost"], said["duplicates"],
            said["out_of_order"]) == (7, 0, 1, 1), said
    assert said["mos"] == 0, "fewer than 50 packets"


@on_a_rig()
def what_was_counted_is_said_again(s):
    call = s.call()
    call.speak(0.5)
    number = call.number
    first = call.release()
    again = s.talk.release(number)
    first.pop("n"), again.pop("n")
    assert again == first and first["a"]["packets"] == 25, (first, again)
    assert s.talk.release(number + 1000)["a"]["packets"] == 0


@on_a_rig()
def statistics_go_on_after_a_crash(s):
    call = s.call()
    call.speak(0.5)
    s.kill()
    call.speak(0.5)
    said = call.release()
    for side in ("a", "b"):
        assert said[side]["packets"] == 50, said
        assert said[side]["lost"] == 0, said


# --- digits ------------------------------------------------------------------------

@on_a_rig()
def events_pass_as_they_are_where_nothing_is_converted(s):
    call = s.call(a_fields=dict(EVENTS), b_fields=dict(EVENTS))
    call.a.event("5")
    rows = call.b.expect(10) and call.b.events()
    assert rows == [("5", 160, 10, 3)], rows
    assert not s.talk.heard("digit")


# --- hold, fax -------------------------------------------------------------------

@on_a_rig()
def hold_moves_nothing(s):
    call = s.call()
    call.speak()
    for direction in (SENDONLY, RECVONLY, INACTIVE, 0):
        call.point(0, direction=direction)
    call.speak()


@on_a_rig()
def fax_is_relayed_on_the_same_ports_and_is_media(s):
    fax = {"udptl": 1, "payloads": (), "nomedia_s": 2}
    call = s.call()
    call.speak()
    call.point(0, **fax)
    call.point(1, **fax)
    call.a.forget(), call.b.forget()
    sent = []
    end = time.monotonic() + 3
    while time.monotonic() < end:
        sent.append(call.a.raw(b"\x00" + bytes([len(sent)]) + b"t38" * 9))
        pause(0.1)
    same(sent, call.b.expect(len(sent)))
    assert not s.talk.heard("lost")
    sent = [call.b.raw(b"\x00\x01answer of the far machine")]
    same(sent, call.a.expect(1))


# --- ports -----------------------------------------------------------------------

@on_a_rig(ports=40)
def when_no_port_is_free_it_says_so_and_keeps_nothing(s):
    pairs = 20
    calls = [s.session()[0] for _ in range(pairs // 2)]
    for n in (1001, 1001, 1002):
        got = s.talk.reserve(n, 1, s.relay, local_a=s.relay)
        assert got.get("reply") == "refused" and got["why"] == PORTS, got
    assert s.metric("tandem_media_port_exhausted_total") >= 2
    assert s.talk.release(calls[0])["reply"] == "released"
    pause(REST_S - 1.0)
    got = s.talk.reserve(1003, 1, s.relay, local_a=s.relay)
    assert got.get("why") == PORTS, f"before {REST_S} s are over: {got}"
    wait_for(5, lambda: s.talk.reserve(1004, 1, s.relay, local_a=s.relay)
             .get("reply") == "reserved", "a pair that has rested")
    for n in (*calls[1:], 1004):
        assert s.talk.release(n)["reply"] == "released"
    pause(REST_S + 0.2)
    for _ in range(pairs // 2):
        s.session()  # all are there again


@on_a_rig(ports=4000, calls=1000)
def sessions_that_come_and_go_leave_nothing(s):
    """A round is what fits into the ports that have rested. The answers that
    the bus keeps for repeats grow to their bound first."""
    sessions, rounds = (300, 15) if SANITIZED else (900, 5)
    files, memory, used = None, None, 0
    for n in range(rounds):
        said = s.talk.ask(f"churn {sessions} 200 {1 + n * sessions} "
                          f"{s.relay}", within=60)
        assert said["reserved"] == said["closed"] == sessions, said
        assert said["refused"] == said["failed"] == 0, said
        used += 2 * sessions
        if used + 2 * sessions > (s.rtp_last - s.rtp) // 2:
            pause(REST_S + 0.2)
            used = 0
        if (n + 1) * sessions * 2 >= ANSWERS_KEPT and memory is None:
            files, memory = s.files_open(), s.memory_kb()
    assert s.files_open() == files
    assert SANITIZED or s.memory_kb() - memory < 256, (memory, s.memory_kb())
    assert s.metric("tandem_media_sessions") == 0


if __name__ == "__main__":
    sys.exit(main())
