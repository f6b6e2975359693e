#!/usr/bin/env python3
"""The database: what a record may be, and what refers to what.

records.py BIN CASE: one case, in a PostgreSQL of its own.
"""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import case, main  # noqa: E402
from support.cluster import ROOT  # noqa: E402
from support.schema import RECORDS, migrated, quoted, sessions  # noqa: E402

# --- records -----------------------------------------------------------------

# A row of each table that is right; the tables below change a column of it.
RIGHT = {
    "journal_mark": {"journal": "0123456789abcdef", "node": "n", "seq": 1},
    "ghost_length": {"day": "2026-01-01", "object": "phone", "name": "1",
                     "seconds": 60, "count": 1,
                     "start": "2026-01-01 00:00:00Z", "called": "2",
                     "talk": 30, "silent_tail": 30, "fee": 0},
    "schema_migration": {"version": 99, "name": "n", "checksum": "c"},
    "config_change": {"version": 1, "seq": 1000, "kind": "list", "id": 1,
                      "name": "n", "op": "insert", "after": "{}"},
    "parameter": {"name": "SS_X", "value": "1"},
    "rate_table": {"name": "new"},
    "account": {"name": "new"},
    "gateway_group": {"name": "new"},
    "mapping": {"name": "new", "account_id": 2, "addresses": "10.0.0.1"},
    "registration": {"name": "new", "sip_proxy": "h"},
    "routing": {"name": "new"},
    "phone": {"number": "2", "account_id": 2},
    "rate": {"table_id": 1, "prefix": "1", "rate": 1},
    "list": {"list": "caller_black", "entry": "1"},
    "ledger": {"account_id": 2, "amount": 1, "kind": "payment",
               "operator": "o"},
    "hold": {"id": "h", "account_id": 2, "amount": 1},
    "lease": {"node": "n", "account_id": 2, "granted": 1},
    "cdr": {"cdr_id": "c", "start_time": "2026-01-01 00:00:00Z",
            "end_reason": "NormalRelease"},
    "attempt": {"cdr_id": "c", "start_time": "2026-01-01 00:00:00Z",
                "seq": 1, "gateway": "g"},
}

NAMED = ["rate_table", "account", "gateway_group", "mapping", "registration",
         "routing"]
GATEWAYS = ["mapping", "routing"]
SIDES = ["mapping", "routing", "phone"]

# Tables, column, what the constraint is called after both, values it refuses
WRONG = [
    (["schema_migration"], "version", "check", [0]),
    (["config_change"], "op", "values", ["upsert"]),
    (["config_change"], "op", "rows", ["update"]),
    (["parameter"], "name", "format", ["", "ss_x", "SS X", "A" * 65]),
    (["parameter"], "value", "length", ["x" * 8193]),
    (NAMED, "name", "length", ["", "x" * 65, "é" * 33]),
    (NAMED, "name", "format", ["a,b", " a", "a ", "a\tb", "none", "\x7f"]),
    (["account"], "kind", "values", ["vendor", ""]),
    (["account"], "status", "values", ["open"]),
    (["account"], "overdraft", "range", [-1, 10**18 + 1]),
    (["account"], "daily_cap", "range", [-1, 10**18 + 1]),
    (["account"], "commission_percent", "range", ["-0.0001", "100.0001"]),
    (["account", "gateway_group"] + SIDES, "line_limit", "range", [-1, 1000001]),
    (["gateway_group"], "calendar", "format", [
        "mon", "mon 8:00-9:00 1", "mon 08:00-24:01 1", "mon 08:00-09:00 1,",
        "mon-xxx 08:00-09:00 1", "mon 08:00-09:00 -1"]),
    (GATEWAYS, "lock", "values", ["in"]),
    (GATEWAYS, "type", "values", ["peer"]),
    (GATEWAYS + ["registration"], "username", "format",
     ["a\tb", "a\n", "x" * 129]),
    (SIDES, "ha1", "format", [
        "x", "r\t" + "a" * 31 + "\t" + "b" * 64, "r\t" + "A" * 32 + "\t" +
        "b" * 64, "r\t" + "a" * 32 + "\t" + "b" * 65]),
    (["routing", "registration"], "sealed", "format",
     ["abc", "ab=c", "a b=", "A" * 4100]),
    (GATEWAYS, "cps_limit", "range", [-1, 100001]),
    (GATEWAYS, "reserved_lines", "range", [-1, 1000001]),
    (GATEWAYS, "callee_rules", "format",
     ["0", "=1", "0=1,", "0*1=1", "0=*1*", "0=1,,1=2", "a b=1"]),
    (GATEWAYS, "caller_rules", "format", ["0", "=1", "0*1=1"]),
    (["routing"], "pai_rules", "format", ["0", "=1", "0*1=1"]),
    (GATEWAYS, "reply_address", "values", ["contact"]),
    (GATEWAYS, "request_address", "values", ["via"]),
    (GATEWAYS, "local_ip", "format",
     ["", "host", "10.0.0.0/8", "10.0.0.1,10.0.0.2", "10.0.0"]),
    (SIDES, "codecs", "format", ["PCMU,", ",", "PC MU", "x" * 2049]),
    (SIDES, "dtmf_mode", "values", ["auto"]),
    (GATEWAYS, "rtp_learning", "values", ["none"]),
    (SIDES, "nomedia_time", "range", [-1, 3601]),
    (SIDES, "media_proxy", "values", ["inherit"]),
    (GATEWAYS, "route_prefix_digits", "range", [-1, 16]),
    (["mapping"], "auth_mode", "values", ["digest"]),
    (["mapping"], "addresses", "format", [
        "host", "10.0.0.1/8", "10/8", "10.0.0/8", "10.0.0.1:5060",
        "10.0.0.1,", "10.0.0.256", "2001:db8::1/64", "10.0.0.0/33"]),
    (["mapping"], "addresses", "needed", [""]),
    (["mapping"], "callee_source", "values", ["from"]),
    (["mapping"], "caller_source", "values", ["to"]),
    (["mapping"], "cause_map", "format",
     ["486", "486=", "200=486", "486=480,", "486=4800"]),
    (["registration"], "sip_proxy", "format", ["", "a b", "h:1", "x" * 256]),
    (["registration"], "remote_port", "range", [0, 65536]),
    (["registration"], "transport", "values", ["sctp"]),
    (["registration"], "local_port", "format", ["a\tb", "x" * 65]),
    (["registration"], "domain", "format", ["a b", "x" * 256]),
    (["registration"], "auth_user", "format", ["a\tb", "x" * 129]),
    (["registration"], "host_name", "format", ["a b", "x" * 256]),
    (["registration"], "register_period", "range",
     ["19", "7201", "0", "x", "", "020"]),
    (["routing"], "addresses", "format",
     ["a b", "h;sctp", "h:", "h,", "2001:db8::1", "h:1:2"]),
    (["routing"], "prefixes", "format", ["a b", "1" * 25, "1;2"]),
    (["routing"], "prefix_mode", "values", ["exact"]),
    (["routing"], "priority", "range", [-1, 10000]),
    (["routing"], "mapping_mode", "values", ["none"]),
    (["routing"], "mapping_names", "format", ["pbx", "0", "1,", "1,,2"]),
    (["routing"], "switch", "values", ["inherit"]),
    (["routing"], "stop_codes", "format", ["200", "486,", "700", "486 487"]),
    (["routing"], "ring_back", "values", ["183"]),
    (["routing"], "redirects", "range", [-1, 6]),
    (["routing"], "privacy", "values", ["inherit"]),
    (["routing"], "pai", "values", ["id"]),
    (["routing"], "ppi", "values", ["id"]),
    (["routing"], "rpid", "values", ["id"]),
    (["routing"], "invite_timeout", "range", [0, 301]),
    (["routing"], "trying_timeout", "range", [0, 601]),
    (["routing"], "progress_timeout", "range", [0, 601]),
    (["routing"], "progress_sdp_timeout", "range", [0, 601]),
    (["routing", "phone"], "ringing_timeout", "range", [0, 601]),
    (["phone"], "number", "format", ["", "+1", "a b", "1" * 41]),
    (["phone"], "forward_no_answer", "format", ["+1", "1" * 41]),
    (["journal_mark"], "journal", "format", ["x", "A" * 16, "0" * 17]),
    (["journal_mark"], "seq", "range", [-1]),
    (["ghost_length"], "object", "values", ["account"]),
    (["phone"], "max_contacts", "range", [0, 11]),
    (["rate"], "prefix", "format", ["1" * 25, "1 2", "1;"]),
    (["rate"], "rate", "range", [-1, 10**12 + 1]),
    (["rate"], "connect_fee", "range", [-1, 10**12 + 1]),
    (["rate"], "first_increment", "range", [0, 3601]),
    (["rate"], "next_increment", "range", [0, 3601]),
    (["rate"], "valid_from", "range",
     ["1969-12-31 23:59:59Z", "infinity", "-infinity"]),
    (["rate"], "valid_to", "range", ["infinity"]),
    (["rate"], "valid_to", "order", ["1970-01-01 00:00:00Z"]),
    (["list"], "list", "values", ["black"]),
    (["list"], "entry", "format", ["", "1*2", "1,2", "+ 1", "1" * 65]),
    (["ledger"], "amount", "range", [0]),
    (["ledger"], "kind", "values", ["gift"]),
    (["ledger"], "operator", "origin", ["", None]),
    (["ledger"], "kind", "origin", ["call"]),
    (["ledger"], "note", "length", ["x" * 1025]),
    (["ledger"], "request_id", "length", ["", "x" * 129]),
    (["hold"], "id", "length", ["", "x" * 129]),
    (["hold"], "amount", "range", [-1]),
    (["lease"], "node", "length", ["", "x" * 65]),
    (["lease"], "settled", "range", [-1, 2]),
    (["cdr"], "cdr_id", "length", ["", "x" * 129]),
    (["cdr", "attempt"], "start_time", "range",
     ["1969-12-31 23:59:59Z", "infinity"]),
    (["cdr"], "transport", "values", ["ws"]),
    (["cdr"], "attempts", "format", ["{}"]),
    (["cdr"], "billing_mode", "values", ["x"]),
    (["cdr"], "end_reason", "length", ["", "x" * 65]),
    (["cdr"], "end_side", "values", ["a"]),
    (["cdr"], "sip_code", "range", [99, 700]),
    (["cdr"], "sip_code_b", "range", [99, 700]),
    (["cdr"], "q850", "range", [-1, 128]),
    (["cdr"], "regime", "values", ["x"]),
    (["cdr"], "media", "values", ["x"]),
    (["attempt"], "seq", "range", [0]),
    (["attempt"], "sip_code", "range", [99, 700]),
]
# Those that are not called after their column and the word behind it
CALLED = {
    ("schema_migration", "version", "check"): "schema_migration_version_check",
    ("routing", "mapping_names", "format"): "routing_mapping_names_format",
    ("rate", "valid_to", "order"): "rate_valid_order",
    ("ledger", "operator", "origin"): "ledger_origin",
    ("ledger", "kind", "origin"): "ledger_origin",
}
COLUMN = {"mapping_names": "mapping_names_id"}

# Rows whose columns do not go together
WRONG_TOGETHER = [
    ("mapping", {"auth_mode": "password"}, "mapping_username_needed"),
    ("mapping", {"type": "dynamic"}, "mapping_username_needed"),
    ("routing", {"type": "dynamic"}, "routing_username_needed"),
    ("mapping", {"auth_mode": "ip_port"}, "mapping_addresses_format"),
    ("mapping", {"auth_mode": "ip_port", "addresses": "10.0.0.1:0"},
     "mapping_addresses_format"),
    ("mapping", {"auth_mode": "ip_port", "addresses": "10.0.0.1:65536"},
     "mapping_addresses_format"),
    ("mapping", {"auth_mode": "ip_port", "addresses": "2001:db8::1:5060"},
     "mapping_addresses_format"),
    ("mapping", {"auth_mode": "ip_port", "addresses": "[10.0.0.1]:5060"},
     "mapping_addresses_format"),
    ("list", {"list": "source_black", "entry": "10.0.0.1/8"},
     "list_entry_format"),
    ("list", {"list": "source_white", "entry": "1234*"}, "list_entry_format"),
    ("list", {"list": "source_white", "entry": "10.0.0.1,10.0.0.2"},
     "list_entry_format"),
    ("config_change", {"op": "delete"}, "config_change_op_rows"),
    ("ledger", {"kind": "call", "cdr_id": "c"}, "ledger_origin"),
    ("ledger", {"account_id": 99}, "ledger_account_reference"),
    ("mapping", {"account_id": 3}, "mapping_account_reference"),
    ("phone", {"account_id": 1}, "phone_account_reference"),
    ("routing", {"account_id": 2}, "routing_account_reference"),
    ("account", {"agent_id": 2}, "account_agent_reference"),
    ("routing", {"mapping_names_id": "7"}, "routing_mapping_names_reference"),
    ("routing", {"mapping_names_id": "1,1"}, "routing_mapping_names_unique"),
    ("account", {"name": "vendor"}, "account_name_unique"),
    ("rate", {"prefix": "44"}, "rate_unique"),
    ("list", {"entry": "1234*"}, "list_unique"),
    ("phone", {"number": "1001"}, "phone_number_unique"),
]

HA1 = "sip.example\t" + "a" * 32 + "\t" + "0" * 64
ALLOWED = [(table, {}) for table in RIGHT] + [
    ("account", {"overdraft": None}),
    ("account", {"daily_cap": None, "line_limit": 1000000}),
    ("account", {"daily_cap": 0}),
    ("account", {"overdraft": 10**18, "commission_percent": "12.5"}),
    ("gateway_group", {"calendar": "mon-fri 08:00-20:00 400,"
                                   "sat 00:00-24:00 5"}),
    ("mapping", {"addresses": "10.0.0.0/8,10.9.0.1,2001:db8:1::/48"}),
    ("mapping", {"auth_mode": "ip_port",
                 "addresses": "10.0.0.1:5060,[2001:db8::1]:5062"}),
    ("mapping", {"auth_mode": "password", "addresses": "", "username": "u",
                 "ha1": HA1 + "\n" + HA1}),
    ("mapping", {"type": "dynamic", "addresses": "", "username": "u",
                 "ha1": ""}),
    ("mapping", {"callee_rules": "00*=*,0*=44*,911=1911,44*=+44*,*=9*,1=",
                 "caller_rules": "___*=*0", "cause_map": "486=480,600=486",
                 "codecs": "PCMU,telephone-event,G726-32",
                 "local_ip": "2001:db8::5", "name": "Größe 1/2 (x)"}),
    ("routing", {"addresses": "sip.example,203.0.113.1:5060;tcp,"
                              "[2001:db8::1]:5061;tls,h;udp",
                 "prefixes": ",1212,44", "mapping_names_id": "1",
                 "switch": "off", "stop_codes": "404,603",
                 "sealed": "c2VjcmV0"}),
    ("registration", {"register_period": "auto"}),
    ("registration", {"register_period": "20", "sip_proxy": "[2001:db8::1]"}),
    ("phone", {"number": "*7#aB_", "forward_no_answer": "1002"}),
    ("rate", {"prefix": "", "valid_from": "2026-01-01 00:00:00Z",
              "valid_to": "9999-12-31 23:59:59Z"}),
    ("list", {"list": "source_black", "entry": "192.0.2.0/24"}),
    ("list", {"list": "callee_black", "entry": "0900*"}),
    ("parameter", {"value": ""}),
]


def insertion(table, changed):
    row = {**RIGHT[table], **changed}
    return (f"insert into {table} ({', '.join(row)}) values "
            f"({', '.join(map(quoted, row.values()))})")


def checks_of(d, types):
    return set(d.sql(
        "select conname from pg_constraint where conrelid <> 0 and "
        f"contype in ({types}) and conparentid = 0 and not exists (select "
        "from pg_inherits where inhrelid = conrelid)").split("\n"))


@case
def every_wrong_value_is_refused_by_its_name():
    expected = []
    for tables, column, word, values in WRONG:
        for table in tables:
            name = CALLED.get((table, column, word),
                              f"{table}_{column}_{word}")
            expected += [(insertion(table, {COLUMN.get(column, column): v}),
                          name) for v in values]
    expected += [(insertion(t, changed), name)
                 for t, changed, name in WRONG_TOGETHER]
    with migrated(RECORDS) as d:
        answers = d.tried([statement for statement, _ in expected])
        for (statement, name), answer in zip(expected, answers):
            assert answer == name, f"{statement[:300]}\nbroke {answer!r}"
        # A balance is only reached through what it sums up.
        untried = checks_of(d, "'c'") - {name for _, name in expected}
        assert untried == {"balance_reserved_range"}, untried


@case
def every_right_value_is_taken():
    with migrated(RECORDS) as d:
        statements = [insertion(t, changed) for t, changed in ALLOWED]
        for statement, answer in zip(statements, d.tried(statements)):
            assert answer == "", f"{statement}\nbroke {answer}"


def fields_of_code():
    """(table, column, words) of every field that the code knows"""
    kinds = {"RATE_TABLE": ["rate_table"], "ACCOUNT": ["account"],
             "GROUP": ["gateway_group"], "GATEWAY": GATEWAYS,
             "MAPPING": ["mapping"], "REGISTRATION": ["registration"],
             "ROUTING": ["routing"], "PHONE": ["phone"], "RATE": ["rate"],
             "LIST": ["list"]}
    text = (ROOT / "shared/catalog/records.def").read_text(encoding="utf-8")
    rows = re.findall(r"(?ms)^([A-Z_]+)\((\w+), [\w.]+, ([A-Z0-9]+),(.*?)HELP",
                      text)
    assert len(rows) > 80, "records.def reads otherwise than it did"
    for kind, name, of_type, rest in rows:
        words = re.search(r'WORDS\("([^"]*)"\)', rest)
        for table in kinds[kind]:
            yield (table, name + ("_id" if of_type in ("REF", "REFS") else ""),
                   words.group(1).split() if words else [])


@case
def the_columns_are_the_fields_that_the_code_knows():
    # Of the dialect of the database: keys, and constants for foreign keys
    own = {"id", "account_kind", "agent_kind"}
    # Words that need another column beside them
    beside = {"dynamic": {"username": "u"}, "password": {"username": "u"},
              "ip_port": {"addresses": "10.0.0.1:1"},
              "source_black": {"entry": "10.0.0.1"},
              "source_white": {"entry": "10.0.0.1"}}
    fields = list(fields_of_code())
    with migrated(RECORDS) as d:
        columns = {tuple(line.split("|")) for line in d.sql(
            "select table_name, column_name from information_schema.columns "
            "where table_schema = 'public'").split("\n")}
        tables = {table for table, _, _ in fields}
        assert {(t, c) for t, c in columns if t in tables and c not in own} \
            == {(t, c) for t, c, _ in fields}
        statements = [
            insertion(table, {column: word, **beside.get(word, {})})
            for table, column, words in fields for word in words]
        for statement, answer in zip(statements, d.tried(statements)):
            assert answer == "", f"{statement}\nbroke {answer}"


@case
def a_record_in_use_cannot_be_removed():
    users = [
        ("delete from rate_table where id = 1",
         "account_rate_table_reference"),
        ("delete from rate_table where id = 2", "rate_table_reference"),
        ("delete from account where name = 'agent'",
         "account_agent_reference"),
        ("delete from account where name = 'customer'",
         "mapping_account_reference"),
        ("delete from account where name = 'vendor'",
         "routing_account_reference"),
        ("delete from account where name = 'phones'",
         "phone_account_reference"),
        ("delete from account where name = 'payer'",
         "ledger_account_reference"),
        ("delete from account where name = 'caller'",
         "hold_account_reference"),
        ("delete from account where name = 'leased'",
         "lease_account_reference"),
        ("delete from gateway_group where id = 1", "mapping_group_reference"),
        ("delete from gateway_group where id = 2", "routing_group_reference"),
        ("delete from registration where id = 1",
         "routing_registration_reference"),
        ("delete from routing where id = 1", "registration_gateway_reference"),
        ("delete from mapping where id = 1",
         "routing_mapping_names_reference"),
        ("update account set kind = 'agent' where name = 'customer'",
         "mapping_account_reference"),
    ]
    with migrated(RECORDS) as d:
        d.sql("insert into account (name) values ('phones'), ('payer'), "
              "('caller'), ('leased'); "
              "update phone set account_id = 4; "
              "update rate set table_id = 2; "
              "insert into ledger (account_id, amount, kind, operator) "
              "values (5, 1, 'payment', 'o'); "
              "insert into hold (id, account_id, amount) values ('h', 6, 1); "
              "insert into lease (node, account_id, granted) "
              "values ('n', 7, 1)")
        for (statement, name), answer in zip(
                users, d.tried([statement for statement, _ in users])):
            assert answer == name, f"{statement}\nbroke {answer!r}"
        untried = set(d.sql("select conname from pg_constraint where "
                            "contype = 'f' and confdeltype <> 'c' and "
                            "conparentid = 0").split()) - {
                                name for _, name in users}
        assert not untried, untried
        # And what is in nobody's use goes, with what was made for it.
        d.sql("delete from phone; delete from account where name = 'phones'")
        assert d.sql("select count(*) from balance "
                     "where account_id = 4") == "0"
        d.sql("update registration set gateway_id = null; "
              "delete from routing; delete from mapping; "
              "delete from registration")
        assert d.sql("select (select count(*) from mapping_address), "
                     "(select count(*) from routing_mapping), "
                     "(select count(*) from terminal)") == "0|0|0"


@case
def two_that_name_each_other_are_made_in_one_transaction():
    with migrated("begin; set constraints all deferred; "
                  "insert into registration (name, sip_proxy, gateway_id) "
                  "values ('r', 'h', 1); insert into routing (name, "
                  "registration_id) values ('g', 1); commit") as d:
        d.refuses("insert into registration (name, sip_proxy, gateway_id) "
                  "values ('x', 'h', 9)", "registration_gateway_reference")


# --- what no two records may share -------------------------------------------

MAPPING = "insert into mapping (name, account_id, auth_mode, addresses, " \
          "username, type) values "

SHARED = [
    # (what is there, what comes, the constraint or None)
    ("('a', 1, 'ip', '192.0.2.0/24', '', 'static')",
     "('b', 1, 'ip', '198.51.100.1,192.0.2.7', '', 'static')",
     "mapping_addresses_overlap"),
    ("('a', 1, 'ip', '192.0.2.7', '', 'static')",
     "('b', 1, 'ip', '192.0.0.0/16', '', 'static')",
     "mapping_addresses_overlap"),
    ("('a', 1, 'ip', '2001:db8::/32', '', 'static')",
     "('b', 1, 'ip', '2001:db8:5::1', '', 'static')",
     "mapping_addresses_overlap"),
    ("('a', 1, 'ip_port', '192.0.2.7:5060', '', 'static')",
     "('b', 1, 'ip_port', '192.0.2.7:5060', '', 'static')",
     "mapping_addresses_overlap"),
    ("('a', 1, 'ip_port', '[2001:db8::1]:5060', '', 'static')",
     "('b', 1, 'ip_port', '[2001:db8:0::1]:5060', '', 'static')",
     "mapping_addresses_overlap"),
    ("('a', 1, 'ip_port', '192.0.2.7:5060', '', 'static')",
     "('b', 1, 'ip_port', '192.0.2.7:5061', '', 'static')", None),
    ("('a', 1, 'ip', '192.0.2.7', '', 'static')",
     "('b', 1, 'ip_port', '192.0.2.7:5060', '', 'static')", None),
    ("('a', 1, 'ip', '192.0.2.0/25', '', 'static')",
     "('b', 1, 'ip', '192.0.2.128/25', '', 'static')", None),
    ("('a', 1, 'password', '192.0.2.7', 'u', 'static')",
     "('b', 1, 'password', '192.0.2.7', 'v', 'static')",
     "mapping_addresses_overlap"),
    ("('a', 1, 'password', '', 'u', 'static')",
     "('b', 1, 'password', '', 'u', 'static')", "terminal_username_unique"),
    ("('a', 1, 'password', '', '1001', 'static')",
     "('b', 1, 'ip', '192.0.2.7', '1001', 'static')", None),
    ("('a', 1, 'password', '', 'u', 'static')",
     "('b', 1, 'ip', '', 'u', 'dynamic')", "terminal_username_unique"),
]


@case
def doubled_addresses_and_user_names_are_refused():
    with migrated("insert into account (name) values ('c')") as d:
        statements = [f"{MAPPING}{there}; {MAPPING}{comes}"
                      for there, comes, _ in SHARED]
        for (_, _, name), statement, answer in zip(
                SHARED, statements, d.tried(statements)):
            assert answer == (name or ""), f"{statement}\nbroke {answer}"

        # A user name is taken by a terminal of any kind, and given back.
        d.sql("insert into phone (number, account_id) values ('1', 1)")
        routing = "insert into routing (name, type, username) values " \
                  "('g', 'dynamic', '1')"
        d.refuses(routing, "terminal_username_unique")
        d.refuses(f"{MAPPING}('a', 1, 'password', '', '1', 'static')",
                  "terminal_username_unique")
        d.sql("update phone set number = '2'")
        d.sql(routing)
        d.refuses("update phone set number = '1'", "terminal_username_unique")
        d.sql("update routing set type = 'static'")
        d.sql("update phone set number = '1'")
        d.sql("delete from phone")
        d.sql("update routing set type = 'dynamic'")
        # Changing places in one statement is no doubling.
        d.sql("insert into phone (number, account_id) values ('8', 1)")
        d.sql("delete from routing; "
              "insert into phone (number, account_id) values ('9', 1)")
        d.sql("update phone set enabled = false")
        assert d.sql("select username from terminal order by 1") == "8\n9"


@case
def doubled_ones_are_refused_to_two_writers_at_once():
    phone = "insert into phone (number, account_id) values ('7', 1)"
    mapping = f"{MAPPING}('a', 1, 'password', '192.0.2.7', '7', 'static')"
    other = f"{MAPPING}('b', 1, 'password', '192.0.2.0/24', '8', 'static')"
    with migrated("insert into account (name) values ('c')") as d:
        # Also where the lock that makes writers wait has been taken away
        for locks in ("enable", "disable"):
            for table in ("phone", "mapping"):
                d.sql(f"alter table {table} {locks} trigger config_lock")
            for first, second, name in (
                    (phone, mapping, "terminal_username_unique"),
                    (mapping, other, "mapping_addresses_overlap")):
                with sessions(d, 2) as (one, two):
                    one.tell(f"begin; {first};")
                    assert one.said() == ""
                    two.tell(f"{second};")
                    d.wait_for_locks(1)
                    one.tell("commit;")
                    assert one.said() == ""
                    assert f"CONSTRAINT NAME:  {name}" in two.said()
                d.sql("delete from phone; delete from mapping")


if __name__ == "__main__":
    sys.exit(main())
