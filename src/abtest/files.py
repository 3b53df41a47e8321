"""The one place that writes files: whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` under a temporary name beside it, then rename.

    A killed process leaves the previous file whole. Parent folders are made.
    """
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Hand out an empty temporary file beside `path` that becomes `path` when the block ends.

    For writers that want a path of their own. If the block raises, `path` stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, content: str) -> None:
    r"""Write UTF-8 text with ``\n`` line ends, atomically."""
    write_bytes(path, content.encode("utf-8"))


def canonical_json(document: object) -> str:
    """Return JSON with two-space indent, unescaped Unicode and a final newline.

    Keys keep the order in which the caller built them: documents are built in
    the order of their schema, so equal content gives equal bytes. NaN and
    infinity are refused, because JSON has no such numbers.
    """
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def write_json(path: Path, document: Mapping[str, object]) -> None:
    """Write `document` as canonical JSON, atomically."""
    write_text(path, canonical_json(document))


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
