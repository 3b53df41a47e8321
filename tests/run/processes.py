"""Whether processes ended, for tests that must leave none."""

import os
import time
from pathlib import Path


def alive(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def gone(pid: int, within: float = 5.0) -> bool:
    """Whether a process ends soon."""
    end = time.monotonic() + within
    while alive(pid):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def processes_in(folder: Path, within: float = 0.0) -> list[str]:
    """Commands of processes that work in a folder, as kernels do in a project's root."""
    end = time.monotonic() + within
    while (found := _commands_in(folder)) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def _commands_in(folder: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if int(process.name) == os.getpid():
                continue  # a test may work there itself
            if (process / "cwd").readlink() == folder and alive(int(process.name)):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found.append(f"{process.name}: {command}")
        except OSError:
            continue
    return found
