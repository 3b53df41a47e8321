"""Worker processes: started when needed, replaced when they die, ended with their kernels."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from abtest.run.clock import clock
from abtest.run.groups import end_group
from abtest.run.task import Executed, Task, executed_from, task_line, to_line

_LAST_GRACE = 3.0
"""Seconds in which a busy worker must end its kernel and itself when the pool is closed."""
_LONGEST = 60
"""A Unix socket's path has at most 107 characters; a long TMPDIR leaves too few."""


@dataclass
class Worker:
    """A worker process and what it is doing."""

    process: subprocess.Popen[bytes]
    log: Path
    task: Task | None = None
    kernel: int | None = None

    def end(self) -> None:
        """End the process and its kernel, whatever they are doing."""
        if self.kernel is not None:
            end_group(self.kernel)
        end_group(self.process.pid)
        self.process.wait()
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):  # unsent bytes to a process that is gone
                self.process.stdin.close()

    def last_words(self, lines: int = 3) -> str:
        """Return the last lines that the process wrote outside of messages."""
        text = self.log.read_text("utf-8", "replace") if self.log.exists() else ""
        return "\n".join(text.strip().splitlines()[-lines:])


@dataclass(frozen=True)
class Message:
    """Something that happened to a task; `executed` at its end, `died` if its worker did."""

    task: Task | None = None
    cell: int = 0
    cells: int = 0
    started: bool = False
    executed: Executed | None = None
    died: str | None = None


@dataclass
class Pool:
    """Up to `size` workers and the tasks that wait for one.

    Workers start with the first task that needs them. Processes of their own sessions: a
    Ctrl-C in the terminal reaches this process alone, which then stops them in order.
    """

    size: int
    waiting: deque[Task] = field(default_factory=deque)
    workers: list[Worker] = field(default_factory=list)
    _inbox: queue.SimpleQueue[tuple[Worker | None, dict[str, Any] | None]] = field(
        default_factory=queue.SimpleQueue
    )
    _folder: Path | None = None
    _started: int = 0

    def submit(self, task: Task) -> None:
        """Give `task` to an idle or new worker, or have it wait."""
        self.waiting.append(task)
        self._assign()

    def wake(self) -> None:
        """Make `next` return; safe to call from a signal handler."""
        self._inbox.put((None, None))

    def next(self, timeout: float | None) -> Message:
        """Return the next message, an empty one when woken or at the timeout."""
        try:
            worker, content = self._inbox.get(timeout=timeout)
        except queue.Empty:
            return Message()
        if worker is None or worker not in self.workers:
            return Message()
        return self._died(worker) if content is None else self._handle(worker, content)

    @property
    def busy(self) -> list[Task]:
        """Tasks that are being executed."""
        return [worker.task for worker in self.workers if worker.task is not None]

    def stop(self) -> None:
        """Ask every worker to end its kernel, report and leave."""
        self.waiting.clear()
        for worker in self.workers:
            self._write(worker, to_line("stop"))

    def close(self) -> None:
        """End all workers and their kernels and remove their folders."""
        busy = [worker for worker in self.workers if worker.task is not None]
        self.stop()  # a worker knows of its kernel before this process does
        end = clock() + _LAST_GRACE
        for worker in busy:
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.process.wait(max(end - clock(), 0.0))
        for worker in self.workers:
            worker.end()
        self.workers.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _assign(self) -> None:
        while self.waiting:
            idle = next((worker for worker in self.workers if worker.task is None), None)
            if idle is None and len(self.workers) < self.size:
                idle = self._start()
            if idle is None:
                return
            idle.task = self.waiting.popleft()
            self._inbox.put((idle, {"type": "started"}))
            self._write(idle, task_line(idle.task))

    def _start(self) -> Worker:
        if self._folder is None:
            self._folder = _private_folder()
        self._started += 1
        folder = self._folder / f"w{self._started}"
        folder.mkdir(mode=0o700)
        log = folder / "worker.log"
        # -P: a file of the project called json.py is not imported in place of Python's own.
        command = [sys.executable, "-P", "-m", "abtest.run.worker", str(folder)]
        with log.open("wb") as stderr:
            process = subprocess.Popen(  # noqa: S603  # this interpreter, no shell
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
        worker = Worker(process, log)
        self.workers.append(worker)
        threading.Thread(target=self._read, args=(worker,), daemon=True).start()
        return worker

    def _read(self, worker: Worker) -> None:
        stream: IO[bytes] | None = worker.process.stdout
        if stream is not None:
            with stream:
                for line in stream:
                    self._inbox.put((worker, json.loads(line)))
        self._inbox.put((worker, None))

    def _write(self, worker: Worker, line: bytes) -> bool:
        stream = worker.process.stdin
        try:
            if stream is not None:
                stream.write(line)
                stream.flush()
        except OSError:
            return False  # it died; its reader says so
        return True

    def _handle(self, worker: Worker, content: dict[str, Any]) -> Message:
        task = worker.task
        match content["type"]:
            case "started":
                return Message(task, started=True)
            case "kernel":
                worker.kernel = content["pid"]
                return Message(task)
            case "cell":
                return Message(task, content["cell"], content["cells"])
            case _:
                worker.task = None
                self._assign()
                return Message(task, executed=executed_from(content))

    def _died(self, worker: Worker) -> Message:
        """Forget a worker that is gone, end its orphaned kernel, and replace it if needed."""
        self.workers.remove(worker)
        worker.end()
        self._assign()
        code = worker.process.returncode
        words = worker.last_words()
        return Message(worker.task, died=f"exit code {code}" + (f"\n{words}" if words else ""))


def _private_folder() -> Path:
    """Return a new folder that only this user can read, with a short absolute path."""
    short = os.name == "nt" or len(tempfile.gettempdir()) <= _LONGEST
    place = None if short else "/tmp"  # noqa: S108  # mkdtemp makes a folder of its own there, 0700
    return Path(tempfile.mkdtemp(prefix="abtest-", dir=place)).absolute()
