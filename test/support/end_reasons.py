"""What a record says of each end reason: cdr.md 2."""

CALLER, CALLEE, SERVER = "caller", "callee", "server"
# token: (sides, Q.850 causes)
ENDS = {
    "NormalRelease": ((CALLER, CALLEE), (16,)),
    "CallerCancel": ((CALLER,), (16,)),
    "CalleeBusy": ((CALLEE,), (17,)),
    "CalleeRejected": ((CALLEE,), (21,)),
    "NoAnswer": ((SERVER, CALLEE), (19,)),
    "NoAvailableRouter": ((SERVER,), (3,)),
    "AllGatewayBusy": ((SERVER,), (34,)),
    "GatewayTimeout": ((SERVER, CALLEE), (102,)),
    "InviteTimeout": ((SERVER,), (102,)),
    "TryingTimeout": ((SERVER,), (102,)),
    "SessionProgressTimeout": ((SERVER,), (102,)),
    "EarlyMediaTimeout": ((SERVER,), (102,)),
    "AccountBalanceNotEnough": ((SERVER,), (21,)),
    "VendorBalanceNotEnough": ((SERVER,), (34,)),
    "AccountLocked": ((SERVER,), (21,)),
    "NoRate": ((SERVER,), (21,)),
    "BalanceExhausted": ((SERVER,), (31,)),
    "SessionTimeout": ((SERVER,), (102,)),
    "NoTimerLimit": ((SERVER,), (31,)),
    "MaxDuration": ((SERVER,), (31,)),
    "NoMediaTimeout": ((SERVER,), (41,)),
    "OperatorDisconnect": ((SERVER,), (31,)),
    "UnauthorizedSource": ((SERVER,), (21,)),
    "AuthenticationFailed": ((SERVER,), (21,)),
    "Blacklisted": ((SERVER,), (21,)),
    "CapacityLimit": ((SERVER,), (42,)),
    "NumberInvalid": ((SERVER, CALLEE), (28,)),
    "NotRegistered": ((SERVER,), (20,)),
    "MediaFailure": ((SERVER, CALLEE), (88, 47)),
    "SystemRecovery": ((SERVER,), (41,)),
    "InternalError": ((SERVER,), (41,)),
}


def contradicted(record):
    """What a record says that its end reason does not: {} if nothing."""
    sides, causes = ENDS[record["end_reason"]]
    return {name: record.get(name) for name, wanted in (
        ("end_side", sides), ("q850", causes))
        if record.get(name) not in wanted}
