#!/usr/bin/env python3
"""New programs, old memory: what is up stays up, and there is a way back.

upgrade.py BIN CASE: one case, in a cluster of its own.
"""

import functools
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import SANITIZED, case, main  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.installed import DAEMONS, Installed  # noqa: E402
from support.usage import pause  # noqa: E402

GOOD = [(0, 100), (0.02, 180), (0.05, 200)]
BROKEN = "#!/bin/sh\necho it is broken; exit 1\n"
# It says what a program should say, and cannot live: what only shows when it
# has been started.
SICK = """#!/bin/sh
case $1 in
--layouts) exec "{program}" --layouts ;;
*) exit 1 ;;
esac
"""


def on_installed(**kwargs):
    def decorate(function):
        @functools.wraps(function)
        def run():
            with Installed(**kwargs) as s:
                function(s)
                s.idle()
                assert not s.beside(), s.beside()
                s.stop_well()
        return case(run)
    return decorate


class Calls:
    """Answered calls, an even number, whose ends take turns."""

    def __init__(self, s, number=4):
        self.s = s
        self.lane = s.lane(GOOD)
        self.up = [self.lane.establish() for _ in range(number)]
        self.version = 1

    def talk(self):
        """Each end of each call renegotiates, and is answered."""
        self.version += 1
        new = {"version": self.version, "port": 5000 + 2 * self.version}
        for a, b in self.up:
            for one, other, agent in ((a, b, self.lane.a),
                                      (b, a, self.lane.b)):
                one.reinvite(agent.sdp(**new))
                other.expect("INVITE")
                one.ack(one.expect("200 INVITE"))
                other.expect("ACK")

    def end(self):
        """Half by one side and half by the other."""
        for n, (a, b) in enumerate(self.up):
            first, second = (a, b) if n % 2 else (b, a)
            first.bye()
            second.expect("BYE")
            first.expect("200 BYE")
            self.s.record(a.call_id, end_reason="NormalRelease",
                          end_side="caller" if n % 2 else "callee")
        self.up = []


def replaced(s, name, *words):
    """restart NAME gives it another process, unasked deaths none."""
    before = s.status()
    s.do("restart", name, *words)
    after = s.status()
    for process, row in after.items():
        if process.partition(".")[0] == name:
            assert row["pid"] != before[process]["pid"], row
        assert row["restarts"] == before[process]["restarts"], row
        assert row["state"] == "ready", row


@on_installed()
def calls_live_through_a_layout_more_and_back(s):
    calls = Calls(s)
    assert s.layout_of("calls") == s.first
    s.install("sipd", "sipd_next")
    replaced(s, "sipd")
    assert s.layout_of("calls") == s.first + 1
    moved = s.logged("segment_migrated")
    assert len(moved) == 1 and "moved=4" in moved[0], moved
    calls.talk()
    made_by_next = Calls(s, 2)

    s.install("sipd")
    replaced(s, "sipd")
    assert s.layout_of("calls") == s.first
    calls.talk()
    made_by_next.talk()

    s.install("sipd", "sipd_next")
    replaced(s, "sipd")
    assert s.layout_of("calls") == s.first + 1
    calls.end()
    made_by_next.end()


@on_installed(workers={"sipd": 2})
def workers_whose_table_changes_go_together(s):
    s.install("sipd", "sipd_next")
    replaced(s, "sipd")
    assert s.layout_of("calls") == s.first + 1
    s.install("sipd")
    # One of them cannot go alone: the other is taken along.
    before = s.status()
    s.do("restart", "sipd.1")
    after = s.status()
    for name in ("sipd.0", "sipd.1"):
        assert after[name]["pid"] != before[name]["pid"], name
    assert s.layout_of("calls") == s.first


@on_installed()
def one_that_dies_comes_back_as_what_it_was(s):
    calls = Calls(s)
    s.install("sipd", "sipd_next")
    s.kill("sipd.0")
    assert s.layout_of("calls") == s.first, "nobody asked for another release"
    calls.talk()
    replaced(s, "sipd")
    assert s.layout_of("calls") == s.first + 1
    s.kill("sipd.0")
    assert s.layout_of("calls") == s.first + 1
    calls.end()


@on_installed()
def what_cannot_take_over_is_refused_and_nothing_stops(s):
    calls = Calls(s)
    before = {n: r["pid"] for n, r in s.status().items()}
    s.install_text("sipd", BROKEN)
    s.refused("restart", "sipd", saying="it is broken")
    s.refused("upgrade", saying="it is broken")

    # A layout of which nobody knows the way
    s.install_text("sipd", "#!/bin/sh\necho 'layouts 1'\necho "
                   "'segment calls 0x4c4c4143 9 128 write'\n")
    s.refused("restart", "sipd", saying="layout 9 of calls")
    s.install_text("mediad", "#!/bin/sh\necho 'layouts 1'\necho "
                   "'segment calls 0x4c4c4143 9 128 read'\n")
    s.refused("restart", "mediad", saying="layout 9 of calls")
    assert {n: r["pid"] for n, r in s.status().items()} == before
    s.install("sipd")
    s.install("mediad")
    calls.end()


@on_installed()
def what_does_not_come_up_gives_way_to_what_was_before(s):
    calls = Calls(s)
    s.install_text("sipd", SICK.format(program=s.bin / "sipd"))
    s.refused("restart", "sipd", saying="the release before goes on")
    s.wait_ready(10)
    calls.talk()

    # And where its table had been migrated for it already
    s.install_text("sipd", SICK.format(program=s.bin / "sipd_next").replace(
        "--layouts) exec", "--layouts|--migrate) exec").replace(
            '--layouts ;;', '"$@" ;;'))
    s.refused("restart", "sipd", saying="the release before goes on")
    s.wait_ready(10)
    assert s.layout_of("calls") == s.first
    assert s.logged("segment_migrated")
    s.install("sipd")
    calls.talk()
    calls.end()


@on_installed()
def an_upgrade_replaces_what_changed_and_nothing_else(s):
    calls = Calls(s)
    before = {n: r["pid"] for n, r in s.status().items()}
    assert "nothing to do" in s.do("upgrade")
    assert {n: r["pid"] for n, r in s.status().items()} == before

    s.install("sipd", "sipd_next")
    s.install("mediad")
    s.install(s.program.name)
    print(s.do("upgrade"))
    after = s.wait_ready(10)
    assert after["supervisor"]["pid"] == before["supervisor"]
    for name in ("sipd.0", "mediad.0"):
        assert after[name]["pid"] != before[name], name
    for name in ("billingd.0", "regd.0"):
        assert after[name]["pid"] == before[name], name
    assert s.layout_of("calls") == s.first + 1
    calls.talk()

    for name in DAEMONS:
        s.install(name)
    s.do("upgrade")
    last = s.wait_ready(10)
    for name in DAEMONS:
        assert last[name + ".0"]["pid"] != after[name + ".0"]["pid"], name
    assert s.layout_of("calls") == s.first
    calls.end()


@on_installed()
def a_supervisor_that_cannot_start_is_the_one_before_again(s):
    pid = s.process.pid
    s.install_text(s.program.name, BROKEN)
    s.refused("restart", "supervisor", saying="it is broken")
    # What answers well and does not run
    s.install_text(s.program.name,
                   SICK.format(program=s.bin / s.program.name).replace(
                       "--layouts) exec", "--layouts|--check) exec").replace(
                           '--layouts ;;', '"$@" ;;').replace(
                               "*) exit 1", "*) exec /nonexistent"))
    calls = Calls(s)
    assert s.status()["supervisor"]["pid"] == pid
    s.install(s.program.name)
    replaced_by_itself(s)
    calls.end()


def replaced_by_itself(s):
    was = s.status()
    s.do("restart", "supervisor")
    wait_for(10, lambda: len(s.log_events("supervisor_ready")) > 1,
             "the next supervisor")
    now = s.wait_ready(10)
    assert {n: r["pid"] for n, r in now.items()} == \
        {n: r["pid"] for n, r in was.items()}, "the same processes"


@on_installed()
def the_way_back_outlives_the_supervisor(s):
    """What runs is known to the next supervisor too, in place or after a
    kill."""
    calls = Calls(s)
    s.install("sipd", "sipd_next")
    replaced(s, "sipd")
    s.install("sipd")
    replaced_by_itself(s)
    replaced_back = s.status()["sipd.0"]["pid"]
    s.do("restart", "sipd")
    assert s.status()["sipd.0"]["pid"] != replaced_back
    assert s.layout_of("calls") == s.first
    calls.end()


@on_installed()
def a_supervisor_killed_while_tables_change_loses_none(s):
    """At twenty instants of a change: the next supervisor finds one whole
    layout, and the change can be asked for again."""
    calls = Calls(s)
    source = ["sipd", "sipd_next"]
    for n in range(4 if SANITIZED else 20):
        s.install("sipd", source[(n + 1) % 2])
        asked = s.ask_later("restart", process="sipd")
        pause(0.002 * n)
        os.kill(s.process.pid, signal.SIGKILL)
        s.process.wait()
        asked.close()
        s.start()
        s.do("restart", "sipd")
        assert s.layout_of("calls") == s.first + (n + 1) % 2
        calls.talk()
    calls.end()


if __name__ == "__main__":
    sys.exit(main())
