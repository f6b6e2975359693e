#!/usr/bin/env python3
"""Real sound of real phones, through the relay.

sound.py BIN CASE: one case, in a cluster of its own; skipped where the
program, or what it needs, is missing.
"""

import os
import pathlib
import struct
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support import sound  # noqa: E402
from support.cases import main  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.foreign import (  # noqa: E402
    SKIPPED, Baresip, needs, outer_address)
from support.media_lane import PRIVATE_A, PRIVATE_B, on_media  # noqa: E402
from support.rtp import RtpEnd  # noqa: E402
from support.sip import make_sdp  # noqa: E402
from support.sipp import Sipp  # noqa: E402
from support.sipp_flow import Flow  # noqa: E402
from support.usage import pause  # noqa: E402

TALK_S = 6
ALIKE = 0.9
ENOUGH = 0.8  # of the pieces: a phone may leave some out, or stretch them


# --- sipp ---------------------------------------------------------------------

PCAP = pathlib.Path("/usr/share/sip-tester/g711a.pcap")
PLAYS = """<?xml version="1.0" encoding="ISO-8859-1"?>
<scenario name="plays a capture">
<send retrans="500"><![CDATA[
INVITE sip:@NUMBER@@[remote_ip] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:8801711000000@[local_ip]>;tag=[call_number]
To: <sip:@NUMBER@@[remote_ip]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:a@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=a 1 1 IN IP4 @PRIVATE@
s=-
c=IN IP4 @PRIVATE@
t=0 0
m=audio [media_port] RTP/AVP 8
a=rtpmap:8 PCMA/8000
]]></send>
<recv response="100" optional="true"/>
<recv response="180" optional="true"/>
<recv response="200" rtd="true" rrs="true"/>
<send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:8801711000000@[local_ip]>;tag=[call_number]
[last_To:]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
<pause milliseconds="200"/>
<nop><action><exec play_pcap_audio="@PCAP@"/></action></nop>
<pause milliseconds="@MS@"/>
<send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:8801711000000@[local_ip]>;tag=[call_number]
[last_To:]
Call-ID: [call_id]
CSeq: 2 BYE
Max-Forwards: 70
Content-Length: 0

]]></send>
<recv response="200"/>
</scenario>
"""


def read_pcap(pcap):
    """(what its UDP datagrams carry behind the RTP header, seconds)"""
    data = pcap.read_bytes()
    order = "<" if data[:4] == b"\xd4\xc3\xb2\xa1" else ">"
    at, rows, times = 24, [], []
    while at + 16 <= len(data):
        s, us, size = struct.unpack(order + "III", data[at:at + 12])
        times.append(s + us / 1e6)
        rows.append(data[at + 16:at + 16 + size][14 + 20 + 8 + 12:])
        at += 16 + size
    return rows, times[-1] - times[0]


@on_media()
def what_sipp_plays_from_a_capture_is_heard(s):
    needs("sipp")
    if os.geteuid() != 0 or not PCAP.exists():
        print("skipped: sipp plays captures only as root")
        sys.exit(SKIPPED)
    wanted, seconds = read_pcap(PCAP)
    seconds += 1
    lane = s.lane([])
    there = RtpEnd(lane.b.address)
    s.peers.callback(there.close)
    lane.b.answers = [(0, 100), (0.1, 200, {"sdp": make_sdp(
        PRIVATE_B, there.port, formats=((8, "PCMA/8000"),))})]
    with tempfile.TemporaryDirectory(prefix="tandem-sipp.") as folder:
        file = pathlib.Path(folder) / "plays.xml"
        text = PLAYS
        for name, value in (("NUMBER", lane.number), ("PRIVATE", PRIVATE_A),
                            ("PCAP", PCAP), ("MS", round(seconds * 1000))):
            text = text.replace(f"@{name}@", str(value))
        file.write_text(text, encoding="ascii")
        lane.a.close()
        with Sipp(str(file), lane.a.address, s.at,
                  options=("-mi", lane.a.address)) as sipp:
            sipp.finished(seconds + 20)
    came = [p.payload for p in there.came]
    assert len(came) >= len(wanted) - 2, (len(came), len(wanted))
    first = wanted.index(came[0])
    assert came == wanted[first:first + len(came)], "something is missing"


# --- baresip --------------------------------------------------------------------

@on_media(media=outer_address)
def what_each_baresip_says_the_other_hears(s):
    at = outer_address()
    flow = Flow(s)
    s.change("mapping", "set", flow.name, addresses=at)
    with tempfile.TemporaryDirectory(prefix="tandem-sound.") as folder:
        said = {}
        for name, seed in (("a", 1), ("b", 2)):
            said[name] = sound.chirps(TALK_S + 6, seed)
            sound.write(pathlib.Path(folder) / f"{name}.wav", said[name])
        with Baresip(at, s.at, user=flow.number,
                     sound=f"{folder}/b.wav") as there:
            s.change("routing", "set", f"{flow.name}-0",
                     addresses=f"{at}:{there.port}")
            with Baresip(at, s.at, dial=flow.number,
                         sound=f"{folder}/a.wav") as here:
                wait_for(10, lambda: "Call established" in here.log(),
                         "the call")
                pause(TALK_S)
                here.end()
                flow.record(end_reason="NormalRelease", media="relay")
                there.end()
                heard = {"b": sound.read(here.heard()),
                         "a": sound.read(there.heard())}
    for name in said:
        alike = sound.recognised(said[name], heard[name])
        good = sum(a >= ALIKE for a in alike)
        print(name, [round(a, 2) for a in alike])
        assert len(alike) >= TALK_S and good >= ENOUGH * len(alike), \
            f"{name}: {good} of {len(alike)} pieces: {alike}"


if __name__ == "__main__":
    sys.exit(main())
