"""Ending process groups."""

from __future__ import annotations

import contextlib
import os
import signal


def end_group(pid: int) -> None:
    """End the process group that `pid` leads, at once; nothing happens when it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "nt":
            os.kill(pid, signal.SIGTERM)
        else:
            os.killpg(pid, signal.SIGKILL)
