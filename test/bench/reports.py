"""See test/bench/reports."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.switch import Switch  # noqa: E402

DAYS = 30
PARTS = 2778  # rows of an hour: gateways, accounts, prefixes, reasons
ATTEMPTS = 50  # of a row: 100 million calls together
CALLS = DAYS * 24 * PARTS * ATTEMPTS
GATEWAYS, PHONES, SOURCES = 40, 1000, 1000
GHOSTS = CALLS // 2000
NEAR_CAP = CALLS // 1000
BOUNDS_S = {"day": 2, "month": 20}

# A day of sums as calls leave them; the same calls every hour
TRAFFIC = """
insert into traffic_hour
select h, 'g' || n % {gateways}, 'a' || n * 7 % 200,
	(1000 + n * 13 % 500)::text, r.reason, r.code, {attempts},
	case when r.code = 200 then {attempts} else 0 end,
	case when r.code = 200 then {attempts} * (30000 + n % 90 * 1000) else 0 end,
	{attempts} * 900, {attempts},
	case when r.code = 200 then {attempts} * 12000 else 0 end,
	case when r.code = 200 then {attempts} * 9000 else 0 end,
	case when r.code = 200 then {attempts} * 3000 else 0 end,
	h, h + interval '59 minutes'
from generate_series(0, {parts} - 1) n,
	generate_series({first}, {first} + interval '23 hours', '1 hour') h,
	lateral (select (array['CallerHangup', 'CalleeHangup', 'CalleeBusy',
			'NoAnswer'])[n / 700 + 1] as reason,
		(array[200, 200, 486, 487])[n / 700 + 1] as code) r
order by 1, 2, 3, 4, 5, 6
"""

GHOST_LENGTHS = """
insert into ghost_length
select {first}::date, o.object, o.name, 60 + s, 1 + s % 4, {first}, '1555',
	30, 31000, 5000
from generate_series(0, 599) s,
	(select 'gateway' as object, 'g' || g as name
		from generate_series(0, {gateways} - 1) g
	union all select 'phone', 'p' || p from generate_series(1, {phones}) p
		where p % 20 = 0) o
order by 1, 2, 3, 4
"""

OTHERS = """
insert into near_cap
select {first} + n * interval '25 seconds', md5({day} || '.' || n), 'g' || n %
	{gateways}, 'p' || n % {phones}, '1555' || n, 3600, 3600,
	'max_call_duration', 'no_timer'
from generate_series(0, {near_cap} / {days} - 1) n;
insert into illegal_source
select {first}::date, '10.0.0.0'::inet + n, 10 + n % 90, {first},
	{first} + interval '1 hour', array['00441', '00442'], 'SourceUnknown'
from generate_series(1, {sources}) n;
insert into cdr (cdr_id, start_time, answer_time, end_time, duration_ms,
	duration, silent_tail, called, routing_gateway, phone, fee, end_reason,
	end_detail)
select md5('c' || {day} || '.' || n), {first} + n * interval '8 seconds',
	{first} + n * interval '8 seconds', {first} + n * interval '9 seconds',
	90000 + n % 1000, 90 + n % 600,
	case when n % 10 = 0 then 30000 + n % 9000 else 0 end, '1555' || n,
	'g' || n % {gateways}, 'p' || n % {phones}, 1200, 'CallerHangup', 'a'
from generate_series(0, 10 * {ghosts} / {days} - 1) n
"""

REPORTS = (
    ("report.analysis", {"by": "gateway"}),
    ("report.analysis", {"by": "prefix"}),
    ("report.profit", {"by": "account"}),
    ("report.traffic", {"by": "hour"}),
    ("gateway.failures", {"name": "g7"}),
    ("report.ghost", {}),
    ("report.near-cap", {}),
    ("report.illegal", {}),
)


def fill(s):
    for day in range(DAYS):
        words = {
            "first": f"(date_trunc('day', now(), 'UTC') - interval '{day} days"
                     "')", "day": day, "days": DAYS, "parts": PARTS,
            "gateways": GATEWAYS, "phones": PHONES, "sources": SOURCES,
            "attempts": ATTEMPTS, "ghosts": GHOSTS, "near_cap": NEAR_CAP}
        for text in (TRAFFIC, GHOST_LENGTHS, OTHERS):
            s.pg.psql(text.format(**words))
    s.pg.psql("vacuum analyze")


def timed(s, name, span, args):
    since, = s.pg.psql(
        "select to_char((date_trunc('day', now(), 'UTC') - interval '"
        f"{DAYS - 1 if span == 'month' else 0} days') at time zone 'UTC', "
        "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")
    began = time.monotonic()
    rows = s.ask(name, timeout=300, **{"from": since, **args})
    took = time.monotonic() - began
    assert rows, f"{name} of a {span} is empty"
    return len(rows), took


def main():
    found = []
    with Switch() as s:
        began = time.monotonic()
        fill(s)
        calls = int(s.pg.psql("select sum(attempts) from traffic_hour")[0])
        rows = int(s.pg.psql("select count(*) from traffic_hour")[0])
        print(f"{calls} attempts of {DAYS} days are {rows} rows of hours; "
              f"filled in {time.monotonic() - began:.0f} s")
        print(f"{'report':<17} {'by':<8} {'of a':<6} {'rows':>6} "
              f"{'seconds':>8} {'at most':>8}", flush=True)
        for span, bound in BOUNDS_S.items():
            for name, args in REPORTS:
                count, took = timed(s, name, span, args)
                found.append((name, span, took, bound))
                print(f"{name:<17} {args.get('by', ''):<8} {span:<6} "
                      f"{count:>6} {took:>8.2f} {bound:>8}", flush=True)
        s.stop()
    worst = {span: max(took for _, of, took, _ in found if of == span)
             for span in BOUNDS_S}
    print(f"reports: attempts={calls} rows={rows} " + " ".join(
        f"{span}_worst_s={took:.2f}" for span, took in worst.items()))
    late = [f for f in found if f[2] > f[3]]
    for name, span, took, bound in late:
        print(f"FAILED: {name} of a {span} took {took:.2f} s, more than "
              f"{bound}")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
