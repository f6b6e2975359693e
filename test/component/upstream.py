#!/usr/bin/env python3
"""The switch registers elsewhere, and goes on with it, whatever dies.

upstream.py BIN CASE: one case, in a cluster of its own.
"""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import main  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.sip_switch import on_a_switch  # noqa: E402
from support.upstream import Upstream  # noqa: E402


def registrar(s, **kwargs):
    up = Upstream(s.net.address(), **kwargs)
    s.peers.callback(up.close)
    return up


def record(s, up, name="UP1", **fields):
    s.change("registration", "add", name, sip_proxy=up.address,
             username="tandem", password="secret",
             **{"domain": "up.example.com", **fields})


def row(s, name="UP1"):
    return next((r for r in s.ask("registration.list", upstream=True)
                 if r["record"] == name), {})


def is_in(s, state, name="UP1", within=10):
    wait_for(within, lambda: row(s, name).get("state") == state, state)
    return row(s, name)


def same_but_cseq(*messages):
    assert len({m.call_id for m in messages}) == 1, messages
    assert len({m.from_tag for m in messages}) == 1, messages
    numbers = [m.cseq for m in messages]
    assert numbers == sorted(set(numbers)), numbers


@on_a_switch()
def a_challenge_is_answered_and_half_of_it_refreshed(s):
    up = registrar(s, challenges=True, expires=8)
    record(s, up)
    first, second = up.wait(2, 5)[:2]
    assert first.get("expires") == "3600"
    assert "sip:tandem@up.example.com" in first.get("to")
    assert first.get("authorization") is None
    assert up.credentials(second)["username"] == "tandem"
    found = is_in(s, "registered")
    assert found["effective_expiry"] == 8 and found["last_code"] == 200
    assert s.logged("upstream_expiry_short")
    up.wait(3, 6)
    times = up.times()
    assert 3.5 <= times[2] - times[1] <= 5, times
    same_but_cseq(*up.wait(4, 2)[:4])
    s.ask("upstream.refresh", name="UP1")
    assert s.ask("upstream.show", name="UP1")[0]["call_id"] == first.call_id


@on_a_switch(settings={"SS_SIP_USER_AGENT_RETRY_DELAY": 30})
def a_423_is_followed_and_a_failure_waits(s):
    brief = registrar(s, answers=[(423, {"Min-Expires": "1800"}), 200])
    record(s, brief, register_period=600)
    bad = registrar(s, answers=[403])
    record(s, bad, "UP2")
    first, second = brief.wait(2, 5)
    assert [first.get("expires"), second.get("expires")] == ["600", "1800"]
    found = is_in(s, "registered")
    assert found["effective_expiry"] == 1800
    assert 890 <= found["next_action"] <= 900
    found = is_in(s, "waiting", "UP2")
    assert found["last_code"] == 403 and found["failures"] == 1
    assert 20 <= found["next_action"] <= 30


@on_a_switch()
def it_is_refreshed_at_half_of_what_holds(s):
    for n, (period, given, held) in enumerate(
            (("auto", 120, 120), ("300", 3600, 300), ("600", 40, 40))):
        up, name = registrar(s, expires=given), f"UP{n}"
        record(s, up, name, register_period=period)
        found = is_in(s, "registered", name)
        assert found["effective_expiry"] == held, found
        assert held / 2 - 10 <= found["next_action"] <= held / 2, found
        asked = up.wait(1, 5)[0].get("expires")
        assert asked == ("3600" if period == "auto" else period), asked


@on_a_switch(settings={"SS_SIP_USER_AGENT_RETRY_DELAY": 30,
                       "SS_SIP_RESEND_INTERVAL": "0.1,0.2"})
def whatever_fails_is_tried_again_after_the_same_delay(s):
    ups = []
    for n, answers in enumerate(((None, 403), (403, 503), (503, None))):
        ups.append(registrar(s, answers=answers))
        record(s, ups[n], f"UP{n}")
    for n, up in enumerate(ups):
        up.wait(2, 60)
        first, second = up.times()[:2]
        assert 29.9 <= second - first <= 45, second - first
        wait_for(15, lambda name=f"UP{n}": row(s, name)["failures"] >= 2,
                 "its second failure")
        found = row(s, f"UP{n}")
        assert found["state"] == "waiting", found
        assert 10 <= found["next_action"] <= 30, found
        same_but_cseq(*up.wait(2, 1))


@on_a_switch()
def privacy_is_said_as_it_is_set(s):
    for privacy, said in (("ignore", None), ("id", "id"), ("none", "none")):
        s.set(SS_SIP_USER_AGENT_PRIVACY=privacy)
        up = registrar(s)
        record(s, up, f"P-{privacy}")
        assert up.wait(1, 10)[0].get("privacy") == said


@on_a_switch()
def an_orderly_stop_unregisters_and_waits_for_the_challenge(s):
    up = registrar(s, challenges=True)
    record(s, up)
    quiet = registrar(s)
    record(s, quiet, "UP2", send_unregister="Off")
    is_in(s, "registered")
    is_in(s, "registered", "UP2")
    before = len(up.heard)
    s.do("stop")
    after = [m for _, m in up.heard][before:]
    assert [m.get("expires") for m in after] == ["0", "0"], after
    assert up.credentials(after[1]), after
    same_but_cseq(up.heard[0][1], *after)
    assert after[0].get("contact").split(";")[0] == \
        up.heard[0][1].get("contact").split(";")[0]
    assert len(quiet.heard) == 1
    s.do("start")
    up.wait(before + 3, 10)
    same_but_cseq(*(m for _, m in up.heard))


@on_a_switch()
def what_changes_or_goes_is_unregistered_with_the_old_values(s):
    old, new = registrar(s), registrar(s)
    record(s, old)
    is_in(s, "registered")
    s.change("registration", "set", "UP1", sip_proxy=new.address)
    assert old.wait(2, 5)[1].get("expires") == "0"
    assert new.wait(1, 5)[0].get("expires") == "3600"
    is_in(s, "registered")
    s.change("registration", "set", "UP1", enabled="Off")
    assert new.wait(2, 5)[1].get("expires") == "0"
    is_in(s, "off")
    s.change("registration", "set", "UP1", enabled="On")
    assert new.wait(3, 5)[2].get("expires") == "3600"
    is_in(s, "registered")
    s.ask("registration.remove", name="UP1")
    assert new.wait(4, 5)[3].get("expires") == "0"
    wait_for(5, lambda: not s.ask("upstream.list"), "the end")
    same_but_cseq(*(m for _, m in new.heard))


@on_a_switch()
def a_removal_waits_until_its_challenge_is_answered(s):
    up = registrar(s, challenges=True)
    record(s, up)
    is_in(s, "registered")
    before = len(up.heard)
    s.ask("registration.remove", name="UP1")
    after = [m for _, m in up.heard][before:]
    assert [m.get("expires") for m in after] == ["0", "0"], after
    assert up.credentials(after[1]), after
    silent = registrar(s, answers=[200, None])
    record(s, silent, "UP2")
    is_in(s, "registered", "UP2")
    began = time.monotonic()
    s.do("registration", "remove", "UP2")
    assert 4.5 <= time.monotonic() - began <= 7


@on_a_switch()
def one_process_that_dies_or_restarts_unregisters_nothing(s):
    up = registrar(s, expires=20)
    record(s, up)
    is_in(s, "registered")
    for name in ("regd.0", "sipd.0"):
        s.kill(name)
    s.do("restart", "regd")
    assert row(s)["state"] == "registered"
    assert len(up.heard) == 1, [m.data for _, m in up.heard]
    up.wait(2, 12)
    times = up.times()
    assert 9.5 <= times[1] - times[0] <= 11.5, times
    is_in(s, "registered")
    same_but_cseq(*(m for _, m in up.heard))


if __name__ == "__main__":
    main()
