"""Layers of documents become one: what a file leaves out comes from below it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from abtest.experiment.documents import Document
from abtest.experiment.key_path import KeyPath


@dataclass
class Merged:
    """Values of several documents as one, and the document that each path came from."""

    data: dict[str, Any]
    sources: dict[KeyPath, tuple[Document, KeyPath]] = field(default_factory=dict)

    def place(self, path: KeyPath) -> tuple[Document, KeyPath] | None:
        """Return the document of `path`, or of the nearest table around it, and its path there."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.sources:
                document, inner = self.sources[path[:length]]
                return document, (*inner, *path[length:])
        return None

    def copy_in(self, path: KeyPath, value: object, document: Document, inner: KeyPath) -> None:
        """Note that `value` at `path` comes from `document`, where it stands at `inner`."""
        self.sources[path] = (document, inner)
        if isinstance(value, Mapping):
            for key, below in value.items():
                self.copy_in((*path, key), below, document, (*inner, key))
        elif isinstance(value, (list, tuple)):
            for position, below in enumerate(value):
                self.copy_in((*path, position), below, document, (*inner, position))


def merge(lower: Document | None, upper: Document) -> Merged:
    """Return `upper` over `lower`: tables merge, lists and values replace.

    Only absence lets the lower value through; false, 0, "" and [] are values. A `[data]`
    table of another kind than the upper one describes other data: it is left out whole.
    """
    merged = Merged({})
    below: Mapping[str, Any] = {}
    if lower is not None:
        below = _same_kind_of_data(lower.data, upper.data)
        for key, value in below.items():
            merged.copy_in((key,), value, lower, (key,))
    merged.data = lay_over(below, Overlay((), upper, (), upper.data), merged)
    return merged


@dataclass(frozen=True)
class Overlay:
    """A table that is laid over another.

    `path` is where it goes, `inner` where it stands in its own document.
    """

    path: KeyPath
    document: Document
    inner: KeyPath
    values: Mapping[str, Any]


def lay_over(lower: Mapping[str, Any], upper: Overlay, merged: Merged) -> dict[str, Any]:
    """Return `upper` over `lower`, and note in `merged` where its values come from."""
    result = dict(lower)
    for key, value in upper.values.items():
        here, there = (*upper.path, key), (*upper.inner, key)
        known = lower.get(key)
        if isinstance(known, Mapping) and isinstance(value, Mapping):
            merged.sources[here] = (upper.document, there)
            result[key] = lay_over(known, Overlay(here, upper.document, there, value), merged)
        else:
            _forget(merged, here, known)
            merged.copy_in(here, value, upper.document, there)
            result[key] = value
    return result


def _forget(merged: Merged, path: KeyPath, value: object) -> None:
    """Take out what was noted below a value that is now replaced."""
    merged.sources.pop(path, None)
    if isinstance(value, Mapping):
        for key, below in value.items():
            _forget(merged, (*path, key), below)
    elif isinstance(value, (list, tuple)):
        for position, below in enumerate(value):
            _forget(merged, (*path, position), below)


def _same_kind_of_data(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> Mapping[str, Any]:
    below, above = lower.get("data"), upper.get("data")
    if not isinstance(below, Mapping) or not isinstance(above, Mapping):
        return lower
    if "kind" in above and "kind" in below and above["kind"] != below["kind"]:
        return {key: value for key, value in lower.items() if key != "data"}
    return lower
