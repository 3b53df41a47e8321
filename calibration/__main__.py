"""Draws the full grid and writes the page; ``--check`` draws the reduced one and compares."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from abtest.files import write_text
from calibration.cell import Cell, Observed, as_dict
from calibration.page import page, standard_errors
from calibration.runner import SEED, STORE, grid, read, run_cells

FAMILIES = (
    "two_arms",
    "rates",
    "robust",
    "covariates",
    "adjusted",
    "scores",
    "margins",
    "families",
    "exact",
    "designs",
    "compositions",
    "allocation",
    "ranks",
    "quantiles",
    "resampling",
    "survival",
    "incidence",
    "clusters",
    "within_units",
    "switchback",
    "sizing_power",
    "kind_plans",
    "shrinkage",
    "bayes",
)
"""Modules with a function `cells`."""
RESULTS = Path(__file__).with_name("results.json")
PAGE = Path(__file__).resolve().parents[1] / "docs" / "calibration.md"
CHECK_RUNS = 1_000
CHECK_SEED = SEED + 1
MOST_ERRORS = 4.0
"""Standard errors by which a repetition may differ from the table."""


def full(names: Sequence[str], jobs: int, runs: int | None) -> int:
    """Draw the full grid and write results and page."""
    families = names or FAMILIES
    cells = grid(families)
    found = run_cells(families, cells, seed=SEED, runs=runs, jobs=jobs, store=STORE)
    if names or runs is not None:
        sys.stdout.write(page(cells, found, seed=SEED))
        return 0
    rows = {key: as_dict(observed) for key, observed in found.items()}
    write_text(RESULTS, json.dumps(rows, indent=0, ensure_ascii=False) + "\n")
    write_text(PAGE, page(cells, found, seed=SEED))
    sys.stdout.write(f"written: {PAGE.name} and {RESULTS.name}, {len(cells)} cells\n")
    return 0


def check(jobs: int) -> int:
    """Draw the reduced grid and compare it with the table."""
    if not RESULTS.is_file():
        sys.stderr.write(
            f"There is no table to compare with: {RESULTS.name} is missing.\n"
            "Write it with: make calibration (an hour)\n"
        )
        return 2
    promised = {
        key: read(rows) for key, rows in json.loads(RESULTS.read_text(encoding="utf-8")).items()
    }
    cells = [cell for cell in grid(FAMILIES) if cell.reduced]
    found = run_cells(FAMILIES, cells, seed=CHECK_SEED, runs=CHECK_RUNS, jobs=jobs, store=None)
    failures = [line for cell in cells for line in _differences(cell, found, promised)]
    compared = sum(len(observed) for observed in found.values())
    for line in failures:
        sys.stderr.write(line + "\n")
    sys.stdout.write(f"{compared} rates of {len(cells)} cells, {len(failures)} differ\n")
    return 1 if failures else 0


def _differences(
    cell: Cell, found: dict[str, list[Observed]], promised: dict[str, list[Observed]]
) -> list[str]:
    table = {(one.method, one.quantity): one for one in promised.get(cell.key, ())}
    lines = []
    for one in found[cell.key]:
        other = table.get((one.method, one.quantity))
        if other is None:
            lines.append(f"{cell.key} | {one.method} | {one.quantity}: not in the table")
        elif standard_errors(one, other) > MOST_ERRORS:
            lines.append(
                f"{cell.key} | {one.method} | {one.quantity}: {one.rate:.4f}, "
                f"the table has {other.rate:.4f}"
            )
    return lines


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m calibration", description=__doc__)
    parser.add_argument("families", nargs="*", help=f"some of {', '.join(FAMILIES)}")
    parser.add_argument("--check", action="store_true", help="the reduced grid, against the table")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--runs", type=int, default=None, help="draws per cell; prints the page")
    asked = parser.parse_args()
    if asked.check:
        return check(asked.jobs)
    return full(asked.families, asked.jobs, asked.runs)


if __name__ == "__main__":
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # one process per core is enough
    sys.exit(main())
