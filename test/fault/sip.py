#!/usr/bin/env python3
"""sipd dies while calls go through it, and no call is lost.

test/fault/run sip [kills [seed]]

Real sipp calls real sipp: 50 calls a second of 10 s each, half of them ended
by the caller and half by the called side; sipd is killed at random instants.
Each end writes down what it saw of every call.

Bounds: every call is answered, but for those that were refused for overload,
which are named; every call that the caller saw answered ends on both ends, and
has exactly one record, whose duration is right within 1 s and the time sipd
was away; no call has two; no end waits for a BYE that never comes; nothing is
left in sipd: no call, line, transaction or text.
"""

import collections
import datetime
import os
import pathlib
import random
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import SANITIZED  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.sip_switch import SipSwitch  # noqa: E402
from support.sipp import Sipp  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent / "sipp"
RATE = 10 if SANITIZED else 50
LENGTH_S = 10
KILL_EVERY_S = 1.8  # on average
WITHIN_S = 1.0
# The transaction of a BYE waits 32 s for copies of it. So long an answer waits
# for its ACK that a killed sipd had given, and the BYE comes behind it.
SETTLE_S = 75
SHORT = 10
# A successor that has just begun may be late for what has waited: it says so.
HONEST = ("CapacityLimit", "none")
SHORT_LIST = {"SS_SIP_RESEND_INTERVAL": "0.5,0.5,1,1,2,2"}
DIRECTIONS = (("4420", "uac_ends", "uas_waits"),
              ("4421", "uac_waits", "uas_ends"))

Seen = collections.namedtuple(
    "Seen", "answered ended hanging bye unanswered refused")


def seen_by(sipp):
    """What one end wrote down: {what: {call id: when}}"""
    found = collections.defaultdict(dict)
    for line in (sipp.dir / "log").read_text().splitlines():
        what, call, s, us = line.split()
        found[what][call] = float(s) + float(us) / 1e6
    return Seen(*(found[w] for w in Seen._fields))


def end_of(s, scenario, address, prefix, calls, caller, share=0.5):
    options = ["-trace_logs", "-log_file", "log", "-d",
               str(LENGTH_S * 1000), "-recv_timeout", "120000",
               "-default_behaviors", "all,-pingreply"]
    if caller:
        options += ["-cid_str", f"{prefix}-%u-%p@%s"]
    return s.peer_sipp(Sipp(
        str(HERE / f"{scenario}.xml"), address,
        remote=s.at if caller else None, calls=calls if caller else 10**9,
        rate=RATE * share, limit=10**5, keys={"prefix": prefix}, trace=False,
        options=options))


class Kills:
    """SIGKILL for sipd at random instants; what it cost."""

    def __init__(self, s, rng):
        self.s, self.rng = s, rng
        self.number = 0
        self.worst = 0.0

    def one(self):
        pid = next(iter(self.s.pids("sipd")))
        at = time.monotonic() + self.rng.uniform(0, 2 * KILL_EVERY_S)
        wait_for(10, lambda: time.monotonic() > at, "a random instant")
        os.kill(pid, signal.SIGKILL)
        began = time.monotonic()

        def lives():
            # An operator does not wait for the back-off of one that dies so
            # often.
            row = self.s.status().get("sipd.0") or {}
            if row.get("state") not in ("ready", "starting"):
                self.s.try_start("sipd")
            return row.get("state") == "ready" and row["pid"] != pid
        wait_for(20, lives, "a successor")
        self.worst = max(self.worst, time.monotonic() - began)
        self.number += 1


class FaultSwitch(SipSwitch):
    def __init__(self, **kwargs):
        self.sipps = []
        super().__init__(**kwargs)

    def peer_sipp(self, sipp):
        self.sipps.append(sipp)
        self.peers.enter_context(sipp)
        return sipp


def not_answered(pairs, records):
    """Why calls were not answered, by their record: {reason: [call id]}"""
    reason_of = {r["call_id_a"]: r["end_reason"] for r in records}
    found = collections.defaultdict(list)
    for a, _ in pairs:
        for call in {**a.refused, **a.unanswered}:
            reason = reason_of.get(call, "none")
            if call in a.unanswered and reason == "none":
                reason = "silence"
            found[reason].append(call)
    return found


def when(text):
    return datetime.datetime.fromisoformat(
        text.replace("Z", "+00:00")).timestamp()


def judge(pairs, records, within_s):
    """Figures, and what is wrong, one line each."""
    by_a = collections.defaultdict(list)
    ids = collections.Counter(r["cdr_id"] for r in records)
    of = collections.defaultdict(list)
    for r in records:
        by_a[r["call_id_a"]].append(r)
        of[r["call_id_a"]].append(r)
        of[r.get("call_id_b")].append(r)
    bad, worst = [], 0.0
    answered = lost = doubled = 0
    for a, b in pairs:
        for call, at in a.answered.items():
            answered += 1
            rows = [r for r in by_a[call] if r.get("answer_time")]
            if len(rows) != 1:
                doubled += len(rows) > 1
                lost += not rows
                bad.append(f"{call}: {len(rows)} records of an answered call:"
                           f" {by_a[call]}")
                continue
            there = rows[0]["call_id_b"]
            if call not in a.ended or there not in b.ended:
                lost += 1
                bad.append(f"{call}: ended at a: {call in a.ended}, at b: "
                           f"{there in b.ended}: {rows[0]}")
                continue
            end = a.bye.get(call) or b.bye.get(there) or \
                min(a.ended[call], b.ended[there])
            wrong = abs(rows[0]["duration_ms"] / 1000 - (end - at))
            worst = max(worst, wrong)
            if wrong > within_s:
                bad.append(f"{call}: {wrong:.2f} s off: {rows[0]}")
        bad += [f"{call}: no record, and no final" for call in a.unanswered
                if not by_a[call]]
        for who, end in (("a", a), ("b", b)):
            for call in {*end.hanging, *(set(end.answered) - set(end.ended))}:
                bad.append(f"{call}: {who} was never told that it ended: "
                           f"{of[call]}")
    doubled += sum(n - 1 for n in ids.values())
    bad += [f"{i}: {n} records" for i, n in ids.items() if n > 1]
    return answered, lost, doubled, worst, bad


def main():
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 30)
    rng = random.Random(seed)
    calls = int((kills * KILL_EVERY_S + 4) * RATE / 2)
    print(f"seed {seed}, {kills} kills, {2 * calls} calls", flush=True)

    with FaultSwitch(settings=SHORT_LIST if kills < SHORT else None,
                     calls=4000) as s:
        sides = []
        for n, (prefix, caller, called) in enumerate(DIRECTIONS):
            a, b = s.net.address(), s.net.address()
            s.change("mapping", "add", f"a{n}", account="customer",
                     addresses=a, local_ip=s.net.switch)
            s.change("routing", "add", f"b{n}", account="vendor",
                     prefixes=prefix, local_ip=s.net.switch,
                     addresses=f"{b}:5060")
            sides.append((a, b, prefix, caller, called))
        ends = []
        for a, b, prefix, caller, called in sides:
            there = end_of(s, called, b, prefix, calls, False)
            ends.append((end_of(s, caller, a, prefix, calls, True),
                         there))
        killer = Kills(s, rng)
        for _ in range(kills):
            killer.one()
        for a, _ in ends:
            a.wait(120)
        left = s.settled(SETTLE_S)
        records = s.records()
        pairs = [(seen_by(a), seen_by(b)) for a, b in ends]
        quarantined = s.log_events("slot_quarantined")
        s.stop()

    answered, lost, doubled, worst, bad = judge(
        pairs, records, WITHIN_S + killer.worst)
    failed = 2 * calls - answered
    refused = sum(len(a.refused) for a, _ in pairs)
    recovered = sum(r["end_reason"] == "SystemRecovery" for r in records)
    failures = not_answered(pairs, records)
    lost_setups = 0
    for reason, which in sorted(failures.items()):
        print(f"not answered: {reason}: {len(which)}")
        if reason not in HONEST:
            lost_setups += len(which)
            bad.append(f"set-ups lost ({reason}): {which[:3]}")
    for line in bad[:20]:
        print("FAILED:", line)
    if left:
        print("FAILED: something is left:", left)
    if quarantined:
        print("FAILED: set aside:", *quarantined[:5], sep="\n  ")
    enough = answered > 0.8 * 2 * calls
    if not enough:
        print("FAILED: most calls have to be answered")
    print(f"{'kills':>6} {'calls':>7} {'answered':>9} {'failed':>7} {'refused':>8} {'records':>8} {'recovered':>10} {'worst s':>8} {'down s':>7}")
    print(f"{kills:>6} {2 * calls:>7} {answered:>9} {failed:>7} {refused:>8} {len(records):>8} {recovered:>10} {worst:>8.2f} {killer.worst:>7.2f}")
    print(f"sip: kills={kills} calls={2 * calls} answered={answered} lost={lost} setups_lost={lost_setups} records={len(records)} doubled={doubled} left={len(left)} off_s={worst:.2f} seed={seed}")
    return 1 if bad or left or quarantined or not enough else 0


if __name__ == "__main__":
    sys.exit(main())
