"""An end of a media stream: a pair of sockets and a thread.

    with RtpEnd("127.0.9.2") as a:
        a.to = (relay, port)
        a.stream(seconds=1)          # G.711, 50 packets a second
        b.expect(45)
"""

import collections
import contextlib
import heapq
import itertools
import math
import random
import select
import socket
import struct
import threading
import time

from support.cluster import wait_for

STEP_S = 0.02
SAMPLES = 160
SILENCE = b"\xff" * SAMPLES
RATE = 8000
DIGITS = "0123456789*#ABCD"
FREQUENCIES = {d: (row, column) for row, line in
               ((697, "123A"), (770, "456B"), (852, "789C"), (941, "*0#D"))
               for column, d in zip((1209, 1336, 1477, 1633), line)}

Packet = collections.namedtuple(
    "Packet", "time source data payload_type marker number timestamp ssrc "
    "payload")


def packet(number, timestamp, ssrc, payload, payload_type=0, marker=False):
    return struct.pack("!BBHII", 0x80, payload_type | marker << 7,
                       number & 0xffff, timestamp & 0xffffffff,
                       ssrc & 0xffffffff) + payload


def parse(data, source):
    if len(data) < 12:
        return Packet(time.monotonic(), source, data, None, None, None, None,
                      None, b"")
    _, second, number, timestamp, ssrc = struct.unpack("!BBHII", data[:12])
    return Packet(time.monotonic(), source, data, second & 127,
                  bool(second >> 7), number, timestamp, ssrc, data[12:])


def mulaw(sample):
    """A sample of 16 bits as G.711 u-law."""
    sign = 0x80 if sample < 0 else 0
    value = min(abs(sample), 32635) + 132
    exponent = max(value.bit_length() - 8, 0)
    return ~(sign | exponent << 4 | value >> (exponent + 3) & 15) & 0xff


def from_mulaw(byte):
    byte = ~byte & 0xff
    value = (((byte & 15) << 3) + 132 << (byte >> 4 & 7)) - 132
    return -value if byte & 0x80 else value


def tone(digit, ms, level=6000):
    """A digit as u-law, in packets of 20 ms."""
    samples = bytes(mulaw(int(level * sum(
        math.sin(2 * math.pi * f * n / RATE) for f in FREQUENCIES[digit])))
        for n in range(RATE * ms // 1000))
    samples += SILENCE[:-len(samples) % SAMPLES]
    return [samples[i:i + SAMPLES] for i in range(0, len(samples), SAMPLES)]


def loudness(payload, frequency):
    """Of one frequency, by Goertzel; 1.0: all there is."""
    values = [from_mulaw(b) for b in payload]
    total = sum(v * v for v in values) or 1
    k = 2 * math.cos(2 * math.pi * frequency / RATE)
    a = b = 0.0
    for v in values:
        a, b = v + k * a - b, a
    return 2 * (a * a + b * b - k * a * b) / (total * len(values))


def digit_of(payload):
    """The digit that this much of u-law is, or None."""
    for digit, (row, column) in FREQUENCIES.items():
        if loudness(payload, row) > 0.3 and loudness(payload, column) > 0.3:
            return digit
    return None


def receiver_report(ssrc, about, lost=0, last_sr=0, delay=0):
    return struct.pack("!BBHIIIIIII", 0x81, 201, 7, ssrc, about, lost, 0, 0,
                       last_sr, delay)


def sender_report(ssrc, ntp, timestamp=0, packets=1, octets=160):
    return struct.pack("!BBHIQIII", 0x80, 200, 6, ssrc, ntp, timestamp,
                       packets, octets)


class RtpEnd:
    """to: where it sends. RTP at port, RTCP at the next one."""

    def __init__(self, address, port=0):
        self.address = address
        self.rtp, self.rtcp, self.port = bind_pair(address, port)
        self.to = None
        self.ssrc = random.getrandbits(32)
        self.number = random.getrandbits(15)
        self.timestamp = random.getrandbits(31)
        self.came, self.rtcp_came = [], []
        self.lock = threading.Lock()
        self.timers, self.count = [], itertools.count()
        self.wake_in, self.wake_out = socket.socketpair()
        self.running = True
        self.sent = 0
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    @property
    def at(self):
        return f"{self.address}:{self.port}"

    # -- the thread -------------------------------------------------------------

    def _run(self):
        socks = [self.rtp, self.rtcp, self.wake_in]
        while self.running:
            now = time.monotonic()
            with self.lock:
                due = []
                while self.timers and self.timers[0][0] <= now:
                    due.append(heapq.heappop(self.timers)[2])
                pause = self.timers[0][0] - now if self.timers else 1.0
            for call in due:
                call()
            if due:
                continue
            for sock in select.select(socks, [], [], max(pause, 0))[0]:
                with contextlib.suppress(OSError):
                    if sock is self.wake_in:
                        sock.recv(4096)
                        continue
                    data, source = sock.recvfrom(65536)
                    (self.came if sock is self.rtp
                     else self.rtcp_came).append(parse(data, source))

    def _at(self, when, call):
        with self.lock:
            heapq.heappush(self.timers, (when, next(self.count), call))
        with contextlib.suppress(OSError):
            self.wake_out.send(b".")

    # -- sending ------------------------------------------------------------------

    def raw(self, data, to=None, rtcp=False):
        to = to or self.to
        if rtcp:
            to = (to[0], to[1] + 1)
        with contextlib.suppress(ConnectionRefusedError):
            (self.rtcp if rtcp else self.rtp).sendto(data, to)
        return data

    def send(self, payload=SILENCE, payload_type=0, marker=False, to=None,
             samples=SAMPLES, timestamp=None):
        """The next packet of its stream."""
        data = packet(self.number, self.timestamp if timestamp is None
                      else timestamp, self.ssrc, payload, payload_type,
                      marker)
        self.number += 1
        if timestamp is None:
            self.timestamp += samples
        self.sent += 1
        return self.raw(data, to)

    def play(self, payloads, wait=True, payload_type=0, skip=()):
        """One every 20 ms; those of skip are numbered, and not sent."""
        begin = time.monotonic()
        payloads = list(payloads)
        for n, payload in enumerate(payloads):
            def one(payload=payload, n=n):
                if n in skip:
                    self.number += 1
                    self.timestamp += SAMPLES
                elif self.running:
                    self.send(payload, payload_type)
            self._at(begin + n * STEP_S, one)
        if wait:
            self.drained(len(payloads) * STEP_S + 10)

    def stream(self, seconds, wait=True, payload_type=0):
        self.play([SILENCE] * round(seconds / STEP_S), wait, payload_type)

    def drained(self, within=10):
        wait_for(within, lambda: not self.timers, "all sent")

    def hush(self):
        with self.lock:
            self.timers.clear()

    def event(self, digit, ms=160, payload_type=101, copies=3):
        """A digit of RFC 4733, every 20 ms an update, the end so often."""
        code, at = DIGITS.index(digit), self.timestamp
        steps = max(ms // 20, 1)
        rows = [(False, n * SAMPLES) for n in range(1, steps)]
        rows += [(True, steps * SAMPLES)] * copies
        begin = time.monotonic()
        for n, (is_end, duration) in enumerate(rows):
            def one(n=n, is_end=is_end, duration=duration):
                self.send(struct.pack("!BBH", code, is_end << 7 | 10,
                                      duration), payload_type, n == 0,
                          timestamp=at)
            self._at(begin + n * STEP_S, one)
        self.drained()
        self.timestamp = at + steps * SAMPLES

    # -- looking --------------------------------------------------------------------

    def forget(self):
        self.came, self.rtcp_came = [], []

    def expect(self, count=1, within=5.0):
        """So many packets of RTP, or more; all of them."""
        wait_for(within, lambda: len(self.came) >= count,
                 f"{self.at}: {count} packets; {len(self.came)} came, of "
                 f"{self.sent} it has sent")
        return self.came

    def expect_rtcp(self, count=1, within=5.0):
        wait_for(within, lambda: len(self.rtcp_came) >= count,
                 f"{self.at}: {count} packets of RTCP")
        return self.rtcp_came

    def expect_none(self, seconds=0.3):
        """Nothing comes that is not forgotten."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert not self.came and not self.rtcp_came, \
                f"{self.at}: came: {(self.came + self.rtcp_came)[:3]}"
            time.sleep(0.01)

    def events(self):
        """Digits that came as events: [(digit, ms, packets, ends)]"""
        found = {}
        for p in self.came:
            if p.payload_type == 101 and len(p.payload) == 4:
                code, flags, duration = struct.unpack("!BBH", p.payload)
                row = found.setdefault(p.timestamp,
                                       [DIGITS[code], 0, 0, 0])
                row[1] = max(row[1], duration * 1000 // RATE)
                row[2] += 1
                row[3] += flags >> 7
        return [tuple(row) for row in found.values()]

    # -- end ------------------------------------------------------------------------

    def close(self):
        self.running = False
        with contextlib.suppress(OSError):
            self.wake_out.send(b".")
        self.thread.join(5)
        for sock in (self.rtp, self.rtcp, self.wake_in, self.wake_out):
            sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def bind_pair(address, port=0):
    """(RTP, RTCP, port): an even port, and the next."""
    for _ in range(100):
        first = port or random.randrange(4000, 9000) * 2
        rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        rtcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            rtp.bind((address, first))
            rtcp.bind((address, first + 1))
            return rtp, rtcp, first
        except OSError:
            rtp.close()
            rtcp.close()
            if port:
                raise
    raise AssertionError(f"no ports at {address}")
