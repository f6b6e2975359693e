#!/usr/bin/env python3
"""Everything dies, again and again, and nobody loses a call, a record, a cent.

test/fault/run chaos [minutes [seed]] [--svg FILE] [--keep FOLDER]

Calls with sound both ways, 50 a second of 10 s each, half of them of a prepaid
account and half ended by the called side; phones that renew their
registrations; an operator who changes the configuration. Every two seconds
something goes wrong: SIGKILL of any daemon, the supervisor too, SIGSTOP and
SIGCONT, a restart of PostgreSQL, a tenth of the messages on the bus lost, wall
time stepped by an hour. The programs are those of a release.

Bounds: every call that was placed has the same outcome at both ends and
exactly one record that says so, its duration right within 1.25 s; 99.5 of 100
were answered; no end waits for another that is gone; each kill of mediad
leaves a hole beyond the spacing of at most 100 ms, 20 ms at the median, and
there is none of 100 ms without one (chaos_holes.py says whose a hole is);
"ledger verify" finds nothing; descriptors, memory, slots, ports and lines are
back where they were. --keep leaves behind what that was judged by: log, calls,
records, faults, and when the machine stood still.
"""

import argparse
import collections
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import chaos_svg  # noqa: E402
from chaos_holes import (HOLE_MEDIAN_MS, HOLE_MOST_MS, Verdict,  # noqa: E402
                         Watch, rows_of, tell_wide)
from support.cases import bin_dir  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.paid_switch import PaidSwitch  # noqa: E402
from support.phones import Phones  # noqa: E402
from support.usage import pause, pin  # noqa: E402

RATE, LENGTH_MS = 50, 10000
PREFIXES = ("4420", "4421")
PHONES, PHONES_EVERY_S = 200, 5.0
CHANGE_EVERY_S = 3.0
FAULT_EVERY_S = 2.0
WARM_S = 15       # until the load is what it will be
SETTLE_S = 110    # an end gives up after 90
ANSWERED_LEAST = 0.995
OFF_S = 1.25      # sipd that hangs is found after a second
GROWTH_KB = 16384
LOAD_CORE = "1"
HOUR_S = 3600
SETTINGS = {"SS_MEDIA_PROXY": "on"}
NAMELESS = "one without a Call-ID"
DAEMONS = ("sipd", "mediad", "regd", "billingd")

# What goes wrong, and how often.
WEIGHTS = (("kill sipd", 4), ("kill mediad", 5), ("kill billingd", 3),
           ("kill regd", 2), ("kill supervisor", 2), ("stop", 2),
           ("database", 2), ("bus", 2), ("clock", 2))


class Switch(PaidSwitch):
    def __init__(self, **kwargs):
        super().__init__(settings=SETTINGS, media=True, rtp=6000, calls=4000,
                         bindings=2 * PHONES, supervisor="supervisor",
                         **kwargs)
        self.text = "faults = on\n" + self.text
        self.conf.write_text(self.text)


class Faults(threading.Thread):
    """Something goes wrong every two seconds; all of it is put right.

    The thread stays when it has done its part: a PostgreSQL that it started
    ends with it, since the kernel takes a thread for a parent.
    """

    def __init__(self, s, rng, seconds):
        super().__init__(daemon=True)
        self.played = threading.Event()
        self.s, self.rng, self.seconds = s, rng, seconds
        self.done = []  # (wall time, what)
        self.stops = []  # of mediad: (from, to), wall time
        self.counts = collections.Counter()
        self.is_bus = self.is_clock = self.is_down = False
        self.errors = []

    def note(self, what):
        self.done.append((time.time(), what))
        self.counts[what] += 1

    def pid(self, name):
        return next(iter(self.s.pids(name)), None)

    def all_start(self):
        """An operator does not wait for a back-off."""
        for name, row in self.s.status().items():
            if row["state"] in ("backoff", "down"):
                self.s.try_start(name.split(".")[0])

    def daemons_do(self, what, value):
        for name in DAEMONS:
            with contextlib.suppress(Exception):
                self.s.ask("daemon.fault", process=f"{name}.0", what=what,
                           value=value, timeout=1)

    def kill(self, name):
        if name == "supervisor":
            self.note("kill supervisor")
            self.s.process.kill()
            self.s.process.wait()
            self.s.start(wait=False)
            return
        pid = self.pid(name)
        if pid:
            self.note(f"kill {name}")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self):
        name = self.rng.choice(DAEMONS)
        pid = self.pid(name)
        if not pid:
            return
        self.note(f"stop {name}")
        began = time.time()
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            pause(self.rng.uniform(0.1, 1.5))
            if self.s.pids(name).get(pid):
                os.kill(pid, signal.SIGCONT)
        if name == "mediad":
            self.stops.append((began, time.time()))

    def database(self):
        self.note("database stops" if not self.is_down else "database starts")
        if self.is_down:
            self.s.pg.start()
        else:
            self.s.pg.stop(self.rng.choice(("fast", "immediate")))
        self.is_down = not self.is_down

    def bus(self):
        self.is_bus = not self.is_bus
        if self.is_bus:
            self.note("bus")
        self.daemons_do("bus", 10 if self.is_bus else 0)

    def clock(self):
        self.is_clock = not self.is_clock
        self.note("clock")
        self.daemons_do("clock", self.rng.choice((-HOUR_S, HOUR_S))
                        if self.is_clock else 0)

    def one(self):
        names, weights = zip(*WEIGHTS)
        name = self.rng.choices(names, weights)[0]
        if name.startswith("kill"):
            self.kill(name.split()[1])
        else:
            getattr(self, name)()

    def run(self):
        begun = time.monotonic()
        at = 0.0
        while (at := at + FAULT_EVERY_S) < self.seconds:
            pause(max(0.0, begun + at + self.rng.uniform(-0.5, 0.5) -
                      time.monotonic()))
            try:
                self.one()
                self.all_start()
            except Exception as error:  # pylint: disable=broad-except
                self.errors.append(repr(error))
        self.played.set()
        threading.Event().wait()

    def over(self):
        """All is as it was before."""
        if self.is_down:
            self.database()
        for what in ("bus", "clock"):
            self.daemons_do(what, 0)

        def lives():
            self.all_start()
            rows = self.s.status()
            return rows and all(r["state"] == "ready" for r in rows.values())
        wait_for(60, lives, "all of them")
        wait_for(60, lambda: (self.s.status().get("billingd.0") or {}).get(
            "database") == "up", f"the database: {self.s.status()}")
        for what in ("bus", "clock"):
            self.daemons_do(what, 0)


class PatientPhones(Phones):
    """Who is turned away for overload asks again a second later."""

    turned_away = 0

    def answered(self, text, under):
        if text.startswith("SIP/2.0 503"):
            number = text.split("\r\nTo:")[1].split("sip:")[1].split("@")[0]
            device = under.get(number)
            if device:
                self.turned_away += 1
                device.data = self.request(device)
                device.sent = time.monotonic()
            return
        super().answered(text, under)


class Registrations(threading.Thread):
    """Phones that renew theirs, in rounds."""

    def __init__(self, s):
        super().__init__(daemon=True)
        self.s, self.rounds, self.failed = s, 0, []
        self.is_over = threading.Event()
        numbers = [str(7000000 + n) for n in range(PHONES)]
        for number in numbers:
            s.change("phone", "add", number, account="customer",
                     password=f"pw{number}")
        self.phones = PatientPhones(numbers, lambda n: f"pw{n}", s.at, 20)

    def run(self):
        while not self.is_over.is_set():
            began = time.monotonic()
            try:
                self.phones.register(within=60)
                self.rounds += 1
            except Exception as error:  # pylint: disable=broad-except
                self.failed.append(str(error).splitlines()[0][:200])
            self.is_over.wait(max(0.0, began + PHONES_EVERY_S -
                                  time.monotonic()))

    def end(self):
        self.is_over.set()
        self.join(90)
        self.phones.close()


class Changes(threading.Thread):
    """An operator at work: what is refused while the database is away is
    asked for again later."""

    def __init__(self, s):
        super().__init__(daemon=True)
        self.s, self.made, self.refused = s, 0, 0
        self.is_over = threading.Event()

    def run(self):
        n = 0
        while not self.is_over.wait(CHANGE_EVERY_S):
            n += 1
            try:
                self.s.ask("param.set", SS_SIP_SESSION_TTL=str(600 + n % 60))
                self.s.ask("routing.set", name="b0",
                           priority=str(1 + n % 2))
                self.made += 1
            except Exception:  # pylint: disable=broad-except
                self.refused += 1

    def end(self):
        self.is_over.set()
        self.join(30)


def usage(s):
    """{process: (descriptors, own memory in KB)}"""
    rows = {}
    for pid, name in s.pids().items():
        with contextlib.suppress(OSError), \
                open(f"/proc/{pid}/status", encoding="ascii") as f:
            kb = next(int(line.split()[1]) for line in f
                      if line.startswith("RssAnon"))
            rows[name] = (len(os.listdir(f"/proc/{pid}/fd")), kb)
    return rows


class Load:
    """Two pairs of ends, each a half of the calls."""

    def __init__(self, s, calls):
        self.s, self.calls = s, calls
        self.processes, self.files = [], []
        for n, prefix in enumerate(PREFIXES):
            a, b = s.net.address(), s.net.address()
            s.change("mapping", "add", f"a{n}", addresses=a,
                     account="prepaid" if n else "customer",
                     local_ip=s.net.switch)
            s.change("routing", "add", f"b{n}", account="vendor",
                     prefixes=prefix, local_ip=s.net.switch,
                     addresses=f"{b}:5060")
            self.files.append(s.dir / f"calls{n}")
            self.processes.append((a, b, prefix, self.files[-1]))

    def start(self):
        at = self.s.at
        self.processes = [subprocess.Popen(
            [f"{self.s.bin}/manycalls", f"{a}:5060", f"{at[0]}:{at[1]}",
             f"{b}:5060", prefix, str(self.calls // 2), str(RATE // 2),
             str(LENGTH_MS), str(file)], cwd="/", stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, text=True)
            for a, b, prefix, file in self.processes]
        for process in self.processes:
            pin(process.pid, LOAD_CORE)

    def wait(self, seconds):
        """What both saw: {word: number}"""
        seen = collections.Counter()
        for process in self.processes:
            text, _ = process.communicate(timeout=seconds)
            assert process.returncode == 0, text
            for word in text.split():
                key, value = word.split("=")
                seen[key] += int(value)
        return seen

    def kill(self):
        for process in self.processes:
            if isinstance(process, subprocess.Popen):
                process.kill()
                process.wait()

    def lines(self):
        found = collections.defaultdict(list)
        for file in self.files:
            for line in file.read_text().splitlines():
                what, *words = line.split()
                found[what].append(words)
        return found


# --- what became of it --------------------------------------------------------

def judge(calls, records):
    """Figures, and what is wrong, one line each."""
    of = collections.defaultdict(list)
    for record in records:
        of[record.get("call_id_a", NAMELESS)].append(record)
    bad, figures = [], collections.Counter()
    for _, call_id, a, b, ms in calls:
        rows = of.pop(call_id, [])
        figures["placed"] += 1
        figures["records"] += len(rows)
        figures["doubled"] += max(0, len(rows) - 1)
        # A caller who was refused has nobody at the other end.
        fits = (a, b) == ("ended", "ended") or \
            a == "refused" and b in ("none", "refused", "ended")
        if a == "ended":
            figures["answered"] += 1
        elif a == "refused":
            figures["refused"] += 1
        if not fits:
            figures["lost"] += 1
            bad.append(f"{call_id}: a {a}, b {b}: {rows}")
            continue
        if len(rows) != 1:
            # Who is turned away before anything is known has none.
            if rows or a == "ended":
                figures["without"] += not rows
                bad.append(f"{call_id}: {len(rows)} records: a {a}, b {b}")
            else:
                figures["unrecorded"] += 1
            continue
        row = rows[0]
        if a == "ended":
            if not row.get("answer_time"):
                figures["wrong"] += 1
                bad.append(f"{call_id}: not answered by its record: {row}")
                continue
            off = abs(row["duration_ms"] - int(ms)) / 1000
            figures["off_ms"] = max(figures["off_ms"], round(off * 1000))
            if off > OFF_S:
                figures["wrong"] += 1
                bad.append(f"{call_id}: {off:.2f} s off: {row}")
        elif row.get("answer_time") and b != "ended":
            figures["wrong"] += 1
            bad.append(f"{call_id}: answered by its record alone: {row}")
    strangers = [c for c in of if c.startswith("call") or c == NAMELESS]
    bad += [f"a record of no call: {c}" for c in strangers]
    return figures, bad


def compare(before, after):
    """What has grown: {process: what}"""
    bad = []
    for name, (fds, kb) in before.items():
        now = after.get(name)
        if not now:
            bad.append(f"{name} is not there")
        elif now[0] > fds + 2:
            bad.append(f"{name}: {fds} descriptors became {now[0]}")
        elif now[1] > kb + GROWTH_KB:
            bad.append(f"{name}: {kb} KB became {now[1]}")
    return bad


def play(s, minutes, rng):
    """(load, faults, watch, registrations, changes, seen, before, what is
    wrong)"""
    bad = []
    s.ask("account.add", name="prepaid", rate_table="retail")
    s.ask("account.recharge", name="prepaid", amount="100000")
    seconds = minutes * 60
    load = Load(s, int((seconds + WARM_S) * RATE) // 2 * 2)
    phones, changes = Registrations(s), Changes(s)
    before = usage(s)
    faults = Faults(s, rng, seconds)
    watch = Watch(s.bin, s.dir / "still")
    try:
        load.start()
        phones.start()
        changes.start()
        pause(WARM_S)
        for name, row in usage(s).items():  # pools have grown
            before[name] = (before.get(name, row)[0], row[1])
        faults.start()
        faults.played.wait()
        faults.over()
        seen = load.wait(SETTLE_S + LENGTH_MS / 1000 + 180)
    finally:
        load.kill()
        watch.end()
        phones.end()
        changes.end()
    return load, faults, watch, phones, changes, seen, before, bad


def books(s):
    bad = [f"books: {r}" for r in s.ask("ledger.verify", timeout=120)
           if r["wrong"]]
    if s.unbalanced() != "0":
        bad.append("a balance is not the sum of its entries")
    doubled = s.sql("select count(*) - count(distinct cdr_id) from cdr")
    if doubled != "0":
        bad.append(f"{doubled} records are there twice")
    held = s.ask("account.show", name="prepaid")[0]
    if float(held.get("reserved") or 0):
        bad.append(f"held for calls that are over: {held['reserved']}")
    return bad


def keep(folder, files, records, faults):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copy(file, folder)
    for name, what in (("records", records), ("faults", faults)):
        (folder / f"{name}.json").write_text(json.dumps(what, indent=1,
                                                        default=str))


def table(rows):
    width = max(len(name) for name, *_ in rows)
    for name, value, bound in rows:
        print(f"{name:<{width}}  {value:>12}  {bound}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin")
    parser.add_argument("minutes", nargs="?", type=float, default=10)
    parser.add_argument("seed", nargs="?", type=int,
                        default=random.randrange(1 << 30))
    parser.add_argument("--svg")
    parser.add_argument("--keep")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    print(f"seed {args.seed}, {args.minutes:g} minutes", flush=True)
    bin_dir()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # clean up
    with Switch() as s:
        load, faults, watch, phones, changes, seen, before, bad = play(
            s, args.minutes, rng)
        still = watch.stillness()
        left, wrong = s.rest(SETTLE_S)
        bad += wrong
        bad += books(s)
        records = s.records()
        bad += compare(before, usage(s))
        quarantined = s.log_events("slot_quarantined")
        lines = load.lines()
        s.stop()
        if args.keep:
            keep(args.keep, (s.log, watch.file, *load.files), records,
                 {"done": faults.done, "mediad stopped": faults.stops})

    figures, wrong = judge(lines["call"], records)
    bad += wrong
    bad += [f"an operator: {e}" for e in faults.errors[:5]]
    bad += [f"phones: {e}" for e in phones.failed[:5]]
    if quarantined:
        bad.append(f"set aside: {quarantined[:3]}")
    kills = [at for at, what in faults.done if what == "kill mediad"]
    sound = Verdict(kills, faults.stops, [(float(at), float(ms)) for
                                          at, ms, *_ in lines["hole"]], still)
    median, worst = sound.kill_median(), sound.kill_worst()
    late = max((float(r[8]) for r in lines["second"]), default=0.0)
    sent = sum(int(r[4]) for r in lines["second"])
    lost = sum(int(r[6]) for r in lines["second"])
    deaf = len(lines["deaf"])
    part = figures["answered"] / max(1, figures["placed"])
    for what, is_bad in (
            (f"only {part:.2%} of the calls were answered",
             part < ANSWERED_LEAST),
            (f"the median hole is {median:.1f} ms", median >= HOLE_MEDIAN_MS),
            (f"the worst hole is {worst:.1f} ms", worst >= HOLE_MOST_MS),
            (f"a hole of {sound.apart_worst():.1f} ms without a kill",
             sound.apart_worst() >= HOLE_MOST_MS),
            (f"{deaf} ends never heard the other", deaf),
            (f"{seen['twice']} calls came twice", seen["twice"]),
            (f"{seen['phantoms']} calls without a caller",
             seen["phantoms"])):
        if is_bad:
            bad.append(what)

    for line in bad[:30]:
        print("FAILED:", line[:500])
    total = sum(faults.counts.values())
    table([
        ("calls placed", figures["placed"], ""),
        ("  answered, and ended at both ends", figures["answered"],
         f"at least {ANSWERED_LEAST:.1%}"),
        ("  refused, and nobody at the other end", figures["refused"], ""),
        *((f"    {reason}", n, "") for reason, n in collections.Counter(
            r["end_reason"] for r in records
            if not r.get("answer_time")).most_common(5)),
        ("  lost: the ends disagree, or one waits", figures["lost"], "0"),
        ("records", figures["records"], "one for each"),
        ("  missing", figures["without"], "0"),
        ("  doubled", figures["doubled"], "0"),
        ("  wrong: outcome, or 1.25 s off", figures["wrong"], "0"),
        ("  worst difference to the wire, ms", figures["off_ms"], "1250"),
        ("RTP packets sent", sent, ""),
        ("  lost", lost, ""),
        ("  ends that never heard the other", deaf, "0"),
        ("kills of mediad", len(kills), ""),
        *rows_of(sound, late),
        ("rounds of 200 registrations", phones.rounds, ""),
        ("  that failed", len(phones.failed), "0"),
        ("  phones that were asked to wait", phones.phones.turned_away, ""),
        ("changes of the configuration", changes.made, ""),
        ("  refused while something was away", changes.refused, ""),
        ("things left in use", len(left), "0"),
        ("faults", total, ""),
        *((f"  {what}", n, "") for what, n in
          sorted(faults.counts.items()))])
    tell_wide(sound, faults.done)
    if args.svg:
        chaos_svg.write(args.svg, lines, faults.done, records, args.seed)
    print(f"chaos: minutes={args.minutes:g} faults={total} calls={figures['placed']} answered={figures['answered']} refused={figures['refused']} lost={figures['lost']} records={figures['records']} missing={figures['without']} doubled={figures['doubled']} wrong={figures['wrong']} rtp_sent={sent} rtp_lost={lost} hole_median_ms={median:.1f} hole_max_ms={worst:.1f} apart_max_ms={sound.apart_worst():.1f} still_max_ms={still.worst_ms():.1f} left={len(left)} bad={len(bad)} seed={args.seed}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
