#!/usr/bin/env python3
"""billingd, sipd and PostgreSQL die while calls are charged.

test/fault/run billing [calls [rate [faults [seed]]]]

Real sipp calls real sipp: a party hangs up, or the money of an account that
many calls share is over, or their time, or the called side is busy, or the
caller gives up.
Meanwhile billingd and sipd are killed, and PostgreSQL is stopped at once and
started again, each at random instants of its own. Calls are as long as all
faults take, so that each of them finds some set up, up or ended.

Bounds: all faults were placed. Every call has one record at most, and exactly
one if the caller saw it answered, or refused with 402 or 486, or gave it up;
who has none was told 503. A duration is right within 1 s of the wire and the
time that sipd was away, and within 1 ms of sipd's clock. "ledger verify" finds
nothing; no balance was below its floor after any entry; nothing is left in
sipd, and no hold of a call that ended.
"""

import collections
import contextlib
import json
import os
import pathlib
import random
import signal
import sys
import tempfile
import threading
import time

import sip
from sip import FaultSwitch, end_of, judge, seen_by, when

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import SANITIZED  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.paid_switch import PaidSwitch  # noqa: E402
from support.sipp_flow import Callee  # noqa: E402

LENGTH_S = 3
# So long is the test for each of them. A few are for programs that are not
# optimised, on a machine that is not quiet.
FAULT_S, FEW, FEW_FAULT_S = 0.5, 50, 2
SETTLE_S = 75
UNWRITTEN_S = 0.1  # a line waits for 10 ms, and then for a processor
KILLED_S = 0.01  # behind the time that is noted of a kill it comes
WEIGHTS = (("billingd", 5), ("database", 4), ("sipd", 1))
# prefix, who calls, who is called, whose account, of ten calls
DIRECTIONS = (("4420", "uac_ends", "uas_waits", "customer", 3),
              ("4421", "uac_waits", "uas_ends", "prepaid", 3),
              ("4422", "uac_waits", "uas_waits", "short", 2),
              ("4423", "uac_ends", "busy", "prepaid", 1),
              ("4424", "uac_cancels", "rings", "prepaid", 1))
REASONS = {"402": ("AccountBalanceNotEnough",), "486": ("CalleeBusy",),
           "487": ("CallerCancel",)}
FLOORS = """
select a.name, min(l.balance_after) from ledger l join account a
on a.id = l.account_id where a.overdraft is not null
group by a.name, a.overdraft having min(l.balance_after) < -a.overdraft
"""


class Switch(PaidSwitch, FaultSwitch):
    pass


def pass_until(at):
    wait_for(600, lambda: time.monotonic() >= at, "a random instant")


class Faults:
    """Each kind in a thread of its own: they may fall together. A PostgreSQL
    ends with the thread that started it: that one is the main thread."""

    def __init__(self, s, number, rng, seconds):
        self.s = s
        kinds = collections.Counter(rng.choices(*zip(*WEIGHTS), k=number))
        self.wanted = {name: kinds[name] for name, _ in WEIGHTS}
        self.counts = dict.fromkeys(self.wanted, 0)
        self.late_s = 0.0
        self.sipd_killed = []
        self.errors = []
        work = {name: (name, sorted(rng.uniform(0, seconds) for _ in range(n)),
                       random.Random(rng.random()))
                for name, n in self.wanted.items()}
        threads = [threading.Thread(target=self.place, args=work[name])
                   for name in ("billingd", "sipd")]
        self.begun = time.monotonic()
        for thread in threads:
            thread.start()
        self.place(*work["database"])
        for thread in threads:
            thread.join()

    def place(self, name, instants, rng):
        one = self.database if name == "database" else self.kill
        gone = set()
        try:
            for at in instants:
                pass_until(self.begun + at)
                one(name, rng, gone)
                self.counts[name] += 1
                self.late_s = max(self.late_s, time.monotonic() -
                                  self.begun - at)
        except Exception as error:  # pylint: disable=broad-except
            self.errors.append(f"{name}: {error!r}")

    def kill(self, name, rng, gone):
        def lives():
            # An operator does not wait for the back-off of one that dies so
            # often.
            found = [p for p in self.s.pids(name) if p not in gone]
            if not found:
                self.s.try_start(name)
            return found
        pid = wait_for(60, lives, f"a living {name}")[0]
        pass_until(time.monotonic() + rng.uniform(0, 0.2))
        gone.add(pid)
        if name == "sipd":
            self.sipd_killed.append(time.time())
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def database(self, _name, rng, _gone):
        self.s.pg.stop("immediate")
        pass_until(time.monotonic() + rng.uniform(0, 0.5))
        self.s.pg.start()

    def over(self):
        """All live again, also those that the supervisor has slowed down."""
        def lives():
            rows = self.s.status()
            for name in ("billingd", "sipd"):
                if (rows.get(f"{name}.0") or {}).get("state") != "ready":
                    self.s.try_start(name)
                    return False
            return rows["billingd.0"]["database"] == "up"
        wait_for(60, lives, "all of them")

    def away_s(self):
        """The longest that nobody was there to see what arrived."""
        ready = sorted(when(e["ts"]) for e in map(
            json.loads, self.s.log_events("process_ready"))
            if e["process"] == "sipd.0")
        return max((min([r for r in ready if r > at], default=at) - at
                    for at in self.sipd_killed), default=0)

    def missed(self):
        return self.errors + [
            f"{n - self.counts[name]} faults of {name} were not placed"
            for name, n in self.wanted.items() if n != self.counts[name]]


def clocks(s, records, killed):
    """How far durations are from what sipd has logged, and from its times of
    answer and end: the worst, in ms; how many were not logged. One that is
    killed loses the last lines of its log (log_thread.h)."""
    logged = {}
    for line in s.log.read_text(errors="replace").splitlines():
        if '"call_end"' in line:
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                logged[event["call"]] = event["duration_ms"]
    answered = [r for r in records if r.get("answer_time")]
    off = [abs(r["duration_ms"] - logged[r["cdr_id"]])
           for r in answered if r["cdr_id"] in logged]
    wall = [abs(r["duration_ms"] - 1000 * (
        when(r["end_time"]) - when(r["answer_time"]))) for r in answered]
    unlogged = [when(r["end_time"]) for r in answered
                if r["cdr_id"] not in logged]

    return (max(off, default=0), round(max(wall, default=0)),
            sum(not any(-KILLED_S < at - end < UNWRITTEN_S for at in killed)
                for end in unlogged))


def scenarios(folder, length_s):
    """Those of sip, with calls of up to this length; the others."""
    ms = int(length_s * 1000)
    for name in ("uac_ends", "uac_waits", "uas_ends", "uas_waits",
                 "uac_cancels"):
        text = (sip.HERE / f"{name}.xml").read_text()
        text = text.replace("<pause/>", '<pause distribution="uniform" '
                            f'min="1000" max="{ms}"/>')
        text = text.replace('timeout="10000" ontimeout="3"',
                            f'timeout="{ms}" ontimeout="3"')
        text = text.replace('timeout="45000"', f'timeout="{ms + 35000}"')
        (folder / f"{name}.xml").write_text(text)
    for name, callee in (("busy", Callee().refuses(486)),
                         ("rings", Callee().says(100).says(180)
                          .is_cancelled())):
        (folder / f"{name}.xml").write_text(callee.scenario(name))


def play(s, folder, calls, faults, rng):
    window_s = max(calls / sip.RATE + LENGTH_S,
                   faults * (FEW_FAULT_S if faults < FEW else FAULT_S))
    length_s = window_s - calls / sip.RATE
    scenarios(folder, length_s)
    s.ask("rate-table.add", name="second")
    s.ask("rate.add", table="second", prefix="4", rate="0.60",
          first_increment="1", next_increment="1")
    s.ask("account.add", name="prepaid", rate_table="retail")
    s.ask("account.recharge", name="prepaid", amount="50")
    # Enough for half of those calls to be as long as the others.
    s.ask("account.add", name="short", rate_table="second")
    s.ask("account.recharge", name="short",
          amount=f"{calls * 0.1 * length_s / 2 * 0.01:.2f}")
    s.set(SERVER_BILLING_RESERVE_FIRST=5,
          SS_MAX_CALL_DURATION=int(length_s) + 5)
    ends = []
    for n, (prefix, caller, called, account, share) in enumerate(DIRECTIONS):
        a, b = s.net.address(), s.net.address()
        s.change("mapping", "add", f"a{n}", addresses=a, account=account,
                 local_ip=s.net.switch)
        s.change("routing", "add", f"b{n}", account="vendor",
                 prefixes=prefix, local_ip=s.net.switch,
                 addresses=f"{b}:5060")
        few = calls * share // 10
        there = end_of(s, folder / called, b, prefix, few, False)
        ends.append((end_of(s, folder / caller, a, prefix, few, True,
                            share / 10), there))
    killer = Faults(s, faults, rng, window_s)
    killer.over()
    for a, _ in ends:
        a.wait(200)
    return ends, killer


def told(a):
    """Who was told what, by an error that the scenarios write down."""
    found = collections.defaultdict(set)
    for line in (a.dir / "log").read_text().splitlines():
        code, call, *_ = line.split()
        if code.isdigit():
            found[code].add(call)
    return found


def judge_refused(callers, records):
    """Calls that were not answered: how many have no record; what is wrong."""
    by_a = collections.defaultdict(list)
    for r in records:
        by_a[r["call_id_a"]].append(r)
    turned, bad = 0, []
    for a in callers:
        codes, seen = told(a), seen_by(a)
        for code, reasons in REASONS.items():
            for call in codes[code]:
                if [r["end_reason"] for r in by_a[call]
                        if r["sip_code"] == int(code) and not r["fee"]] != \
                        list(reasons):
                    bad.append(f"{call}: told {code}: {by_a[call]}")
        for call in {**seen.refused, **seen.unanswered}:
            turned += not by_a[call]
            if len(by_a[call]) > 1:
                bad.append(f"{call}: records: {by_a[call]}")
            if not by_a[call] and call not in codes["503"]:
                bad.append(f"{call}: no record, and no 503")
    return turned, bad


def books(s):
    """What money says at the end."""
    bad = [f"books: {r}" for r in s.ask("ledger.verify", timeout=60)
           if r["wrong"]]
    if s.unbalanced() != "0":
        bad.append("a balance is not the sum of its entries")
    below = s.sql(FLOORS)
    if below:
        bad.append(f"below the floor: {below}")
    if s.sql("select count(*) - count(distinct cdr_id) from cdr") != "0":
        bad.append("rows are there twice")
    for name in ("prepaid", "short"):
        money = s.ask("account.show", name=name)[0]
        print(f"{name}:", {k: money.get(k) for k in
                           ("balance", "reserved", "available")})
        if float(money["reserved"]) or float(money["available"]) < 0:
            bad.append(f"{name}: held or overspent: {money}")
    return bad


def main():
    numbers = [int(a) for a in sys.argv[2:]]
    calls, rate, faults, seed = (
        numbers + [200, 10 if SANITIZED else 25, 8,
                   random.randrange(1 << 30)][len(numbers):])
    rng = random.Random(seed)
    sip.RATE = rate
    print(f"seed {seed}, {calls} calls, {faults} faults", flush=True)

    with Switch(settings=sip.SHORT_LIST, calls=4000) as s, \
            tempfile.TemporaryDirectory(prefix="tandem-fault.") as folder:
        ends, killer = play(s, pathlib.Path(folder), calls, faults, rng)
        bad = killer.missed()
        left, wrong = s.rest(SETTLE_S)
        bad += wrong
        records = s.records()
        bad += books(s)
        talks = [(seen_by(a), seen_by(b)) for a, b in ends[:3]]
        turned, wrong = judge_refused([a for a, _ in ends], records)
        off_ms, wall_ms, unlogged = clocks(s, records,
                                          killer.sipd_killed)
        away_s = killer.away_s()
        s.stop()

    bad += wrong
    answered, lost, doubled, worst, wrong = judge(
        talks, records, sip.WITHIN_S + away_s)
    bad += wrong
    if max(off_ms, wall_ms) > 1:
        bad.append(f"a duration is {off_ms} ms off what sipd said, and "
                   f"{wall_ms} ms off its clock")
    if unlogged:
        bad.append(f"sipd has not told the end of {unlogged} calls")
    if answered < 0.05 * calls:
        bad.append(f"only {answered} calls were answered")
    for line in bad[:20]:
        print("FAILED:", line)
    for reason, n in collections.Counter(
            r["end_reason"] for r in records).most_common():
        print(f"{n:>6} {reason}")
    counts = " ".join(f"{k}={v}" for k, v in killer.counts.items())
    print(f"billing: calls={calls} answered={answered} "
          f"faults={sum(killer.counts.values())} {counts} "
          f"records={len(records)} turned_away={turned} lost={lost} "
          f"doubled={doubled} off_s={worst:.2f} off_clock_ms="
          f"{max(off_ms, wall_ms)} away_s={away_s:.2f} left={len(left)} "
          f"late_s={killer.late_s:.1f} seed={seed}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
