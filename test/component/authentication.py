#!/usr/bin/env python3
"""Who is challenged, and how; what we answer to carriers that challenge us.

authentication.py BIN CASE: one case, in a cluster of its own.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import main  # noqa: E402
from support.sip import Caller, wait_until  # noqa: E402
from support.sip_message import challenge_of, digest_response  # noqa: E402
from support.sip_switch import on_a_switch, side_by_side  # noqa: E402

GOOD = [(0, 100), (0.02, 180), (0.05, 200)]
REALM = "sip.example.com"
WWW, PROXY = "WWW-Authenticate", "Proxy-Authenticate"
FINAL = ("2xx", "3xx", "4xx", "5xx", "6xx")


def trunk(s, **fields):
    """A customer that has a password, and a carrier."""
    with s.lock:
        user = f"trunk{next(s.names)}"
        lane = s.lane(GOOD, caller={"auth_mode": "password", "username": user,
                                    "password": "right", **fields})
    lane.user = user
    return lane


def challenged(lane, code=407, headers=(PROXY,), **kwargs):
    call = lane.invite(**kwargs)
    return call, check(call, code, headers)


def check(call, code=407, headers=(PROXY,), stale=False):
    """The next final response is a challenge of this kind."""
    answer = call.expect(FINAL)
    assert answer.code == code, (answer.first, code)
    for header in (WWW, PROXY):
        rows = [challenge_of(v) for v in answer.all(header)]
        assert bool(rows) == (header in headers), (header, answer.data)
        for row in rows:
            assert row["realm"] == REALM and row["nonce"], row
            assert row["qop"] == "auth", row
            assert (row.get("stale", "false").lower() == "true") == stale, row
    return answer


def tries(lane, call, answer, password, **kwargs):
    with lane.switch.lock:
        lane.a.authorise(call, answer, lane.user, password, **kwargs)


def at_once(lane, challenge, **kwargs):
    """A new call, with an answer to an earlier challenge."""
    call = lane.a.prepare(lane.number)
    tries(lane, call, challenge, "right", **kwargs)
    return call


def passes(lane, call, within=5.0):
    answer = call.expect(FINAL, within)
    assert answer.code == 200, answer.first
    call.ack(answer)
    call.bye()
    call.expect("200 BYE")
    lane.record(call, end_reason="NormalRelease", mapping_gateway=lane.a.name)


def denied(lane, call):
    answer = call.expect(FINAL)
    assert answer.code == 403, answer.first
    return answer


# --- how it is asked ---------------------------------------------------------

@on_a_switch(settings={"SS_SIP_REALM": REALM})
def the_mode_says_which_headers_are_used(s):
    lane = trunk(s)
    algorithms = {"both": ["SHA-256", "MD5"], "MD5": ["MD5"],
                  "SHA-256": ["SHA-256"]}
    for mode, code, headers in ((1, 401, (WWW,)), (2, 407, (PROXY,)),
                                (3, 407, (WWW, PROXY))):
        for register in (401, 407):
            s.set(SS_AUTHCHALLENGEMODE=mode,
                  SS_SIP_AUTHENTICATION_CODE=register)
            call, answer = challenged(lane, code, headers)
            right = "Authorization" if code == 401 else "Proxy-Authorization"
            other = "Proxy-Authorization" if code == 401 else "Authorization"
            tries(lane, call, answer, "right", header=other)
            if mode != 3:  # as if there were none
                answer = check(call, code, headers)
                tries(lane, call, answer, "right", header=right)
            passes(lane, call)
        call, answer = challenged(lane, code, headers)
        tries(lane, call, answer, "right", header=right)
        passes(lane, call)
    for value, wanted in algorithms.items():
        s.set(SS_SIP_AUTHENTICATION_ALGORITHM=value)
        call, answer = challenged(lane, headers=(WWW, PROXY))
        for header in (WWW, PROXY):
            assert [challenge_of(v).get("algorithm", "MD5")
                    for v in answer.all(header)] == wanted, answer.data


@on_a_switch(settings={"SS_SIP_REALM": REALM})
def a_change_of_the_mode_is_for_those_who_come_later(s):
    lane = trunk(s)
    call, answer = challenged(lane)
    s.set(SS_AUTHCHALLENGEMODE=1)
    later, refusal = challenged(lane, 401, (WWW,))
    tries(lane, call, answer, "right")
    passes(lane, call)
    tries(lane, later, refusal, "right")
    passes(lane, later)


@on_a_switch(settings={"SS_SIP_REALM": REALM})
def right_answers_pass_in_every_form(s):
    lane = trunk(s)
    for algorithm, qop in (("MD5", True), ("MD5", False), ("SHA-256", True)):
        call, answer = challenged(lane)
        tries(lane, call, answer, "right", algorithm=algorithm, qop=qop)
        passes(lane, call)
    # Whoever it is by its address: the credentials name the terminal.
    stranger = s.peer(Caller(s.net.address(), switch=s.at))
    lane.a, known = stranger, lane.a
    stranger.name = known.name
    call, answer = challenged(lane, caller=lane.user)
    tries(lane, call, answer, "right")
    passes(lane, call)
    # Credentials are nobody else's business.
    for m in lane.b.invites():
        assert not m.get("proxy-authorization") and not m.get("authorization")


@on_a_switch(settings={"SS_SIP_REALM": REALM})
def wrong_answers_are_asked_again_and_then_refused(s):
    lane = trunk(s)
    for wrong in ({"password": "wrong"}, {"realm": "other"},
                  {"user": "nobody"}, {"uri": "sip:1@192.0.2.1"},
                  {"response": "0" * 32, "algorithm": "MD5"}):
        call, first = challenged(lane)
        args = {"user": lane.user, "password": "right", **wrong}
        user, password = args.pop("user"), args.pop("password")
        with s.lock:
            lane.a.authorise(call, first, user, password, **args)
        second = check(call)
        nonces = {challenge_of(v)["nonce"] for m in (first, second)
                  for v in m.all(PROXY)}
        assert len(nonces) >= 2, "a new nonce"
        tries(lane, call, second, "right")
        passes(lane, call)
    s.set(SS_SIP_AUTHENTICATION_RETRY=3)
    call, answer = challenged(lane)
    for _ in range(2):
        tries(lane, call, answer, "wrong")
        answer = check(call)
    tries(lane, call, answer, "wrong")
    denied(lane, call)
    lane.record(call, end_reason="AuthenticationFailed", sip_code=403)
    # closed, for right ones too; without any it begins anew
    tries(lane, call, answer, "right")
    denied(lane, call)
    with s.lock:
        lane.a.again(call)
    tries(lane, call, check(call), "right")
    answer = call.expect(FINAL)
    assert answer.code == 200, answer.first
    call.ack(answer)
    call.bye()


@on_a_switch(settings={"SS_SIP_REALM": REALM})
def an_answer_that_comes_late_is_refused(s):
    s.set(SS_SIP_AUTHENTICATION_TIMEOUT=2)
    lane = trunk(s)

    def late():
        call, answer = challenged(lane)
        wait_until(answer.time + 3)
        tries(lane, call, answer, "right")
        denied(lane, call)
        with s.lock:
            lane.a.again(call)
        tries(lane, call, check(call), "right")
        answer = call.expect(FINAL)
        assert answer.code == 200, answer.first
        call.ack(answer)
        call.bye()

    def in_time():
        other = trunk(s)
        call, answer = challenged(other)
        wait_until(answer.time + 1.5)
        tries(other, call, answer, "right")
        passes(other, call)
    side_by_side(late, in_time)


@on_a_switch(settings={"SS_SIP_REALM": REALM,
                       "SS_SIP_AUTHENTICATION_NONCE_EXPIRE": 5})
def a_nonce_that_is_old_or_used_is_stale(s):
    def old():
        lane = trunk(s)
        call, first = challenged(lane)
        tries(lane, call, first, "right")
        passes(lane, call)
        wait_until(first.time + 6.2)
        call = at_once(lane, first)
        tries(lane, call, check(call, stale=True), "right")
        passes(lane, call)

    def used():
        lane = trunk(s)
        call, first = challenged(lane)
        tries(lane, call, first, "right")
        passes(lane, call)
        call = at_once(lane, first, nc=2)
        passes(lane, call)
        call = at_once(lane, first, nc=2)
        tries(lane, call, check(call, stale=True), "right")
        passes(lane, call)

    def used_without_qop():
        lane = trunk(s)
        call, first = challenged(lane)
        tries(lane, call, first, "right", qop=False, algorithm="MD5")
        passes(lane, call)
        call = at_once(lane, first, qop=False, algorithm="MD5")
        tries(lane, call, check(call, stale=True), "right")
        passes(lane, call)

    def invented():
        lane = trunk(s)
        call, first = challenged(lane)
        tries(lane, call, first, "right", nonce="invented")
        tries(lane, call, check(call), "right")
        passes(lane, call)
    side_by_side(old, used, used_without_qop, invented)
    assert not s.log_events("terminal_suspended")


@on_a_switch(settings={"SS_SIP_REALM": REALM})
def a_terminal_that_guesses_is_suspended(s):
    s.set(SS_AUTHENTICATION_MAX_RETRY=3, SS_AUTHENTICATION_FAILED_SUSPEND=60)
    lane = trunk(s)
    call, answer = challenged(lane)
    for _ in range(2):
        tries(lane, call, answer, "wrong")
        answer = check(call)
    tries(lane, call, answer, "wrong")
    denied(lane, call)
    line = s.logged("terminal_suspended")[0]
    assert lane.user in line and lane.a.address in line, line
    call = lane.invite(caller=lane.user)
    refusal = denied(lane, call)
    assert 50 <= int(refusal.get("retry-after")) <= 60, refusal.data
    lane.record(call, end_reason="AuthenticationFailed")
    call, answer = challenged(lane)  # nobody knows yet who it is
    tries(lane, call, answer, "right")
    assert denied(lane, call).get("retry-after")
    # only from there
    elsewhere = s.peer(Caller(s.net.address(), switch=s.at))
    elsewhere.name = lane.a.name
    here, lane.a = lane.a, elsewhere
    call, answer = challenged(lane, caller=lane.user)
    tries(lane, call, answer, "right")
    passes(lane, call)
    lane.a = here
    call = lane.invite(caller=lane.user)
    denied(lane, call)


# --- who is not asked -----------------------------------------------------------

@on_a_switch(settings={"SS_SIP_REALM": REALM})
def gateways_known_by_their_address_are_never_challenged(s):
    by_ip = s.lane(GOOD)
    port = s.lane(GOOD, caller={
        "address": (address := s.net.address()), "auth_mode": "ip_port",
        "addresses": f"{address}:5060"})
    password = trunk(s)
    for mode in (1, 2, 3):
        s.set(SS_AUTHCHALLENGEMODE=mode)
        for lane in (by_ip, port):
            call, _ = lane.establish()
            call.bye()
            call.expect("200 BYE")
        assert password.a.options().expect(FINAL).code == 200
    other = s.peer(Caller(address, 5070, switch=s.at))
    call = other.invite(port.number)
    call.expect(403)
    s.record(call.call_id, end_reason="UnauthorizedSource")
    carrier = s.carrier("4499", agent=Caller(s.net.address(), switch=s.at))
    call = carrier.invite(port.number)
    call.expect(403)
    s.record(call.call_id, end_reason="UnauthorizedSource", sip_code=403)


@on_a_switch(settings={"SS_SIP_REALM": REALM})
def unknown_sources_are_answered_or_not(s):
    unknown = s.peer(Caller(s.net.address(), switch=s.at))
    lane = trunk(s)
    call = unknown.invite("4412345")
    call.expect(403)
    s.record(call.call_id, end_reason="UnauthorizedSource",
             billing_mode="illegal", source_ip=unknown.address)
    answer = unknown.options().expect(200)
    assert not answer.get("server") and answer.lists("allow")
    assert answer.get("accept")
    for method, code in (("SUBSCRIBE", 403), ("MESSAGE", 403),
                         ("PUBLISH", 403), ("REFER", 403), ("BYE", 481),
                         ("CANCEL", 481), ("UPDATE", 481), ("INFO", 481),
                         ("PRACK", 481), ("NOTIFY", 481), ("FOO", 501)):
        unknown.options(method=method).expect(code)

    s.set(SS_REPLY_UNAUTHORIZED="Off")
    trace = s.ask("trace.start", ip=unknown.address)[0]
    before = len(unknown.received())
    call = unknown.invite("4412345")
    others = [unknown.options(method=m) for m in (
        "OPTIONS", "SUBSCRIBE", "BYE", "FOO")]
    unknown.expect_none(("1xx", "2xx", "4xx", "5xx"), 2)
    assert len(unknown.received()) == before, unknown.transcript()
    shown = str(s.ask("trace.show", name=trace["trace"]))
    for one in (call, *others):
        assert one.call_id in shown, (one.invite.first, shown)
    assert len(s.records(call_id_a=call.call_id)) == 1
    # A known user is asked, wherever it is.
    real, lane.a = lane.a, s.peer(Caller(s.net.address(), switch=s.at))
    lane.a.name = real.name
    call, answer = challenged(lane, caller=lane.user)
    tries(lane, call, answer, "right")
    passes(lane, call)
    s.set(SS_REPLY_UNAUTHORIZED="On")
    unknown.invite("4412345").expect(403)


# --- carriers that ask us -----------------------------------------------------------

@on_a_switch()
def a_carrier_that_asks_is_answered(s):
    def lane_of(code, challenges, finish=GOOD, **fields):
        header = WWW if code == 401 else PROXY

        def rule(call):
            if len(lane.b.invites()) <= len(challenges):
                return [(0, code, {header.replace("-", "_"): challenges[
                    len(lane.b.invites()) - 1]})]
            return finish
        lane = s.lane((rule, {"username": "us", "password": "key", **fields}))
        return lane

    for mode in (1, 2, 3):
        s.set(SS_AUTHCHALLENGEMODE=mode)
        for code, algorithm in ((407, "MD5"), (401, "SHA-256")):
            lane = lane_of(code, [f'Digest realm="c", nonce="n", qop="auth",'
                                  f' algorithm={algorithm}'])
            call, there = lane.establish()
            one, two = lane.b.invites()
            assert two.cseq == one.cseq + 1 and two.call_id == one.call_id
            assert two.from_tag == one.from_tag
            given = two.get("authorization" if code == 401
                            else "proxy-authorization")
            assert not one.get("authorization"), one.data
            words = challenge_of(given)
            assert words["response"] == digest_response(
                algorithm, "us", "c", "key", "INVITE", words["uri"], "n",
                "auth", words["nc"], words["cnonce"]), given
            assert words["uri"] == two.uri
            assert lane.b.received("ACK")[0].branch == one.branch
            call.bye()
            record = lane.record(end_reason="NormalRelease")
            assert len(record["attempts"]) == 1, record

    # one algorithm we do not know, and one we do; without qop
    lane = lane_of(401, [['Digest realm="c", nonce="n", algorithm=X',
                          'Digest realm="c", nonce="m"']])
    call, _ = lane.establish()
    words = challenge_of(lane.b.invites()[1].get("authorization"))
    assert words["response"] == digest_response(
        "MD5", "us", "c", "key", "INVITE", words["uri"], "m"), words
    call.bye()

    # stale: once more; not stale: it has failed
    lane = lane_of(401, ['Digest realm="c", nonce="n"',
                         'Digest realm="c", nonce="m", stale=true'])
    call, _ = lane.establish()
    call.bye()
    for lane in (lane_of(401, ['Digest realm="c", nonce="n"'] * 3),
                 lane_of(401, ['Digest realm="c", nonce="n"'] * 3,
                         username="", password="")):
        lane.invite().expect(503)
        lane.record(end_reason="AuthenticationFailed", sip_code=503)
    assert len(lane.b.invites()) == 1

    # in a call, too
    lane = s.lane((GOOD, {"username": "us", "password": "key"}))
    call, there = lane.establish()
    asked = []

    def rule(request):
        asked.append(request)
        if len(asked) == 1:
            return 401, {WWW: 'Digest realm="c", nonce="n"'}, None
        return 200
    lane.b.reply["BYE"] = rule
    call.bye()
    lane.b.expect("BYE")
    bye = lane.b.expect("BYE")
    assert challenge_of(bye.get("authorization"))["uri"] == bye.uri
    assert bye.cseq == asked[0].cseq + 1


if __name__ == "__main__":
    sys.exit(main())
