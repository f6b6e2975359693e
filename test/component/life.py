#!/usr/bin/env python3
"""A whole cluster, and what operators and accidents do to it.

life.py BIN CASE: one case, in a cluster of its own. BIN is the build's bin
folder, CASE the name of a function below.
"""

import contextlib
import os
import pathlib
import pwd
import re
import signal
import socket
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import SANITIZED, bin_dir, case, main  # noqa: E402
from support.cluster import Cluster, Refused, wait_for  # noqa: E402
from support.manager import ServiceManager  # noqa: E402


def cluster(**kwargs):
    return Cluster(bin_dir(), "test_supervisor", **kwargs)


def echo(c, text=b"hello"):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.sendto(text, ("127.0.0.1", c.echo))
        return s.recv(2048)


def stop_of(c, name):
    """Kill a process of the cluster and wait until it is back."""
    before = c.status()[name]["pid"]
    os.kill(before, signal.SIGKILL)
    return c.wait_ready(15, unlike={name: before})[name]


def expect_refused(call, *words):
    try:
        call()
    except Refused as refusal:
        for word in words:
            assert word in str(refusal), f"'{word}' is not in: {refusal}"
        return
    raise AssertionError("was not refused")


# --- coming up and going down -------------------------------------------------

@case
def it_comes_up_in_order_and_goes_down_in_reverse():
    with cluster() as c:
        c.start()
        c.stop()
        started = re.findall(r'"event":"process_started".*?"child":"(\w+)',
                             c.log.read_text())
        ended = re.findall(r'"event":"process_exit".*?"child":"(\w+)',
                           c.log.read_text())
        order = ["billingd", "regd", "mediad", "sipd", "echod"]
        assert started == order, started
        order.remove("regd")  # takes leave of others while sipd runs
        assert ended == ["regd", *order[::-1]], ended


@case
def all_stop_and_start_again_while_the_supervisor_stays():
    with cluster() as c:
        c.start()
        supervisor = c.process.pid
        assert c.ctl("stop")[0] == 0
        assert {r["state"] for n, r in c.status().items()
                if n != "supervisor"} == {"down"}
        assert list(c.pids()) == [supervisor]
        assert c.ctl("start")[0] == 0
        c.wait_ready(1)
        c.stop()


@case
def one_stopped_stays_down_until_it_is_started():
    with cluster() as c:
        c.start()
        c.ask("stop", process="regd")
        assert c.status()["regd.0"]["state"] == "down"
        os.kill(c.status()["sipd.0"]["pid"], signal.SIGKILL)
        wait_for(10, lambda: c.status()["sipd.0"]["restarts"] == 1 and
                 c.status()["sipd.0"]["state"] == "ready", "sipd to return")
        assert c.status()["regd.0"]["state"] == "down"
        c.ask("start", process="regd")
        c.wait_ready(1)
        c.stop()


@case
def restart_replaces_workers_one_after_the_other():
    with cluster(workers={"sipd": 2}) as c:
        c.start()
        before = {n: r["pid"] for n, r in c.status().items()}
        assert c.ctl("restart", "sipd")[0] == 0
        after = {n: r["pid"] for n, r in c.status().items()}
        changed = {n for n in after if after[n] != before[n]}
        assert changed == {"sipd.0", "sipd.1"}, changed
        assert c.ctl("restart", "mediad.0", "--drain")[0] == 0
        rows = c.status()
        assert rows["mediad.0"]["pid"] != before["mediad.0"]
        assert rows["mediad.0"]["restarts"] == 0, "it was asked for"
        c.stop()


@case
def the_supervisor_replaces_itself_and_nobody_notices():
    with cluster() as c:
        c.start()
        before = {n: r["pid"] for n, r in c.status().items()}
        assert c.ctl("restart", "supervisor")[0] == 0
        wait_for(10, lambda: c.status().get("sipd.0", {}).get("adopted"),
                 "the new supervisor to adopt")
        assert {n: r["pid"] for n, r in c.status().items()} == before
        assert echo(c) == b"hello"
        stop_of(c, "regd.0")
        c.stop()


# --- death ----------------------------------------------------------------------

@case
def a_killed_daemon_goes_on_with_sockets_memory_and_counters():
    with cluster() as c:
        c.start()
        for _ in range(10):
            echo(c)
        before = c.metrics_of("regd.0")["tandem_bus_sent_total"]
        stop_of(c, "echod.0")
        assert echo(c) == b"hello"
        row = c.ask("echo.show", process="echod")[0]
        assert row == {"answered": 11, "generations": 2}, row
        assert c.ask("daemon.status", process="echod")[0]["adopted"] == 1
        stop_of(c, "regd.0")
        wait_for(5, lambda: c.metrics_of("regd.0")["tandem_bus_sent_total"]
                 >= before > 0, "counters to go on")
        c.stop()


@case
def supervisor_and_daemon_die_together():
    with cluster() as c:
        c.start()
        before = c.status()
        os.kill(before["echod.0"]["pid"], signal.SIGKILL)
        c.process.kill()
        c.process.wait()
        # regd keeps a copy of the socket: what comes now is answered later.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(10)
            s.sendto(b"wait for me", ("127.0.0.1", c.echo))
            c.start(wait=False)
            assert s.recv(64) == b"wait for me"
        after = c.wait_ready(10)
        assert after["regd.0"]["pid"] == before["regd.0"]["pid"]
        c.stop()


@case
def a_crash_tells_its_signal_and_its_stack():
    with cluster() as c:
        c.start()
        pid = c.status()["echod.0"]["pid"]
        expect_refused(lambda: c.ask("probe.crash", process="echod"), "ended")
        c.wait_ready(10, unlike={"echod.0": pid})
        if not SANITIZED:  # a sanitizer tells it in its own words
            assert c.status()["echod.0"]["last_exit"] == -signal.SIGSEGV
            line = c.logged("fatal_signal")[0]
            assert '"signo":11' in line and '"addr":"0x0"' in line, line
            assert line.count('"0x') > 4, line
        c.stop()


@case
def an_adopted_daemon_that_crashes_is_explained_too():
    with cluster() as c:
        c.start()
        c.process.kill()
        c.process.wait()
        c.start()
        pid = c.status()["echod.0"]["pid"]
        os.kill(pid, signal.SIGABRT)
        c.wait_ready(10, unlike={"echod.0": pid})
        assert c.status()["echod.0"]["last_exit"] == -signal.SIGABRT
        c.stop()


def spares(c):
    """Of mediad: they wait to be it."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if words[2:3] == [b"spare"] and \
                    os.readlink(entry / "cwd") == str(c.dir):
                found.append(int(entry.name))
    return found


@case
def an_adopted_mediad_has_a_spare_too():
    with Cluster(bin_dir()) as c:
        c.start()
        c.process.kill()
        c.process.wait()
        wait_for(10, lambda: not spares(c), "the spare to end with it")
        c.start()
        wait_for(10, lambda: spares(c), "another")
        pid, spare = c.status()["mediad.0"]["pid"], spares(c)[0]
        os.kill(pid, signal.SIGKILL)
        c.wait_ready(10, unlike={"mediad.0": pid})
        assert c.status()["mediad.0"]["pid"] == spare
        # The next supervisor finds it where the dead one was.
        c.process.kill()
        c.process.wait()
        c.start()
        assert c.status()["mediad.0"]["pid"] == spare
        c.stop()


@case
def a_stuck_loop_is_found_and_says_where_it_hangs():
    with cluster() as c:
        c.start()
        pid = c.status()["echod.0"]["pid"]
        expect_refused(lambda: c.ask("probe.stick", process="echod"), "ended")
        c.wait_ready(10, unlike={"echod.0": pid})
        assert c.logged("process_stuck")
        assert '"signo":6' in c.logged("fatal_signal")[0]
        causes = c.metrics_of("supervisor")
        assert causes['tandem_supervisor_restarts_total{cause="stuck"}'] == 1
        c.stop()


@case
def a_daemon_that_cannot_start_says_why_and_the_others_live():
    if os.geteuid() != 0:
        return
    with cluster() as c:
        c.conf.write_text(c.text.replace('regd = ""', 'regd = "nobody-here"'))
        c.start(wait=False)

        def told():
            rows = c.status()
            return rows and rows["regd.0"]["why"] and \
                rows["sipd.0"]["state"] == "ready" and rows["regd.0"]
        row = wait_for(15, told, "sipd ready beside a bad regd")
        assert "nobody-here" in row["why"] and row["restarts"] > 0, row
        assert c.logged("process_alarm")
        c.conf.write_text(c.text)
        assert c.ctl("reload")[0] == 0
        c.wait_ready(15)
        c.stop()


# --- rights -----------------------------------------------------------------------

@case
def daemons_run_without_rights():
    if os.geteuid() != 0:
        return
    with cluster() as c:
        c.conf.write_text(re.sub(r"users \{.*\}",
                                 'users { group = "nogroup" billingd = "nobody"'
                                 ' regd = "nobody" mediad = "nobody"'
                                 ' sipd = "nobody" }', c.text))
        os.chmod(c.dir, 0o755)
        c.start()
        for name, row in c.status().items():
            if name in ("supervisor", "echod.0"):
                continue
            text = pathlib.Path(f"/proc/{row['pid']}/status").read_text()
            uid = pwd.getpwnam("nobody").pw_uid
            assert re.search(rf"Uid:\s+{uid}\s+{uid}\s+{uid}", text), text
            assert re.search(r"Groups:\s*\n", text), text
            assert re.search(r"CapEff:\s+0+\n", text), text
            assert re.search(r"CapPrm:\s+0+\n", text), text
            assert re.search(r"NoNewPrivs:\s+1", text), text
            if not SANITIZED:
                assert re.search(r"Seccomp:\s+2", text), text
        # One that comes later finds the others, and they find it.
        for command, up in (("start", 1), ("stop", 0), ("start", 1)):
            assert c.ctl(command, "billingd")[0] == 0
            wait_for(15, lambda want=up: c.metrics_of("sipd.0")[
                'tandem_bus_peer_up{peer="billingd.0"}'] == want, command)
        c.process.kill()
        c.process.wait()
        c.start()
        assert c.status()["sipd.0"]["adopted"]
        c.stop()


@case
def the_key_is_made_once_and_every_daemon_can_read_it():
    """sipd and regd derive keys from it and run as users of their own."""
    def readable(key, group):
        return subprocess.run(["cat", key], user="nobody", group=group,
                              extra_groups=[], capture_output=True,
                              check=False).returncode == 0

    with cluster() as c:
        os.chmod(c.dir, 0o755)
        if os.geteuid() == 0:
            c.conf.write_text(re.sub(
                r"users \{.*\}", 'users { group = "nogroup" billingd = "nobody"'
                ' regd = "nobody" mediad = "nobody" sipd = "nobody" }', c.text))
        c.start()
        key = c.dir / "key"
        text = key.read_text()
        assert re.fullmatch(r"[0-9a-f]{64}\n", text)
        assert key.stat().st_mode & 0o777 == 0o640
        if os.geteuid() == 0:
            assert key.stat().st_uid == 0
            assert readable(key, "nogroup")
            assert not readable(key, "daemon")
        c.stop()
        c.start()
        assert key.read_text() == text
        c.stop()


@case
def a_forbidden_system_call_ends_the_daemon_and_is_named():
    if SANITIZED:
        return
    for probe, number in (("probe.exec", 59), ("probe.socket", 41)):
        with cluster() as c:
            c.start()
            pid = c.status()["echod.0"]["pid"]
            expect_refused(lambda: c.ask(probe, process="echod"), "ended")
            c.wait_ready(10, unlike={"echod.0": pid})
            assert c.status()["echod.0"]["last_exit"] == -signal.SIGSYS
            assert f'"syscall":{number}' in c.logged("fatal_signal")[0]
            c.stop()


# --- bad input --------------------------------------------------------------------

def fails_with(c, *words):
    done = subprocess.run([c.program, "-f", c.conf], cwd=c.dir, timeout=30,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1, done
    for word in words:
        assert word in done.stderr, f"'{word}' is not in: {done.stderr}"
    assert not c.pids(), "something was left running"


@case
def a_broken_node_file_names_every_line():
    with cluster() as c:
        c.conf.write_text(c.text + 'listner x { }\n')
        fails_with(c, "tandem.conf:", "listner", "did you mean 'listener'?")
        c.conf.write_text(c.text.replace(f"port = {c.sip}", "port = 70000"))
        fails_with(c, "port: 70000 is not allowed (1-65535)")
        c.conf.unlink()
        fails_with(c, "No such file")


@case
def an_occupied_port_is_said_clearly():
    with cluster() as c:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            # A stranger that would share it is refused all the same.
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            s.bind(("127.0.0.1", c.sip))
            fails_with(c, f"one: udp 127.0.0.1:{c.sip} is already in use",
                       "ss -ulnp")


@case
def a_second_supervisor_is_refused():
    with cluster() as c:
        c.start()
        done = subprocess.run([c.program, "-f", c.conf], cwd=c.dir, timeout=30,
                              capture_output=True, text=True, check=False)
        assert done.returncode == 1 and "another supervisor" in done.stderr
        c.wait_ready(1)
        c.stop()


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82f63b78 & -(crc & 1))
    return crc ^ 0xffffffff


@case
def a_segment_of_another_layout_is_refused_with_the_commands():
    with cluster() as c:
        c.start()
        c.stop()
        path = pathlib.Path(f"/dev/shm/{c.shm}.echo")
        data = bytearray(path.read_bytes())
        struct.pack_into("<H", data, 4, 7)  # version
        crc_at = 36
        struct.pack_into("<I", data, crc_at, crc32c(bytes(data[:crc_at])))
        path.write_bytes(data)
        c.start(wait=False)
        why = wait_for(10, lambda: (c.status().get("echod.0") or {}).get(
            "why"), "why echod does not start")
        for words in ("echo", "layout 7", "--remove-shm"):
            assert words in why, why
        c.stop()
        assert path.read_bytes() == data, "it was touched"
        done = subprocess.run([c.program, "-f", c.conf, "--remove-shm"],
                              capture_output=True, text=True, check=True)
        assert "removed" in done.stdout
        c.start()
        c.stop()


@case
def a_corrupted_slot_costs_itself_and_nothing_else():
    with cluster() as c:
        c.start()
        echo(c)
        c.ask("stop", process="echod")
        path = f"/dev/shm/{c.shm}.echo"
        with open(path, "r+b") as f:
            f.seek(64 + 16)
            f.write(b"\xff" * 48)  # both images of the first slot
        c.ask("start", process="echod")
        assert echo(c) == b"hello"
        row = c.ask("daemon.status", process="echod")[0]
        assert row["quarantined"] == 1 and row["adopted"] == 0, row
        assert c.logged("slot_quarantined")
        c.stop()


@case
def the_operators_socket_answers_whatever_it_is_sent():
    with cluster() as c:
        c.start()
        path = str(c.dir / "run" / "control.sock")
        assert os.stat(path).st_mode & 0o777 == 0o600
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(path)
            lines = s.makefile("rwb")
            for bad, code in ((b"\n", "bad_json"), (b"{]\n", "bad_json"),
                              (b"[]\n", "bad_json"),
                              (b'{"cmd":1}\n', "bad_json"),
                              (b'{"cmd":"status","args":3}\n', "bad_json"),
                              (b'{"cmd":"no.such"}\n', "unknown_command"),
                              (b'{"cmd":"status","args":{"x":1}}\n',
                               "invalid_value"),
                              (b'{"cmd":"restart","args":{"process":"x"}}\n',
                               "not_found"),
                              (b'{"cmd":"no.such","args":{"process":"sipd"}}\n',
                               "unknown_command")):
                lines.write(bad)
                lines.flush()
                answer = lines.readline().decode()
                assert f'"code":"{code}"' in answer, (bad, answer)
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(path)
            with contextlib.suppress(OSError):
                s.sendall(b"x" * (3 << 20))
            with contextlib.suppress(OSError):
                assert s.recv(16) == b"", "an endless line was kept"
        assert c.status()["sipd.0"]["state"] == "ready"
        c.stop()


@case
def tandemctl_says_by_its_exit_code_what_happened():
    with cluster() as c:
        assert c.ctl("status")[0] == 3
        c.start()
        assert c.ctl("status")[0] == 0
        assert c.ctl("restart", "nobody")[0] == 1
        assert c.ctl("status", "too", "many")[0] == 2
        assert c.ctl("loglevel", "sipd", "loud")[0] == 1
        assert c.ctl("loglevel", "sipd", "debug")[0] == 0
        wait_for(5, lambda: '"level":"debug"' in c.log.read_text(),
                 "debug lines")
        code, text = c.ctl("--json", "status")
        assert code == 0 and text.startswith('{"ok":true,"rows":[')
        c.stop()


@case
def a_full_disk_costs_log_lines_and_nothing_else():
    with cluster() as c:
        with open("/dev/full", "wb") as full:
            c.process = subprocess.Popen(
                [c.program, "-f", c.conf], cwd=c.dir, stderr=full,
                stdin=subprocess.DEVNULL, stdout=full)
        c.wait_ready(20)
        assert echo(c) == b"hello"
        for name in ("sipd.0", "supervisor"):
            wait_for(5, lambda n=name: c.metrics_of(n)[
                "tandem_log_dropped_total"] > 0, f"lines of {name} lost")
        c.stop()


# --- a new node file -----------------------------------------------------------------

@case
def a_reload_brings_listeners_and_workers_and_takes_them():
    with cluster() as c:
        c.start()
        pids = {n: r["pid"] for n, r in c.status().items()}
        more = c.text.replace("sipd = 1 mediad", "sipd = 3 mediad")
        more += (f'listener new {{ transport = "udp" bind = "127.0.0.2"'
                 f' port = {c.sip} }}\n')
        c.conf.write_text(more)
        assert c.ctl("reload")[0] == 0
        rows = c.wait_ready(10)
        assert {"sipd.0", "sipd.1", "sipd.2"} <= set(rows)
        assert {n: rows[n]["pid"] for n in pids} == pids, "nobody restarted"
        # udp, tcp, the new one, metrics, and where it waits for adoption
        for name in ("sipd.0", "sipd.2"):
            row = c.ask("daemon.status", process=name)[0]
            assert row["sockets"] == 5, row
        assert c.ask("daemon.status", process="sipd.0")[0][
            "config_version"] == 2
        c.conf.write_text(c.text)
        assert c.ctl("reload")[0] == 0
        wait_for(10, lambda: set(c.status()) == set(pids),
                 "the surplus workers to go")
        assert c.ask("daemon.status", process="sipd.0")[0]["sockets"] == 4
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.2", c.sip))  # closed everywhere
        c.stop()


@case
def the_service_manager_knows_every_socket_and_every_start():
    manager = ServiceManager()
    with cluster() as c:
        def told(*words):
            wait_for(10, lambda: manager.words == list(words), words)
            manager.words = []

        c.start(env=manager.env)
        told("READY")
        first = manager.kept
        assert f"sip_udp-sipd-0-{c.sip}-127.0.0.1" in first, first

        extra = (f'listener new {{ transport = "udp" bind = "127.0.0.2"'
                 f' port = {c.sip} }}\n')
        reloaded = ("RELOADING", "MONOTONIC_USEC", "READY")
        c.conf.write_text(c.text + extra)
        assert c.ctl("reload")[0] == 0
        told(*reloaded)
        new = manager.kept - first
        assert new == {f"sip_udp-sipd-0-{c.sip}-127.0.0.2"}, new
        c.conf.write_text(c.text)
        assert c.ctl("reload")[0] == 0
        told(*reloaded)
        assert manager.kept == first

        # It becomes another program and still has a word with the manager.
        assert c.ctl("restart", "supervisor")[0] == 0
        told("READY")
        c.wait_ready(10)
        c.stop()
        told("STOPPING")


@case
def shared_memory_is_not_removed_under_living_daemons():
    with cluster() as c:
        def remove():
            done = subprocess.run(
                [c.program, "-f", c.conf, "--remove-shm"],
                capture_output=True, text=True, timeout=20, check=False)
            return done.returncode, done.stdout + done.stderr

        c.start()
        code, text = remove()
        assert code == 1 and "another supervisor runs" in text, text
        c.process.kill()
        c.process.wait()
        code, text = remove()
        assert code == 1 and "is still running" in text, text
        c.start()
        c.stop()
        code, text = remove()
        assert code == 0 and "removed" in text, text
        code, text = remove()
        assert code == 0 and "removed 0 " in text, text


@case
def memory_is_locked_where_the_node_file_says_so():
    with cluster() as c:
        c.conf.write_text(c.text.replace("limits {",
                                         "limits { lock_memory = true"))
        c.start()
        for pid, name in c.pids().items():
            text = pathlib.Path(f"/proc/{pid}/status").read_text()
            locked = int(re.search(r"VmLck:\s+(\d+)", text).group(1))
            expected = name != "test_supervisor" and not SANITIZED
            assert (locked > 0) == expected, (name, locked)
        c.stop()


@case
def mediad_and_who_replaces_it_run_before_all_that_can_wait():
    with cluster() as c:
        c.conf.write_text(c.text.replace("media {", "media { realtime = on"))
        c.start()

        def policy(task):
            return os.sched_getscheduler(int(task))

        def mediad():
            return next(iter(c.pids("mediad")))
        tasks = os.listdir(f"/proc/{mediad()}/task")
        if not c.log_events("not_realtime"):  # we have the right
            for pid in (c.process.pid, mediad()):
                assert policy(pid) == os.SCHED_RR | os.SCHED_RESET_ON_FORK
            for task in tasks:
                assert int(task) == mediad() or \
                    policy(task) == os.SCHED_OTHER, task
        for pid, name in c.pids().items():
            assert name.startswith(("mediad", "test_supervisor")) or \
                policy(pid) == os.SCHED_OTHER, name

        c.conf.write_text(c.text.replace("media {", "media { realtime = off"))
        assert c.ctl("reload")[0] == 0
        assert c.ctl("restart", "mediad")[0] == 0
        assert policy(mediad()) == os.SCHED_OTHER
        c.stop()


@case
def a_rotated_log_is_opened_anew():
    with cluster() as c:
        logs = c.dir / "logs"
        logs.mkdir()
        c.conf.write_text(c.text + f'log_dir = "{logs}"\n')
        c.start()
        regd, old = logs / "regd.log", logs / "regd.log.1"
        assert "process_ready" in regd.read_text()
        fds = c.ask("daemon.status", process="regd.0")[0]
        regd.rename(old)
        size = old.stat().st_size
        assert c.ctl("reload")[0] == 0
        wait_for(5, regd.exists, "a new file")
        c.ask("loglevel", process="regd.0", level="debug")
        wait_for(5, lambda: regd.stat().st_size > 0, "lines in the new file")
        assert old.stat().st_size - size < 500, "still written to"
        assert c.ask("daemon.status", process="regd.0")[0][
            "sockets"] == fds["sockets"]
        # And back to where all others go
        c.conf.write_text(c.text)
        assert c.ctl("reload")[0] == 0
        c.stop()


@case
def a_refused_reload_changes_nothing():
    with cluster() as c:
        c.start()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.3", c.sip))
            c.conf.write_text(
                c.text + f'listener a {{ bind = "127.0.0.2" port = {c.sip} }}\n'
                f'listener b {{ bind = "127.0.0.3" port = {c.sip} }}\n')
            code, text = c.ctl("reload")
            assert code == 1 and "already in use" in text, text
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
                free.bind(("127.0.0.2", c.sip))  # was closed again
        c.conf.write_text(c.text.replace('node = "test"', 'node = "other"'))
        code, text = c.ctl("reload")
        assert code == 1 and "stop the supervisor first" in text, text
        c.conf.write_text(c.text + "nonsense\n")
        assert c.ctl("reload")[0] == 1
        row = c.ask("daemon.status", process="sipd.0")[0]
        assert row["config_version"] == 1 and row["sockets"] == 4, row
        assert c.metrics_of("supervisor")[
            'tandem_supervisor_reloads_total{result="refused"}'] == 3
        c.stop()


@case
def rtp_ports_go_to_a_new_worker_when_the_old_one_is_done():
    with cluster(rtp=40) as c:
        c.start()
        c.conf.write_text(c.text.replace("mediad = 1 }", "mediad = 2 }"))
        assert c.ctl("reload")[0] == 0
        c.wait_ready(10)

        def sockets():
            return [c.ask("daemon.status", process=f"mediad.{w}")[0]["sockets"]
                    for w in (0, 1)]
        # their ports, the set of these, metrics, and where they are adopted
        wait_for(20, lambda: sockets() == [23, 23], "half the ports each")
        c.stop()


if __name__ == "__main__":
    sys.exit(main())
