#!/usr/bin/env python3
"""Calls whose digits are converted: events, INFO and tones.

media_calls_digits.py BIN CASE: one case, in a cluster and a PostgreSQL of its
own.
"""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import main  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.media_lane import MediaLane, formats_of, on_media  # noqa: E402
from support.rtp import digit_of  # noqa: E402
from support.usage import pause  # noqa: E402


@on_media()
def digits_are_converted_between_events_and_info(s):
    """media 12.7"""
    m = MediaLane(s, {"dtmf_mode": "info"}, {"dtmf_mode": "rfc2833"})
    m.establish()
    assert "101" in formats_of(m.there.invite.sdp), m.there.invite.sdp
    m.speak()
    for digit in "12#":
        m.b.event(digit)
        pause(0.1)
    wait_for(5, lambda: len(m.call.received("INFO")) >= 3, "three INFO")
    rows = [r.body for r in m.call.received("INFO")]
    assert [re.search(r"Signal=\s*(\S)", r)[1] for r in rows] == \
        ["1", "2", "#"], rows
    assert all("Duration=160" in r for r in rows), rows
    m.b.forget()
    m.a.stream(2.5, wait=False)
    for digit in "12#":
        m.call.request("INFO", {"Content-Type": "application/dtmf-relay"},
                       f"Signal={digit}\r\nDuration=160\r\n")
        m.call.expect("200 INFO")
        pause(0.5)
    m.a.drained()
    pause(0.2)
    assert [r[0] for r in m.b.events()] == ["1", "2", "#"], m.b.events()
    assert not m.there.received("INFO")
    m.hang_up()


@on_media()
def digits_are_converted_to_tones(s):
    m = MediaLane(s, {"dtmf_mode": "info"}, {"dtmf_mode": "inband"})
    m.establish()
    assert "101" not in formats_of(m.there.invite.sdp), m.there.invite.sdp
    m.speak()
    m.b.forget()
    m.a.stream(1.5, wait=False)
    m.call.request("INFO", {"Content-Type": "application/dtmf-relay"},
                   "Signal=7\r\nDuration=160\r\n")
    m.call.expect("200 INFO")
    m.a.drained()
    pause(0.2)
    heard = [digit_of(p.payload) for p in m.b.came]
    assert 6 <= heard.count("7") <= 10, heard
    assert set(heard) <= {"7", None}, heard
    m.hang_up()


if __name__ == "__main__":
    sys.exit(main())
