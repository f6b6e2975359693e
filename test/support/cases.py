"""The command line of a component test: FILE BIN CASE, or FILE --list.

A case is a function without arguments that @case marks; its name is a
sentence. BIN is the folder of the programs under test.
"""

import os
import sys

# So that an exception's words come after what was printed before it.
sys.stdout.reconfigure(line_buffering=True)
SANITIZED = os.environ.get("TANDEM_SANITIZED") == "1"
_cases = {}


def case(function):
    _cases[function.__name__] = function
    return function


def bin_dir():
    return os.path.abspath(sys.argv[1])


def main():
    if sys.argv[1:] == ["--list"]:
        print(";".join(sorted(_cases)), end="")
        return 0
    _cases[sys.argv[2]]()
    print("ok", sys.argv[2])
    return 0
