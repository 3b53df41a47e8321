"""A worker's source of kernels that have their libraries loaded: forked, where that is safe.

Starting Python and importing what a report needs takes longer than most analyses. On Linux a
worker keeps one process that did both (`abtest.run.preloaded`); each kernel is a fork of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

SETTLED: dict[str, str] = {
    # One thread: the same last bits in every run, and no fight over processors between workers.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    # abtest draws without pyplot; inline serves an analyst's own notebook that uses it.
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
}
"""Environment that every kernel gets, whatever the caller's is."""

PATIENCE = 30.0
"""Seconds in which libraries must be loaded; then kernels are started without."""
_WHILE_LOADING = {
    # pyarrow's allocator has a thread of its own, which a fork would lose.
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # else the debugger warns about Python's own modules
}
# The folder it is started in is not looked into for modules, but the kernels have no -P: a
# notebook may import what stands beside it.
_COMMAND = "import sys; del sys.path[0]; from abtest.run.preloaded import main; main()"


def can_fork() -> bool:
    """Return whether kernels may be forked here: on Linux, where processes can be watched."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open")


class Forked:
    """A process that another one forked, with the methods of `subprocess.Popen` that kernels use.

    It is watched by a file descriptor, since only its parent can wait for it. `returncode` is
    unknown: 0 stands for an end of any kind.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._watched = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """Return 0 if it ended, else None."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return 0 when it has ended; raises `subprocess.TimeoutExpired` if it does not."""
        if self.returncode is None:
            if not select.select([self._watched], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("kernel", timeout or 0.0)
            os.close(self._watched)
            self.returncode = 0
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it ended."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._watched, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


class Nursery:
    """The process that kernels are forked from; it belongs to its worker's process group."""

    def __init__(self) -> None:
        environment = {**os.environ, **SETTLED, **_WHILE_LOADING}
        environment.pop("PYTHONSTARTUP", None)
        self._process = subprocess.Popen(  # noqa: S603  # this interpreter, no shell
            [sys.executable, "-c", _COMMAND],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            bufsize=0,
        )
        self.pid = self._process.pid

    def fork(
        self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path
    ) -> Forked | None:
        """Return a kernel, in a session of its own; None if it must be started otherwise."""
        request = {
            "arguments": list(arguments),
            "environment": dict(environment),
            "folder": str(folder),
            "log": str(log),
        }
        try:
            answer = json.loads(self._ask(json.dumps(request).encode() + b"\n"))
            return None if answer is None else Forked(answer)
        except (OSError, ValueError):
            self.close()
            return None

    def close(self) -> None:
        """End the process and all kernels that are forked from it."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ask(self, request: bytes) -> bytes:
        """Return the answer, a line; raises OSError or ValueError when there is none."""
        to, answers = self._process.stdin, self._process.stdout
        if to is None or answers is None:
            raise OSError
        to.write(request)
        if not select.select([answers], [], [], PATIENCE)[0]:
            raise OSError
        return answers.readline()
