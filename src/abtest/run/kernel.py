"""A private Jupyter kernel: this interpreter, no user configuration, no open ports."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_core.utils import run_sync

from abtest.run.groups import end_group
from abtest.run.nursery import SETTLED, Nursery

KERNEL_NAME = "python3"
_COMMAND = (sys.executable, "-m", "ipykernel_launcher")
_ARGUMENTS = (
    "-f",
    "{connection_file}",
    "--HistoryManager.enabled=False",
    "--InteractiveShell.colors=nocolor",
)


class _OwnSpecs(KernelSpecManager):
    """Knows one kernel: this interpreter.

    A user's own ``python3`` kernel spec would shadow that of the virtual environment.
    """

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:  # noqa: ARG002  # inherited
        return KernelSpec(argv=[*_COMMAND, *_ARGUMENTS], display_name="Python 3", language="python")


class _Provisioner(LocalProvisioner):
    """Has the nursery fork a kernel, and starts one anew if it cannot."""

    nursery: Nursery | None = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Return how to reach a kernel that was started."""
        if self.nursery is not None:
            arguments, log = cmd[len(_COMMAND) :], Path(kwargs["stdout"].name)
            forked = self.nursery.fork(arguments, kwargs["env"], Path(kwargs["cwd"]), log)
            if forked is not None:
                self.process = cast("subprocess.Popen[bytes]", forked)  # it has what is used of it
                self.pid = self.pgid = forked.pid  # it leads a session of its own
                self.cwd = kwargs["cwd"]
                return self.connection_info
        return await super().launch_kernel(cmd, **kwargs)


class Kernel:
    """A started kernel and what ends it.

    Parameters
    ----------
    root
        Working directory of the kernel: the project's root.
    private
        Existing short absolute folder that only this user can read: connection file,
        sockets and the kernel's IPython folder. The caller removes it.
    nursery
        Where a kernel with loaded libraries may come from.
    """

    def __init__(self, root: Path, private: Path, nursery: Nursery | None = None) -> None:
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
        provisioner = _Provisioner(kernel_spec=self.manager.kernel_spec, parent=self.manager)
        provisioner.nursery = nursery
        self.manager.provisioner = provisioner
        with self.log.open("wb") as log:
            run_sync(self.manager.start_kernel)(
                cwd=str(root), env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        self._process = cast("subprocess.Popen[bytes]", provisioner.process)
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
