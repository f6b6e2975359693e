"""How test/fault/matrix.py does each fault, undoes it, and what must be seen.

A fault has four parts: begin() before the calls, hit() when they are where
they are to be, heal() when their ends have acted, and seen(): what is missing
in the log and in the metrics.
"""

import contextlib
import os
import signal
import threading

from support.cluster import wait_for
from support.usage import pause

STOP_S = 5
HOUR_S = 3600
LOSS_PERCENT = 10
FILLER = "filler"
LOOK_S = 2.5  # the journal looks for room each second


class Fault:
    def __init__(self, s, targets):
        self.s, self.targets = s, targets
        self.mark = 0

    # -- what they have in common ---------------------------------------------

    def events(self, name):
        """Lines of the log with this event since the fault."""
        text = self.s.log.read_bytes()[self.mark:].decode(errors="replace")
        return [line for line in text.splitlines()
                if f'"event":"{name}"' in line]

    def pid_of(self, target):
        if target == "supervisor":
            return self.s.process.pid
        return next(iter(self.s.pids(target)))

    def strike(self, signo):
        for target in self.targets:
            with contextlib.suppress(ProcessLookupError, StopIteration):
                os.kill(self.pid_of(target), signo)

    def revive(self):
        """The test is the service manager: it starts a supervisor that died."""
        if "supervisor" in self.targets:
            self.s.process.wait(timeout=10)
            self.s.start(wait=False)

    def all_ready(self, seconds=40):
        """An operator does not wait for a back-off."""
        def ready():
            rows = self.s.status()
            for name, row in rows.items():
                if row["state"] in ("backoff", "down"):
                    self.s.try_start(name.split(".")[0])
            return len(rows) >= 5 and all(
                r["state"] == "ready" for r in rows.values())
        wait_for(seconds, ready, f"all ready: {self.s.status()}")

    def deaths(self, signo):
        """A daemon's death is in the log and counted, unless its supervisor
        died with it: then the next one finds it gone."""
        missing = []
        daemons = [t for t in self.targets if t != "supervisor"]
        if "supervisor" in self.targets:
            if not self.events("supervisor_ready"):
                missing.append("no supervisor_ready in the log")
            return missing
        exits = self.events("process_exit") + self.events("process_gone")
        for name in daemons:
            own = [e for e in exits if f"{name}.0" in e]
            if not any(f'"signal":{int(signo)}' in e or
                       f"signal={int(signo)}" in e or "process_gone" in e
                       for e in own):
                missing.append(f"no process_exit of {name} in the log")
            series = f'tandem_process_restarts_total{{process="{name}.0"}}'
            if not self.s.metrics_of("supervisor").get(series):
                missing.append(f"{series} is 0")
        return missing

    # -- the four parts ---------------------------------------------------------

    def begin(self):
        pass

    def hit(self):
        pass

    def heal(self):
        pass

    def seen(self):
        return []

    def mark_log(self):
        self.mark = self.s.log.stat().st_size


class Kill(Fault):
    signo = signal.SIGKILL

    def hit(self):
        self.strike(self.signo)
        self.revive()

    def seen(self):
        return self.deaths(self.signo)


class Abort(Kill):
    signo = signal.SIGABRT


class Stop(Fault):
    """They go on after STOP_S, whatever the ends still wait for: nobody
    replaces who stopped together with the supervisor."""

    def hit(self):
        self.pids = [self.pid_of(t) for t in self.targets]
        self.timer = threading.Timer(STOP_S, self.go_on)
        self.strike(signal.SIGSTOP)
        self.timer.start()

    def go_on(self):
        for pid in self.pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def heal(self):
        self.timer.join()

    def seen(self):
        """Those whose beat is watched by the second were replaced."""
        if "supervisor" in self.targets:
            return []
        stuck = self.events("process_stuck")
        return [f"no process_stuck of {t} in the log" for t in self.targets
                if t in ("sipd", "mediad") and
                not any(f"{t}.0" in e for e in stuck)]


class Asked(Fault):
    """One that a daemon does to itself."""

    def ask(self, what, value):
        for target in self.targets:
            if target != "supervisor":
                self.s.ask("daemon.fault", process=f"{target}.0", what=what,
                           value=value)

    def seen(self):
        return [f"no fault_set of {t} in the log" for t in self.targets
                if t != "supervisor" and
                not any(f"{t}.0" in e for e in self.events("fault_set"))]


class Bus(Asked):
    def lost(self):
        return sum(self.s.metrics_of(f"{t}.0").get("tandem_bus_lost_total", 0)
                   for t in self.targets if t != "supervisor")

    def begin(self):
        self.before = self.lost()
        self.ask("bus", LOSS_PERCENT)

    def heal(self):
        self.after = self.lost()

    def end(self):
        self.ask("bus", 0)

    def seen(self):
        # Nobody says much to regd while calls are made.
        if self.targets == ("regd",) or self.lost() > self.before:
            return super().seen()
        return ["tandem_bus_lost_total has not grown"]


class Clock(Asked):
    sign = 1

    def hit(self):
        self.ask("clock", self.sign * HOUR_S)

    def end(self):
        self.ask("clock", 0)


class ClockBack(Clock):
    sign = -1


class Full(Kill):
    """state_dir is a small file system of its own; a file fills it."""

    def hit(self):
        path = self.s.dir / "state" / FILLER
        with open(path, "wb", buffering=0) as f, \
                contextlib.suppress(OSError):
            while f.write(bytes(1 << 16)):
                pass
        super().hit()

    def heal(self):
        self.all_ready()

    def end(self):
        (self.s.dir / "state" / FILLER).unlink(missing_ok=True)
        self.all_ready()
        pause(LOOK_S)
        wait_for(15, lambda: self.s.gauge(
            "tandem_billing_journal_used_percent") < 90, "room on the disk")

    def seen(self):
        full = self.events("journal_full") + self.events("journal_high") + \
            self.events("journal_spare_failed")
        return super().seen() + ([] if full else
                                 ["no journal_full in the log"])


class Database(Kill):
    def thinned(self):
        """Lines that billingd kept to itself since there were many alike"""
        return self.s.metrics_of("billingd.0").get(
            "tandem_log_thinned_total", 0)

    def begin(self):
        self.before = self.thinned()

    def hit(self):
        self.s.pg.stop("fast")
        super().hit()

    def heal(self):
        self.all_ready()
        self.up = self.s.gauge("tandem_billing_db_up")

    def end(self):
        self.s.pg.start()
        self.s.database_up()

    def seen(self):
        missing = super().seen()
        if self.up != 0:
            missing.append(f"tandem_billing_db_up was {self.up}")
        if not self.events("db_down") and self.thinned() <= self.before:
            missing.append("no db_down in the log")
        wait_for(15, lambda: self.s.gauge("tandem_billing_db_up") == 1,
                 "tandem_billing_db_up 1")
        return missing


HOW = {"kill": (Kill,), "stop": (Stop,), "abort": (Abort,), "bus": (Bus,),
       "clock": (Clock, ClockBack), "full": (Full,), "database": (Database,)}
