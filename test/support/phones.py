"""Very many phones that register, with few sockets."""

import hashlib
import select
import socket
import time

AGAIN_S = 1.0


def md5(*words):
    return hashlib.md5(":".join(words).encode()).hexdigest()


def import_phones(switch, first, count):
    """With the passwords that pw followed by their number is."""
    path = switch.dir / "phones.csv"
    with open(path, "w", encoding="ascii") as f:
        f.write("number,account,password\n")
        for n in range(first, first + count):
            f.write(f"{n},customer,pw{n}\n")
    switch.do("phone", "import", str(path))


class Device:
    """One phone: where it is in its registration."""

    __slots__ = ("number", "password", "socket", "contact", "call_id", "cseq",
                 "data", "sent", "tries")

    def __init__(self, number, password, sock, contact):
        self.number, self.password = number, password
        self.socket, self.contact = sock, contact
        self.call_id = f"many-{number}-{id(self):x}"
        self.cseq = 0
        self.data, self.sent, self.tries = None, 0.0, 0


class Phones:
    """Those numbers, behind NAT, as what they say of themselves shows. Each
    socket has an address of its own: a source may not ask too often."""

    def __init__(self, numbers, password, switch, sockets=1000):
        self.switch = switch
        self.poll = select.epoll()
        self.sockets, self.devices, self.heard = {}, {}, {}
        plain = []
        for n in range(min(sockets, len(numbers))):
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            s.bind((f"127.250.{n >> 8 & 255}.{n & 255}", 0))
            s.setblocking(False)
            self.poll.register(s.fileno(), select.EPOLLIN)
            self.sockets[s.fileno()] = s
            self.heard[s.fileno()] = []  # (time, bytes) of what is no answer
            plain.append(s)
        for n, number in enumerate(numbers):
            self.devices[number] = Device(
                number, password(number), plain[n % len(plain)],
                f"sip:{number}@10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"
                ":5060")

    def close(self):
        self.poll.close()
        for s in self.sockets.values():
            s.close()

    # -- registering -----------------------------------------------------------

    def request(self, device, challenge=None):
        device.cseq += 1
        host = self.switch[0]
        rows = [f"REGISTER sip:{host} SIP/2.0",
                "Via: SIP/2.0/UDP 10.0.0.1:5060;rport;branch="
                f"z9hG4bK-{device.call_id}-{device.cseq}",
                f"From: <sip:{device.number}@{host}>;tag=f",
                f"To: <sip:{device.number}@{host}>",
                f"Call-ID: {device.call_id}",
                f"CSeq: {device.cseq} REGISTER", "Max-Forwards: 70",
                f"Contact: <{device.contact}>", "User-Agent: phones.py",
                "Expires: 3600"]
        if challenge:
            rows.append(self.credentials(device, challenge))
        return ("\r\n".join(rows) + "\r\nContent-Length: 0\r\n\r\n").encode()

    def credentials(self, device, challenge):
        uri = f"sip:{self.switch[0]}"
        realm, nonce = challenge["realm"], challenge["nonce"]
        response = md5(md5(device.number, realm, device.password), nonce,
                       "00000001", "c", "auth", md5("REGISTER", uri))
        return (f'Authorization: Digest username="{device.number}", '
                f'realm="{realm}", nonce="{nonce}", uri="{uri}", '
                f'response="{response}", algorithm=MD5, qop=auth, '
                'nc=00000001, cnonce="c"')

    def send(self, device, data, now):
        device.data, device.sent = data, now
        device.socket.sendto(data, self.switch)

    def register(self, window=100, within=300.0, rate=None):
        """All of them, so many at a time, and no more than so many a second.
        Seconds it took."""
        waiting, under = list(self.devices.values())[::-1], {}
        began, all_of_them = time.monotonic(), len(waiting)
        while waiting or under:
            now = time.monotonic()
            assert now - began < within, f"{len(under)} have no answer"
            due = (now - began) * rate if rate else all_of_them
            while (waiting and len(under) < window and
                   all_of_them - len(waiting) < due):
                device = waiting.pop()
                under[device.number] = device
                self.send(device, self.request(device), now)
            for text in self.listen(0.0005 if rate else 0.2):
                self.answered(text, under)
            for device in under.values():
                if now - device.sent > AGAIN_S:
                    device.tries += 1
                    self.send(device, device.data, now)
        return time.monotonic() - began

    def answered(self, text, under):
        fields = dict(row.split(":", 1) for row in text.split("\r\n")[1:]
                      if ":" in row)
        number = fields["To"].split("sip:")[1].split("@")[0]
        device = under.get(number)
        if not device or fields["CSeq"].split()[0] != str(device.cseq):
            return
        code = int(text[8:11])
        if code == 401:
            given = dict(p.strip().split("=", 1) for p in fields[
                "WWW-Authenticate"].replace("Digest", "", 1).split(","))
            self.send(device, self.request(device, {
                k: v.strip('"') for k, v in given.items()}),
                time.monotonic())
        elif code >= 200:
            assert code == 200, text
            del under[number]

    # -- listening --------------------------------------------------------------

    def listen(self, seconds):
        """Answers that came; anything else is noted."""
        found = []
        for fd, _ in self.poll.poll(seconds):
            while True:
                try:
                    data = self.sockets[fd].recv(65536)
                except BlockingIOError:
                    break
                if data.startswith(b"SIP/2.0 "):
                    found.append(data.decode())
                else:
                    self.heard[fd].append((time.monotonic(), data))
        return found

    def of(self, fd):
        """How many of them share this socket?"""
        return sum(d.socket.fileno() == fd for d in self.devices.values())
