"""What the parent process and its workers say to each other, as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from abtest.run.outcome import Failure

INJECTED_TAG = "injected-parameters"
PARAMETERS_TAG = "parameters"
EXECUTED = "executed.ipynb"
REPORT = "report.ipynb"
PAGE = "report.html"
VERDICT = "verdict.json"
RECORD = "run.json"
RUN_FILE = "resolved.json"
Send = Callable[[bytes], None]


@dataclass(frozen=True)
class Task:
    """One notebook to execute; all paths are absolute.

    `staging` is a private folder on the same file system as the reports; the notebook
    saves its verdict there. `home` is the folder, relative to the root, that will hold the
    files, and stands for `staging` in what is published. `run_deadline` is on the monotonic
    clock, which all processes of a machine share.
    """

    experiment: str
    root: str
    notebook: str
    staging: str
    home: str
    spec_sha256: str
    data_fingerprint: str
    start_timeout: float
    cell_timeout: float | None
    notebook_timeout: float
    run_deadline: float | None


@dataclass(frozen=True)
class Executed:
    """What a worker reports about a task.

    `cells` are the seconds of each executed code cell; `timings` the seconds of the
    phases ``start``, ``execute`` and ``render``.
    """

    failure: Failure | None
    cells: list[float] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)


def to_line(kind: str, **content: object) -> bytes:
    """Return a message as one line."""
    return json.dumps({"type": kind, **content}).encode() + b"\n"


def task_line(task: Task) -> bytes:
    """Return the message that asks a worker for `task`."""
    return to_line("run", task=asdict(task))


def executed_line(executed: Executed) -> bytes:
    """Return the message that reports `executed`."""
    return to_line("executed", executed=asdict(executed))


def executed_from(message: dict[str, Any]) -> Executed:
    """Return what `executed_line` was given."""
    content = dict(message["executed"])
    failure = content.pop("failure")
    return Executed(failure=None if failure is None else Failure(**failure), **content)
