"""Phones that register, each from a socket of its own."""

import socket
import time

from support.sip_message import (Message, build, challenge_of, credentials,
                                 unique)

UNSAID = None


class Phone:
    """One device. Its Contact is where it is, unless it is said otherwise."""

    def __init__(self, number, password, switch, address="127.0.0.1", port=0):
        self.number, self.password, self.switch = number, password, switch
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, port))
        self.at = "%s:%d" % self.socket.getsockname()
        self.contact = f"sip:{number}@{self.at}"
        self.call_id, self.tag = unique("reg-"), unique("t")
        self.cseq = 0
        self.challenge = None
        self.heard = []  # (time, bytes) of what is no answer

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # -- requests --------------------------------------------------------------

    def request(self, contacts=UNSAID, expires=UNSAID, cseq=None, call_id=None,
                via=None, branch=None, **headers):
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        host = self.switch[0]
        if contacts is UNSAID:
            contacts = [f"<{self.contact}>"]
        rows = {
            "Via": f"SIP/2.0/UDP {via or self.at};rport;"
                   f"branch={branch or unique('z9hG4bK')}",
            "Max-Forwards": 70,
            "From": f"<sip:{self.number}@{host}>;tag={self.tag}",
            "To": f"<sip:{self.number}@{host}>",
            "Call-ID": call_id or self.call_id,
            "CSeq": f"{cseq} REGISTER", "User-Agent": "phone.py"}
        if contacts:
            rows["Contact"] = list(contacts)
        if expires is not UNSAID:
            rows["Expires"] = expires
        if self.challenge:
            code, challenge = self.challenge
            name = "Authorization" if code == 401 else "Proxy-Authorization"
            rows[name] = credentials(challenge, "REGISTER", f"sip:{host}",
                                     self.number, self.password)
            self.challenge = None  # one use of its nonce
        rows.update({k.replace("_", "-"): v for k, v in headers.items()})
        return build(f"REGISTER sip:{host} SIP/2.0", rows)

    def say(self, data):
        self.socket.sendto(data if isinstance(data, bytes) else data.encode(),
                           self.switch)

    def hear(self, within):
        """The next SIP message; None: none came."""
        end = time.monotonic() + within
        while True:
            left = end - time.monotonic()
            if left <= 0:
                return None
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65536)
            except socket.timeout:
                return None
            if data.startswith(b"SIP/2.0 "):
                return Message(data)
            self.heard.append((time.monotonic(), data))

    def ask(self, within=5.0, resend=0.5, **kwargs):
        """Send it, also again, until a final answer has come."""
        data = self.request(**kwargs)
        end = time.monotonic() + within
        while time.monotonic() < end:
            self.say(data)
            answer = self.hear(min(resend, end - time.monotonic()))
            while answer and answer.code < 200:
                answer = self.hear(resend)
            if answer:
                return answer
        raise AssertionError(f"{self.number}: no answer")

    def register(self, expires=UNSAID, cseq=None, **kwargs):
        """With an answer to the challenge. The final answer."""
        if cseq is not None:
            self.tag = unique("t")  # or it is merged with the one before
        answer = self.ask(expires=expires, cseq=cseq, **kwargs)
        if answer.code in (401, 407):
            name = "www-authenticate" if answer.code == 401 \
                else "proxy-authenticate"
            self.challenge = answer.code, challenge_of(answer.all(name)[0])
            self.tag = unique("t")  # or, with the same CSeq, it is merged
            answer = self.ask(expires=expires, cseq=cseq, **kwargs)
        return answer

    def listen(self, seconds):
        """What comes that is no SIP, and when."""
        self.heard = []
        while self.hear(seconds):
            pass
        return self.heard


def bindings_of(answer):
    """{URI: seconds} of the Contacts of a 200."""
    found = {}
    for row in answer.all("contact"):
        uri, _, rest = row.strip().removeprefix("<").partition(">")
        found[uri] = int(dict(p.split("=") for p in rest.strip(";").split(
            ";"))["expires"])
    return found
