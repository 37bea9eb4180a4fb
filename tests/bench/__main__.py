"""`make bench`: every benchmark, or those named (`make bench ARGS="gateway lists"`)."""

import sys
from importlib import import_module
from pathlib import Path

from tests.bench import load
from tests.bench.report import Row, show

ALL = ("gateway", "lists", "dashboard", "siege", "stream")
TARGET = Path(".portal-bench.json")


def main() -> None:
    if not load.available():
        sys.exit("The benchmarks need wrk: apt-get install wrk (and nginx-light for the gateway's floor).")
    names = sys.argv[1:] or ALL
    if unknown := set(names) - set(ALL):
        sys.exit(f"There is no benchmark {' or '.join(sorted(unknown))}. There are: {', '.join(ALL)}.")
    rows: list[Row] = []
    try:
        for name in names:
            print(f"== {name}", flush=True)
            rows += import_module(f"tests.bench.{name}").measure()
    finally:
        show(rows, TARGET)  # what was measured stands, also where the next one fails


main()
