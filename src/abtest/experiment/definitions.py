"""Metrics used by id: defined once for a project, in `experiments/metrics.toml`, or catalogued."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from abtest.experiment.documents import Document
from abtest.experiment.key_path import KeyPath
from abtest.experiment.merge import Merged, Overlay, lay_over
from abtest.experiment.problems import Finding
from abtest.experiment.project import nearest
from abtest.experiment.toml_text import shown
from abtest.metrics.catalogue import catalogue

METRICS_FILE = "metrics.toml"
BESIDE = frozenset(
    {
        "use", "id", "title", "description", "owner", "role", "direction", "mde", "margin",
        "margin_absolute", "weight", "cuped", "covariates", "strata", "winsorize", "follow_up_days",
        "conditional_on_denominator",
    }
)  # fmt: skip
"""Keys that say what a metric is there for and how it is judged, and not what it counts."""


def use_definitions(merged: Merged, library: Document | None) -> list[Finding]:
    """Replace every metric's `use` by the definition it names; return what was not found.

    A project's own definition comes before that of the catalogue. The definition's table name is
    the metric's id; keys beside `use` replace those of the definition. Where they change what is
    counted, the definition's description is no longer true and is left out; where they name the
    metric, so is its title. A metric whose definition is not found becomes None in `merged`.
    """
    entries = merged.data.get("metrics")
    if not isinstance(entries, (list, tuple)):
        return []
    found: list[Finding] = []
    metrics: list[object] = []
    for position, entry in enumerate(entries):
        if isinstance(entry, Mapping) and "use" in entry:
            metrics.append(_used(merged, library, position, entry, found))
        else:
            metrics.append(entry)
    merged.data["metrics"] = metrics
    return found


def _used(
    merged: Merged,
    library: Document | None,
    position: int,
    entry: Mapping[str, object],
    found: list[Finding],
) -> dict[str, object] | None:
    at = ("metrics", position)
    name = entry["use"]
    given = None if library is None else library.data.get(str(name))
    catalogued = None if isinstance(given, Mapping) else _catalogued(name)
    definition = catalogued if catalogued is not None else given
    if not isinstance(definition, Mapping) or not isinstance(name, str):
        found.append(_unknown((*at, "use"), name, library))
        return None
    own = {key: value for key, value in entry.items() if key != "use"}
    definition = _still_true(definition, own, name)
    document, inner = merged.sources[at]
    merged.sources[(*at, "id")] = merged.sources[(*at, "use")]
    for key, value in definition.items():
        if library is not None and catalogued is None:
            merged.copy_in((*at, key), value, library, (name, key))
        else:  # nobody can edit the catalogue: what is wrong is said where it is used
            merged.sources[(*at, key)] = merged.sources[(*at, "use")]
    upper = Overlay(at, document, inner, own)
    return lay_over({"id": name, **definition}, upper, merged)


def _still_true(
    definition: Mapping[str, Any], own: Mapping[str, object], name: str
) -> dict[str, Any]:
    """Return the definition without the words that keys beside `use` make untrue."""
    untrue = set()
    if any(definition.get(key) != value for key, value in own.items() if key not in BESIDE):
        untrue.add("description")
    if own.get("id", name) != name:
        untrue.add("title")
    return {key: value for key, value in definition.items() if key not in untrue}


def _catalogued(name: object) -> Mapping[str, Any] | None:
    """Return the keys of a metric of the catalogue, or None."""
    entry = catalogue().get(str(name))
    return None if entry is None else entry.keys


def _unknown(at: KeyPath, name: object, library: Document | None) -> Finding:
    own = {} if library is None else library.data
    ids = tuple(key for key, value in own.items() if isinstance(value, Mapping))
    near = nearest(str(name), (*ids, *catalogue()))
    if near:
        todo = f"Did you mean {near}?"
    else:
        there = f"Defined there: {', '.join(ids)}." if ids else f"Define it there as [{name}]."
        todo = f"{there} The catalogue: abtest metrics. Or define it here with `id` and `kind`."
    what = f"no metric of this id in experiments/{METRICS_FILE} or the catalogue"
    return Finding(at, what, shown(name), todo)
