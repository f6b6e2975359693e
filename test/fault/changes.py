#!/usr/bin/env python3
"""Ten thousand changes by command, and a reader that never waits.

test/fault/run changes [changes]

Parameters and gateways are changed one by one through the control socket, as
an operator's script would; a reader pins and checks every version meanwhile.

Bounds: every change in force when its command returns, memory and shared
memory as at the beginning, no version torn or mixed, no pin above 100 ms
whatever else the machine does.
"""

import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.switch import Switch  # noqa: E402
from support.usage import small_pages  # noqa: E402

PIN_US = 100000
# Allocator noise; a sanitizer keeps what is freed aside for a while.
RSS_GROWTH_KB = 262144 if os.environ.get("TANDEM_SANITIZED") == "1" else 4096
GATEWAYS = 20
WARM_UP = 200


def resident(cluster):
    rows = {}
    for pid, name in cluster.pids().items():
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            rows[name] = next(int(line.split()[1]) for line in f
                              if line.startswith("VmRSS"))
    return rows


def objects(cluster):
    """Pieces of shared memory there are, and their bytes"""
    found = [e for e in os.scandir("/dev/shm")
             if e.name.startswith(cluster.shm + ".")]
    return len(found), sum(e.stat().st_size for e in found)


def change(s, n):
    if n % 2:
        s.ask("param.set", SS_MAX_CPS=str(n % 1000 + 1))
        return
    s.ask("routing.set", name=f"gw{n % GATEWAYS}",
          priority=str(n % 1000), prefixes=f"44{n % 97},1{n % 89}")


def main():
    changes = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
    small_pages()
    with Switch() as s:
        for n in range(GATEWAYS):
            s.ask("routing.add", name=f"gw{n}",
                  addresses=f"203.0.113.{n + 1}:5060")
        for n in range(WARM_UP):
            change(s, n)
        watch = subprocess.Popen(
            [s.bin / "catalogwatch", s.shm], cwd="/", text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        before, shm_before = resident(s), objects(s)
        took = []
        for n in range(changes):
            began = time.monotonic()
            change(s, n)
            took.append(time.monotonic() - began)
        after, shm_after = resident(s), objects(s)
        version = s.ask("catalog.status")[0]["version"]
        assert set(s.versions().values()) == {version}
        text, _ = watch.communicate("", timeout=30)
        s.stop()

    seen = dict(item.split("=") for item in text.split())
    grown = max(after[name] - before[name] for name in before)
    took.sort()
    print(f"{'process':<18} {'KB before':>10} {'after':>8}")
    for name, kb in sorted(before.items()):
        print(f"{name:<18} {kb:>10} {after[name]:>8}")
    print(f"changes: changes={changes} median_ms={1000 * took[len(took) // 2]:.1f}"
          f" p99_ms={1000 * took[len(took) * 99 // 100]:.1f}"
          f" rss_grown_kb={grown} shm_objects={shm_before[0]}/{shm_after[0]}"
          f" shm_grown_kb={(shm_after[1] - shm_before[1]) // 1024} {text.strip()}")
    bad = [what for what, wrong in (
        ("memory grew", grown > RSS_GROWTH_KB),
        ("pieces of shared memory stay", shm_after[0] > shm_before[0] + 2),
        ("shared memory grew", shm_after[1] - shm_before[1] > 4 << 20),
        ("a torn version was seen", int(seen["torn"]) > 0),
        ("a mixed version was seen", int(seen["mixed"]) > 0),
        ("a reader waited", int(seen["worst_pin_us"]) > PIN_US)) if wrong]
    for what in bad:
        print(f"FAILED: {what}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
