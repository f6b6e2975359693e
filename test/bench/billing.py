#!/usr/bin/env python3
"""What billingd can write: see test/bench/billing."""

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.schema import migrated  # noqa: E402

# As a server of records is set up: nothing that is committed is lost.
DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on",
           "shared_buffers": "1GB", "max_wal_size": "8GB",
           "wal_compression": "lz4", "checkpoint_timeout": "15min"}


def cpu_of_children(pid):
    """Seconds that the ended children of a process took"""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        words = f.read().rsplit(")", 1)[1].split()
    return (int(words[13]) + int(words[14])) / os.sysconf("SC_CLK_TCK")


def busy():
    """Seconds that all cores worked, or were taken by the host"""
    with open("/proc/stat", encoding="ascii") as f:
        words = [int(w) for w in f.readline().split()[1:9]]
    return (sum(words) - words[3] - words[4]) / os.sysconf("SC_CLK_TCK")


def ours():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def output(*words, **kwargs):
    """Of a program, which says what it found; shown as it was."""
    text = subprocess.run([str(w) for w in words], check=True,
                          stdout=subprocess.PIPE, text=True, **kwargs).stdout
    print(text, end="", flush=True)
    return text


def figure(pattern, text):
    return float(re.search(pattern, text).group(1))


def parse():
    words = argparse.ArgumentParser()
    words.add_argument("build")
    words.add_argument("--seconds", type=int, default=10)
    words.add_argument("--store", type=int, default=60)
    words.add_argument("--accounts", type=int, default=100)
    words.add_argument("--rates", type=int, default=1000000)
    return words.parse_args()


def charging(a, build):
    """Pairs per second of a core; look-ups per second of a core"""
    program = f"{build}/test/bench/bench_charging"
    with tempfile.TemporaryDirectory(dir="/var/tmp") as there:
        pairs = output(program, "pairs", f"{there}/j", a.seconds)
    rates = output(program, "rates", a.rates)
    return (figure(r"pairs_per_core_s (\d+)", pairs),
            figure(r"rates_looked_up_per_core_s (\d+)", rates))


def journal(a, build):
    with tempfile.TemporaryDirectory(dir="/var/tmp") as there:
        text = output(f"{build}/bin/bench_billing", "journal", f"{there}/j",
                      a.seconds)
    return figure(r"(\d+) durable records/s", text)


def store(a, build):
    with tempfile.TemporaryDirectory(dir="/var/tmp") as there, migrated(
            "insert into account (name) select 'c' || n from "
            f"generate_series(1, {a.accounts + 1}) n", **DURABLE) as d:
        began, before, all_before = time.monotonic(), ours(), busy()
        text = output(f"{build}/bin/bench_billing", "store", f"{there}/j",
                      a.store, d.conninfo, a.accounts, timeout=a.store + 600,
                      cwd=there)
        took, here = time.monotonic() - began, ours() - before
        all_of_it = busy() - all_before
        d.sql("select pg_sleep(0.5)")
        server = cpu_of_children(d.process.pid)
        records = int(figure(r"store: (\d+) records", text))
        print(f"CPU of a record: {server * 1e6 / records:.0f} us in "
              f"PostgreSQL, {here * 1e6 / records:.0f} us here; others used "
              f"{max(all_of_it - server - here, 0) / took:.2f} of "
              f"{os.cpu_count()} cores meanwhile")
        found = d.sql("select count(*), count(distinct cdr_id) from cdr")
        assert found == f"{records}|{records}", found
        found = d.sql("select count(*), sum(amount) from ledger_double")
        assert found == f"{4 * records}|0", found
    return figure(r"(\d+) records/s into", text), figure(r"for ([\d.]+)",
                                                         text)


def main():
    a = parse()
    build = os.path.abspath(a.build)
    pairs, lookups = charging(a, build)
    durable = journal(a, build)
    stored, lasted = store(a, build)
    found = ((pairs, "authorise_settle_pairs_per_core_s", 20000),
             (lookups, "rates_looked_up_per_core_s", 1000000),
             (durable, "journal_durable_records_s", 10000),
             (stored, "postgresql_records_s", 20000))
    print(f"{'':<36} {'found':>9} {'at least':>9}")
    for value, name, target in found:
        print(f"{name:<36} {value:>9.0f} {target:>9}")
    print("billing: " + " ".join(f"{name}={value:.0f}"
                                 for value, name, _ in found)
          + f" store_s={lasted:.1f}")
    missed = [name for value, name, target in found if value < target]
    for name in missed:
        print(f"FAILED: {name} is below its target")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
