"""Metrics that an experiment can use by id: the catalogue, and what the project defines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from abtest.errors import UsageError
from abtest.experiment.definitions import METRICS_FILE
from abtest.experiment.documents import read_document
from abtest.experiment.project import EXPERIMENTS, nearest
from abtest.experiment.toml_text import quoted
from abtest.experiment.validate import METRIC_KINDS
from abtest.metrics import MetricDefinition, day_range
from abtest.metrics.catalogue import Entry, catalogue

OWN = f"{EXPERIMENTS}/{METRICS_FILE}"
_UNDECIDED = "to be said: which way is good depends on the product"


@dataclass(frozen=True)
class KnownMetric:
    """A metric that `use = "ID"` brings into an experiment.

    Attributes
    ----------
    entry
        Its definition; of a project's own, without edge cases.
    own
        Whether the project defines it.
    """

    entry: Entry
    own: bool

    @property
    def title(self) -> str:
        """Name for readers."""
        return str(self.entry.keys.get("title") or self.entry.id.replace("_", " ").capitalize())

    @property
    def definition(self) -> MetricDefinition | None:
        """The metric as an experiment would have it, over roles; None where it is not valid."""
        keys = {"id": self.entry.id, "role": "secondary", "direction": "increase"}
        model = METRIC_KINDS.get(str(self.entry.keys.get("kind")))
        if model is None:
            return None
        try:
            found = model.model_validate({**keys, **self.entry.keys})
        except ValueError:  # `abtest check` says what is wrong with metrics.toml
            return None
        return found if isinstance(found, MetricDefinition) else None

    def __str__(self) -> str:
        """Return all that is known of it, as a small page."""
        keys, metric = self.entry.keys, self.definition
        rows = [
            ("kind", str(keys.get("kind", ""))),
            ("counts", "" if metric is None else metric.meaning),
            ("window", "" if metric is None else _window(metric)),
            ("direction", str(keys.get("direction", _UNDECIDED))),
            ("owner", str(keys.get("owner", ""))),
            ("events", ", ".join(self.entry.roles)),
            ("mind", self.entry.edge_cases),
            ("source", self.entry.source),
        ]
        lines = [f"{self.entry.id}: {self.title}", f"  {keys.get('description', '')}".rstrip(), ""]
        lines += [f"  {name:<10}{text}" for name, text in rows if text]
        return "\n".join([*lines, "", *(f"  {line}" for line in self._use())])

    def _use(self) -> list[str]:
        """Return the lines of an experiment file that use it."""
        lines = []
        if self.entry.roles:
            lines.append("[events]")
            lines += [f'{role} = "its name in your log"' for role in self.entry.roles]
            lines.append("")
        lines += ["[[metrics]]", f"use = {quoted(self.entry.id)}", 'role = "secondary"']
        if "direction" not in self.entry.keys:
            lines.append('direction = "increase"')
        return lines


def known_metrics(root: Path | None) -> dict[str, KnownMetric]:
    """Return every metric by its id: the project's own first, which hide those of the catalogue.

    Parameters
    ----------
    root
        Folder of the project; None for the catalogue alone.
    """
    found: dict[str, KnownMetric] = {}
    path = None if root is None else root / EXPERIMENTS / METRICS_FILE
    if path is not None and path.exists():
        for name, keys in read_document(path, OWN).data.items():
            if isinstance(keys, Mapping):
                found[name] = KnownMetric(
                    Entry(name, f"of this project ({OWN})", keys, "", ""), own=True
                )
    for name, entry in catalogue().items():
        found.setdefault(name, KnownMetric(entry, own=False))
    return found


def known_metric(name: str, root: Path | None) -> KnownMetric:
    """Return one metric by its id.

    Raises
    ------
    UsageError
        There is no such metric; the message names the nearest.
    """
    known = known_metrics(root)
    if name in known:
        return known[name]
    near = nearest(name, tuple(known))
    hint = f"Did you mean {near}? " if near else ""
    raise UsageError(
        "There is no metric of this id.",
        given=quoted(name),
        todo=f"{hint}All metrics: abtest metrics",
        code="no_metric",
    )


def _window(metric: MetricDefinition) -> str:
    return day_range(metric.window_days, dates=metric.window == "calendar")
