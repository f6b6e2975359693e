"""A picture of a chaos run: calls, sound, records and faults over time.

Three panels with one time axis. Colours follow the reader's light or dark
theme; what matters is also said in words.
"""

import collections
import datetime

WIDTH, LEFT, RIGHT = 900, 74, 20
HOUR_S = 3600
HEIGHT, GAP, TOP, BOTTOM = 120, 42, 84, 60
KINDS = (("kill sipd", "sipd"), ("kill mediad", "mediad"),
         ("kill billingd", "billingd"), ("kill regd", "regd"),
         ("kill supervisor", "supervisor"), ("stop", "stopped"),
         ("database", "PostgreSQL"), ("bus", "bus loss"), ("clock", "clock"))
STYLE = """
  .back { fill: #ffffff } text { fill: #24292f; font: 12px sans-serif }
  .title { font: bold 15px sans-serif } .small { font-size: 11px }
  .grid { stroke: #d0d7de; stroke-width: 1; fill: none }
  .calls { stroke: #0969da; fill: none; stroke-width: 1.6 }
  .records { stroke: #8250df; fill: none; stroke-width: 1.6;
             stroke-dasharray: 5 3 }
  .lost { fill: #cf222e } .hole { fill: #bf8700 }
  .k0 { stroke: #cf222e } .k1 { stroke: #bf8700 } .k2 { stroke: #8250df }
  .k3 { stroke: #1a7f37 } .k4 { stroke: #24292f } .k5 { stroke: #6e7781 }
  .k6 { stroke: #0969da } .k7 { stroke: #bc4c00 } .k8 { stroke: #1b7c83 }
  .mark { stroke-width: 2 } .faint { stroke-width: 1; opacity: .25 }
  @media (prefers-color-scheme: dark) {
    .back { fill: #0d1117 } text { fill: #e6edf3 }
    .grid { stroke: #30363d } .calls { stroke: #58a6ff }
    .records { stroke: #bc8cff } .lost { fill: #ff7b72 }
    .hole { fill: #e3b341 } .k0 { stroke: #ff7b72 } .k1 { stroke: #e3b341 }
    .k2 { stroke: #bc8cff } .k3 { stroke: #56d364 } .k4 { stroke: #e6edf3 }
    .k5 { stroke: #8b949e } .k6 { stroke: #58a6ff } .k7 { stroke: #ffa657 }
    .k8 { stroke: #39c5cf }
  }
"""


def kind_of(what):
    return next((n for n, (start, _) in enumerate(KINDS)
                 if what.startswith(start)), None)


def seconds_of(lines):
    """{second: [up, lost, over]} of all ends together."""
    rows = collections.defaultdict(lambda: [0, 0, 0])
    for at, _, up, over, _, _, lost, *_ in lines["second"]:
        row = rows[int(float(at))]
        row[0] += int(up)
        row[1] += int(lost)
        row[2] += int(over) // 2
    return dict(rows)


def ended_at(record, near):
    """When a record says that it ended, less the hours by which the clock of
    sipd was stepped."""
    text = record.get("end_time")
    if not text:
        return None
    at = datetime.datetime.fromisoformat(
        text.replace("Z", "+00:00")).timestamp()
    return at + round((near - at) / HOUR_S) * HOUR_S


class Picture:
    def __init__(self, first, last):
        self.first, self.last = first, max(last, first + 1)
        self.parts = []

    def x(self, at):
        part = (at - self.first) / (self.last - self.first)
        return LEFT + max(0.0, min(1.0, part)) * (WIDTH - LEFT - RIGHT)

    def add(self, text):
        self.parts.append(text)

    def text(self, x, y, words, css="", anchor="start"):
        self.add(f'<text x="{x:.0f}" y="{y:.0f}" class="{css}" '
                 f'text-anchor="{anchor}">{words}</text>')

    def panel(self, n, title, most, unit):
        """A frame; the function that makes a y of a value."""
        top = TOP + n * (HEIGHT + GAP)
        self.text(LEFT, top - 7, title)
        for part in (0, 0.5, 1):
            y = top + HEIGHT * (1 - part)
            self.add(f'<path class="grid" d="M{LEFT} {y:.0f}H{WIDTH - RIGHT}"'
                     '/>')
            self.text(LEFT - 6, y + 4, f"{most * part:g}{unit}", "small",
                      "end")
        return lambda v: top + HEIGHT * (1 - min(1.0, v / most))

    def line(self, css, points):
        if points:
            self.add(f'<path class="{css}" d="M' + "L".join(
                f"{x:.1f} {y:.1f}" for x, y in points) + '"/>')

    def bars(self, css, points, base, width=2.0):
        for x, y in points:
            if base - y > 0.3:
                self.add(f'<rect class="{css}" x="{x - width / 2:.1f}" '
                         f'y="{y:.1f}" width="{width}" '
                         f'height="{base - y:.1f}"/>')


def nice(value):
    """A round number that is not smaller."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if step * factor >= value:
                return step * factor
        step *= 10


def legend(picture, faults):
    x, y = LEFT, 40
    counts = collections.Counter(kind_of(what) for _, what in faults)
    for n, (_, name) in enumerate(KINDS):
        if not counts[n]:
            continue
        words = f"{name} {counts[n]}"
        if x + 24 + 7 * len(words) > WIDTH - RIGHT:
            x, y = LEFT, y + 16
        picture.add(f'<path class="k{n} mark" d="M{x} {y - 9}v10"/>')
        picture.text(x + 6, y, words, "small")
        x += 24 + 7 * len(words)


def draw(lines, faults, records, seed):
    rows = seconds_of(lines)
    first, last = min(rows), max(rows)
    # What follows the load is silence.
    last = max([t for t in rows if rows[t][0]], default=last) + 3
    picture = Picture(first, last)
    times = sorted(t for t in rows if t <= last)
    answered = sum(bool(r.get("answer_time")) for r in records)
    lost = sum(r[1] for r in rows.values())
    picture.add('<rect class="back" width="100%" height="100%"/>')
    picture.text(LEFT, 20, f"{len(records)} calls under {len(faults)} faults: "
                 f"{answered} answered, {len(records)} records, "
                 f"{lost} packets lost (seed {seed})", "title")
    legend(picture, faults)
    bottom = TOP + 3 * HEIGHT + 2 * GAP
    for at, what in faults:
        n = kind_of(what)
        if n is not None:
            picture.add(f'<path class="k{n} faint" d="M{picture.x(at):.1f} '
                        f'{TOP}V{bottom}"/>')

    y = picture.panel(0, "calls that are up", nice(max(
        r[0] for r in rows.values())), "")
    picture.line("calls", [(picture.x(t), y(rows[t][0])) for t in times])

    holes = [(float(h[0]), float(h[1])) for h in lines["hole"]]
    most = nice(max([ms for _, ms in holes] + [20]))
    y = picture.panel(1, "sound: the worst hole beyond the spacing in each "
                      "second, ms; below it, packets lost", most, "")
    worst = collections.defaultdict(float)
    for at, ms in holes:
        worst[int(at)] = max(worst[int(at)], ms)
    picture.bars("hole", [(picture.x(t + .5), y(ms))
                          for t, ms in sorted(worst.items())], y(0))
    for t in times:
        if rows[t][1] > 0:
            picture.add(f'<circle class="lost" cx="{picture.x(t + .5):.1f}" '
                        f'cy="{y(0) + 6:.1f}" r="2"/>')

    total = nice(max(len(records), max(r[2] for r in rows.values())))
    y = picture.panel(2, "calls that are over at both ends (line), and their "
                      "records (dashed)", total, "")
    picture.line("calls", [(picture.x(t), y(rows[t][2])) for t in times])
    ends = sorted(e for e in (ended_at(r, (first + last) / 2)
                              for r in records) if e)
    picture.line("records", [(picture.x(t), y(sum_before(ends, t)))
                             for t in times])
    for part in range(5):
        at = first + (last - first) * part / 4
        picture.text(picture.x(at), bottom + 18, f"{at - first:.0f} s",
                     "small", "middle")
    height = bottom + BOTTOM - 30
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} '
            f'{height}" role="img"><title>Calls, sound and records while '
            f'everything dies</title><style>{STYLE}</style>'
            + "\n".join(picture.parts) + "</svg>\n")


def sum_before(sorted_times, at):
    low, high = 0, len(sorted_times)
    while low < high:
        middle = (low + high) // 2
        if sorted_times[middle] <= at:
            low = middle + 1
        else:
            high = middle
    return low


def write(path, lines, faults, records, seed):
    with open(path, "w", encoding="utf-8") as f:
        f.write(draw(lines, faults, records, seed))
