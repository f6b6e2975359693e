#!/usr/bin/env python3
"""Answered calls: session timers, caps, requests within, and the end.

call_lifetime.py BIN CASE: one case, in a cluster of its own.
"""

import functools
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import main  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.sip import ALLOW, assert_times, near, wait_until  # noqa: E402
from support.sip_switch import on_a_switch, side_by_side  # noqa: E402

GOOD = [(0, 100), (0.02, 180), (0.05, 200)]
TIMER = {"Supported": "timer", "Session_Expires": 600}
NO_UPDATE = ALLOW.replace(", UPDATE", "")
LIVES = 26  # that long "no BYE" is watched


class Call:
    """An answered call on a lane of its own."""

    def __init__(self, s, parameters=None, answers=GOOD, allow=ALLOW,
                 invite=None):
        parameters = {"SS_SIP_SESSION_TTL": 10, **(parameters or {})}
        with s.under(**parameters):
            self.lane = s.lane(answers)
            self.lane.a.allow = self.lane.b.allow = allow
            self.lane.invite(**(TIMER if invite is None else invite))
        self.a, self.b = self.lane.complete()
        self.begun = self.a.answer.time

    def ends(self):
        return (("A", self.lane.a, self.a), ("B", self.lane.b, self.b))

    def ended(self, seconds, reason, side="server", within=None, **record):
        """Both ends get BYE then, and no one before."""
        for name, agent, dialog in self.ends():
            bye = dialog.expect("BYE", within or seconds + 3 -
                                (time.monotonic() - self.begun))
            took = bye.time - self.begun
            assert near(took, seconds), f"BYE to {name} at {took:.3f}"
        return self.lane.record(end_reason=reason, end_side=side,
                                sip_code=200, **record)

    def lives(self, seconds):
        wait_until(self.begun + seconds)
        for name, _, dialog in self.ends():
            assert not dialog.received("BYE"), f"BYE to {name}"

    def bye(self):
        self.a.bye()
        self.a.expect("200 BYE")
        self.b.expect("BYE")
        self.lane.record(end_reason="NormalRelease", end_side="caller")


def probes(dialog):
    """Of each request in the dialog that is no BYE, INFO or ACK the first
    copy."""
    found = {}
    for m in dialog.received():
        if m.method in ("UPDATE", "INVITE") and m.is_request and m.to_tag:
            found.setdefault(m.cseq, m)
    return list(found.values())


def probed(call, dialog, wanted):
    assert_times(probes(dialog), wanted, call.begun)


# --- regimes -----------------------------------------------------------------

@on_a_switch()
def the_headers_of_a_session_timer_are_negotiated(s):
    lane = s.lane(GOOD)
    call, there = lane.establish(**TIMER)
    got = there.invite
    assert got.get("session-expires") == "600;refresher=uac", got.data
    assert got.get("min-se") == "90" and "timer" in got.lists("supported")
    assert call.answer.get("session-expires") == "600;refresher=uas"
    assert "timer" in call.answer.lists("require")
    call.bye()
    lane.record(regime="timer")

    lane = s.lane(GOOD)
    call, there = lane.establish(Supported="timer")
    assert there.invite.get("session-expires") == "600;refresher=uac"
    assert call.answer.get("session-expires") == "600;refresher=uas"
    call.bye()
    lane.record(regime="timer")

    lane = s.lane(GOOD)
    refused = lane.invite(Supported="timer", Session_Expires=60)
    assert refused.expect(422).get("min-se") == "90"
    call, there = lane.establish(
        Supported="timer", Session_Expires="300;refresher=uac", Min_SE=200)
    assert call.answer.get("session-expires") == "300;refresher=uac"
    call.bye()
    lane.record()
    assert len(lane.b.invites()) == 1
    assert not s.records(call_id_a=refused.call_id)

    lane = s.lane(GOOD)
    with s.under(SS_SESSION_TIMER_REFRESHER=1, SS_SESSION_TIMER_MIN_SE=120,
                 SS_SIP_SESSION_TTL=100):
        call, there = lane.establish(Supported="timer", Session_Expires=1000)
    assert there.invite.get("session-expires") == "120;refresher=uas"
    assert there.invite.get("min-se") == "120"
    assert call.answer.get("session-expires") == "120;refresher=uas"
    call.bye()

    for headers in ({}, {"Supported": "100rel"}):
        lane = s.lane(GOOD)
        call, there = lane.establish(**headers)
        for message in (there.invite, call.answer):
            assert not message.get("session-expires"), message.data
            assert "timer" not in message.lists("supported")
            assert "timer" not in message.lists("require")
        call.bye()
        lane.record(regime="no_timer")

    with s.under(SS_SESSION_TIMER=0):
        lane = s.lane(GOOD)
        call = lane.invite(Require="timer", Session_Expires=600)
        assert call.expect(420).lists("unsupported") == ["timer"]
        call, there = lane.establish(**TIMER)
        for message in (there.invite, call.answer):
            assert not message.get("session-expires"), message.data
            assert "timer" not in message.lists("supported")
        call.bye()
        lane.record(regime="no_timer")


# --- probes --------------------------------------------------------------------

@on_a_switch()
def each_leg_is_probed_and_a_dead_one_ends_the_call(s):
    def with_update():
        call = Call(s)
        call.lives(6)
        for name, agent, dialog in call.ends():
            probe = probes(dialog)[0].check()
            assert probe.method == "UPDATE" and not probe.body, name
            # The leg to A: 90 is in force because A asked for 600 and TTL is
            # less; the one to B: what was offered.
            assert probe.get("session-expires").split(";")[0] == "90", name
            probed(call, dialog, [5])
        assert probes(call.b)[0].cseq > call.b.invite.cseq
        call.bye()

    def with_reinvite():
        call = Call(s, allow=NO_UPDATE)
        call.lives(11)
        for (name, agent, dialog), said in zip(call.ends(), (
                call.a.answer.sdp, call.b.invite.sdp)):
            for probe in probes(dialog):
                probe.check()
                assert probe.method == "INVITE" and probe.sdp == said, \
                    (name, probe.data, said)
                assert probe.get("session-expires").split(";")[0] == "90"
            probed(call, dialog, [5, 10])
            assert len(dialog.received("ACK")) == 2 + (name == "B"), name
        call.bye()

    def answered_they_go_on():
        call = Call(s, {"SS_SIP_SESSION_TTL": 20,
                        "SS_SIP_SESSION_UPDATE_SEGMENT": 4})
        call.lives(LIVES)
        for _, _, dialog in call.ends():
            probed(call, dialog, [5, 10, 15, 20, 25])
        call.bye()

    def silent(seconds, reason="SessionTimeout", **parameters):
        call = Call(s, parameters)
        call.lane.b.reply["UPDATE"] = None
        call.ended(seconds, reason, q850=102)
        probed(call, call.b, [5, 10])

    def silent_dies():
        silent(15)

    def silent_dies_later():
        silent(18, SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP=3)

    def silent_lives_again_in_the_grace():
        call = Call(s, {"SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP": 6})
        call.lane.b.reply["UPDATE"] = None
        call.lives(16)
        call.b.update()
        call.b.expect("200 UPDATE")
        call.lane.b.reply["UPDATE"] = 200
        call.lives(23)
        call.bye()

    def misses_one():
        call = Call(s)
        first = []

        def rule(request):
            first.append(request.cseq)
            return None if request.cseq == first[0] else 200
        call.lane.b.reply["UPDATE"] = rule
        call.lives(16)
        probed(call, call.b, [5, 10, 15])
        call.bye()

    def says_481():
        call = Call(s)
        call.lane.b.reply["UPDATE"] = 481
        call.ended(5, "SessionTimeout")

    def says_500():
        call = Call(s)
        call.lane.b.reply["UPDATE"] = 500
        call.lives(16)
        probed(call, call.b, [5, 10, 15])
        call.bye()

    def cannot_update():
        call = Call(s)
        call.lane.b.reply["UPDATE"] = 405
        call.lives(11)
        assert [m.method for m in probes(call.b)] == ["UPDATE", "INVITE"]
        probed(call, call.b, [5, 10])
        call.bye()

    def is_busy_with_its_own():
        call = Call(s)
        rules = [491, 200]
        call.lane.b.reply["UPDATE"] = lambda _: rules.pop(0) \
            if len(rules) > 1 else rules[0]
        call.lives(10)
        one, two = probes(call.b)[:2]
        assert near(one.time - call.begun, 5)
        assert 2.1 - 0.05 <= two.time - one.time <= 4.3, two.time - one.time
        call.bye()

    def refreshes_itself():
        call = Call(s)
        for n in (4, 8, 12):
            wait_until(call.begun + n)
            call.b.update(Supported="timer", Session_Expires=90)
            answer = call.b.expect("200 UPDATE")
            assert answer.get("session-expires").startswith("90"), answer.data
        call.lives(14)
        assert not probes(call.b), "it refreshed"
        probed(call, call.a, [5, 10])
        call.b.update(Supported="timer", Session_Expires=60)
        assert call.b.expect("422 UPDATE").get("min-se") == "90"
        call.bye()

    side_by_side(with_update, with_reinvite, answered_they_go_on, silent_dies,
                 silent_dies_later, silent_lives_again_in_the_grace,
                 misses_one, says_481, says_500, cannot_update,
                 is_busy_with_its_own, refreshes_itself)


# --- caps ------------------------------------------------------------------------

@on_a_switch()
def caps_end_a_call_whatever_it_does(s):
    cap = "SS_SIP_NO_TIMER_REINVITE_INTERVAL"
    plain = functools.partial(Call, s, invite={})

    def untouched(call):
        for name, agent, dialog in call.ends():
            assert not probes(dialog), name
            assert not any(m.get("session-expires")
                           for m in dialog.received()), name

    def without_timer():
        call = plain({cap: 4})
        wait_for(1, lambda: [r for r in s.calls() if r["called"] ==
                             call.lane.number], "it to be in call.list")
        call.ended(4, "NoTimerLimit", duration=4, regime="no_timer", q850=31)
        untouched(call)
        wait_for(1, lambda: not [r for r in s.calls() if r["called"] ==
                                 call.lane.number], "it to leave call.list")

    def without_timer_whatever_is_renegotiated():
        call = plain({cap: 4})
        wait_until(call.begun + 2)
        call.a.reinvite(call.lane.a.sdp(version=2, direction="sendonly"))
        call.a.expect("200 INVITE")
        call.a.ack()
        call.ended(4, "NoTimerLimit")

    def a_bye_comes_first():
        call = plain({cap: 6})
        wait_until(call.begun + 2)
        call.bye()
        wait_until(call.begun + 7)
        assert len(call.b.received("BYE")) == 1
        assert not call.a.received("BYE")
        assert call.lane.record()["duration"] == 2

    def a_change_is_for_later_calls():
        call = plain({cap: 4})
        wait_until(call.begun + 2)
        later = plain({cap: 6})
        call.ended(4, "NoTimerLimit")
        later.ended(6, "NoTimerLimit")

    def the_shorter_counts():
        plain({cap: 8, "SS_MAX_CALL_DURATION": 3}).ended(
            3, "MaxDuration", q850=31, duration=3)

    def the_shorter_counts_too():
        plain({cap: 3, "SS_MAX_CALL_DURATION": 8}).ended(3, "NoTimerLimit")

    def of_a_timer_call():
        Call(s, {cap: 3, "SS_MAX_CALL_DURATION": 7}).ended(7, "MaxDuration")

    def without_a_cap_it_lives():
        call = Call(s, {cap: 3})
        call.lives(LIVES)
        call.bye()

    def session_timer_off():
        call = Call(s, {"SS_SESSION_TIMER": 0, cap: 12})
        call.ended(12, "NoTimerLimit")
        untouched(call)

    side_by_side(without_timer, without_timer_whatever_is_renegotiated,
                 a_bye_comes_first, a_change_is_for_later_calls,
                 the_shorter_counts, the_shorter_counts_too, of_a_timer_call,
                 without_a_cap_it_lives, session_timer_off)


# --- the end -----------------------------------------------------------------------

@on_a_switch()
def either_side_the_operator_or_nobody_ends_it(s):
    def operator():
        call = Call(s)
        row = next(r for r in s.calls() if r["called"] == call.lane.number)
        assert row["state"] == "answered", row
        s.do("call", "disconnect", row["call"])
        for _, _, dialog in call.ends():
            assert "cause=31" in dialog.expect("BYE").get("reason")
        call.lane.record(end_reason="OperatorDisconnect", end_side="server",
                         q850=31)

    def callee():
        call = Call(s)
        call.b.bye(Reason='Q.850;cause=16;text="secret"')
        call.b.expect("200 BYE")
        bye = call.a.expect("BYE")
        assert "cause=16" in bye.get("reason") and b"secret" not in bye.data
        call.lane.record(end_reason="NormalRelease", end_side="callee")

    def both_at_once():
        call = Call(s)
        call.a.bye()
        call.b.bye()
        call.a.expect("200 BYE")
        call.b.expect("200 BYE")
        call.lane.record(end_reason="NormalRelease")

    def a_copy_of_a_bye():
        call = Call(s)
        bye = call.a.bye()
        call.a.expect("200 BYE")
        call.lane.a.send(bye.data, s.at)
        call.a.expect("200 BYE")
        call.b.expect("BYE")
        call.b.expect_none("BYE", 0.3)
        call.lane.record(end_reason="NormalRelease")

    def without_ack():
        with s.under(SS_SIP_RESEND_INTERVAL="0.5,1"):
            lane = s.lane(GOOD)
            call = lane.invite()
        first = call.expect(200)
        bye = call.expect("BYE")
        assert near(bye.time - first.time, 2.5), bye.time - first.time
        assert_times(call.received("200 INVITE"), [0, 0.5, 1.5])
        lane.b.expect("BYE")
        lane.record(end_reason="SessionTimeout", end_detail="no_ack")

    def a_bye_nobody_answers():
        with s.under(SS_SIP_RESEND_INTERVAL="0.5,1"):
            lane = s.lane((GOOD, {"line_limit": 1}))
            call, _ = lane.establish()
        lane.b.reply["BYE"] = None
        call.bye()
        call.expect("200 BYE")
        lane.record(end_reason="NormalRelease")
        begun = lane.b.expect("BYE").time
        # The line is free at once.
        lane.b.answers = [(0, 486)]
        lane.invite().expect(486)
        wait_until(begun + 3)
        assert_times(lane.b.received("BYE"), [0, 0.5, 1.5])

    def a_dialog_that_is_not():
        lane = s.lane(GOOD)
        call, _ = lane.establish()
        tag, call.remote = call.remote, call.remote + "x"
        call.bye()
        call.expect("481 BYE")
        call.remote = tag
        call.bye()
        call.expect("200 BYE")
        call.bye()
        call.expect(("200 BYE", "481 BYE"))

    side_by_side(operator, callee, both_at_once, a_copy_of_a_bye, without_ack,
                 a_bye_nobody_answers, a_dialog_that_is_not)


# --- requests within ---------------------------------------------------------------

@on_a_switch()
def requests_within_go_to_the_other_side_or_are_answered(s):
    def hold():
        call = Call(s)
        held = []

        def slowly(request):
            held.append(request)
            call.lane.b.say(request, 100)
            call.lane.b.after(1, lambda: call.lane.b.say(
                request, 200, {"Contact": call.lane.b.contact()},
                call.lane.b.sdp(version=2, direction="recvonly")))
        call.lane.b.reply["INVITE"] = slowly
        call.a.reinvite(call.lane.a.sdp(version=2, direction="sendonly"))
        call.a.expect("100 INVITE")
        call.b.expect("INVITE")
        assert "a=sendonly" in held[0].sdp
        was, now = call.b.invite.origin(), held[0].origin()
        assert now == (was[0], was[1] + 1), (was, now)
        call.a.reinvite(call.lane.a.sdp(version=3))
        late = call.a.expect("500 INVITE")
        assert 0 <= int(late.get("retry-after")) <= 10
        answer = call.a.expect("200 INVITE")
        assert "a=recvonly" in answer.sdp
        call.a.ack(answer)
        call.b.expect("ACK")
        call.bye()

    def crossing():
        call = Call(s)
        call.lane.b.reply["INVITE"] = None
        call.a.reinvite(call.lane.a.sdp(version=2))
        got = call.b.expect("INVITE")
        call.b.reinvite(call.lane.b.sdp(version=2))
        call.b.expect("491 INVITE")
        call.lane.b.say(got, 488)
        call.a.expect("488 INVITE")
        call.a.reinvite(call.lane.a.sdp(version=2))  # not in force: asked again
        call.lane.b.say(call.b.expect("INVITE"), 200,
                        {"Contact": call.lane.b.contact()},
                        call.lane.b.sdp(version=3))
        call.a.ack(call.a.expect("200 INVITE"))
        call.b.expect("ACK")
        call.bye()

    def nothing_new():
        call = Call(s)
        call.a.reinvite(call.a.sdp)
        answer = call.a.expect("200 INVITE")
        assert answer.sdp == call.a.answer.sdp
        call.a.ack(answer)
        call.a.update()
        assert not call.a.expect("200 UPDATE").body
        call.a.request("OPTIONS")
        call.a.expect("200 OPTIONS")
        call.a.request("REFER", {"Refer-To": "<sip:1@192.0.2.1>"})
        call.a.expect("405 REFER")
        call.a.request("UPDATE", cseq=call.a.cseq - 2)
        call.a.expect("500 UPDATE")
        assert not probes(call.b)
        call.bye()

    def update_with_sdp():
        call = Call(s)
        call.a.update(call.lane.a.sdp(version=2, direction="sendonly"))
        got = call.b.expect("UPDATE")
        assert "a=sendonly" in got.sdp
        assert call.a.expect("200 UPDATE").sdp
        call.bye()

    def update_to_one_that_cannot():
        call = Call(s, allow=NO_UPDATE)
        call.a.update(call.lane.a.sdp(version=2, direction="sendonly"))
        assert "a=sendonly" in call.b.expect("INVITE").sdp
        assert call.a.expect("200 UPDATE").sdp
        call.b.expect("ACK")
        call.bye()

    def without_an_offer():
        call = Call(s)
        call.a.reinvite()
        got = call.b.expect("INVITE")
        assert not got.body
        answer = call.a.expect("200 INVITE")
        assert answer.sdp
        call.a.ack(answer, call.lane.a.sdp(version=2))
        assert call.b.expect("ACK").sdp
        call.bye()

    def info():
        call = Call(s)
        call.a.request("INFO", {"Content-Type": "text/plain"}, "hello")
        got = call.b.expect("INFO")
        assert got.body == "hello" and got.get("content-type") == "text/plain"
        call.a.expect("200 INFO")
        call.bye()

    def gone_on_the_far_side():
        call = Call(s)
        call.lane.b.reply["INVITE"] = 481
        call.a.reinvite(call.lane.a.sdp(version=2))
        call.a.expect("BYE")
        call.lane.record(end_reason="NormalRelease", end_side="callee")

    side_by_side(hold, crossing, nothing_new, update_with_sdp,
                 update_to_one_that_cannot, without_an_offer, info,
                 gone_on_the_far_side)


if __name__ == "__main__":
    sys.exit(main())
