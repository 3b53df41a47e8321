"""A/B tests of engagement metrics: from a pre-registered file to a verdict people can defend.

Importing is light: what a name needs is loaded when the name is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PLACES = {
    "load": "abtest.experiment.session",
    "open_run": "abtest.experiment.session",
    "AbtestError": "abtest.errors",
    "DataError": "abtest.errors",
    "SpecError": "abtest.errors",
    "UsageError": "abtest.errors",
}
_PACKAGES = ("cohorts", "metrics", "simulate", "stats")

__all__ = [
    "AbtestError",
    "DataError",
    "SpecError",
    "UsageError",
    "__version__",
    "cohorts",
    "load",
    "metrics",
    "open_run",
    "simulate",
    "stats",
]

if TYPE_CHECKING:
    from abtest import cohorts, metrics, simulate, stats
    from abtest.errors import AbtestError, DataError, SpecError, UsageError
    from abtest.experiment.session import load, open_run


def __getattr__(name: str) -> Any:
    """Return a public name, loading its module on first use."""
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    if name in _PACKAGES:
        return import_module(f"abtest.{name}")
    raise AttributeError(f"module 'abtest' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
