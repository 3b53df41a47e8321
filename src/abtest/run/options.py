"""What a caller may ask of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunOptions:
    """How experiments are run; every field has a default.

    Parameters
    ----------
    force
        Run also what is up to date.
    jobs
        Worker processes; None: as many as processors, experiments and memory allow.
    as_of
        Moment up to which data are believed, ISO 8601; None: the experiment's own default.
    output_dir
        Folder of the reports; None: ``reports`` in the project root.
    start_timeout, cell_timeout, notebook_timeout, run_timeout
        Deadlines in seconds for the start of a kernel, one cell, one notebook and the whole
        run. `cell_timeout` None: only the notebook's; `run_timeout` None: no limit.
    """

    force: bool = False
    jobs: int | None = None
    as_of: str | None = None
    output_dir: Path | None = None
    start_timeout: float = 60.0
    cell_timeout: float | None = None
    notebook_timeout: float = 1800.0
    run_timeout: float | None = None
