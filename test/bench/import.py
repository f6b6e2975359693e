"""See test/bench/import."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support.switch import Switch  # noqa: E402

BOUND_S = 60


def write(path, rows, changed=None):
    with open(path, "w", encoding="ascii") as f:
        f.write("prefix,rate,first_increment,next_increment\n")
        for n in range(rows):
            rate = "0.99" if n == changed else f"0.{n % 9 + 1:02}"
            f.write(f"{n + 1000000},{rate},60,60\n")


def main():
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 1000000
    table, figures = [], []
    with Switch() as s:
        path = s.dir / "rates.csv"
        s.do("rate-table", "add", "large")
        steps = (("dry run", None, ["--dry-run"], f"added {rows}"),
                 ("import", None, [], f"added {rows}"),
                 ("one changed", rows // 2, [], "changed 1"))
        for name, changed, words, saying in steps:
            write(path, rows, changed)
            began = time.monotonic()
            text = s.do("rate", "import", str(path), "--table", "large",
                        *words)
            took = time.monotonic() - began
            assert saying in text, text[-300:]
            table.append((name, took))
            figures.append(f"{name.replace(' ', '_')}_s={took:.1f}")
        version = s.ask("catalog.status")[0]["version"]
        assert set(s.versions().values()) == {version}
        row = s.ask("rate.list", table="large", prefix=str(1000000))[0]
        assert row["rate"] == "0.01", row
        s.stop()
    print(f"{'rows':>9} {'what':<12} {'seconds':>8} {'rows/s':>9}")
    for name, took in table:
        print(f"{rows:>9} {name:<12} {took:>8.1f} {rows / took:>9.0f}")
    print(f"import: rows={rows} {' '.join(figures)}")
    late = [name for name, took in table if took > BOUND_S]
    for name in late:
        print(f"FAILED: {name} took longer than {BOUND_S} s")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
