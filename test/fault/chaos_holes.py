"""Whose is a hole in the sound: of a kill of mediad, of a SIGSTOP, of the
machine, or of nobody.

A hole is from the last packet that an end heard until the next one, and its
milliseconds are those beyond the spacing, without how late the sender was
itself (manycalls_sound.h).

Of a stop is what touches the time for which mediad was stopped. Of a kill is
what was going on at that instant or begins within a second after it: until
then all that waited in the sockets is through. What a hole had already lasted
when mediad was killed is not the kill's. All others are apart, and nobody's
excuse.

The machine (a virtual one, whose host has other things to do) may stand still.
A thread of real-time priority on each processor says when, and the kernel how
much of each processor's time the host took, in ticks, in pieces too short for
any thread to see (steady.c). What of a hole passed like that is told, and does
not count.
"""

import bisect
import statistics
import subprocess

HOLE_MEDIAN_MS, HOLE_MOST_MS = 20, 100
STEP_S = 0.02
AFTER_S = 1.0
MOMENT_S = 0.05  # holes that begin this close together are one moment


class Stillness:
    """When some processor stood still, or was the host's."""

    def __init__(self, lines=()):
        """lines: of "steady -t"."""
        rows = [line.split() for line in lines]
        self.is_known = bool(lines) and ["unknown"] not in rows
        self.all = sorted((float(end) - float(ms) / 1000, float(end))
                          for what, end, ms, _ in
                          (r for r in rows if r[0] == "still"))
        self.stolen = {}  # {processor: ([time], [ms until then])}
        for _, at, ms, cpu in (r for r in rows if r[0] == "stolen"):
            times, totals = self.stolen.setdefault(cpu, ([], []))
            times.append(float(at))
            totals.append(float(ms))
        self.spans = []
        for begin, end in self.all:
            if self.spans and begin <= self.spans[-1][1]:
                self.spans[-1][1] = max(self.spans[-1][1], end)
            else:
                self.spans.append([begin, end])

    def within(self, begin, end):
        """How much of this time, in s: by the threads, or by the kernel for
        the processor that lost most, whichever saw more"""
        return max(self._seen(begin, end), self._counted(begin, end))

    def _counted(self, begin, end):
        def until(at, times, totals):
            return totals[max(0, bisect.bisect(times, at) - 1)]

        return max((until(end, *rows) - until(begin, *rows)
                    for rows in self.stolen.values()), default=0.0) / 1000

    def _seen(self, begin, end):
        at = max(0, bisect.bisect(self.spans, [begin, begin]) - 1)
        total = 0.0
        for first, last in self.spans[at:]:
            if first >= end:
                break
            total += max(0.0, min(last, end) - max(first, begin))
        return total

    def stolen_ms(self):
        """Of a second, from the processor that lost most"""
        return max(((ms[-1] - ms[0]) / (at[-1] - at[0])
                    for at, ms in self.stolen.values() if len(at) > 1),
                   default=0.0)

    def worst_ms(self):
        return 1000 * max((e - b for b, e in self.all), default=0.0)


class Watch:
    """When a processor of the machine stood still, whatever ran on it"""

    def __init__(self, bin_dir, file):
        self.file = file
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen(
            [f"{bin_dir}/steady", "-t", str(file), "sleep", "infinity"],
            cwd="/", stdin=subprocess.DEVNULL)

    def end(self):
        self.process.kill()
        self.process.wait()

    def stillness(self):
        return Stillness(self.file.read_text().splitlines())


class Holes:
    """Holes of the same owner: as measured, and what of it counts, in ms"""

    def __init__(self, at):
        self.at = at
        self.end = at
        self.measured = self.counts = 0.0

    def add(self, end, measured, counts):
        self.end = max(self.end, end)
        self.measured = max(self.measured, measured)
        self.counts = max(self.counts, counts)


class Verdict:
    def __init__(self, kills, stops, holes, still):
        """kills: instants; stops: (from, to); holes: (last packet before it,
        ms), all by wall time, in s."""
        self.still = still
        self.kills = [Holes(at) for at in sorted(kills)]
        self.stopped, self.apart = [], []  # one for each moment
        for begin, ms in sorted(holes):
            end = begin + STEP_S + ms / 1000
            if any(begin < to and end > since for since, to in stops):
                self._moment(self.stopped, begin, end, ms)
                continue
            kill = self._kill_of(begin, end)
            if kill is None:
                self._moment(self.apart, begin, end, ms)
                continue
            # Behind two kills close together, the earlier one's
            since = max(begin, kill.at)
            share = min(ms, 1000 * (end - since))
            kill.add(end, share, max(
                0.0, share - 1000 * still.within(since, end)))

    def _kill_of(self, begin, end):
        found = None
        for kill in self.kills:
            if kill.at < end and begin < kill.at + AFTER_S:
                # That which it began behind; else the first it saw
                if found is None or kill.at <= begin:
                    found = kill
        return found

    def _moment(self, moments, begin, end, ms):
        if not moments or begin > moments[-1].end + MOMENT_S:
            moments.append(Holes(begin))
        moments[-1].add(end, ms, max(
            0.0, ms - 1000 * self.still.within(begin, end)))

    def kill_median(self, what="counts"):
        rows = [getattr(k, what) for k in self.kills]
        return statistics.median(rows) if rows else 0.0

    def kill_worst(self, what="counts"):
        return max((getattr(k, what) for k in self.kills), default=0.0)

    def apart_worst(self, what="counts"):
        return max((getattr(m, what) for m in self.apart), default=0.0)

    def stopped_worst(self):
        return max((m.measured for m in self.stopped), default=0.0)

    def apart_over(self, ms):
        """How many moments"""
        return sum(m.counts >= ms for m in self.apart)

    def wide(self, ms):
        """What was measured so wide, in the order of time: (at, whose,
        measured, what of it counts)"""
        return sorted((m.at, whose, m.measured, m.counts)
                      for whose, rows in (("a kill", self.kills),
                                          ("a stop", self.stopped),
                                          ("nobody", self.apart))
                      for m in rows if m.measured >= ms)


# --- for a reader --------------------------------------------------------------

def rows_of(sound, late):
    known = sound.still.is_known
    return (
        ("  hole beyond the spacing, median ms",
         f"{sound.kill_median():.1f}", f"{HOLE_MEDIAN_MS}"),
        ("  the worst, ms", f"{sound.kill_worst():.1f}", f"{HOLE_MOST_MS}"),
        ("  with what the machine stood still, median ms",
         f"{sound.kill_median('measured'):.1f}", ""),
        ("  the worst, ms", f"{sound.kill_worst('measured'):.1f}", ""),
        (f"holes of {HOLE_MEDIAN_MS} ms without a kill",
         sound.apart_over(HOLE_MEDIAN_MS), ""),
        ("  the worst, ms", f"{sound.apart_worst():.1f}", f"{HOLE_MOST_MS}"),
        ("  with what the machine stood still, ms",
         f"{sound.apart_worst('measured'):.1f}", ""),
        ("SIGSTOP of mediad, the worst hole, ms",
         f"{sound.stopped_worst():.1f}", ""),
        ("the machine stood still for 4 ms, times",
         len(sound.still.all) if known else "unknown", ""),
        ("  the longest, ms", f"{sound.still.worst_ms():.1f}", ""),
        ("  what the host took of each second, ms",
         f"{sound.still.stolen_ms():.1f}", ""),
        ("the load was late itself, at most ms", f"{late:.1f}", ""))


def tell_wide(sound, faults):
    """What happened about each wide hole; a reader wants to know."""
    first = faults[0][0] if faults else 0.0
    for at, whose, measured, counts in sound.wide(HOLE_MOST_MS / 2):
        about = ", ".join(f"{what} {when - at:+.2f} s" for when, what in
                          faults if -2 < when - at < 1)
        print(f"hole: at {at - first:.1f} s, of {whose}: {measured:.1f} ms, "
              f"of which {counts:.1f} count; {about}")
