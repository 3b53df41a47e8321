"""What the figures were measured on, without the machine's name."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

LIBRARIES = (
    "duckdb",
    "ibis-framework",
    "numpy",
    "pandas",
    "papermill",
    "nbclient",
    "pyarrow",
    "scipy",
    "statsmodels",
)


def processor() -> str:
    """Return the processor's model, or its architecture where the system does not tell."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def describe() -> str:
    """Return a sentence on the machine and how busy it is, and one on the versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    busy = os.getloadavg()[0]
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, "
        f"Python {platform.python_version()}; {busy:.1f} other processes busy at the start."
        f" Versions: {versions}."
    )
