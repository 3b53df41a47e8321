"""The last verdict of an experiment, as the verbs that show it need it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from abtest.cli.console import complain, near
from abtest.errors import AbtestError, UsageError
from abtest.experiment.project import experiment_file, find_root
from abtest.run.options import RunOptions
from abtest.run.prepare import reports_folder
from abtest.run.record import FAILED, read_record, read_verdict
from abtest.run.task import PAGE, VERDICT


def last_verdict(name: str, output_dir: Path | None) -> dict[str, Any]:
    """Return the last valid verdict document of `name`; warn when a later run failed.

    Raises
    ------
    UsageError
        There is no such experiment.
    AbtestError
        It has no verdict.
    """
    root = find_root()
    reports = reports_folder(root, RunOptions(output_dir=output_dir))
    folder = _folder(reports, name)
    document = read_verdict(folder / VERDICT)
    if document is None:
        experiment_file(root, name)  # says so when there is no such experiment
        raise AbtestError(
            "This experiment has no verdict yet.",
            given=name,
            todo=f"Make one with: abtest run {name}",
            code="no_verdict",
        )
    failed = read_record(folder / FAILED)
    if failed is not None and failed.failure is not None:
        complain(f"warning: a later run failed: {failed.failure.what}")
        if (folder / FAILED / PAGE).is_file():
            complain(f"  page:  {near(folder / FAILED / PAGE)}")
    return document


def _folder(reports: Path, name: str) -> Path:
    """Return the folder of `name`, which is a name and not a path out of the reports."""
    if name in {"", ".", ".."} or "/" in name or "\\" in name:
        raise UsageError(
            "This is not the name of an experiment.",
            given=name,
            todo="Give the name of a folder in experiments/.",
            code="no_experiment",
        )
    return reports / name
