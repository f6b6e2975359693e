#!/usr/bin/env python3
"""What the caller notices, and what the record says, whatever dies when.

test/fault/run matrix [--short] [--docs] [word...]

Seven faults, six targets, six states of a call: the table of matrix_table.py.
One cluster serves them all. Each episode brings eight calls to their states
(and lets one more come while the fault lasts), does the fault once, lets the
ends act, hears whether sound goes both ways, hangs up, and looks at the wire,
the records, the metrics and the log. Words choose rows: "kill sipd", "kill sipd+mediad". --short
is what CTest runs; --docs writes the result into docs/survival.md.

Bounds: what the table says (cells that are known not to keep it yet, NOT_YET,
fail without failing the run); and in the end every call placed has one record,
"ledger verify" finds nothing, and nothing is left in sipd and mediad.
"""

import datetime
import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import matrix_calls  # noqa: E402
import matrix_faults  # noqa: E402
import matrix_table as table  # noqa: E402
from support.cases import SANITIZED, bin_dir  # noqa: E402
from support.cluster import ROOT, wait_for  # noqa: E402
from support.paid_switch import PaidSwitch  # noqa: E402
from support.rtpload import RtpLoad  # noqa: E402
from support.sip_phone import Phone  # noqa: E402
from support.usage import pause  # noqa: E402

PREFIX = "4430"
STATE_MB = 112  # of the file system of state_dir
OFF_S = 1.0     # a record may be so far from the wire
LATE_S = 0.3    # of the wire itself: our ends are threads
SETTLE_S = 75
HEARD_LEAST = 5
SETTINGS = {"SS_MEDIA_PROXY": "on",
            "SS_SIP_RESEND_INTERVAL": "0.5,0.5,1,1,2,2"}
DOCS = ROOT / "docs" / "survival.md"
BEGIN, END = "<!-- matrix begin -->", "<!-- matrix end -->"
PRIVATE = "TANDEM_MATRIX_PRIVATE"
OPTIONS = {"--short", "--docs"}


class Switch(PaidSwitch):
    def __init__(self, **kwargs):
        super().__init__(settings=SETTINGS, media=True, rtp=400, calls=200,
                         **kwargs)
        self.text = "faults = on\n" + self.text
        self.conf.write_text(self.text)
        self.has_disk = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={STATE_MB}m,mode=0755",
             "tmpfs", str(self.dir / "state")], check=False,
            capture_output=True).returncode == 0 if os.environ.get(
                PRIVATE) else False

    def __exit__(self, kind, value, trace):
        if self.has_disk:
            for pid in self.pids():
                os.kill(pid, 9)
            subprocess.run(["umount", "-l", str(self.dir / "state")],
                           check=False)
        super().__exit__(kind, value, trace)


class Rig:
    """The switch, both ends of all calls, and a phone that registers."""

    off_s = OFF_S + LATE_S

    def __init__(self, s, load):
        self.s, self.load = s, load
        self.promise = table.KEPT
        self.number = 0
        self.pointed = {}
        self.placed = 0
        self.phone = None

    def prepare(self):
        s = self.s
        self.a = s.peer(matrix_calls.Caller(self.load.a, switch=s.at))
        self.a.resends = True
        self.b = s.peer(matrix_calls.Carrier(self.load.b, switch=s.at))
        s.ask("account.add", name="prepaid", rate_table="retail")
        s.ask("account.recharge", name="prepaid", amount="1000")
        s.change("mapping", "add", "caller", account="prepaid",
                 addresses=self.load.a, local_ip=s.net.switch)
        s.change("routing", "add", "carrier", account="vendor",
                 prefixes=PREFIX, local_ip=s.net.switch,
                 addresses=f"{self.load.b}:5060")
        s.change("phone", "add", "70001", account="customer",
                 password="secret")
        self.phone = s.peer(Phone(s.net.address(), s.at, "70001"))
        self.phone.resends = True
        self.phone.register(expires=600)
        for end in range(2 * self.load.pairs):
            self.load.ask(f"mute {end}")
        self.load.start()
        return self

    def point(self, end, host, port):
        if self.pointed.get(end) != (host, port):
            self.pointed[end] = host, port
            with self.s.lock:
                self.load.to(end, host, port)

    def speak(self, calls, is_on=True):
        """Both ends of these calls send media, or no more."""
        words = "talk" if is_on else "mute"
        with self.s.lock:
            for call in calls:
                for end in (2 * call.pair, 2 * call.pair + 1):
                    self.load.ask(f"{words} {end}")

    def calls(self):
        self.number += 1
        made = [kind(self, pair, f"{PREFIX}{self.number:04}{pair}")
                for pair, kind in enumerate(matrix_calls.KINDS)]
        self.placed += len(made)
        return made

    def reports(self):
        with self.s.lock:
            return self.load.report()


def register(rig, wrong):
    """A phone renews its registration, whatever has happened."""
    try:
        rig.phone.register(expires=600)
        rows = rig.s.ask("registration.list", number="70001")
        assert rows, "no binding is left"
    except Exception as error:  # pylint: disable=broad-except
        wrong.append(f"a phone registers: {str(error).splitlines()[0]}")


class Episode:
    """One fault, and what became of eight calls."""

    def __init__(self, rig, fault, target, how, processes):
        self.rig, self.name = rig, (fault, target)
        self.fault = how(rig.s, processes)
        self.processes = processes
        self.wrong = []  # what is no call's own
        self.hole_ms = self.lost = self.took_s = 0

    def run(self):
        rig = self.rig
        rig.promise = table.promise(*self.name, self.processes)
        began = time.monotonic()
        self.fault.all_ready()
        self.fault.mark_log()
        self.calls = rig.calls()
        self.fault.begin()
        try:
            self.play()
        finally:
            if hasattr(self.fault, "end"):
                self.fault.end()
        self.fault.all_ready()
        self.records()
        self.wrong += self.fault.seen()
        self.took_s = time.monotonic() - began
        return self

    def play(self):
        rig, calls = self.rig, self.calls
        matrix_calls.all_do([c for c in calls if not c.late], "prepare")
        talking = [c for c in calls if c.talks and not c.wrong]
        rig.speak(talking)
        pause(0.3)
        rig.load.reset()
        pause(0.2)  # a silence is told by the packet before it
        self.fault.hit()
        matrix_calls.all_do(
            [c for c in calls if not c.wrong], "act")
        self.fault.heal()
        self.fault.all_ready()
        if "regd" in self.processes or "sipd" in self.processes:
            register(rig, self.wrong)
        pause(0.3)
        self.listen(talking)
        self.sound([c for c in calls if c.is_up and not c.wrong])
        matrix_calls.all_do([c for c in calls if not c.wrong], "hang_up")
        matrix_calls.all_do([c for c in calls if c.wrong], "give_up")

    def listen(self, talking):
        """How long anybody heard nothing, and what was lost."""
        rig = self.rig
        rig.speak(talking, False)
        pause(0.2)
        report = rig.reports()
        self.hole_ms = max(w["hole_ms"] for w in report["windows"])
        self.lost = report["lost"]
        if not talking:
            return
        for call in talking:
            if min(report["heard"][2 * call.pair:2 * call.pair + 2]) == 0:
                call.wrong.append("an end heard nothing any more")
        promise = rig.promise
        if self.hole_ms > promise.hole_ms * (5 if SANITIZED else 1):
            self.wrong.append(f"a hole of {self.hole_ms:.0f} ms")
        if self.lost > promise.lost:
            self.wrong.append(f"{self.lost} packets lost")

    def sound(self, calls):
        """Everybody who talks is heard."""
        rig = self.rig
        rig.load.reset()
        rig.speak(calls)
        pause(0.3)
        rig.speak(calls, False)
        pause(0.1)
        heard = rig.reports()["heard"]
        for call in calls:
            ends = heard[2 * call.pair:2 * call.pair + 2]
            if min(ends) < HEARD_LEAST:
                call.wrong.append(f"heard after it: {ends} packets")

    def records(self):
        wanted = {c.call.call_id for c in self.calls if c.call and
                  c.is_recorded}
        found = []

        def written():
            found[:] = self.rig.s.records()
            pause(0.2)
            return wanted <= {r["call_id_a"] for r in found}
        try:
            wait_for(20, written, "all records")
        except AssertionError:
            pass
        for call in self.calls:
            if not call.wrong:
                call.judge(found)

    # -- the result -----------------------------------------------------------

    def failures(self):
        """{state: lines}; "" is what is no call's own."""
        found = {"": list(self.wrong)}
        for call in self.calls:
            found.setdefault(call.state, []).extend(
                f"{type(call).__name__}: {w}" for w in call.wrong)
        return found


def run_row(rig, fault, target, is_short, words):
    """{state: lines of what is wrong}, and figures."""
    wrong = {state: [] for state in ("", *table.STATES)}
    hole, lost, took = 0, 0, 0
    for processes in table.pairs(fault, target, is_short, words):
        for how in matrix_faults.HOW[fault]:
            try:
                e = Episode(rig, fault, target, how, processes).run()
            except Exception as error:  # pylint: disable=broad-except
                wrong[""].append(f"{'+'.join(processes)}: "
                                 f"{str(error).splitlines()[0][:300]}")
                continue
            hole, lost = max(hole, e.hole_ms), max(lost, e.lost)
            took += e.took_s
            for state, lines in e.failures().items():
                wrong[state] += [f"{'+'.join(processes)}: {line}"
                                 for line in lines]
    return wrong, hole, lost, took


def show(result):
    fault, target, wrong, hole, lost, took = result
    cells = " ".join(f"{'FAILED' if wrong[s] else 'ok':>11}"
                     for s in table.STATES)
    print(f"{fault:9} {target:10} {cells} {hole:8.0f} {lost:5} {took:6.1f}"
          f"{'  FAILED' if wrong[''] else ''}", flush=True)
    for state, lines in wrong.items():
        for line in lines:
            print(f"    {state or 'besides'}: {line[:400]}", flush=True)


def at_the_end(rig):
    """What must hold for the whole run."""
    s = rig.s
    _, bad = s.rest(SETTLE_S)
    bad += [f"books: {r}" for r in s.ask("ledger.verify", timeout=60)
            if r["wrong"]]
    if s.unbalanced() != "0":
        bad.append("a balance is not the sum of its entries")
    doubled = s.sql("select count(*) - count(distinct cdr_id) from cdr")
    if doubled != "0":
        bad.append(f"{doubled} records are there twice")
    shown = s.ask("cdr.query", limit=1)
    if not shown or not shown[0].get("cdr_id"):
        bad.append("cdr query shows nothing")
    return bad


def crashes(s, faults):
    """Daemons that died of themselves: nobody sends these signals."""
    own = ["SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGSYS"]
    if not faults & {"abort", "stop"}:
        own.append("SIGABRT")
    numbers = {int(getattr(signal, name)) for name in own}
    lines = [line for line in s.log_events("process_exit")
             if int((re.search(r'"signal":(\d+)', line) or [0, 0])[1])
             in numbers]
    return [f"died of itself: {line[:200]}" for line in lines[:3]]


def written(text):
    """What the document has: {(fault, target): line}, and what fails."""
    rows, fails = {}, {}
    names = {text: fault for fault, text in table.FAULTS.items()}
    for line in text.split(BEGIN)[1].split(END)[0].splitlines():
        words = [w.strip() for w in line.strip("|").split("|")]
        if line.startswith("|") and words[0] in names:
            rows[names[words[0]], words[1]] = line
        named = re.match(r"- (\w+), (\w+), ", line)
        if named and named[1] in table.FAULTS:
            fails.setdefault((named[1], named[2]), []).append(line)
    return rows, fails


def row_of(result):
    """A row of the table, and a line for each thing that fails."""
    fault, target, wrong, hole, lost, _ = result
    cells = ["**fails**" if wrong[s] else "ok" for s in table.STATES]
    if wrong[""] and "**fails**" not in cells:
        cells = [f"{c}, but" for c in cells]
    line = (f"| {table.FAULTS[fault]} | {target} | " + " | ".join(cells) +
            f" | {hole:.0f} | {lost} |")
    return line, [
        f"- {fault}, {target}, {state or 'besides'}: "
        f"{re.sub(r'[|<>]', ' ', row.splitlines()[0])[:200]}"
        for state, rows in wrong.items() for row in rows]


def document(results):
    """The table, between its marks; what was not run now stays."""
    text = DOCS.read_text(encoding="utf-8")
    states = list(table.STATES)
    rows, fails = written(text)
    for result in results:
        rows[result[:2]], fails[result[:2]] = row_of(result)
    lines = [f"| fault | target | {' | '.join(states)} | silence ms | lost |",
             "|---|---|" + "---|" * (len(states) + 2)]
    failed, told = [], 0
    for fault, name in table.FAULTS.items():
        for target in table.TARGETS:
            if (fault, target) in table.NOT_APPLICABLE:
                lines.append(f"| {name} | {target} | " + " | ".join(
                    ["n/a"] * len(states)) + " | | |")
            elif (fault, target) in rows:
                told += 1
                lines.append(rows[fault, target])
                failed += fails.get((fault, target), [])
    cells = "".join(lines).count("**fails**")
    lines[:0] = [f"Run by {datetime.date.today().isoformat()}: "
                 f"{told * len(states)} cells, {cells or 'none'} failed. "
                 "Silence is the longest that an end heard, lost are packets "
                 "of all calls of the row.", ""]
    lines += ["", "Not applicable:", ""]
    lines += [f"- {table.FAULTS[f]}, {t}: {why}."
              for (f, t), why in table.NOT_APPLICABLE.items()]
    if failed:
        lines += ["", "What fails:", "", *failed]
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    DOCS.write_text(f"{head}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{tail}",
                    encoding="utf-8")


def alone():
    """In a mount namespace of its own, if that may be: the disk that is to be
    full is a small one."""
    if os.environ.get(PRIVATE) or os.getuid() != 0:
        return
    os.environ[PRIVATE] = "1"
    if subprocess.run(["unshare", "-m", "true"], check=False,
                      capture_output=True).returncode == 0:
        os.execvp("unshare", ["unshare", "-m", sys.executable, *sys.argv])
    del os.environ[PRIVATE]


def main():
    words = sys.argv[2:]
    options = {w for w in words if w.startswith("--")}
    is_short = "--short" in options
    words = [w for w in words if w not in options]
    rows = table.rows(is_short, words)
    wrong = [*(options - OPTIONS), *table.unknown(words)]
    if wrong or not rows:
        print("matrix: " + (f"what is {' '.join(wrong)}?" if wrong else
                            f"no row is {' '.join(words)}"), file=sys.stderr)
        print(f"faults: {', '.join(table.FAULTS)}; targets: "
              f"{', '.join(table.TARGETS)}; pairs: "
              f"{', '.join('+'.join(p) for p in table.PAIRS)}",
              file=sys.stderr)
        return 2
    alone()
    bin_dir()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # clean up
    began = time.monotonic()
    results, bad = [], []
    with Switch() as s:
        with RtpLoad(s.bin, len(matrix_calls.KINDS), s.net.address(),
                     s.net.address()) as load:
            rig = Rig(s, load).prepare()
            print(f"{'fault':9} {'target':10} " + " ".join(
                f"{state:>11}" for state in table.STATES) +
                f" {'hole ms':>8} {'lost':>5} {'s':>6}")
            for fault, target in rows:
                if fault == "full" and not s.has_disk:
                    print(f"{fault:9} {target:10} not run: no file system "
                          "may be mounted here")
                    continue
                results.append((fault, target,
                                *run_row(rig, fault, target, is_short,
                                         words)))
                show(results[-1])
            bad = at_the_end(rig)
            quarantined = s.log_events("slot_quarantined")
            bad += crashes(s, {r[0] for r in results})
        if quarantined:
            bad.append(f"set aside: {quarantined[:3]}")
        for line in bad:
            print("FAILED:", line, flush=True)
        if os.environ.get("MATRIX_LOG"):
            shutil.copy(s.log, os.environ["MATRIX_LOG"])
        s.stop()
    if "--docs" in options:
        document(results)
    cells = len(results) * len(table.STATES)
    wrong = [(r[0], r[1], state) for r in results
             for state in ("", *table.STATES) if r[2][state]]
    failed = sum(bool(state) for *_, state in wrong)
    besides = len(wrong) - failed
    known = [cell for cell in wrong if cell in table.NOT_YET]
    for cell in table.NOT_YET:
        if cell not in wrong and cell[2] and any(
                r[:2] == cell[:2] for r in results):
            print("holds now:", *cell)
    print(f"matrix: rows={len(results)} cells={cells} failed={failed} besides={besides} known={len(known)} calls={rig.placed} wrong_at_end={len(bad)} seconds={time.monotonic() - began:.0f}")
    return 1 if len(wrong) > len(known) or bad else 0


if __name__ == "__main__":
    sys.exit(main())
