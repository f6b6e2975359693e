#!/usr/bin/env python3
"""Every process is replaced under load, and not one call fails.

test/fault/run upgrade [rounds [seed]]

Real sipp calls real sipp through the relay: 50 calls a second of 4 s each,
half of them ended by either side; beside them calls with RTP both ways, and
phones that register all the time. A round restarts each daemon and the
supervisor, then upgrades all of them to other files, of which sipd's lays out
calls otherwise in shared memory, and then goes back. Each end writes down
what it saw of every call.

Bounds: every call is answered, ends on both ends, and has exactly one record,
whose duration is right within 1 s; no registration is refused or lost; no RTP
packet is lost, and no stream has a hole of a second; nothing is left.
"""

import os
import random
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
sys.path.insert(0, os.path.dirname(__file__))
import sip  # noqa: E402
from support.cases import SANITIZED, bin_dir  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.installed import DAEMONS, Installed  # noqa: E402
from support.phones import Phones, import_phones  # noqa: E402
from support.rtpload import RtpLoad  # noqa: E402
from support.sip import make_sdp  # noqa: E402
from support.sip_calls import GOOD  # noqa: E402
from support.usage import pause  # noqa: E402

RATE = 10 if SANITIZED else 50
LENGTH_S = 4
PAIRS = 20
PRIVATE = "10.0.0.5"
PHONES, FIRST = 200, 2000000
ROUND_S = 60 if SANITIZED else 27  # how long the load has to last
HOLE_MOST_MS = 5000 if SANITIZED else 1000
SETTINGS = {"SS_SECURITY_UNKNOWN_RATE": 10000}
SETTLE_S = 75
WITHIN_S = 1.0


class UpgradeSwitch(Installed, sip.FaultSwitch):
    pass


def build(name):
    """What is built only for tests of upgrades."""
    subprocess.run(["cmake", "--build", os.path.dirname(bin_dir()),
                    "--target", name], check=True, capture_output=True)


class Registering(threading.Thread):
    """Phones that register, again and again, until they are told to end."""

    def __init__(self, s):
        super().__init__(daemon=True)
        import_phones(s, FIRST, PHONES)
        self.phones = Phones([str(FIRST + n) for n in range(PHONES)],
                             lambda number: f"pw{number}", s.at, PHONES)
        s.peers.callback(self.phones.close)
        self.done, self.error = 0, None
        self.over = False
        self.again = 0

    def run(self):
        try:
            while not self.over:
                self.phones.register(window=20)
                self.done += PHONES
                pause(1)
        except Exception as error:  # pylint: disable=broad-except
            self.error = error

    def end(self):
        self.over = True
        self.join(60)
        self.again = sum(d.tries for d in self.phones.devices.values())


def media_port(sdp):
    return int(sdp.split("m=audio ")[1].split()[0])


def establish(lane, body):
    """A machine that stood still has sipd turn callers away for a moment."""
    for _ in range(4):
        try:
            return lane.establish(body=body)
        except AssertionError:
            pause(2)
    return lane.establish(body=body)


def connect(s, load, lane):
    """Answered calls whose media the load sends."""
    calls = []
    for n in range(PAIRS):
        port = load.ports[2 * n + 1]
        lane.b.sdp = lambda p=port, **kwargs: make_sdp(PRIVATE, p, **kwargs)
        call, there = establish(lane, make_sdp(PRIVATE, load.ports[2 * n]))
        load.to(2 * n, s.net.switch, media_port(call.answer.sdp))
        load.to(2 * n + 1, s.net.switch, media_port(there.invite.sdp))
        calls.append((call, there))
    return calls


def sides_of(s, calls):
    ends = []
    sip.LENGTH_S, sip.RATE = LENGTH_S, RATE
    for n, (prefix, caller, called) in enumerate(sip.DIRECTIONS):
        a, b = s.net.address(), s.net.address()
        s.change("mapping", "add", f"a{n}", account="customer", addresses=a,
                 local_ip=s.net.switch)
        s.change("routing", "add", f"b{n}", account="vendor",
                 prefixes=prefix, local_ip=s.net.switch,
                 addresses=f"{b}:5060")
        there = sip.end_of(s, called, b, prefix, calls, False)
        ends.append((sip.end_of(s, caller, a, prefix, calls, True), there))
    return ends


class Steps:
    """What is done, how long it takes, and what RTP notices of it."""

    def __init__(self, s, load, rng):
        self.s, self.load, self.rng = s, load, rng
        self.rows = []

    def step(self, name, act):
        pause(self.rng.uniform(0.3, 0.9))
        self.load.mark()
        began = time.monotonic()
        act()
        took = time.monotonic() - began
        pause(0.4)  # what waited in the sockets is through by then
        self.load.mark()
        self.rows.append((name, took))

    def restart(self, name):
        before = self.s.status()
        ready = len(self.s.log_events("supervisor_ready"))

        def act():
            self.s.do("restart", name)
            if name == "supervisor":
                wait_for(10, lambda: len(self.s.log_events(
                    "supervisor_ready")) > ready, "the next supervisor")
            self.s.wait_ready(15, unlike={} if name == "supervisor" else {
                f"{name}.0": before[f"{name}.0"]["pid"]})
        self.step(f"restart {name}", act)

    def upgrade(self, what, sipd):
        before = self.s.status()
        for name in (*DAEMONS, self.s.program.name):
            self.s.install(name, sipd if name == "sipd" else None)
        self.step(what, lambda: self.s.do("upgrade"))
        after = self.s.wait_ready(15)
        for name in DAEMONS:
            row = after[f"{name}.0"]
            assert row["pid"] != before[f"{name}.0"]["pid"], row
            assert row["restarts"] == 0, row

    def round(self):
        for name in (*DAEMONS, "supervisor"):
            self.restart(name)
        self.upgrade("upgrade", "sipd_next")
        assert self.s.layout_of("calls") == self.s.first + 1
        self.upgrade("upgrade back", "sipd")
        assert self.s.layout_of("calls") == self.s.first


def judge(pairs, records, calls, standing):
    """(answered, lines that say what is wrong)"""
    answered, _, _, worst, bad = sip.judge(pairs, records, WITHIN_S)
    for a, _ in pairs:
        for what in ("refused", "unanswered", "hanging"):
            found = getattr(a, what)
            bad += [f"{call}: {what} {[r for r in records if r['call_id_a'] == call]}"
                    for call in list(found)[:5]]
    if answered != calls:
        bad.append(f"{calls - answered} calls of {calls} were not answered")
    if len(records) != calls + standing:
        bad.append(f"{len(records)} records of {calls + standing} calls")
    wrong = [r for r in records if r["end_reason"] != "NormalRelease"]
    bad += [f"a call ended otherwise: {r}" for r in wrong[:5]]
    return answered, worst, bad


def show(steps, windows):
    print(f"{'step':<18} {'took s':>7} {'RTP lost':>9} {'hole ms':>8}")
    for (name, took), w in zip(steps, windows):
        print(f"{name:<18} {took:>7.2f} {w['lost']:>9} {w['hole_ms']:>8.1f}")


def main():
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 30)
    calls = int(rounds * ROUND_S * RATE / 2)
    build("sipd_next")
    print(f"seed {seed}, {rounds} rounds, {2 * calls} calls", flush=True)

    with UpgradeSwitch(settings=SETTINGS, calls=4000,
                       relay=16 * RATE * LENGTH_S + 8 * PAIRS,
                       bindings=PHONES + 100) as s:
        lane = s.lane(GOOD)
        with RtpLoad(s.bin, PAIRS, lane.a.address, lane.b.address) as load:
            standing = connect(s, load, lane)
            registering = Registering(s)
            registering.start()
            load.start()
            pause(1)
            load.reset()
            ends = sides_of(s, calls)
            steps = Steps(s, load, random.Random(seed))
            for _ in range(rounds):
                steps.round()
            spare = [a for a, _ in ends if a.process.poll() is None]
            for a, _ in ends:
                a.wait(120)
            registering.end()
            rtp = load.finish()
        for call, there in standing:
            call.bye()
            call.expect("200 BYE")
            there.expect("BYE")
        left = s.settled(SETTLE_S)
        records = s.records()
        pairs = [(sip.seen_by(a), sip.seen_by(b)) for a, b in ends]
        beside = s.beside()
        bound = s.metrics_of("regd.0").get("tandem_regd_bindings", PHONES)
        s.stop()

    answered, worst, bad = judge(pairs, records, 2 * calls, PAIRS)
    windows = rtp["windows"][1::2]
    holes = [w["hole_ms"] for w in windows]
    if registering.error:
        bad.append(f"registering: {registering.error!r}")
    if bound != PHONES:
        bad.append(f"{bound} bindings of {PHONES}")
    if rtp["lost"] or rtp["strange"]:
        bad.append(f"{rtp['lost']} RTP packets lost, {rtp['strange']} at the "
                   "wrong end")
    if max(holes) > HOLE_MOST_MS:
        bad.append(f"a hole of {max(holes):.0f} ms")
    if left or beside:
        bad.append(f"something is left: {left} {beside}")
    if not spare:
        print("note: the load had ended before the last step")
    show(steps.rows, windows)
    for line in bad[:20]:
        print("FAILED:", line)
    print(f"upgrade: rounds={rounds} steps={len(steps.rows)} calls={2 * calls + PAIRS} answered={answered + PAIRS} failed={2 * calls - answered} records={len(records)} registrations={registering.done} sent_again={registering.again} rtp_sent={rtp['sent']} rtp_lost={rtp['lost']} hole_median_ms={statistics.median(holes):.1f} hole_max_ms={max(holes):.1f} off_s={worst:.2f} seed={seed}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
