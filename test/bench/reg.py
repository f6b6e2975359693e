"""See test/bench/reg."""

import argparse
import contextlib
import os
import pathlib
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
sys.path.insert(0, os.path.dirname(__file__))
import sip  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.phones import Phones, import_phones  # noqa: E402
from support.sip_switch import SipSwitch  # noqa: E402
from support.sipp import is_bound  # noqa: E402
from support.usage import idle_us, pause, pin, precise_us, pss_kb  # noqa: E402

RATIO_MOST = 0.8
BYTES_MOST = 500
FIRST = 2000000
WINDOW_MOST = 2000  # under way, where the rate says how many there are
CYCLE_S = 30
KEEPALIVE_MOST, DEVICES = 0.05, 180000  # of a core, for so many
SETTINGS = {"SS_SECURITY_UNKNOWN_RATE": 10000, "SS_ENDPOINT_NAT_EXPIRE": 3600,
            "SS_SIP_NAT_KEEP_ALIVE_MESSAGE": "",
            "SS_SIP_AUTHENTICATION_ALGORITHM": "MD5"}

# It does what Tandem does for a REGISTER, as far as it can: HA1 is looked up by
# user, and a nonce is good once for each count.
KAMAILIO = """
debug=0
max_while_loops=10000000
log_stderror=yes
children=1
listen=udp:{address}:5060
disable_tcp=yes
auto_aliases=no
dns=no
rev_dns=no
mpath="{modules}"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
loadmodule "htable.so"
modparam("htable", "htable", "ha1=>size=16;")
modparam("auth", "nonce_count", 1)
modparam("auth", "qop", "auth")
modparam("usrloc", "db_mode", 0)
modparam("usrloc", "hash_size", 16)
modparam("registrar", "max_expires", 3600)

event_route[htable:mod-init] {{
  $var(n) = 0;
  while ($var(n) < {count}) {{
    $var(user) = {first} + $var(n);
    $var(a1) = $_s($var(user):{address}:pw$var(user));
    $sht(ha1=>$var(user)) = $(var(a1){{s.md5}});
    $var(n) = $var(n) + 1;
  }}
}}

request_route {{
  if (!is_method("REGISTER")) exit;
  if (!pv_www_authenticate("$td", "$sht(ha1=>$fU)", "1")) {{
    www_challenge("$td", "1");
    exit;
  }}
  save("location");
}}
"""


class Tandem:
    name = "tandem"

    def __init__(self, most):
        self.most = most
        self.switch = SipSwitch(settings=SETTINGS, bindings=most + 100)

    def __enter__(self):
        s = self.switch.__enter__()
        self.address = s.net.switch
        import_phones(s, FIRST, self.most)
        self.worker = [p for p, n in s.pids().items()
                       if n.startswith(("sipd", "regd"))]
        for pid in [*s.pids(), *s.pg.pids()]:
            pin(pid, sip.SERVER_CORE if pid in self.worker
                else sip.OTHER_CORE)
        return self

    def memory(self):
        """Slots and chains are there from the start, so they are counted by
        their size, once there is somebody in them; and what regd has of its
        own. What sipd keeps of requests for 32 s is no binding's."""
        s = self.switch
        regd = next(p for p, n in s.pids().items() if n.startswith("regd"))
        rows = pathlib.Path(f"/proc/{regd}/smaps_rollup").read_text()
        own = next(int(r.split()[1]) for r in rows.splitlines()
                   if r.startswith("Anonymous:"))
        slots = sum(p.stat().st_size for p in pathlib.Path("/dev/shm").glob(
            f"{s.shm}.binding*")) if s.ask("registration.list", limit=1) else 0
        return own * 1024 + slots

    def __exit__(self, *error):
        self.switch.__exit__(*error)


class Kamailio(sip.Kamailio):
    def __init__(self, most):
        self.most = most
        super().__init__(most)

    def __enter__(self):
        self.address = self.net.switch
        modules = next(pathlib.Path("/usr/lib").glob("*/kamailio/modules"))
        (self.dir / "kamailio.cfg").write_text(KAMAILIO.format(
            address=self.address, modules=modules, first=FIRST,
            count=self.most))
        self.log = open(self.dir / "log", "wb")  # closed in __exit__
        self.process = subprocess.Popen(
            ["taskset", "-c", sip.SERVER_CORE, "/usr/sbin/kamailio", "-DD",
             "-E", "-f", str(self.dir / "kamailio.cfg"), "-m", "1024", "-M",
             "16", "-x", sip.Kamailio.allocator, "-X",
             sip.Kamailio.allocator, "-Y", str(self.dir), "-P",
             str(self.dir / "pid")],
            cwd=self.dir, stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=self.log)
        wait_for(10, lambda: is_bound(self.address, 5060), "Kamailio")
        pause(1)
        self.worker = self.all = self.own()
        return self

    def memory(self):
        return pss_kb(self.worker) * 1024


def phones_of(address, count):
    return Phones([str(FIRST + n) for n in range(count)],
                  lambda number: f"pw{number}", (address, 5060),
                  max(count // 20, 1))


def keepalive(server):
    """Part of a core that regd uses for one cycle beyond what it uses anyway,
    from the first burst on, and how many were sent in it."""
    s = server.switch
    pids = [p for p, n in s.pids().items() if n.startswith("regd")]

    def sent():
        return s.metrics_of("regd")["tandem_reg_keepalive_sent_total"]
    idle, before = idle_us(pids), sent()
    s.set(SS_SIP_NAT_KEEP_ALIVE_MESSAGE="HELLO")
    wait_for(CYCLE_S + 5, lambda: sent() > before, "a cycle")
    first, cpu = sent(), sum(map(precise_us, pids))
    pause(CYCLE_S - 1)  # not into the next one
    cpu = sum(map(precise_us, pids)) - cpu - idle * (CYCLE_S - 1)
    all_of_it = sent() - before
    s.set(SS_SIP_NAT_KEEP_ALIVE_MESSAGE="")
    return (cpu / 1e6 / CYCLE_S * all_of_it / max(sent() - first, 1),
            all_of_it)


class Side:
    """A server that has many bindings, and phones that renew some of them"""

    def __init__(self, server, args):
        self.server, self.count = server, args.count
        self.seen = self._memory(args) if args.memory else {}
        self.phones = phones_of(server.address, args.count)
        self.phones.register()
        self.idle = idle_us(server.worker)

    def _memory(self, args):
        """{bytes of a binding, keepalive}"""
        seen = {}
        before = self.server.memory()
        phones = phones_of(self.server.address, args.memory)
        phones.register(within=600)
        seen["bytes"] = (self.server.memory() - before) / args.memory
        if not args.no_keepalive and self.server.name == "tandem":
            seen["keepalive"] = keepalive(self.server)
        phones.close()
        return seen

    def once(self, **how):
        """(CPU of a registration, how many a second)"""
        cpu = sum(map(precise_us, self.server.worker))
        took = self.phones.register(**how)
        cpu = sum(map(precise_us, self.server.worker)) - cpu
        return (cpu - self.idle * took) / self.count, self.count / took


def in_turn(kinds, args):
    """One beside the other, since the machine is not the same for minutes:
    ({name: {us, reached, us_rate, ...}}, {"": ratios, "_rate": ratios})"""
    ways = {"": {}, "_rate": {"rate": args.rate, "window": WINDOW_MOST}}
    most = max(args.count, args.memory)
    ratios = {}
    with contextlib.ExitStack() as stack:
        sides = []
        for kind in kinds:
            sides.append(Side(stack.enter_context(kind(most)), args))
            stack.callback(sides[-1].phones.close)
        for name, how in ways.items():
            rounds = [[side.once(**how) for side in sides]
                      for _ in range(args.rounds)]
            ratios[name] = [r[0][0] / r[-1][0] for r in rounds]
            for side, seen in zip(sides, zip(*rounds)):
                us, speed = map(statistics.median, zip(*seen))
                side.seen.update({"us" + name: us, "reached" + name: speed})
        return {side.server.name: side.seen for side in sides}, ratios


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin")
    parser.add_argument("--vs", choices=["kamailio"])
    parser.add_argument("--only", choices=["tandem", "kamailio"])
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--rate", type=int, default=8000)
    parser.add_argument("--no-keepalive", action="store_true")
    parser.add_argument("--memory", type=int, default=200000)
    args = parser.parse_args()
    sys.argv = [sys.argv[0], args.bin]  # what support.cases reads
    return args


def main():
    args = parse()
    kinds = [Tandem, Kamailio] if args.vs else [Tandem]
    if args.only:
        kinds = [k for k in (Tandem, Kamailio) if k.name == args.only]
    pin(os.getpid(), sip.OTHER_CORE)
    figures, missed = [], []
    rate = f"us at {args.rate}/s"
    print(f"{'':>9} {'us/registration':>16} {'per s of a core':>16} "
          f"{'reached/s':>10} {rate:>14} {'bytes/binding':>14}")
    results, ratios = in_turn(kinds, args)
    for name, r in results.items():
        print(f"{name:>9} {r['us']:>16.1f} {1e6 / r['us']:>16.0f} "
              f"{r['reached']:>10.0f} {r['us_rate']:>14.1f} "
              f"{r.get('bytes', 0):>14.0f}", flush=True)
        figures.append(f"{name}_us={r['us']:.1f} "
                       f"{name}_us_rate={r['us_rate']:.1f}")
        if "bytes" in r:
            figures.append(f"{name}_bytes={r['bytes']:.0f}")
    if "keepalive" in results.get("tandem", {}):
        part, sent = results["tandem"]["keepalive"]
        core = part / max(sent, 1) * DEVICES
        print(f"keep-alive: {sent:.0f} datagrams in a cycle of {CYCLE_S} s, "
              f"{part:.4f} of a core; {DEVICES} devices: {core:.4f}")
        figures.append(f"keepalive_sent={sent:.0f} keepalive_core={core:.4f}")
        if core > KEEPALIVE_MOST:
            missed.append(f"{core:.3f} of a core to keep {DEVICES} open, not "
                          f"{KEEPALIVE_MOST}")
        if sent < 0.95 * min(args.memory, DEVICES):
            missed.append(f"{sent:.0f} of {args.memory} were kept open")
    if len(results) == 2:
        ratio, at_rate = (statistics.median(ratios[n]) for n in ("", "_rate"))
        print("ratios: " + " ".join(f"{r:.2f}" for r in sorted(ratios[""])))
        figures.append(f"ratio={ratio:.2f} ratio_rate={at_rate:.2f}")
        if ratio > RATIO_MOST:
            missed.append(f"{ratio:.2f} of Kamailio's CPU, not {RATIO_MOST}")
    if results.get("tandem", {}).get("bytes", 0) > BYTES_MOST:
        missed.append(f"{results['tandem']['bytes']:.0f} bytes per binding, "
                      f"not {BYTES_MOST}")
    print("reg: " + " ".join(figures))
    for line in missed:
        print(f"FAILED: {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
