#!/usr/bin/env python3
"""SS_RTP_PORT_RANGE: the ports of the relay change while it works.

rtp_range.py BIN CASE: one case, in a cluster and a PostgreSQL of its own.
"""

import os
import pathlib
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import bin_dir, case, main  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.sipp import is_bound  # noqa: E402
from support.switch import Switch  # noqa: E402

PORTS = 100
ALL = "4294967295"


class Ranged(Switch):
    def tell(self, *words):
        done = subprocess.run(
            [os.path.join(bin_dir(), "callask"), self.dir / "run", "9",
             *map(str, words)], capture_output=True, text=True, timeout=30)
        return done.stdout.strip()

    def kill_supervisor(self):
        self.process.kill()
        self.process.wait()
        self.start()

    def port(self, session):
        """RTP port of a new session's side A"""
        words = self.tell("reserve", session, 0).split()
        return int(words[1]) if words[0] == "ports" else None


def is_held(port):
    """Seen, not tried: who tries to bind it keeps the supervisor from it."""
    return is_bound("127.0.0.1", port)


def waiting(port):
    """Bytes in this UDP socket that nobody has read; None: there is none"""
    for line in pathlib.Path("/proc/net/udp").read_text().splitlines()[1:]:
        words = line.split()
        if words[1].endswith(f":{port:04X}"):
            return int(words[4].split(":")[1], 16)
    return None


def is_read(port):
    """Does somebody look at it? A socket that is only held keeps it all."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"x" * 40, ("127.0.0.1", port))
    wait_for(10, lambda: waiting(port) == 0, f"{port} to be read")
    return True


def free_range():
    """Even to odd, where nobody is at the moment"""
    first = 40000 + os.getpid() % 100 * 2 * PORTS
    while any(is_held(p) for p in range(first, first + PORTS)):
        first += 2 * PORTS
    return first, first + PORTS - 1


def to_another_range(s):
    """A session on the old range goes on, what is idle is closed. Returns the
    session's port, an idle one, and the new range."""
    old = s.port(1)
    idle = next(p for p in range(s.rtp, s.rtp + 40, 2) if p != old)
    assert is_held(old) and is_held(idle)
    first, last = free_range()
    s.do("param", "set", f"SS_RTP_PORT_RANGE={first}/{last}")
    wait_for(20, lambda: is_held(first) and is_held(last),
             "the new ports to be opened")
    wait_for(20, lambda: not is_held(idle), "old ports to be closed")
    assert is_held(old), "its session goes on"
    assert s.port(1) == old
    assert first <= s.port(2) < last
    return old, idle, first, last


@case
def another_range_is_opened_and_the_old_ends_with_its_sessions():
    with Ranged(media=True) as s:
        old, idle, first, last = to_another_range(s)
        s.tell("release", 1, ALL)
        wait_for(30, lambda: not is_held(old), "its port to be closed")

        s.do("param", "set", "SS_RTP_PORT_RANGE=10000/20000")
        wait_for(20, lambda: is_held(idle), "the file's ports to be back")
        wait_for(10, lambda: s.rtp <= (s.port(4) or 0) < s.rtp + 40,
                 "ports of the file's range")
        for n in (2, 4):
            s.tell("release", n, ALL)
        wait_for(30, lambda: not is_held(first) and not is_held(last),
                 "the other ports to be closed")
        s.stop()


@case
def an_old_range_outlives_mediad_and_the_supervisor():
    with Ranged(media=True) as s:
        old, _, first, last = to_another_range(s)
        s.kill("mediad.0")
        assert is_held(old) and is_read(old) and s.port(1) == old
        # the next one knows them only from what mediad gives back
        s.kill_supervisor()
        s.kill("mediad.0")
        assert is_held(old) and is_read(old) and s.port(1) == old
        assert first <= s.port(3) < last
        for n in (1, 2, 3):
            s.tell("release", n, ALL)
        wait_for(30, lambda: not is_held(old), "its port to be closed")
        s.stop()


if __name__ == "__main__":
    sys.exit(main())
