#!/usr/bin/env python3
"""mediad dies while it relays, and nobody hears it.

test/fault/run media [kills [calls [seed]]]

Calls of 50 packets a second each way; mediad is killed at random instants.
Packets carry their number and the time they were sent. Every kill has a
window: from the mark before it until its successor has been at work a while.

Bounds: per kill at most 2 packets of the whole traffic are lost; nothing is
lost between the kills; no call ends or is found silent; what mediad has
counted never goes back. With 500 calls and more, the worst hole beyond the
spacing that any stream has in the window of a kill has a median under 20 ms
and is never 100 ms.
"""

import os
import random
import signal
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import SANITIZED  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.mediatalk import MediaSwitch  # noqa: E402
from support.rtpload import RtpLoad  # noqa: E402
from support.usage import pause, pin  # noqa: E402

CALLS = 500
LOST_MOST = 2
HOLE_MEDIAN_MS, HOLE_MOST_MS = 20, 100
SHORT_MOST_MS = 5000 if SANITIZED else 1000  # of a run with fewer calls
KILL_EVERY_S = 2.4
# Of mediad the supervisor answers so many deaths at once, and one more every
# two seconds (supervisor/topology.c); then it holds back a successor.
BURST, REFILL_S = 15, 2
AFTER_S = 1.0       # what waited in the sockets is through by then
WARM_S = 1.5
NOMEDIA_S = 4       # a successor that thought all silent would say so
LOAD_CORE = "1"


class Counted:
    """Counters of mediad, which may only grow."""

    def __init__(self, s):
        self.s, self.last, self.back = s, {}, []

    def look(self):
        try:
            now = {k: v for k, v in self.s.metrics_of("mediad.0").items()
                   if k.startswith("tandem_media") and
                   k.split("{")[0].endswith("_total")}
        except OSError:
            return
        self.back += [f"{k}: {self.last[k]} became {v}"
                      for k, v in now.items() if v < self.last.get(k, 0)]
        self.last.update(now)


def kill(s, rng, every):
    """At a random instant; how long until a successor is ready, in s."""
    pid = next(iter(s.pids("mediad")))
    pause(every - KILL_EVERY_S + rng.uniform(0.1, KILL_EVERY_S - AFTER_S))
    os.kill(pid, signal.SIGKILL)
    began = time.monotonic()

    def lives():
        row = s.status().get("mediad.0") or {}
        return row.get("state") == "ready" and row["pid"] != pid
    wait_for(10, lives, "a successor")
    took = time.monotonic() - began
    pause(AFTER_S)
    return took


def run(kills, calls, rng):
    """(report of the load, what mediad counted, seconds down, counters that
    went back, notices)"""
    with MediaSwitch(ports=4 * calls + 64, calls=calls + 100) as s, \
            RtpLoad(s.bin, calls, s.net.address(), s.net.address()) as load:
        pin(load.pid, LOAD_CORE)
        numbers = s.connect(load, nomedia_s=NOMEDIA_S)
        load.start()
        pause(WARM_S)
        load.reset()
        counted, down = Counted(s), []
        counted.look()
        every = KILL_EVERY_S if kills <= BURST else REFILL_S + KILL_EVERY_S / 2
        for _ in range(kills):
            load.mark()
            down.append(kill(s, rng, every))
            load.mark()
            counted.look()
        end = load.finish()
        counted.look()
        notices = s.talk.heard("lost")
        sides = s.talk.ask_all([f"release {n} all" for n in numbers])
        s.stop()
    return end, sides, down, counted.back, notices


def main():
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    calls = int(sys.argv[3]) if len(sys.argv) > 3 else CALLS
    if SANITIZED:
        calls = min(calls, 20)
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(1 << 30)
    print(f"seed {seed}, {kills} kills, {calls} calls", flush=True)
    end, sides, down, back, notices = run(kills, calls, random.Random(seed))

    windows = end["windows"]
    hit, quiet = windows[1::2], windows[2::2]
    lost = [w["lost"] for w in hit]
    holes = [w["hole_ms"] for w in hit]
    median, worst = statistics.median(holes), max(holes)
    gone = [a for a in sides if a.get("reply") != "released" or
            not a["a"]["packets"] or not a["b"]["packets"]]
    counted = sum(a[x]["packets"] for a in sides
                  if a.get("reply") == "released" for x in "ab")
    bad = [f"{n} packets lost by a kill" for n in lost if n > LOST_MOST]
    if end["lost"] > LOST_MOST * kills or end["strange"]:
        bad.append(f"{end['lost']} packets lost, {end['strange']} at the "
                   "wrong end")
    if calls >= CALLS and median >= HOLE_MEDIAN_MS:
        bad.append(f"the median hole is {median:.1f} ms")
    if calls >= CALLS and worst >= HOLE_MOST_MS or worst >= SHORT_MOST_MS:
        bad.append(f"the worst hole is {worst:.1f} ms")
    bad += [f"{w['lost']} packets lost while nothing was killed"
            for w in quiet if w["lost"] > 0]
    bad += [f"it has not lived on: {a}" for a in gone[:5]]
    bad += [f"found silent: {n}" for n in notices[:5]]
    bad += [f"counter {b}" for b in back[:5]]

    print(f"{'kill':>5} {'lost':>5} {'twice':>6} {'hole ms':>8} {'gap ms':>7} {'down s':>7}")
    for n, w in enumerate(hit):
        print(f"{n + 1:>5} {w['lost']:>5} {w['doubled']:>6} "
              f"{w['hole_ms']:>8.1f} {w['gap_ms']:>7.1f} {down[n]:>7.2f}")
    print(f"without a kill: worst hole "
          f"{max((w['hole_ms'] for w in quiet), default=0):.1f} ms")
    for line in bad[:20]:
        print("FAILED:", line)
    print(f"media: kills={kills} calls={calls} sent={end['sent']} lost={end['lost']} worst_kill={max(lost)} doubled={end['doubled']} hole_median_ms={median:.1f} hole_max_ms={worst:.1f} p99_us={end['p99_us']:.0f} counted={counted} gone={len(gone)} seed={seed}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
