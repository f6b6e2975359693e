"""See test/bench/overload."""

import argparse
import contextlib
import subprocess
import sys

from sip import OTHER_CORE, SERVER_CORE, SETTLE_S, Tandem
from support.usage import pause

TIMES = 3
GOODPUT_LEAST = 0.8
SUSTAINED, TRIES = 0.99, 2
LENGTH_MS = 200
RATES = "200,300,450,700,1000,1500,2200,3300,5000"
COLUMNS = ("offered", "goodput", "refused", "hung", "phantoms", "resent")


@contextlib.contextmanager
def spinning(count):
    """Programs that want as much of the worker's core as it does."""
    found = [subprocess.Popen(
        ["taskset", "-c", SERVER_CORE, sys.executable, "-c",
         "while True: pass"], stdin=subprocess.DEVNULL)
        for _ in range(count)]
    try:
        yield
    finally:
        for process in found:
            process.kill()
            process.wait()


def point(server, bin_dir, rate, seconds):
    """One rate, as the table has it"""
    calls = int(rate * seconds)
    load = subprocess.run(
        ["taskset", "-c", OTHER_CORE, f"{bin_dir}/manycalls",
         f"{server.a}:5060", f"{server.address}:5060", f"{server.b}:5060",
         "4420", str(calls), str(rate), str(LENGTH_MS)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        timeout=seconds + 240, check=True)
    seen = {k: int(v) for k, v in (w.split("=") for w in load.stdout.split())}
    row = {"offered": rate, "goodput": seen["good"] / seconds,
           "refused": seen["a_refused"], "hung": seen["a_hung"],
           "phantoms": seen["phantoms"], "resent": seen["copies"]}
    print("".join(f"{row[c]:>10.0f}" for c in COLUMNS), flush=True)
    pause(SETTLE_S)
    return row


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--spin", type=int, default=3)
    parser.add_argument("--rates", default=RATES,
                        type=lambda t: [int(r) for r in t.split(",")])
    args = parser.parse_args()
    if isinstance(args.rates, str):
        args.rates = [int(r) for r in args.rates.split(",")]
    sys.argv = [sys.argv[0], args.bin]  # what support.cases reads
    return args


def main():
    args = parse()
    sustained, rows = 0, []
    with Tandem(10000) as server, spinning(args.spin):
        print("".join(f"{c:>10}" for c in COLUMNS))
        for rate in args.rates:
            # a machine has bad moments, too
            for _ in range(TRIES):
                rows.append(point(server, args.bin, rate, args.seconds))
                if rows[-1]["goodput"] >= SUSTAINED * rate:
                    break
            else:
                break
            sustained = rate
        assert sustained, "no rate is sustained: try lower --rates"
        over = point(server, args.bin, TIMES * sustained, args.seconds)
    peak = max(row["goodput"] for row in (*rows, over))
    share = over["goodput"] / peak
    phantoms = sum(row["phantoms"] for row in (*rows, over))
    missed = [what for what, wrong in (
        (f"goodput is {share:.2f} of its peak, not {GOODPUT_LEAST}",
         share < GOODPUT_LEAST),
        (f"{phantoms} calls without a caller", phantoms)) if wrong]
    for what in missed:
        print("FAILED:", what)
    print(f"overload: sustained={sustained} peak={peak:.0f} "
          f"offered={over['offered']} goodput={over['goodput']:.0f} "
          f"share={share:.2f} refused={over['refused']} "
          f"hung={over['hung']} phantoms={phantoms}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
