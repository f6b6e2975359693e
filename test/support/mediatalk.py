"""mediad alone: sessions as sipd would make them (mediatalk.c).

    with MediaSwitch(sessions=500) as s:
        m = s.talk.session(7, local)
        m.point(0, remote="127.0.0.9:4000")
"""

import contextlib
import itertools
import json
import queue
import subprocess
import sys
import threading

from support.cases import bin_dir
from support.cluster import Cluster, wait_for
from support.sip import Net

ALL = "all"
PORTS, SESSION, ERROR = 1, 2, 3  # enum MediaWhy
TRANSPARENT, RFC2833, INFO, INBAND = range(4)
AUTO, SDP, ANY = range(3)
SENDRECV, SENDONLY, RECVONLY, INACTIVE = range(4)


class MediaTalk:
    def __init__(self, run_dir, worker=9, mediad=0):
        self.process = subprocess.Popen(
            [f"{bin_dir()}/mediatalk", str(run_dir), str(worker),
             str(mediad)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True)
        self.answers = queue.Queue()
        self.notices = []
        self.asked = 0
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            row = json.loads(line)
            if "notice" in row:
                self.notices.append(row)
            else:
                self.answers.put(row)

    def tell(self, *lines):
        self.process.stdin.write("".join(f"{x}\n" for x in lines))
        self.process.stdin.flush()

    def ask_all(self, lines, within=30):
        """Answers, in the order of the questions."""
        first = self.asked + 1
        self.asked += len(lines)
        self.tell(*lines)
        found = {}
        while len(found) < len(lines):
            row = self.answers.get(timeout=within)
            found[row["n"]] = row
        return [found[n] for n in range(first, first + len(lines))]

    def ask(self, line, within=30):
        return self.ask_all([line], within)[0]

    def reserve(self, session, side, local, lines=1, local_a=""):
        return self.ask(f"reserve {session} {side} {local} {lines} {local_a}"
                        .rstrip())

    def point(self, session, side, **fields):
        answer = self.ask(point_line(session, side, **fields))
        assert answer.get("reply") == "pointed", answer
        return answer

    def release(self, session, side=ALL):
        return self.ask(f"release {session} {side}")

    def digit(self, session, side, digit, ms=160):
        self.tell(f"digit {session} {side} {digit} {ms}")

    def heard(self, what, **wanted):
        return [n for n in list(self.notices) if n["notice"] == what and
                all(n.get(k) == v for k, v in wanted.items())]

    def expect(self, what, within=5.0, **wanted):
        return wait_for(within, lambda: self.heard(what, **wanted),
                        f"notice {what} {wanted}; came: {self.notices}")[0]

    def close(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
        self.thread.join(5)
        self.process.stdout.close()


PCMU, PCMA, EVENT, NOISE = 0, 8, 101, 13
CODECS = {0: 1, 8: 2, 18: 3, 4: 4, 101: 5, 13: 6}  # enum MediaCodec


def point_line(session, side, remote=(), payloads=(PCMU, PCMA), **fields):
    """What sipd would say; sdp counts, so that a test that moves an end must
    say sdp=2."""
    remotes = [remote] if isinstance(remote, str) else remote
    words = [f"remote={r}" for r in remotes]
    words.append("payloads=" + ",".join(map(str, payloads)))
    words.append("codecs=" + ",".join(str(CODECS.get(p, 0))
                                      for p in payloads))
    fields = {"source": remotes[0].rsplit(":", 1)[0] if remotes else "",
              "sdp": 1, "is_active": side > 0, "is_answered": True, **fields}
    words += [f"{k}={int(v) if isinstance(v, bool) else v}"
              for k, v in fields.items() if v != ""]
    return f"point {session} {side} " + " ".join(words)


class MediaSwitch(Cluster):
    """A cluster without a database, whose RTP ports are at an address of its
    own. ports: how many."""

    def __init__(self, ports=400, **kwargs):
        self.net = Net()
        self.relay = self.net.switch
        self.stack = contextlib.ExitStack()
        self.numbers = itertools.count(1)
        super().__init__(bin_dir(), address=self.relay, rtp=ports, media=True,
                         **kwargs)

    def __enter__(self):
        super().__enter__()
        try:
            self.start()
            self.talk = MediaTalk(self.dir / "run")
            self.stack.callback(self.talk.close)
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, value, trace):
        self.stack.close()
        super().__exit__(kind, value, trace)
        self.net.close()

    def session(self, number=None, **kwargs):
        """Both sides have ports: (number, port of A, port of B)"""
        number = number or next(self.numbers)
        got = self.talk.reserve(number, 1, self.relay, local_a=self.relay,
                                **kwargs)
        assert got.get("reply") == "reserved" and not got["bypass"], got
        assert got["address"] == got["address_a"] == self.relay, got
        return number, got["ports_a"][0], got["ports"][0]

    def prepare(self, load, first=1):
        """Every pair of a RtpLoad has a session and knows its ports, nothing
        is pointed yet; their numbers. load.relayed: the port of each end."""
        numbers = list(range(first, first + load.pairs))
        got = self.talk.ask_all(
            [f"reserve {i} 1 {self.relay} 1 {self.relay}" for i in numbers])
        assert all(g.get("reply") == "reserved" and not g["bypass"]
                   for g in got), [g for g in got
                                   if g.get("reply") != "reserved"][:3]
        load.relayed = [g[side][0] for g in got for side in
                        ("ports_a", "ports")]
        load.ask(*(f"to {end} {self.relay} {port}"
                   for end, port in enumerate(load.relayed)))
        return numbers

    def point_to(self, load, numbers, **fields):
        lines = []
        for k, i in enumerate(numbers):
            for side in (0, 1):
                lines.append(point_line(i, side, load.at(2 * k + side),
                                        **fields))
        for answer in self.talk.ask_all(lines):
            assert answer.get("reply") == "pointed", answer

    def connect(self, load, first=1, **fields):
        """Every pair of a RtpLoad is a session; their numbers."""
        numbers = self.prepare(load, first)
        self.point_to(load, numbers, **fields)
        return numbers
