"""Scenarios of sipp, written as the arrows of a call flow.

    caller = Caller("4420...").invite().gets(100, 180, 200).ack()
    caller.pause(500).bye().gets(200)
    callee = Callee().takes("INVITE").says(180).says(200, sdp=True)

Each is what one party sends and gets, in order. Whatever else arrives fails
the scenario; so does what does not arrive. None of it is clever: messages are
put together from what sipp remembers of the dialog.
"""

import contextlib
import pathlib
import tempfile

from support.cluster import wait_for
from support.sipp import Sipp

SDP = """v=0
o=peer 1 [version] IN IP4 [media]
s=-
c=IN IP4 [media]
t=0 0
m=audio [port] RTP/AVP 0 8
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
"""
PHRASES = {100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK",
           302: "Moved Temporarily", 404: "Not Found", 408: "Request Timeout",
           480: "Temporarily Unavailable", 486: "Busy Here",
           487: "Request Terminated", 503: "Service Unavailable"}


def sdp(media, port=6000, version=1, direction=None):
    text = SDP.replace("[media]", media).replace("[port]", str(port)) \
        .replace("[version]", str(version))
    return text + (f"a={direction}\n" if direction else "")


class Party:
    """steps: (the XML of each message, is it one that counts for branches)"""
    media = "192.0.2.98"

    def __init__(self):
        self.steps = []
        self.cseq = 0

    # -- what both do ----------------------------------------------------------

    def pause(self, ms):
        return self._step(f'<pause milliseconds="{ms}"/>')

    def gets(self, *codes, **attributes):
        """Responses in this order; a 100 may be left out."""
        for code in codes:
            optional = ' optional="true"' if code == 100 else ""
            more = "".join(f' {k}="{v}"' for k, v in attributes.items())
            self._step(f'<recv response="{code}" rrs="true"{optional}{more}/>')
        return self

    def takes(self, method, **attributes):
        more = "".join(f' {k}="{v}"' for k, v in attributes.items())
        return self._step(f'<recv request="{method}"{more}/>')

    def answers(self, method, code=200, body=None, **heads):
        """Takes a request within the dialog, and answers it as it came."""
        self.takes(method)
        return self._response(code, body, "[last_To:]", heads)

    def _response(self, code, body, to, heads, resends=False):
        lines = [f"SIP/2.0 {code} {PHRASES[code]}", "[last_Via:]",
                 "[last_Record-Route:]", "[last_From:]", to,
                 "[last_Call-ID:]", "[last_CSeq:]"]
        return self._send(lines, body, heads, resends)

    def _send(self, lines, body, heads, resends):
        # A head without value is one of sipp's own making.
        lines += [f"{k.replace('_', '-')}: {v}" if v is not None else k
                  for k, v in heads.items()]
        if body:
            lines.append("Content-Type: application/sdp")
        lines += ["Content-Length: [len]", ""]
        text = "\n".join(lines + (body.splitlines() if body else []))
        again = ' retrans="500"' if resends else ""
        return self._step(f"<send{again}><![CDATA[\n\n{text}\n\n]]></send>")

    def _step(self, xml):
        self.steps.append(xml)
        return self

    def scenario(self, name):
        return ('<?xml version="1.0" encoding="ISO-8859-1" ?>\n'
                f'<scenario name="{name}">\n' + "\n".join(self.steps) +
                '\n<timewait milliseconds="200"/>\n</scenario>\n')


class Caller(Party):
    """Dials a number."""
    user = "8801711000000"

    def __init__(self, number):
        super().__init__()
        self.number = number
        self.invited = 0

    def invite(self, body="", **heads):
        """body None: without an offer."""
        self.invited = len(self.steps)
        return self._request("INVITE", self._first(),
                             sdp(self.media) if body == "" else body, heads)

    def ack(self, body=None):
        """Of a 200: a transaction of its own."""
        return self._request("ACK", "[next_url]", body, {}, again=True)

    def ack_refused(self):
        """Of anything else: of the INVITE's."""
        return self._request("ACK", self._first(), None, {}, again=True,
                             branch=self._branch(), routes=False)

    def cancel(self):
        return self._request("CANCEL", self._first(), None, {}, again=True,
                             branch=self._branch(), routes=False, tag=False,
                             resends=True)

    def reinvite(self, body):
        self.invited = len(self.steps)
        return self._request("INVITE", "[next_url]", body, {}, within=True)

    def bye(self):
        return self._request("BYE", "[next_url]", None, {}, within=True)

    def _first(self):
        return f"sip:{self.number}@[remote_ip]:[remote_port]"

    def _branch(self):
        return f"[branch-{len(self.steps) - self.invited}]"

    def _request(self, method, uri, body, heads, again=False, within=False,
                 branch="[branch]", routes=True, tag=True, resends=None):
        if not again:
            self.cseq += 1
        is_first = method == "INVITE" and not within
        lines = [f"{method} {uri} SIP/2.0",
                 "Via: SIP/2.0/[transport] [local_ip]:[local_port];"
                 f"branch={branch}",
                 *(["[routes]"] if routes and not is_first else []),
                 "Max-Forwards: 70",
                 f"From: <sip:{self.user}@[local_ip]:[local_port]>;"
                 "tag=[pid]a[call_number]",
                 f"To: <{self._first()}>" +
                 ("[peer_tag_param]" if tag and not is_first else ""),
                 "Call-ID: [call_id]", f"CSeq: {self.cseq} {method}",
                 f"Contact: <sip:{self.user}@[local_ip]:[local_port]>"]
        if resends is None:
            resends = method != "ACK"
        return self._send(lines, body, heads, resends)


class Callee(Party):
    """Takes one call."""
    media = "192.0.2.97"

    def __init__(self):
        super().__init__()
        self._step('<recv request="INVITE" rrs="true"><action>' + "".join(
            f'<ereg regexp=".*" search_in="hdr" header="{head}:" '
            f'check_it="true" assign_to="{head.lower()}"/>'
            for head in ("From", "To", "CSeq")) + "</action></recv>")
        self._step('<Reference variables="from,to,cseq"/>')

    def says(self, code, body=None, **heads):
        """A response to the INVITE that came last."""
        if body is None and code == 200:
            body = sdp(self.media, 7000)
        if code != 100:
            heads.setdefault("Contact", "<sip:gw@[local_ip]:[local_port]>")
        return self._response(code, body, "[last_To:]" if code == 100 else
                              "[last_To:];tag=[pid]b[call_number]", heads,
                              resends=code >= 200)

    def is_cancelled(self):
        self.answers("CANCEL")
        self._send(["SIP/2.0 487 Request Terminated", "[last_Via:]",
                    "From:[$from]", "To:[$to];tag=[pid]b[call_number]",
                    "[last_Call-ID:]", "CSeq:[$cseq]"], None, {}, True)
        return self.takes("ACK")

    def bye(self):
        return self._send(
            ["BYE [next_url] SIP/2.0",
             "Via: SIP/2.0/[transport] [local_ip]:[local_port];"
             "branch=[branch]", "[routes]", "Max-Forwards: 70",
             "From:[$to];tag=[pid]b[call_number]", "To:[$from]",
             "Call-ID: [call_id]", "CSeq: 1 BYE"], None, {}, True)

    def refuses(self, code, **heads):
        return self.says(code, **heads).takes("ACK")


def answering():
    return Callee().says(100).says(180).says(200).takes("ACK")


@contextlib.contextmanager
def play(party, address, **more):
    """A sipp that is this party: with play(...) as sipp."""
    name = type(party).__name__.lower()
    with tempfile.TemporaryDirectory(prefix="tandem-flow.") as folder:
        file = pathlib.Path(folder) / f"{name}.xml"
        file.write_text(party.scenario(name), encoding="utf-8")
        with Sipp(str(file), address, **more) as sipp:
            yield sipp


class Flow:
    """A customer, a prefix, and carriers behind it, in this order."""

    def __init__(self, s, *carriers, customer=None):
        self.s = s
        self.before = 0
        with s.lock:
            n = next(s.names)
            self.name = f"flow{n}"
            self.number = f"44{n:03}5550100"
            self.address = s.net.address()
            s.change("mapping", "add", self.name, **{
                "account": "customer", "addresses": self.address,
                "local_ip": s.net.switch, **(customer or {})})
            self.carriers = [s.net.address() for _ in range(
                max(1, len(carriers)))]
            for i, address in enumerate(self.carriers):
                s.change("routing", "add", f"{self.name}-{i}", **{
                    "account": "vendor", "prefixes": self.number[:5],
                    "local_ip": s.net.switch, "priority": i + 1,
                    "addresses": f"{address}:5060",
                    **(carriers[i] if carriers else {})})

    def caller(self):
        return Caller(self.number)

    def run(self, caller, *callees, seconds=30, options=(), through=None):
        """All of them to their end; None: nobody is there. What each got.
        through: another host that the caller sends to."""
        with contextlib.ExitStack() as stack:
            servers = [stack.enter_context(play(party, self.carriers[i]))
                       for i, party in enumerate(callees) if party]
            client = stack.enter_context(play(
                caller, self.address, remote=through or self.s.at, options=options))
            client.finished(seconds)
            for server in servers:
                server.finished(seconds)
            return client.messages(), [x.messages() for x in servers]

    def renew(self):
        """What was recorded until now is another call's."""
        self.before = len(self.s.records(mapping_gateway=self.name))

    def record(self, **wanted):
        rows = []

        def there():
            rows[:] = self.s.records(mapping_gateway=self.name)[self.before:]
            return rows
        wait_for(5, there, f"a record of {self.name}")
        assert len(rows) == 1, rows
        wrong = {k: (rows[0].get(k), v) for k, v in wanted.items()
                 if rows[0].get(k) != v}
        assert not wrong, f"(is, wanted): {wrong} in {rows[0]}"
        return rows[0]
