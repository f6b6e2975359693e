#!/usr/bin/env python3
"""A connection to a real PostgreSQL, and what happens to both.

db.py BIN CASE: one case, with a server of its own and dbtalk, which does as
it is told.
"""

import contextlib
import os
import queue
import re
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import SANITIZED, bin_dir, case, main  # noqa: E402
from support.cluster import Ports, wait_for  # noqa: E402
from support.postgres import Postgres  # noqa: E402


class Talk:
    def __init__(self, conninfo, log, **options):
        self.log = open(log, "w+b")
        self.process = subprocess.Popen(
            [os.path.join(bin_dir(), "dbtalk"), conninfo,
             *(f"{k}={v}" for k, v in options.items())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
            text=True)
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.number = 0

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def tell(self, *commands):
        self.process.stdin.write("".join(c + "\n" for c in commands))
        self.process.stdin.flush()
        self.number += len(commands)
        return self.number

    def next(self, seconds=20):
        try:
            line = self.lines.get(timeout=seconds)
        except queue.Empty:
            raise AssertionError(f"nothing within {seconds} s") from None
        assert line is not None, "dbtalk ended:\n" + self.logged()
        return line

    def expect(self, pattern, seconds=20):
        line = self.next(seconds)
        assert re.fullmatch(pattern, line), f"'{line}' is not '{pattern}'"
        return line

    def until(self, pattern, seconds=20):
        """The first line that is like it, and how many came before."""
        skipped = []
        while True:
            line = self.next(seconds)
            if re.fullmatch(pattern, line):
                return line, skipped
            skipped.append(line)

    def ask(self, command):
        """The answer: outcome, why, affected, values."""
        number = self.tell(command)
        line, _ = self.until(rf"answer {number} .*")
        return self.parse(line)

    @staticmethod
    def parse(line):
        head, affected, *values = line.split("|")
        _, _, err, *why = head.split(" ", 3)
        return err, " ".join(why), int(affected), values

    def logged(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def events(self):
        return re.findall(r"\bdb_(?:up|down)\b", self.logged())

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            self.process.kill()
        else:
            self.process.stdin.close()
            assert self.process.wait(timeout=20) == 0, self.logged()
        self.process.wait(timeout=20)
        self.reader.join()
        if kind is not None:
            print(self.logged()[-4000:])
        self.log.close()
        self.process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()


def talk(pg, conninfo=None, log="talk", **options):
    return Talk(conninfo or pg.conninfo, pg.dir / f"{log}.log", **options)


def sleeps(pg):
    return pg.psql("SELECT 1 FROM pg_stat_activity "
                   "WHERE wait_event = 'PgSleep'") != []


# --- asking -------------------------------------------------------------------

@case
def queries_are_answered_in_order():
    with Postgres() as pg, talk(pg) as t:
        t.expect("up")
        t.tell(*(f"query SELECT {n}, $1::text|p{n}" for n in range(1, 501)))
        for n in range(1, 501):
            t.expect(rf"answer {n} ok \|1\|{n}\|p{n}")


@case
def nulls_and_empty_texts_are_not_the_same():
    with Postgres() as pg, talk(pg) as t:
        t.expect("up")
        answer = t.ask("query SELECT $1::text, $2::text, $1::text IS NULL, "
                       "$2::text IS NULL|\\N|")
        assert answer == ("ok", "", 1, ["\\N", "", "t", "f"]), answer


@case
def the_session_is_set_up():
    with Postgres(timezone="Asia/Tokyo") as pg, \
            talk(pg, statement_ms=7000, application="tandem test",
                 listen="one") as t:
        t.expect("up")
        assert t.ask(
            "query SELECT current_setting('statement_timeout'), "
            "current_setting('timezone'), current_setting('client_encoding'),"
            " current_setting('application_name'), "
            "(SELECT string_agg(c, ' ') FROM pg_listening_channels() c)"
        )[3] == ["7s", "UTC", "UTF8", "tandem test", "one"]


@case
def what_fails_says_what_it_was():
    with Postgres() as pg, talk(pg, statement_ms=300) as t:
        t.expect("up")
        pg.psql("CREATE TABLE t (id integer PRIMARY KEY, "
                "n integer NOT NULL CHECK (n > 0), secret text); "
                "CREATE TABLE u (t_id integer REFERENCES t); "
                "INSERT INTO t VALUES (1, 1)")
        for sql, err, why in (
                ("INSERT INTO t VALUES (1, 1)", "EEXIST",
                 r"duplicate key.*: Key \(id\)=\(1\) already exists\."),
                ("INSERT INTO u VALUES (7)", "EINVAL",
                 r".*: Key \(t_id\)=\(7\) is not present in table \"t\"\."),
                ("INSERT INTO t VALUES (2, -5, 'hidden')", "EINVAL",
                 r"(?!.*hidden).*violates check constraint.*"),
                ("INSERT INTO t VALUES (2, NULL, 'hidden')", "EINVAL",
                 r"(?!.*hidden)null value in column.*"),
                ("SELECT 'x'::text::integer", "EINVAL", "invalid input.*"),
                ("DO $$BEGIN RAISE EXCEPTION 'not so' USING DETAIL = "
                 "'but so'; END$$", "EINVAL", "not so: but so"),
                ("SELECT pg_sleep(30)", "ETIMEDOUT", ".*statement timeout"),
                ("SELECT FROM nowhere", "EIO", ".*does not exist"),
                ("SELEKT", "EIO", "syntax error.*")):
            answer = t.ask("query " + sql)
            assert answer[0] == err and re.fullmatch(why, answer[1]), answer
        assert t.ask("query SELECT 1") == ("ok", "", 1, ["1"])


@case
def a_constraint_that_fails_at_the_end_fails_the_query():
    with Postgres() as pg, talk(pg) as t:
        t.expect("up")
        pg.psql("CREATE TABLE t (id integer PRIMARY KEY "
                "DEFERRABLE INITIALLY DEFERRED); INSERT INTO t VALUES (1)")
        assert t.ask("query INSERT INTO t VALUES (1)")[0] == "EEXIST"
        assert t.ask("transaction INSERT INTO t VALUES (2)"
                     ";;INSERT INTO t VALUES (1)")[0] == "EEXIST"
        assert t.ask("query SELECT id FROM t")[3] == ["1"]


@case
def a_transaction_is_answered_with_its_last_result():
    with Postgres() as pg, talk(pg) as t:
        t.expect("up")
        assert t.ask("transaction CREATE TABLE t (n integer)"
                     ";;LOCK TABLE t;;INSERT INTO t VALUES (1), (2)"
                     ";;UPDATE t SET n = n + 1 RETURNING n"
                     ) == ("ok", "", 2, ["2", "3"])
        assert pg.psql("SELECT n FROM t") == ["2", "3"]


@case
def a_transaction_that_fails_changes_nothing_and_the_connection_goes_on():
    with Postgres() as pg, talk(pg) as t:
        t.expect("up")
        pg.psql("CREATE TABLE t (n integer PRIMARY KEY)")
        first = t.tell(
            "transaction INSERT INTO t VALUES (1);;INSERT INTO t VALUES (1)"
            ";;INSERT INTO nowhere VALUES (1)",
            "transaction INSERT INTO t VALUES (2);;SELECT 1/0",
            "query INSERT INTO t VALUES (3)",
            "transaction INSERT INTO t VALUES (4);;SELECT count(*) FROM t"
        ) - 3
        t.expect(rf"answer {first} EEXIST duplicate.*")
        t.expect(rf"answer {first + 1} EINVAL division by zero.*")
        t.expect(rf"answer {first + 2} ok \|1")
        t.expect(rf"answer {first + 3} ok \|1\|2")
        assert pg.psql("SELECT n FROM t") == ["3", "4"]
        log = pg.log.read_text()
        assert "WARNING" not in log, log


@case
def handlers_may_ask_again():
    with Postgres() as pg, talk(pg) as t:
        t.expect("up")
        t.tell("again SELECT 7")
        t.expect(r"answer 1 ok \|1\|7")
        t.expect(r"answer 1 ok \|1\|7")


@case
def handlers_may_free_the_connection():
    for command, first in (
            ("free SELECT 1", r"answer 1 ok \|1\|1"),
            ("freestream SELECT g FROM generate_series(1, 1000) g",
             r"piece \d+")):
        with Postgres() as pg, talk(pg) as t:
            t.expect("up")
            t.tell(command, "query SELECT 2", "query SELECT 3")
            t.expect(first)
            if "stream" in command:
                t.expect("streamed .*")
                t.expect("answer 1 ECANCELED .*")
            t.expect("answer 2 ECANCELED .*")
            t.expect("answer 3 ECANCELED .*")
            t.process.stdin.close()
            t.expect("end")


@case
def too_many_waiting_queries_are_refused():
    with Postgres() as pg, talk(pg) as t:
        t.expect("up")
        t.tell("query SELECT pg_sleep(0.5)", "many 5000 SELECT 1")
        t.expect("refused 905")  # 4,095 beside the first
        t.until(r"answer 1 ok \|1\|")
        for _ in range(4095):
            t.expect(r"answer 2 ok \|1\|1")
        assert t.ask("query SELECT 2")[3] == ["2"]


@case
def a_copy_as_a_query_is_refused():
    with Postgres() as pg, talk(pg) as t:
        t.expect("up")
        pg.psql("CREATE TABLE t (n integer)")
        t.tell("query COPY t FROM STDIN")
        t.until("answer 1 .*")
        t.until("up")
        assert t.ask("query SELECT 2")[3] == ["2"]


# --- being told ----------------------------------------------------------------

@case
def notifications_arrive_on_an_idle_connection():
    with Postgres() as pg, talk(pg, listen='Odd "name') as t:
        t.expect("up")
        pg.psql('NOTIFY "Odd ""name", \'first\'')
        t.expect('notify Odd "name first')
        pg.psql('NOTIFY other; NOTIFY "Odd ""name", \'second\'')
        t.expect('notify Odd "name second')


# --- much ----------------------------------------------------------------------

@case
def a_long_result_streams_in_pieces_with_bounded_memory():
    with Postgres() as pg, talk(pg) as t:
        t.expect("up")
        count = 100000 if SANITIZED else 1000000
        t.tell("query SELECT 1",
               f"stream SELECT g, repeat('x', 200) "
               f"FROM generate_series(1, {count}) g",
               "query SELECT 3")
        t.expect(r"answer 1 ok \|1\|1")
        line, pieces = t.until("streamed .*", 60)
        assert all(re.fullmatch(r"piece \d+", p) for p in pieces), pieces[:9]
        assert len(pieces) >= count // 256
        _, rows, _, rss = line.split()
        assert int(rows) == count
        # The result is 200 MB.
        assert SANITIZED or int(rss) < 32 << 10, f"{rss} KB"
        t.expect(r"answer 2 ok \|.*")
        t.expect(r"answer 3 ok \|1\|3")


@case
def a_stream_that_fails_says_so_after_its_rows():
    with Postgres() as pg, talk(pg) as t:
        t.expect("up")
        t.tell("stream SELECT g, 1/(1000-g) FROM generate_series(1,2000) g",
               "query SELECT 2")
        line, _ = t.until("streamed .*")
        assert line.split()[1] == "768", line
        t.expect("answer 1 EINVAL division by zero.*")
        t.expect(r"answer 2 ok \|1\|2")


@case
def a_million_rows_are_copied_while_queries_wait():
    with Postgres() as pg, talk(pg) as t:
        t.expect("up")
        count = 100000 if SANITIZED else 1000000
        pg.psql("CREATE TABLE t (n integer, s text)")
        began = time.monotonic()
        t.tell("query SELECT 1", f"copy {count} COPY t FROM STDIN",
               "query SELECT count(*), sum(n)::text, $1::text FROM t|here",
               "copy 1 COPY t FROM STDIN")
        t.expect("refused 4 EBUSY")
        t.expect(r"answer 1 ok \|1\|1")
        line, _ = t.until(rf"copied {count} refused \d+", 60)
        t.expect(rf"answer 2 ok \|{count}", 60)
        print(f"{count / (time.monotonic() - began):.0f} rows/s,", line)
        total = count * (count + 1) // 2
        t.expect(rf"answer 3 ok \|1\|{count}\|{total}\|here")


@case
def a_copy_waits_for_a_server_that_takes_nothing():
    with Postgres() as pg, talk(pg) as t, talk(pg, log="other") as other:
        t.expect("up")
        other.expect("up")
        pg.psql("CREATE TABLE t (n integer, s text)")
        pg.psql("CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
                "$$BEGIN PERFORM pg_advisory_xact_lock_shared(1); "
                "RETURN new; END$$")
        pg.psql("CREATE TRIGGER wait BEFORE INSERT ON t FOR EACH ROW "
                "EXECUTE FUNCTION wait()")
        other.ask("query SELECT pg_advisory_lock(1)")
        t.tell("copy 200000 COPY t FROM STDIN")  # 2 MB
        wait_for(10, lambda: pg.psql(
            "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'advisory'"),
            "the server to wait")
        t.expect("held back")
        assert t.lines.empty(), "all was taken"
        other.ask("query SELECT pg_advisory_unlock(1)")
        t.expect(r"copied 200000 refused [1-9]\d*", 60)
        t.expect(r"answer 1 ok \|200000", 60)


@case
def a_copy_given_up_changes_nothing():
    with Postgres() as pg, talk(pg) as t:
        t.expect("up")
        pg.psql("CREATE TABLE t (n integer, s text)")
        t.tell("giveup 5000 COPY t FROM STDIN", "query SELECT 2")
        t.until("copied 5000 .*")
        t.expect("answer 1 ECANCELED changed my mind.*")
        t.expect(r"answer 2 ok \|1\|2")
        assert pg.psql("SELECT count(*) FROM t") == ["0"]


@case
def several_copies_are_one_transaction():
    with Postgres() as pg, talk(pg) as t:
        t.expect("up")
        pg.psql("CREATE TABLE t (n integer PRIMARY KEY, s text)")
        pg.psql("CREATE TABLE u (n integer PRIMARY KEY, s text)")
        both = "COPY t FROM STDIN; COPY u FROM STDIN; "
        t.tell(f"copies 2 5 {both} SELECT 7")
        t.until(r"answer 1 ok \|1\|7")
        # The second is refused: nothing of the first is left.
        pg.psql("DELETE FROM t")
        t.tell(f"copies 2 5 {both}")
        t.until(r"answer 2 EEXIST .*")
        assert pg.psql("SELECT count(*) FROM t") == ["0"]
        t.tell(f"copies 1 5 {both}", "query SELECT 4")
        t.until("answer 3 E.*")
        t.expect(r"answer 4 ok \|1\|4")
        assert pg.psql("SELECT count(*) FROM t") == ["0"]


@case
def a_copy_that_the_server_refuses_changes_nothing():
    with Postgres() as pg, talk(pg) as t:
        t.expect("up")
        pg.psql("CREATE TABLE t (n smallint, s text)")
        t.tell("copy 100000 COPY t FROM STDIN", "query SELECT 2")
        t.until("copied 100000 .*")
        t.expect("answer 1 EINVAL value .32768. is out of range.*")
        t.expect(r"answer 2 ok \|1\|2")
        t.tell("copy 5 SELECT 1", "query SELECT 4")
        t.expect("answer 3 EINVAL that was no COPY.*")
        t.expect(r"answer 4 ok \|1\|4")
        assert pg.psql("SELECT count(*) FROM t") == ["0"]


@case
def a_copy_and_what_follows_are_one_transaction():
    with Postgres() as pg, talk(pg) as t:
        t.expect("up")
        pg.psql("CREATE TABLE t (n integer PRIMARY KEY, s text)")
        sql = ("CREATE TEMP TABLE batch (LIKE t) ON COMMIT DROP; "
               "COPY batch FROM STDIN; "
               "INSERT INTO t SELECT * FROM batch WHERE n > $;")
        t.tell("copy 10 " + sql.replace("$", "4"))
        t.until(r"answer 1 ok \|6")
        t.tell("copy 10 " + sql.replace("$", "3"))
        t.until(r"answer 2 EEXIST .*")
        assert pg.psql("SELECT count(*) FROM t") == ["6"]
        assert "WARNING" not in pg.log.read_text()


@case
def a_copy_may_last_longer_than_a_statement():
    with Postgres() as pg, talk(pg, statement_ms=200) as t:
        t.expect("up")
        pg.psql("CREATE TABLE t (n integer, s text)")
        t.tell("copy 5 CREATE TEMP TABLE x AS SELECT pg_sleep(0.5)::text; "
               "COPY t FROM STDIN")
        t.until(r"answer 1 ok \|5")


@case
def over_tls_nothing_is_left_lying():
    port = Ports().first
    hba = ("hostssl all all 127.0.0.1/32 trust",)
    pg = Postgres(hba=hba, listen_addresses="127.0.0.1", port=str(port),
                  ssl="on")
    pg.make_certificate()
    with pg, talk(pg, f"host=127.0.0.1 port={port} user=tandem dbname=tandem "
                  "sslmode=require", listen="one") as t:
        t.expect("up")
        assert t.ask("query SELECT ssl FROM pg_stat_ssl "
                     "WHERE pid = pg_backend_pid()")[3] == ["t"]
        for size in range(1000, 60000, 997):  # records of all sizes
            err, _, _, values = t.ask(f"query SELECT repeat('x', {size})")
            assert err == "ok" and len(values[0]) == size
        t.tell("stream SELECT g, repeat('x', 900) "
               "FROM generate_series(1, 50000) g")
        line, _ = t.until("streamed .*", 60)
        assert line.split()[1] == "50000"
        pg.psql("NOTIFY one, 'first'")
        t.until("notify one first")


# --- losing and finding ----------------------------------------------------------

@case
def a_server_that_is_stopped_answers_all_and_is_found_again():
    with Postgres() as pg, talk(pg) as t:
        t.expect("up")
        for mode in ("fast", "immediate"):
            first = t.tell("query SELECT pg_sleep(20)", "query SELECT 2",
                           "transaction SELECT 3") - 2
            wait_for(10, lambda: sleeps(pg), "the server to sleep")
            pg.stop(mode)
            t.expect(rf"answer {first} ENOTCONN .*")
            t.expect(rf"answer {first + 1} ENOTCONN .*")
            t.expect(rf"answer {first + 2} ENOTCONN .*")
            t.expect("down .*")
            number = t.tell("query SELECT 4")
            t.expect(f"refused {number} ENOTCONN")
            pg.start()
            t.expect("up")
            assert t.ask("query SELECT 5")[3] == ["5"]
        assert t.events() == ["db_up", "db_down", "db_up", "db_down",
                              "db_up"], t.events()


@case
def a_server_that_is_not_there_yet_is_found():
    pg = Postgres(database="postgres")
    with talk(pg) as t:
        t.expect("down .*")
        with pg:
            t.expect("up")
            assert t.ask("query SELECT 1")[3] == ["1"]


@case
def one_that_is_stopped_while_nothing_is_asked_is_noticed():
    with Postgres() as pg, talk(pg) as t:
        t.expect("up")
        pg.stop()
        t.expect("down .*")


@case
def a_frozen_server_is_given_up_after_its_deadline():
    with Postgres() as pg, talk(pg, statement_ms=100) as t:
        t.expect("up")
        pg.freeze()
        began = time.monotonic()
        t.tell("query SELECT 1", "query SELECT 2")
        t.expect("answer 1 ENOTCONN the server is silent.*")
        t.expect("answer 2 ENOTCONN .*")
        t.expect("down the server is silent")
        assert 5 <= time.monotonic() - began < 9
        pg.thaw()
        t.expect("up", 30)
        assert t.ask("query SELECT 1")[3] == ["1"]


@case
def the_second_host_is_found_when_the_first_is_frozen():
    with Postgres(database="postgres") as frozen, \
            Postgres(database="postgres") as pg:
        frozen.freeze()
        with talk(pg, f"host={frozen.run},{pg.run} user=tandem "
                  "dbname=postgres") as t:
            t.expect("down no session.*")
            t.expect("up", 20)
        frozen.thaw()


@case
def a_copy_is_answered_when_the_server_dies():
    with Postgres() as pg, talk(pg) as t:
        t.expect("up")
        pg.psql("CREATE TABLE t (n integer, s text)")
        t.tell("copy 10 CREATE TEMP TABLE x AS SELECT pg_sleep(20)::text; "
               "COPY t FROM STDIN", "query SELECT 2")
        wait_for(10, lambda: sleeps(pg), "the server to sleep")
        pg.stop("immediate")
        t.expect("answer 1 ENOTCONN .*")
        t.expect("answer 2 ENOTCONN .*")
        t.expect("down .*")
        pg.start()
        t.expect("up")
        t.tell("copy 3 COPY t FROM STDIN")
        t.until(r"answer 3 ok \|3")


# --- who we are -------------------------------------------------------------------

@case
def the_password_comes_from_a_file_and_is_never_shown():
    with Postgres(hba=("local all locked scram-sha-256",)) as pg:
        pg.psql("CREATE ROLE locked LOGIN PASSWORD 'open sesame'")
        path = pg.dir / "password"
        path.write_text("shut sesame\n")
        conninfo = pg.conninfo.replace("user=tandem", "user=locked")
        with talk(pg, conninfo, password_file=path) as t:
            t.expect("down .*password authentication failed.*")
            path.write_text("open sesame\nanother line\n")
            t.expect("up")
            assert t.ask("query SELECT current_user")[3] == ["locked"]
            path.unlink()
            pg.stop()
            t.expect("down .*")
            pg.start()
            t.expect("(?!up).*") if not t.lines.empty() else None
            path.write_text("open sesame")
            t.expect("up")
            assert "sesame" not in t.logged()


@case
def a_conninfo_that_cannot_be_read_is_refused_and_not_shown():
    with Postgres() as pg, \
            talk(pg, "host=/nowhere password=two words") as t:
        t.expect("refused 0 EINVAL")
        t.reader.join()
        assert "words" not in t.logged()


if __name__ == "__main__":
    sys.exit(main())
