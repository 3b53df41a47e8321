"""Metrics defined once for a project, in `experiments/metrics.toml`, and used by id."""

from __future__ import annotations

from collections.abc import Mapping

from abtest.experiment.documents import Document
from abtest.experiment.merge import Merged, Overlay, lay_over
from abtest.experiment.problems import Finding
from abtest.experiment.project import nearest
from abtest.experiment.toml_text import shown

METRICS_FILE = "metrics.toml"


def use_definitions(merged: Merged, library: Document | None) -> list[Finding]:
    """Replace every metric's `use` by the definition it names; return what was not found.

    The definition's table name is the metric's id; keys beside `use` replace those of the
    definition. A metric whose definition is not found becomes None in `merged`.
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
    known = {} if library is None else library.data
    definition = known.get(name) if isinstance(name, str) else None
    if library is None or not isinstance(name, str) or not isinstance(definition, Mapping):
        ids = tuple(key for key, value in known.items() if isinstance(value, Mapping))
        near = nearest(str(name), ids)
        if near:
            todo = f"Did you mean {near}?"
        elif ids:
            todo = f"Defined there: {', '.join(ids)}."
        else:
            todo = f"Define it there as [{name}], or here with `id` and `kind`."
        what = f"no metric of this id in experiments/{METRICS_FILE}"
        found.append(Finding((*at, "use"), what, shown(name), todo))
        return None
    own = {key: value for key, value in entry.items() if key != "use"}
    document, inner = merged.sources[at]
    merged.sources[(*at, "id")] = merged.sources[(*at, "use")]
    for key, value in definition.items():
        merged.copy_in((*at, key), value, library, (name, key))
    upper = Overlay(at, document, inner, own)
    return lay_over({"id": name, **definition}, upper, merged)
