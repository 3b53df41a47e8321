"""A private Jupyter kernel: this interpreter, no user configuration, no open ports."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync

from abtest.run.groups import end_group

KERNEL_NAME = "python3"
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


class _OwnSpecs(KernelSpecManager):
    """Knows one kernel: this interpreter.

    A user's own ``python3`` kernel spec would shadow that of the virtual environment.
    """

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:  # noqa: ARG002  # inherited
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        quiet = ["--HistoryManager.enabled=False", "--InteractiveShell.colors=nocolor"]
        return KernelSpec(argv=command + quiet, display_name="Python 3", language="python")


class Kernel:
    """A started kernel and what ends it.

    Parameters
    ----------
    root
        Working directory of the kernel: the project's root.
    private
        Existing short absolute folder that only this user can read: connection file,
        sockets and the kernel's IPython folder. The caller removes it.
    """

    def __init__(self, root: Path, private: Path) -> None:
        self.log = private / "kernel.log"
        profile = private / "ipython"
        profile.mkdir()
        environment = {**os.environ, **SETTLED, "IPYTHONDIR": str(profile)}
        environment.pop("PYTHONSTARTUP", None)
        transport = {} if os.name == "nt" else {"transport": "ipc", "ip": str(private / "k")}
        self.manager = AsyncKernelManager(
            kernel_name=KERNEL_NAME,
            kernel_spec_manager=_OwnSpecs(),
            connection_file=str(private / "kernel.json"),
            **transport,
        )
        with self.log.open("wb") as log:
            run_sync(self.manager.start_kernel)(
                cwd=str(root), env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        provisioner: Any = self.manager.provisioner
        self._process: subprocess.Popen[bytes] = provisioner.process
        self.pid = int(self._process.pid)

    def interrupt(self) -> None:
        """Ask the running cell to stop, as Ctrl-C does."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """End the kernel and everything it started, at once."""
        end_group(self.pid)

    def ask_to_leave(self) -> None:
        """Ask the kernel to end by itself, without waiting for it."""
        with contextlib.suppress(Exception):
            run_sync(self.manager.request_shutdown)()

    def close(self, patience: float = 0.5) -> None:
        """Wait for a kernel that was asked to leave, then end what is left of its group."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        self.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        with contextlib.suppress(Exception):  # sockets of this process; the kernel is gone
            run_sync(self.manager.cleanup_resources)()

    def last_words(self, lines: int = 5) -> str:
        """Return the last lines that the kernel wrote outside of cells."""
        text = self.log.read_text("utf-8", "replace") if self.log.exists() else ""
        return "\n".join(text.strip().splitlines()[-lines:])

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.name == "nt":
                run_sync(self.manager.interrupt_kernel)()
            else:
                os.killpg(self.pid, number)
