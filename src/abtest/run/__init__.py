"""Executing experiments: kernels, deadlines, parallel workers, reuse of what is up to date.

The names below are imported when they are first used: a worker process, which starts with
this package, needs none of what the parent imports to read experiments.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from abtest.run.options import RunOptions
    from abtest.run.outcome import Event, Failure, RunResult
    from abtest.run.runner import run_experiments

__all__ = ["Event", "Failure", "RunOptions", "RunResult", "run_experiments"]

_HOMES = {
    "Event": "outcome",
    "Failure": "outcome",
    "RunOptions": "options",
    "RunResult": "outcome",
    "run_experiments": "runner",
}


def __getattr__(name: str) -> Any:  # whatever the name stands for
    """Return a public name of this package."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # see the docstring

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
