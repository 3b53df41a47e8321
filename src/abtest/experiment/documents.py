"""TOML files as read: their values, and the line of each."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from abtest.errors import Problem, SpecError
from abtest.experiment.key_path import KeyPath
from abtest.experiment.locate import key_lines
from abtest.experiment.toml_text import shown

LARGEST = 1_000_000
"""Bytes an experiment file may have; one that is larger is not an experiment file."""

_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_PLAIN = {
    "Cannot overwrite a value": "this key stands here a second time",
    "Cannot mutate immutable namespace": "this table was closed before",
}


@dataclass(frozen=True, eq=False)
class Document:
    """One source of values: a TOML file, or a mapping handed over in Python."""

    name: str
    """File as named in messages."""
    data: Mapping[str, Any]
    text: str = ""

    @property
    def short(self) -> str:
        """Name without folders, as origins give it."""
        return self.name.rsplit("/", 1)[-1]

    @cached_property
    def _lines(self) -> dict[KeyPath, int]:
        return key_lines(self.text)

    def line(self, path: KeyPath) -> int | None:
        """Return the line of `path`, or of the nearest table around it that is there."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._lines:
                return self._lines[path[:length]]
        return 1 if self.text else None


def read_document(path: Path, name: str) -> Document:
    """Return the TOML file at `path`; `name` is what messages call it.

    Raises
    ------
    SpecError
        With code ``unreadable_spec``: missing, not a file, too large, not UTF-8, not TOML.
    """
    text = _read_text(path, name)
    try:
        data = tomllib.loads(text)
    except RecursionError:
        raise _unreadable(
            name,
            None,
            "the values are nested too deeply",
            "tables within tables",
            "Write flat tables.",
        ) from None
    except ValueError as error:  # TOMLDecodeError, and numbers too long for Python
        raise _not_toml(name, text, str(error)) from None
    return Document(name, data, text)


def _read_text(path: Path, name: str) -> str:
    try:
        if path.is_dir():
            raise _unreadable(name, None, "this is a folder", "", "Name the file in it.")
        if path.exists() and not path.is_file():  # a pipe or device would be read for ever
            raise _unreadable(name, None, "this is not a file", "", "Name a TOML file.")
        if path.stat().st_size > LARGEST:
            size = f"{path.stat().st_size:,} bytes"
            todo = f"An experiment file has at most {LARGEST:,} bytes; data go into other files."
            raise _unreadable(name, None, "the file is too large", size, todo)
        content = path.read_bytes()
    except OSError as error:
        what = f"the file cannot be read: {error.strerror or error}"
        raise _unreadable(name, None, what, "", "Check that it is there and readable.") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        given = f"byte 0x{content[error.start]:02x}"
        todo = "Save the file as UTF-8."
        raise _unreadable(name, line, "the file is not UTF-8 text", given, todo) from None


def _not_toml(name: str, text: str, message: str) -> SpecError:
    lines = text.split("\n")
    place = _PLACE.search(message)
    plain = _PLACE.sub("", message)
    what = f"this is not TOML: {_PLAIN.get(plain, plain[:1].lower() + plain[1:])}"
    line = None
    if place:
        line = int(place.group(1)) if place.group(1) else len(text.rstrip().split("\n"))
    given = shown(lines[line - 1].strip()) if line and line <= len(lines) else ""
    todo = 'A line is `key = value` or `[table]`; text stands in quotes: owner = "growth".'
    return _unreadable(name, line, what, given, todo)


def _unreadable(name: str, line: int | None, what: str, given: str, todo: str) -> SpecError:
    return SpecError((Problem(name, line, "", what, given, todo),), code="unreadable_spec")
