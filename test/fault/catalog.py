#!/usr/bin/env python3
"""billingd dies while it publishes, and a reader never sees half a version.

test/fault/run catalog [kills [seed]]

Configuration changes one after the other, each in two parts of the catalog at
once; billingd is killed at random instants; a reader checks every version it
can get hold of, and that its parts belong together.

Bounds: no version torn or mixed, the last change in force at the end, every
daemon at the same version, and no reader waits (a pin takes under 100 ms
whatever else the machine does).
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cluster import Refused, wait_for  # noqa: E402
from support.switch import Switch  # noqa: E402

PIN_US = 100000


class Writer(threading.Thread):
    """The same number to a parameter and to a phone, again and again."""

    def __init__(self, pg):
        super().__init__(daemon=True)
        self.pg = pg
        self.number = 0
        self.running = True

    def run(self):
        while self.running:
            self.number += 1
            self.pg.psql(
                "begin; update parameter set value = '{0}' where name = "
                "'SS_MAX_CALLS'; update phone set line_limit = {0}; "
                "commit".format(self.number))


def successor(s, gone):
    """Another billingd lives; an operator does not wait for the back-off of
    one that dies so often."""
    def lives():
        with contextlib.suppress(OSError, Refused):
            s.ask("start", process="billingd", timeout=2)
        return any(p != gone for p in s.pids("billingd"))
    wait_for(20, lives, "a successor")


def main():
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 30)
    rng = random.Random(seed)
    print(f"seed {seed}, {kills} kills")

    with Switch() as s:
        s.do("account", "add", "A")
        s.do("phone", "add", "2001", "account=A", "line_limit=0")
        s.do("param", "set", "SS_MAX_CALLS=0")
        watch = subprocess.Popen(
            [s.bin / "catalogwatch", s.shm], cwd="/", text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        writer = Writer(s.pg)
        writer.start()
        began = time.monotonic()
        for _ in range(kills):
            pid = next(iter(s.pids("billingd")), None)
            if pid:
                end = time.monotonic() + rng.random() * 0.05
                wait_for(1, lambda at=end: time.monotonic() > at,
                         "a random instant")
                os.kill(pid, signal.SIGKILL)
                successor(s, pid)
        took = time.monotonic() - began
        writer.running = False
        writer.join()
        s.wait_ready(30)
        wait_for(20, lambda: s.param("SS_MAX_CALLS") == str(writer.number),
                 "the last change to be in force")
        version = s.ask("catalog.status")[0]["version"]
        wait_for(5, lambda: set(s.versions().values()) == {version},
                 "all daemons to have it")
        text, _ = watch.communicate("", timeout=30)
        s.stop()

    seen = dict(item.split("=") for item in text.split())
    print(f"{'kills':>6} {'changes':>8} {'pins':>10} {'versions':>9} {'torn':>5} {'mixed':>6} {'worst pin us':>13}")
    print(f"{kills:>6} {writer.number:>8} {seen['pins']:>10} {seen['versions']:>9} {seen['torn']:>5} {seen['mixed']:>6} {seen['worst_pin_us']:>13}")
    print(f"catalog: kills={kills} changes={writer.number} seconds={took:.1f} {text.strip()} seed={seed}")
    bad = [what for what, wrong in (
        ("a torn version was seen", int(seen["torn"]) > 0),
        ("a mixed version was seen", int(seen["mixed"]) > 0),
        ("a reader waited", int(seen["worst_pin_us"]) > PIN_US),
        ("nothing was seen", int(seen["versions"]) < 2)) if wrong]
    for what in bad:
        print(f"FAILED: {what}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
