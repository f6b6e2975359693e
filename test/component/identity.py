#!/usr/bin/env python3
"""Who is shown to whom, and where packets go.

identity.py BIN CASE: one case, in a cluster of its own.
"""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import main  # noqa: E402
from support.sip import Caller, Uas  # noqa: E402
from support.sip_message import (build, display_of, host_of,  # noqa: E402
                                 parameter, respond, unique, uri_of, user_of)
from support.sip_switch import on_a_switch  # noqa: E402

GOOD = [(0, 100), (0.02, 180), (0.05, 200)]
CALLER = "8801711000000"
ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>'
IDENTITIES = {
    "P_Asserted_Identity": "<sip:111@ingress.example>",
    "P_Preferred_Identity": "<sip:222@ingress.example>",
    "Remote_Party_ID": "<sip:333@ingress.example>;party=calling",
}


def placed(lane, **kwargs):
    """The INVITE that the carrier got, of a call that is over."""
    kwargs = {"display": "Office 7", "caller": CALLER, **kwargs}
    call, there = lane.establish(**kwargs)
    call.bye()
    call.expect("200 BYE")
    return there.invite


def head(value):
    """From or To without its tag."""
    return re.sub(r";tag=.*", "", value or "")


# --- what the carrier sees ------------------------------------------------------

@on_a_switch()
def the_egress_invite_is_made_of_settings(s):
    """The examples of the manual, each with what it changes."""
    number = "0044201"
    lane = s.lane((GOOD, {"prefixes": "00", "callee_rules": "00*=*"}))
    gw, us = lane.b, s.net.switch
    plain = f'"Office 7" <sip:{CALLER}@{us}>'
    default = {"privacy": "inherit", "pai": "none", "pai_rules": "",
               "local_domain": "off"}
    table = [
        # fields, parameters, headers; Request-URI and To user, From, more
        ({}, {}, {}, "44201", "44201", plain, {}),
        ({}, {"SS_SIP_ROUTING_GATEWAY_INVITE_USE_CONTACT": "On"}, {},
         "44201", "0044201", plain, {}),
        ({"local_domain": "on"},
         {"SS_SIP_E164_DISPLAY_FROM": "e164",
          "SS_LOCAL_IP_DOMAIN": "sip.example.com"}, {}, "44201", "44201",
         f'"+{CALLER}" <sip:{CALLER}@sip.example.com>', {}),
        ({"local_domain": "on"}, {"SS_LOCAL_IP_DOMAIN": ""}, {}, "44201",
         "44201", plain, {}),
        ({}, {"SS_LOCAL_IP_DOMAIN": "sip.example.com"}, {}, "44201", "44201",
         plain, {}),
        ({"privacy": "id", "pai": "caller", "pai_rules": "880*=0*"}, {}, {},
         "44201", "44201", ANONYMOUS,
         {"Privacy": "id",
          "P-Asserted-Identity": f"<sip:01711000000@{us}>"}),
        ({"privacy": "passthrough"}, {}, {"Privacy": "id"}, "44201", "44201",
         ANONYMOUS, {"Privacy": "id"}),
        ({"privacy": "passthrough"}, {}, {"Privacy": "user;critical"},
         "44201", "44201", ANONYMOUS, {"Privacy": "user;critical"}),
        ({"privacy": "passthrough"}, {}, {"Privacy": "session"}, "44201",
         "44201", plain, {"Privacy": "session"}),
        ({"privacy": "passthrough"}, {}, {}, "44201", "44201", plain, {}),
        ({"privacy": "none"}, {}, {"Privacy": "id"}, "44201", "44201", plain,
         {}),
        ({}, {"SS_SIP_USER_AGENT_PRIVACY": "none"}, {}, "44201", "44201",
         plain, {"Privacy": "none"}),
        ({}, {"SS_SIP_USER_AGENT_PRIVACY": "id"}, {}, "44201", "44201",
         ANONYMOUS, {"Privacy": "id"}),
        ({"privacy": "none"}, {"SS_SIP_USER_AGENT_PRIVACY": "id"}, {},
         "44201", "44201", plain, {}),
        ({}, {"SS_SIP_E164_DISPLAY_FROM": "number"}, {}, "44201", "44201",
         f'"{CALLER}" <sip:{CALLER}@{us}>', {}),
    ]
    for fields, parameters, headers, uri, to, sender, more in table:
        row = (fields, parameters, headers)
        s.change("routing", "set", gw.name, **{**default, **fields})
        with s.under(**{"SS_MAX_CALLS": 0, **parameters}):
            got = placed(lane, number=number, **headers)
        assert got.uri == f"sip:{uri}@{gw.address}" or \
            got.uri == f"sip:{uri}@{gw.address}:5060", (row, got.uri)
        assert user_of(got.get("to")) == to, (row, got.get("to"))
        assert host_of(got.get("to")) == host_of(got.uri), row
        assert head(got.get("from")) == sender, (row, got.get("from"))
        for name in ("Privacy", "P-Asserted-Identity",
                     "P-Preferred-Identity", "Remote-Party-ID"):
            assert got.get(name) == more.get(name), (row, got.get(name))
        user = "anonymous" if sender == ANONYMOUS else CALLER
        assert uri_of(got.get("contact")).startswith(f"sip:{user}@{us}"), row
        assert got.get("max-forwards") == "69"
        assert (got.get("user-agent") or "Tandem") == "Tandem"
    assert s.records(called_original=number)[0]["called_sent"] == "44201"


@on_a_switch()
def a_caller_without_a_display_name_has_none(s):
    lane = s.lane((GOOD, {"caller_rules": "880*=+880*"}))
    got = placed(lane, display=None)
    assert head(got.get("from")) == f"<sip:+{CALLER}@{s.net.switch}>"
    with s.under(SS_SIP_E164_DISPLAY_FROM="e164"):
        assert display_of(placed(lane, display=None).get("from")) == \
            "+" + CALLER
    with s.under(SS_SIP_E164_DISPLAY_FROM="number"):
        assert display_of(placed(lane, caller="office").get("from")) == \
            "Office 7", "not all digits: as ignore"


@on_a_switch()
def asserted_identities_pass_or_are_made(s):
    lane = s.lane(GOOD)
    us = s.net.switch
    made = {"pai": f"<sip:{CALLER}@{us}>", "ppi": f"<sip:{CALLER}@{us}>",
            "rpid": f"<sip:{CALLER}@{us}>;party=calling;screen=yes;"
                    "privacy=off"}
    headers = {"pai": "P-Asserted-Identity", "ppi": "P-Preferred-Identity",
               "rpid": "Remote-Party-ID"}
    came = dict(zip(headers, IDENTITIES.values()))
    for field, header in headers.items():
        for value, wanted in (("none", None), ("passthrough", came[field]),
                              ("caller", made[field])):
            s.change("routing", "set", lane.b.name, **{
                **dict.fromkeys(headers, "none"), field: value})
            got = placed(lane, **IDENTITIES)
            for other, name in headers.items():
                assert got.get(name) == (wanted if other == field else None), \
                    (field, value, name, got.get(name))
                assert len(got.all(name)) <= 1
        s.change("routing", "set", lane.b.name, **{field: "passthrough"})
        assert not placed(lane).get(header), "nothing came"
    s.change("routing", "set", lane.b.name, privacy="id", pai="none",
             ppi="none", rpid="caller")
    assert placed(lane).get("remote-party-id").endswith("privacy=full")
    s.change("routing", "set", lane.b.name, privacy="inherit", pai="caller",
             rpid="caller")
    got = placed(lane, caller="anonymous")
    assert not got.get("p-asserted-identity"), "no usable number"
    assert not got.get("remote-party-id")
    # A customer whose Privacy does not count
    s.change("routing", "set", lane.b.name, privacy="passthrough")
    s.change("mapping", "set", lane.a.name, support_privacy="off")
    got = placed(lane, Privacy="id")
    assert not got.get("privacy") and CALLER in got.get("from")


# --- where numbers come from ------------------------------------------------------

@on_a_switch()
def the_called_number_is_that_of_the_chosen_place(s):
    lane, other = s.lane(GOOD), s.lane(GOOD)
    for source, carrier in (("to", other.b), ("request_line", lane.b)):
        s.change("mapping", "set", lane.a.name, callee_source=source)
        call = lane.a.invite(lane.number, to=other.number)
        call.ack(call.expect(200))
        there = carrier.call()
        call.bye()
        call.expect("200 BYE")
        number = user_of(there.invite.uri)
        s.record(call.call_id, called_original=number, called=number,
                 called_sent=number, routing_gateway=carrier.name)
        assert number == (other if source == "to" else lane).number
    # what is written around a number
    s.change("mapping", "set", lane.a.name, callee_rules="00*=*")
    for written in ("+" + lane.number, lane.number[:3] + "-" +
                    lane.number[3:], lane.number + ";phone-context=x",
                    "%34" + lane.number[1:], "00" + lane.number):
        call = lane.a.invite(written)
        call.ack(call.expect(200))
        there = lane.b.call()
        call.bye()
        assert user_of(there.invite.uri) == lane.number, written
        original = lane.number if written[:2] != "00" else written
        s.record(call.call_id, called_original=original, called=lane.number)


@on_a_switch()
def the_caller_is_that_of_the_chosen_place(s):
    lane = s.lane(GOOD)
    rpid = f"<sip:{CALLER}@192.0.2.1>;party=calling"
    for source, headers, wanted in (
            ("from", {"Remote_Party_ID": rpid}, "0000"),
            ("rpid", {"Remote_Party_ID": rpid}, CALLER),
            ("rpid", {"Remote_Party_ID": rpid.replace("calling", "called")},
             "0000"),
            ("rpid", {}, "0000"),
            ("display", {}, "Unknown"),
            ("pai", {"P_Asserted_Identity":
                     "<tel:+4499>, <sip:+4488@192.0.2.1>"}, "4488"),
            ("pai", {"P_Asserted_Identity": "<tel:+4499>"}, "4499"),
            ("pai", {}, "0000")):
        s.change("mapping", "set", lane.a.name, caller_source=source)
        got = placed(lane, caller="0000", display="Unknown", **headers)
        lane.record(caller_original=wanted, caller=wanted)
        assert user_of(got.get("from")) == wanted, (source, got.get("from"))
    s.change("mapping", "set", lane.a.name, caller_source="from",
             caller_rules="0*=44*")
    placed(lane, caller="0000")
    lane.record(caller_original="0000", caller="44000", caller_sent="44000")


# --- packets ------------------------------------------------------------------------

@on_a_switch()
def responses_go_where_the_gateway_wants_them(s):
    lane = s.lane([(0, 100), (0.05, 486)])
    away = s.peer(Caller(s.net.address(), 5999, switch=s.at))
    elsewhere = s.peer(Caller(lane.a.address, 5999, switch=s.at))

    def invite(port):
        call_id = unique("call-")
        branch = unique("z9hG4bK")
        lane.a.send(build(f"INVITE sip:{lane.number}@{s.net.switch} SIP/2.0", {
            "Via": f"SIP/2.0/UDP {away.address}:{port};branch={branch};rport",
            "Max-Forwards": 70, "From": f"<sip:1@{away.address}>;tag=a",
            "To": f"<sip:{lane.number}@{s.net.switch}>", "Call-ID": call_id,
            "CSeq": "1 INVITE", "Contact": f"<sip:1@{lane.a.at}>",
            "Content-Type": "application/sdp"}, lane.a.sdp()))
        return call_id
    for mode, peer in (("socket", lane.a), ("via_port", elsewhere),
                       ("via", away)):
        s.change("mapping", "set", lane.a.name, reply_address=mode)
        call_id = invite(5999)
        answer = peer.expect(486, call_id=call_id)
        if peer is not lane.a:
            lane.a.on_response(answer)  # its ACK
        for other in (lane.a, elsewhere, away):
            assert other is peer or not other.received(call_id=call_id), mode
        if mode == "socket":
            via = answer.get("via")
            assert parameter(via, "received") == lane.a.address, via
            assert parameter(via, "rport") == "5060", via


@on_a_switch()
def requests_go_where_the_gateway_wants_them(s):
    for mode in ("socket", "contact_port", "contact"):
        lane = s.lane((GOOD, {"request_address": mode}))
        contact = s.peer(Uas(s.net.address(), 5888, switch=s.at))
        port = s.peer(Uas(lane.b.address, 5888, switch=s.at))
        lane.b.contact = lambda where=contact.at: f"<sip:gw@{where}>"
        wanted = {"socket": lane.b, "contact_port": port,
                  "contact": contact}[mode]
        call = lane.invite()
        call.ack(call.expect(200))
        ack = wanted.expect("ACK")
        assert ack.uri == f"sip:gw@{contact.at}", (mode, ack.uri)
        call.bye()
        assert wanted.expect("BYE").uri == ack.uri
        for other in (lane.b, port, contact):
            assert other is wanted or not other.received(("ACK", "BYE")), mode
        lane.record(end_reason="NormalRelease")


# --- what is not shown ----------------------------------------------------------------

@on_a_switch()
def neither_leg_shows_anything_of_the_other(s):
    headers = {"User_Agent": "PBX 4.1", "Server": "Secret 1",
               "Warning": '399 secret "text"', "Subject": "secret",
               "X_Secret": "secret", "Record_Route": None}
    lane = s.lane([(0, 100), (0.02, 180, {**headers}),
                   (0.05, 200, {**headers})])
    lane.b.user = "vendoruser"
    call, there = lane.establish(**headers)
    lane.b.reply["INVITE"] = lambda r: (200, {
        "Contact": lane.b.contact(), "Server": "Secret 1"}, lane.b.sdp())
    call.reinvite(lane.a.sdp(version=5, direction="sendonly"))
    call.ack(call.expect("200 INVITE"))
    there.bye(Reason='SIP;cause=200;text="secret"')
    there.expect("200 BYE")
    lane.a.expect("BYE")
    lane.record(end_reason="NormalRelease", call_id_a=call.call_id,
                call_id_b=there.call_id)

    def words(dialog, agent):
        first = dialog.invite
        return [agent.address, dialog.call_id, first.branch, first.from_tag,
                getattr(dialog, "tag", "none-such"), "secret", "Secret",
                "PBX 4.1"]
    for dialog, agent, theirs, other in (
            (there, lane.b, call, lane.a), (call, lane.a, there, lane.b)):
        seen = agent.received()
        assert len(seen) >= 4
        for message in seen:
            for word in words(theirs, other):
                assert word.encode() not in message.data, \
                    (word, message.data)
    assert b"vendoruser" not in b"".join(m.data for m in lane.a.received())
    answer = call.answer
    assert user_of(answer.get("contact")) == lane.number, answer.data
    assert host_of(answer.get("contact")).split(":")[0] == s.net.switch
    assert head(answer.get("to")) == head(call.invite.get("to"))
    # The owner of the session is ours on both sides.
    for message, source in ((answer, there), (there.invite, call)):
        said = source.sdp or source.invite.sdp
        assert message.origin()[0] != re.search(r"o=\S+ (\d+)", said).group(1)
        assert f"o=- {message.origin()[0]} " in message.sdp


@on_a_switch()
def a_stranger_in_a_dialog_does_not_move_it(s):
    """A response from elsewhere with a wrong branch changes nothing."""
    lane = s.lane([(0, 100), (1, 200)])
    call = lane.invite()
    there = lane.b.call()
    stranger = s.peer(Uas(s.net.address(), switch=s.at))
    fake = respond(there.invite, 486, None, {}, None, "x").replace(
        there.invite.branch.encode(), b"z9hG4bKwrong")
    stranger.send(fake, s.at)
    call.ack(call.expect(200))
    call.bye()
    call.expect("200 BYE")
    lane.record(end_reason="NormalRelease")


if __name__ == "__main__":
    sys.exit(main())
