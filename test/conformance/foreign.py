#!/usr/bin/env python3
"""Calls with peers that others have written.

foreign.py BIN CASE: one case, in a cluster of its own; skipped where the
program, or what it needs, is missing.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import main  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.foreign import Baresip, Kamailio, outer_address  # noqa: E402
from support.sipp_flow import (Callee, Flow, answering, play,  # noqa: E402
                               sdp)
from support.sip_switch import on_a_switch  # noqa: E402


def answered(s, flow):
    def is_there():
        rows = s.calls(gateway=flow.name)
        return rows and rows[0]["state"] == "answered"
    wait_for(10, is_there, f"an answered call of {flow.name}")


def header(text, start, name):
    """Of the first message in a log of sipp that begins so."""
    message = text[text.index(start):]
    message = message[:message.index("\n\n")]
    return [line.split(":", 1)[1].strip() for line in message.splitlines()
            if line.lower().startswith(name.lower() + ":")]


@on_a_switch()
def baresip_is_called(s):
    at = outer_address()
    flow = Flow(s)
    with Baresip(at, s.at, user=flow.number) as phone:
        s.change("routing", "set", f"{flow.name}-0",
                 addresses=f"{at}:{phone.port}")
        got, _ = flow.run(flow.caller().invite().gets(100)
                          .gets(180, optional="true").gets(200).ack()
                          .pause(1000).bye().gets(200))
    assert f"c=IN IP4 {at}" in got, got
    flow.record(end_reason="NormalRelease", end_side="caller",
                codec="PCMU", dest_ip=at)


@on_a_switch()
def baresip_calls(s):
    at = outer_address()
    flow = Flow(s)
    s.change("mapping", "set", flow.name, addresses=at)
    with play(answering().answers("BYE"), flow.carriers[0]) as callee:
        with Baresip(at, s.at, dial=flow.number) as phone:
            wait_for(10, lambda: "\nACK sip:" in callee.messages(), "the ACK")
            wait_for(10, lambda: "Call established" in phone.log(),
                     "baresip to know it")
            phone.end()
        callee.finished(10)
        assert f"c=IN IP4 {at}" in callee.messages()
    flow.record(end_reason="NormalRelease", end_side="caller",
                caller="8801711000000", called=flow.number)


@on_a_switch()
def baresip_calls_baresip(s):
    at = outer_address()
    flow = Flow(s)
    s.change("mapping", "set", flow.name, addresses=at)
    with Baresip(at, s.at, user=flow.number) as there:
        s.change("routing", "set", f"{flow.name}-0",
                 addresses=f"{at}:{there.port}")
        with Baresip(at, s.at, dial=flow.number):
            answered(s, flow)
            there.end()
            flow.record(end_reason="NormalRelease", end_side="callee")


# --- Kamailio ------------------------------------------------------------------

@on_a_switch()
def a_carrier_is_behind_kamailio(s):
    flow = Flow(s)
    proxy = s.net.address()
    s.change("routing", "set", f"{flow.name}-0", addresses=f"{proxy}:5060")
    with Kamailio(proxy, flow.carriers[0]):
        moved = sdp("192.0.2.96", 6002, 2)
        _, (there,) = flow.run(
            flow.caller().invite().gets(100, 180, 200).ack().pause(300)
            .reinvite(moved).gets(100, 200).ack().pause(300).bye().gets(200),
            answering().answers("INVITE", 200, sdp(Callee.media, 7000),
                                Contact="<sip:gw@[local_ip]:[local_port]>")
            .takes("ACK").answers("BYE"))
    for start in ("\nACK ", "\nBYE "):
        assert f"{start}sip:gw@{flow.carriers[0]}:5060 " in there, there
        via = header(there, start, "Via")
        assert len(via) == 2 and proxy in via[0] and s.at[0] in via[1], via
    flow.record(end_reason="NormalRelease", end_side="caller", dest_ip=proxy)


@on_a_switch()
def a_carrier_behind_kamailio_hangs_up_and_gives_up(s):
    flow = Flow(s)
    proxy = s.net.address()
    s.change("routing", "set", f"{flow.name}-0", addresses=f"{proxy}:5060")
    with Kamailio(proxy, flow.carriers[0]):
        flow.run(flow.caller().invite().gets(100, 180, 200).ack()
                 .answers("BYE"), answering().pause(500).bye().gets(200))
        flow.record(end_reason="NormalRelease", end_side="callee")
        flow.renew()
        flow.run(flow.caller().invite().gets(100, 180).pause(300).cancel()
                 .gets(200, 487).ack_refused(),
                 Callee().says(100).says(180).is_cancelled())
        flow.record(end_reason="CallerCancel")
        flow.renew()
        flow.run(flow.caller().invite().gets(100, 180, 486).ack_refused(),
                 Callee().says(100).says(180).refuses(486))
        flow.record(end_reason="CalleeBusy")


@on_a_switch()
def a_customer_is_behind_kamailio(s):
    flow = Flow(s)
    proxy = s.net.address()
    s.change("mapping", "set", flow.name, addresses=proxy)
    with Kamailio(proxy, s.at[0]):
        flow.run(flow.caller().invite().gets(100, 180, 200).ack().pause(300)
                 .bye().gets(200), answering().answers("BYE"),
                 through=(proxy, 5060))
        flow.record(end_reason="NormalRelease", end_side="caller")
        flow.renew()
        got, _ = flow.run(
            flow.caller().invite().gets(100, 180, 200).ack().answers("BYE"),
            answering().pause(500).bye().gets(200), through=(proxy, 5060))
        via = header(got, "\nBYE ", "Via")
        assert len(via) == 2 and proxy in via[0] and s.at[0] in via[1], via
        record = flow.record(end_reason="NormalRelease", end_side="callee")
        assert record["source_ip"] == proxy, record


if __name__ == "__main__":
    sys.exit(main())
