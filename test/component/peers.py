#!/usr/bin/env python3
"""What other component tests are made of: SIP peers, sipp, a lossy line.

peers.py BIN CASE: one case; no switch takes part.
"""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import bin_dir, case, main  # noqa: E402
from support.lossy import Lossy  # noqa: E402
from support.sip import (Caller, Net, Peer, Uas, assert_times,  # noqa: E402
                         make_sdp, wait_until)
from support.sip_message import (Message, challenge_of,  # noqa: E402
                                 digest_response, display_of, host_of,
                                 parameter, user_of)
from support.sipp import Sipp  # noqa: E402


def fails(call, *words):
    try:
        call()
    except AssertionError as error:
        for word in words:
            assert word in str(error), f"'{word}' is not in: {error}"
        return
    raise AssertionError("it did not fail")


@case
def a_call_is_made_and_ended_between_two_peers():
    with Net() as net, Uas(net.address(), answers=[
            (0, 100), (0.1, 180), (0.2, 183, {"sdp": True}),
            (0.4, 200)]) as b, Caller(net.address(),
                                      switch=(b.address, b.port)) as a:
        call = a.establish("44201", Session_Expires=90)
        there = b.call()
        assert there.invite.get("session-expires") == "90"
        assert there.invite.sdp == call.sdp
        assert_times([m for m in call.received() if m.code],
                     [0, 0.1, 0.2, 0.4], call.invite.time)
        b.expect("ACK")
        call.reinvite(a.sdp(version=2))
        assert call.expect("200 INVITE").sdp == there.sdp
        call.ack()
        there.update()
        assert there.expect("200 UPDATE").sdp is None
        there.bye()
        there.expect("200 BYE")
        a.expect("BYE")
        a.expect_none("BYE", 0.1)


@case
def a_call_over_tcp_is_framed():
    with Net() as net, Uas(net.address(), transport="tcp", answers=[
            (0, 100), (0.1, 200)]) as b, Caller(
                net.address(), transport="tcp",
                switch=(b.address, b.port)) as a:
        call = a.establish("44201")
        call.bye()
        call.expect("200 BYE")
        b.expect("ACK")
        b.expect("BYE")


@case
def a_cancelled_call_ends_with_487_and_its_ack():
    with Net() as net, Uas(net.address(), answers=[(0, 180), (9, 200)]) as b, \
            Caller(net.address(), switch=(b.address, b.port)) as a:
        call = a.invite("1")
        call.expect(180)
        a.cancel(call)
        call.expect("200 CANCEL")
        call.expect(487)
        b.expect("ACK")
        b.expect("CANCEL")


@case
def a_silent_peer_keeps_every_copy_with_its_time():
    with Net() as net, Uas(net.address()) as b, \
            Caller(net.address(), switch=(b.address, b.port)) as a:
        call = a.invite("1")
        for _ in range(2):
            b.expect("INVITE")
            wait_until(b.invites()[-1].time + 0.2)
            a.resend(call)
        b.expect("INVITE")
        assert_times(b.invites(), [0, 0.2, 0.4], tolerance=0.1)
        assert len(b.calls()) == 1
        fails(lambda: assert_times(b.invites(), [0, 0.2]), "wanted [0, 0.2]")
        fails(lambda: call.expect(100, 0.1), "no 100 within", "INVITE sip:1@")
        fails(lambda: b.expect_none("INVITE", 0) or b.expect("INVITE", 0),
              "no INVITE")


@case
def messages_are_taken_apart_and_bad_ones_are_found():
    m = Message(b"INVITE sip:1@h SIP/2.0\r\nv: SIP/2.0/UDP h;branch=z9hG4bKa\r"
                b"\nf: \"A \\\"; tag=no\" <sip:0+1;x=y@h:5>;tag=f1\r\n"
                b"t: <sip:1@h>\r\ni: c\r\nCSeq: 7\r\n INVITE\r\n"
                b"Max-Forwards: 70\r\nAllow: A, B\r\nAllow: C\r\n"
                b"l: 0\r\n\r\n")
    assert (m.branch, m.from_tag, m.to_tag) == ("z9hG4bKa", "f1", None)
    assert (m.cseq, m.method, m.call_id) == (7, "INVITE", "c")
    assert m.lists("allow") == ["A", "B", "C"]
    assert user_of(m.get("from")) == "0+1" and host_of(m.get("from")) == "h:5"
    assert display_of(m.get("from")) == 'A \\"; tag=no'
    assert parameter("<sip:a;lr>;x;y=2", "lr") is None
    assert parameter("<sip:a;lr>;x;y=2", "x") == ""
    m.check()
    bad = Message(m.data.replace(b"l: 0", b"l: 3"))
    fails(bad.check, "Content-Length")
    assert m.matches("INVITE") and not m.matches(200)
    ok = Message(b"SIP/2.0 486 Busy\r\nCSeq: 1 INVITE\r\n\r\n")
    assert ok.matches(486) and ok.matches("4xx") and ok.matches("486 INVITE")
    assert not ok.matches("486 BYE") and not ok.matches("INVITE")


@case
def digests_are_those_of_the_standards():
    # RFC 7616 3.9.1
    words = ("Mufasa", "http-auth@example.org", "Circle of Life", "GET",
             "/dir/index.html", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
             "auth", "00000001",
             "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")
    assert digest_response("MD5", *words) == "8ca523f5e9506fed4657c9700eebdbec"
    assert digest_response("SHA-256", *words) == (
        "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1")
    # RFC 2617 3.5 without qop, as RFC 2069
    assert digest_response(
        "MD5", "Mufasa", "testrealm@host.com", "CircleOfLife", "GET",
        "/dir/index.html", "dcd98b7102dd2f0e8b11d0f600bfb0c093") == \
        "1949323746fe6a43ef61f9606e7febea"
    assert challenge_of('Digest realm="a, b", nonce=x,qop="auth"') == {
        "realm": "a, b", "nonce": "x", "qop": "auth"}


@case
def sipp_and_our_peers_understand_each_other():
    with Net() as net:
        with Uas(net.address(), answers=[(0, 100), (0.1, 180),
                                         (0.2, 200)]) as b, \
                Sipp("uac", net.address(), (b.address, b.port),
                     calls=3) as uac:
            uac.finished(10)
            assert len(b.calls()) == 3
        where = net.address()
        with Sipp("uas", where, calls=1) as uas, \
                Caller(net.address(), switch=(where, 5060)) as a:
            call = a.establish("1")
            call.bye()
            call.expect("200 BYE")
            uas.finished(10)
        where = net.address()
        with Sipp("uas", where, calls=1) as uas, \
                Caller(net.address(), switch=(where, 5060)) as a:
            call = a.establish("1")
            call.request("INFO")
            fails(lambda: uas.finished(10), "ended with", "INFO")


@case
def a_lossy_line_loses_doubles_and_turns_as_it_was_told():
    with Net() as net:
        with Lossy(bin_dir(), net.address(), net.address(), 5060) as line, \
                Peer(net.address()) as far, Peer(net.address()) as near:
            line.pair(near.address, far.address, loss=20, double=20, delay=30)
            for n in range(500):
                near.send(b"x%d" % n, (line.front, 5060))
                if n % 20 == 0:
                    wait_until(time.monotonic() + 0.01)
            wait_until(time.monotonic() + 0.3)
            got = [int(m.data[1:]) for m in far.received()]
            assert 320 < len(set(got)) < 460, len(set(got))
            assert len(got) - len(set(got)) > 40, "none came twice"
            assert got != sorted(got), "all came in order"
            far.send(b"back", (line.back, 5060))


@case
def an_sdp_names_what_it_is_told():
    text = make_sdp("192.0.2.7", 6000, version=3, direction="sendonly")
    assert "c=IN IP4 192.0.2.7\r\n" in text and "m=audio 6000 " in text
    assert text.endswith("a=sendonly\r\n") and "o=- 77 3 IN" in text


if __name__ == "__main__":
    sys.exit(main())
