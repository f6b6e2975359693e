"""A switch that calls go through: with SipSwitch() as s.

One cluster serves many tests at once: each takes a lane() of its own, which is
a customer, a number prefix that only its carriers have, and what it finds in
the records.
"""

import contextlib
import functools
import itertools
import json
import sys
import threading

from support.cases import case
from support.cluster import Refused, wait_for
from support.end_reasons import contradicted
from support.sip import Caller, Net, Uas
from support.switch import Switch

GAUGES = ("tandem_calls_active", "tandem_sip_transactions",
          "tandem_lines_used_total")
TEXTS = "tandem_sipd_texts_used_bytes"
MEDIA_GAUGES = ("tandem_media_sessions", "tandem_media_ports_used")
REQUEST_TIMEOUT = 35.5
# What is not rated by length of a call, and calls nobody relays yet.
SETTINGS = {"SS_MEDIA_PROXY": "off"}


class SipSwitch(Switch):
    def __init__(self, settings=None, relay=0, **kwargs):
        """relay: so many ports, and all calls are relayed."""
        self.net = Net()
        if relay:
            kwargs.update(media=True, rtp=relay)
            settings = {"SS_MEDIA_PROXY": "on", **(settings or {})}
        self.at = (self.net.switch, 5060)
        self.peers = contextlib.ExitStack()
        self.names = itertools.count(1)
        self.lock = threading.RLock()
        self.settings = {**SETTINGS, **(settings or {})}
        super().__init__(address=self.net.switch, **kwargs)

    def __enter__(self):
        try:
            return self.prepared()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise

    def prepared(self):
        """With what every call needs."""
        super().__enter__()
        self.set(**self.settings)
        self.ask("rate-table.add", name="retail")
        for digit in range(10):
            self.ask("rate.add", table="retail", prefix=str(digit),
                     rate="0.01")
        self.ask("account.add", name="customer", rate_table="retail",
                 overdraft="unlimited")
        self.ask("account.add", name="vendor", kind="clearing",
                 overdraft="unlimited")
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            for peer in self.open_peers:
                print(peer.transcript())
        self.peers.close()
        super().__exit__(kind, value, trace)
        self.net.close()

    # -- records ---------------------------------------------------------------

    def change(self, kind, verb, name, **fields):
        with self.lock:
            return self.ask(f"{kind}.{verb}", name=name, **{
                k: str(v) for k, v in fields.items()})

    def set(self, **values):
        """Parameters, in one step."""
        with self.lock:
            self.do("param", "set", *(f"{k}={v}" for k, v in values.items()))

    def unset(self, *names):
        with self.lock:
            for name in names:
                if name in SETTINGS:
                    self.set(**{name: SETTINGS[name]})
                else:
                    self.do("param", "unset", name)

    @contextlib.contextmanager
    def under(self, **values):
        """What arrives within has these parameters; nobody else sets any."""
        with self.lock:
            self.set(**values)
            try:
                yield
            finally:
                self.unset(*values)

    # -- peers -------------------------------------------------------------------

    def keep(self, closable):
        """Closed with the switch."""
        self.peers.callback(closable.close)
        return closable

    open_peers = ()

    def peer(self, peer):
        with self.lock:
            self.open_peers = (*self.open_peers, peer)
            self.peers.callback(peer.close)
        return peer

    def caller(self, name=None, address=None, **fields):
        """A peer, and the mapping gateway that it is."""
        with self.lock:
            address = address or self.net.address()
            caller = self.peer(Caller(address, switch=self.at))
            caller.name = name or f"cust{next(self.names)}"
            self.change("mapping", "add", caller.name, **{
                "account": "customer", "addresses": address,
                "local_ip": self.net.switch, **fields})
        return caller

    def carrier(self, prefixes, answers=(), name=None, agent=None, **fields):
        """A peer, and the routing gateway that it is."""
        with self.lock:
            address = self.net.address()
            carrier = self.peer(agent or Uas(address, switch=self.at,
                                             answers=answers))
            carrier.name = name or f"gw{next(self.names)}"
            transport = ";tcp" if carrier.transport == "tcp" else ""
            self.change("routing", "add", carrier.name, **{
                "account": "vendor", "prefixes": prefixes,
                "local_ip": self.net.switch,
                "addresses": f"{carrier.address}:{carrier.port}{transport}",
                **fields})
        return carrier

    def lane(self, *carriers, caller=None):
        """carriers: the answers of each, or (answers, {field: value}); they
        are tried in this order."""
        return Lane(self, carriers, caller or {})

    # -- what it says ---------------------------------------------------------------

    def calls(self, **filters):
        return self.ask("call.list", **filters)

    def records(self, **wanted):
        """Ended calls, as billingd has written them; wanted: fields."""
        file = self.dir / "state" / "billingd" / "records.jsonl"
        if not file.exists():
            return []
        text = file.read_text(encoding="utf-8")
        rows = [json.loads(line)
                for line in text[:text.rfind("\n") + 1].splitlines()]
        return [r for r in rows
                if all(r.get(k) == v for k, v in wanted.items())]

    def record(self, call_id, within=5.0, **wanted):
        """The one record of a call; wanted: what it must say."""
        wait_for(within, lambda: self.records(call_id_a=call_id),
                 f"a record of {call_id}; there are: {self.records()[-5:]}")
        rows = self.records(call_id_a=call_id)
        assert len(rows) == 1, rows
        wrong = {k: (rows[0].get(k), v) for k, v in wanted.items()
                 if rows[0].get(k) != v}
        assert not wrong, f"(is, wanted): {wrong} in {rows[0]}"
        wrong = contradicted(rows[0])
        assert not wrong, f"not of its end reason: {wrong} in {rows[0]}"
        return rows[0]

    def nothing_left(self, within=REQUEST_TIMEOUT + 2):
        """No call, transaction or line is in use any more."""
        self._without(GAUGES, within)

    def idle(self, within=3.0):
        """No call and no line; transactions may wait for copies."""
        self._without([g for g in GAUGES if "transactions" not in g], within)

    def _without(self, names, within):
        left = self.settled(within, names)
        assert not left, f"not within {within} s: nothing left: {left}"

    def left(self, names=(*GAUGES, TEXTS)):
        """What is in use: {series or call: its value}"""
        found = self.metrics_of("sipd.0")
        missing = {g for g in names
                   if not any(k.split("{")[0] == g for k in found)}
        if missing:
            raise LookupError(f"no such metrics: {missing}")
        if "mediad.0" in self.status():
            names = (*names, *MEDIA_GAUGES)
            found.update(self.metrics_of("mediad.0"))
        return {**{k: v for k, v in found.items()
                   if v and k.split("{")[0] in names},
                **{r["call"]: r for r in self.calls()}}

    def settled(self, within, names=(*GAUGES, TEXTS)):
        """What is in use after so long at most; {}: nothing"""
        left = {}

        def clean():
            left.clear()
            try:
                left.update(self.left(names))
            except (OSError, Refused) as error:  # a daemon starts
                left["?"] = str(error)
            return not left
        with contextlib.suppress(AssertionError):
            wait_for(within, clean, "nothing left")
        return left


def on_a_switch(**kwargs):
    """A case in a switch of its own, after which no call is left."""
    def decorate(function):
        @functools.wraps(function)
        def run():
            with SipSwitch(**kwargs) as s:
                function(s)
                s.idle()
                s.stop_well()
        return case(run)
    return decorate


class Lane:
    """A customer, a prefix and its carriers."""

    def __init__(self, switch, carriers, caller):
        self.switch = switch
        with switch.lock:
            self.prefix = f"44{next(switch.names):03}"
            self.a = switch.caller(**caller)
            self.gw = []
            for n, row in enumerate(carriers):
                answers, fields = row if isinstance(row, tuple) else (row, {})
                self.gw.append(switch.carrier(
                    fields.pop("prefixes", "").replace("P", self.prefix)
                    or self.prefix, answers, **{"priority": n + 1, **fields}))
        self.number = self.prefix + "5550100"

    @property
    def b(self):
        return self.gw[0]

    def invite(self, **kwargs):
        """Parameters are those of now, also if somebody else changes them."""
        with self.switch.lock:
            self.call = self.a.invite(kwargs.pop("number", self.number),
                                      **kwargs)
            with contextlib.suppress(AssertionError):
                wait_for(1, lambda: self.call.received(), "100")
        return self.call

    def establish(self, within=5.0, **kwargs):
        """An answered call: (the dialog of A, that of the last carrier's)"""
        self.invite(**kwargs)
        return self.complete(within)

    def complete(self, within=5.0):
        """What was invited is answered and acknowledged."""
        call = self.call
        call.answer = call.expect(200, within)
        call.ack(call.answer)
        for gw in reversed(self.gw):
            for there in reversed(gw.calls()):
                if there.final == 200:
                    there.given = True
                    there.invite.taken = True
                    there.expect("ACK")
                    return self.call, there
        raise AssertionError("answered by nobody")

    def record(self, call=None, **wanted):
        return self.switch.record((call or self.call).call_id, **wanted)

    def tried(self, gw):
        return len(gw.calls())


def side_by_side(*functions):
    """Run them at once; the first failure is raised when all have ended."""
    failures = []

    def run(function):
        try:
            function()
        except BaseException as error:  # told below
            failures.append((function.__name__, error))
    threads = [threading.Thread(target=run, args=(f,)) for f in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, error in failures[1:]:
        print(f"{name} failed too: {error!r}")
    if failures:
        name, error = failures[0]
        raise AssertionError(f"{name}: {error!r}") from error
