"""A mediad with sessions whose ends are real sockets: no sipd, no database."""

import functools
import os
import signal

from support.cases import case
from support.cluster import wait_for
from support.mediatalk import ALL, EVENT, RFC2833, MediaSwitch
from support.rtp import RtpEnd

EVENTS = {"payloads": (0, 8, EVENT), "event_payload": EVENT,
          "dtmf_mode": RFC2833}


class Call:
    """A session with both its ends: A and B talk through it."""

    def __init__(self, s, a_fields=None, b_fields=None, pointed=True,
                 a=None, b=None):
        self.s, self.talk = s, s.talk
        self.a = s.keep(a or RtpEnd(s.net.address()))
        self.b = s.keep(b or RtpEnd(s.net.address()))
        self.number, self.port_a, self.port_b = s.session()
        self.a.to = (s.relay, self.port_a)
        self.b.to = (s.relay, self.port_b)
        self.fields = [a_fields or {}, b_fields or {}]
        self.sdp = [0, 0]
        if pointed:
            self.point(0)
            self.point(1)

    def point(self, side, **changed):
        """An SDP of this side is told."""
        self.sdp[side] += 1
        end = (self.a, self.b)[side]
        self.fields[side].update(changed)
        fields = {"remote": end.at, "sdp": self.sdp[side],
                  **self.fields[side]}
        self.talk.point(self.number, side, **fields)

    def speak(self, seconds=0.2):
        """Both ways, and what comes is what was sent."""
        for end in (self.a, self.b):
            end.forget()
        n = round(seconds / 0.02)
        self.a.stream(seconds, wait=False)
        self.b.stream(seconds)
        self.a.expect(n)
        self.b.expect(n)

    def a_hears(self, whom=None):
        """B speaks, and this end hears it."""
        self._hears(whom or self.a, self.b)

    def b_hears(self, whom=None):
        self._hears(whom or self.b, self.a)

    def _hears(self, whom, speaker):
        whom.forget()
        speaker.send()
        whom.expect(1)

    def release(self, side=ALL):
        return self.talk.release(self.number, side)


class Rig(MediaSwitch):
    def __init__(self, **kwargs):
        self.opened = set()
        super().__init__(**kwargs)

    def keep(self, end):
        self.stack.callback(end.close)
        return end

    def end(self, address=None):
        return self.keep(RtpEnd(address or self.net.address()))

    def session(self, *args, **kwargs):
        got = super().session(*args, **kwargs)
        self.opened.add(got[0])
        return got

    def release_all(self):
        """Or it would be waited for when it is asked to stop."""
        self.talk.ask_all([f"release {n} all" for n in self.opened])
        wait_for(5, lambda: self.metric("tandem_media_sessions") == 0,
                 "all sessions released")

    def call(self, a_fields=None, b_fields=None, **kwargs):
        return Call(self, a_fields, b_fields, **kwargs)

    def metric(self, name, **labels):
        """Of all series with these labels, together."""
        wanted = [f'{k}="{v}"' for k, v in labels.items()]
        return sum(v for k, v in self.metrics_of("mediad.0").items()
                   if k.split("{")[0] == name and
                   all(w in k for w in wanted))

    def kill(self):
        pid = next(iter(self.pids("mediad")))
        os.kill(pid, signal.SIGKILL)
        wait_for(20, lambda: (row := self.status().get("mediad.0") or {})
                 .get("state") == "ready" and row["pid"] != pid,
                 "a successor")

    def files_open(self):
        pid = next(iter(self.pids("mediad")))
        return len(os.listdir(f"/proc/{pid}/fd"))

    def memory_kb(self):
        pid = next(iter(self.pids("mediad")))
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            return next(int(line.split()[1]) for line in f
                        if line.startswith("RssAnon"))


def on_a_rig(**kwargs):
    def decorate(function):
        @functools.wraps(function)
        def run():
            with Rig(**kwargs) as s:
                function(s)
                s.release_all()
                s.stop_well()
        return case(run)
    return decorate
