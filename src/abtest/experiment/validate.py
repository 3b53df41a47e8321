"""From merged values to an ExperimentSpec, or to everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from abtest.data.settings import EventsData, TotalsData, UnitsData
from abtest.experiment.key_path import KeyPath, dotted
from abtest.experiment.problems import Finding, findings, keys_of, unknown_key
from abtest.experiment.project import nearest
from abtest.experiment.reserved import take_reserved
from abtest.experiment.rules import Draft, broken_rules
from abtest.experiment.spec import Analysis, ExperimentSection, ExperimentSpec, Variants
from abtest.experiment.toml_text import quoted, shown
from abtest.metrics import AnyMetric, MetricDefinition
from abtest.metrics.roles import EventRoles

Kinds = Mapping[str, type[BaseModel]]

DATA_KINDS: Kinds = {"events": EventsData, "units": UnitsData, "totals": TotalsData}


def _metric_kinds() -> Kinds:
    models = get_args(get_args(AnyMetric)[0])
    return {get_args(model.model_fields["kind"].annotation)[0]: model for model in models}


METRIC_KINDS: Kinds = _metric_kinds()
_SECTIONS: Kinds = {
    "experiment": ExperimentSection,
    "variants": Variants,
    "analysis": Analysis,
    "events": EventRoles,
}
_OPTIONAL = ("analysis", "events")


def validate(
    merged: Mapping[str, Any], *, own: Mapping[str, Any], data_given: bool, folder: str | None
) -> tuple[ExperimentSpec | None, list[Finding]]:
    """Return the spec, or None and what is wrong; sections are read apart to find it all.

    Parameters
    ----------
    merged
        Values of the file over the project's defaults.
    own
        Values of the file alone: what it states itself is held to, defaults may not apply.
    data_given
        The data are handed over in Python, so no source is needed.
    folder
        Name of the folder that the file is in; None where the name need not be the folder's.
    """
    data, found = take_reserved(merged)
    parts: dict[str, Any] = {}
    for key, model in _SECTIONS.items():
        if key not in _OPTIONAL or key in data:
            parts[key] = _table(data.get(key), model, (key,), found)
    parts["data"] = _kind(data.get("data"), DATA_KINDS, ("data",), found)
    parts["metrics"] = _metrics(data, found)
    known = keys_of(ExperimentSpec)
    found += [unknown_key((key,), known) for key in data if key not in known]
    draft = Draft(
        experiment=parts["experiment"],
        variants=parts["variants"],
        data=parts["data"],
        metrics=parts["metrics"],
        analysis=parts.get("analysis", Analysis()),
        own=own,
        data_given=data_given,
        folder=folder,
    )
    found += broken_rules(draft)
    if found or None in parts["metrics"].values():
        return None, found
    parts["metrics"] = tuple(parts["metrics"].values())
    return ExperimentSpec(**parts), []


def _table(
    value: object, model: type[BaseModel], at: KeyPath, found: list[Finding]
) -> BaseModel | None:
    """Return the validated table, or None with the reasons added to `found`."""
    if value is None:
        found.append(Finding(at, "this table is missing", "", f"Add [{at[-1]}]."))
        return None
    if not isinstance(value, Mapping):
        found.append(Finding(at, "must be a table", shown(value), f"Write [{at[0]}]."))
        return None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found += findings(error, model, value, at)
        return None


def _kind(value: object, kinds: Kinds, at: KeyPath, found: list[Finding]) -> BaseModel | None:
    """Return the table validated by the model of its kind, or None."""
    if not isinstance(value, Mapping):
        return _table(value, BaseModel, at, found)
    allowed = f"Allowed: {', '.join(map(quoted, kinds))}."
    kind = value.get("kind")
    if kind is None:
        given = f"keys of {dotted(at)}: {', '.join(map(str, value)) or 'none'}"
        found.append(Finding((*at, "kind"), "is missing", given, f"Add `kind`. {allowed}"))
    elif not isinstance(kind, str) or kind not in kinds:
        near = nearest(str(kind), tuple(kinds))
        hint = f"Did you mean {near}? " if near else ""
        found.append(Finding((*at, "kind"), "unknown kind", shown(kind), hint + allowed))
    else:
        return _table(value, kinds[kind], at, found)
    return None


def _metrics(data: Mapping[str, Any], found: list[Finding]) -> dict[int, MetricDefinition | None]:
    """Return the metrics by position; None for one that is wrong."""
    entries = data.get("metrics", [])
    at: KeyPath = ("metrics",)
    if not isinstance(entries, (list, tuple)):
        found.append(Finding(at, "must be a list of tables", shown(entries), "Write [[metrics]]."))
        return {0: None}
    if not entries:
        todo = 'Add one [[metrics]] with role = "primary".'
        found.append(Finding(at, "there is no metric", "", todo))
        return {0: None}
    metrics: dict[int, MetricDefinition | None] = {}
    for position, entry in enumerate(entries):
        here = (*at, position)
        taken = entry is None  # of a reserved kind: said already
        metric = None if taken else _kind(entry, METRIC_KINDS, here, found)
        assert metric is None or isinstance(metric, MetricDefinition)
        metrics[position] = metric
    return metrics


def validate_definitions(library: Mapping[str, Any]) -> list[Finding]:
    """Return what is wrong with metrics.toml, used or not; what is said on use may be missing."""
    found: list[Finding] = []
    for name, entry in library.items():
        if not isinstance(entry, Mapping):
            todo = "Write a table per metric: [activation]"
            found.append(Finding((name,), "must be a table", shown(entry), todo))
            continue
        whole = {"id": name, "role": "diagnostic", "direction": "increase", **entry}
        rest, reserved = take_reserved({"metrics": [whole]})
        own = list(reserved)
        if rest["metrics"][0] is not None:
            _kind(rest["metrics"][0], METRIC_KINDS, ("metrics", 0), own)
        found += [replace(finding, path=(name, *finding.path[2:])) for finding in own]
    return found
