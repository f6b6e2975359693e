"""A switch whose calls are charged; its records are in PostgreSQL."""

import csv
import io
import json
import socket
import time

from support.cluster import wait_for
from support.sip_switch import SipSwitch

ALL = ("select coalesce(json_agg(row_to_json(c)), '[]') from (select * from "
       "cdr order by start_time) c")
BALANCED = """
select count(*) from balance b
where balance <> (select coalesce(sum(amount), 0) from ledger l
	where l.account_id = b.account_id)
"""


class PaidSwitch(SipSwitch):
    def __init__(self, journal_mb=0, **kwargs):
        super().__init__(**kwargs)
        self.text += ('billing { mode = "accounts" '
                      f'journal_mb = {journal_mb} }}\n')
        self.conf.write_text(self.text)

    def sql(self, text):
        return "\n".join(self.pg.psql(text)).strip()

    def rows(self, text):
        """Rows of a query, as dictionaries of texts."""
        found = self.sql(f"copy ({text}) to stdout with (format csv, header)")
        return list(csv.DictReader(io.StringIO(found)))

    def records(self, **wanted):
        """Ended calls, as PostgreSQL has them; wanted: fields."""
        rows = [{k: v for k, v in r.items() if v is not None}
                for r in json.loads(self.sql(ALL))]
        return [r for r in rows
                if all(r.get(k) == v for k, v in wanted.items())]

    def shipped(self, within=30):
        """All that ended is in PostgreSQL: so says the gauge, which is set
        once a second, for two seconds."""
        deeper = time.monotonic()

        def is_shipped():
            nonlocal deeper
            now = time.monotonic()
            if self.gauge("tandem_billing_journal_depth") != 0:
                deeper = now
            return now - deeper > 2
        wait_for(within, is_shipped, "an empty journal")

    def rest(self, within):
        """What is in use when all has ended, and what is wrong with that"""
        left = self.settled(within)
        bad = [f"left: {left}"] if left else []
        try:
            self.shipped(60)
        except AssertionError as error:
            bad.append(str(error))
        return left, bad

    def gauge(self, name):
        return self.metrics_of("billingd.0").get(name)

    def answer(self, cmd, **args):
        """All of an answer, the cursor too."""
        with socket.socket(socket.AF_UNIX) as sock, \
                sock.makefile("rb") as file:
            sock.settimeout(10)
            sock.connect(str(self.dir / "run" / "control.sock"))
            sock.sendall(json.dumps({"cmd": cmd, "args": args}).encode()
                         + b"\n")
            return json.loads(file.readline())

    def unbalanced(self):
        return self.sql(BALANCED)
