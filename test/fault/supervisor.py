#!/usr/bin/env python3
"""Random deaths of every process, under a stream of datagrams.

test/fault/run supervisor [faults [seed]]

SIGKILL, SIGABRT and SIGSTOP hit the daemons and the supervisor in random
order while a probe sends 1,000 datagrams a second to a daemon that echoes.
The test plays the service manager: it starts a supervisor that died again.

Bounds: no datagram lost; every daemon READY within 1 s of its predecessor's
death, back-off aside; never two processes of one daemon; descriptors and
memory at the end as at the beginning.
"""

import os
import random
import select
import signal
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cluster import Cluster, wait_for  # noqa: E402
from support.usage import small_pages  # noqa: E402

RATE = 1000          # datagrams a second
READY_MS = 1000      # bound, from death to READY
# Allocator noise; in 200 deaths a leak of 5 KB each exceeds it. A sanitizer keeps what is
# freed aside for a while, and finds leaks by itself.
RSS_GROWTH_KB = 65536 if os.environ.get("TANDEM_SANITIZED") == "1" else 1024
WARM_UP = 14         # faults before the baseline is read: pools have grown


class Probe(threading.Thread):
    """Sends numbered datagrams at RATE and notes which came back."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setblocking(False)
        self.sent = 0
        self.back = bytearray(1 << 21)
        self.doubled = 0
        self.gap = 0.0
        self.running = True

    def receive(self):
        while True:
            try:
                data = self.sock.recv(64)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                raise AssertionError("the socket was closed: ICMP refused")
            number, at = struct.unpack("!Id", data)
            self.doubled += self.back[number]
            self.back[number] = 1
            self.gap = max(self.gap, time.monotonic() - at)

    def run(self):
        began = time.monotonic()
        while self.running:
            due = int((time.monotonic() - began) * RATE)
            while self.sent < due:
                self.sock.send(struct.pack("!Id", self.sent,
                                           time.monotonic()))
                self.sent += 1
            select.select([self.sock], [], [], 1 / RATE)
            self.receive()

    def finish(self):
        """Stop sending; what is under way comes back within its time."""
        self.running = False
        self.join()

        def all_back():
            self.receive()
            return self.missing() == 0
        try:
            wait_for(5, all_back, "the last answers")
        except AssertionError:
            pass
        return self.missing()

    def missing(self):
        return self.sent - sum(self.back[:self.sent])


def measure(cluster):
    """The same once it stands still: after a death the bus has links to make
    anew, for at most a second or two."""
    since, last = time.monotonic(), {}

    def still():
        nonlocal since, last
        now = measure_now(cluster)
        fds = {name: row[0] for name, row in now.items()}
        if fds != last:
            since, last = time.monotonic(), fds
        return now if time.monotonic() - since > 1.5 else None
    return wait_for(15, still, "the number of descriptors to stand still")


def measure_now(cluster):
    """{name: (descriptors, resident KB)} of every process."""
    rows = {}
    for pid, name in cluster.pids().items():
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            rss = next(int(l.split()[1]) for l in f if l.startswith("VmRSS"))
        rows[name] = (len(os.listdir(f"/proc/{pid}/fd")), rss)
    return rows


def doubled(cluster):
    names = list(cluster.pids().values())
    return [n for n in set(names) if names.count(n) > 1]


def alive(pid, start):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return fields[0] not in "ZX" and fields[19] == start
    except (FileNotFoundError, ProcessLookupError):
        return False


def start_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        return f.read().rsplit(")", 1)[1].split()[19]


def hit_supervisor(cluster, rng, signo):
    """Dead at once, or stopped and then either woken or killed, as a service
    manager's watchdog does. Returns the time its successor needed."""
    before = {n: r["pid"] for n, r in cluster.status().items()}
    process = cluster.process
    process.send_signal(signo)
    if signo == signal.SIGSTOP:
        woken = rng.random() < 0.5
        until = time.monotonic() + 1.5
        wait_for(3, lambda: time.monotonic() > until, "the stop to last")
        if woken:
            process.send_signal(signal.SIGCONT)
            began = time.monotonic()
            after = cluster.wait_ready(10)
            same_pids(before, after)
            return time.monotonic() - began
        process.kill()
    process.wait(timeout=10)
    began = time.monotonic()
    after = cluster.start(wait=False).wait_ready(20)
    same_pids(before, after, besides="supervisor")
    return time.monotonic() - began


def same_pids(before, after, besides=None):
    for name, pid in before.items():
        if name != besides:
            assert after[name]["pid"] == pid, \
                f"{name} was restarted though only the supervisor was hit"


def hit_daemon(cluster, name, signo):
    """Returns the time from its death to READY, back-off left out."""
    pid = cluster.status()[name]["pid"]
    start = start_of(pid)
    os.kill(pid, signo)
    wait_for(15, lambda: not alive(pid, start), f"{name} to die of {signo}")
    began = last = time.monotonic()
    waited = 0.0

    def back():
        nonlocal last, waited
        row = cluster.status().get(name, {})
        now = time.monotonic()
        if row.get("state") == "backoff":
            waited += now - last
        last = now
        return row.get("state") == "ready" and row["pid"] != pid

    wait_for(30, back, f"{name} to be ready again")
    return last - began - waited


def main():
    bin_dir = os.path.abspath(sys.argv[1])
    faults = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 30)
    rng = random.Random(seed)
    print(f"seed {seed}, {faults} faults")

    table = {}  # (target, signal) -> [seconds]
    twice = 0
    small_pages()
    with Cluster(bin_dir, "test_supervisor",
                 workers={"sipd": 2, "mediad": 2}) as cluster:
        cluster.start()
        probe = Probe(cluster.echo)
        probe.start()
        targets, baseline = [], None
        for number in range(faults):
            if number == min(WARM_UP, faults // 2):
                baseline = measure(cluster)
            if not targets:  # each in turn, in an order of its own
                targets = sorted(cluster.status())
                rng.shuffle(targets)
            target = targets.pop()
            signo = rng.choice([signal.SIGKILL, signal.SIGSTOP,
                                signal.SIGABRT])
            if target == "supervisor":
                took = hit_supervisor(cluster, rng, signo)
            else:
                took = hit_daemon(cluster, target, signo)
            cluster.wait_ready(30)
            twice += len(doubled(cluster))
            table.setdefault((target, signo.name), []).append(took)
        lost = probe.finish()
        at_end = measure(cluster)
        supervisor = cluster.metrics_of("supervisor")
        cluster.stop()

    print(f"{'target':<12} {'signal':<8} {'faults':>6} {'median ms':>10} {'worst ms':>9}")
    worst = 0.0
    for (target, signo), seconds in sorted(table.items()):
        ms = sorted(1000 * s for s in seconds)
        print(f"{target:<12} {signo:<8} {len(ms):>6} {ms[len(ms) // 2]:>10.0f} {ms[-1]:>9.0f}")
        worst = max(worst, ms[-1])

    grown_fds = grown_kb = 0
    print(f"{'process':<18} {'fds before':>10} {'after':>6} {'KB before':>10} {'after':>7}")
    for name, (fds, rss) in sorted(at_end.items()):
        fds0, rss0 = baseline[name]
        grown_fds = max(grown_fds, fds - fds0)
        grown_kb = max(grown_kb, rss - rss0)
        print(f"{name:<18} {fds0:>10} {fds:>6} {rss0:>10} {rss:>7}")

    adoptions = supervisor.get("tandem_supervisor_adoptions_total", 0)
    print(f"supervisor: faults={faults} sent={probe.sent} lost={lost}"
          f" doubled_answers={probe.doubled} longest_answer_ms={1000 * probe.gap:.0f}"
          f" ready_worst_ms={worst:.0f} fds_grown={grown_fds}"
          f" rss_grown_kb={grown_kb} doubled_processes={twice}"
          f" adoptions={adoptions:.0f} seed={seed}")
    bad = [what for what, wrong in (
        ("a datagram was lost", lost > 0),
        ("a daemon was not ready in time", worst > READY_MS),
        ("descriptors grew", grown_fds > 0),
        ("memory grew", grown_kb > RSS_GROWTH_KB),
        ("a process was doubled", twice > 0)) if wrong]
    for what in bad:
        print(f"FAILED: {what}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
