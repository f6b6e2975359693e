#!/usr/bin/env python3
"""What the metrics say of calls, and what they must never say.

metrics.py BIN CASE: one case, in a cluster of its own.
"""

import math
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import main  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.sip_calls import GOOD, answered, busy, refused  # noqa: E402
from support.sip_switch import on_a_switch  # noqa: E402

PROCESSES = ("supervisor", "sipd.0", "mediad.0", "regd.0", "billingd.0")
SERIES = re.compile(r'[a-z_]+(\{[a-z_]+="[ -!#-\[\]-~]*"'
                    r'(,[a-z_]+="[ -!#-\[\]-~]*")*\})?')
ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+|[0-9a-f]*:[0-9a-f]*:[0-9a-f]")


def of(s, family, **labels):
    """The value of one series of sipd; 0 if it is not there."""
    key = family + "{" + ",".join(f'{k}="{v}"' for k, v in labels.items()) + "}"
    return s.metrics_of("sipd.0").get(key, 0)


def hold(s, rows):
    """Each series has its value, now or soon."""
    def wrong():
        found = s.metrics_of("sipd.0")
        return {k: (found.get(k), v) for k, v in rows.items()
                if found.get(k) != v}
    try:
        wait_for(4, lambda: not wrong(), "the metrics")
    except AssertionError:
        raise AssertionError(f"(is, wanted): {wrong()}") from None


@on_a_switch()
def calls_are_counted_by_gateway_side_and_reason(s):
    lane = s.lane(busy(503), GOOD)
    a, first, second = lane.a.name, lane.b.name, lane.gw[1].name
    answered(lane, lane.gw[1])
    s.idle()
    hold(s, {
        f'tandem_call_attempts_total{{gateway="{a}",side="in"}}': 1,
        f'tandem_call_attempts_total{{gateway="{first}",side="out"}}': 1,
        f'tandem_call_attempts_total{{gateway="{second}",side="out"}}': 1,
        f'tandem_calls_answered_total{{gateway="{a}",side="in"}}': 1,
        f'tandem_calls_answered_total{{gateway="{first}",side="out"}}': None,
        f'tandem_calls_answered_total{{gateway="{second}",side="out"}}': 1,
        f'tandem_calls_ended_total{{gateway="{a}",reason="NormalRelease",'
        'side="in"}': 1,
        f'tandem_calls_ended_total{{gateway="{second}",'
        'reason="NormalRelease",side="out"}': 1,
        f'tandem_gateway_switches_total{{gateway="{first}",cause="code"}}': 1,
        f'tandem_gateway_asr_ratio{{gateway="{first}"}}': 0,
        f'tandem_gateway_asr_ratio{{gateway="{second}"}}': 1,
        f'tandem_gateway_lines_used{{gateway="{second}"}}': 0,
        f'tandem_gateway_up{{gateway="{second}"}}': 1,
        f'tandem_call_setup_seconds_count{{gateway="{second}"}}': 1,
        f'tandem_call_answer_seconds_count{{gateway="{a}"}}': 1,
        f'tandem_call_duration_seconds_count{{gateway="{second}"}}': 1,
    })
    ended = {k: v for k, v in s.metrics_of("sipd.0").items()
             if k.startswith("tandem_calls_ended_total{")
             and f'"{first}"' in k}
    assert list(ended.values()) == [1], ended

    row = next(r for r in s.ask("gateway.status")
               if r["gateway"] == second and r["kind"] == "routing")
    assert row["asr"] == 1 and row["acd"] is not None, row
    assert row["pdd_ms"] is not None and row["cps"] in (0, 1), row
    row = next(r for r in s.ask("gateway.status") if r["gateway"] == first)
    assert row["asr"] == 0 and row["acd"] is None, row
    assert row["pdd_ms"] is None, row


@on_a_switch()
def lines_are_told_while_a_call_lasts(s):
    lane = s.lane(GOOD)
    call, _ = lane.establish()
    for gateway in (lane.a.name, lane.b.name):
        hold(s, {f'tandem_gateway_lines_used{{gateway="{gateway}"}}': 1})
    call.bye()
    s.idle()
    for gateway in (lane.a.name, lane.b.name):
        hold(s, {f'tandem_gateway_lines_used{{gateway="{gateway}"}}': 0})


@on_a_switch()
def a_removed_gateway_is_not_told_of_any_more(s):
    lane = s.lane(GOOD)
    answered(lane, lane.b)
    s.idle()
    assert of(s, "tandem_call_attempts_total", gateway=lane.b.name,
              side="out") == 1
    s.change("routing", "remove", lane.b.name)

    def told():
        return [k for k in s.metrics_of("sipd.0")
                if f'gateway="{lane.b.name}"' in k]
    wait_for(5, lambda: not told(), f"nothing of {lane.b.name}")
    assert of(s, "tandem_call_attempts_total", gateway=lane.a.name,
              side="in") == 1


@on_a_switch()
def counts_go_on_after_a_crash(s):
    lane = s.lane(GOOD)
    answered(lane, lane.b)
    s.idle()
    s.kill("sipd.0")
    attempts = f'tandem_call_attempts_total{{gateway="{lane.b.name}",' \
               'side="out"}'
    hold(s, {attempts: 1})
    answered(lane, lane.b)
    hold(s, {attempts: 2,
             f'tandem_call_setup_seconds_count{{gateway="{lane.b.name}"}}': 2})
    s.idle()


@on_a_switch()
def no_metric_holds_a_number_or_an_address(s):
    """operations 7, test 8"""
    lane = s.lane(GOOD, busy(486))
    answered(lane, lane.b)
    s.change("routing", "set", lane.b.name, lock="all")
    lane.invite()
    refused(lane, 486, "CalleeBusy")
    lane.number = "9" + lane.number     # of no gateway
    lane.invite()
    refused(lane, 503, "NoAvailableRouter")
    s.idle()

    caller = [part for m in lane.b.invites()
              for part in re.findall(r"\d{5,}", m.get("From"))]
    for process in PROCESSES:
        found = s.metrics_of(process)
        assert found, process
        for series, value in found.items():
            assert SERIES.fullmatch(series), f"{process}: {series}"
            assert math.isfinite(value) or "_asr_" in series \
                or "_acd_" in series, f"{process}: {series} {value}"
            labels = series.partition("{")[2]
            if 'version="' in labels:
                continue
            assert not ADDRESS.search(labels), f"{process}: {series}"
            for number in (lane.number, lane.number[1:], *caller):
                assert number not in labels, f"{process}: {series}"


if __name__ == "__main__":
    sys.exit(main())
