"""See test/bench/rtp."""

import argparse
import contextlib
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.rtpload import RtpLoad  # noqa: E402
from support.usage import busy_us, drops, idle_us, pause, pin  # noqa: E402
from support.usage import precise_us, stolen_us  # noqa: E402

SERVER_CORE, OTHER_CORE = "0", "1"
RATIO_MOST = 0.5
RATIO_JUDGED = (100, 500, 1000)
LOSS_JUDGED = 1000
P99_JUDGED, P99_MOST_US = 500, 1000
OTHERS_MOST = 0.25  # of a core: other processes, and what the host took
OFFERED_LEAST = 0.97  # of 100 packets/s per stream; less: the load was late
QUIET_LEAST = 3  # windows
PACKETS_PER_S = 100  # of a stream, both ways
WARM_S = 1.0  # addresses are learned
PORTS_PER_STREAM = 4


class Tandem:
    name = "tandem"

    def __init__(self, streams):
        from support.mediatalk import MediaSwitch  # reads the command line
        # Twice: pairs rest for 2 s when they are given back.
        self.switch = MediaSwitch(ports=2 * PORTS_PER_STREAM * streams + 64,
                                  calls=2 * streams + 100)
        self.relay = self.switch.relay

    def __enter__(self):
        s = self.switch.__enter__()
        self.net = s.net
        for pid, program in s.pids().items():
            pin(pid, SERVER_CORE if program.startswith("mediad")
                else OTHER_CORE)
        self.mediad = list(s.pids("mediad"))
        self.all = list(s.pids())
        self.connect = s.connect
        return self

    def release(self, numbers):
        self.switch.talk.ask_all([f"release {n} all" for n in numbers])

    def workers(self):
        return self.mediad

    def own(self):
        return self.all

    def __exit__(self, *error):
        self.switch.__exit__(*error)


def rtpengine(streams):
    from support.rtpengine import Rtpengine
    return Rtpengine(core=SERVER_CORE,
                     ports=2 * PORTS_PER_STREAM * streams + 64)


def window(server, load, streams, args, idle):
    """What a second or so of the run was like."""
    workers, own = server.workers(), server.own() + [load.pid, os.getpid()]
    load.reset()
    began, cpu = time.monotonic(), sum(map(precise_us, workers))
    ours, all_of_it, stolen = sum(map(precise_us, own)), busy_us(), stolen_us()
    pause(args.window)
    cpu = sum(map(precise_us, workers)) - cpu
    took = time.monotonic() - began
    ours = sum(map(precise_us, own)) - ours
    all_of_it, stolen = busy_us() - all_of_it, stolen_us() - stolen
    said = load.report()
    return {"us": (cpu - idle * took) / max(said["received"], 1),
            "core": cpu / 1e6 / took,
            "offered": said["sent"] / (streams * PACKETS_PER_S * took),
            "sent": said["sent"], "lost": said["windows"][0]["lost"],
            "p50": said["p50_us"], "p99": said["p99_us"],
            "others": max((all_of_it - ours) / 1e6 / took, 0.0) +
            stolen / 1e6 / took}


def run(server, streams, first, args, idle):
    """Windows of one run"""
    before = drops(server.relay)
    with RtpLoad(args.bin, streams, f"{server.net.prefix}.2",
                 f"{server.net.prefix}.3",
                 before=("taskset", "-c", OTHER_CORE)) as load:
        calls = server.connect(load, first)
        load.start()
        pause(WARM_S)
        rows = [window(server, load, streams, args, idle)
                for _ in range(args.windows)]
        end = load.finish()
        server.release(calls)
    assert not end["strange"], end
    # those at the very end, and those the kernel had no room for
    rows[-1]["lost"] = max(rows[-1]["lost"], end["lost"])
    rows[-1]["dropped"] = drops(server.relay) - before
    return rows


def summary(rows):
    """Of the windows that nobody disturbed, or the quietest ones."""
    quiet = [r for r in rows if is_quiet(r)]
    noisy = len(quiet) < QUIET_LEAST
    if noisy:
        quiet = sorted(rows, key=lambda r: r["others"] + 1 - r["offered"]
                       )[:QUIET_LEAST]
    result = {k: statistics.median(r[k] for r in quiet)
              for k in ("us", "core", "offered", "p50", "p99", "others")}
    return {**result, "noisy": noisy, "quiet": len(quiet),
            "windows": len(rows), "sent": sum(r["sent"] for r in quiet),
            "lost": sum(r["lost"] for r in quiet),
            "lost_all": sum(r["lost"] for r in rows),
            "dropped": sum(r.get("dropped", 0) for r in rows)}


def is_quiet(row):
    return row["others"] <= OTHERS_MOST and row["offered"] >= OFFERED_LEAST


def measure(servers, streams, first, args, idles):
    """{server: summary}, the servers in turn."""
    rows = {server.name: [] for server in servers}
    for _ in range(args.runs if streams in RATIO_JUDGED else 1):
        for server in servers:
            rows[server.name] += run(server, streams, first, args,
                                     idles[server.name])
            first += streams
    result = {name: summary(r) for name, r in rows.items()}
    for name, r in result.items():
        print(f"{name:>10} {streams:>8} {r['us']:>7.2f} {1e6 / r['us']:>9.0f} "
              f"{100 * r['core']:>6.0f}% {100 * r['offered']:>7.0f}% "
              f"{r['lost']:>6} {r['sent']:>8} {r['dropped']:>8} "
              f"{r['p50']:>7.0f} {r['p99']:>7.0f} {r['others']:>7.2f} "
              f"{r['quiet']}/{r['windows']}{'  noisy' if r['noisy'] else ''}",
              flush=True)
    return result


def judge(results):
    """(figures, what is missed)"""
    figures, missed = [], []
    for streams, row in results.items():
        for name, r in row.items():
            figures.append(f"{name}_us_{streams}={r['us']:.2f}")
            figures.append(f"{name}_p99_us_{streams}={r['p99']:.0f}")
        ours, theirs = row.get("tandem"), row.get("rtpengine")
        if ours and theirs:
            ratio = ours["us"] / theirs["us"]
            figures.append(f"ratio_{streams}={ratio:.2f}")
            if streams in RATIO_JUDGED and ratio > RATIO_MOST:
                missed.append(f"{ratio:.2f} of rtpengine's CPU per packet at "
                              f"{streams} streams, not {RATIO_MOST}")
        if ours and streams == LOSS_JUDGED:
            figures.append(f"lost_{streams}={ours['lost']}")
            if ours["lost"]:
                missed.append(f"{ours['lost']} packets lost at {streams} "
                              "streams")
        if ours and streams == P99_JUDGED and ours["p99"] >= P99_MOST_US:
            missed.append(f"p99 of {ours['p99']:.0f} us at {streams} streams,"
                          f" not under {P99_MOST_US}")
    return figures, missed


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin")
    parser.add_argument("--vs", choices=["rtpengine"])
    parser.add_argument("--only", choices=["tandem", "rtpengine"])
    parser.add_argument("--streams", default="1,100,500,1000",
                        type=lambda t: [int(n) for n in t.split(",")])
    parser.add_argument("--window", type=float, default=1)
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    sys.argv = [sys.argv[0], args.bin]  # what support.cases reads
    return args


def main():
    args = parse()
    most = max(args.streams)
    kinds = {"tandem": Tandem}
    if args.vs or args.only == "rtpengine":
        kinds["rtpengine"] = rtpengine
    if args.only:
        kinds = {args.only: kinds[args.only]}
    os.sched_setaffinity(0, {int(OTHER_CORE)})
    results, first = {}, 1
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(kind(most)) for kind in kinds.values()]
        idles = {s.name: idle_us(s.workers()) for s in servers}
        print("idle us/s:", {k: round(v) for k, v in idles.items()})
        print(f"{'':>10} {'streams':>8} {'us/pkt':>7} {'pps/core':>9} "
              f"{'core':>7} {'offered':>8} {'lost':>6} {'sent':>8} "
              f"{'dropped':>8} {'p50 us':>7} {'p99 us':>7} {'others':>7} "
              "quiet windows")
        for streams in args.streams:
            results[streams] = measure(servers, streams, first, args, idles)
            first += 2 * args.runs * streams
    figures, missed = judge(results)
    for text in missed:
        print(f"FAILED: {text}")
    if missed and any(r["noisy"] for row in results.values()
                      for r in row.values()):
        print("others used the machine meanwhile, or the load came late "
              "(noisy): measure again when it is quiet")
    print("rtp: " + " ".join(figures))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
