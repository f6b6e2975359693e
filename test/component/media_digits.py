#!/usr/bin/env python3
"""mediad converts digits: events, INFO and tones.

media_digits.py BIN CASE: one case, in a cluster of its own.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import main  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.media_rig import EVENTS, on_a_rig  # noqa: E402
from support.mediatalk import INBAND, INFO  # noqa: E402
from support.rtp import digit_of, tone  # noqa: E402
from support.usage import pause  # noqa: E402

@on_a_rig()
def an_event_reaches_a_side_of_info_as_one_digit(s):
    """media 12.7: 1, 2 and # from GW1"""
    call = s.call(a_fields={"dtmf_mode": INFO}, b_fields=dict(EVENTS))
    call.speak()
    call.a.forget()
    for digit in "12#":
        call.b.event(digit)
        pause(0.1)
    wait_for(5, lambda: len(s.talk.heard("digit")) >= 3, "three digits")
    pause(0.2)
    rows = s.talk.heard("digit", session=call.number)
    assert [r["digit"] for r in rows] == ["1", "2", "#"], rows
    assert {r["side"] for r in rows} == {1}, rows
    assert all(140 <= r["ms"] <= 180 for r in rows), rows
    assert not [p for p in call.a.came if p.payload_type == 101]


@on_a_rig()
def a_digit_of_info_becomes_one_event(s):
    """media 12.7: three from A"""
    call = s.call(a_fields={"dtmf_mode": INFO}, b_fields=dict(EVENTS))
    call.a.stream(10, wait=False)
    call.b.forget()
    for n, digit in enumerate("12#"):
        s.talk.digit(call.number, 1, digit)
        wait_for(5, lambda n=n: sum(r[3] == 3 for r in call.b.events()) > n,
                 f"digit {digit}; came: {call.b.events()}")
    call.a.hush()
    pause(0.2)
    rows = call.b.events()
    assert [r[0] for r in rows] == ["1", "2", "#"], rows
    assert all(packets >= 6 and ends == 3 for _, _, packets, ends in rows), \
        rows
    assert all(140 <= ms <= 180 for _, ms, _, _ in rows), rows
    numbers = [p.number for p in call.b.came]
    assert all((b - a) & 0xffff == 1 for a, b in zip(numbers, numbers[1:])), \
        "the numbers have no hole"


@on_a_rig()
def a_digit_of_info_becomes_a_tone(s):
    call = s.call(a_fields={"dtmf_mode": INFO}, b_fields={"dtmf_mode": INBAND})
    call.speak()
    call.b.forget()
    call.a.stream(1.5, wait=False)
    pause(0.3)
    s.talk.digit(call.number, 1, "7")
    call.a.drained()
    pause(0.2)
    heard = [digit_of(p.payload) for p in call.b.came]
    assert 6 <= heard.count("7") <= 10, heard
    assert set(heard) <= {"7", None}, heard
    numbers = [p.number for p in call.b.came]
    assert all((b - a) & 0xffff == 1 for a, b in zip(numbers, numbers[1:])), \
        "the numbers have no hole"


@on_a_rig()
def a_tone_becomes_an_event_and_is_cut(s):
    call = s.call(a_fields={"dtmf_mode": INBAND}, b_fields=dict(EVENTS))
    call.speak()
    call.b.forget()
    for digit in "5*":
        call.a.stream(0.2)
        call.a.play(tone(digit, 120))
        call.a.stream(0.2)
    pause(0.3)
    assert [r[0] for r in call.b.events()] == ["5", "*"], call.b.events()
    heard = [digit_of(p.payload) for p in call.b.came
             if p.payload_type == 0]
    assert len([d for d in heard if d]) <= 6, heard


@on_a_rig()
def a_tone_becomes_one_digit_of_info(s):
    call = s.call(a_fields={"dtmf_mode": INBAND}, b_fields={"dtmf_mode": INFO})
    call.speak()
    for digit in "19#":
        call.a.play(tone(digit, 100))
        call.a.stream(0.2)
    wait_for(5, lambda: len(s.talk.heard("digit")) >= 3, "three digits")
    rows = s.talk.heard("digit", session=call.number)
    assert [r["digit"] for r in rows] == ["1", "9", "#"], rows
    assert {r["side"] for r in rows} == {0}, rows


@on_a_rig()
def an_event_becomes_a_tone(s):
    call = s.call(a_fields={"dtmf_mode": INBAND}, b_fields=dict(EVENTS))
    call.speak()
    call.a.forget()
    call.b.stream(0.2)
    call.b.event("8", ms=160)
    call.b.stream(0.4)
    pause(0.2)
    assert not [p for p in call.a.came if p.payload_type == 101]
    heard = [digit_of(p.payload) for p in call.a.came]
    assert heard.count("8") >= 2 and set(heard) <= {"8", None}, heard


if __name__ == "__main__":
    sys.exit(main())
