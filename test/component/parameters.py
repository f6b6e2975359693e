#!/usr/bin/env python3
"""The acceptance tests of parameters, by command, on a running cluster.

parameters.py BIN CASE: one case, with a cluster and a PostgreSQL of its own.
"""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.cases import case, main  # noqa: E402
from support.cluster import wait_for  # noqa: E402
from support.switch import Switch  # noqa: E402


@case
def a_fresh_install_has_every_parameter_with_its_default():
    with Switch() as s:
        code, text = s.ctl("--json", "param", "list")
        assert code == 0
        rows = {r["name"]: r for r in json.loads(text)["rows"]}
        assert len(rows) >= 70, len(rows)
        for name, value in (
                ("SS_SIP_SESSION_TTL", "600"),
                ("SS_SIP_SESSION_UPDATE_SEGMENT", "2"),
                ("SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP", "0"),
                ("SS_SIP_NO_TIMER_REINVITE_INTERVAL", "7200"),
                ("SS_NOMEDIAHANGUPTIME", "0"),
                ("SERVER_BILLING_FEE_PRECISTION", "2"),
                ("SS_SIP_TIMEOUT_INVITE", "10"),
                ("SS_SIP_TIMEOUT_TRYING", "20"),
                ("SS_SIP_TIMEOUT_SESSION_PROGRESS", "20"),
                ("SS_SIP_TIMEOUT_SESSION_PROGRESS_SDP", "120"),
                ("SS_SIP_TIMEOUT_RINGING", "120")):
            assert rows[name]["value"] == value, rows[name]
            assert rows[name]["default"] == value, rows[name]
            assert rows[name]["origin"] == "default", rows[name]
        s.stop()


@case
def what_is_out_of_range_is_refused_and_changes_nothing():
    with Switch() as s:
        name = "SS_SIP_SESSION_UPDATE_SEGMENT"
        for value in ("1", "11"):
            s.refused("param", "set", f"{name}={value}",
                      saying=f"{name}: {value} is not allowed (2-10)")
            assert s.param(name) == "2"
        for value in ("2", "10"):
            s.do("param", "set", f"{name}={value}")
            assert s.param(name) == value
        for name, values in (
                ("SS_SIP_NAT_KEEP_ALIVE_PERIOD", ("9", "86401")),
                ("SS_AUTHENTICATION_FAILED_SUSPEND", ("59", "3601")),
                ("SS_AUTHENTICATION_MAX_RETRY", ("1000",)),
                ("SS_SIP_USER_AGENT_RETRY_DELAY", ("29", "601")),
                ("SS_SIP_USER_AGENT_EXPIRE", ("19", "7201")),
                ("SERVER_BILLING_FEE_PRECISTION", ("5", "-1")),
                ("SS_ENDPOINT_EXPIRE", ("600/300",)),
                ("SS_SIP_RESEND_INTERVAL",
                 ("1,1,1,1,1,1,1,1,1,1,1", "1,abc", "1,-1"))):
            before = s.param(name)
            for value in values:
                s.refused("param", "set", f"{name}={value}", saying=name)
            assert s.param(name) == before
        s.refused("param", "set", "SERVER_BILLING_FEE_PRECISION=3",
                  saying="unknown parameter")
        s.stop()


@case
def one_bad_value_keeps_the_good_ones_out_too():
    with Switch() as s:
        s.refused("param", "set", "SS_MAX_CPS=20", "SS_MAX_CALLS=-5",
                  saying="SS_MAX_CALLS")
        assert s.param("SS_MAX_CPS") == "0"
        s.do("param", "set", "SS_MAX_CPS=20", "SS_MAX_CALLS=5")
        assert s.param("SS_MAX_CPS") == "20"
        rows = s.ask("history.list")
        assert rows[0]["changes"] == 2 and rows[0]["operator"], rows[0]
        s.stop()


def warnings_of(s, **values):
    """Set, and the parameters that are warned about."""
    code, text = s.ctl("--json", "param", "set",
                       *(f"{n}={v}" for n, v in values.items()))
    assert code == 0, text
    return [w["name"] for w in json.loads(text)["warnings"]
            if w["level"] == "warning"]


@case
def warnings_store_the_value():
    with Switch() as s:
        name = "SS_SIP_NO_TIMER_REINVITE_INTERVAL"
        assert name in warnings_of(s, **{name: "1799"})
        assert s.param(name) == "1799"
        rows = s.ask("check.list")
        assert any(r["name"] == name for r in rows), rows
        s.refused("check", "--strict", saying=name)
        assert warnings_of(s, **{name: "1800"}) == []
        for name, value in (("SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP", "30"),
                            ("SS_SIP_AUTHENTICATION_RETRY", "11")):
            assert name in warnings_of(s, **{name: value})
            assert s.param(name) == value
        s.stop()


@case
def the_session_timer_has_two_names():
    with Switch() as s:
        s.do("param", "set", "SS_SESSION_TIMER=900")
        assert s.param("SS_SIP_SESSION_TTL") == "900"
        assert s.param("SS_SESSION_TIMER") == "900"
        s.do("param", "set", "SS_SESSION_TIMER=0")
        assert s.param("SS_SESSION_TIMER") == "0"
        s.do("param", "unset", "SS_SESSION_TIMER")
        assert s.param("SS_SIP_SESSION_TTL") == "900"
        assert s.param("SS_SESSION_TIMER") in ("None", "900")
        s.stop()


WHOLESALE = {
    "SS_SIP_SESSION_TTL": "300", "SS_SIP_SESSION_UPDATE_SEGMENT": "2",
    "SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP": "0",
    "SS_SIP_NO_TIMER_REINVITE_INTERVAL": "3600",
    "SS_NOMEDIAHANGUPTIME": "60", "SS_SIP_RESEND_INTERVAL": "0.5,1,2,4,4,4",
    "SS_GATEWAY_SWITCH_LIMIT": "4", "SS_SIP_E164_DISPLAY_FROM": "e164",
    "SERVER_BILLING_FEE_PRECISTION": "3", "SERVER_BILLING_FEE_UNIT": "0.001",
}


@case
def a_profile_sets_what_it_names_and_nothing_else():
    with Switch() as s:
        s.do("param", "set", "SS_MAX_CPS=7")
        rows = s.ask("profile.diff", name="wholesale")
        assert {"SS_SIP_SESSION_TTL", "SS_NOMEDIAHANGUPTIME"} <= {
            r["parameter"] for r in rows}, rows
        before = s.ask("catalog.status")[0]["version"]
        s.do("profile", "apply", "wholesale")
        assert s.ask("catalog.status")[0]["version"] == before + 1
        for name, value in WHOLESALE.items():
            assert s.param(name) == value, (name, s.param(name))
        assert s.param("SS_MAX_CPS") == "7"
        assert s.ask("profile.diff", name="wholesale") == []
        s.do("profile", "apply", "standard")
        for name in WHOLESALE:
            row = s.ask("param.get", name=name)[0]
            assert row["value"] == row["default"], row
        assert s.param("SS_MAX_CPS") == "7"
        s.refused("profile", "apply", "whole", saying="no profile")
        s.stop()


def add_gateway(s, name, **fields):
    s.do("routing", "add", name, *(f"{k}={v}" for k, v in fields.items()))


@case
def a_gateway_keeps_its_own_value_or_follows():
    with Switch() as s:
        add_gateway(s, "GW1", addresses="203.0.113.11:5060",
                    trying_timeout=30)
        add_gateway(s, "GW2", addresses="203.0.113.12:5060")
        s.do("param", "set", "SS_SIP_TIMEOUT_TRYING=25")
        rows = [s.ask("param.explain", name="SS_SIP_TIMEOUT_TRYING",
                      gateway=g)[0] for g in ("GW1", "GW2")]
        assert rows[0]["value"] == "30" and "GW1" in rows[0]["origin"], rows
        assert rows[1]["value"] == "25" and rows[1]["origin"] == "system", rows
        s.refused("routing", "set", "GW1", "trying_timeout=601",
                  saying="trying_timeout: 601 is not allowed (1-600)")
        s.do("routing", "set", "GW1", "trying_timeout=inherit")
        row = s.ask("param.explain", name="SS_SIP_TIMEOUT_TRYING",
                    gateway="GW1")[0]
        assert row["value"] == "25", row
        s.stop()


@case
def history_shows_who_and_rollback_restores():
    with Switch() as s:
        s.do("param", "set", "SS_MAX_CPS=20")
        s.do("param", "set", "SS_MAX_CPS=30")
        rows = s.ask("param.history", name="SS_MAX_CPS")
        assert [(r["old"], r["new"]) for r in rows] == [
            ("20", "30"), (None, "20")], rows
        assert all(r["changed_by"] for r in rows)
        row, = s.ask("history.show", version=rows[0]["version"])
        assert row["kind"] == "param" and row["name"] == "SS_MAX_CPS", row
        assert row["before"]["value"] == "20", row
        assert row["after"]["value"] == "30", row
        s.do("param", "rollback", "SS_MAX_CPS")
        assert s.param("SS_MAX_CPS") == "20"
        version = s.ask("catalog.status")[0]["version"]
        s.do("account", "add", "A1")
        s.do("param", "set", "SS_MAX_CPS=99")
        s.do("revert", str(version))
        assert s.param("SS_MAX_CPS") == "20"
        assert s.ask("account.list") == []
        for limit in ("0", "10001"):
            s.refused("history", "--limit", limit, saying="limit")
        newest = s.ask("history.list", limit=1)[0]
        assert newest["version"] > version and "revert" in newest["note"]
        row = s.ask("param.get", name="SS_MAX_CPS")[0]
        assert row["changed_by"] and row["version"] == newest["version"], row
        s.refused("revert", "99999", saying="there is no version")
        s.stop()


@case
def a_change_is_everywhere_when_the_command_returns():
    with Switch() as s:
        for n in range(5):
            s.do("param", "set", f"SS_MAX_CPS={n + 1}")
            version = s.ask("catalog.status")[0]["version"]
            assert set(s.versions().values()) == {version}, s.versions()
        # Behind our back, by psql: seen too, and under the name of the user
        s.pg.psql("insert into parameter values ('SS_MAX_CALLS', '77')")
        wait_for(5, lambda: s.param("SS_MAX_CALLS") == "77", "the change")
        assert s.ask("param.get", name="SS_MAX_CALLS")[0][
            "changed_by"] == "tandem"
        s.stop()


if __name__ == "__main__":
    sys.exit(main())
