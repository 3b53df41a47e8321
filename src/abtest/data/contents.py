"""A fingerprint of the data an experiment reads: same content, same fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from abtest.data.finding import by_role, find_files
from abtest.data.settings import DataSettings, EventsData, TotalsData, UnitsData
from abtest.errors import DataError
from abtest.files import write_text

CACHE = Path(".abtest") / "fingerprints.json"
"""Where hashes of files are remembered, below the project root."""
CHUNK = 1 << 20


def fingerprint(
    settings: DataSettings, root: Path, frames: Mapping[str, object] | object | None = None
) -> str:
    """Return the SHA-256 over names and content of all files and frames that are read.

    Hashes of files are remembered by path, size, time and inode, so that a second call
    costs nothing. Where that memory cannot be written, nothing is remembered.

    Raises
    ------
    DataError
        When a file is missing.
    """
    root = Path(root)
    single = "" if isinstance(settings, EventsData) else settings.kind
    given = by_role(frames, single)
    total = hashlib.sha256()
    remembered = _remembered(root)
    known = dict(remembered)
    for source in sorted({name for role, name in sources_of(settings) if role not in given}):
        for path in find_files(root, source):
            digest = _of_file(path, known)
            total.update(f"file\0{_relative(path, root)}\0{digest}\0".encode())
    for role in sorted(given):
        total.update(f"frame\0{role}\0{_of_frame(given[role], role)}\0".encode())
    if known != remembered:
        _remember(root, known)
    return total.hexdigest()


def sources_of(settings: DataSettings) -> Iterator[tuple[str, str]]:
    """Yield (role, source) for every file that the settings name."""
    if isinstance(settings, TotalsData):
        totals = settings.totals
        names = [*(totals.files or {}).values(), *([totals.source] if totals.source else [])]
        yield from (("totals", name) for name in names)
        return
    if isinstance(settings, UnitsData):
        if settings.source:
            yield "units", settings.source
        return
    for role in ("exposures", "events", "units"):
        part = getattr(settings, role)
        name = None if part is None else part.source or settings.source
        if name:
            yield role, name


def _relative(path: Path, root: Path) -> str:
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return path.name


def _of_file(path: Path, known: dict[str, str]) -> str:
    try:
        found = path.stat()
        key = f"{path.resolve()}|{found.st_size}|{found.st_mtime_ns}|{found.st_ino}"
        if key not in known:
            for old in [name for name in known if name.startswith(f"{path.resolve()}|")]:
                del known[old]
            digest = hashlib.sha256()
            with path.open("rb") as file:
                while chunk := file.read(CHUNK):
                    digest.update(chunk)
            known[key] = digest.hexdigest()
    except OSError as error:
        raise DataError(
            "The file cannot be opened",
            given=f"{path.name}: {error.strerror}",
            todo="check that the file is there and may be read",
            code="unreadable_data",
        ) from error
    return known[key]


def _of_frame(frame: object, role: str) -> str:
    """Return a hash of a frame's columns, types and values, chunking left out."""
    import pyarrow as pa

    from abtest.data.frames import as_arrow

    table = as_arrow(frame, role).combine_chunks().replace_schema_metadata(None)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return hashlib.sha256(sink.getvalue()).hexdigest()


def _remembered(root: Path) -> dict[str, str]:
    try:
        found = json.loads((root / CACHE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {str(key): value for key, value in found.items() if isinstance(value, str)}


def _remember(root: Path, known: Mapping[str, str]) -> None:
    try:
        write_text(root / CACHE, json.dumps(dict(sorted(known.items())), indent=1) + "\n")
    except OSError:
        return  # a read-only project is hashed anew each time
