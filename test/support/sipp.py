"""Real sipp as a peer: scenarios of test/component/sipp, named for what the
peer does. A message that a scenario does not foresee fails it.

    with Sipp("uas", address, calls=1) as uas:
        ...
        uas.finished(10)
"""

import pathlib
import socket
import subprocess
import sys
import tempfile

from support.cluster import wait_for

SCENARIOS = pathlib.Path(__file__).resolve().parents[1] / "component" / "sipp"


def is_bound(address, port):
    """Has anybody this UDP socket, or listens on this TCP one?"""
    number = int.from_bytes(socket.inet_aton(address), sys.byteorder)
    mark = f" {number:08X}:{port:04X} "
    return any(mark in pathlib.Path(f"/proc/net/{kind}").read_text()
               for kind in ("udp", "tcp"))


class Sipp:
    def __init__(self, scenario, address, remote=None, port=5060, calls=1,
                 rate=10, limit=None, keys=None, options=(), trace=True,
                 before=()):
        """remote: (host, port), for scenarios that call. keys: {name: value}
        of [name] in the scenario. before: words in front, such as taskset."""
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tandem-sipp."))
        self.name = scenario
        file = pathlib.Path(scenario)
        if not file.is_absolute():
            file = SCENARIOS / f"{scenario}.xml"
        words = ["sipp", *(["%s:%d" % remote] if remote else []),
                 "-sf", str(file), "-i", address, "-p", str(port),
                 "-m", str(calls), "-r", str(rate), "-nostdin",
                 "-timeout_error", "-skip_rlimit",
                 "-trace_err", "-error_file", str(self.dir / "errors")]
        if trace:
            words += ["-trace_msg", "-message_file",
                      str(self.dir / "messages")]
        if limit:
            words += ["-l", str(limit)]
        for name, value in (keys or {}).items():
            words += ["-key", name, str(value)]
        self.out = open(self.dir / "screen", "wb")  # closed in __exit__
        self.process = subprocess.Popen(
            [*before, *words, *options], cwd=self.dir,
            stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.out)
        wait_for(10, lambda: self.process.poll() is not None or
                 is_bound(address, port), f"sipp {scenario} to be there")

    @property
    def pid(self):
        return self.process.pid

    def messages(self):
        return self._read("messages")

    def errors(self):
        return self._read("errors")

    def _read(self, name):
        file = self.dir / name
        return file.read_text(errors="replace") if file.exists() else ""

    def wait(self, seconds):
        """Its exit code."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"sipp {self.name} has not ended within "
                                 f"{seconds} s\n" + self.story()) from None

    def finished(self, seconds):
        """It has made its calls, and every one as its scenario says."""
        code = self.wait(seconds)
        assert code == 0, f"sipp {self.name} ended with {code}\n" + \
            self.story()

    def story(self):
        return (f"--- its errors\n{self.errors()[-3000:]}"
                f"--- its messages\n{self.messages()[-6000:]}"
                f"--- its screen\n{self._read('screen')[-1500:]}")

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
        self.out.close()
        if kind is not None:
            print(self.story())
        subprocess.run(["rm", "-rf", self.dir], check=True)
