"""Lines of key paths: tomllib reads values but does not say where they stood."""

from __future__ import annotations

import tomllib
from typing import Any

from abtest.experiment.key_path import KeyPath

_LONGEST_STATEMENT = 400
"""Lines that one value may take before its place is given up (it would cost quadratic time)."""


def key_lines(text: str) -> dict[KeyPath, int]:
    r"""Return the 1-based line of every key path of a TOML text.

    The line of a path is where the shortest prefix of the text ends that parses and holds
    the path: for a value over several lines its last one. Statements are found one after
    the other, so that the text is read once and not once per line.

    Examples
    --------
    >>> key_lines("[a]\nb = 1\n[[c]]\nd = [\n 2]")[("c", 0, "d")]
    5
    """
    lines = [f"{line}\n" for line in text.replace("\r\n", "\n").split("\n")]
    places = _Places()
    first = 0
    for last in range(1, len(lines) + 1):
        if last - first > _LONGEST_STATEMENT:
            break
        statement = "".join(lines[first:last])
        try:
            content = tomllib.loads(statement)
        except (ValueError, RecursionError):
            continue
        places.add(statement.lstrip(" \t"), content, last)
        first = last
    return places.lines


class _Places:
    """Lines found so far, the table that is open, and the lengths of arrays of tables."""

    def __init__(self) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._table: KeyPath = ()
        self._counts: dict[KeyPath, int] = {}

    def add(self, statement: str, content: dict[str, Any], line: int) -> None:
        """Add a statement: a header, a key with its value, or nothing but comments."""
        if not content:
            return
        if statement.startswith("["):
            self._open(_names(content), statement.startswith("[["), line)
        else:
            self._record(self._table, content, line)

    def _open(self, names: list[str], array: bool, line: int) -> None:
        path: KeyPath = ()
        for depth, name in enumerate(names):
            path = (*path, name)
            self.lines.setdefault(path, line)
            if array and depth == len(names) - 1:
                self._counts[path] = self._counts.get(path, 0) + 1
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
                self.lines.setdefault(path, line)
        self._table = path

    def _record(self, path: KeyPath, value: object, line: int) -> None:
        if path:
            self.lines.setdefault(path, line)
        if isinstance(value, dict):
            for name, inner in value.items():
                self._record((*path, name), inner, line)
        elif isinstance(value, list):
            for position, inner in enumerate(value):
                self._record((*path, position), inner, line)


def _names(content: dict[str, Any]) -> list[str]:
    """Return the names of a header from what it parses to: tables with one key each."""
    names: list[str] = []
    inner: Any = content
    while isinstance(inner, dict) and inner:
        name = next(iter(inner))
        names.append(name)
        inner = inner[name]
    return names
