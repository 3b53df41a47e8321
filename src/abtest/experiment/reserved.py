"""Keys and words that a later version fills: refused by name, so that files stay honest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from abtest.experiment.key_path import KeyPath
from abtest.experiment.problems import Finding
from abtest.experiment.toml_text import shown

TABLES = ("decision", "plan")
SETTINGS = ("looks", "spending", "futility", "incremental", "locale")
METRIC_KEYS = ("cluster", "method", "cost")
SEQUENTIAL = ("group_sequential", "always_valid")
CORRECTIONS = ("holm", "hochberg", "benjamini_hochberg", "dunnett", "none")

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_LATER = "not yet: this version of abtest does not know it"


def take_reserved(data: Mapping[str, Any]) -> tuple[dict[str, Any], list[Finding]]:
    """Return `data` without what is reserved, and a finding for each thing taken out."""
    rest = deepcopy(dict(data))
    found = [
        *_take(rest, (*TABLES, *SETTINGS), ()),
        *_section_keys(rest),
        *_analysis_words(rest),
        *_metrics(rest),
        *_urls(rest.get("data"), ("data",)),
    ]
    return rest, found


def _later(path: KeyPath, value: object, todo: str) -> Finding:
    return Finding(path, _LATER, shown(value), todo)


def _take(table: dict[str, Any], names: tuple[str, ...], at: KeyPath) -> Iterator[Finding]:
    for name in names:
        if name in table:
            todo = "Leave the key out; it is reserved for a later version."
            yield _later((*at, name), table.pop(name), todo)


def _section_keys(data: dict[str, Any]) -> Iterator[Finding]:
    for section in ("experiment", "variants", "data", "analysis"):
        table = data.get(section)
        if isinstance(table, dict):
            yield from _take(table, SETTINGS, (section,))


def _analysis_words(data: dict[str, Any]) -> Iterator[Finding]:
    table = data.get("analysis")
    if not isinstance(table, dict):
        return
    later = {"sequential": (SEQUENTIAL, "fixed"), "correction": (CORRECTIONS, "bonferroni")}
    for key, (words, now) in later.items():
        if table.get(key) in words:
            yield _later(("analysis", key), table.pop(key), f'Allowed: "{now}".')


def _metrics(data: dict[str, Any]) -> Iterator[Finding]:
    metrics = data.get("metrics")
    if not isinstance(metrics, list):
        return
    for position, metric in enumerate(metrics):
        if not isinstance(metric, dict):
            continue
        at = ("metrics", position)
        yield from _take(metric, METRIC_KEYS, at)


def _urls(value: object, path: KeyPath) -> Iterator[Finding]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _urls(inner, (*path, key))
    elif isinstance(value, str) and ("source" in path or "files" in path) and _URL.match(value):
        todo = "Allowed: a DuckDB file, CSV (.gz) or Parquet, by path."
        yield Finding(path, _LATER, _without_secret(value), todo)


def _without_secret(url: str) -> str:
    """Return the URL's scheme only: what follows may hold a password."""
    return shown(url.split("://", 1)[0] + "://...")
