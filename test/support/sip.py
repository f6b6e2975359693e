"""SIP peers of a component test, in threads.

    with Net() as net:
        gw = Uas(net.address(), answers=[(0, 100), (0.1, 180), (0.2, 200)])
        a = Caller(net.address(), switch=(host, port))
        call = a.invite("44201")
        call.expect(200)
        call.ack()
"""

import random
import time

from support.sip_message import (build, challenge_of, credentials, make_sdp,
                                 respond, unique, uri_of)
from support.sip_peer import (TOLERANCE, Net, Peer, assert_times, near,
                              wait_until)

ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO"


class Dialog:
    """A call as one end sees it. local and remote are To/From values."""

    def __init__(self, agent, call_id, local, remote, where, target=None):
        self.agent, self.call_id = agent, call_id
        self.local, self.remote = local, remote
        self.where = where      # packets go there
        self.target = target    # Request-URI
        self.route = []
        self.cseq = random.randrange(100, 1000)
        self.invite = None      # the INVITE that made it
        self.sdp = None         # what we said last
        self.acks = {}          # CSeq: our ACK

    # -- requests of ours -------------------------------------------------------

    def request(self, method, headers=None, body=None, cseq=None, branch=None,
                uri=None):
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        rows = {
            "Via": f"SIP/2.0/{self.agent.transport.upper()} {self.agent.at};"
                   f"branch={branch or unique('z9hG4bK')};rport",
            "Max-Forwards": 70, "From": self.local, "To": self.remote,
            "Call-ID": self.call_id, "CSeq": f"{cseq} {method}",
            "Contact": self.agent.contact(), "Route": self.route or None,
            **({"Allow": self.agent.allow}
               if method in ("INVITE", "UPDATE") else {}),
            **({"Content-Type": "application/sdp"} if body else {}),
            **(headers or {})}
        data = build(f"{method} {uri or self.target} SIP/2.0", rows, body)
        sent = self.agent.send(data, self.where)
        if self.agent.resends and method != "ACK":
            self._again(sent, data, 0.5)
        return sent

    def _again(self, sent, data, pause):
        """Copies of a request until there is a response."""
        def again():
            if not any(m.branch == sent.branch and m.code
                       for m in self.received()) and pause < 16:
                self.agent.send(data, self.where)
                self._again(sent, data, pause * 2)
        self.agent.after(pause, again)

    def learn(self, message):
        """A response that makes or refreshes the dialog."""
        if message.to_tag:
            self.remote = message.get("to")
        if message.get("contact"):
            self.target = uri_of(message.get("contact"))
        self.route = message.all("record-route")[::-1]

    def ack(self, response=None, body=None):
        """Of the 2xx to our INVITE."""
        response = response or self.agent.received("2xx INVITE",
                                                   self.call_id)[-1]
        self.learn(response)
        sent = self.request("ACK", body=body, cseq=response.cseq)
        self.acks[response.cseq] = sent.data
        return sent

    def bye(self, **headers):
        return self.request("BYE", dashed(headers))

    def update(self, body=None, **headers):
        return self.request("UPDATE", dashed(headers), body)

    def reinvite(self, body=None, **headers):
        return self.request("INVITE", dashed(headers), body)

    def prack(self, response, rack=None):
        self.learn(response)
        rack = rack or f"{response.get('rseq')} {response.get('cseq')}"
        return self.request("PRACK", {"RAck": rack})

    # -- looking ---------------------------------------------------------------

    def expect(self, what, within=5.0, check=True):
        return self.agent.expect(what, within, self.call_id, check)

    def expect_none(self, what=None, seconds=1.0):
        return self.agent.expect_none(what, seconds, self.call_id)

    def received(self, what=None):
        return self.agent.received(what, self.call_id)

    def sent(self, what=None):
        return self.agent.sent(what, self.call_id)


class Incoming(Dialog):
    """A call that came: made by its INVITE."""

    def __init__(self, agent, invite):
        self.tag = unique("b")
        super().__init__(agent, invite.call_id,
                         f"{invite.get('to')};tag={self.tag}",
                         invite.get("from"), invite.where,
                         uri_of(invite.get("contact") or "<sip:none>"))
        self.invite = invite
        self.route = invite.all("record-route")
        self.final = None
        self.acked = False
        self.rseq = random.randrange(1, 1000)
        self.cancelled = False

    def answer(self, code, sdp=None, reliable=False, tag=None, **headers):
        """A response to its INVITE. sdp None: 200 to an offer has one."""
        if self.cancelled or self.final:
            return None
        if sdp is None and 200 <= code < 300:
            sdp = True
        if sdp is True:
            sdp = self.sdp or self.agent.sdp()
        if sdp:
            self.sdp = sdp
        rows = dashed(headers)
        if code > 100 and code < 300:
            rows.setdefault("Contact", self.agent.contact())
            rows.setdefault("Allow", self.agent.allow)
        if reliable:
            self.rseq += 1
            rows.update({"Require": "100rel", "RSeq": self.rseq})
        data = respond(self.invite, code, None, rows, sdp or None,
                       tag or self.tag)
        if code >= 200:
            self.final = code
        if tag and 200 <= code < 300:
            self.local = f"{self.invite.get('to')};tag={tag}"
        self.agent.remember(self.invite, data, final=code >= 200)
        sent = self.agent.send(data, self.agent.reply_to(self.invite))
        if self.agent.resends and 200 <= code < 300:
            self.agent.after(0.5, lambda: self._answer_again(data, 0.5))
        return sent

    def _answer_again(self, data, pause):
        if self.acked or pause > 16:
            return
        self.agent.send(data, self.agent.reply_to(self.invite))
        self.agent.after(pause * 2,
                         lambda: self._answer_again(data, pause * 2))


class Agent(Peer):
    """A user agent: answers by a script what comes outside dialogs, and by
    reply{} what comes within.

    answers: rows (seconds, code[, {sdp, reliable, tag, header ...}]); an empty
    one is silence. A callable gets the Incoming and returns the rows.
    reply[METHOD]: code; (code, headers, body); None: silence; or a callable
    that gets the request and returns one of these.
    """

    def __init__(self, address, port=5060, transport="udp", switch=None,
                 answers=(), media="192.0.2.99", user="peer", allow=ALLOW):
        self.answers = answers
        self.media, self.user, self.allow = media, user, allow
        self.resends = False  # what is lost
        self.answers_cancel = True
        self.ends_cancelled = True  # with 487
        self.dialogs = {}
        self.done = {}  # (branch, method): response, for copies
        self.reply = {"BYE": 200, "UPDATE": self.plain_update,
                      "INVITE": self.plain_reinvite, "PRACK": 200,
                      "OPTIONS": 200, "INFO": 200}
        super().__init__(address, port, transport, switch)

    def contact(self):
        return f"<sip:{self.user}@{self.at};transport={self.transport}>" \
            if self.transport != "udp" else f"<sip:{self.user}@{self.at}>"

    def sdp(self, **kwargs):
        return make_sdp(self.media, **{"port": 4000 + self.port % 1000,
                                       **kwargs})

    # -- what it does of itself -------------------------------------------------

    @staticmethod
    def reply_to(request):
        return request.where

    def remember(self, request, data, final):
        self.done[request.branch, request.method] = (data, final)

    def plain_update(self, request):
        dialog = self.dialogs.get(request.call_id)
        expires = request.get("session-expires")
        rows = {"Contact": self.contact()}
        if expires:
            rows["Session-Expires"] = expires
            rows["Require"] = "timer"
        return 200, rows, (dialog.sdp if request.sdp and dialog else None)

    def plain_reinvite(self, request):
        code, rows, _ = self.plain_update(request)
        dialog = self.dialogs.get(request.call_id)
        rows["Allow"] = self.allow
        return code, rows, (dialog.sdp if dialog and dialog.sdp
                            else self.sdp())

    def handle(self, message):
        if not message.is_request:
            self.on_response(message)
            return
        copy = self.done.get((message.branch, message.method))
        if copy and message.method != "ACK":
            self.send(copy[0], self.reply_to(message))
            return
        if message.method == "ACK":
            dialog = self.dialogs.get(message.call_id)
            if dialog:
                dialog.acked = True
            return
        if message.method == "CANCEL":
            self.on_cancel(message)
        elif message.method == "INVITE" and not message.to_tag:
            self.on_invite(message)
        else:
            self.on_request(message)

    def on_invite(self, invite):
        known = self.dialogs.get(invite.call_id)
        if known and known.invite.branch == invite.branch:
            return  # a copy, and nothing was answered yet
        call = Incoming(self, invite)
        self.dialogs[invite.call_id] = call
        rows = self.answers(call) if callable(self.answers) else self.answers
        for seconds, code, *options in rows or ():
            self.at_time(invite.time + seconds, lambda c=code, o=options:
                         call.answer(c, **(o[0] if o else {})))

    def on_cancel(self, cancel):
        call = self.dialogs.get(cancel.call_id)
        if not self.answers_cancel:
            return
        if not isinstance(call, Incoming) or \
                call.invite.branch != cancel.branch:
            self.say(cancel, 481)
            return
        self.say(cancel, 200)
        if self.ends_cancelled:
            call.answer(487)
            call.cancelled = True

    def on_request(self, request):
        rule = self.reply.get(request.method, 501)
        if request.method != "OPTIONS" and \
                request.call_id not in self.dialogs:
            rule = 481
        if callable(rule):
            rule = rule(request)
        if rule is None:
            return
        code, rows, body = rule if isinstance(rule, tuple) \
            else (rule, None, None)
        self.say(request, code, rows, body)

    def say(self, request, code, headers=None, body=None):
        dialog = self.dialogs.get(request.call_id)
        data = respond(request, code, None, headers, body,
                       getattr(dialog, "tag", None) or unique("x"))
        self.remember(request, data, True)
        return self.send(data, self.reply_to(request))

    def on_response(self, response):
        """Every non-2xx final to an INVITE of ours is acknowledged."""
        dialog = self.dialogs.get(response.call_id)
        if self.resends and response.matches("2xx INVITE") and dialog and \
                response.cseq in dialog.acks:
            self.send(dialog.acks[response.cseq], dialog.where)
        if response.method != "INVITE" or response.code < 300:
            return
        for sent in reversed(self.sent("INVITE", response.call_id)):
            if sent.branch == response.branch:
                self.send(build(f"ACK {sent.uri} SIP/2.0", {
                    "Via": sent.all("via")[0], "Max-Forwards": 70,
                    "From": sent.get("from"), "To": response.get("to"),
                    "Call-ID": sent.call_id, "CSeq": f"{sent.cseq} ACK"}),
                    (sent.peer.split(":")[0], int(sent.peer.split(":")[1])))
                return

    # -- looking ----------------------------------------------------------------

    def calls(self):
        """Every call that came, in order."""
        return [d for d in list(self.dialogs.values())
                if isinstance(d, Incoming)]

    def invites(self):
        """Every copy of every INVITE that came outside a dialog."""
        return [m for m in self.received("INVITE") if not m.to_tag]

    def call(self, within=5.0, check=True):
        """The next call that comes, as an Incoming."""
        end = time.monotonic() + within
        with self.came:
            while True:
                for dialog in self.calls():
                    if not getattr(dialog, "given", False):
                        dialog.given = True
                        if check:
                            dialog.invite.check()
                        dialog.invite.taken = True
                        return dialog
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"{self.at}: no call within {within}"
                                         " s\n" + self.transcript())
                self.came.wait(left)


class Uas(Agent):
    """A carrier: Uas(address, answers=[(0, 100), (0.1, 180), (0.2, 200)])"""


class Caller(Agent):
    """A customer: invites, and answers what comes."""

    def prepare(self, number, sdp=True, caller="8801711000000", display=None,
                to=None, body=None, **headers):
        """A call that is not sent yet."""
        host = "%s:%d" % self.switch if self.switch[1] != 5060 \
            else self.switch[0]
        name = f'"{display}" ' if display else ""
        call = Dialog(self, unique("call-"),
                      f"{name}<sip:{caller}@{self.address}>;tag={unique('a')}",
                      f"<sip:{to or number}@{host}>", self.switch,
                      f"sip:{number}@{host}")
        self.dialogs[call.call_id] = call
        call.sdp = body or (self.sdp() if sdp is True else sdp)
        call.headers = dashed(headers)
        return call

    def invite(self, number, **kwargs):
        """A new call, as prepare() makes it. Headers: names with _ for -;
        None leaves one out. to: user of To, if it is not that of the
        Request-URI."""
        return self.again(self.prepare(number, **kwargs))

    def again(self, call, **headers):
        """The same INVITE with more headers: a new request."""
        rows = {**call.headers, **dashed(headers)}
        call.invite = call.request("INVITE", rows, call.sdp)
        return call

    def authorise(self, call, asked, user, password, header=None, qop=True,
                  algorithm=None, **wrong):
        """Answer a challenge, with the header that goes with its code."""
        rows = asked.all("www-authenticate") + \
            asked.all("proxy-authenticate")
        given = [challenge_of(v) for v in rows]
        challenge = next(c for c in given if algorithm is None or
                         c.get("algorithm", "MD5") == algorithm)
        header = header or ("Authorization" if asked.code == 401
                            else "Proxy-Authorization")
        uri = wrong.pop("uri", call.target)
        rows = {**call.headers, header: credentials(
            challenge, "INVITE", uri, user, password, qop, **wrong)}
        call.invite = call.request("INVITE", rows, call.sdp)
        return call

    def cancel(self, call, branch=None):
        sent = call.invite
        via = sent.all("via")[0]
        if branch:
            via = via.replace(sent.branch, branch)
        return self.send(build(f"CANCEL {sent.uri} SIP/2.0", {
            "Via": via, "Max-Forwards": 70,
            "From": sent.get("from"), "To": sent.get("to"),
            "Call-ID": sent.call_id, "CSeq": f"{sent.cseq} CANCEL"}),
            self.switch)

    def resend(self, call):
        return self.send(call.invite.data, self.switch)

    def establish(self, number, within=5.0, **kwargs):
        """A call that is answered and acknowledged."""
        call = self.invite(number, **kwargs)
        call.answer = call.expect(200, within)
        call.ack(call.answer)
        return call

    def options(self, where=None, method="OPTIONS", **headers):
        """A request outside any dialog."""
        host = "%s:%d" % self.switch
        call = Dialog(self, unique("req-"),
                      f"<sip:{self.user}@{self.address}>;tag={unique('a')}",
                      f"<sip:{self.user}@{host}>", where or self.switch,
                      f"sip:{host}")
        call.invite = call.request(method, dashed(headers))
        return call


def dashed(headers):
    """{Session_Expires: 90} as a header is written."""
    special = {"call-id": "Call-ID", "cseq": "CSeq", "rseq": "RSeq"}
    return {special.get(k.replace("_", "-").lower(), k.replace("_", "-")): v
            for k, v in (headers or {}).items()}


__all__ = ["Net", "Peer", "Agent", "Uas", "Caller", "Dialog", "Incoming",
           "assert_times", "near", "make_sdp", "wait_until",
           "TOLERANCE"]
