"""A SIP socket in a thread, that keeps every message with its time.

The time is the kernel's, so that a busy machine does not bend what a test
measures. Every wait has an end, and fails with what had come so far.
"""

import contextlib
import heapq
import itertools
import random
import select
import socket
import struct
import threading
import time

from support.sip_message import Message

TOLERANCE = 0.3
SO_TIMESTAMPNS = 35


class Net:
    """A loopback network /24 that no other test has: the name of an abstract
    Unix socket is the lock, and ends with the process."""

    def __init__(self):
        for number in random.sample(range(1, 255), 254):
            self.lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                self.lock.bind(f"\0tandem-test-net-{number}")
            except OSError:
                self.lock.close()
                continue
            self.prefix = f"127.0.{number}"
            self.numbers = itertools.count(2)
            if self.is_free():
                return
            self.lock.close()
        raise AssertionError("no free network")

    def is_free(self):
        """A test that was killed may have left a switch behind."""
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(socket.AF_INET, kind) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR,
                                int(kind == socket.SOCK_STREAM))
                try:
                    sock.bind((self.switch, 5060))
                except OSError:
                    return False
        return True

    @property
    def switch(self):
        """The address that is the switch's."""
        return f"{self.prefix}.1"

    def address(self):
        number = next(self.numbers)
        assert number < 255, "a network is used up"
        return f"{self.prefix}.{number}"

    def close(self):
        self.lock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def near(value, wanted, tolerance=TOLERANCE):
    return abs(value - wanted) <= tolerance


def assert_times(messages, wanted, since=None, tolerance=TOLERANCE):
    """The messages came at these seconds after since (default: the first)."""
    base = messages[0].time if since is None and messages else since
    got = [round(m.time - base, 3) for m in messages]
    assert len(got) == len(wanted) and all(
        near(a, b, tolerance) for a, b in zip(got, wanted)), \
        f"times {got}, wanted {list(wanted)}"


def wait_until(when):
    """A time of the monotonic clock."""
    time.sleep(max(0.0, when - time.monotonic()))


class Peer:
    """A socket and a thread. What comes is kept, and handed to handle()."""

    def __init__(self, address, port=5060, transport="udp", switch=None):
        self.transport, self.switch = transport, switch
        self.messages = []
        self.came = threading.Condition()
        self.timers = []
        self.count = itertools.count()
        self.errors = []
        self.streams = {}  # (host, port): [socket, bytes]
        self.started = time.monotonic()
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        self.sock = socket.socket(socket.AF_INET, kind)
        if transport == "udp":
            self.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        else:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind((address, port))
        if transport != "udp":
            self.sock.listen(16)
        self.address, self.port = self.sock.getsockname()
        self.wake_in, self.wake_out = socket.socketpair()
        self.running = True
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    @property
    def at(self):
        return f"{self.address}:{self.port}"

    # -- the thread -----------------------------------------------------------

    def _run(self):
        while self.running:
            try:
                self._turn()
            except Exception as error:  # shown by the next wait
                if self.running:
                    self.errors.append(error)

    def _turn(self):
        now = time.monotonic()
        while self.timers and self.timers[0][0] <= now:
            heapq.heappop(self.timers)[2]()
            now = time.monotonic()
        pause = self.timers[0][0] - now if self.timers else 1.0
        readers = [self.sock, self.wake_in,
                   *(s for s, _ in list(self.streams.values()))]
        for sock in select.select(readers, [], [], max(pause, 0))[0]:
            if sock is self.wake_in:
                sock.recv(4096)
            elif sock is not self.sock:
                self._read_stream(sock)
            elif self.transport == "udp":
                self._read_datagram()
            else:
                stream, where = self.sock.accept()
                self.streams[where] = [stream, b""]

    def _read_datagram(self):
        try:
            data, controls, _, where = self.sock.recvmsg(65536, 256)
        except ConnectionRefusedError:
            return
        when = time.monotonic()
        for _, kind, value in controls:
            if kind == SO_TIMESTAMPNS:
                s, ns = struct.unpack("ll", value[:16])
                when -= max(0.0, time.time() - (s + ns / 1e9))
        self._take(data, when, where)

    def _read_stream(self, sock):
        where = next((w for w, (s, _) in self.streams.items() if s is sock),
                     None)
        data = b""
        with contextlib.suppress(OSError):
            data = sock.recv(65536)
        if not data:
            self.streams.pop(where, None)
            sock.close()
            with self.came:
                self.came.notify_all()
            return
        rest = self.streams[where][1] + data
        while b"\r\n\r\n" in rest:
            if rest.startswith(b"\r\n"):
                rest = rest[2:]
                continue
            end = rest.index(b"\r\n\r\n") + 4
            end += int(Message(rest[:end]).get("content-length") or 0)
            if len(rest) < end:
                break
            self._take(rest[:end], time.monotonic(), where)
            rest = rest[end:]
        if where in self.streams:
            self.streams[where][1] = rest

    def _take(self, data, when, where):
        if not data.strip():
            return
        message = Message(data, when, f"{where[0]}:{where[1]}")
        message.where = where
        with self.came:
            self.messages.append(message)
        try:
            self.handle(message)
        finally:
            with self.came:
                self.came.notify_all()

    def handle(self, message):
        """What the peer does of itself, in its thread."""

    def after(self, seconds, call):
        """Let the thread call something later."""
        self.at_time(time.monotonic() + seconds, call)

    def at_time(self, when, call):
        heapq.heappush(self.timers, (when, next(self.count), call))
        with contextlib.suppress(OSError):
            self.wake_out.send(b".")

    # -- sending --------------------------------------------------------------

    def send(self, data, where=None):
        """Bytes as they are; the Message that was kept of them."""
        where = where or self.switch
        if self.transport == "udp":
            message = Message(data, time.monotonic(), f"{where[0]}:{where[1]}",
                              False)
            with self.came:
                self.messages.append(message)
            self.sock.sendto(data, where)
            return message
        stream = self.streams.get(where)
        if stream is None:
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            sock.bind((self.address, 0))
            sock.settimeout(5)
            sock.connect(where)
            self.streams[where] = stream = [sock, b""]
            self.wake_out.send(b".")
        message = Message(data, time.monotonic(), f"{where[0]}:{where[1]}",
                          False)
        with self.came:
            self.messages.append(message)
        stream[0].sendall(data)
        return message

    # -- looking --------------------------------------------------------------

    def received(self, what=None, call_id=None):
        with self.came:
            return [m for m in self.messages if m.incoming
                    and (what is None or m.matches(what))
                    and (call_id is None or m.call_id == call_id)]

    def sent(self, what=None, call_id=None):
        with self.came:
            return [m for m in self.messages if not m.incoming
                    and (what is None or m.matches(what))
                    and (call_id is None or m.call_id == call_id)]

    def expect(self, what, within=5.0, call_id=None, check=True):
        """The next message of that kind that no expect() has had."""
        end = time.monotonic() + within
        with self.came:
            while True:
                for m in self.messages:
                    if m.incoming and not m.taken and m.matches(what) and (
                            call_id is None or m.call_id == call_id):
                        m.taken = True
                        return m.check() if check else m
                left = end - time.monotonic()
                if left <= 0 or self.errors:
                    raise AssertionError(
                        f"{self.at}: no {what} within {within} s\n"
                        + self.transcript())
                self.came.wait(left)

    def expect_none(self, what=None, seconds=1.0, call_id=None):
        """Nothing of that kind comes that no expect() has had."""
        end = time.monotonic() + seconds
        with self.came:
            while True:
                bad = [m for m in self.messages if m.incoming and not m.taken
                       and (what is None or m.matches(what))
                       and (call_id is None or m.call_id == call_id)]
                assert not bad, (f"{self.at}: came, and should not: {bad}\n"
                                 + self.transcript())
                left = end - time.monotonic()
                if left <= 0:
                    return
                self.came.wait(left)

    def transcript(self):
        rows = [m.brief(self.started) for m in self.messages]
        return "\n".join([f"messages of {self.at}:", *(rows or ["(none)"]),
                          *(f"error: {e!r}" for e in self.errors)])

    # -- end ------------------------------------------------------------------

    def close(self):
        self.running = False
        with contextlib.suppress(OSError):
            self.wake_out.send(b".")
        self.thread.join(5)
        for sock in [self.sock, self.wake_in, self.wake_out,
                     *(s for s, _ in self.streams.values())]:
            sock.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            print(self.transcript())
        self.close()
