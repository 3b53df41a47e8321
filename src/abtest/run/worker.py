"""A worker process: executes one notebook after another with its libraries loaded once.

Started as ``python -P -m abtest.run.worker FOLDER``; reads tasks as lines of JSON from stdin,
writes what happens as lines of JSON to stdout (see `abtest.run.task`). The end of stdin means
that the parent is gone: the kernel is ended and the process leaves.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from abtest.run.guard import skip_iri_grammar
from abtest.run.nursery import Nursery, can_fork
from abtest.run.outcome import Failure
from abtest.run.task import Executed, Send, Task, executed_line, to_line


class Inbox:
    """Tasks from the parent, and the stop that may come while one is executed.

    `on_stop` is called from the reading thread, once.
    """

    def __init__(self) -> None:
        self.tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self.stopped = threading.Event()
        self.on_stop: Callable[[], None] | None = None
        self._lock = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()

    def attend(self, on_stop: Callable[[], None] | None) -> None:
        """Have `on_stop` called at a stop, at once if it came already."""
        with self._lock:
            self.on_stop = on_stop
            if on_stop is not None and self.stopped.is_set():
                on_stop()

    def _read(self) -> None:
        for line in sys.stdin.buffer:
            message = json.loads(line)
            if message["type"] == "stop":
                break
            self.tasks.put(Task(**message["task"]))
        with self._lock:
            self.stopped.set()
            if self.on_stop is not None:
                self.on_stop()
        self.tasks.put(None)


def main() -> None:
    """Execute tasks until the parent says stop or is gone."""
    skip_iri_grammar()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    folder = Path(sys.argv[1])
    send = _private_stdout()
    nursery = Nursery() if can_fork() else None
    inbox = Inbox()
    try:
        while (task := inbox.tasks.get()) is not None:
            send(executed_line(_one(task, folder, inbox, send, nursery)))
    except BrokenPipeError:
        pass
    finally:
        if nursery is not None:
            nursery.close()
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            folder.parent.rmdir()  # nobody else will when the parent was killed


def _private_stdout() -> Send:
    """Keep stdout for messages; what libraries print goes to the log on stderr."""
    channel = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    lock = threading.Lock()

    def send(line: bytes) -> None:
        with lock:
            channel.write(line)

    return send


def _one(task: Task, folder: Path, inbox: Inbox, send: Send, nursery: Nursery | None) -> Executed:
    """Execute one task in a kernel of its own; nothing that goes wrong ends the worker."""
    private = Path(tempfile.mkdtemp(dir=folder))
    try:
        from abtest.run.kernel import Kernel  # in the try: what fails is reported

        if nursery is not None:  # papermill and nbconvert are imported while it loads
            from abtest.run import job  # noqa: F401
        try:
            kernel = Kernel(Path(task.root), private, nursery)
        except Exception as error:  # whatever kept it from starting
            what = f"the kernel did not start: {type(error).__name__}: {error}"
            todo = "check that ipykernel works in this environment"
            return Executed(Failure("kernel_did_not_start", what, sys.executable, todo))
        send(to_line("kernel", pid=kernel.pid))
        from abtest.run.job import do  # papermill is imported while a kernel starts anew

        return do(task, kernel, inbox.attend, send)
    except Exception as error:  # our own fault: the other experiments go on
        what = f"the runner failed: {type(error).__name__}: {error}"
        return Executed(Failure("internal", what, task.notebook, "please report this"))
    finally:
        inbox.attend(None)
        shutil.rmtree(private, ignore_errors=True)


if __name__ == "__main__":
    main()
