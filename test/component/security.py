#!/usr/bin/env python3
"""What arrives broken, too often, or from those who should not ask.

security.py BIN CASE: one case, in a cluster of its own.
"""

import os
import pathlib
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import SANITIZED, main  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.sip import Caller, make_sdp, wait_until  # noqa: E402
from support.sip_message import build, unique  # noqa: E402
from support.sip_switch import on_a_switch  # noqa: E402
from support.usage import small_pages  # noqa: E402

GOOD = [(0, 100), (0.02, 180), (0.05, 200)]
FINAL = ("2xx", "3xx", "4xx", "5xx", "6xx")
DROPPED = 0


class Request:
    """A request that is right, to be broken: rows of headers and a body."""

    def __init__(self, a, method="OPTIONS", number="44", body=""):
        self.call_id = unique("torture-")
        host = a.switch[0]
        self.first = f"{method} sip:{number}@{host} SIP/2.0"
        self.body = body
        self.rows = {
            "Via": f"SIP/2.0/UDP {a.at};branch={unique('z9hG4bK')};rport",
            "Max-Forwards": "70", "From": f"<sip:1@{a.address}>;tag=t1",
            "To": f"<sip:{number}@{host}>", "Call-ID": self.call_id,
            "CSeq": f"5 {method}", "Contact": f"<sip:1@{a.at}>"}
        if body:
            self.rows["Content-Type"] = "application/sdp"

    def data(self):
        return build(self.first, self.rows, self.body)


def change(**rows):
    """Other headers: _ for -, None leaves one out."""
    def apply(request):
        request.rows.update({k.replace("_", "-"): v for k, v in rows.items()})
        return request.data()
    return apply


def replace(old, new, count=1):
    return lambda request: request.data().replace(old, new, count)


def first(text):
    def apply(request):
        request.first = text.replace("@", "@" + request.first.split("@")[1]
                                     .split(" ")[0], 1)
        return request.data()
    return apply


# Name, how an OPTIONS is broken, the answers that are right
BROKEN = [
    ("nothing", lambda r: b"", [DROPPED]),
    ("blank lines", lambda r: b"\r\n\r\n", [DROPPED]),
    ("no SIP", lambda r: b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", [DROPPED]),
    ("zeros", lambda r: bytes(300), [DROPPED]),
    ("high bytes", lambda r: b"\xff" * 1400, [DROPPED]),
    ("a response to nothing", lambda r: build(
        "SIP/2.0 200 OK", {**r.rows, "CSeq": "5 INVITE"}), [DROPPED]),
    ("a status of four digits", lambda r: build(
        "SIP/2.0 4294967301 better not", r.rows), [DROPPED]),
    ("no headers", lambda r: r.first.encode() + b"\r\n\r\n", [DROPPED]),
    ("an end in the middle", lambda r: r.data()[:90], [DROPPED, 400]),
    *((f"no {name}", change(**{name.replace("-", "_"): None}), [DROPPED])
      for name in ("Via", "From", "To", "Call-ID", "CSeq")),
    ("another version", replace(b" SIP/2.0\r\n", b" SIP/7.0\r\n"), [505]),
    ("an unknown method", lambda r: r.data().replace(b"OPTIONS", b"FOO"),
     [501]),
    ("an unknown scheme", first("OPTIONS nobody:x@ SIP/2.0"), [416]),
    ("a web address", first("OPTIONS http://x@/y SIP/2.0"), [416]),
    ("no Request-URI", lambda r: build("OPTIONS  SIP/2.0", r.rows),
     [DROPPED, 400]),
    ("a Request-URI in brackets", first("OPTIONS <sip:1@> SIP/2.0"), [400]),
    ("spaces in the Request-URI", first("OPTIONS sip:1@; lr SIP/2.0"),
     [DROPPED, 400]),
    ("blanks behind the first line", first("OPTIONS sip:1@ SIP/2.0  "),
     [DROPPED, 400]),
    ("a body that is missing", change(Content_Length="9999"), [400]),
    ("a length below zero", change(Content_Length="-999"), [400]),
    ("a length that is no number", change(Content_Length="many"), [400]),
    ("a length beyond numbers", change(Content_Length="9" * 30), [400]),
    ("two values of From", change(From=[
        "<sip:1@a>;tag=1", "<sip:2@b>;tag=2"]), [400]),
    ("two values of To", change(To=["<sip:1@a>", "<sip:2@b>"]), [400]),
    ("two values of Call-ID", change(Call_ID=["one", "two"]), [400]),
    ("two values of CSeq", change(CSeq=["5 OPTIONS", "6 OPTIONS"]), [400]),
    ("two values of Max-Forwards", change(Max_Forwards=["5", "6"]), [400]),
    ("two lengths", change(Content_Length=["0", "7"]), [400]),
    ("a method that is not the CSeq's", change(CSeq="5 INVITE"), [400]),
    ("a CSeq beyond 32 bits", change(CSeq="36893488147419103232 OPTIONS"),
     [DROPPED, 400]),
    ("a CSeq that is no number", change(CSeq="five OPTIONS"),
     [DROPPED, 400]),
    ("Max-Forwards beyond numbers", change(Max_Forwards="9" * 20),
     [400, 200]),
    ("Max-Forwards used up", change(Max_Forwards="0"), [483, 200]),
    ("a NUL", change(Subject="a\0b"), [400]),
    ("a control character", change(Subject="a\x01b"), [400]),
    ("a quote that does not end", change(From='"Mr <sip:1@a>;tag=1'),
     [DROPPED, 400]),
    ("a bracket that does not end", change(To="<sip:1@a;tag"),
     [DROPPED, 400]),
    ("a header without a name", change(**{"": "x"}), [400]),
    ("a line that is no header", replace(b"Max-Forwards: 70",
                                         b"Max-Forwards 70"), [400]),
    ("a Via of another protocol", change(Via="HTTP/1.1 a;branch=z9hG4bKx"),
     [DROPPED, 400]),
    ("a Via port beyond ports", change(
        Via="SIP/2.0/UDP 192.0.2.1:99999;branch=z9hG4bKx"), [DROPPED, 400]),
    ("a header of 9000 bytes", change(Subject="x" * 9000), [513]),
    ("130 headers", change(X_Many=["x"] * 130), [513]),
    ("a Via list of 100", change(Via=[
        "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK" + str(n)
        for n in range(100)]), [DROPPED, 200]),
]

# What looks strange and is right
STRANGE = [
    ("compact, folded and in odd letters", lambda r: (
        f"{r.first}\r\nTO :\r\n  {r.rows['To']}\r\nfrom   : \"J Rosenberg "
        f"\\\\\\\"\" <sip:1@a>\r\n ;\r\n tag = 98asjd8\r\nmAx-fOrWaRdS: 0068"
        f"\r\ni: {r.call_id}\r\ncSeq: 0009\r\n  OPTIONS\r\nv:{r.rows['Via']}"
        "\r\nSubject:\r\nNewFangled: a;b;;c=\"x;\xff\"\r\nl:0\r\n\r\n"
     ).encode("latin-1"), [200]),
    ("more behind the body", lambda r: r.data() + b"INVITE sip:x SIP/2.0",
     [200]),
    ("long values", change(To="<sip:44@a>;x=" + "y" * 2000,
                           From="\"" + "I" * 1000 + "\" <sip:1@a>;tag=" +
                           "t" * 120), None),
    ("escapes", first("OPTIONS sip:%73ips%3Auser%40x;par=u%40e@ SIP/2.0"),
     [200]),
    ("the same Max-Forwards twice", change(Max_Forwards=["5", "5"]), [200]),
    ("an unknown parameter of Via", change(), [200]),
]

# Offers that cannot be; the code of the INVITE
OFFERS = [
    ("no SDP", "hello, world\r\n", 488),
    ("port 0", make_sdp(port=0), 488),
    ("multicast", make_sdp("224.2.1.1"), 488),
    ("loopback", make_sdp("127.0.0.1"), 488),
    ("no media", "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"
                 "c=IN IP4 192.0.2.1\r\nt=0 0\r\n", 488),
    ("a port beyond ports", make_sdp(port=99999), 488),
]


def answers(a, call_id, seconds=0.05):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = [m for m in a.received(call_id=call_id) if m.code >= 200]
        if got:
            return got[0].code
        wait_until(time.monotonic() + 0.002)
    return DROPPED


def memory(s):
    pid = s.status()["sipd.0"]["pid"]
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0])


# --- input -------------------------------------------------------------------

@on_a_switch()
def broken_messages_are_answered_or_dropped_and_do_no_harm(s):
    lane, quiet = s.lane(GOOD), s.lane(GOOD)
    a = lane.a
    pid = s.status()["sipd.0"]["pid"]
    call, _ = quiet.establish()
    wrong = []
    for name, apply, codes in BROKEN + STRANGE:
        request = Request(a)
        data = apply(request)
        marks = [m for m in ("one", "two") if m.encode() in data] \
            if "Call-ID" in name else []
        a.send(data)
        wanted = codes or [200, 400, 513, DROPPED]
        seconds = 2.0 if DROPPED not in wanted else 0.1
        code = next((c for c in (answers(a, i, seconds / (1 + len(marks)))
                                 for i in [request.call_id, *marks]) if c), 0)
        if code not in wanted:
            wrong.append((name, "got", code, "wanted", wanted))
    for name, body, code in OFFERS:
        request = Request(a, "INVITE", lane.number, body)
        a.send(request.data())
        got = answers(a, request.call_id, 2)
        if got != code:
            wrong.append((name, "got", got, "wanted", code))
    assert not wrong, "\n".join(map(str, wrong))
    assert not lane.b.invites(), "one came through"
    assert not [r for r in s.records(mapping_gateway=a.name)
                if r["end_reason"] != "MediaFailure"]
    # many of them, and a call meanwhile; the first ones fill what is kept
    before = 0
    for n in range(80):
        if n == 40:
            quiet.establish()[0].bye()
            before = memory(s)
        for name, apply, _ in BROKEN:
            a.send(apply(Request(a)))
        wait_until(time.monotonic() + 0.05)
    other, _ = quiet.establish()
    assert other.received(100)[0].time - other.invite.time < 0.2
    for one in (call, other):
        one.bye()
        one.expect("200 BYE")
    assert s.status()["sipd.0"]["pid"] == pid
    grown = memory(s) - before
    assert grown < 4096 or SANITIZED, f"{grown} KB more"


@on_a_switch()
def a_broken_stream_is_closed(s):
    address = s.net.address()
    lane = s.lane(GOOD, caller={"address": address})
    table = [(replace(b"Content-Length: 0\r\n", b""), (b"400", b"513")),
             (lambda r: b"x" * 70000, (b"",)),
             (change(Subject="x" * 9000), (b"400", b"513"))]

    def connect():
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.bind((address, 0))
        sock.settimeout(3)
        sock.connect(s.at)
        return sock
    for apply, wanted in table:
        request = Request(lane.a)
        request.rows["Via"] = request.rows["Via"].replace("UDP", "TCP")
        with connect() as sock:
            sock.sendall(apply(request))
            got = b""
            try:
                while more := sock.recv(65536):
                    got += more
            except ConnectionResetError:
                pass
            assert any(w in got[:16] for w in wanted), (wanted, got)
    # In pieces, and two at once
    request = Request(lane.a)
    request.rows["Via"] = request.rows["Via"].replace("UDP", "TCP")
    data = request.data()
    with connect() as sock:
        for n in range(0, len(data), 50):
            sock.sendall(data[n:n + 50])
        assert sock.recv(65536).startswith(b"SIP/2.0 200")
        two = Request(lane.a)
        two.rows["Via"] = two.rows["Via"].replace("UDP", "TCP")
        three = Request(lane.a)
        three.rows["Via"] = three.rows["Via"].replace("UDP", "TCP")
        sock.sendall(b"\r\n\r\n" + two.data() + b"\r\n" + three.data())
        got = b""
        while got.count(b"SIP/2.0 200") < 2:
            got += sock.recv(65536)
        assert got.index(two.call_id.encode()) < got.index(
            three.call_id.encode())


# --- rates and lists -----------------------------------------------------------

@on_a_switch(settings={"SS_SECURITY_UNKNOWN_RATE": 10})
def an_unknown_source_is_heard_a_few_times_a_second(s):
    lane = s.lane(GOOD)
    unknown = s.peer(Caller(s.net.address(), switch=s.at))
    begun = time.monotonic()
    for n in range(100):
        unknown.options()
        if n == 50:
            call = lane.invite()
        wait_until(begun + n / 100)
    answer = call.expect(200)
    assert call.received(100)[0].time - call.invite.time < 0.2
    call.ack(answer)
    call.bye()
    call.expect("200 BYE")
    wait_until(begun + 1.5)
    assert 10 <= len(unknown.received()) <= 30, len(unknown.received())
    dropped = s.metrics_of("sipd.0")['tandem_sip_dropped_total{reason="rate"}']
    assert dropped == 100 - len(unknown.received()), dropped


@on_a_switch(settings={"SS_SECURITY_BLACKLIST_THRESHOLD": 5,
                       "SS_SECURITY_BLACKLIST_TIME": 10})
def one_that_offends_again_and_again_is_not_heard(s):
    unknown = s.peer(Caller(s.net.address(), switch=s.at))
    for _ in range(5):
        call = unknown.invite("4412345")
        call.expect(403)
        last = s.record(call.call_id, end_reason="UnauthorizedSource")
    begun = time.monotonic()
    assert unknown.address in s.logged("source_blacklisted")[0]
    assert unknown.address in [r["entry"] for r in s.ask("blacklist.list")]
    silent = unknown.invite("4412345")
    other = unknown.options()
    # The ACK of the last 403 is not heard either: that comes again.
    silent.expect_none(None, 8)
    other.expect_none(None, 0)
    assert s.records()[-1] == last, "no record"
    wait_until(begun + 10.5)
    unknown.invite("4412345").expect(403)
    assert not silent.received()
    # Carriers and customers never are, whatever they do.
    lane = s.lane(GOOD)
    for _ in range(7):
        lane.a.send(b"SIP is not this\r\n\r\n")
        lane.b.send(b"SIP is not this\r\n\r\n", s.at)
    call, _ = lane.establish()
    call.bye()


@on_a_switch()
def a_scanner_is_not_heard_at_all(s):
    for n, headers in enumerate(({"User_Agent": "friendly-scanner"},
                                 {"User_Agent": "x SIPVicious 0.2"},
                                 {"caller": "sipcli"},
                                 {"display": "sundayddr"})):
        unknown = s.peer(Caller(s.net.address(), switch=s.at))
        unknown.invite("4412345", **headers)
        wait_for(2, lambda: unknown.address in [
            r["entry"] for r in s.ask("blacklist.list")], "it to be listed")
        unknown.options()
        unknown.expect_none(None, 0.3)
    assert not s.records()
    lane = s.lane(GOOD)
    call, _ = lane.establish(User_Agent="friendly-scanner")
    call.bye()
    s.ask("blacklist.remove", list="dynamic", entry=unknown.address)
    unknown.options().expect(200)


if __name__ == "__main__":
    small_pages()
    sys.exit(main())
