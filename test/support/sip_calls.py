"""What cases of calls have in common: carriers, and how a call ended."""

GOOD = [(0, 100), (0.1, 180), (0.3, 200)]
SILENT = []


def busy(code, *before):
    """A carrier that says no, after these."""
    return [*before, (0.1, code)]


def refused(lane, code, reason, within=5.0, **record):
    """The caller of the lane's call gets this, and its record says why."""
    answer = lane.call.expect(("3xx", "4xx", "5xx", "6xx"), within)
    assert answer.code == code, f"{answer.first}, wanted {code}"
    lane.record(end_reason=reason, sip_code=code, duration=0, **record)
    return answer


def tried(record):
    """Names of the gateways that got an INVITE."""
    return [row["gateway"] for row in record["attempts"]
            if not row.get("skipped")]


def answered(lane, gateway=None, within=5.0, **invite):
    """A call that comes through, by this gateway, and is ended."""
    call = lane.invite(**invite)
    call.ack(call.expect(200, within))
    call.bye()
    call.expect("200 BYE")
    return lane.record(end_reason="NormalRelease", end_side="caller",
                       **({"routing_gateway": gateway.name}
                          if gateway else {}))
