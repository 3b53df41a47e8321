"""What a call needs in a process of its own: its answer, its seconds, the most memory."""

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def peak_bytes() -> int:
    """Return the most memory this process has held, interpreter and libraries included.

    Where the system tells, it is that of the program alone: `ru_maxrss` starts with what the
    process that started it held.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def alone(function: Callable[..., object], *arguments: object) -> tuple[Any, int]:
    """Return what a function of a module answers in a new process, and the bytes of its peak.

    Arguments and the answer are what JSON can carry.
    """
    module, name = function.__module__, function.__name__
    program = (
        f"import json, sys; from {module} import {name}; from benchmarks.peak import peak_bytes;"
        f"found = {name}(*json.loads(sys.argv[1])); print(json.dumps([found, peak_bytes()]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"{module}.{name} failed:\n{done.stderr[-2000:]}")
    found, peak = json.loads(done.stdout.splitlines()[-1])
    return found, peak
