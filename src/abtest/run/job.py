"""One task in a worker: kernel, execution, verdict, tidy notebook, page.

Imported when the first kernel is starting: papermill and nbconvert take as long as it does.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from abtest.files import write_text
from abtest.report import render
from abtest.run.clock import clock
from abtest.run.execute import GRACE, execute
from abtest.run.judge import judge
from abtest.run.kernel import Kernel
from abtest.run.outcome import Failure
from abtest.run.task import EXECUTED, PAGE, REPORT, Executed, Send, Task, to_line
from abtest.run.tidy import tidy
from abtest.run.watchdog import Watchdog

STOP_GRACE = 1.0
"""Seconds that a cell has after Ctrl-C before its kernel is killed."""
_WARMING = {
    "cells": [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# Warm"},
        {
            "cell_type": "code",
            "execution_count": 1,
            "id": "b",
            "metadata": {},
            "outputs": [
                {
                    "data": {"text/html": "<p>warm</p>"},
                    "metadata": {},
                    "output_type": "display_data",
                }
            ],
            "source": "pass",
        },
    ],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}
Attend = Callable[[Callable[[], None] | None], None]
"""Takes what is to be called when the parent says stop; None: nothing."""


def do(task: Task, kernel: Kernel, attend: Attend, send: Send) -> Executed:
    """Return how the task went; the kernel has ended then."""
    began = clock()
    watchdog = Watchdog(kernel, GRACE)
    watchdog.limit("notebook", began + task.notebook_timeout)
    watchdog.limit("run", task.run_deadline)
    attend(lambda: watchdog.stop(STOP_GRACE))
    warming = threading.Thread(target=_warm_up, daemon=True)
    warming.start()  # this process only waits while the kernel works
    try:
        failure, seconds = execute(
            task,
            kernel,
            watchdog,
            lambda cell, cells: send(to_line("cell", cell=cell, cells=cells)),
        )
        executed = clock()
        kernel.ask_to_leave()  # it leaves while the page is rendered
        warming.join()
        failure = failure or _finish(task)
    finally:
        attend(None)
        watchdog.done()
        kernel.close()
        send(to_line("kernel", pid=None))
    timings = {"execute": round(executed - began, 4), "finish": round(clock() - executed, 4)}
    return Executed(failure, seconds, timings)


@cache
def _warm_up() -> None:
    """Import what a page needs, by rendering one that nobody sees."""
    with contextlib.suppress(Exception):  # what is wrong will be wrong with the real page
        render(_WARMING, None)


def _finish(task: Task) -> Failure | None:
    """Check the verdict, tidy the notebook and render the page; return what went wrong."""
    document, failure = judge(task)
    if document is None:
        return failure
    staging = Path(task.staging)
    try:
        notebook = _tidied(task)
        text = str(nbformat.writes(notebook, indent=1, sort_keys=True))  # type: ignore[no-untyped-call]  # untyped
        write_text(staging / REPORT, text + "\n")
        write_text(staging / PAGE, render(notebook, document))
    except Exception as error:  # a page that cannot be made fails one experiment
        what = f"the page could not be made: {type(error).__name__}: {error}"
        return Failure("not_rendered", what, task.notebook, "please report this")
    return None


def _tidied(task: Task) -> NotebookNode:
    path = Path(task.staging) / EXECUTED
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]  # untyped
    places = {task.staging: task.home, task.root: "."}
    tidied = tidy(notebook, task.experiment, places)
    node: NotebookNode = nbformat.from_dict(tidied)  # type: ignore[no-untyped-call]  # untyped
    return node
