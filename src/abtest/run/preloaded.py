"""A process with everything loaded that a report needs, which forks into a kernel when asked.

Started by a worker (see `abtest.run.nursery`). A request is a line of JSON on stdin: the
kernel's arguments, environment, folder and log; the answer is a line on stdout: the kernel's
process number, or null when it cannot be forked. The end of stdin ends the process and every
kernel that it became.

A fork copies one thread only, so nothing here may start a second: the modules below start
none under the settled environment, and a request is refused if there is one after all.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import runpy
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from abtest.run.groups import end_group

MODULES = (
    "ipykernel.kernelapp",
    "ipykernel.zmqshell",
    "ipykernel.debugger",
    "tornado.platform.asyncio",
    "IPython.core.completerlib",
    "IPython.extensions.storemagic",
    "abtest.experiment.session",
    "abtest.experiment.context",
    "abtest.experiment.ruling",
    "abtest.data.measurement",
    "abtest.data.events",
    "abtest.data.totals",
    "abtest.data.units",
    "abtest.stats.comparison",
    "abtest.stats.joint",
    "ibis.backends.duckdb",
    "ibis.formats.pandas",
    "ibis.formats.pyarrow",
    "abtest.show.page",
    "abtest.show.drawing",
    "matplotlib.backends.backend_svg",
    "matplotlib.style",
)
"""What the report notebook comes to import."""


def main() -> None:
    """Answer requests; returns in the parent when stdin ends, in a child when the kernel did."""
    atexit.register(_leave)  # the first that is registered is the last that is called
    os.environ["JPY_PARENT_PID"] = str(os.getpid())  # ipykernel reads it when it is imported
    channel = os.dup(1)
    os.dup2(2, 1)
    for module in MODULES:
        with contextlib.suppress(Exception):  # what is wrong will be wrong in the kernel too
            import_module(module)
    gc.collect()
    gc.freeze()  # what is here already stays shared between the kernels
    children: list[int] = []
    # Unbuffered: what one process reads ahead would be missing in the other.
    with os.fdopen(0, "rb", buffering=0, closefd=False) as requests:
        for line in requests:
            pid = _fork(children)
            if pid == 0:
                _become_kernel(json.loads(line), channel)
                return
            if pid is None:
                os.write(channel, b"null\n")
            else:
                children.append(pid)
    for pid in children:
        end_group(pid)
        os.waitpid(pid, 0)


def _fork(children: list[int]) -> int | None:
    """Return the child's number, 0 in the child, None if this process must not or cannot fork.

    Ended children are waited for only here: until then nobody else gets their number.
    """
    for pid in list(children):
        if os.waitpid(pid, os.WNOHANG)[0]:
            children.remove(pid)
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        return None
    try:
        return os.fork()
    except OSError:
        return None


def _become_kernel(request: dict[str, Any], channel: int) -> None:
    """Execute a kernel in this process until it ends."""
    os.setsid()  # a group of its own, which can be ended whole
    os.write(channel, f"{os.getpid()}\n".encode())
    os.close(channel)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for opened, number in ((null, 0), (log, 1), (log, 2)):
        os.dup2(opened, number)
    os.close(null)
    os.close(log)
    parent = os.environ["JPY_PARENT_PID"]
    os.environ.clear()
    os.environ.update(request["environment"], JPY_PARENT_PID=parent)
    os.chdir(request["folder"])
    sys.argv = ["ipykernel_launcher", *request["arguments"]]
    runpy.run_module("ipykernel_launcher", run_name="__main__", alter_sys=True)


def _leave() -> None:
    """End this process without taking apart what it has loaded, which takes over a second."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(0)
