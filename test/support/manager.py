"""A service manager as systemd is one for a unit, for a test."""

import os
import socket
import threading


class ServiceManager(threading.Thread):
    """Takes words, and keeps descriptors by their names."""

    def __init__(self):
        super().__init__(daemon=True)
        name = f"tandem-test-notify-{os.getpid()}"
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind("\0" + name)
        self.words = []
        self.kept = set()
        self.env = {"NOTIFY_SOCKET": "@" + name}
        self.start()

    def run(self):
        while True:
            data, fds, _, _ = socket.recv_fds(self.sock, 4096, 8)
            for fd in fds:
                os.close(fd)
            lines = dict(line.split("=", 1)
                         for line in data.decode().splitlines())
            if "FDSTORE" in lines:
                self.kept = self.kept | {lines["FDNAME"]}
            elif "FDSTOREREMOVE" in lines:
                self.kept = self.kept - {lines["FDNAME"]}
            else:
                self.words = self.words + list(lines)
