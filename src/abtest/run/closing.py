"""After a notebook was executed: its record, and its files moved to where people look."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from abtest.files import canonical_json
from abtest.report import FailedRun, render_failed
from abtest.run.outcome import Failure, RunResult
from abtest.run.prepare import Prepared
from abtest.run.record import (
    FAILED,
    Attempt,
    FailureRecord,
    RunRecord,
    git_commit,
    hashes,
    host,
    now,
)
from abtest.run.staging import discard, publish, publish_failure
from abtest.run.task import EXECUTED, PAGE, VERDICT, Executed, Task
from abtest.run.tidy import label, replaced


@dataclass
class Course:
    """How one experiment's run went so far."""

    root: Path
    name: str
    folder: Path
    prepared: Prepared | None
    started: datetime = field(default_factory=now)
    attempts: list[Attempt] = field(default_factory=list)
    _attempt_began: datetime = field(default_factory=now)

    def attempt_began(self) -> None:
        """Note that an attempt begins now."""
        self._attempt_began = now()

    def attempt_ended(self, failure: Failure | None) -> None:
        """Note how an attempt ended."""
        self.attempts.append(
            Attempt(
                failure=None if failure is None else failure.code,
                what="" if failure is None else failure.what,
                seconds=round((now() - self._attempt_began).total_seconds(), 3),
            )
        )


def close(course: Course, task: Task | None, executed: Executed) -> RunResult:
    """Publish or keep what a run left, and return its result; `task` None: it never started."""
    if executed.failure is not None:
        return _close_failed(course, executed.failure, task, executed)
    if task is None:
        raise ValueError("a good run has a task")
    return _close_good(course, task, executed)


def _close_good(course: Course, task: Task, executed: Executed) -> RunResult:
    """Publish the files of a run that succeeded."""
    staging = Path(task.staging)
    document = json.loads((staging / VERDICT).read_bytes())
    record = _record(course, executed, None, str(document["verdict"]), hashes(staging))
    publish(staging, course.folder, record)
    reason = "" if course.prepared is None else "; ".join(course.prepared.state.reasons)
    return RunResult(
        course.name,
        "done",
        course.folder,
        document,
        None,
        reason,
        record.seconds,
        len(course.attempts),
    )


def _close_failed(
    course: Course, failure: Failure, task: Task | None, executed: Executed
) -> RunResult:
    """Keep what a failed run left, labelled, beside the last good result."""
    places = {str(course.root): "."}
    partial: dict[str, Any] | None = None
    if task is not None:
        places = {task.staging: task.home, **places}
        partial = _labelled(task, failure, places)
    failure = replace(
        failure,
        what=replaced(failure.what, places),
        given=replaced(failure.given, places),
        todo=replaced(failure.todo, places),
    )
    record = _record(course, executed, failure, None, {})
    notebook = None if partial is None else canonical_json(partial).encode()
    page = _page(course, failure, partial)
    publish_failure(course.folder, record, notebook, page)
    if task is not None:
        discard(Path(task.staging))
    return RunResult(
        course.name,
        failure.status,
        course.folder,
        None,
        failure,
        "",
        record.seconds,
        len(course.attempts),
        None if page is None else course.folder / FAILED / PAGE,
    )


def _page(course: Course, failure: Failure, partial: dict[str, Any] | None) -> bytes | None:
    """Return the page of a failed run; None if it cannot be made: why the run failed counts."""
    about = None if course.prepared is None else course.prepared.resolved.spec.experiment
    run = FailedRun(
        course.name,
        (about.title if about else "") or course.name,
        failure.status,
        failure.what,
        failure.given,
        failure.todo,
    )
    try:
        return render_failed(run, partial).encode()
    except Exception:
        return None


def _labelled(task: Task, failure: Failure, places: dict[str, str]) -> dict[str, Any] | None:
    """Return the partial notebook with its banner; None if nothing readable was written."""
    try:
        notebook: dict[str, Any] = json.loads((Path(task.staging) / EXECUTED).read_bytes())
        return label(notebook, task.experiment, failure, places)
    except (OSError, ValueError, KeyError):
        return None


def _record(
    course: Course,
    executed: Executed,
    failure: Failure | None,
    verdict: str | None,
    files: dict[str, str],
) -> RunRecord:
    prepared, ended = course.prepared, now()
    return RunRecord(
        experiment=course.name,
        status="done" if failure is None else failure.status,
        verdict=verdict,
        failure=None if failure is None else FailureRecord(**asdict(failure)),
        key=None if prepared is None else prepared.key,
        key_sha256=None if prepared is None else prepared.key.sha256,
        notebook=None if prepared is None else _shown(prepared.notebook.path, course.root),
        started=course.started.isoformat(timespec="milliseconds"),
        ended=ended.isoformat(timespec="milliseconds"),
        seconds=round((ended - course.started).total_seconds(), 3),
        timings=executed.timings,
        cells=executed.cells,
        attempts=course.attempts,
        host=host(),
        git_commit=git_commit(course.root),
        files=files,
    )


def _shown(path: Path, root: Path) -> str:
    """Return `path` relative to the project, or its name when it came with abtest."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else f"abtest:{path.name}"
