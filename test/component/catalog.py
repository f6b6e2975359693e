#!/usr/bin/env python3
"""Records, their database, and the catalog that all daemons read.

catalog.py BIN CASE: one case, with a cluster and a PostgreSQL of its own.
"""

import json
import os
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import case, main  # noqa: E402
from support.cluster import ROOT, Refused, wait_for  # noqa: E402
from support.switch import Switch  # noqa: E402

KINDS = ("rate-table", "account", "group", "mapping", "registration",
         "routing", "phone", "rate", "list")


def list_of(kind):
    return "registration.records" if kind == "registration" else \
        f"{kind}.list"


def fill(s):
    """One of each kind, each of which names others."""
    s.do("rate-table", "add", "retail")
    s.do("account", "add", "acme", "rate_table=retail", "overdraft=unlimited")
    s.do("account", "add", "vendor", "kind=clearing")
    s.do("group", "add", "carriers", "line_limit=50",
         "calendar=mon-fri 08:00-20:00 80")
    s.do("mapping", "add", "pbx", "account=acme", "addresses=192.0.2.0/24")
    s.do("registration", "add", "trunk", "sip_proxy=sip.example.com",
         "username=me", "password=secret")
    s.do("routing", "add", "gw1", "account=vendor", "prefixes=44,1",
         "addresses=203.0.113.1:5060;udp", "registration=trunk",
         "mapping_mode=allow", "mapping_names=pbx", "group=carriers")
    s.do("phone", "add", "2001", "account=acme", "password=secret")
    s.do("rate", "add", "table=retail", "prefix=44", "rate=0.02")
    s.do("list", "add", "list=callee_black", "entry=4490*")


@case
def every_kind_can_be_added_shown_set_and_removed():
    with Switch() as s:
        fill(s)
        for kind in KINDS:
            rows = s.ask(list_of(kind))
            assert rows, kind
        row = s.ask("routing.show", name="gw1")[0]
        assert row["account"] == "vendor" and row["prefixes"] == "44,1", row
        assert row["mapping_names"] == "pbx" and row["group"] == "carriers"
        assert row["trying_timeout"] == "inherit", row
        s.do("routing", "set", "gw1", "priority=3", "protect=on")
        row = s.ask("routing.show", name="gw1")[0]
        assert row["priority"] == 3 and row["protect"] is True, row
        s.do("rate", "set", "table=retail", "prefix=44", "rate=0.03")
        assert s.ask("rate.list", table="retail")[0]["rate"] == "0.03"
        for kind, words in (("routing", ["gw1"]), ("registration", ["trunk"]),
                            ("mapping", ["pbx"]), ("phone", ["2001"]),
                            ("rate", ["table=retail", "prefix=44"]),
                            ("list", ["list=callee_black", "entry=4490*"]),
                            ("group", ["carriers"]), ("account", ["acme"]),
                            ("account", ["vendor"]),
                            ("rate-table", ["retail"])):
            s.do(kind, "remove", *words)
        for kind in KINDS:
            assert s.ask(list_of(kind)) == [], kind
        s.stop()


@case
def wrong_records_are_refused_with_field_value_and_what_is_allowed():
    with Switch() as s:
        fill(s)
        for words, saying in (
                (["phone", "add", "2002"], "account is missing"),
                (["phone", "add", "2002", "account=nobody"],
                 "account: there is no account 'nobody'"),
                (["phone", "add", "2001", "account=acme"], "2001"),
                (["phone", "set", "2001", "max_contacts=11"],
                 "max_contacts: 11 is not allowed (1-10)"),
                (["phone", "set", "2001", "max_contact=2"],
                 "did you mean max_contacts"),
                (["phone", "set", "2009", "max_contacts=2"], "no phone"),
                (["account", "remove", "acme"], "still used by"),
                (["mapping", "add", "pbx2", "account=acme",
                  "addresses=192.0.2.128/25"], "addresses: some are also"),
                (["mapping", "add", "pbx3", "account=acme",
                  "auth_mode=password", "username=2001"], "2001"),
                (["routing", "set", "gw1", "mapping_names=pbx,nobody"],
                 "nobody")):
            before = s.ask("catalog.status")[0]["version"]
            s.refused(*words, saying=saying)
            assert s.ask("catalog.status")[0]["version"] == before, words
        s.stop()


@case
def a_rate_is_stored_with_the_decimals_of_its_entry():
    with Switch() as s:
        fill(s)
        s.do("rate", "add", "table=retail", "prefix=1", "rate=0.0045")
        s.do("profile", "apply", "wholesale-thin")
        s.do("rate", "add", "table=retail", "prefix=2", "rate=0.0045")
        path = s.dir / "rates.csv"
        path.write_text("table,prefix,rate\nretail,3,0.00449\n")
        s.do("rate", "import", str(path))
        rows = {r["prefix"]: r["rate"] for r in s.ask("rate.list")}
        assert rows["1"] == "0.01", rows  # entered with 2 decimals, and kept
        assert rows["2"] == "0.0045" and rows["3"] == "0.0045", rows
        s.stop()


@case
def lists_have_pages_filters_and_an_order():
    with Switch() as s:
        fill(s)
        path = s.dir / "phones.csv"
        path.write_text("number,account,line_limit\n" + "".join(
            f"{3000 + n},acme,{(n * 7) % 100}\n" for n in range(100)))
        s.do("phone", "import", str(path))
        one = json.loads(s.do("--json", "phone", "list", "--limit", "60"))
        assert len(one["rows"]) == 60 and one["next"], one["next"]
        two = json.loads(s.do("phone", "list", "--limit", "60", "--json",
                              "--cursor", one["next"]))
        names = [r["number"] for r in one["rows"] + two["rows"]]
        assert len(set(names)) == 101 and two["next"] is None
        rows = s.ask("phone.list", sort="-line_limit", limit=3)
        assert [r["line_limit"] for r in rows] == [99, 98, 97], rows
        rows = s.ask("phone.list", line_limit=7)
        assert [r["number"] for r in rows] == ["3001"], rows
        s.refused("phone", "list", "--sort", "lines", saying="no field")
        s.do("param", "set", "SS_MAX_CPS=5")
        s.refused("phone", "list", "--cursor", one["next"],
                  saying="begin the list again")
        s.stop()


class Operator(threading.Thread):
    """Changes a parameter and looks a phone up, again and again."""

    def __init__(self, s):
        super().__init__(daemon=True)
        self.switch = s
        self.running = True
        self.asked = self.done = self.refused = self.looked = 0
        self.start()

    def run(self):
        while self.running:
            self.asked = self.asked % 1000 + 1
            try:
                self.switch.ask("param.set", SS_MAX_CPS=str(self.asked))
                self.done = self.asked
            except Refused:
                self.refused += 1
            assert self.switch.ask("phone.show", name="2001")
            self.looked += 1


@case
def changes_and_look_ups_go_on_while_the_database_comes_and_goes():
    with Switch() as s:
        fill(s)
        operator = Operator(s)
        for how in ("immediate", "fast", "immediate"):
            done, refused = operator.done, operator.refused
            wait_for(20, lambda d=done: operator.done != d, "a change")
            s.pg.stop(how)
            wait_for(20, lambda r=refused: operator.refused > r + 5,
                     "changes to be refused")
            looked = operator.looked
            wait_for(10, lambda n=looked: operator.looked > n + 20,
                     "look-ups to go on")
            s.pg.start()
        done = operator.done
        wait_for(20, lambda: operator.done != done, "changes again")
        operator.running = False
        operator.join()
        assert s.param("SS_MAX_CPS") == str(operator.done)
        version = s.ask("catalog.status")[0]["version"]
        assert set(s.versions().values()) == {version}
        s.stop()


@case
def passwords_are_never_shown():
    with Switch() as s:
        fill(s)
        shown = json.dumps([s.ask(f"{k}.list") for k in KINDS])
        assert "secret" not in shown
        assert s.ask("phone.show", name="2001")[0]["ha1"] == "set"
        assert s.ask("registration.show", name="trunk")[0]["sealed"] == "set"
        assert "secret" not in str(
            s.pg.psql("select * from phone, registration"))
        audit = str(s.pg.psql("select before, after from config_change"))
        md5 = str(s.pg.psql("select split_part(ha1, E'\\t', 2) from phone"))
        md5 = "".join(c for c in md5 if c in "0123456789abcdef")
        assert len(md5) == 32, md5
        assert md5 not in audit
        s.stop()
        log = s.log.read_text()
        assert "secret" not in log and md5 not in log


@case
def the_cluster_goes_on_without_its_database():
    with Switch() as s:
        fill(s)
        s.pg.stop("immediate")
        wait_for(10, lambda: s.status()["billingd.0"]["database"] == "down",
                 "the database to be missed")
        assert s.ask("phone.show", name="2001")
        s.refused("param", "set", "SS_MAX_CPS=5",
                  saying="the database is not reachable")
        s.kill("billingd.0")  # a successor has what was published
        assert s.ask("phone.show", name="2001")
        assert s.status()["billingd.0"]["catalog"] == "database"
        s.pg.start()
        s.database_up()
        s.do("param", "set", "SS_MAX_CPS=5")
        version = s.ask("catalog.status")[0]["version"]
        assert set(s.versions().values()) == {version}
        s.stop()


@case
def a_cold_start_without_a_database_uses_the_copy_on_disk():
    with Switch() as s:
        fill(s)
        version = s.ask("catalog.status")[0]["version"]
        wait_for(10, lambda: s.metrics_of("billingd")[
            "tandem_billingd_catalog_copied_version"] == version, "the copy")
        s.stop()
        s.pg.stop("fast")
        for path in list(os.scandir("/dev/shm")):
            if path.name.startswith(s.shm + "."):
                os.unlink(path.path)
        s.start()
        row = s.status()["billingd.0"]
        assert row["catalog"] == "copy on disk", row
        assert row["database"] == "down", row
        assert s.ask("catalog.status")[0]["version"] == version
        assert s.ask("phone.show", name="2001")
        s.pg.start()
        wait_for(15, lambda: s.status()["billingd.0"]["catalog"] ==
                 "database", "the database again")
        s.stop()


@case
def a_row_that_is_no_catalog_is_refused_and_the_last_version_stays():
    with Switch() as s:
        fill(s)
        version = s.ask("catalog.status")[0]["version"]
        s.pg.psql("insert into parameter values ('SS_NO_SUCH_THING', '1')")
        row = wait_for(5, lambda: next(
            (r for r in s.ask("catalog.status") if r["refused"]), None),
            "the refusal")
        assert "SS_NO_SUCH_THING" in row["refused"], row
        assert row["version"] == version
        assert set(s.versions().values()) == {version}
        assert s.logged("catalog_refused")
        s.refused("check", saying="SS_NO_SUCH_THING")
        s.pg.psql("delete from parameter where name = 'SS_NO_SUCH_THING'")
        wait_for(5, lambda: s.ask("catalog.status")[0]["version"] ==
                 version + 2, "the next good version")
        s.stop()


@case
def an_import_is_all_or_nothing_and_shows_its_difference_first():
    with Switch() as s:
        fill(s)
        good = s.dir / "good.csv"
        good.write_text("# new prices\nprefix,rate,first_increment\n"
                        "44,0.05,60\n1,0.01,1\n7,0.2,6\n")
        text = s.do("rate", "import", str(good), "--table", "retail",
                    "--dry-run")
        assert "added 2, changed 1, removed 0" in text, text
        assert len(s.ask("rate.list")) == 1
        s.do("rate", "import", str(good), "--table", "retail")
        rows = {r["prefix"]: r["rate"] for r in s.ask("rate.list")}
        assert rows == {"44": "0.05", "1": "0.01", "7": "0.2"}, rows

        bad = s.dir / "bad.csv"
        bad.write_text("prefix,rate\n33,0.1\n34,abc\n")
        s.refused("rate", "import", str(bad), "--table", "retail",
                  saying="line 3: rate: abc")
        bad.write_text("prefix,rate\n33,0.1\n33,0.2\n")
        s.refused("rate", "import", str(bad), "--table", "retail",
                  saying="lines 2 and 3 are for the same record")
        assert len(s.ask("rate.list")) == 3

        good.write_text("prefix,rate\n7,0.3\n")
        text = s.do("rate", "import", str(good), "--table", "retail",
                    "--replace")
        assert "added 0, changed 1, removed 2" in text, text
        assert [r["prefix"] for r in s.ask("rate.list")] == ["7"]
        s.stop()


@case
def what_is_exported_can_be_imported():
    with Switch() as s:
        fill(s)
        for kind in KINDS:
            for form in ("csv", "json"):
                path = s.dir / f"{kind}.{form}"
                path.write_text(s.do(kind, "export", "--format", form))
                text = s.do(kind, "import", str(path), "--format", form)
                assert "added 0, changed 0, removed 0" in text, (kind, text)
        s.stop()


@case
def templates_set_their_fields_and_leave_the_others():
    with Switch() as s:
        fill(s)
        s.do("gateway", "set", "gw1", "template=clir-route")
        row = s.ask("gateway.show", name="gw1")[0]
        assert row["privacy"] == "id" and row["pai"] == "caller", row
        assert row["prefixes"] == "44,1", row
        s.refused("gateway", "set", "gw1", "template=nothing",
                  saying="no template")
        s.stop()


@case
def migrations_go_back_and_forth():
    with Switch() as s:
        s.do("db", "migrate", "--to", "2")
        wait_for(5, lambda: "migrate" in
                 s.status()["billingd.0"]["database"], "the old schema")
        s.refused("param", "set", "SS_MAX_CPS=5", saying="db migrate")
        assert [r["applied"] for r in s.ask("db.status")][:3] == [
            True, True, False]
        s.do("db", "migrate")
        assert all(r["applied"] for r in s.ask("db.status"))
        s.do("param", "set", "SS_MAX_CPS=5")
        s.stop()


@case
def the_demonstration_loads_twice():
    with Switch() as s:
        load = [ROOT / "deploy" / "demo" / "load", s.bin / "tandemctl",
                "--socket", s.dir / "run" / "control.sock"]
        for _ in range(2):
            done = subprocess.run(load, capture_output=True, text=True,
                                  timeout=60, check=False)
            assert done.returncode == 0, done.stderr
        assert len(s.ask("phone.list")) == 3
        s.do("check")
        s.stop()


if __name__ == "__main__":
    sys.exit(main())
