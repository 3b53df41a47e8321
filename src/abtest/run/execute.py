"""Executing one notebook with papermill in a private kernel, under deadlines.

Importing this module takes 0.3 s, because papermill does: only workers do it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError

from abtest.run.clock import clock
from abtest.run.kernel import KERNEL_NAME, Kernel
from abtest.run.outcome import Failure
from abtest.run.task import EXECUTED, INJECTED_TAG, RUN_FILE, Task
from abtest.run.watchdog import Watchdog

GRACE = 5.0
"""Seconds between the interrupt and the kill of a kernel that is out of time."""
IOPUB_TIMEOUT = 30
"""Seconds to wait for late output; nbclient's 4 make a busy machine fail a good notebook."""


class OutOfTimeError(Exception):
    """Stops a notebook between cells: its deadline passed but its cell caught the interrupt."""


@dataclass
class Progress:
    """Where an execution is: which code cells ran and for how long.

    `cell` counts the notebook's own code cells from 1; `index` is the position of the
    running cell in the executed notebook, -1 before the first.
    """

    cells: int
    on_cell: Callable[[int, int], None]
    watchdog: Watchdog
    cell_timeout: float | None
    cell: int = 0
    index: int = -1
    seconds: list[float] = field(default_factory=list)
    _began: float = 0.0

    def started(self, cell: NotebookNode, cell_index: int) -> None:
        """Note that a code cell starts; raises when there is no time left."""
        if self.watchdog.fired:
            raise OutOfTimeError
        if cell.cell_type != "code":
            return
        self.index = cell_index
        if _is_own(cell):
            self.cell += 1
            self.on_cell(self.cell, self.cells)
        self._began = time.perf_counter()
        if self.cell_timeout is not None:
            self.watchdog.limit("cell", clock() + self.cell_timeout)

    def ended(self, cell: NotebookNode, **_: object) -> None:
        """Note that a code cell ended, well or not."""
        self.watchdog.limit("cell", None)
        if _is_own(cell):
            self.seconds.append(round(time.perf_counter() - self._began, 4))


def _is_own(cell: NotebookNode) -> bool:
    """Return whether a cell stands in the notebook itself and was not injected by papermill."""
    return INJECTED_TAG not in cell.metadata.get("tags", [])


def execute(
    task: Task, kernel: Kernel, watchdog: Watchdog, on_cell: Callable[[int, int], None]
) -> tuple[Failure | None, list[float]]:
    """Return why the notebook did not run to its end (None if it did) and seconds per code cell.

    papermill writes the notebook after every cell to ``executed.ipynb`` in the staging folder,
    so that what ran before a crash is kept.
    """
    notebook = nbformat.read(task.notebook, as_version=4)  # type: ignore[no-untyped-call]  # untyped
    total = sum(cell.cell_type == "code" for cell in notebook.cells)
    progress = Progress(total, on_cell, watchdog, task.cell_timeout)
    staging = Path(task.staging)
    try:
        papermill.execute_notebook(
            notebook,
            staging / EXECUTED,
            parameters={"experiment": task.experiment, "run": str(staging / RUN_FILE)},
            engine_name="nbclient",
            kernel_name=KERNEL_NAME,
            language="python",
            progress_bar=False,
            start_timeout=math.ceil(task.start_timeout),  # nbclient 0.10 takes whole seconds
            km=kernel.manager,
            resources={"metadata": {"path": task.root}},
            iopub_timeout=IOPUB_TIMEOUT,
            on_cell_start=progress.started,
            on_cell_executed=progress.ended,
            store_widget_state=False,
        )
    except Exception as error:  # whatever a notebook does is its own failure
        return _failure(error, task, kernel, watchdog, progress), progress.seconds
    return None, progress.seconds


def _failure(
    error: Exception, task: Task, kernel: Kernel, watchdog: Watchdog, progress: Progress
) -> Failure:
    """Return the failure behind what papermill raised; our own deadline comes first."""
    cell = progress.cell or None
    place = f"code cell {progress.cell} of {progress.cells}" if cell else "the start of the kernel"
    given = f"{task.notebook}, {place}"
    if watchdog.fired == "interrupted":
        return Failure("interrupted", f"interrupted in {place}", given, "run it again", cell)
    if watchdog.fired:
        return _timeout(watchdog.fired, task, place, cell)
    if isinstance(error, PapermillExecutionError):
        return _raised(error, task, progress)
    if progress.index < 0:
        words = kernel.last_words() or f"{type(error).__name__}: {error}"
        return Failure(
            "kernel_did_not_start",
            "the kernel did not start",
            words,
            "check that ipykernel works in this environment",
        )
    if isinstance(error, DeadKernelError):
        return Failure(
            "kernel_died",
            f"the kernel died in {place}",
            given,
            "often memory ran out: fewer --jobs, or less data",
            cell,
        )
    words = f"{type(error).__name__}: {error}"
    return Failure("internal", f"the notebook could not be executed: {words}", given, "", cell)


def _timeout(which: str, task: Task, place: str, cell: int | None) -> Failure:
    limits = {
        "cell": (task.cell_timeout, "a cell"),
        "notebook": (task.notebook_timeout, "a notebook"),
        "run": (None, "the whole run"),
    }
    seconds, scope = limits[which]
    allowed = "" if seconds is None else f" of {seconds:g} seconds"
    return Failure(
        "timeout",
        f"out of time in {place}: the deadline{allowed} for {scope} passed",
        task.notebook,
        "give it more time (--timeout), or less data",
        cell,
    )


def _raised(error: PapermillExecutionError, task: Task, progress: Progress) -> Failure:
    """Return the failure of a raising cell; abtest's own errors keep their three parts."""
    place = f"code cell {progress.cell} of {progress.cells}"
    what, given, todo = _three_parts(error.evalue)
    if error.ename not in {"DataError", "UsageError", "SpecError"}:
        first = what.splitlines()[0] if what else ""
        what = f"{place} raised {error.ename}" + (f": {first}" if first else "")
        given, todo = (
            task.notebook,
            f"see where in {task.home}/failed/, its page or notebook",
        )
    return Failure("cell_raised", what, given or f"{task.notebook}, {place}", todo, progress.cell)


def _three_parts(text: str) -> tuple[str, str, str]:
    """Return what, given and todo of an error that abtest wrote; else all of it as what."""
    what, _, todo = text.partition("\n  to do: ")
    what, _, given = what.partition("\n  given: ")
    return what.strip(), given.strip(), todo.strip()
