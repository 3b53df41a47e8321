"""`abtest lab`: JupyterLab in the project."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from abtest.errors import UsageError
from abtest.experiment.project import find_root

EXAMPLES = """
    abtest lab
    abtest lab -- --no-browser --port 8899
"""

TUTORIAL = Path("notebooks", "tutorial.ipynb")


def lab(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(help="Passed on to JupyterLab, after --.", metavar="[-- ARGUMENT...]"),
    ] = None,
) -> None:
    """Start JupyterLab in the project's root, on the tutorial if there is one.

    It runs until it is stopped; its exit code is handed on.
    """
    root = find_root()
    if find_spec("jupyterlab") is None:
        raise UsageError(
            "JupyterLab is not installed here.",
            given=sys.executable,
            todo='Install it with: pip install "abtest-toolkit[lab]"',
            code="missing_package",
        )
    given = list(arguments or ())
    start = [str(TUTORIAL)] if (root / TUTORIAL).is_file() else []
    command = [sys.executable, "-m", "jupyterlab", *given, *start]
    raise typer.Exit(_call(command, root))


def _call(command: list[str], root: Path) -> int:
    process = subprocess.Popen(command, cwd=root)  # noqa: S603  # this interpreter, no shell
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # JupyterLab got it too, and asks whether to stop
