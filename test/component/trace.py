#!/usr/bin/env python3
"""What operators see of messages, and whom they have us not listen to.

trace.py BIN CASE: one case, in a cluster of its own.
"""

import datetime
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import main  # noqa: E402
from support.cluster import Refused, wait_for  # noqa: E402
from support.sip import Caller  # noqa: E402
from support.sip_message import challenge_of  # noqa: E402
from support.sip_switch import on_a_switch  # noqa: E402

GOOD = [(0, 100), (0.02, 180), (0.05, 200)]
PASSWORD = "b7Kp-hidden-9Q"
ROW = {"time", "direction", "transport", "local", "remote", "method", "code",
       "call_id", "message"}


def start(s, **filters):
    return s.ask("trace.start", **filters)[0]["trace"]


def show(s, trace):
    return s.ask("trace.show", name=trace, limit=1000)


def listed(s, trace):
    return next(r for r in s.ask("trace.list") if r["trace"] == trace)


def place(lane):
    """A whole call; what A and what the carrier had of it."""
    a, b = lane.establish()
    a.bye()
    a.expect("200 BYE")
    wait_for(5, lambda: b.sent("200 BYE"), "the carrier's answer")
    return a, b


def count(dialog):
    return len(dialog.sent()) + len(dialog.received())


def fails(function, word):
    try:
        function()
    except Refused as refused:
        assert word in str(refused), refused
        return
    raise AssertionError("not refused")


@on_a_switch()
def each_filter_finds_its_messages_alone(s):
    one, two = s.lane(GOOD), s.lane(GOOD)
    everything = start(s)
    by_ip = start(s, ip=one.b.address)
    by_gateway = start(s, gateway=one.b.name)
    by_number = start(s, number=two.number)
    by_method = start(s, gateway=one.b.name, method="BYE")
    (a1, b1), (a2, b2) = place(one), place(two)
    by_call = start(s, call_id=a1.call_id)
    total = sum(map(count, (a1, b1, a2, b2)))
    wait_for(5, lambda: listed(s, everything)["messages"] == total,
             f"{total} messages")

    rows = show(s, by_gateway)
    assert len(rows) == count(b1), (len(rows), count(b1))
    assert rows == show(s, by_ip)
    for row in rows:
        assert set(row) == ROW, row
        assert row["remote"] == f"{one.b.address}:{one.b.port}", row
        assert row["local"] == f"{s.at[0]}:{s.at[1]}", row
        assert row["transport"] == "udp" and row["call_id"] == b1.call_id
        assert re.fullmatch(r"[\d-]+T[\d:]+\.\d{3}Z", row["time"]), row
    invite, answer = rows[0], next(r for r in rows if r["code"] == 200)
    assert (invite["direction"], invite["method"], invite["code"]) == (
        "out", "INVITE", None), invite
    assert invite["message"].encode() == b1.invite.data, invite
    assert answer["direction"] == "in" and "m=audio" in answer["message"]
    now = datetime.datetime.now(datetime.timezone.utc)
    then = datetime.datetime.fromisoformat(invite["time"][:-1] + "+00:00")
    assert 0 <= (now - then).total_seconds() < 60, (now, then)

    assert {r["call_id"] for r in show(s, by_number)} == {a2.call_id,
                                                          b2.call_id}
    assert {r["method"] for r in show(s, by_method)} == {"BYE"}
    assert not show(s, by_call)
    a1.bye()
    wait_for(5, lambda: show(s, by_call), "the BYE that is too late")


@on_a_switch()
def a_trace_of_registrations_has_no_calls(s):
    lane = s.lane(GOOD)
    trace = start(s, type="registration")
    place(lane)
    lane.a.options(method="REGISTER").expect(("4xx", "5xx"))
    wait_for(5, lambda: len(show(s, trace)) == 2, "request and answer")
    assert {r["method"] for r in show(s, trace)} == {"REGISTER"}


@on_a_switch()
def who_is_blacklisted_is_seen_and_not_answered(s):
    stranger = s.peer(Caller(s.net.address(), switch=s.at))
    trace = start(s, ip=stranger.address)
    code, said = s.ctl("blacklist", "add", stranger.address, "--seconds",
                       "60")
    assert code == 0, said
    rows = s.ask("blacklist.list")
    assert [(r["entry"], r["list"], r["reason"]) for r in rows] == [
        (stranger.address, "dynamic", "operator")], rows
    assert 50 <= rows[0]["left"] <= 60, rows
    call = stranger.invite("44")
    wait_for(5, lambda: show(s, trace), "the INVITE")
    call.expect_none()
    assert {r["direction"] for r in show(s, trace)} == {"in"}
    assert s.ask("blacklist.list")[0]["hits"] >= 1

    s.ask("blacklist.remove", entry=stranger.address)
    assert not s.ask("blacklist.list")
    assert stranger.invite("44").expect(("4xx",)).code == 403
    fails(lambda: s.ask("blacklist.remove", entry=stranger.address),
          "not on the list")
    fails(lambda: s.ask("blacklist.add", list="caller_black", entry="44"),
          "list add")


def tshark(file, *fields):
    """A row of these fields for each SIP message."""
    words = [w for f in fields for w in ("-e", f)]
    done = subprocess.run(
        ["tshark", "-n", "-r", file, "-o", "ip.check_checksum:TRUE", "-o",
         "udp.check_checksum:TRUE", "-Y", "sip", "-T", "fields", *words],
        capture_output=True, text=True, timeout=60, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


def files_of(s, trace):
    """What an operator can take home of it, by name."""
    pcap, text = s.dir / "trace.pcap", s.dir / "trace.txt"
    code, said = s.ctl("trace", "export", str(trace), str(pcap))
    assert code == 0, said
    code, said = s.ctl("trace", "export", str(trace), str(text), "--format",
                       "text")
    assert code == 0, said
    code, output = s.ctl("trace", "export", str(trace), "--format", "text")
    assert code == 0 and output == text.read_text(encoding="utf-8")
    return {"pcap": pcap, "text": text}


@on_a_switch()
def an_export_opens_and_tells_no_secret(s):
    lane = s.lane(GOOD, caller={"auth_mode": "password", "username": "trunk",
                                "password": PASSWORD})
    trace = start(s)
    call = lane.invite()
    asked = call.expect(407)
    lane.a.authorise(call, asked, "trunk", PASSWORD)
    call.ack(call.expect(200))
    call.bye()
    call.expect("200 BYE")
    s.idle()
    s.ask("trace.stop", name=trace)

    files = files_of(s, trace)
    rows = show(s, trace)
    assert len(rows) == listed(s, trace)["messages"] > 12, rows
    seen = tshark(files["pcap"], "sip.Method", "sip.Status-Code", "ip.src",
                  "udp.checksum.status", "ip.checksum.status")
    assert [(m or None, int(c) if c else None) for m, c, *_ in seen] == [
        (None if r["code"] else r["method"], r["code"]) for r in rows], seen
    assert {tuple(r[3:]) for r in seen} == {("1", "1")}, seen
    assert {r[2] for r in seen} == {s.at[0], lane.a.address,
                                    lane.b.address}, seen

    there = [m for m in call.sent() if m.get("proxy-authorization")]
    assert len(there) == 1, there
    given = challenge_of(there[0].get("proxy-authorization"))
    secrets = {PASSWORD, given["response"], given["nonce"], given["cnonce"]}
    texts = {name: file.read_bytes() for name, file in files.items()}
    texts["show"] = str(rows).encode()
    for file in pathlib.Path(s.dir).rglob("*"):
        if file.is_file() and (file == s.log or file.suffix in (
                ".log", ".jsonl", ".txt")):
            texts[str(file)] = file.read_bytes()
    for secret in secrets:
        found = [n for n, t in texts.items() if secret.encode() in t]
        assert not found, (secret, found)
    assert b'username="trunk"' in texts["pcap"], "the rest stays readable"


@on_a_switch()
def a_running_trace_is_followed_until_it_ends(s):
    lane = s.lane(GOOD)
    trace = start(s, method="BYE")
    with subprocess.Popen(
            [s.bin / "tandemctl", "--socket", s.dir / "run" / "control.sock",
             "trace", "show", str(trace), "--follow"],
            stdout=subprocess.PIPE, text=True) as tail:
        place(lane)
        lines = [tail.stdout.readline() for _ in range(2)]
        s.ask("trace.stop", name=trace)
        rest = tail.stdout.read()
    assert " in udp " in lines[0] and lines[1].startswith("BYE "), lines
    assert rest.count("SIP/2.0 200") == 2, rest
    assert tail.returncode == 0
    s.ask("trace.stop", name=trace, discard=True)
    assert not s.ask("trace.list")


if __name__ == "__main__":
    sys.exit(main())
