"""Runs all benchmarks, or those named, and writes ``benchmarks/RESULTS.md``."""

import sys
from importlib import import_module
from pathlib import Path

from abtest.files import write_text
from benchmarks import machine
from benchmarks.timing import Measured

NAMES = (
    "start",
    "check_files",
    "statistics",
    "distributions",
    "bootstrap",
    "survival",
    "analysis",
    "engagement",
    "demo_runs",
)
RESULTS = Path(__file__).with_name("RESULTS.md")


def page(where: str, rows: list[Measured]) -> str:
    """Return the results as Markdown."""
    lines = [
        "# Speed",
        "",
        "Written by `make bench`. Medians; what is compared runs in turn on the same machine.",
        "",
        where,
        "",
        "| what | measured | promised | kept |",
        "| --- | --- | --- | --- |",
        *(f"| {r.what} | {r.figure} | {r.promise} | {'yes' if r.kept else 'no'} |" for r in rows),
        "",
    ]
    return "\n".join(lines)


def main(names: list[str]) -> None:
    """Measure; the results file is only rewritten when everything was."""
    where = machine.describe()
    rows: list[Measured] = []
    for name in names or NAMES:
        for row in import_module(f"benchmarks.{name}").measure():
            print(f"{row.what}: {row.figure} ({row.promise})", flush=True)
            rows.append(row)
    if not names:
        write_text(RESULTS, page(where, rows))
        sys.stdout.write(f"written: {RESULTS.relative_to(Path.cwd())}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
