"""Roles of events in metrics become the names that the experiment's `[events]` gives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from abtest.experiment.key_path import KeyPath
from abtest.experiment.merge import Merged
from abtest.experiment.problems import Finding
from abtest.experiment.project import nearest
from abtest.experiment.toml_text import quoted
from abtest.metrics.activity import ANY
from abtest.metrics.roles import MARK, EventRoles, role_of

_EVENTS = ("event", "key", "up_to")
"""Keys of metrics that name events."""


def use_roles(merged: Merged) -> list[Finding]:
    """Replace every role among the events of metrics by its names; return what has none.

    A metric of any event ignores what `[events]` calls passive, unless it says itself what to
    ignore.
    """
    metrics = merged.data.get("metrics")
    if not isinstance(metrics, list):
        return []
    given = merged.data.get("events")
    names = _Names(given if isinstance(given, Mapping) else {})
    found: list[Finding] = []
    merged.data["metrics"] = [
        _replaced(metric, ("metrics", position), names, found)
        for position, metric in enumerate(metrics)
    ]
    analysis = merged.data.get("analysis")
    if isinstance(analysis, Mapping) and "past_segments" in analysis:
        path = ("analysis", "past_segments")
        past = _replaced(analysis["past_segments"], path, names, found)
        merged.data["analysis"] = {**analysis, "past_segments": past}
    return found


class _Names:
    """The names of each role."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given
        self.passive = list(_listed(given.get("passive", EventRoles().passive)))

    def of(self, role: str) -> list[str]:
        return list(_listed(self._given.get(role)))

    def hint(self, role: str) -> str:
        known = tuple(EventRoles.model_fields)
        if role in known:
            return (
                f'Add it to [events], such as {role} = "the name in the log", or a list of names.'
            )
        near = nearest(role, known)
        return f"Did you mean {near}? " if near else f"Roles: {', '.join(known)}."


def _replaced(value: Any, at: KeyPath, names: _Names, found: list[Finding]) -> Any:
    """Return a table of a metric with roles replaced, also in the tables within it."""
    if isinstance(value, (list, tuple)):
        return [_replaced(one, (*at, place), names, found) for place, one in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    table = {
        key: value[key] if key in _EVENTS else _replaced(value[key], (*at, key), names, found)
        for key in value
    }
    if isinstance(value.get("steps"), (list, tuple)):
        table["steps"] = [
            _named(list(_listed(step)), (*at, "steps", place), names, found)
            for place, step in enumerate(value["steps"])
        ]
    for key in _EVENTS:
        given = list(_listed(table.get(key)))
        if any(role_of(name) for name in given):
            table[key] = _named(given, (*at, key), names, found)
    changed = value.get("event") != table.get("event")
    if changed and ANY in _listed(table["event"]) and "ignore" not in table and names.passive:
        table["ignore"] = names.passive
    return table


def _named(given: list[str], at: KeyPath, names: _Names, found: list[Finding]) -> str | list[str]:
    chosen: list[str] = []
    for name in given:
        role = role_of(name)
        met = [name] if role is None else names.of(role)
        if role is not None and not met:
            what = f"this experiment names no event for the role {quoted(role)}"
            found.append(Finding(at, what, quoted(MARK + role), names.hint(role)))
            met = [name]
        chosen += met
    distinct = list(dict.fromkeys(chosen))
    return distinct[0] if len(distinct) == 1 else distinct


def _listed(value: object) -> Iterator[str]:
    """Yield the names in a value that is one name, a list of names, or wrong."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        yield from (name for name in value if isinstance(name, str))
