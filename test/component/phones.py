#!/usr/bin/env python3
"""Phones register, and are called; the switch registers elsewhere.

phones.py BIN CASE: one case, in a cluster of its own.
"""

import os
import select
import socket
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import main  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.foreign import (BaresipPhone, KamailioRegistrar,  # noqa: E402
                             needs, outer_address)
from support.sip import near, wait_until  # noqa: E402
from support.sip_message import Message, challenge_of, user_of  # noqa: E402
from support.sip_phone import FINAL, Phone  # noqa: E402
from support.sip_switch import on_a_switch  # noqa: E402
from support.sipp import Sipp  # noqa: E402

RINGS = [(0, 100), (0.02, 180)]
ANSWERS = [(0, 100), (0.02, 180), (0.05, 200)]
NAT = "<sip:x@10.0.0.9:5060>"


def phone(s, number=None, answers=RINGS, devices=1, **fields):
    """A terminal with so many devices, none of them registered."""
    with s.lock:
        number = number or f"70{next(s.names):04}"
        s.change("phone", "add", number, account="customer",
                 password="secret", **fields)
        return [s.peer(Phone(s.net.address(), s.at, number, answers=answers))
                for _ in range(devices)]


def seconds(answer):
    return [int(v.split("expires=")[1]) for v in answer.all("contact")]


# --- what is granted -----------------------------------------------------------

@on_a_switch()
def seconds_are_kept_within_bounds(s):
    a, = phone(s)
    for asked, granted in ((60, 300), (600, 600), (7200, 3600)):
        answer = a.register(expires=asked)
        assert seconds(answer) == [granted], (asked, answer.data)
        assert answer.get("date").endswith(" GMT"), answer.data
    for asked in (60, 600, 7200):
        answer = a.register(expires=asked, contact=NAT)
        assert seconds(answer) == [300], (asked, answer.data)
    assert seconds(a.register(expires=None, contact=a.contact())) == [3600]
    own = a.contact()
    answer = a.register(expires=600, contact=f"{own};expires=900")
    assert seconds(answer) == [900], answer.data
    answer = a.register(expires=None, contact=f"{own};expires=soon")
    assert seconds(answer) == [3600], answer.data


@on_a_switch(settings={"SS_ENDPOINT_EXPIRE": "10/20"})
def a_binding_ends_at_its_second(s):
    a, = phone(s, answers=ANSWERS)
    lane = s.lane(ANSWERS)
    began = time.monotonic()
    assert seconds(a.register(expires=5)) == [10]
    assert seconds(a.register(expires=11)) == [11]
    assert seconds(a.register(contact=None, expires=None))[0] in (10, 11)
    call = lane.a.establish(a.user)
    call.bye()
    call.expect("200 BYE")
    wait_until(began + 11.5)
    call = lane.invite(number=a.user)
    assert call.expect(FINAL).code == 480
    s.record(call.call_id, end_reason="NotRegistered")
    assert not a.register(contact=None, expires=None).all("contact")


@on_a_switch()
def a_query_lists_and_a_star_removes(s):
    a, b = phone(s, devices=2, max_contacts=2)
    assert not a.register(contact=None, expires=None).all("contact")
    a.register(expires=600)
    answer = b.register(expires=700)
    assert set(b.granted(answer)) == {a.contact()[1:-1], b.contact()[1:-1]}
    answer = a.register(contact=f"{a.contact()};expires=0", expires=None)
    assert set(a.granted(answer)) == {b.contact()[1:-1]}, answer.data
    a.register(contact=f"{a.contact()};expires=0", expires=None)
    a.register(400, contact="*", expires=60)
    a.register(400, contact="*", expires=None)
    a.register(400, contact=f"*, {a.contact()}", expires=0)
    assert not a.register(contact="*", expires=0).all("contact")


@on_a_switch()
def what_is_older_changes_nothing(s):
    a, = phone(s)
    a.register(expires=600)
    a.own.cseq -= 10
    a.register(500, expires=700)
    a.own.cseq += 20
    assert 590 <= seconds(a.register(contact=None, expires=None))[0] <= 600


@on_a_switch()
def path_is_kept_and_used(s):
    a, = phone(s, answers=ANSWERS)
    path = f"<sip:edge@{a.at};lr>"
    answer = a.register(path=path, supported="path, outbound")
    assert answer.get("path") == path, answer.data
    answer = a.register(path=path, require="path")
    assert not answer.get("path"), answer.data
    assert a.register(420, require="gruu").get("unsupported") == "gruu"
    lane = s.lane(ANSWERS)
    call = lane.a.establish(a.user)
    assert a.invites()[0].get("route") == path, a.invites()[0].data
    call.bye()


# --- who is called ------------------------------------------------------------

@on_a_switch()
def a_phone_is_called_where_it_registered_from(s):
    a, = phone(s, answers=ANSWERS)
    lane = s.lane(ANSWERS)
    a.register(expires=600, contact=f"<sip:{a.user}@10.0.0.9:5999;line=7>")
    call = lane.a.establish(a.user)
    invite = a.invites()[0]
    assert invite.uri == f"sip:{a.user}@10.0.0.9:5999;line=7", invite.first
    assert invite.peer == "%s:%d" % s.at, invite.peer
    assert f"sip:{a.user}@" in invite.get("to"), invite.get("to")
    call.bye()
    call.expect("200 BYE")
    s.record(call.call_id, end_reason="NormalRelease", phone_b=a.user)
    # and calls, as itself, challenged
    call = a.invite(lane.number, caller=a.user)
    a.authorise(call, call.expect(407), a.user, a.password)
    answer = call.expect(FINAL)
    assert answer.code == 200, answer.first
    call.ack(answer)
    call.bye()
    s.record(call.call_id, end_reason="NormalRelease", phone=a.user)


@on_a_switch()
def devices_ring_together_and_the_first_wins(s):
    a, b = phone(s, devices=2, max_contacts=2)
    lane = s.lane(ANSWERS)
    a.register(expires=600)
    b.register(expires=600)
    call = lane.a.invite(a.user)
    one, two = a.call(), b.call()
    call.expect(180)
    two.answer(200)
    answer = call.expect(200)
    call.ack(answer)
    one.expect("CANCEL")
    two.expect("ACK")
    wait_for(3, lambda: getattr(one, "cancelled", False), "487")
    two.bye()
    call.expect("BYE")
    s.record(call.call_id, end_reason="NormalRelease")
    # all fail: busy counts
    call = lane.a.invite(a.user)
    one, two = a.call(), b.call()
    one.answer(486)
    call.expect_none(FINAL, 0.3)
    two.answer(404)
    assert call.expect(FINAL).code == 486
    s.record(call.call_id, end_reason="CalleeBusy")


@on_a_switch()
def devices_ring_on_when_sipd_dies(s):
    a, b = phone(s, devices=2, max_contacts=2)
    lane = s.lane(ANSWERS)
    a.register(expires=600)
    b.register(expires=600)
    call = lane.a.invite(a.user)
    one, two = a.call(), b.call()
    call.expect(180)
    s.kill("sipd.0")
    one.expect_none("CANCEL", 1)
    two.answer(200)
    call.ack(call.expect(200))
    one.expect("CANCEL")
    two.expect("ACK")
    wait_for(3, lambda: getattr(one, "cancelled", False), "487")
    call.bye()
    call.expect("200 BYE")
    two.expect("BYE")
    s.record(call.call_id, end_reason="NormalRelease", phone_b=a.user)
    # and they are still registered
    call = lane.a.invite(a.user)
    a.call()
    b.call().answer(200)
    call.ack(call.expect(200))
    call.bye()
    call.expect("200 BYE")


@on_a_switch()
def a_forwarded_call_rings_on_when_sipd_dies(s):
    a, = phone(s, ringing_timeout=1)
    lane = s.lane([(0, 100), (0.1, 180)])
    s.change("phone", "set", a.user, forward_no_answer=lane.number)
    a.register(expires=600)
    call = lane.a.invite(a.user)
    a.call().expect("CANCEL", 4)
    there = lane.b.call()
    wait_until(time.monotonic() + 0.5)
    s.kill("sipd.0")
    there.answer(200)
    call.ack(call.expect(200))
    there.expect("ACK")
    there.bye()
    call.expect("BYE")
    assert len(lane.b.calls()) == 1
    one = s.record(call.call_id, end_reason="NormalRelease", phone_b=a.user)
    wait_for(5, lambda: s.records(parent_cdr_id=one["cdr_id"]), "two records")


@on_a_switch()
def a_second_device_replaces_or_is_refused(s):
    a, b = phone(s, devices=2, answers=ANSWERS)
    lane = s.lane(ANSWERS)
    a.register(expires=600)
    b.register(expires=600)
    lane.a.establish(a.user).bye()
    assert len(b.invites()) == 1 and not a.invites()
    s.set(SS_ENDPOINT_REGISTER_REPLACE="Off")
    a.register(403, expires=600)
    lane.a.establish(a.user).bye()
    assert len(b.invites()) == 2 and not a.invites()


@on_a_switch()
def a_connection_that_is_closed_is_no_registration(s):
    number = f"70{next(s.names):04}"
    s.change("phone", "add", number, account="customer", password="secret")
    a = s.peer(Phone(s.net.address(), s.at, number, transport="tcp",
                     answers=ANSWERS))
    lane = s.lane(ANSWERS)
    a.register(expires=600)
    call = lane.a.establish(number)
    call.bye()
    call.expect("200 BYE")
    for stream in list(a.streams.values()):
        stream[0].shutdown(2)

    def gone():
        call = lane.a.invite(number)
        return call.expect(FINAL).code == 480
    wait_for(5, gone, "480")


# --- forwarding ---------------------------------------------------------------

@on_a_switch()
def who_does_not_answer_forwards(s):
    a, = phone(s, ringing_timeout=3)
    lane = s.lane(ANSWERS)
    s.change("phone", "set", a.user, forward_no_answer=lane.number)
    a.register(expires=600)
    call = lane.a.invite(a.user)
    there = a.call()
    call.expect(180)
    there.expect("CANCEL", 4)
    answer = call.expect(200)
    call.ack(answer)
    assert near(answer.time - there.invite.time, 3, 0.6)
    invite = lane.b.invites()[0]
    assert invite.get("diversion").startswith(f"<sip:{a.user}@"), invite.data
    assert invite.uri.startswith(f"sip:{lane.number}@"), invite.first
    assert f"sip:{a.user}@" in invite.get("from"), invite.get("from")
    # whatever is said is heard on the other side
    wait_until(time.monotonic() + 0.3)
    lane.b.calls()[-1].reinvite(body=lane.b.sdp(version=2, direction="sendonly"))
    call.expect("INVITE")
    lane.b.calls()[-1].expect("200 INVITE", 3)
    lane.b.calls()[-1].ack()
    lane.b.calls()[-1].bye()
    call.expect("BYE")
    one = s.record(call.call_id, end_reason="NormalRelease", phone_b=a.user,
                   mapping_gateway=lane.a.name)
    wait_for(5, lambda: s.records(parent_cdr_id=one["cdr_id"]), "two records")
    two, = s.records(parent_cdr_id=one["cdr_id"])
    assert two["phone"] == a.user, two
    assert two["called"] == lane.number, two
    assert two["end_reason"] == "NormalRelease", two
    s.nothing_left()


@on_a_switch(settings={"IVR_RINGING_TIMEOUT": "2"})
def what_is_forwarded_ends_as_not_answered(s):
    a, = phone(s, ringing_timeout=1)
    busy, slow = s.lane([(0, 100), (0, 486)]), s.lane(RINGS)
    a.register(expires=600)
    for lane in (busy, slow):
        s.change("phone", "set", a.user, forward_no_answer=lane.number)
        call = lane.a.invite(a.user)
        assert call.expect(FINAL, 6).code == 480
        s.record(call.call_id, end_reason="NoAnswer")
        assert lane.b.invites()
    wait_for(3, lambda: getattr(slow.b.calls()[-1], "cancelled", False),
             "487")
    # a caller that goes before
    call = slow.a.invite(a.user)
    a.call()
    call.expect(180)
    slow.a.cancel(call)
    assert call.expect("4xx INVITE").code == 487
    wait_until(time.monotonic() + 1.5)
    assert len(slow.b.invites()) == 1
    s.nothing_left()


# --- who it is --------------------------------------------------------------------

@on_a_switch()
def the_mode_says_how_a_register_is_asked(s):
    a, = phone(s)
    www, proxy = "www-authenticate", "proxy-authenticate"
    for mode, code, asked, headers in (
            (1, 407, 401, {www}), (2, 401, 401, {www}),
            (2, 407, 407, {proxy}), (3, 407, 401, {www, proxy})):
        s.set(SS_AUTHCHALLENGEMODE=mode, SS_SIP_AUTHENTICATION_CODE=code)
        for header in ("Authorization", "Proxy-Authorization"):
            a.register_as(a.user)
            a.ask(expires=600)
            challenge = a.final()
            assert challenge.code == asked, challenge.first
            for name in (www, proxy):
                rows = [challenge_of(v) for v in challenge.all(name)]
                assert bool(rows) == (name in headers), challenge.data
                assert all(r["nonce"] and r["qop"] == "auth" for r in rows)
            right = mode == 3 or (asked == 401) == (header == "Authorization")
            answer = a.try_again(challenge, header=header)
            assert answer.code == (200 if right else asked), (
                mode, code, header, answer.first)


@on_a_switch()
def right_answers_pass_in_every_form(s):
    a, = phone(s)
    for how in ({"algorithm": "MD5"}, {"algorithm": "MD5", "qop": False},
                {"algorithm": "SHA-256"}):
        a.register_as(a.user)
        a.ask(expires=600)
        answer = a.try_again(a.final(), **how)
        assert answer.code == 200, (how, answer.first)


@on_a_switch(settings={"SS_SIP_AUTHENTICATION_RETRY": "3"})
def wrong_answers_are_asked_again_and_then_refused(s):
    a, = phone(s)
    a.ask(expires=600)
    challenge = a.final()
    nonces = {challenge_of(challenge.get("www-authenticate"))["nonce"]}
    for _ in range(2):
        challenge = a.try_again(challenge, "wrong")
        assert challenge.code == 401, challenge.first
        nonces.add(challenge_of(challenge.get("www-authenticate"))["nonce"])
    assert len(nonces) == 3
    assert a.try_again(challenge, "wrong").code == 403
    assert a.try_again(challenge).code == 403  # closed
    a.register()
    # another realm, another user: failed, and then right
    a.register_as(a.user)
    a.ask(expires=600)
    challenge = a.try_again(a.final(), realm="other")
    assert challenge.code == 401, challenge.first
    challenge = a.try_again(challenge, username="somebody")
    assert challenge.code == 401, challenge.first
    assert a.try_again(challenge).code == 200


@on_a_switch(settings={"SS_SIP_AUTHENTICATION_NONCE_EXPIRE": "5"})
def a_nonce_that_is_old_is_stale(s):
    a, = phone(s)
    a.ask(expires=600)
    challenge = a.final()
    assert a.try_again(challenge).code == 200
    wait_until(time.monotonic() + 6.2)
    answer = a.try_again(challenge, nc=2)
    assert answer.code == 401, answer.first
    assert challenge_of(answer.get("www-authenticate"))["stale"] == "true"
    assert a.try_again(answer).code == 200


@on_a_switch(settings={"SS_AUTHENTICATION_MAX_RETRY": "3",
                       "SS_AUTHENTICATION_FAILED_SUSPEND": "60"})
def who_guesses_is_suspended(s):
    a, = phone(s)
    b = s.peer(Phone(s.net.address(), s.at, a.user))
    a.ask(expires=600)
    challenge = a.final()
    for _ in range(2):
        challenge = a.try_again(challenge, "wrong")
    assert a.try_again(challenge, "wrong").code == 403
    a.register_as(a.user)
    left = int(a.register(403).get("retry-after"))
    assert 50 <= left <= 60, left
    b.register()  # nobody is locked out from elsewhere
    line = s.logged("terminal_suspended")[0]
    assert a.user in line and a.address in line, line
    s.do("suspended", "clear", f"user={a.user}")
    a.register()


@on_a_switch(settings={"SS_SECURITY_BLACKLIST_THRESHOLD": "3",
                       "SS_AUTHENTICATION_MAX_RETRY": "0",
                       "SS_ENDPOINT_REGISTER_RETRY": "0",
                       "SS_SIP_AUTHENTICATION_RETRY": "20"})
def who_is_registered_is_never_blacklisted(s):
    a, b = phone(s, devices=2)
    a.register()
    s.kill("sipd.0")
    a.ask(expires=600)
    challenge = a.final()
    for _ in range(6):
        challenge = a.try_again(challenge, "wrong")
    assert a.try_again(challenge).code == 200
    b.ask(expires=600)
    challenge = b.final()
    for _ in range(3):
        b.ask(**b.answer_to(challenge, "wrong"))
    wait_until(time.monotonic() + 0.5)
    b.ask(expires=600)
    wait_until(time.monotonic() + 0.5)
    assert not [m for m in b.received() if m.cseq == b.own.cseq]


@on_a_switch(settings={"SS_ENDPOINT_REGISTER_RETRY": "3",
                       "SS_ENDPOINT_REGISTER_SUSPEND": "60",
                       "SS_ENDPOINT_REGISTER_REPLACE": "Off"})
def what_regd_refuses_counts(s):
    a, b = phone(s, devices=2)
    a.register(expires=600)
    for _ in range(3):
        answer = b.register(403, expires=600)
        assert not answer.get("retry-after"), answer.data
    assert b.register(403, expires=600).get("retry-after")
    a.register(expires=600)


@on_a_switch()
def disabled_and_locked_ones_are_refused_after_the_digest(s):
    a, = phone(s)
    a.register()
    s.change("phone", "set", a.user, enabled="Off")
    a.register(403)
    a.register(401, password="wrong")
    s.change("phone", "set", a.user, enabled="On")
    a.register_as(a.user)
    a.register()


@on_a_switch(settings={"SS_SIP_AUTHENTICATION_RETRY": "2"})
def strangers_cannot_tell_who_exists(s):
    known, = phone(s)
    other = s.peer(Phone(s.net.address(), s.at, "999999"))

    def course(a):
        rows = []
        a.ask(expires=600)
        for _ in range(3):
            answer = a.final()
            rows.append((answer.code, [
                k for k, _ in answer.headers],
                [sorted(challenge_of(v)) for v in
                 answer.all("www-authenticate")]))
            if answer.code != 401:
                break
            a.ask(**a.answer_to(answer, "wrong"))
        return rows
    assert course(known) == course(other)
    s.set(SS_REPLY_UNAUTHORIZED="Off")
    other.register_as("999998")
    other.ask(expires=600)
    other.own.expect_none(None, 1)
    known.register_as(known.user)
    known.register()
    s.set(SS_REPLY_UNAUTHORIZED="On")
    other.register_as("999997")
    other.register(401)


class Tap:
    """Forwards datagrams to the switch, and back, and remembers them."""

    def __init__(self, address, switch):
        self.inner = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.outer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.outer.bind((address, 5060))
        self.inner.bind((address, 5070))
        self.address, self.switch, self.peer = address, switch, None
        self.asked, self.rows, self.back = {}, {}, 0
        self.running = True
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while self.running:
            for sock in select.select([self.inner, self.outer], [], [], 0.1)[0]:
                data, where = sock.recvfrom(65536)
                now = time.monotonic()
                try:
                    m = Message(data)
                    key, user = m.call_id, user_of(m.get("to"))
                except (AttributeError, IndexError, TypeError, ValueError):
                    key = user = None
                if sock is self.outer:
                    self.peer = where
                    self.asked.setdefault(key, now)
                    self.inner.sendto(data, self.switch)
                    continue
                self.back += 1
                if key in self.asked and m.code >= 200:
                    self.rows.setdefault(user, []).append(
                        (m.code, now - self.asked.pop(key),
                         tuple(k for k, _ in m.headers)))
                self.outer.sendto(data, self.peer)

    def close(self):
        self.running = False
        self.thread.join()
        self.inner.close()
        self.outer.close()


def scan(s, first, last, method="REGISTER"):
    """What svwar makes of it, and what went through."""
    address = s.net.address()
    tap = Tap(address, s.at)
    s.peers.callback(tap.close)
    done = subprocess.run(
        ["svwar", "-m", method, "-e", f"{first}-{last}", "--force",
         "-b", s.net.address(), "-P", "5060", "-t", "0.005",
         "--maximumtime=3", address],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
        cwd=s.dir, env={**os.environ, "HOME": str(s.dir)}, check=False)
    return tap, done.stdout + done.stderr


@on_a_switch(settings={"SS_SECURITY_UNKNOWN_RATE": "1000",
                       "SS_SECURITY_SCANNER_AGENTS": "nothing-like-it"})
def a_scanner_learns_nothing(s):
    needs("svwar")
    numbers = [str(n) for n in range(7000, 7200, 10)]
    for number in numbers:
        s.change("phone", "add", number, account="customer",
                 password="secret")
    s.set(SS_REPLY_UNAUTHORIZED="Off")
    for method in ("REGISTER", "OPTIONS", "INVITE"):  # it gives up at once
        tap, said = scan(s, 7000, 7199, method)
        assert tap.asked and tap.back == 0, tap.rows
        assert "found nothing" in said, said
    s.set(SS_REPLY_UNAUTHORIZED="On")
    for first in (7000, 7001):  # one that exists, one that does not
        tap, said = scan(s, first, first + 8)
        assert tap.back and "found nothing" in said, said
        assert {r[0] for rows in tap.rows.values() for r in rows} == {401}
    # What it does not look at: every header, and the time it takes
    probe = s.peer(Phone(s.net.address(), s.at, "x"))
    seen, took = ({True: set(), False: set()}, {True: [], False: []})
    for n in range(7000, 7200):
        probe.register_as(str(n))
        began = probe.ask(expires=600).invite.time
        answer = probe.final()
        known = str(n) in numbers
        seen[known].add((answer.code, tuple(k for k, _ in answer.headers)))
        took[known].append(answer.time - began)
    assert seen[True] == seen[False] and len(seen[True]) == 1, seen
    # What is between them is less than what is between two of a kind.
    known, unknown = took[True], took[False]
    low, middle, high = statistics.quantiles(unknown, n=4)
    assert abs(statistics.median(known) - middle) < high - low, took


@on_a_switch()
def a_scanner_that_gives_itself_away_is_not_heard(s):
    needs("svwar")
    tap, _ = scan(s, 7000, 7100)
    assert tap.asked and tap.back == 0, tap.rows


# --- programs of others -----------------------------------------------------------

def sipp_phones(s, scenario, users, password):
    rows = s.dir / f"{scenario}.csv"
    rows.write_text("SEQUENTIAL\n" + "".join(
        f"{u};[authentication username={u} password={password}]\n"
        for u in users))
    return Sipp(scenario, s.net.address(), (s.net.switch, 5060),
                calls=len(users), options=["-inf", str(rows)])


@on_a_switch(settings={"SS_SIP_AUTHENTICATION_ALGORITHM": "MD5",
                       "SS_SIP_AUTHENTICATION_RETRY": "3"})
def sipp_registers_and_leaves(s):
    needs("sipp")
    users = [phone(s)[0].user for _ in range(3)]
    with sipp_phones(s, "register", users, "secret") as sipp:
        wait_for(10, lambda: len(s.ask("registration.list")) == 3, "bindings")
        sipp.finished(20)
    assert s.ask("registration.list") == []
    with sipp_phones(s, "register_wrong", users[:1], "guess") as sipp:
        sipp.finished(20)


# The libre of Debian 12 gives up at a challenge that it does not know.
@on_a_switch(settings={"SS_SIP_AUTHENTICATION_ALGORITHM": "MD5"})
def baresip_registers_and_is_called(s):
    a, = phone(s)
    lane = s.lane(ANSWERS)
    with BaresipPhone(outer_address(), s.at, a.user, a.password):
        wait_for(10, lambda: s.ask("registration.list"), "a binding")
        call = lane.a.establish(a.user)
        call.bye()
        call.expect("200 BYE")
        s.record(call.call_id, end_reason="NormalRelease", phone_b=a.user)


@on_a_switch()
def kamailio_registers_us_and_then_its_gateway_is_used(s):
    address = s.net.address()
    lane = s.lane()
    s.change("registration", "add", "UP", sip_proxy=address,
             username="tandem", password="wrong")
    s.change("routing", "add", "TIED", account="vendor", prefixes="4477",
             addresses=address, local_ip=s.net.switch, registration="UP")
    with KamailioRegistrar(address, "secret"):
        call = lane.a.invite("4477123")
        assert call.expect(FINAL).code == 503
        s.record(call.call_id, end_reason="AllGatewayBusy")
        s.change("registration", "set", "UP", password="secret")
        wait_for(40, lambda: any(
            r["state"] == "registered" for r in
            s.ask("registration.list", upstream=True)), "registered")
        call = lane.a.invite("4477123")
        assert call.expect(FINAL).code == 404
        s.record(call.call_id, end_reason="NumberInvalid")


# --- dynamic gateways ---------------------------------------------------------------

@on_a_switch()
def a_dynamic_gateway_is_where_it_registered(s):
    lane = s.lane()
    name, user = "dyn", "dynuser"
    gw = s.peer(Phone(s.net.address(), s.at, user, answers=ANSWERS))
    s.change("routing", "add", name, account="vendor", type="dynamic",
             prefixes="4499", username=user, password="secret")
    call = lane.a.invite("4499123")
    assert call.expect(FINAL).code == 503
    gw.register(expires=600)
    call = lane.a.establish("4499123")
    assert gw.invites()[0].uri.startswith("sip:4499123@"), gw.invites()[0]
    call.bye()
    s.change("routing", "set", name, lock="all")
    gw.register(403, expires=600)


if __name__ == "__main__":
    sys.exit(main())
