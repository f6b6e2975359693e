#!/usr/bin/env python3
"""regd, sipd and the supervisor die, and nobody is any less registered.

test/fault/run reg [bindings [kills [seed]]]

Phones behind NAT register, and the switch registers at a registrar elsewhere.
Then regd, sipd and the supervisor are killed in turn at random instants, while
the phones only listen.

Bounds: every binding is there as it was, with its time left; none was added,
refreshed, removed or has expired; each phone misses at most one keep-alive for
each kill; the registrar elsewhere heard one REGISTER and nothing else.
"""

import json
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cluster import wait_for  # noqa: E402
from support.phones import Phones, import_phones  # noqa: E402
from support.sip_switch import SipSwitch  # noqa: E402
from support.upstream import Upstream  # noqa: E402

PERIOD_S = 10
PER_SOCKET = 10
SETTINGS = {
    "SS_ENDPOINT_NAT_EXPIRE": 3600,
    "SS_SIP_NAT_KEEP_ALIVE_PERIOD": PERIOD_S,
    "SS_SECURITY_UNKNOWN_RATE": 10000,
}
FIRST = 2000000


def bindings(s):
    """{(number, contact, source): seconds left}"""
    found, cursor = {}, None
    while True:
        words = ["--json", "registration", "list", "--limit", "2000"]
        if cursor:
            words += ["--cursor", cursor]
        answer = json.loads(s.do(*words))
        for r in answer["rows"]:
            key = r["number"], r["contact"], r["source"]
            assert key not in found and r["nat"], r
            found[key] = r["left"]
        cursor = answer.get("next")
        if not cursor:
            return found


def changes(s):
    return {k.split('"')[1]: v for k, v in s.metrics_of("regd").items()
            if k.startswith("tandem_regd_binding_changes_total")}


def hit(s, name, phones):
    """Kill one, and listen until a successor is ready. Seconds it took."""
    before = s.status()
    os.kill(before[name]["pid"], signal.SIGKILL)
    began = time.monotonic()
    if name == "supervisor":
        s.process.wait(timeout=10)
        s.start(wait=False)
    else:
        def lives():
            phones.listen(0.02)
            row = s.status().get(name) or {}
            return row.get("state") == "ready" and \
                row["pid"] != before[name]["pid"]
        wait_for(30, lives, f"a successor of {name}")
    s.wait_ready(30)
    return time.monotonic() - began


def listen(phones, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        phones.listen(0.1)


def missed(phones, began, ended):
    """Most keep-alive datagrams that a phone lacks of those that were due."""
    cycles = int((ended - began) // PERIOD_S)
    worst = 0
    for fd, heard in phones.heard.items():
        share = phones.of(fd)
        came = sum(began <= t <= ended for t, _ in heard)
        assert {d for _, d in heard} <= {b"HELLO"}, heard[:3]
        worst = max(worst, cycles - came // share)
    return worst, cycles


def judge(s, before, phones, up, kills, began):
    after = bindings(s)
    passed = time.monotonic() - began
    wrong = []
    lost = len(set(before) - set(after))
    if lost or len(after) != len(before):
        wrong.append(f"{lost} bindings were lost, "
                     f"{len(after) - len(before)} came")
    moved = [k for k in after if k in before and not
             before[k] - passed - 5 <= after[k] <= before[k] - passed + 5]
    if moved:
        wrong.append(f"{len(moved)} have another end, such as {moved[0]}")
    found = {k: v for k, v in changes(s).items() if v}
    if found != {"added": len(before)}:
        wrong.append(f"bindings changed: {found}")
    worst, cycles = missed(phones, began, time.monotonic())
    if worst > kills:
        wrong.append(f"a phone missed {worst} of {cycles} keep-alive datagrams")
    asked = [(m.get("expires"), m.cseq) for _, m in up.heard]
    if len(asked) != 1:
        wrong.append(f"the registrar elsewhere heard {asked}")
    return wrong, worst, cycles


def main():
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 20000
    kills = int(sys.argv[3]) if len(sys.argv) > 3 else 9
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(1 << 31)
    rng = random.Random(seed)
    print(f"seed {seed}", flush=True)
    with SipSwitch(settings=SETTINGS, bindings=count + 100) as s:
        import_phones(s, FIRST, count)
        up = Upstream(s.net.address())
        s.peers.callback(up.close)
        s.change("registration", "add", "UP1", sip_proxy=up.address,
                 username="tandem", password="secret")
        phones = Phones([str(FIRST + n) for n in range(count)],
                        lambda number: f"pw{number}", s.at,
                        max(count // PER_SOCKET, 1))
        s.peers.callback(phones.close)
        took = phones.register()
        up.wait(1, 10)
        before = bindings(s)
        assert len(before) == count, f"{len(before)} of {count}"
        began = time.monotonic()
        worst_s, table = 0.0, {}
        for n in range(kills):
            name = ("regd.0", "sipd.0", "supervisor")[n % 3]
            listen(phones, rng.uniform(0.2, 2.0))
            lasted = hit(s, name, phones)
            table.setdefault(name, []).append(lasted)
            worst_s = max(worst_s, lasted)
        listen(phones, 2 * PERIOD_S + 1)
        wrong, worst, cycles = judge(s, before, phones, up, kills, began)
        s.stop()
    print(f"{'killed':<12} {'times':>6} {'longest s':>10}")
    for name, rows in table.items():
        print(f"{name:<12} {len(rows):>6} {max(rows):>10.2f}")
    for line in wrong:
        print(f"FAILED: {line}")
    print(f"reg: bindings={count} registered_per_s={count / took:.0f} "
          f"kills={kills} longest_s={worst_s:.2f} cycles={cycles} "
          f"missed_most={worst} lost={len(wrong)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
