"""A line that loses, doubles and turns round datagrams: lossy.c, started.

    with Lossy(bin_dir, front, back, port) as line:
        line.pair(near, far, loss=10)
"""

import subprocess


class Lossy:
    """front and back are its addresses: what near sends to front:port goes
    from back:port to far:port, and what far sends to back:port goes from
    front:port to near:port."""

    def __init__(self, bin_dir, front, back, port, seed=1):
        self.program = f"{bin_dir}/lossy"
        self.front, self.back, self.port, self.seed = front, back, port, seed
        self.process = None

    def pair(self, near, far, loss=0, double=0, delay=0):
        """loss and double in percent, delay in ms: each datagram waits for a
        part of it, so they overtake each other."""
        self.process = subprocess.Popen(
            [self.program, f"{self.front}:{self.port}",
             f"{self.back}:{self.port}", f"{near}:{self.port}",
             f"{far}:{self.port}", str(loss), str(double), str(delay),
             str(self.seed)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, text=True)
        said = self.process.stdout.readline()
        assert said == "ready\n", f"lossy: {said}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.terminate()
            self.process.wait(5)
            self.process.stdout.close()
