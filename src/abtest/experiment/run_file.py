"""The file by which a runner tells a notebook what to analyse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from abtest.errors import UsageError
from abtest.experiment.resolve import Resolved

RUN_FILE_VERSION = 1


def run_file(
    resolved: Resolved, *, as_of: str | None, output: Path, data_fingerprint: str | None = None
) -> dict[str, Any]:
    """Return the content of a run file: the resolved run, nothing left to look up.

    Parameters
    ----------
    resolved
        The experiment.
    as_of
        Moment up to which data are believed, in ISO 8601; None: as the data have it.
    output
        Folder that `verdict.json` is to be saved in.
    data_fingerprint
        Of the data when the run was prepared.
    """
    return {
        "schema_version": RUN_FILE_VERSION,
        "experiment": resolved.spec.experiment.name,
        "root": str(resolved.root),
        "resolved": resolved.to_dict(),
        "as_of": as_of,
        "data_fingerprint": data_fingerprint,
        "output": str(output),
    }


def read_run_file(path: Path) -> dict[str, Any]:
    """Return a run file.

    Raises
    ------
    UsageError
        When it is missing or not one.
    """
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            "The run file cannot be read.",
            given=f"{path}: {error}",
            todo="Leave run = None to analyse by name, or start the notebook by `abtest run`.",
        ) from None
    if not isinstance(document, dict) or document.get("schema_version") != RUN_FILE_VERSION:
        raise UsageError(
            "The run file is of another version of abtest.",
            given=str(path),
            todo="Run `abtest run` again.",
        )
    return document
