"""Experiment files for what products try again and again, from the catalogue of metrics."""

from __future__ import annotations

import textwrap
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from abtest.errors import UsageError
from abtest.experiment.project import nearest
from abtest.experiment.starter import Idea, file_head
from abtest.experiment.toml_text import quoted, toml_value
from abtest.metrics.catalogue import catalogue, roles_in
from abtest.metrics.roles import EventRoles

_FILE = "templates.toml"
_WIDTH = 96
_VALUED = frozenset({"sum", "max"})
_COSTLY = frozenset({"margin_per_unit", "cpa", "cac", "roi"})


def templates() -> Mapping[str, Mapping[str, Any]]:
    """Return the templates of experiments by their id."""
    return _read()["template"]


def presets() -> Mapping[str, Mapping[str, Any]]:
    """Return the sets of metrics of kinds of products by their id."""
    return _read()["preset"]


def templated_file(name: str, today: date, template: str | None, preset: str | None) -> str:
    """Return a commented, valid experiment file over an event log.

    The metrics of the preset are reported beside those of the template, which decides; without a
    template the preset decides.

    Raises
    ------
    UsageError
        There is no template or preset of this id; the message names the nearest.
    """
    chosen = {} if template is None else _named(templates(), template, "template")
    kind = {} if preset is None else _named(presets(), preset, "preset")
    metrics = list(_metrics(chosen.get("metrics", ()), kind.get("metrics", ())))
    idea = Idea(
        str(chosen.get("title") or f"{name.replace('_', ' ').capitalize()} ({kind['title']})"),
        notes=tuple(_wrapped(note) for note in chosen.get("notes", ())),
        treatments=tuple(chosen.get("treatments", ("treatment",))),
        valued=any(_needs_values(metric) for metric in metrics),
        costly=any(metric["use"] in _COSTLY for metric in metrics),
        **({"hypothesis": chosen["hypothesis"]} if chosen else {}),
    )
    parts = [file_head(name, today, idea), _roles(metrics)]
    return "".join([*parts, *(_table(metric) for metric in metrics)]).rstrip("\n") + "\n"


@cache
def _read() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    text = (files("abtest.experiment") / _FILE).read_text(encoding="utf-8")
    found: Mapping[str, Mapping[str, Mapping[str, Any]]] = tomllib.loads(text)
    return found


def _named(known: Mapping[str, Mapping[str, Any]], name: str, what: str) -> Mapping[str, Any]:
    if name in known:
        return known[name]
    near = nearest(name, tuple(known))
    hint = f"Did you mean {near}? " if near else ""
    raise UsageError(
        f"There is no {what} of this name.",
        given=quoted(name),
        todo=f"{hint}There are: {', '.join(known)}.",
        code=f"no_{what}",
    )


def _metrics(
    deciding: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield the metrics, each once; those of the second list decide only if the first is empty."""
    seen: set[str] = set()
    for metric in (*deciding, *others):
        name = metric.get("id", metric["use"])
        if name in seen:
            continue
        seen.add(name)
        if deciding and metric in others and metric not in deciding:
            kept = {key: one for key, one in metric.items() if key not in ("mde", "margin")}
            yield {**kept, "role": "secondary"}
        else:
            yield dict(metric)


def _needs_values(metric: Mapping[str, Any]) -> bool:
    keys = {**catalogue()[metric["use"]].keys, **metric}
    parts = [keys, *(part for part in keys.values() if isinstance(part, Mapping))]
    return keys["kind"] == "score" or any(part.get("aggregate") in _VALUED for part in parts)


def _roles(metrics: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of roles that the metrics need, to be filled in."""
    asked = (roles_in({**catalogue()[one["use"]].keys, **one}) for one in metrics)
    roles = dict.fromkeys(role for found in asked for role in found)
    lines = ["# What your log calls these events: a name, or a list of names.", "[events]"]
    for role in roles:
        meaning = " ".join((EventRoles.model_fields[role].description or "").split())
        stated = f"{role} = {quoted(role)}"
        lines.append(f"{stated:<38} # TODO: {meaning[:1].lower()}{meaning[1:].rstrip('.')}")
    if "active" in roles:
        stated = '# passive = ["push_sent"]'
        lines.append(f"{stated:<38} # what is done to units and not by them: never activity")
    return "\n".join([*lines, "", ""])


def _table(metric: Mapping[str, Any]) -> str:
    """Return a metric of the file, with what it counts as comment."""
    entry = catalogue()[metric["use"]]
    lines = []
    if "description" not in metric:  # its own stands below
        lines += [f"# {line}" for line in textwrap.wrap(str(entry.keys["description"]), _WIDTH - 2)]
    if metric["role"] in ("primary", "guardrail"):
        lines += [f"# {line}" for line in textwrap.wrap(entry.edge_cases, _WIDTH - 2)]
    lines.append("[[metrics]]")
    comments = {"mde": "the relative effect it is sized for", "margin": "the loss still acceptable"}
    for key, value in metric.items():
        stated = f"{key} = {toml_value(value)}"
        told = f"# TODO: {comments[key]}" if key in comments else ""
        lines.append(f"{stated:<38} {told}".rstrip())
    return "\n".join([*lines, "", ""])


def _wrapped(note: str) -> str:
    return "\n# ".join(textwrap.wrap(note, _WIDTH - 2))
