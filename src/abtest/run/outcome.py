"""What became of an experiment: failures, events on the way, results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from abtest.errors import AbtestError, SpecError

FailureCode = Literal[
    "unreadable_experiment",
    "invalid_experiment",
    "no_data",
    "invalid_notebook",
    "cell_raised",
    "kernel_died",
    "kernel_did_not_start",
    "timeout",
    "no_verdict",
    "invalid_verdict",
    "other_verdict",
    "not_rendered",
    "not_written",
    "worker_died",
    "interrupted",
    "internal",
]
FailedStatus = Literal["failed", "timeout", "interrupted"]
Status = Literal["done", "reused", "failed", "timeout", "interrupted"]
RETRIED: frozenset[str] = frozenset({"kernel_died", "kernel_did_not_start", "worker_died"})
"""Failures that say nothing about the notebook: tried once more. A raising cell never is."""


@dataclass(frozen=True)
class Failure:
    """Why there is no new verdict: what is wrong, what was given, what to do.

    `cell` counts the notebook's own code cells from 1, without the injected one.
    """

    code: FailureCode
    what: str
    given: str = ""
    todo: str = ""
    cell: int | None = None

    @property
    def status(self) -> FailedStatus:
        """The status that this failure gives an experiment."""
        if self.code == "timeout":
            return "timeout"
        return "interrupted" if self.code == "interrupted" else "failed"

    def __str__(self) -> str:
        """Return the three parts as every error of abtest shows them."""
        return str(AbtestError(self.what, given=self.given, todo=self.todo))

    @classmethod
    def of(cls, error: AbtestError, code: FailureCode) -> Failure:
        """Return the failure that `error` is; all problems of a file stand in `given`."""
        if isinstance(error, SpecError):
            told = (str(problem).replace("\n  ", "\n      ") for problem in error.problems)
            problems = "\n    ".join(told)
            return cls(code, error.what, problems, "correct the file")
        return cls(code, error.what, error.given, error.todo)


EventKind = Literal["queued", "started", "cell", "retried", "done", "reused", "failed"]


@dataclass(frozen=True)
class Event:
    """Something that happened to one experiment, for a display of progress.

    `cell` and `cells` count code cells; `result` is there when `kind` is ``done``,
    ``reused`` or ``failed``.
    """

    kind: EventKind
    experiment: str
    cell: int = 0
    cells: int = 0
    text: str = ""
    result: RunResult | None = None


@dataclass(frozen=True)
class RunResult:
    """What became of one experiment.

    `document` is the verdict this run made or reused; None when it failed. `reason` says
    why a result was reused or had to be made. `failed_page` is what a person opens to see
    why a run failed; None if there is none.
    """

    experiment: str
    status: Status
    folder: Path
    document: dict[str, Any] | None = None
    failure: Failure | None = None
    reason: str = ""
    seconds: float = 0.0
    attempts: int = 0
    failed_page: Path | None = None

    @property
    def ok(self) -> bool:
        """Whether there is a verdict."""
        return self.failure is None

    @property
    def verdict(self) -> str | None:
        """The verdict's word, None when the run failed."""
        return None if self.document is None else str(self.document["verdict"])

    @property
    def headline(self) -> str:
        """The verdict's sentence, or what went wrong."""
        if self.document is not None:
            return str(self.document["headline"])
        return "" if self.failure is None else self.failure.what
