"""`run.json`: how a run went; its shape, and reading it back."""

from __future__ import annotations

import functools
import hashlib
import json
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from abtest.experiment.document import VerdictDocument
from abtest.files import write_json
from abtest.run.key import RunKey
from abtest.run.outcome import FailureCode
from abtest.run.task import PAGE, RECORD, REPORT, VERDICT

PUBLISHED = (VERDICT, REPORT, PAGE)
"""Files of a result in the order in which they are moved; run.json comes after them."""
FAILED = "failed"
"""Folder, inside the experiment's, of the last run when that failed."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FailureRecord(_Part):
    """What went wrong, in three parts; `cell` counts code cells from 1."""

    code: FailureCode
    what: str
    given: str
    todo: str
    cell: int | None


class Attempt(_Part):
    """One try: which failure it ended with (null: none) and how long it took."""

    failure: FailureCode | None
    what: str
    seconds: float


class RunRecord(_Part):
    """The document that stands in `run.json`; times are UTC, durations seconds."""

    schema_version: Literal[1] = 1
    experiment: str
    status: Literal["done", "failed", "timeout", "interrupted"]
    verdict: str | None
    failure: FailureRecord | None
    key: RunKey | None
    key_sha256: str | None
    notebook: str | None
    started: str
    ended: str
    seconds: float
    timings: dict[str, float]
    cells: list[float]
    attempts: list[Attempt]
    host: str
    git_commit: str | None
    files: dict[str, str]
    """SHA-256 of the files beside it: tells a whole result from a mixed one."""

    def write(self, folder: Path) -> None:
        """Write the record into `folder`."""
        write_json(folder / RECORD, self.model_dump())


def read_record(folder: Path) -> RunRecord | None:
    """Return the record in `folder`; None if there is none that can be read."""
    try:
        return RunRecord.model_validate_json((folder / RECORD).read_bytes())
    except (OSError, ValidationError):
        return None


def read_verdict(path: Path) -> dict[str, Any] | None:
    """Return the verdict document in `path` as it is; None if it is missing or not valid."""
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
        VerdictDocument.model_validate(content)
    except (OSError, ValueError):  # a ValidationError is a ValueError
        return None
    return content


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each published file that is in `folder`."""
    found = {}
    for name in PUBLISHED:
        path = folder / name
        if path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def is_whole(folder: Path, record: RunRecord) -> bool:
    """Return whether all files of the result are there and are those the record speaks of."""
    return set(record.files) == set(PUBLISHED) and hashes(folder) == record.files


def now() -> datetime:
    """Return the time of the clock, UTC."""
    return datetime.now(UTC)


def host() -> str:
    """Return the name of this machine."""
    return platform.node()


@functools.cache
def git_commit(root: Path) -> str | None:
    """Return the commit that is checked out in `root`; None without git or a repository."""
    command = ["git", "-C", str(root), "rev-parse", "HEAD"]  # git from PATH, as users do
    try:
        answer = subprocess.run(  # noqa: S603  # no shell, fixed arguments
            command, capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None
