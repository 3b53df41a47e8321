"""Running experiments: prepare, execute in parallel, publish; one failure never stops another."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from abtest.errors import UsageError
from abtest.experiment.project import experiment_names
from abtest.experiment.run_file import run_file
from abtest.files import write_json
from abtest.run.capacity import default_jobs
from abtest.run.clock import clock
from abtest.run.closing import Course, close
from abtest.run.index import refresh_index
from abtest.run.options import RunOptions
from abtest.run.outcome import RETRIED, Event, EventKind, Failure, RunResult
from abtest.run.pool import Message, Pool
from abtest.run.prepare import Prepared, canonical_as_of, prepare, reports_folder
from abtest.run.staging import clear, discard, make_staging
from abtest.run.task import RUN_FILE, Executed, Task

OnEvent = Callable[[Event], None]
LAST_PATIENCE = 15.0
"""Seconds after a stop, or after its deadline, in which a worker must report by itself."""
ATTEMPTS = 2


def run_experiments(
    root: Path,
    names: Sequence[str] | None = None,
    options: RunOptions | None = None,
    on_event: OnEvent | None = None,
) -> list[RunResult]:
    """Return what became of each experiment, in the order of `names`.

    Parameters
    ----------
    root
        Folder of the project.
    names
        Experiments to run, also concluded ones; None: all that are not concluded.
    options
        How; see `RunOptions`.
    on_event
        Called in this thread with what happens, for a display of progress.

    Notes
    -----
    An interrupt (Ctrl-C, or the signal TERM) ends running kernels, keeps what is finished
    and gives the rest the status ``interrupted``; it raises nothing. A second one raises
    KeyboardInterrupt.

    Raises
    ------
    UsageError
        `names` or `options` make no sense as a whole. What is wrong with one experiment is
        that experiment's result.
    """
    options = options or RunOptions()
    if options.jobs is not None and options.jobs < 1:
        raise UsageError("jobs is below 1", given=str(options.jobs), todo="give 1 or more")
    plain = names is None
    asked = experiment_names(root) if names is None else tuple(dict.fromkeys(names))
    run = _Run(root.absolute(), options, on_event or (lambda _: None), len(asked))
    with run.attending_signals():
        return run.all(asked, skip_concluded=plain)


class _Run:
    """One call of `run_experiments`."""

    def __init__(self, root: Path, options: RunOptions, on_event: OnEvent, count: int) -> None:
        self.root = root
        self.options = options
        self.as_of = canonical_as_of(options.as_of)
        self.reports = reports_folder(root, options)
        self.on_event = on_event
        self.pool = Pool(options.jobs or default_jobs(count))
        self.deadline = None if options.run_timeout is None else clock() + options.run_timeout
        self.interrupted = False
        self.results: dict[str, RunResult] = {}
        self.open: dict[str, Course] = {}
        self.tasks: dict[str, Task] = {}

    @contextmanager
    def attending_signals(self) -> Iterator[None]:
        """Turn the first INT or TERM into a flag, so that no file is left half published."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.getsignal(number) for number in numbers}

        def note(*_: object) -> None:
            self.interrupted = True
            for number in numbers:
                signal.signal(number, _raise_interrupt)
            self.pool.wake()

        for number in numbers:
            signal.signal(number, note)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def all(self, asked: Sequence[str], *, skip_concluded: bool) -> list[RunResult]:
        """Prepare and run all, and return the results in the order of `asked`."""
        try:
            for name in asked:
                if self.interrupted:
                    self._finish_unstarted(name)
                else:
                    self._begin(name, skip_concluded)
                self._handle(self.pool.next(0))
            while self.open and not self.interrupted:
                self._handle(self.pool.next(self._patience()))
                if self._past_deadline():
                    break
            self._stop()
        finally:
            self.pool.close()
        if asked:
            refresh_index(self.root, self.reports)
        return [self.results[name] for name in asked if name in self.results]

    def _begin(self, name: str, skip_concluded: bool) -> None:
        folder = self.reports / name
        found = prepare(self.root, name, folder, self.as_of)
        if isinstance(found, Failure):
            self._unusable(name, folder, found)
            return
        if skip_concluded and found.concluded:
            return
        if found.state.freshness == "fresh" and not self.options.force:
            self._reuse(found)
            return
        self._submit(found)

    def _unusable(self, name: str, folder: Path, failure: Failure) -> None:
        course = Course(self.root, name, folder, None)
        if name in experiment_names(self.root):
            self._close(course, None, Executed(failure))
        else:  # there is nothing to keep a record of
            self._end(name, RunResult(name, failure.status, folder, failure=failure))

    def _reuse(self, found: Prepared) -> None:
        state = found.state
        reason = "up to date: spec, data, notebook and versions are unchanged"
        if state.record is not None:
            reason += f" since {state.record.ended[:16].replace('T', ' ')} UTC"
        result = RunResult(found.name, "reused", found.folder, state.document, reason=reason)
        self._end(found.name, result)

    def _submit(self, found: Prepared) -> None:
        try:
            staging = make_staging(found.folder)
            task = self._task(found, staging)
            content = run_file(
                found.resolved, as_of=self.as_of, output=staging, data_fingerprint=found.key.data
            )
            write_json(staging / RUN_FILE, content)
        except OSError as error:
            failure = _not_written(found.folder, error)
            result = RunResult(found.name, failure.status, found.folder, failure=failure)
            self._end(found.name, result)
            return
        self.open[found.name] = Course(self.root, found.name, found.folder, found)
        self.tasks[found.name] = task
        self._tell("queued", found.name)
        self.pool.submit(task)

    def _task(self, found: Prepared, staging: Path) -> Task:
        folder = found.folder
        inside = folder.is_relative_to(self.root)
        return Task(
            experiment=found.name,
            root=str(self.root),
            notebook=str(found.notebook.path),
            staging=str(staging),
            home=(folder.relative_to(self.root) if inside else Path(found.name)).as_posix(),
            spec_sha256=found.key.spec,
            data_fingerprint=found.key.data,
            start_timeout=self.options.start_timeout,
            cell_timeout=self.options.cell_timeout,
            notebook_timeout=self.options.notebook_timeout,
            run_deadline=self.deadline,
        )

    def _handle(self, message: Message) -> None:
        task = message.task
        if task is None or task.experiment not in self.open:
            return
        name, course = task.experiment, self.open[task.experiment]
        if message.started:
            course.attempt_began()
            self._tell("started", name)
        elif message.cell:
            self._tell("cell", name, message.cell, message.cells)
        elif message.died is not None:
            what = "the worker process died"
            todo = "often memory ran out: fewer --jobs, or less data"
            failure = Failure("worker_died", what, message.died, todo)
            self._judged(course, task, Executed(failure))
        elif message.executed is not None:
            self._judged(course, task, message.executed)

    def _judged(self, course: Course, task: Task, executed: Executed) -> None:
        failure = executed.failure
        course.attempt_ended(failure)
        if failure is None:
            self._close(course, task, executed)
            return
        again = failure.code in RETRIED and len(course.attempts) < ATTEMPTS
        if again and not self.interrupted and not self._past_deadline():
            self._tell("retried", course.name, text=failure.what)
            clear(Path(task.staging))
            self.pool.submit(task)
            return
        if self.interrupted and failure.code == "worker_died":
            failure = Failure("interrupted", "interrupted", failure.given, "run it again")
        self._close(course, task, replace(executed, failure=failure))

    def _close(self, course: Course, task: Task | None, executed: Executed) -> None:
        """Keep what a run left; a full disk or a read-only folder is its own failure."""
        try:
            result = close(course, task, executed)
        except OSError as error:
            failure = _not_written(course.folder, error)
            result = RunResult(course.name, failure.status, course.folder, failure=failure)
        self._end(course.name, result)

    def _end(self, name: str, result: RunResult) -> None:
        self.open.pop(name, None)
        self.results[name] = result
        kind: EventKind = "failed"
        if result.ok:
            kind = "reused" if result.status == "reused" else "done"
        self.on_event(Event(kind, name, result=result))

    def _stop(self) -> None:
        """End what still runs after an interrupt or the whole run's deadline."""
        if not self.open:
            return
        waiting = {task.experiment for task in self.pool.waiting}
        self.pool.waiting.clear()
        for name in [name for name in self.open if name in waiting]:
            self._finish_unstarted(name)
        if self.interrupted:
            self.pool.stop()
        end = clock() + LAST_PATIENCE
        while self.open and clock() < end:
            self._handle(self.pool.next(max(end - clock(), 0.0)))
        self.pool.close()
        for name, course in list(self.open.items()):
            failure = self._cut_off("its worker did not answer")
            self._close(course, self.tasks[name], Executed(failure))

    def _finish_unstarted(self, name: str) -> None:
        """Give a result to an experiment that the interrupt or deadline kept from starting."""
        self.open.pop(name, None)
        task = self.tasks.get(name)
        if task is not None:
            discard(Path(task.staging))
        failure = self._cut_off("it had not started")
        self._end(name, RunResult(name, failure.status, self.reports / name, failure=failure))

    def _cut_off(self, given: str) -> Failure:
        if self.interrupted:
            return Failure("interrupted", "interrupted", given, "run it again")
        what = "out of time: the deadline for the whole run passed"
        return Failure("timeout", what, given, "give the run more time, or run fewer experiments")

    def _past_deadline(self) -> bool:
        return self.deadline is not None and clock() > self.deadline

    def _patience(self) -> float | None:
        """Seconds to wait for a message; Windows needs short waits to notice Ctrl-C."""
        longest = 0.2 if os.name == "nt" else None
        if self.deadline is None:
            return longest
        left = max(self.deadline - clock(), 0.0) + 0.01
        return left if longest is None else min(left, longest)

    def _tell(
        self, kind: EventKind, name: str, cell: int = 0, cells: int = 0, text: str = ""
    ) -> None:
        self.on_event(Event(kind, name, cell, cells, text))


def _not_written(folder: Path, error: OSError) -> Failure:
    what = f"the report cannot be written: {error.strerror or error}"
    return Failure("not_written", what, str(folder), "make room, or choose another --output-dir")


def _raise_interrupt(*_: object) -> None:
    raise KeyboardInterrupt
