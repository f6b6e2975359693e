#!/usr/bin/env python3
"""Calls and registrations through a whole cluster, for programs that count.

train.py FOLDER: of the programs (train in CMakeLists.txt, deploy/order-code).
First calls without sound, as many at once as a busy worker has, then a few that
are relayed, then phones that register. What was counted is written by each
daemon as it ends, which the filter of system calls would forbid. How the calls
end is not judged: that is for the tests.
"""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
sys.path.insert(0, os.path.dirname(__file__))
import reg  # noqa: E402
from support.phones import import_phones  # noqa: E402
from support.sip_switch import SipSwitch  # noqa: E402

PREFIX = "4420"
CALLS, RATE, LENGTH_MS = 6000, 400, 500
RELAYED, RELAYED_RATE, RELAYED_MS = 150, 30, 2000
PORTS = 800
PHONES, TIMES = 2000, 3


class Counted(SipSwitch):
    def __init__(self, **kwargs):
        super().__init__(supervisor="supervisor", calls=2000, **kwargs)
        self.conf.write_text(self.text.replace(
            "limits {", "limits { seccomp = false"))


def call(s, calls, rate, length_ms, *sound):
    a, b = s.net.address(), s.net.address()
    s.change("mapping", "add", "far", account="customer", addresses=a,
             local_ip=s.net.switch)
    s.change("routing", "add", "away", account="vendor", prefixes=PREFIX,
             addresses=f"{b}:5060", local_ip=s.net.switch)
    subprocess.run([f"{s.bin}/manycalls", f"{a}:5060", f"{s.at[0]}:5060",
                    f"{b}:5060", PREFIX, str(calls), str(rate),
                    str(length_ms), *sound], check=False, cwd="/",
                   stdin=subprocess.DEVNULL, timeout=120)
    s.stop()


def register(s):
    import_phones(s, reg.FIRST, PHONES)
    phones = reg.phones_of(s.net.switch, PHONES)
    for _ in range(TIMES):
        phones.register()
    phones.close()
    s.stop()


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with Counted() as s:
        call(s, CALLS, RATE, LENGTH_MS)
    with Counted(relay=PORTS) as s:
        call(s, RELAYED, RELAYED_RATE, RELAYED_MS, os.devnull)
    with Counted(settings=reg.SETTINGS, bindings=PHONES + 100) as s:
        register(s)


if __name__ == "__main__":
    main()
