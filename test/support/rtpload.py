"""test/bench/rtpload.c, driven: both ends of many RTP streams.

    with RtpLoad(bin_dir, 500, a, b) as load:
        load.to(0, relay, port)
        load.start()
        load.wait(5)
        load.finish()["lost"]
"""

import json
import subprocess
import time

SETTLE_S = 0.2  # what is on its way arrives


class RtpLoad:
    """Ends 2i and 2i+1 are A and B of pair i; ports[end] is where it is."""

    def __init__(self, bin_dir, pairs, a, b, before=()):
        self.pairs, self.a, self.b = pairs, a, b
        self.process = subprocess.Popen(
            [*before, f"{bin_dir}/rtpload"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, bufsize=1 << 16)
        self.ports = self.ask(f"open {pairs} {a} {b}")["ports"]
        assert len(self.ports) == 2 * pairs, "too few sockets"

    @property
    def pid(self):
        return self.process.pid

    def ask(self, *lines):
        """The answer to the last of these commands."""
        self.process.stdin.write("\n".join(lines) + "\n")
        self.process.stdin.flush()
        answer = {}
        for line in lines:
            text = self.process.stdout.readline()
            assert text, f"rtpload died of: {line}"
            answer = json.loads(text)
            assert "error" not in answer, f"{line[:80]}: {answer['error']}"
        return answer

    def at(self, end):
        return f"{(self.a, self.b)[end % 2]}:{self.ports[end]}"

    def to(self, end, host, port):
        self.ask(f"to {end} {host} {port}")

    def start(self, ms=20):
        self.ask(f"start {ms}")

    def mark(self):
        self.ask("mark")

    def reset(self):
        self.ask("reset")

    def wait(self, seconds):
        time.sleep(seconds)

    def report(self):
        return self.ask("report")

    def finish(self):
        """Stop; the report, when nothing is under way any more."""
        self.ask("stop")
        time.sleep(SETTLE_S)
        return self.report()

    def spray(self, address, rate, guess, targets):
        """targets: (host, end, port)"""
        words = " ".join(f"{h},{e},{p}" for h, e, p in targets)
        return self.ask(f"spray {address} {rate} "
                        f"{'guess' if guess else 'random'} {words}")

    def calm(self):
        self.ask("calm")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
        self.process.stdout.close()
