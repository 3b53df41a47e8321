"""Which versions the numbers were made with."""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version

NUMERIC_PACKAGES = (
    "duckdb",
    "ibis-framework",
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "statsmodels",
)
"""Packages whose version can change a number."""


def python_version() -> str:
    """Return the version of Python, major and minor."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    found = []
    for name in NUMERIC_PACKAGES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return tuple(found)


def packages() -> dict[str, str]:
    """Return the installed versions of the packages that can change a number."""
    return dict(_versions())
