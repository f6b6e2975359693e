"""What processes and the machine use: CPU, memory, lost datagrams."""

import contextlib
import os
import pathlib
import subprocess
import time

from support.sip import wait_until

TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")


def ticks(pid):
    """User and system time of a process, in clock ticks."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    words = text.rsplit(")", 1)[1].split()
    return int(words[11]) + int(words[12])


def precise_us(pid):
    """CPU time of a process: of its threads, to the nanosecond where the
    kernel tells it, else by the tick."""
    total = 0
    try:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    except (OSError, IndexError):
        return ticks(pid) * TICK_US
    return total / 1000


def small_pages():
    """For what judges memory: before a cluster starts. Large pages, which the
    supervisor asks for, come or do not come by chance, 2 MB at a time."""
    os.environ["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=0"


def pss_kb(pids):
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += int(text.split("\nPss:")[1].split()[0])
    return total


def busy_us():
    """Of all cores together."""
    words = pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:]
    user, nice, system, _, _, irq, soft = map(int, words[:7])
    return (user + nice + system + irq + soft) * TICK_US


def stolen_us():
    """What the host gave to others while we would have run, of all cores."""
    words = pathlib.Path("/proc/stat").read_text().split("\n")[0].split()
    return int(words[8]) * TICK_US if len(words) > 8 else 0.0


def drops(address):
    """Datagrams that found no room in a socket of this address."""
    number = "".join(f"{int(b):02X}" for b in reversed(address.split(".")))
    rows = pathlib.Path("/proc/net/udp").read_text().splitlines()[1:]
    return sum(int(r.split()[-1]) for r in rows
               if r.split()[1].startswith(number + ":"))


def pause(seconds):
    wait_until(time.monotonic() + seconds)


def pin(pid, core):
    subprocess.run(["taskset", "-a", "-c", "-p", core, str(pid)], check=False,
                   capture_output=True)


def idle_us(pids, seconds=2.0):
    """CPU a second of processes that have nothing to do."""
    before = sum(map(precise_us, pids))
    pause(seconds)
    return (sum(map(precise_us, pids)) - before) / seconds
