"""What dies, when, and what is promised: the table of test/fault/matrix.py.

A cell is a fault, a target and a state of a call. The promise is the same for
nearly all of them, so it is written once, and rows say where they differ.
"""

import collections

FAULTS = {
    "kill": "SIGKILL",
    "stop": "SIGSTOP for 5 s",
    "abort": "SIGABRT",
    "bus": "10 of 100 messages on the bus lost, from before the call until "
           "after its record",
    "clock": "wall time steps by an hour: once forward, once back",
    "full": "the disk of state_dir is full, and the target is killed",
    "database": "PostgreSQL is stopped, and the target is killed",
}

TARGETS = {
    "sipd": ("sipd",),
    "mediad": ("mediad",),
    "regd": ("regd",),
    "billingd": ("billingd",),
    "supervisor": ("supervisor",),
    "two": None,  # PAIRS
}

# Of "two at once": all of them in the whole matrix, the first in the short
# one. Faults that everybody has at once (a clock, a disk) need no pair: there
# the first one is both.
PAIRS = (("sipd", "mediad"), ("sipd", "billingd"), ("sipd", "supervisor"),
         ("mediad", "supervisor"), ("billingd", "regd"))

STATES = {
    "setting up": "the carrier has said 100; and a call that comes only now",
    "ringing": "180 is with the caller; one is answered, one is cancelled",
    "early media": "183 is with the caller, and both hear each other",
    "answered": "both talk; the called side hangs up",
    "re-INVITE": "both talk, and the caller's re-INVITE is not answered yet",
    "releasing": "the caller's BYE is with the carrier, who has not answered",
}

# Cells that say nothing: why.
NOT_APPLICABLE = {
    ("bus", "supervisor"): "it has no bus: it speaks to its children over "
                           "channels of their own",
    ("clock", "supervisor"): "it uses wall time for the lines of its log "
                             "alone",
}

# hole_ms: the longest silence that either end may hear, the machine's own
# lateness included: others use it too. chaos measures the true figure.
# lost: packets of all calls together. final_s: what the caller waits for an
# answer beyond what he would have.
Promise = collections.namedtuple(
    "Promise", "notices record hole_ms lost final_s new")

KEPT = Promise(
    notices="nothing: every call goes on, is answered, cancelled and ended "
            "by either side as if nothing had happened",
    record="one for each call, whose end and duration are those of the wire",
    hole_ms=1000, lost=2, final_s=12, new=True)

BEAT = ("silence until the watchdog (1 s without a beat) has replaced it; "
        "what was said meanwhile arrives late; a call that comes meanwhile "
        "may be refused with 503")
LATE = ("answers are late until the watchdog (1 s without a beat) has "
        "replaced it; a call that comes meanwhile may be refused with 503, "
        "for overload")

# (fault, target): fields that differ. None: any.
DIFFERENT = {
    ("bus", None): {
        "notices": "the sound of a call that is set up may begin late: what "
                   "mediad is told is sent again when nothing is answered",
        "lost": 200},
    ("stop", "sipd"): {"notices": LATE, "new": None},
    ("stop", "mediad"): {"notices": BEAT, "hole_ms": 3500, "new": None},
    ("stop", "billingd"): {
        "notices": "a new call of a prepaid account is refused with 503 when "
                   "billingd has not answered within its deadline",
        "new": None},
    ("stop", "two"): {"notices": BEAT, "hole_ms": 3500, "new": None},
    ("full", None): {
        "notices": "calls that are up go on; a new one is refused with 503 "
                   "once the journal has no room, since what it costs could "
                   "not be written down",
        "new": None},
}

# Pairs whose promise differs from their row's.
OF_PAIRS = {
    frozenset(("mediad", "supervisor")): {
        "notices": "a gap of some ten packets: the ports are closed while "
                   "neither lives, unless the service manager keeps them",
        "lost": 60},
}

# By fault, too: nobody watches while the watchdog itself is stopped.
OF_STOPPED = {
    frozenset(("mediad", "supervisor")): {
        "notices": "silence until either is continued",
        "hole_ms": 7000},
}

# Promised, and not kept yet: cells that fail without failing the run.
NOT_YET = set()

# What the short matrix, a test of CTest, looks at.
SHORT = (("kill", "sipd"), ("kill", "mediad"), ("kill", "regd"),
         ("kill", "billingd"), ("kill", "supervisor"), ("kill", "two"),
         ("stop", "sipd"), ("stop", "mediad"), ("abort", "sipd"),
         ("bus", "sipd"), ("bus", "billingd"), ("clock", "sipd"),
         ("clock", "billingd"), ("full", "billingd"),
         ("database", "billingd"))


def promise(fault, target, processes=()):
    fields = {}
    for key in ((fault, None), (fault, target)):
        fields.update(DIFFERENT.get(key, {}))
    fields.update(OF_PAIRS.get(frozenset(processes), {}))
    if fault == "stop":
        fields.update(OF_STOPPED.get(frozenset(processes), {}))
    return KEPT._replace(**fields)


def rows(is_short=False, words=()):
    """(fault, target) of what is to be run: all words are in it."""
    return [(f, t) for f in FAULTS for t in TARGETS
            if (not is_short or (f, t) in SHORT)
            and all(w in (f, t) or "+" in w and t == "two" for w in words)
            and (f, t) not in NOT_APPLICABLE]


def unknown(words):
    """Words that choose no row, whatever stands beside them."""
    known = {*FAULTS, *TARGETS, *("+".join(pair) for pair in PAIRS)}
    return [w for w in words if w not in known]


def pairs(fault, target, is_short=False, words=()):
    """The processes of each episode of a row."""
    if target != "two":
        return [TARGETS[target]]
    wanted = [p for p in PAIRS if "+".join(p) in words]
    if wanted:
        return wanted
    if is_short or fault in ("clock", "full", "database", "bus"):
        return [PAIRS[0]]
    return list(PAIRS)
