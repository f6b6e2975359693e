"""Calls through sipd whose media is relayed, with sockets at both ends.

The switch takes no SDP with a loopback address, so the ends here are phones
and carriers behind NAT: their SDP says a private address, their media comes
from where their SIP is.
"""

import functools
import re
import time

from support.cases import case
from support.cluster import wait_for
from support.rtp import RtpEnd
from support.sip import make_sdp
from support.sip_switch import SipSwitch
from support.usage import pause

PRIVATE_A, PRIVATE_B = "10.0.0.5", "10.0.0.6"
PUBLIC = "198.51.100.77"  # nobody is there, and nothing is ever sent to it
PCMU, PCMA, G729, G723 = ((0, "PCMU/8000"), (8, "PCMA/8000"),
                          (18, "G729/8000"), (4, "G723/8000"))
EVENTS = (101, "telephone-event/8000")
NOMEDIA_S = 2
POINTED_S = 0.3  # mediad is told of an answer when A is
LATE = 1.6  # it fires between n and n + 1 s, and a machine may be busy


def port_of(sdp, kind="audio"):
    return int(re.search(rf"^m={kind} (\d+) ", sdp, re.M)[1])


def host_of(sdp):
    return re.search(r"^c=IN IP4 (\S+)", sdp, re.M)[1]


def formats_of(sdp, kind="audio"):
    return re.search(rf"^m={kind} \d+ \S+ (.*?)\r?$", sdp, re.M)[1].split()


class MediaLane:
    """A customer and carriers with sockets for media."""

    def __init__(self, s, a_fields=None, b_fields=None, carriers=1,
                 formats=(PCMU, PCMA, EVENTS), answer=None):
        self.s = s
        rows = [([], dict(b_fields or {})) for _ in range(carriers)]
        self.lane = s.lane(*rows, caller=dict(a_fields or {}))
        self.a = self._end(self.lane.a.address)
        self.b = self._end(self.lane.b.address)
        self.lane.b.answers = [(0, 100), (0.05, 180), (0.1, 200, {
            "sdp": make_sdp(PRIVATE_B, self.b.port,
                            formats=answer or formats)})]
        self.offer = make_sdp(PRIVATE_A, self.a.port, formats=formats)

    def _end(self, address):
        end = RtpEnd(address)
        self.s.peers.callback(end.close)
        return end

    def establish(self):
        """An answered call: both ends know where to send."""
        self.call, self.there = self.lane.establish(body=self.offer)
        self.began = time.monotonic()
        self.learn()
        pause(POINTED_S)
        return self

    def learn(self):
        seen = self.there.invite.sdp
        got = self.call.answer.sdp
        self.b.to = (host_of(seen), port_of(seen))
        self.a.to = (host_of(got), port_of(got))

    def is_relayed(self):
        return self.b.to[0] == self.s.net.switch

    def speak(self, seconds=0.2):
        self.a.forget(), self.b.forget()
        n = round(seconds / 0.02)
        self.a.stream(seconds, wait=False)
        self.b.stream(seconds)
        self.a.expect(n)
        self.b.expect(n)

    def hang_up(self, **wanted):
        self.call.bye()
        self.call.expect("200 BYE")
        return self.lane.record(end_reason="NormalRelease", **wanted)

    def ended_for_silence(self, seconds, side="both"):
        """Both ends get a BYE so long after now - what began; its record."""
        self.call.expect("BYE", seconds + LATE + 3)
        took = time.monotonic() - self.began
        self.there.expect("BYE")
        assert seconds - 0.3 <= took <= seconds + LATE, took
        return self.lane.record(end_reason="NoMediaTimeout", end_detail=side)


class MediaCalls(SipSwitch):
    def __init__(self, settings=None, **kwargs):
        super().__init__(settings={"SS_MEDIA_PROXY": "on",
                                   **(settings or {})},
                         **{"media": True, **kwargs})

    def media(self, name, **labels):
        wanted = [f'{k}="{v}"' for k, v in labels.items()]
        return sum(v for k, v in self.metrics_of("mediad.0").items()
                   if k.split("{")[0] == name and
                   all(w in k for w in wanted))

    def no_session(self):
        wait_for(5, lambda: self.media("tandem_media_sessions") == 0,
                 "all sessions released")


def on_media(**kwargs):
    """A case in a switch of its own; what is a function is called for its
    value then."""
    def decorate(function):
        @functools.wraps(function)
        def run():
            given = {k: v() if callable(v) else v for k, v in kwargs.items()}
            with MediaCalls(**given) as s:
                function(s)
                s.idle()
                s.no_session()
                s.stop_well()
        return case(run)
    return decorate
