"""A PostgreSQL of its own for one test.

    with Postgres() as pg:
        pg.psql("CREATE TABLE t (n integer)")
        program(pg.conninfo)

It lies in a temporary directory and listens on a Unix socket there, which the
user of the test alone may open; nothing of the machine's own servers is
touched. It ends with the test, also if that is killed.
"""

import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

from support.cluster import wait_for

USER = "tandem"
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0777",  # the directory decides
    "shared_buffers": "16MB",
    "max_connections": "20",
    "fsync": "off",
    "full_page_writes": "off",
    "log_min_messages": "info",
}


def programs():
    """The folder of the newest PostgreSQL's programs."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"),
                   key=lambda p: float(p.parts[-3]))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    assert initdb, "no initdb: is PostgreSQL installed?"
    return pathlib.Path(initdb).resolve().parent


class Postgres:
    def __init__(self, hba=(), database=USER, **settings):
        """hba: lines that come first in pg_hba.conf; settings: of
        postgresql.conf, over SETTINGS."""
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tandem-pg."))
        self.data = self.dir / "data"
        self.run = self.dir / "run"
        self.log = self.dir / "log"
        self.bin = programs()
        self.process = None
        self.database = database
        self.settings = {**SETTINGS, **settings,
                         "unix_socket_directories": str(self.run)}
        self.port = self.settings.get("port", "5432")
        for path in (self.data, self.run):
            path.mkdir(mode=0o700)
        if os.getuid() == 0:  # PostgreSQL refuses to be root
            who = pwd.getpwnam("postgres")
            for path in (self.dir, self.data, self.run):
                os.chown(path, who.pw_uid, who.pw_gid)
        self.log.touch()
        subprocess.run(
            self._as_server(self.bin / "initdb", "-D", self.data, "-U", USER,
                            "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
                            "--no-instructions", "--auth=trust"),
            cwd="/", check=True, stdout=subprocess.DEVNULL)
        lines = [*hba, "local all all trust"]
        (self.data / "pg_hba.conf").write_text("\n".join(lines) + "\n")

    @staticmethod
    def _as_server(*command):
        """As the user of the server, and not longer than this process."""
        words = ["setpriv", "--pdeathsig", "QUIT"]
        if os.getuid() == 0:
            words += ["--reuid", "postgres", "--regid", "postgres",
                      "--init-groups"]
        return [*words, "--", *command]

    def make_certificate(self):
        """What ssl=on needs; before start()."""
        key, crt = self.data / "server.key", self.data / "server.crt"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
             "-keyout", key, "-out", crt, "-days", "1", "-subj", "/CN=test"],
            check=True, capture_output=True)
        owner = self.data.stat()
        for path in (key, crt):
            path.chmod(0o600)
            os.chown(path, owner.st_uid, owner.st_gid)

    @property
    def conninfo(self):
        return (f"host={self.run} port={self.port} user={USER} "
                f"dbname={self.database}")

    # -- life ---------------------------------------------------------------

    def start(self):
        options = [w for k, v in self.settings.items()
                   for w in ("-c", f"{k}={v}")]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self._as_server(self.bin / "postgres", "-D", self.data,
                                *options),
                cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(60, self._answers, "PostgreSQL to start")
        if self.database != "postgres" and not self.psql(
                "SELECT 1 FROM pg_database "
                f"WHERE datname = '{self.database}'", "postgres"):
            self.psql(f'CREATE DATABASE "{self.database}"', "postgres")
        return self

    def _answers(self):
        assert self.process.poll() is None, self.log.read_text()
        return subprocess.run(
            [self.bin / "pg_isready", "-q", "-h", self.run, "-p", self.port,
             "-U", USER, "-d", "postgres"], check=False).returncode == 0

    def stop(self, mode="fast"):
        """fast: it says goodbye; immediate: as after a crash."""
        self.thaw()
        self.process.send_signal({"fast": signal.SIGINT,
                                  "immediate": signal.SIGQUIT}[mode])
        self.process.wait(timeout=30)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if self.process and self.process.poll() is None:
            self.stop("immediate")
        if kind is not None:
            print(f"--- end of {self.log}")
            print(self.log.read_text(errors="replace")[-4000:])
        subprocess.run(["rm", "-rf", self.dir], check=True)

    # -- what may happen to it ------------------------------------------------

    def pids(self):
        """The server and all its processes."""
        found = [self.process.pid]
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            with contextlib.suppress(OSError), \
                    open(f"/proc/{entry}/stat", encoding="ascii") as f:
                if f.read().rsplit(")", 1)[1].split()[1] == str(found[0]):
                    found.append(int(entry))
        return found

    def _signal(self, signo):
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signo)

    def freeze(self):
        self._signal(signal.SIGSTOP)

    def thaw(self):
        self._signal(signal.SIGCONT)

    # -- what lies in it ----------------------------------------------------

    def psql(self, sql, database=None):
        """Lines, columns separated by |."""
        done = subprocess.run(
            [self.bin / "psql", "-X", "-q", "-A", "-t", "-v",
             "ON_ERROR_STOP=1", "-h", self.run, "-p", self.port, "-U", USER,
             "-d", database or self.database, "-c", sql],
            capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()
