"""SIP messages of a test: made from parts, and taken apart again.

Tolerant where a test wants to send what is wrong, strict where it looks at
what the switch has sent: see Message.check().
"""

import hashlib
import itertools
import os
import random
import re

COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact",
           "l": "content-length", "c": "content-type", "k": "supported",
           "s": "subject", "x": "session-expires", "e": "content-encoding"}
_numbers = itertools.count(random.randrange(1 << 20))


def unique(prefix=""):
    return f"{prefix}{os.getpid():x}{next(_numbers):x}{random.randrange(1 << 24):x}"


def parameter(value, name):
    """Of a header's value: that of ;name=value, "" without a value, or
    None."""
    tail = re.sub(r'"(\\.|[^"\\])*"|<[^>]*>', "", value or "")
    found = re.search(rf";\s*{re.escape(name)}\s*(?:=\s*([^;,\s]*))?(?=[;,\s]|$)",
                      tail, re.I)
    return None if found is None else found.group(1) or ""


def uri_of(value):
    """The URI in a name-addr or addr-spec."""
    found = re.search(r"<([^>]*)>", value)
    return found.group(1) if found else value.split(";")[0].strip()


def user_of(value):
    """Without parameters, which are written behind a ; in it."""
    found = re.match(r"(?:sips?:(?:([^@>]*)@)?|tel:([^>]*))", uri_of(value))
    text = (found.group(1) or found.group(2) or "") if found else ""
    return text.split(";")[0]


def host_of(value):
    """host:port of a URI, as written."""
    found = re.match(r"sips?:(?:[^@>]*@)?([^;>?]*)", uri_of(value))
    return found.group(1) if found else ""


def display_of(value):
    found = re.match(r'\s*(?:"((?:\\.|[^"\\])*)"|([^<"]*?))\s*<', value)
    return (found.group(1) or found.group(2) or "") if found else ""


class Message:
    """One message as it came or went; time is of the monotonic clock."""

    def __init__(self, data, time=0.0, peer=None, incoming=True):
        self.data, self.time, self.peer = data, time, peer
        self.incoming = incoming
        self.taken = False  # by an expect()
        text = data.decode("utf-8", "replace")
        head, _, self.body = text.partition("\r\n\r\n")
        lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
        self.first = lines[0]
        self.headers = []
        for line in lines[1:]:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            self.headers.append((COMPACT.get(name, name), value.strip()))
        self.is_request = not self.first.startswith("SIP/2.0 ")
        words = self.first.split(" ")
        if self.is_request:
            self.code = 0
            self.method = words[0]
            self.uri = words[1] if len(words) > 1 else ""
        else:
            self.code = int(words[1]) if words[1].isdigit() else 0
            self.method = (self.get("cseq") or "").rpartition(" ")[2]
            self.uri = ""

    def get(self, name):
        """First value of a header, or None."""
        return next((v for n, v in self.headers if n == name.lower()), None)

    def all(self, name):
        return [v for n, v in self.headers if n == name.lower()]

    def lists(self, name):
        """The values of a header that is a list of tokens."""
        return [v.strip() for row in self.all(name) for v in row.split(",")
                if v.strip()]

    @property
    def call_id(self):
        return self.get("call-id")

    @property
    def branch(self):
        return parameter(self.get("via") or "", "branch")

    @property
    def cseq(self):
        return int((self.get("cseq") or "0").split()[0])

    @property
    def from_tag(self):
        return parameter(self.get("from"), "tag")

    @property
    def to_tag(self):
        return parameter(self.get("to"), "tag")

    @property
    def sdp(self):
        """The body, if it is an SDP."""
        kind = self.get("content-type") or ""
        return self.body if self.body and "sdp" in kind.lower() else None

    def origin(self):
        """(session, version) of the o= line."""
        found = re.search(r"^o=\S+ (\d+) (\d+) ", self.body, re.M)
        return (found.group(1), int(found.group(2))) if found else None

    def matches(self, what):
        """what: a method, a code, a class such as "2xx", "200 INVITE"."""
        if isinstance(what, (tuple, list, set)):
            return any(self.matches(w) for w in what)
        if isinstance(what, int):
            return self.code == what
        if what[0].isdigit():
            code, _, method = what.partition(" ")
            if method and method != self.method:
                return False
            return code == (f"{self.code // 100}xx" if code.endswith("xx")
                            else str(self.code))
        return self.is_request and self.method == what

    def brief(self, since=0.0):
        via = "<" if self.incoming else ">"
        what = self.first if self.is_request else \
            f"{self.first} ({self.get('cseq')})"
        extra = " +sdp" if self.sdp else ""
        return (f"{self.time - since:9.3f} {via} {self.peer} {what}{extra} "
                f"[{self.call_id}]")

    def check(self):
        """What every message of a correct peer has."""
        text = self.data.partition(b"\r\n\r\n")
        assert text[1], f"no end of the headers: {self.data!r}"
        assert b"\n" not in text[0].replace(b"\r\n", b""), "a lone LF"
        for name in ("via", "from", "to", "call-id", "cseq"):
            assert len(self.all(name)) >= 1, f"no {name}: {self.data!r}"
            assert name == "via" or len(self.all(name)) == 1, f"two {name}"
        length = self.get("content-length")
        assert length is None or int(length) == len(text[2]), \
            f"Content-Length {length}, body of {len(text[2])}"
        assert not text[2] or self.get("content-type"), "no Content-Type"
        if self.is_request:
            assert re.fullmatch(r"[A-Z]+ \S+ SIP/2\.0", self.first), self.first
            assert self.get("cseq").split()[1] == self.method, self.data
            assert (self.branch or "").startswith("z9hG4bK"), self.get("via")
            assert int(self.get("max-forwards")) <= 70, self.data
            assert self.from_tag, self.get("from")
        else:
            assert self.to_tag or self.code == 100, self.data
        return self

    def __repr__(self):
        return self.brief()


def build(first, headers, body=""):
    """headers: {name: value, list of values, or None to leave it out}."""
    lines = [first]
    body = body or ""
    raw = body.encode() if isinstance(body, str) else body
    names = {n.lower() for n in headers}
    for name, value in headers.items():
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if one is not None:
                lines.append(f"{name}: {one}")
    if "content-length" not in names:
        lines.append(f"Content-Length: {len(raw)}")
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + \
        b"\r\n\r\n" + raw


def respond(request, code, reason=None, headers=None, body=None, tag=None):
    """The response to a request, with what must be copied from it."""
    to = request.get("to")
    if tag and request.to_tag is None and code > 100:
        to = f"{to};tag={tag}"
    rows = {"Via": request.all("via"), "From": request.get("from"), "To": to,
            "Call-ID": request.call_id, "CSeq": request.get("cseq")}
    if request.all("record-route") and code > 100:
        rows["Record-Route"] = request.all("record-route")
    if body:
        rows["Content-Type"] = "application/sdp"
    rows.update(headers or {})
    return build(f"SIP/2.0 {code} {reason or REASONS.get(code, 'Code')}",
                 rows, body)


REASONS = {100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK",
           404: "Not Found", 408: "Request Timeout", 486: "Busy Here",
           481: "Call/Transaction Does Not Exist", 487: "Request Terminated",
           491: "Request Pending", 503: "Service Unavailable"}


def make_sdp(address="192.0.2.99", port=4000, version=1, session=77,
             formats=((0, "PCMU/8000"), (8, "PCMA/8000"),
                      (101, "telephone-event/8000")), lines=(),
             direction=None):
    """Loopback is not accepted by the switch: media has an address of the
    documentation networks."""
    rows = ["v=0", f"o=- {session} {version} IN IP4 {address}", "s=-",
            f"c=IN IP4 {address}", "t=0 0",
            f"m=audio {port} RTP/AVP " + " ".join(str(n) for n, _ in formats)]
    rows += [f"a=rtpmap:{n} {name}" for n, name in formats]
    rows += list(lines)
    if direction:
        rows.append(f"a={direction}")
    return "\r\n".join(rows) + "\r\n"


def challenge_of(value):
    """{parameter: value} of a Digest challenge or credentials."""
    assert value.lower().startswith("digest "), value
    return {k.lower(): v[1:-1] if v.startswith('"') else v for k, v in
            re.findall(r'([A-Za-z]+)\s*=\s*("[^"]*"|[^,\s]+)', value[7:])}


def digest_response(algorithm, user, realm, password, method, uri, nonce,
                    qop=None, nc=None, cnonce=None):
    kind = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[algorithm]

    def h(*words):
        return kind(":".join(words).encode()).hexdigest()
    ha1, ha2 = h(user, realm, password), h(method, uri)
    return h(ha1, nonce, nc, cnonce, qop, ha2) if qop else h(ha1, nonce, ha2)


def credentials(challenge, method, uri, user, password, qop=True, nc=1,
                **wrong):
    """Answer to a challenge; wrong: what to say instead, such as
    realm="other"."""
    algorithm = challenge.get("algorithm", "MD5")
    say = {"username": user, "realm": challenge["realm"],
           "nonce": challenge["nonce"], "uri": uri, **wrong}
    use_qop = "auth" if qop and "qop" in challenge else None
    nc = f"{nc:08x}" if use_qop else None
    cnonce = unique("c") if use_qop else None
    say["response"] = wrong.get("response") or digest_response(
        algorithm, say["username"], say["realm"], password, method,
        say["uri"], say["nonce"], use_qop, nc, cnonce)
    text = "Digest " + ", ".join(f'{k}="{v}"' for k, v in say.items())
    if "algorithm" in challenge:
        text += f", algorithm={algorithm}"
    if "opaque" in challenge:
        text += f', opaque="{challenge["opaque"]}"'
    if use_qop:
        text += f', qop=auth, nc={nc}, cnonce="{cnonce}"'
    return text
