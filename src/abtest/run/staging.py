"""Private folders of runs, and moving what is finished to where people look."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from pathlib import Path

from abtest.files import write_bytes
from abtest.run.record import FAILED, PUBLISHED, RunRecord
from abtest.run.task import EXECUTED, PAGE, REPORT

PREFIX = ".run-"
_ABANDONED_AFTER = 24 * 3600.0
"""Seconds after which a staging folder belongs to a run that was killed."""


def make_staging(folder: Path) -> Path:
    """Return a new private folder inside the experiment's own, so that renames are atomic."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - old.stat().st_mtime > _ABANDONED_AFTER:
                shutil.rmtree(old)
    return Path(tempfile.mkdtemp(prefix=PREFIX, dir=folder)).absolute()


def publish(staging: Path, folder: Path, record: RunRecord) -> None:
    """Move the files of a good run into `folder`, run.json last, and forget an earlier failure.

    Each file is replaced whole. If the process dies in between, the old run.json holds the
    hashes of other files than those now there, and the result counts as stale.
    """
    for name in PUBLISHED:
        (staging / name).replace(folder / name)
    record.write(folder)
    shutil.rmtree(folder / FAILED, ignore_errors=True)
    discard(staging)


def publish_failure(
    folder: Path, record: RunRecord, notebook: bytes | None, page: bytes | None
) -> None:
    """Write a failed run's record, partial notebook and page beside the last good result."""
    failed = folder / FAILED
    for name, content in ((REPORT, notebook), (PAGE, page)):
        if content is None:
            (failed / name).unlink(missing_ok=True)
        else:
            write_bytes(failed / name, content)
    record.write(failed)


def clear(staging: Path) -> None:
    """Forget what a failed attempt left, so that the next one is judged by its own files."""
    for name in (EXECUTED, *PUBLISHED):
        (staging / name).unlink(missing_ok=True)


def discard(staging: Path) -> None:
    """Remove a staging folder; the experiment's folder too if nothing is left in it."""
    shutil.rmtree(staging, ignore_errors=True)
    with contextlib.suppress(OSError):
        staging.parent.rmdir()
