"""How long the library and its command line take to start."""

import sys
from pathlib import Path

from benchmarks.timing import Measured, command, medians

IMPORT_SECONDS = 0.1
HELP_SECONDS = 0.25


def measure() -> list[Measured]:
    """Return the time of ``import abtest`` over a bare interpreter, and of ``abtest --help``."""
    bare, imported, helped = medians(
        command(sys.executable, "-c", "pass"),
        command(sys.executable, "-c", "import abtest"),
        command(Path(sys.executable).parent / "abtest", "--help"),
        repeats=15,
    )
    own = imported - bare
    return [
        Measured(
            "`import abtest`, over a bare interpreter",
            f"{own:.3f} s (interpreter {bare:.3f} s)",
            f"at most {IMPORT_SECONDS} s",
            own <= IMPORT_SECONDS,
        ),
        Measured(
            "`abtest --help`, the whole process",
            f"{helped:.3f} s",
            f"at most {HELP_SECONDS} s",
            helped <= HELP_SECONDS,
        ),
    ]
