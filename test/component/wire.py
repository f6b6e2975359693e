#!/usr/bin/env python3
"""The sockets of sipd in a cluster: all transports, and reloads.

wire.py BIN CASE. What is asked is the keep-alive of RFC 5626: it is answered
by whoever reads the connection, whatever else sipd knows.
"""

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import bin_dir, case, main  # noqa: E402
from support.cluster import Cluster, wait_for  # noqa: E402


def certify(c, name):
    """The files of the TLS listener, for somebody of this name."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj",
         f"/CN={name}", "-keyout", c.dir / "tls.key", "-out",
         c.dir / "tls.pem"], check=True, capture_output=True)


def with_tls(c, port):
    return (c.text + f'listener three {{ transport = "tls" '
            f'bind = "127.0.0.1" port = {port} '
            f'certificate = "{c.dir}/tls.pem" key = "{c.dir}/tls.key" }}\n')


@contextlib.contextmanager
def connected(port, tls=False):
    with contextlib.ExitStack() as stack:
        s = stack.enter_context(
            socket.create_connection(("127.0.0.1", port), 5))
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            s = stack.enter_context(context.wrap_socket(s))
        yield s


def ping(s):
    s.sendall(b"\r\n\r\n")
    assert s.recv(16) == b"\r\n"


def name_on(s):
    """The certificate in force is told by its bytes: look for the name."""
    der = s.getpeercert(binary_form=True)
    return next(n for n in ("one.example.org", "two.example.org")
                if n.encode() in der)


@case
def connections_are_answered_and_certificates_change_under_them():
    with Cluster(bin_dir()) as c:
        port = c.sip + 1
        certify(c, "one.example.org")
        c.conf.write_text(with_tls(c, port))
        c.start()
        with connected(c.sip) as plain, connected(port, True) as before:
            ping(plain)
            ping(before)
            assert name_on(before) == "one.example.org"
            certify(c, "two.example.org")
            assert c.ctl("reload")[0] == 0
            with connected(port, True) as after:
                ping(after)
                assert name_on(after) == "two.example.org"
            ping(before)

            # A slip in a file is said, and cuts nobody off.
            (c.dir / "tls.pem").write_text("nonsense\n")
            assert c.ctl("reload")[0] == 0
            c.logged("certificate_refused", 10)
            with connected(port, True) as after:
                ping(after)
            ping(before)
            ping(plain)
        c.stop()


@case
def a_listener_comes_and_goes_with_a_reload():
    with Cluster(bin_dir()) as c:
        port = c.sip + 1
        certify(c, "one.example.org")
        c.start()
        pid = c.status()["sipd.0"]["pid"]
        c.conf.write_text(with_tls(c, port))
        assert c.ctl("reload")[0] == 0
        with connected(port, True) as s:
            ping(s)
            c.conf.write_text(c.text)
            assert c.ctl("reload")[0] == 0
            ping(s)  # the listener is gone, its connections are not
            with socket.socket() as free:
                free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                free.bind(("127.0.0.1", port))
                free.listen()
        with connected(c.sip) as s:
            ping(s)
        assert c.status()["sipd.0"]["pid"] == pid
        c.stop()


@case
def a_killed_sipd_hears_again_on_the_same_sockets():
    with Cluster(bin_dir()) as c:
        c.start()
        before = c.status()["sipd.0"]["pid"]
        with connected(c.sip) as s:
            ping(s)
            os.kill(before, signal.SIGKILL)
            assert s.recv(16) == b""  # connections end with their owner
        with connected(c.sip) as s:  # waits in the queue until it is back
            s.settimeout(20)
            ping(s)
        c.wait_ready(15, unlike={"sipd.0": before})
        c.stop()


if __name__ == "__main__":
    sys.exit(main())
