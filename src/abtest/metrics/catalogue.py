"""Metrics that come with abtest, over roles of events: definitions as data."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from abtest.metrics.activity import names_of
from abtest.metrics.roles import role_of

FILE = "catalogue.toml"
_FOR_READERS = ("section", "source", "edge_cases")


@dataclass(frozen=True)
class Entry:
    """A metric of the catalogue.

    Attributes
    ----------
    id
        Name by which an experiment uses it.
    section
        What it is listed under.
    keys
        Its definition: what an experiment's file could say in its place.
    edge_cases
        What to look out for.
    source
        Where the definition comes from.
    """

    id: str
    section: str
    keys: Mapping[str, Any]
    edge_cases: str
    source: str

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles of events that an experiment must name to use it, in order of mention."""
        return roles_in(self.keys)


def catalogue_text() -> str:
    """Return the file of definitions."""
    return (files("abtest.metrics") / FILE).read_text(encoding="utf-8")


@cache
def catalogue() -> Mapping[str, Entry]:
    """Return every entry by its id, in the order of the file.

    Examples
    --------
    >>> entry = catalogue()["retained_week_1"]
    >>> entry.keys["window_days"], entry.roles
    ([7, 14], ('active',))
    """
    return {name: _entry(name, table) for name, table in tomllib.loads(catalogue_text()).items()}


def _entry(name: str, table: Mapping[str, Any]) -> Entry:
    keys = {key: value for key, value in table.items() if key not in _FOR_READERS}
    return Entry(name, table["section"], keys, table["edge_cases"], table["source"])


def roles_in(keys: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the roles of events that a definition names, in order of mention."""
    found = (role_of(name) for name in _events(keys))
    return tuple(dict.fromkeys(role for role in found if role is not None))


def _events(table: Mapping[str, Any]) -> Iterator[str]:
    """Yield the events that a definition names, also in its conditions."""
    for key, value in table.items():
        if key in ("event", "key", "up_to"):
            yield from [value] if isinstance(value, str) else value
        if key == "steps":
            yield from (name for step in value for name in names_of(step))
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, Mapping):
                yield from _events(part)
