"""A whole cluster with a database of its own, migrated."""

import contextlib
import os
import signal
import sys

from support.cases import bin_dir
from support.cluster import ROOT, Cluster, wait_for
from support.postgres import Postgres


class Switch(Cluster):
    """with Switch() as s: s.ctl("param", "get", "SS_SIP_SESSION_TTL")"""

    def __init__(self, migrate=True, supervisor="test_supervisor", **kwargs):
        self.stack = contextlib.ExitStack()
        self.pg = self.stack.enter_context(Postgres())
        self.migrate = migrate
        super().__init__(bin_dir(), supervisor, extra=(
            f'database {{ conninfo = "{self.pg.conninfo}" '
            f'sql_dir = "{ROOT}/deploy/sql" }}\n'), **kwargs)

    def __enter__(self):
        super().__enter__()
        try:
            self.begin()
        except BaseException:
            self.__exit__(*sys.exc_info())  # nothing is left running
            raise
        return self

    def begin(self):
        self.start()
        if not self.migrate:
            return
        self.database_up()
        self.do("db", "migrate")
        wait_for(10, lambda: self.status()["billingd.0"]["catalog"] ==
                 "database", "the catalog of the database")

    def __exit__(self, kind, value, trace):
        super().__exit__(kind, value, trace)
        self.stack.close()

    def database_up(self):
        wait_for(15, lambda: (self.status().get("billingd.0") or {}).get(
            "database") not in (None, "down"), "the database")

    def do(self, *words):
        """A command that must succeed; what it printed."""
        code, text = self.ctl(*words)
        assert code == 0, f"tandemctl {' '.join(words)}: {code}: {text}"
        return text

    def refused(self, *words, saying=""):
        """A command that must be refused, with these words."""
        code, text = self.ctl(*words)
        assert code == 1, f"tandemctl {' '.join(words)}: {code}: {text}"
        assert saying in text, f"'{saying}' is not in: {text}"
        return text

    def param(self, name):
        return self.ask("param.get", name=name)[0]["value"]

    def versions(self):
        """What each reader has in force: {process: version}"""
        found = {}
        for name in self.status():
            if name not in ("supervisor", "billingd.0"):
                found[name] = self.ask("daemon.status", process=name)[0][
                    "catalog_version"]
        return found

    def try_start(self, name):
        try:
            self.ask("start", process=name, timeout=2)
        except Exception:  # pylint: disable=broad-except
            pass  # it starts, or the next try will do

    def kill(self, name):
        """SIGKILL, and wait until a successor is ready."""
        pid = self.status()[name]["pid"]
        os.kill(pid, signal.SIGKILL)
        return self.wait_ready(15, unlike={name: pid})[name]
