#!/usr/bin/env python3
"""Phones register, stay reachable, and are listed, whatever dies.

registration.py BIN CASE: one case, in a cluster of its own.
"""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import main  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.phone import Phone, bindings_of  # noqa: E402
from support.sip_switch import on_a_switch  # noqa: E402

MODES = {"SS_SIP_REALM": "sip.example.com"}


def phone(s, number, address=None, **fields):
    """A device of a phone; the record is made with the first of them."""
    if not any(number == r["number"] for r in s.ask("phone.list")):
        s.change("phone", "add", number, account="customer",
                 password=f"pw{number}", **fields)
    device = Phone(number, f"pw{number}", s.at, address or s.net.address())
    s.peers.callback(device.close)
    return device


def listed(s, **filters):
    return s.ask("registration.list", **filters)


def granted(answer):
    assert answer.code == 200, answer.data
    return bindings_of(answer)


@on_a_switch(settings=MODES)
def what_is_granted_is_what_the_table_says(s):
    p = phone(s, "2001")
    for asked, given in ((60, 300), (600, 600), (7200, 3600), (None, 3600)):
        assert granted(p.register(expires=asked)) == {p.contact: given}
        answer = p.register(via="10.0.0.5:5060", expires=asked)
        assert granted(answer) == {p.contact: 300}, answer.data
        assert answer.get("date")
    row, = listed(s)
    assert row["number"] == "2001" and row["nat"] and row["source"] == p.at
    assert row["granted"] == 300 and 295 <= row["left"] <= 300
    assert granted(p.register(contacts=[])) == {p.contact: 300}
    assert granted(p.register(contacts=["*"], expires=0)) == {}
    assert listed(s) == []
    assert p.register(contacts=["*"], expires=60).code == 400


@on_a_switch(settings=MODES)
def a_device_replaces_another_or_is_refused(s):
    a, b = phone(s, "2001"), phone(s, "2001")
    granted(a.register())
    assert list(granted(b.register())) == [b.contact]
    s.set(SS_ENDPOINT_REGISTER_REPLACE="Off")
    assert a.register().code == 403
    assert [r["source"] for r in listed(s)] == [b.at]
    s.change("phone", "set", "2001", max_contacts=2)
    assert sorted(granted(a.register())) == sorted([a.contact, b.contact])
    assert {r["source"] for r in listed(s, number="2001")} == {a.at, b.at}
    assert s.ask("registration.kick", number="2001",
                 contact=a.contact) == [{"removed": 1}]
    assert [r["source"] for r in listed(s)] == [b.at]
    assert s.ask("registration.kick", number="2001") == [{"removed": 1}]


@on_a_switch(settings=MODES)
def order_is_kept_within_a_call_id(s):
    p = phone(s, "2001")
    granted(p.register())
    for cseq in (p.cseq, 1):
        answer = p.register(cseq=cseq)
        assert answer.code == 500, answer.data
    granted(p.register())


@on_a_switch(settings={**MODES, "SS_ENDPOINT_NAT_EXPIRE": 12,
                       "SS_SIP_NAT_KEEP_ALIVE_PERIOD": 10})
def it_is_kept_alive_and_ends_all_the_same(s):
    p, plain = phone(s, "2001"), phone(s, "2002")
    granted(plain.register())
    began = time.monotonic()
    granted(p.register(via="10.0.0.5:5060"))
    heard = p.listen(11)
    assert {d for _, d in heard} == {b"HELLO"}, heard
    times = [t for t, _ in heard]
    assert all(9 <= b - a <= 11 for a, b in zip(times, times[1:])), times
    assert plain.listen(0.1) == []
    wait_for(5, lambda: not listed(s, number="2001"), "its end")
    assert 11.5 <= time.monotonic() - began <= 14.5
    assert len(listed(s)) == 1
    s.logged("binding_expired")


@on_a_switch(settings={**MODES, "SS_SIP_NAT_KEEP_ALIVE_PERIOD": 10,
                       "SS_SIP_NAT_KEEP_ALIVE_MESSAGE": "ping 1"})
def its_bytes_are_what_is_set_and_nothing_is_none(s):
    p = phone(s, "2001")
    granted(p.register(via="10.0.0.5:5060"))
    wait_for(30, lambda: p.listen(0.5), "one")
    assert {d for _, d in p.heard} == {b"ping 1"}, p.heard
    s.set(SS_SIP_NAT_KEEP_ALIVE_MESSAGE="")
    assert p.listen(21) == []


@on_a_switch(settings=MODES)
def bindings_outlive_regd_sipd_and_the_supervisor(s):
    p = phone(s, "2001")
    granted(p.register())
    before = listed(s)
    for name in ("regd.0", "sipd.0"):
        s.kill(name)
        after = listed(s)
        assert [r["source"] for r in after] == [r["source"] for r in before]
        assert before[0]["left"] - 30 <= after[0]["left"] <= before[0]["left"]
    assert list(granted(p.register())) == [p.contact]
    assert s.metrics_of("regd")['tandem_reg_bindings{nat="no"}'] == 1


if __name__ == "__main__":
    main()
