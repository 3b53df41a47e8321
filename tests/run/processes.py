"""Whether processes ended, for tests that must leave none."""

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


def processes_in(folder: Path) -> list[int]:
    """Processes that work in a folder, as kernels do in a project's root."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if place.readlink() == folder and alive(int(place.parent.name)):
                found.append(int(place.parent.name))
        except OSError:
            continue
    return found
