"""A cluster of its own for one test: directory, shared memory, ports.

Everything a test starts lies under one temporary directory, which is also the
working directory of its processes: that is how they are found again, and how
a doubled one would be seen. Only processes found so are ever signalled.
"""

import contextlib
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAUSE = 0.01  # between two looks at a condition


def wait_for(seconds, condition, what):
    """Return the condition's first true value; fail with what after seconds."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(PAUSE)


class Ports:
    """A block of 100 ports that no other test has: the name of an abstract
    Unix socket is the lock, and ends with the process."""

    FIRST, BLOCK, BLOCKS = 20000, 100, 120

    def __init__(self):
        for block in random.sample(range(self.BLOCKS), self.BLOCKS):
            self.lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                self.lock.bind(f"\0tandem-test-ports-{block}")
            except OSError:
                continue
            self.first = self.FIRST + block * self.BLOCK
            if self.is_free():
                return
        raise AssertionError("no free ports")

    def is_free(self):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            for port in range(self.first, self.first + self.BLOCK):
                with socket.socket(socket.AF_INET, kind) as s:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    try:
                        s.bind(("127.0.0.1", port))
                    except OSError:
                        return False
        return True


class Refused(Exception):
    """The control socket answered {"ok": false}."""


class Cluster:
    def __init__(self, bin_dir, supervisor="supervisor", rtp=40, workers=None,
                 extra="", address=None, calls=100, media=False,
                 bindings=100):
        """address: of the SIP listeners, which is this cluster's alone: then
        their port is 5060, and media too is there. rtp: how many ports.
        media: is it relayed? Or: yes, at this address."""
        self.bin = pathlib.Path(bin_dir)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tandem-test."))
        self.program = self.bin / supervisor
        self.shm = f"tt{os.getpid()}x{random.randrange(1 << 24):x}"
        self.conf = self.dir / "tandem.conf"
        self.log = self.dir / "log"
        self.process = None
        self.ports = Ports()
        self.address = address or "127.0.0.1"
        self.sip = 5060 if address else self.ports.first
        self.echo = self.ports.first + 2
        self.metrics = self.ports.first + 10  # and 10 more a worker
        is_own = media is True and address  # then all its ports are free
        self.rtp_at = address if is_own else \
            media if isinstance(media, str) else "127.0.0.1"
        self.rtp = 10000 if is_own else self.ports.first + 50
        self.rtp_last = self.rtp + rtp - 1
        self.workers = {"sipd": 1, "mediad": 1, **(workers or {})}
        (self.dir / "run").mkdir()
        (self.dir / "state").mkdir()
        self.text = f"""
node = "test"
run_dir = "{self.dir}/run"
state_dir = "{self.dir}/state"
program_dir = "{self.bin}"
shm_prefix = "{self.shm}"
key_file = "{self.dir}/key"
listener one {{ transport = "udp" bind = "{self.address}" port = {self.sip} }}
listener two {{ transport = "tcp" bind = "{self.address}" port = {self.sip} }}
rtp {{ bind = "{self.rtp_at}" first = {self.rtp} last = {self.rtp_last} }}
billing {{ mode = "open" }}
media {{ relay = {"on" if media else "off"} }}
metrics {{
  bind = "127.0.0.1"
  supervisor = {self.metrics} sipd = {self.metrics + 1}
  mediad = {self.metrics + 2} regd = {self.metrics + 3}
  billingd = {self.metrics + 4}
}}
workers {{ sipd = {self.workers["sipd"]} mediad = {self.workers["mediad"]} }}
limits {{ calls = {calls} bindings = {bindings} }}
users {{ billingd = "" regd = "" mediad = "" sipd = "" }}
"""
        if supervisor != "supervisor":
            self.text += (f'listener echo {{ transport = "echo" '
                          f'bind = "127.0.0.1" port = {self.echo} }}\n')
        self.text += extra
        self.conf.write_text(self.text)

    # -- life ---------------------------------------------------------------

    def start(self, wait=True, env=None):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "-f", self.conf], cwd=self.dir,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **(env or {})}, start_new_session=True)
        if wait:
            self.wait_ready(30)
        return self

    def stop_well(self):
        """Stop it, and no sanitizer has complained."""
        self.stop()
        text = self.log.read_text(errors="replace")
        assert "Sanitizer" not in text and \
            "runtime error" not in text, "a sanitizer complains"

    def stop(self):
        """Orderly: the supervisor ends its daemons and itself."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                "the supervisor did not end within 30 s: "
                f"{self.status()}") from None
        assert status == 0, f"the supervisor ended with {status}"
        left = self.pids()
        assert not left, f"processes left behind: {left}"

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.process:
            self.process.wait(timeout=10)
        for path in pathlib.Path("/dev/shm").glob(self.shm + ".*"):
            path.unlink()
        if kind is not None:
            print(f"--- end of {self.log}")
            print(self.log.read_text(errors="replace")[-6000:]
                  if self.log.exists() else "(none)")
        else:
            subprocess.run(["rm", "-rf", self.dir], check=True)

    def pids(self, program=None):
        """Living processes of this cluster: {pid: "program worker"}; without
        spares, which have no worker's work yet."""
        found = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == os.getpid():
                continue
            try:
                if os.readlink(f"/proc/{entry}/cwd") != str(self.dir):
                    continue
                with open(f"/proc/{entry}/stat", encoding="ascii") as f:
                    if f.read().rsplit(")", 1)[1].split()[0] in "ZX":
                        continue
                exe = os.path.basename(os.readlink(
                    f"/proc/{entry}/exe").removesuffix(" (deleted)"))
                with open(f"/proc/{entry}/cmdline", "rb") as f:
                    args = f.read().split(b"\0")
            except OSError:
                continue
            if args[2:3] == [b"spare"]:
                continue
            worker = args[1].decode() if len(args) > 2 else ""
            name = exe if exe == self.program.name else f"{exe} {worker}"
            if program is None or exe == program:
                found[int(entry)] = name
        return found

    # -- the operator's side --------------------------------------------------

    def ask(self, cmd, timeout=10, **args):
        """One request on the control socket; rows, or Refused."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(timeout)
            s.connect(str(self.dir / "run" / "control.sock"))
            s.sendall(json.dumps({"cmd": cmd, "args": args}).encode() + b"\n")
            data = b""
            while not data.endswith(b"\n"):
                more = s.recv(65536)
                if not more:
                    raise OSError("the control socket closed")
                data += more
        answer = json.loads(data)
        if not answer["ok"]:
            raise Refused(answer["error"])
        return answer["rows"]

    def ask_later(self, cmd, **args):
        """A request whose answer nobody waits for; close what this returns."""
        s = socket.socket(socket.AF_UNIX)
        s.connect(str(self.dir / "run" / "control.sock"))
        s.sendall(json.dumps({"cmd": cmd, "args": args}).encode() + b"\n")
        return s

    def ctl(self, *words):
        """tandemctl as an operator types it: (exit code, output)."""
        done = subprocess.run(
            [self.bin / "tandemctl", "--socket",
             self.dir / "run" / "control.sock", *words],
            capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    def status(self):
        """{process: row}; {} while nobody answers."""
        try:
            return {row["process"]: row for row in self.ask("status", 2)}
        except (OSError, ValueError, Refused):
            return {}

    def wait_ready(self, seconds, unlike=None):
        """All rows ready, and none with a pid of unlike."""
        unlike = unlike or {}

        def ready():
            if self.process.poll() is not None:
                raise AssertionError("the supervisor ended with "
                                     f"{self.process.returncode}")
            rows = self.status()
            return rows if rows and all(
                r["state"] == "ready" and r["pid"] != unlike.get(name)
                for name, r in rows.items()) else None
        return wait_for(seconds, ready, "all processes ready")

    def metrics_of(self, process):
        """{series: value} of a process, as Prometheus would read it."""
        name, _, worker = process.partition(".")
        port = self.metrics + ["supervisor", "sipd", "mediad", "regd",
                               "billingd"].index(name) + 10 * int(worker or 0)
        with socket.create_connection(("127.0.0.1", port), 5) as s:
            s.sendall(b"GET /metrics HTTP/1.1\r\nHost: t\r\n"
                      b"Connection: close\r\n\r\n")
            data = b""
            while more := s.recv(65536):
                data += more
        head, body = data.split(b"\r\n\r\n", 1)
        assert b" 200 " in head.split(b"\r\n")[0], head
        series = {}
        for line in body.decode().splitlines():
            if line and not line.startswith("#"):
                key, value = line.rsplit(" ", 1)
                series[key] = float(value)
        return series

    def log_events(self, event):
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if f'"event":"{event}"' in line]

    def logged(self, event, within=5.0):
        """The same, as soon as there is one: they are written in the
        background."""
        return wait_for(within, lambda: self.log_events(event),
                        f"{event} in the log")
