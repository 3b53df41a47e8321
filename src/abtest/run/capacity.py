"""How many notebooks this machine can execute at once."""

from __future__ import annotations

import os
from pathlib import Path

BYTES_PER_JOB = 768 * 2**20
"""A worker with papermill and nbconvert, its nursery with pandas, DuckDB and matplotlib, and a
kernel, which shares the nursery's memory until it writes to it."""


def default_jobs(experiments: int) -> int:
    """Return how many workers to use: at most one per experiment, processor and 768 MB free."""
    free = _available_bytes()
    by_memory = experiments if free is None else free // BYTES_PER_JOB
    return max(1, min(experiments, _processors(), by_memory))


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _available_bytes() -> int | None:
    """Return the memory that can be used without swapping; None where that is not known."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None
