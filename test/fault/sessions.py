#!/usr/bin/env python3
"""Sessions of mediad that are opened and closed again and again.

test/fault/run sessions [at_once [rounds]]

A round opens at_once sessions with ports for both sides, which are then all
open, and closes them; then their ports rest. 10,000 at once need 40,000
sockets: fewer are opened where the limit of descriptors is lower.

Bounds: none is refused and none fails; when the answers that the bus keeps for
repeats have grown to their bound, neither descriptors nor memory grow. What
many messages at once take of the heap stays there: that grows once, a leak
grows in each half of the rounds, and the smaller growth is judged.
"""

import os
import pathlib
import resource
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import SANITIZED  # noqa: E402
from support.mediatalk import MediaSwitch  # noqa: E402
from support.usage import pause, small_pages  # noqa: E402

AT_ONCE, ROUNDS = 10000, 100
SOCKETS = 4  # of a session: RTP and RTCP of two sides
OTHERS = 400  # descriptors for the rest
REST_S = 2.2  # a pair that was given back rests two seconds
SETTLED = 2  # rounds; then answers kept for repeats are as many as ever
GREW_MOST_KB = 256


def proc(pid, name):
    return pathlib.Path(f"/proc/{pid}/{name}")


def memory_kb(pid):
    rows = proc(pid, "status").read_text().splitlines()
    return next(int(r.split()[1]) for r in rows if r.startswith("RssAnon"))


def ask(s, at_once, word):
    """How many answered as they should"""
    tail, wanted = {"reserve": (f" 1 {s.relay} 1 {s.relay}", "reserved"),
                    "release": (" all", "released")}[word]
    answers = s.talk.ask_all([f"{word} {n}{tail}"
                              for n in range(1, at_once + 1)], 60)
    return sum(a.get("reply") == wanted for a in answers)


def run(at_once, rounds):
    """(what was wrong, kB that memory grew, s per 1,000 opened and closed)"""
    bad, busy, files = [], 0.0, 0
    settled = min(SETTLED, rounds)
    middle = (settled + rounds) // 2
    memory = {}
    small_pages()
    with MediaSwitch(ports=SOCKETS * at_once, calls=at_once) as s:
        pid = next(iter(s.pids("mediad")))
        for n in range(rounds):
            began = time.monotonic()
            opened = ask(s, at_once, "reserve")
            closed = ask(s, at_once, "release")
            busy += time.monotonic() - began
            if opened != at_once or closed != at_once:
                bad.append(f"round {n + 1}: {opened} opened and {closed} "
                           f"closed of {at_once}")
            if n + 1 == settled:
                files = len(list(proc(pid, "fd").iterdir()))
            memory[n + 1] = memory_kb(pid)
            pause(REST_S)
        grew = min(memory[middle] - memory[settled],
                   memory[rounds] - memory[middle])
        left = len(list(proc(pid, "fd").iterdir())) - files
        if left:
            bad.append(f"{left} descriptors more than before")
        if grew > GREW_MOST_KB and not SANITIZED:
            bad.append(f"memory has grown by {grew} kB")
        if list(s.pids("mediad")) != [pid]:
            bad.append("mediad is another one than before")
        s.stop()
    return bad, grew, busy * 1000 / (at_once * rounds)


def main():
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else AT_ONCE
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else ROUNDS
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    at_once = wanted
    if limit != resource.RLIM_INFINITY:
        at_once = min(wanted, (limit - OTHERS) // SOCKETS)
    if at_once < wanted:
        print(f"{at_once} at once instead of {wanted}: {limit} descriptors "
              "are all there may be")
    bad, grew, seconds = run(at_once, rounds)
    for line in bad[:20]:
        print("FAILED:", line)
    print(f"sessions: at_once={at_once} rounds={rounds} "
          f"total={at_once * rounds} wrong={len(bad)} grew_kb={grew} "
          f"s_per_1000={seconds:.3f}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
