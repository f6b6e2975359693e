"""Debian's rtpengine in user space, on its own address."""

import itertools
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

from support.cluster import wait_for
from support.foreign import needs
from support.sip import Net
from support.sipp import is_bound

NG_PORT = 2223
SDP = ("v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
       "m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n")


def bencode(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, list):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    return b"d" + b"".join(bencode(k) + bencode(value[k])
                           for k in sorted(value)) + b"e"


def bdecode(data, at=0):
    """(value, where it ends)"""
    kind = data[at:at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1:end]), end + 1
    if kind in b"ld":
        rows, at = [], at + 1
        while data[at:at + 1] != b"e":
            value, at = bdecode(data, at)
            rows.append(value)
        return (rows if kind == b"l" else
                dict(zip(rows[::2], rows[1::2]))), at + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    return data[colon + 1:end].decode(errors="replace"), end


class Rtpengine:
    name = "rtpengine"

    def __init__(self, core=None, first=10000, ports=8000):
        needs("rtpengine")
        self.net = Net()
        self.relay = self.net.switch
        self.cookies = itertools.count(1)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tandem-rtpengine."))
        self.log = open(self.dir / "log", "wb")  # closed in __exit__
        before = ["taskset", "-c", core] if core else []
        self.process = subprocess.Popen(
            [*before, "rtpengine", "--config-file=none", "--table=-1",
             "--foreground", "--log-stderr", "--log-level=3",
             f"--pidfile={self.dir}/pid", f"--interface={self.relay}",
             f"--listen-ng={self.relay}:{NG_PORT}", "--num-threads=1",
             f"--port-min={first}", f"--port-max={first + ports - 1}",
             "--timeout=600", "--silent-timeout=600"],
            cwd=self.dir, stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=self.log, env={**os.environ, "LC_ALL": "C"})
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((self.net.address(), 0))
        self.sock.settimeout(5)

    def __enter__(self):
        try:
            wait_for(10, lambda: self.process.poll() is not None or
                     is_bound(self.relay, NG_PORT), "rtpengine to be there")
            assert self.ask(command="ping")["result"] == "pong"
        except BaseException:
            print((self.dir / "log").read_text(errors="replace")[-3000:])
            self.__exit__(None, None, None)
            raise
        return self

    def ask(self, **fields):
        cookie = f"c{next(self.cookies)}"
        row = {k.replace("_", "-"): v for k, v in fields.items()}
        self.sock.sendto(cookie.encode() + b" " + bencode(row),
                         (self.relay, NG_PORT))
        while True:
            data = self.sock.recv(65536)
            said, _, body = data.partition(b" ")
            if said.decode() == cookie:
                answer = bdecode(body)[0]
                assert answer.get("result") in ("ok", "pong"), answer
                return answer

    @staticmethod
    def port_of(answer):
        return int(answer["sdp"].split("m=audio ")[1].split()[0])

    def connect(self, load, first=1):
        """Every pair of a RtpLoad is a call; their names."""
        lines = []
        for k in range(load.pairs):
            common = {"call_id": f"call-{first + k}", "ICE": "remove",
                      "flags": ["trust-address"], "from_tag": "a",
                      "replace": ["origin", "session-connection"]}
            for end, extra in ((2 * k, {"command": "offer"}),
                               (2 * k + 1, {"command": "answer",
                                            "to_tag": "b"})):
                host, port = load.at(end).split(":")
                answer = self.ask(sdp=SDP.format(host=host, port=port),
                                  **common, **extra)
                # what A sent is answered by B's port, and the other way
                lines.append(f"to {end ^ 1} {self.relay} "
                             f"{self.port_of(answer)}")
        load.ask(*lines)
        return [f"call-{first + k}" for k in range(load.pairs)]

    def release(self, calls):
        for call in calls:
            self.ask(command="delete", call_id=call, from_tag="a",
                     delete_delay=0)

    def workers(self):
        return [self.process.pid]

    own = workers

    def __exit__(self, kind, value, trace):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.log.close()
        self.sock.close()
        self.net.close()
        shutil.rmtree(self.dir)
