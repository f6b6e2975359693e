#!/usr/bin/env python3
"""What an operator asks of calls and gateways.

operator_asks.py BIN CASE: one case, in a cluster of its own.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import main  # noqa: E402
from support.cluster import Refused, wait_for  # noqa: E402
from support.sip_calls import GOOD  # noqa: E402
from support.sip_switch import on_a_switch  # noqa: E402

TESTED = {"address", "resolved", "sip_answer", "rtt_min", "rtt_avg",
          "rtt_max", "loss_pct", "transport", "health"}


def fails(function, word):
    try:
        function()
    except Refused as refused:
        assert word in str(refused), refused
        return
    raise AssertionError("not refused")


@on_a_switch()
def a_gateway_is_tested_silent_and_answering(s):
    lane = s.lane(GOOD, GOOD)
    good, silent = lane.gw
    good.reply["OPTIONS"] = 404
    silent.reply["OPTIONS"] = None

    row, = s.ask("gateway.test", name=good.name)
    assert set(row) == TESTED, row
    address = f"{good.address}:{good.port}"
    assert (row["address"], row["resolved"]) == (address, address), row
    assert row["sip_answer"] == 404 and row["loss_pct"] == 0, row
    assert 0 < row["rtt_min"] <= row["rtt_avg"] <= row["rtt_max"] < 2, row
    assert (row["transport"], row["health"]) == ("udp", "unchecked"), row
    assert len(good.received("OPTIONS")) == 5

    row, = s.ask("gateway.test", name=silent.name, count=2)
    assert row["sip_answer"] is None and row["loss_pct"] == 100, row
    assert row["rtt_min"] is row["rtt_avg"] is row["rtt_max"] is None, row
    assert len(silent.received("OPTIONS")) == 2, "no copies"

    s.change("routing", "add", "lost", account="vendor", prefixes="49",
             addresses="no-such-host.invalid", local_ip=s.net.switch)
    row, = s.ask("gateway.test", name="lost", count=1)
    assert row["resolved"] is None and row["loss_pct"] == 100, row
    fails(lambda: s.ask("gateway.test", name="nobody"), "no such")
    fails(lambda: s.ask("gateway.test", name=good.name, count=0), "count")


@on_a_switch(workers={"sipd": 2})
def all_workers_answer_as_one(s):
    """What a carrier says may come to the worker that has not the call: here
    no call has to get further than its INVITE."""
    trace = s.ask("trace.start")[0]["trace"]
    lanes = [s.lane([(0, 100)]) for _ in range(8)]
    calls = [lane.invite() for lane in lanes]
    wait_for(5, lambda: len(s.calls()) == len(lanes), "all calls")
    assert all(s.ask("call.list", process=f"sipd.{n}") for n in (0, 1))
    found = s.ask("call.list", sort="called")
    assert [r["called"] for r in found] == sorted(
        lane.number for lane in lanes), found
    assert len(s.ask("call.list", limit=3)) == 3
    for row in found:
        assert s.ask("call.show", name=row["call"])[0]["call"] == row["call"]
    fails(lambda: s.ask("call.show", name="none"), "no such call")

    cut = s.ask("call.disconnect", gateway=lanes[0].b.name)
    assert len(cut) == 1, cut
    calls[0].expect(503)
    s.ask("call.disconnect", name=s.calls(called=lanes[1].number)[0]["call"])
    calls[1].expect(503)
    assert len(s.ask("call.disconnect", account="customer")) >= 6
    for call in calls[2:]:
        call.expect(503)
    row, = s.ask("gateway.status", gateway=lanes[0].b.name)
    assert row["attempts"] == 1 and row["lines_used"] == 0, row

    stopped = s.ask("trace.stop", name=trace)
    listed = s.ask("trace.list")
    assert len(stopped) == len(listed) == 1, (stopped, listed)
    assert listed[0]["state"] == "stopped" and listed[0]["trace"] == trace
    shown = s.ask("trace.show", name=trace, limit=1000)
    assert len(shown) == listed[0]["messages"]
    assert [r["time"] for r in shown] == sorted(r["time"] for r in shown)
    assert {r["call_id"] for r in shown} >= {call.call_id for call in calls}
    file = s.dir / "trace.pcap"
    code, said = s.ctl("trace", "export", str(trace), str(file))
    assert code == 0, said
    data, at, count = file.read_bytes(), 24, 0
    while at < len(data):
        at += 16 + int.from_bytes(data[at + 8:at + 12], "little")
        count += 1
    assert (at, count) == (len(data), len(shown)), (at, count)

    s.ask("blacklist.add", entry="192.0.2.77", seconds=60)
    assert [r["entry"] for r in s.ask("blacklist.list")] == ["192.0.2.77"]
    for n in (0, 1):
        assert s.ask("blacklist.list", process=f"sipd.{n}")
    s.ask("blacklist.remove", entry="192.0.2.77")
    assert not s.ask("blacklist.list")
    fails(lambda: s.ask("blacklist.remove", entry="192.0.2.77"), "not on")


if __name__ == "__main__":
    sys.exit(main())
