#!/usr/bin/env python3
"""sipd is killed while calls are set up, and both sides notice nothing.

call_recovery.py BIN CASE: one case, in a cluster of its own.
"""

import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import main  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.sip import Caller, Uas, near, wait_until  # noqa: E402
from support.sip_message import challenge_of  # noqa: E402
from support.sip_switch import on_a_switch, side_by_side  # noqa: E402

FINAL = ("3xx", "4xx", "5xx", "6xx")


def to_its_end(play):
    def run():
        for _ in play:
            raise AssertionError("a play yields once")
    run.__name__ = play.__name__
    return run


def killed_under(s, *plays):
    """Each play goes on until it yields, all of them live through one kill
    then, and go on to their end."""
    running = [play(s) for play in plays]
    for play in running:
        next(play)
    s.kill("sipd.0")
    side_by_side(*(to_its_end(play) for play in running))


def one_dialog(call):
    """All that A was told has one tag."""
    tags = {m.to_tag for m in call.received()
            if m.code and m.code > 100 and m.method == "INVITE"}
    assert len(tags) == 1, tags


def ended(lane, call, there, reason="NormalRelease", **wanted):
    """It is answered already: A hangs up, and B hears it."""
    call.bye()
    call.expect("200 BYE")
    there.expect("BYE")
    one_dialog(call)
    lane.record(end_reason=reason, **wanted)


def answered_by(lane, call, there):
    there.answer(200)
    call.ack(call.expect(200))
    there.expect("ACK")


# --- before anything rings ------------------------------------------------------

def nothing_has_come(s):
    lane = s.lane([])
    call = lane.invite()
    there = lane.b.call()
    yield
    lane.a.resend(call)  # no second call of it
    there.answer(180)
    call.expect(180)
    answered_by(lane, call, there)
    assert len(lane.b.calls()) == 1
    ended(lane, call, there)


def trying(s):
    lane = s.lane([(0, 100)])
    call = lane.invite()
    there = lane.b.call()
    yield
    answered_by(lane, call, there)
    assert len(lane.b.invites()) == 1
    ended(lane, call, there)


def between_two_gateways(s):
    lane = s.lane([(0, 100), (0.1, 503)], [])
    call = lane.invite()
    there = lane.gw[1].call()
    yield
    answered_by(lane, call, there)
    record_of = {"routing_gateway": lane.gw[1].name}
    ended(lane, call, there, **record_of)


def a_gateway_that_is_silent(s):
    """T1 is 4 s: the next one is tried then, as if nobody had died."""
    lane = s.lane([], [])
    call = lane.invite()
    first = lane.b.call()
    yield
    there = lane.gw[1].call(8)
    assert near(there.invite.time - first.invite.time, 4, 0.5)
    answered_by(lane, call, there)
    ended(lane, call, there)


def a_challenge(s):
    lane = s.lane(([], {"username": "us", "password": "secret"}))
    call = lane.invite()
    there = lane.b.call()
    there.answer(407, Proxy_Authenticate='Digest realm="c", nonce="n1"')
    lane.b.expect("ACK")
    wait_for(3, lambda: len(lane.b.invites()) == 2, "credentials")
    there.invite, there.final = lane.b.invites()[1], None
    there.invite.taken = True
    assert challenge_of(
        there.invite.get("proxy-authorization"))["nonce"] == "n1"
    yield
    there.answer(180)
    call.expect(180)
    answered_by(lane, call, there)
    assert len({m.branch for m in lane.b.invites()}) == 2
    ended(lane, call, there)


@on_a_switch(settings={"SS_SIP_TIMEOUT_INVITE": "4"})
def calls_that_do_not_ring_yet_go_on(s):
    killed_under(s, nothing_has_come, trying, between_two_gateways,
                 a_gateway_that_is_silent, a_challenge)


# --- while it rings ---------------------------------------------------------------

def ringing(s):
    lane = s.lane([(0, 100), (0.1, 180)])
    call = lane.invite()
    call.expect(180)
    there = lane.b.call()
    yield
    lane.a.resend(call)
    call.expect(180)
    answered_by(lane, call, there)
    assert len(lane.b.calls()) == 1
    ended(lane, call, there)


def early_media(s):
    lane = s.lane([(0, 100), (0.1, 183, {"sdp": True, "reliable": True})])
    call = lane.invite()
    progress = call.expect(183)
    there = lane.b.call()
    there.expect("PRACK")
    yield
    there.answer(200, sdp=False)
    answer = call.expect(200)
    assert answer.body == progress.body, (answer.data, progress.data)
    call.ack(answer)
    assert len(lane.b.received("PRACK")) == 1
    ended(lane, call, there)


def a_prack_is_awaited(s):
    lane = s.lane([(0, 100), (0.1, 180)])
    call = lane.invite(Require="100rel")
    call.expect(180)
    there = lane.b.call()
    yield
    call.prack(call.received(180)[-1])
    call.expect("200 PRACK")
    assert len({m.data for m in call.received(180)}) == 1
    answered_by(lane, call, there)
    ended(lane, call, there)


def a_cancel_comes(s):
    lane = s.lane([(0, 100), (0.1, 180)])
    call = lane.invite()
    call.expect(180)
    lane.b.call()
    yield
    lane.a.cancel(call)
    call.expect("200 CANCEL")
    assert call.expect(FINAL).code == 487
    lane.b.expect("CANCEL")
    lane.b.expect("ACK")
    one_dialog(call)
    lane.record(end_reason="CallerCancel", sip_code=487)


def a_cancel_is_not_answered(s):
    """By the carrier: the copies come at their times."""
    lane = s.lane([(0, 100), (0.1, 180)])
    lane.b.answers_cancel = lane.b.ends_cancelled = False
    call = lane.invite()
    call.expect(180)
    there = lane.b.call()
    lane.a.cancel(call)
    first = lane.b.expect("CANCEL")
    lane.b.answers_cancel = True
    yield
    copy = lane.b.expect("CANCEL")
    assert copy.branch == first.branch == there.invite.branch
    assert copy.data == first.data
    there.answer(487)
    lane.b.expect("ACK")
    lane.record(end_reason="CallerCancel", sip_code=487)


def nobody_answers(s):
    """T4 is 6 s."""
    lane = s.lane([(0, 100), (0.1, 180)])
    call = lane.invite()
    rang = call.expect(180)
    lane.b.call()
    yield
    answer = call.expect(FINAL, 10)
    assert near(answer.time - rang.time, 6, 0.5), answer.time - rang.time
    lane.b.expect("CANCEL")
    one_dialog(call)
    lane.record(end_reason="NoAnswer")


@on_a_switch(settings={"SS_SIP_TIMEOUT_RINGING": "6"})
def calls_that_ring_go_on(s):
    killed_under(s, ringing, early_media, a_prack_is_awaited, a_cancel_comes,
                 a_cancel_is_not_answered, nobody_answers)


# --- answered, and ended ------------------------------------------------------------

def an_answer_without_ack(s):
    lane = s.lane([(0, 180), (0.2, 200)])
    call = lane.invite()
    first = call.expect(200)
    there = lane.b.call()
    there.expect("ACK")
    yield
    wait_until(first.time + 4)
    copies = call.received("200 INVITE")
    assert {m.data for m in copies} == {first.data}
    assert len(copies) in (3, 4), [m.time - first.time for m in copies]
    call.ack(copies[-1])
    count = len(call.received("200 INVITE"))
    there.bye()
    call.expect("BYE")
    assert len(call.received("200 INVITE")) == count
    one_dialog(call)
    lane.record(end_reason="NormalRelease", end_side="callee")


def a_bye_without_answer(s):
    lane = s.lane([(0, 200)])
    lane.b.reply["BYE"] = None
    call, there = lane.establish()
    call.bye()
    call.expect("200 BYE")
    first = there.expect("BYE")
    lane.b.reply["BYE"] = 200
    yield
    copy = there.expect("BYE")
    assert copy.data == first.data
    there.expect_none("BYE", 3)
    lane.record(end_reason="NormalRelease")


def what_both_ask_for(s):
    lane = s.lane([(0, 200)])
    call, there = lane.establish()
    yield
    call.reinvite(lane.a.sdp(port=4800, version=2))
    asked = there.expect("INVITE")
    assert asked.cseq > there.invite.cseq
    call.ack(call.expect("200 INVITE"))
    there.expect("ACK")
    there.update(lane.b.sdp(port=4900, version=2))
    told = call.expect("UPDATE")
    there.expect("200 UPDATE")
    there.reinvite(lane.b.sdp(port=4900, version=3,
                                direction="sendonly"))
    held = call.expect("INVITE")
    assert held.cseq > told.cseq
    there.ack(there.expect("200 INVITE"))
    call.expect("ACK")
    ended(lane, call, there)


def a_refusal_without_ack(s):
    lane = s.lane([(0, 100), (0.1, 486)])
    lane.a.on_response = lambda response: None
    call = lane.invite()
    first = call.expect(486)
    yield
    again = call.expect(486)
    assert again.data == first.data
    count = len(call.received(486))
    lane.a.resend(call)
    wait_for(0.3, lambda: len(call.received(486)) > count, "it at once")
    del lane.a.on_response
    call.expect(486, 5)
    assert len(lane.b.calls()) == 1
    lane.record(end_reason="CalleeBusy")


def over_tcp(s):
    """Its connection ends with sipd; it listens where its Contact says."""
    lane = s.lane([(0, 100), (0.1, 180), (0.2, 200)])
    a = s.peer(Caller(s.net.address(), switch=s.at, transport="tcp"))
    s.change("mapping", "add", f"tcp{lane.prefix}", account="customer",
             addresses=a.address, local_ip=s.net.switch)
    call = a.establish(lane.number)
    there = lane.b.call()
    there.expect("ACK")
    yield
    there.reinvite(lane.b.sdp(port=4900, version=2))
    call.expect("INVITE")
    there.ack(there.expect("200 INVITE"))
    call.expect("ACK")
    call.bye()  # by a connection of its own
    call.expect("200 BYE")
    there.expect("BYE")
    s.record(call.call_id, end_reason="NormalRelease")


def ringing_over_tcp(s):
    """The answer finds it at the port that it said in Via."""
    lane = s.lane([(0, 100), (0.1, 180)])
    a = s.peer(Caller(s.net.address(), switch=s.at, transport="tcp"))
    s.change("mapping", "add", f"tcp{lane.prefix}", account="customer",
             addresses=a.address, local_ip=s.net.switch)
    call = a.invite(lane.number)
    call.expect(180)
    there = lane.b.call()
    yield
    there.answer(200)
    call.ack(call.expect(200))
    there.expect("ACK")
    there.bye()
    call.expect("BYE")
    s.record(call.call_id, end_reason="NormalRelease")


def towards_tcp(s):
    b = Uas(s.net.address(), switch=s.at, transport="tcp",
            answers=[(0, 100), (0.1, 180)])
    lane = s.lane()
    s.carrier(lane.prefix, agent=b)
    call = lane.invite()
    call.expect(180)
    there = b.call()
    yield
    there.invite.where = s.at  # of Via: the connection is gone
    there.answer(200)
    call.ack(call.expect(200))
    there.expect("ACK")
    call.bye()
    there.expect("BYE")
    lane.record(end_reason="NormalRelease")


@on_a_switch()
def connections_are_opened_again(s):
    killed_under(s, over_tcp, ringing_over_tcp, towards_tcp)


@on_a_switch()
def answers_and_ends_are_repeated(s):
    killed_under(s, an_answer_without_ack, a_bye_without_answer,
                 what_both_ask_for, a_refusal_without_ack)


@on_a_switch(relay=16)
def an_answer_that_waits_for_mediad_is_acked_once(s):
    lane = s.lane([(0, 180)])
    call = lane.invite()
    there = lane.b.call()
    call.expect(180)
    mediad = next(iter(s.pids("mediad")))
    sipd = s.status()["sipd.0"]["pid"]
    os.kill(mediad, signal.SIGSTOP)
    there.answer(200)
    there.expect("ACK")
    os.kill(sipd, signal.SIGKILL)
    os.kill(mediad, signal.SIGCONT)
    s.wait_ready(15, unlike={"sipd.0": sipd})
    call.ack(call.expect(200))
    ended(lane, call, there, media="relay")
    assert len(there.received("ACK")) == 1


if __name__ == "__main__":
    sys.exit(main())
