#!/usr/bin/env python3
"""Datagrams are lost, doubled and turned round, and every call has one end.

test/fault/run loss [calls [rate [seed [stalls]]]]

Calls of one second go through one worker; both its sides are lines that lose
3 of 100 datagrams, double 3, and hold each back by up to 20 ms. Both ends
(manycalls.c) send again what is not answered, and know what became of every
call.

With stalls the worker is given next to no time for 0.6 s, that many times, so
that it is late, stays so and turns callers away. Not for longer: it beats five
times a second at best, and one that has not beaten for a second is replaced.

Bounds: every call was answered and ended, once, on both sides; no call came
to the called side twice; each has exactly one record; a caller who was turned
away has no call there, whatever copies of his INVITE came when the worker had
time again; nothing is left in sipd: no call, line, transaction or text; and its
memory is what it was when the load was young, or behind the last stall: what
waits in one needs room once. Without stalls nobody is turned away in a short
run; within a long one the machine may stand still for a moment, which is a stall,
too: one in a thousand then, each of them told by sipd.
"""

import collections
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import SANITIZED, bin_dir  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.lossy import Lossy  # noqa: E402
from support.sip_switch import SipSwitch  # noqa: E402
from support.usage import pause, small_pages  # noqa: E402

LOSS, DOUBLE, DELAY_MS, LENGTH_MS = 3, 3, 20, 1000
YOUNG_S = 60
STOPPED_S, STOPS = 0.2, 3  # of a stall
LOOK_S = 0.7  # at what the load takes
GOES_PART, GOES_MOST_S = 0.35, 0.05  # of what would do, and by the clock
REST_S = 1.2
GROWTH_KB = 16384
# What ends last waits 35 s for copies; a short run has a shorter list.
SETTLE_S = 75
SHORT = 50000
REFUSED_MOST = 0.001  # of the callers of a run that is not short
SHORT_LIST = {"SS_SIP_RESEND_INTERVAL": "0.5,0.5,1,1,2,2"}
PREFIX = "4420"


def memory_kb(pid):
    """Its own: what it shares with others is bounded by the segments."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", text)[1])


def records_of(s):
    """{call: how many records}, and how many ended otherwise than wanted."""
    found, odd = collections.Counter(), collections.Counter()
    for file in sorted((s.dir / "state" / "billingd").glob("records*.jsonl*")):
        with open(file, encoding="utf-8") as rows:
            for row in rows:
                found[re.search(r'"call_id_a":"([^"]*)"', row)[1]] += 1
                reason = re.search(r'"end_reason":"([^"]*)"', row)[1]
                if reason != "NormalRelease":
                    odd[reason] += 1
    return found, odd


def told_503(s):
    """How often sipd turned an INVITE away, copies counted"""
    return int(s.metrics_of("sipd.0").get(
        'tandem_sip_messages_total{direction="out",method="INVITE",'
        'code_class="5xx"}', 0))


def worked_s(pid):
    """CPU time of a process that may run just now"""
    return time.clock_gettime(~pid << 3 | 2)  # as clock_getcpuclockid(3)


def takes_s(pid):
    """CPU time that a second of the load takes it"""
    began, since = worked_s(pid), time.monotonic()
    pause(LOOK_S)
    return (worked_s(pid) - began) / (time.monotonic() - since)


def goes(pid, for_s):
    """For so long of its own time that it takes some of what waits, and not
    all."""
    began, since = worked_s(pid), time.monotonic()
    os.kill(pid, signal.SIGCONT)
    while (worked_s(pid) - began < for_s and
           time.monotonic() - since < GOES_MOST_S):
        pass


def stall(s, pid, times, is_over):
    """Be now and then a machine that has other things to do."""
    for_s = takes_s(pid) * STOPPED_S * GOES_PART if times else 0
    for _ in range(times):
        try:
            for _ in range(STOPS):
                os.kill(pid, signal.SIGSTOP)
                pause(STOPPED_S)
                goes(pid, for_s)
        except OSError as e:
            raise AssertionError(s.log_events("process_stuck") +
                                 s.log_events("process_exit")) from e
        end = time.monotonic() + REST_S
        wait_for(REST_S + 1, lambda: time.monotonic() > end, "a stall")
        if is_over():
            return


def run_load(s, a, to, b, calls, rate, stalls):
    """What both ends saw, and the memory of sipd while it was young."""
    pid = next(iter(s.pids("sipd")))
    load = subprocess.Popen(
        [f"{bin_dir()}/manycalls", f"{a}:5060", f"{to}:5060", f"{b}:5060",
         PREFIX, str(calls), str(rate), str(LENGTH_MS)], cwd="/",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        young = time.monotonic() + (0 if stalls else
                                    min(YOUNG_S, calls / rate))
        wait_for(YOUNG_S + 60, lambda: time.monotonic() > young or
                 load.poll() is not None, "the load to be young")
        stall(s, pid, stalls, lambda: load.poll() is not None)
        kb = memory_kb(pid)
        text, _ = load.communicate(timeout=calls / rate + 300)
    finally:
        load.kill()
        load.wait()
    assert load.returncode == 0, text
    return {k: int(v) for k, v in (w.split("=") for w in text.split())}, kb


def main():
    calls = int(sys.argv[2]) if len(sys.argv) > 2 else 1000000
    rate = int(sys.argv[3]) if len(sys.argv) > 3 else 100 if SANITIZED \
        else 500
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(1 << 20)
    stalls = int(sys.argv[5]) if len(sys.argv) > 5 else 0
    print(f"seed {seed}, {calls} calls, {rate} a second", flush=True)

    small_pages()
    with SipSwitch(settings=SHORT_LIST if calls < SHORT else None,
                   calls=40000) as s:
        net = s.net
        with Lossy(bin_dir(), net.address(), net.address(), 5060, seed) as \
                one, Lossy(bin_dir(), net.address(), net.address(), 5060,
                           seed + 1) as two:
            a, b = net.address(), net.address()
            one.pair(a, net.switch, LOSS, DOUBLE, DELAY_MS)
            two.pair(net.switch, b, LOSS, DOUBLE, DELAY_MS)
            s.change("mapping", "add", "far", account="customer",
                     addresses=one.back, local_ip=net.switch)
            s.change("routing", "add", "away", account="vendor",
                     prefixes=PREFIX, addresses=f"{two.front}:5060",
                     local_ip=net.switch)
            pid = next(iter(s.pids("sipd")))
            start_kb = memory_kb(pid)
            began = time.monotonic()
            seen, young_kb = run_load(s, a, one.front, b, calls, rate,
                                      stalls)
            took = time.monotonic() - began
            rest = s.settled(SETTLE_S)
        last = next(iter(s.pids("sipd")))
        end_kb = memory_kb(last)
        records, odd = records_of(s)
        told = told_503(s)
        s.stop()

    doubled = sum(n - 1 for n in records.values())
    refused = seen["a_refused"]
    lost = max(0, calls - refused - len(records))
    may_refuse = calls if stalls else \
        0 if calls < SHORT else int(calls * REFUSED_MOST)
    wanted = calls - min(refused, may_refuse)
    bad = [what for what, wrong in (
        ("sipd was replaced", last != pid),
        (f"outcomes: {seen}", any(seen[f"{x}_ended"] != wanted for x in "ab")),
        (f"{refused} were turned away, of whom sipd told {told}",
         refused > told),
        (f"{seen['phantoms']} calls without a caller", seen["phantoms"]),
        ("no caller was turned away", stalls and not refused),
        ("calls came twice", seen["twice"]),
        (f"{lost} calls without a record", lost),
        (f"{doubled} records too many", doubled),
        (f"records with another end: {dict(odd)}", odd),
        (f"something is left: {rest}", rest),
        # what a sanitizer keeps back is none of ours
        ("memory has grown", not SANITIZED and
         end_kb > young_kb + GROWTH_KB)) if wrong]
    for what in bad:
        print("FAILED:", what)
    print(f"{'calls':>8} {'seconds':>8} {'copies':>8} {'records':>8} {'lost':>5} {'doubled':>8} {'KB start':>9} {'KB young':>9} {'KB end':>7}")
    print(f"{calls:>8} {took:>8.1f} {seen['copies']:>8} {sum(records.values()):>8} {lost:>5} {doubled:>8} {start_kb:>9} {young_kb:>9} {end_kb:>7}")
    print(f"loss: calls={calls} a_ended={seen['a_ended']} b_ended={seen['b_ended']} refused={refused} phantoms={seen['phantoms']} lost={lost} records={sum(records.values())} doubled={doubled} left={len(rest)} growth_kb={end_kb - young_kb} seed={seed}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
