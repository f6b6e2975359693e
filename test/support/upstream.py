"""A registrar at somebody else's, that answers as it is told."""

import socket
import threading
import time

from support.sip_message import Message, challenge_of, respond


class Upstream:
    """answers: what each REGISTER gets, the last of them for all that follow:
    a code, (code, headers), or None for silence. 401 is said only to those
    without credentials, and then the next answer counts."""

    def __init__(self, address, port=5060, answers=(200,), expires=None,
                 realm="up", challenges=False):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, port))
        self.address = address
        self.answers, self.expires = list(answers), expires
        self.realm, self.challenges = realm, challenges
        self.heard = []  # (time, Message)
        self.over = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def close(self):
        self.over = True
        self.thread.join()
        self.socket.close()

    def run(self):
        self.socket.settimeout(0.1)
        while not self.over:
            try:
                data, where = self.socket.recvfrom(65536)
            except socket.timeout:
                continue
            if not data.startswith(b"REGISTER "):
                continue
            request = Message(data)
            again = any(m.branch == request.branch for _, m in self.heard)
            if not again:
                self.heard.append((time.monotonic(), request))
            self.answer(request, where, again)

    def answer(self, request, where, again):
        if again:
            data = self.said.get(request.branch)
            if data:
                self.socket.sendto(data, where)
            return
        headers = {}
        if self.challenges and not request.get("authorization"):
            code = 401
            headers["WWW-Authenticate"] = \
                f'Digest realm="{self.realm}", nonce="n{time.time()}", ' \
                'qop="auth"'
        else:
            code = self.answers.pop(0) if len(self.answers) > 1 \
                else self.answers[0]
            if isinstance(code, tuple):
                code, headers = code
        if code is None:
            return
        if code == 200 and request.get("expires") != "0":
            given = self.expires or request.get("expires") or 3600
            headers = {"Contact":
                       f'{request.get("contact").split(";expires")[0]}'
                       f";expires={given}", **headers}
        data = respond(request, code, headers=headers, tag="up")
        data = data if isinstance(data, bytes) else data.encode()
        self.said[request.branch] = data
        self.socket.sendto(data, where)

    said = {}

    def wait(self, count, within):
        end = time.monotonic() + within
        while len(self.heard) < count and time.monotonic() < end:
            time.sleep(0.02)
        assert len(self.heard) >= count, [m.first for _, m in self.heard]
        return [m for _, m in self.heard]

    def times(self):
        return [t for t, _ in self.heard]

    def credentials(self, message):
        value = message.get("authorization")
        return challenge_of(value) if value else None
