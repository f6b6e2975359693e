"""A switch whose customers pay: rates, accounts, and what calls cost them."""

import decimal
import functools
import json

from support.cases import case
from support.cluster import Refused, wait_for
from support.sip import wait_until
from support.sip_switch import SipSwitch

GOOD = [(0, 100), (0.02, 180), (0.05, 200)]
D = decimal.Decimal


class BillingSwitch(SipSwitch):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.text += 'billing { mode = "accounts" }\n'
        self.conf.write_text(self.text)

    def records(self, **wanted):
        """Ended calls, as PostgreSQL has them; wanted: fields."""
        text = "".join(self.pg.psql(
            "select coalesce(json_agg(c), '[]') from cdr c"))
        rows = [{k: v for k, v in r.items() if v is not None}
                for r in json.loads(text)]
        return [r for r in rows
                if all(r.get(k) == v for k, v in wanted.items())]

    def account(self, name, balance=None, **fields):
        """A prepaid customer."""
        with self.lock:
            self.change("account", "add", name,
                        **{"rate_table": "retail", **fields})
            if balance:
                self.ask("account.recharge", name=name, amount=balance)
        return name

    def money(self, name):
        return self.ask("account.show", name=name)[0]

    def has(self, name, within=5, **wanted):
        """Such an account has this much. A billingd that was just killed has a
        successor in time."""
        def fits():
            try:
                found.update(self.money(name))
            except Refused:
                return False
            return all(found[k] is not None and D(found[k]) == D(str(v))
                       for k, v in wanted.items())
        found = {}
        try:
            wait_for(within, fits, "that much money")
        except AssertionError as error:
            raise AssertionError(f"{error}: {wanted}: {found}") from None

    def rate(self, table, prefix, rate, **fields):
        self.ask("rate.add", table=table, prefix=prefix, rate=str(rate),
                 **{k: str(v) for k, v in fields.items()})

    def quote(self, **args):
        return self.ask("rate.quote",
                        **{k: str(v) for k, v in args.items()})[0]


def on_a_billing_switch(function):
    @functools.wraps(function)
    def run():
        with BillingSwitch() as s:
            function(s)
            s.idle()
            s.stop_well()
    return case(run)


def short(s, lane, seconds=0.3, **invite):
    """A call of so many seconds; its record."""
    a, b = lane.establish(**invite)
    wait_until(a.answer.time + seconds)
    a.bye()
    a.expect("200 BYE")
    b.expect("BYE")
    return s.record(a.call_id, within=15)


def wrong(row, **wanted):
    return {k: (row.get(k), v) for k, v in wanted.items()
            if row.get(k) != v}
