"""The calls of an episode of test/fault/matrix.py, one for each state.

Both ends are scripted, and say again what is not answered, as RFC 3261 has it.
prepare() brings a call to its state; then the fault comes; act() is what the
ends do while it lasts; hang_up() ends what is up. What a call finds wrong is
a line in .wrong, and the others go on.
"""

import re
import threading
import time

from support.cluster import wait_for
from support.sip import Agent, Caller, make_sdp
from support.sip_message import user_of

PRIVATE_A, PRIVATE_B = "10.0.0.5", "10.0.0.6"
PCMU, PCMA = (0, "PCMU/8000"), (8, "PCMA/8000")
AGAIN_S = 0.5


def media_of(sdp):
    """Where an SDP wants media."""
    return (re.search(r"^c=IN IP4 (\S+)", sdp, re.M)[1],
            int(re.search(r"^m=audio (\d+) ", sdp, re.M)[1]))


class Carrier(Agent):
    """Answers what its calls have told it to, by the number called."""

    def __init__(self, *args, **kwargs):
        self.numbers = {}  # number: Call
        self.held = {}     # (Call-ID, method): [requests]
        super().__init__(*args, **kwargs)
        self.resends = True
        self.answers = self.of_number
        self.reply["INVITE"] = self.holding(self.plain_reinvite)
        self.reply["BYE"] = self.holding(lambda request: 200)

    def of_number(self, incoming):
        call = self.numbers.get(user_of(incoming.invite.uri))
        if not call:
            return [(0, 404)]
        incoming.sdp = call.sdp_b()
        call.came.append(incoming)
        return [(0, 100), *call.rings]

    def holding(self, rule):
        def answer(request):
            held = self.held.get((request.call_id, request.method))
            if held is None:
                return rule(request)
            held.append(request)
            return None
        return answer

    def hold(self, call_id, method):
        self.held[call_id, method] = []

    def let_go(self, call_id, method):
        """Answer the last copy; those that come are answered again."""
        held = self.held.pop((call_id, method))
        if held:
            request = held[-1]
            rule = (200, None, None) if method == "BYE" \
                else self.plain_reinvite(request)
            self.say(request, *rule)


class Call:
    """One call; ends is its pair of rtpload."""

    state = None
    rings = ()
    reason, side = "NormalRelease", "caller"
    is_answered = True
    is_recorded = True
    talks = False  # before the fault
    late = False   # it is only begun under the fault

    def __init__(self, rig, pair, number):
        self.rig, self.pair, self.number = rig, pair, number
        self.came, self.wrong = [], []
        self.call = None
        self.up_at = self.over_at = None
        self.is_up = False
        rig.b.numbers[number] = self

    # -- what it is made of -----------------------------------------------------

    def sdp_a(self, version=1, formats=(PCMU,)):
        return make_sdp(PRIVATE_A, self.rig.load.ports[2 * self.pair],
                        version=version, formats=formats)

    def sdp_b(self):
        return make_sdp(PRIVATE_B, self.rig.load.ports[2 * self.pair + 1],
                        formats=(PCMU,))

    @property
    def there(self):
        return self.came[-1]

    def invite(self):
        self.call = self.rig.a.invite(self.number, body=self.sdp_a())

    def wait(self, condition, what, seconds=None):
        return wait_for(seconds or self.rig.promise.final_s, condition,
                        f"{self.state}: {what}")

    def reaches_b(self):
        self.wait(lambda: self.came, "the INVITE at the carrier")

    def final(self, method, cseq, what):
        """The answer to a request of the caller."""
        return self.wait(lambda: next(
            (m for m in self.call.received() if m.code >= 200 and
             m.method == method and m.cseq == cseq), None), what)

    def point(self, response):
        """Both ends send media where the SDP of the switch says."""
        self.rig.point(2 * self.pair, *media_of(response.sdp))
        self.rig.point(2 * self.pair + 1, *media_of(self.there.invite.sdp))

    def answered(self):
        """A has its 200, B its ACK."""
        answer = self.final("INVITE", self.call.invite.cseq, "an answer")
        assert answer.code == 200, f"{self.state}: {answer.first}"
        self.call.ack(answer)
        self.up_at = self.up_at or answer.time
        self.wait(lambda: self.there.acked, "the ACK at the carrier")
        self.is_up = True
        self.point(answer)

    def establish(self):
        self.invite()
        self.reaches_b()
        self.there.answer(180)
        self.there.answer(200)
        self.answered()

    def ended(self):
        self.is_up = False
        self.over_at = time.monotonic()

    def bye_of_a(self):
        sent = self.call.bye()
        self.ended()
        answer = self.final("BYE", sent.cseq, "an answer to BYE")
        assert answer.code == 200, f"{self.state}: {answer.first}"
        self.wait(lambda: self.there.received("BYE"), "BYE at the carrier")

    def bye_of_b(self):
        sent = self.there.bye()
        self.ended()
        answer = self.wait(lambda: next(
            (m for m in self.there.received() if m.code >= 200 and
             m.method == "BYE" and m.cseq == sent.cseq), None),
            "an answer to the carrier's BYE")
        assert answer.code == 200, f"{self.state}: {answer.first}"
        self.wait(lambda: self.call.received("BYE"), "BYE at the caller")

    # -- its life -----------------------------------------------------------------

    def prepare(self):
        """Bring it to its state."""

    def act(self):
        """What the ends do while the fault lasts."""

    def hang_up(self):
        if self.is_up:
            self.bye_of_a()

    def give_up(self):
        """Whatever is wrong with it, nothing of it stays."""
        if self.over_at or not self.call:
            return
        if self.up_at:
            self.call.bye()
        elif not self.wrong or self.is_answered:
            self.rig.a.cancel(self.call)

    def guarded(self, step):
        try:
            step()
        except Exception as error:  # pylint: disable=broad-except
            self.wrong.append(str(error) or repr(error))

    # -- what is written of it ----------------------------------------------------

    def judge(self, records):
        """Lines of what is wrong with its records."""
        if not self.call:
            return
        own = [r for r in records if r["call_id_a"] == self.call.call_id]
        if len(own) != 1:
            self.wrong.append(f"{len(own)} records")
            return
        record = own[0]
        if record["end_reason"] != self.reason:
            self.wrong.append(f"the record says {record['end_reason']}")
        elif record["end_side"] != self.side:
            self.wrong.append(f"ended by {record['end_side']}")
        if bool(record.get("answer_time")) != self.is_answered:
            self.wrong.append("answered by the record: "
                              f"{record.get('answer_time')}")
        elif self.is_answered and self.up_at and self.over_at:
            off = record["duration_ms"] / 1000 - (self.over_at - self.up_at)
            if abs(off) > self.rig.off_s:
                self.wrong.append(f"its duration is {off:.2f} s off")


class SettingUp(Call):
    state = "setting up"

    def prepare(self):
        self.invite()
        self.reaches_b()

    def act(self):
        self.there.answer(180)
        self.there.answer(200)
        self.answered()


class Coming(Call):
    """A call that comes while the fault lasts."""

    state = "setting up"
    rings = ((0.02, 180), (0.05, 200))
    late = True

    def act(self):
        self.invite()
        answer = self.final("INVITE", self.call.invite.cseq, "an answer")
        if answer.code != 200 and self.rig.promise.new is None:
            assert answer.code == 503, f"a new call: {answer.first}"
            self.is_answered = self.is_recorded = False
            return
        self.answered()

    def judge(self, records):
        if self.is_answered:
            super().judge(records)
            return
        own = [r for r in records if r["call_id_a"] == self.call.call_id]
        if len(own) > 1 or any(r.get("answer_time") for r in own):
            self.wrong.append(f"records of a refused call: {own}")


class Ringing(SettingUp):
    state = "ringing"

    def prepare(self):
        super().prepare()
        self.there.answer(180)
        self.wait(lambda: self.call.received(180), "180 at the caller")

    def act(self):
        self.there.answer(200)
        self.answered()


class Cancelled(Ringing):
    reason, side = "CallerCancel", "caller"
    is_answered = False

    def act(self):
        branch = self.call.invite.branch

        def ended():
            return [m for m in self.call.received() if m.code >= 300 and
                    m.method == "INVITE"]

        def again():
            if not any(m.method == "CANCEL" and m.branch == branch
                       for m in self.call.received()) and not ended():
                self.rig.a.cancel(self.call)
                self.rig.a.after(AGAIN_S, again)
        again()
        final = self.wait(ended, "487")[0]
        assert final.code == 487, f"{self.state}: {final.first}"
        self.wait(lambda: self.there.cancelled, "CANCEL at the carrier")


class Early(Ringing):
    state = "early media"
    talks = True

    def prepare(self):
        SettingUp.prepare(self)
        self.there.answer(183, sdp=self.sdp_b())
        progress = self.wait(lambda: self.call.received(183),
                             "183 at the caller")[0]
        self.point(progress)


class Answered(Call):
    state = "answered"
    talks = True
    side = "callee"

    def prepare(self):
        self.establish()

    def hang_up(self):
        self.bye_of_b()


class Reinvite(Answered):
    state = "re-INVITE"
    side = "caller"

    def prepare(self):
        self.establish()
        self.rig.b.hold(self.there.call_id, "INVITE")
        # Not a refresh, which the switch answers by itself: a codec more.
        self.sent = self.call.reinvite(self.sdp_a(2, (PCMU, PCMA)))
        self.wait(lambda: self.rig.b.held[self.there.call_id, "INVITE"],
                  "the re-INVITE at the carrier")

    def act(self):
        self.rig.b.let_go(self.there.call_id, "INVITE")
        answer = self.final("INVITE", self.sent.cseq, "the re-INVITE's answer")
        if answer.code >= 500:  # the dialog is there: once more
            self.sent = self.call.reinvite(self.sdp_a(3, (PCMU, PCMA)))
            answer = self.final("INVITE", self.sent.cseq,
                                "the second re-INVITE's answer")
        assert answer.code == 200, f"{self.state}: {answer.first}"
        self.call.ack(answer)

    def hang_up(self):
        self.bye_of_a()


class Releasing(Call):
    state = "releasing"

    def prepare(self):
        self.establish()
        self.rig.b.hold(self.there.call_id, "BYE")
        self.sent = self.call.bye()
        self.ended()
        self.wait(lambda: self.rig.b.held[self.there.call_id, "BYE"],
                  "BYE at the carrier")

    def act(self):
        self.rig.b.let_go(self.there.call_id, "BYE")
        answer = self.final("BYE", self.sent.cseq, "an answer to BYE")
        assert answer.code == 200, f"{self.state}: {answer.first}"


KINDS = (SettingUp, Coming, Ringing, Cancelled, Early, Answered, Reinvite,
         Releasing)


def all_do(calls, step):
    """Every call its step, at once; what fails is that call's."""
    threads = [threading.Thread(target=c.guarded, args=(getattr(c, step),))
               for c in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


__all__ = ["KINDS", "Caller", "Carrier", "all_do"]
