"""A small disk of a test's own: a tmpfs that no other process sees."""

import contextlib
import ctypes
import os

CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE, MNT_DETACH = 0x4000, 0x40000, 2
BLOCK = 1 << 20

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result, what):
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


class SmallDisk:
    """Mounted at a folder, for this process and those it starts."""

    def __init__(self, path, megabytes):
        self.path = str(path)
        os.makedirs(self.path, exist_ok=True)
        _check(_libc.unshare(CLONE_NEWNS), "unshare")
        _check(_libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None),
               "private mounts")
        _check(_libc.mount(b"tmpfs", self.path.encode(), b"tmpfs", 0,
                           f"size={megabytes}m,mode=0755".encode()), "mount")
        self.filler = os.path.join(self.path, "filler")

    def fill(self):
        """Not a byte is free."""
        with open(self.filler, "ab", buffering=0) as file:
            for size in (BLOCK, 4096):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(size))

    def empty(self):
        os.unlink(self.filler)

    def close(self):
        _check(_libc.umount2(self.path.encode(), MNT_DETACH), "umount")


def may_mount():
    """Root that was not stripped of it may; others may not."""
    with open("/proc/self/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("CapEff:"):
                return int(line.split()[1], 16) >> 21 & 1 == 1
    return False
