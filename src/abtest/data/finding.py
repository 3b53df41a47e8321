"""Which files and frames a source names; nothing here needs the database engine.

So that verbs which only ask what changed do not wait for it to be imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from abtest.errors import DataError, UsageError

WILDCARDS = "*?["


def by_role(frames: Mapping[str, object] | object | None, role: str) -> Mapping[str, object]:
    """Return frames by role; a single frame is the `role`."""
    if frames is None:
        return {}
    if isinstance(frames, Mapping):
        return frames
    if not role:
        raise UsageError(
            "An event log needs its tables by name",
            given=type(frames).__name__,
            todo='pass data={"exposures": frame, "events": frame}',
            code="frames_by_role",
        )
    return {role: frames}


def find_files(root: Path, source: str) -> tuple[Path, ...]:
    """Return the files that a source names, sorted; there is at least one."""
    if "://" in source:
        raise DataError(
            "Databases behind a URL cannot be read yet",
            given=source.split("://", maxsplit=1)[0] + "://...",
            todo="export the data to Parquet or DuckDB, or pass DataFrames",
            code="not_yet",
        )
    path = root / source
    if path.is_file():
        return (path,)
    if any(letter in source for letter in WILDCARDS):
        pattern = path.relative_to(path.anchor) if path.is_absolute() else path
        found = sorted(Path(path.anchor).glob(str(pattern)))
        files = tuple(name for name in found if name.is_file())
        if files:
            return files
        raise DataError(
            "No file matches",
            given=source,
            todo="check the pattern; it is relative to the project root",
            code="no_file_matches",
        )
    if path.is_dir():
        raise DataError(
            "This is a folder, not a file",
            given=source,
            todo=f"name a file in it, or a pattern for all of them such as {source}/*.parquet",
            code="file_missing",
        )
    raise DataError(
        "There is no such file",
        given=source,
        todo=_file_hint(path),
        code="file_missing",
    )


def _file_hint(path: Path) -> str:
    siblings = [child.name for child in path.parent.iterdir()] if path.parent.is_dir() else []
    close = get_close_matches(path.name, siblings, n=3)
    hint = f"; there is {', '.join(close)}" if close else ""
    return f"check the name; it is relative to the project root{hint}"
