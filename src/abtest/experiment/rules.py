"""Rules that hold between values: what makes a file of valid values a sound experiment."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from abtest.data.settings import EventsData, TotalsData, UnitsData
from abtest.experiment.covariate_rules import covariate_rules
from abtest.experiment.data_rules import data_rules
from abtest.experiment.key_path import KeyPath, dotted
from abtest.experiment.past_rules import past_rules
from abtest.experiment.problems import Finding
from abtest.experiment.project import nearest
from abtest.experiment.schedule import closes_at
from abtest.experiment.spec import Analysis, ExperimentSection, Variants
from abtest.experiment.toml_text import quoted, shown
from abtest.metrics import MetricDefinition
from abtest.metrics.followed import FollowedMetric

_SUM_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Draft:
    """The sections that are valid by themselves; None for those that are not."""

    experiment: ExperimentSection | None
    variants: Variants | None
    data: EventsData | UnitsData | TotalsData | None
    metrics: Mapping[int, MetricDefinition | None]
    analysis: Analysis | None
    own: Mapping[str, Any]
    data_given: bool
    folder: str | None


def broken_rules(draft: Draft) -> list[Finding]:
    """Return what is wrong between the valid sections."""
    found: list[Finding] = []
    if draft.experiment is not None:
        found += _experiment_rules(draft.experiment, draft)
    if draft.variants is not None:
        found += _variant_rules(draft.variants)
        found += _phase_rules(draft.variants, draft)
        found += _cost_rules(draft.variants, draft.metrics)
    found += _metric_rules(draft.metrics)
    if draft.data is not None:
        arms = draft.variants
        names = None if arms is None else (arms.control, *arms.treatments)
        found += data_rules(
            draft.data, names, draft.metrics, draft.own, data_given=draft.data_given
        )
        if draft.analysis is not None:
            found += past_rules(draft.analysis, draft.data, draft.metrics)
            found += covariate_rules(draft.data, draft.metrics, draft.analysis)
    return found


def _experiment_rules(section: ExperimentSection, draft: Draft) -> Iterator[Finding]:
    at: KeyPath = ("experiment",)
    if draft.folder is not None and section.name != draft.folder:
        what = "must be the name of its folder"
        todo = f"Write name = {quoted(draft.folder)}, or rename the folder."
        yield Finding((*at, "name"), what, shown(section.name), todo)
    if isinstance(draft.data, EventsData):
        for key in ("start", "end"):
            if getattr(section, key) is None:
                todo = f"Write {key} = 2026-01-05T00:00:00Z with your own date, time and zone."
                yield Finding((*at, key), "is missing: events data need it", "", todo)
    if section.start is not None and section.end is not None and section.end <= section.start:
        given = f"start {section.start.isoformat()}, end {section.end.isoformat()}"
        yield Finding((*at, "end"), "must be after start", given, "Correct one of the two.")


def _variant_rules(variants: Variants) -> Iterator[Finding]:
    at: KeyPath = ("variants",)
    if variants.control in variants.treatments:
        todo = "Take the control out of treatments."
        yield Finding((*at, "treatments"), "the control is among them", variants.control, todo)
    for name in repeated(variants.treatments):
        todo = "Name each treatment once."
        yield Finding((*at, "treatments"), "a treatment is there twice", quoted(name), todo)
    names = tuple(dict.fromkeys((variants.control, *variants.treatments)))
    yield from _shares(variants.allocation, names, (*at, "allocation"))
    yield from _strangers(variants.cost_per_unit, names, (*at, "cost_per_unit"))
    yield from _strangers(variants.fixed_cost, names, (*at, "fixed_cost"))
    for position, phase in enumerate(variants.phases):
        yield from _shares(phase.allocation, names, (*at, "phases", position, "allocation"))


def _shares(
    allocation: Mapping[str, float], names: tuple[str, ...], at: KeyPath
) -> Iterator[Finding]:
    yield from _strangers(allocation, names, at)
    missing = [name for name in names if name not in allocation]
    if missing:
        given = shown(dict(allocation))
        todo = f"Add the share of {', '.join(map(quoted, missing))}."
        yield Finding(at, "a variant has no share", given, todo)
    total = math.fsum(allocation.values())
    if set(allocation) == set(names) and abs(total - 1) > _SUM_TOLERANCE:
        given = f"{shown(dict(allocation))}, which sum to {total:.10g}"
        yield Finding(at, "the shares must sum to 1", given, "Correct the shares.")


def _strangers(given: Iterable[str], names: tuple[str, ...], at: KeyPath) -> Iterator[Finding]:
    """Yield the names that are no variants."""
    for name in given:
        if name not in names:
            near = nearest(name, names)
            hint = f"Did you mean {near}? " if near else ""
            todo = f"{hint}The variants are {', '.join(map(quoted, names))}."
            yield Finding((*at, name), "is not a variant of this experiment", quoted(name), todo)


def _phase_rules(variants: Variants, draft: Draft) -> Iterator[Finding]:
    section = draft.experiment
    start = section.start if section is not None else None
    end = section.end if section is not None else None
    before = start
    for position, phase in enumerate(variants.phases):
        at = ("variants", "phases", position, "from")
        given = phase.start.isoformat()
        if before is not None and phase.start <= before:
            words = "start" if position == 0 else "the phase before it"
            todo = "List phases in order; variants.allocation holds from the start."
            yield Finding(at, f"must be after {words}", given, todo)
        if end is not None and phase.start >= end:
            todo = f"Enrolment ends at {end.isoformat()}."
            yield Finding(at, "must be before the end of the experiment", given, todo)
        before = phase.start
    no_times = isinstance(draft.data, UnitsData) and draft.data.time is None
    if variants.phases and no_times:
        todo = "Name the column in data.time, or leave the phases out."
        yield Finding(("variants", "phases"), "phases need the time of exposure", "", todo)


def _cost_rules(
    variants: Variants, metrics: Mapping[int, MetricDefinition | None]
) -> Iterator[Finding]:
    """Yield the metrics of costs where no variant has any."""
    if any((*variants.cost_per_unit.values(), *variants.fixed_cost.values())):
        return
    for position, metric in metrics.items():
        if metric is not None and metric.needs_costs:
            todo = (
                f"Add cost_per_unit = {{ {variants.treatments[0]} = 0.5 }} or fixed_cost to "
                "[variants], or leave the metric out."
            )
            what = "nothing says what the arms cost"
            yield Finding(("metrics", position), what, quoted(metric.id), todo)


def _metric_rules(metrics: Mapping[int, MetricDefinition | None]) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for position, metric in metrics.items():
        if metric is None:
            continue
        at: KeyPath = ("metrics", position)
        if metric.id in seen:
            other = dotted(("metrics", seen[metric.id]))
            what = f"is the id of {other} already"
            todo = "Give each metric an id of its own: `id` beside `use`."
            yield Finding((*at, "id"), what, quoted(metric.id), todo)
        seen.setdefault(metric.id, position)
        yield from _bound_rules(metric, at)
    yield from _conditional_rules(metrics)
    found = list(metrics.values())
    if all(metric is not None and metric.role != "primary" for metric in found):
        roles = shown([metric.role for metric in found if metric is not None])
        todo = 'Give the metric that decides role = "primary".'
        yield Finding(("metrics",), "there is no primary metric", f"roles {roles}", todo)


def _conditional_rules(metrics: Mapping[int, MetricDefinition | None]) -> Iterator[Finding]:
    """Yield a finding where all that decides is about units that the treatment may choose."""
    deciding = {at: one for at, one in metrics.items() if one is not None and one.decides}
    if deciding and all(metric.conditional for metric in deciding.values()):
        position, metric = next(iter(deciding.items()))
        what = (
            "cannot decide alone: it is about what the treatment may choose, so that arms may "
            "differ in who or how many they are"
        )
        todo = (
            "Let a metric of all units decide beside it, such as the share of units that it is "
            'about, or write role = "secondary".'
        )
        yield Finding(("metrics", position, "role"), what, quoted(metric.id), todo)


def _bound_rules(metric: MetricDefinition, at: KeyPath) -> Iterator[Finding]:
    """Yield what is wrong with mde and margins."""
    margins = [key for key in ("margin", "margin_absolute") if getattr(metric, key) is not None]
    if len(margins) == 2:
        given = f"margin {metric.margin}, margin_absolute {metric.margin_absolute}"
        todo = "Keep one: relative to control, or in the metric's unit."
        yield Finding((*at, "margin_absolute"), "a metric has one margin", given, todo)
    if metric.role == "guardrail" and not margins:
        what = "a guardrail needs a margin: the loss that is still acceptable"
        todo = "Add margin = 0.05 (relative to control) or margin_absolute (the metric's unit)."
        yield Finding((*at, "margin"), what, f"guardrail {quoted(metric.id)}", todo)
    if metric.mde is not None and margins:
        what = "mde and a margin exclude each other"
        given = f"mde {metric.mde}, {margins[0]} {getattr(metric, margins[0])}"
        todo = "Keep mde to look for a gain, or the margin to rule out a loss."
        yield Finding((*at, "mde"), what, given, todo)


def repeated(names: Sequence[str]) -> list[str]:
    """Return the names that are there more than once."""
    return [name for name, count in Counter(names).items() if count > 1]


def doubts(experiment: ExperimentSection, metrics: Sequence[MetricDefinition]) -> list[Finding]:
    """Return what is allowed but probably not meant."""
    found: list[Finding] = []
    for key in ("title", "hypothesis", "owner"):
        text = getattr(experiment, key) or ""
        if text.startswith("TODO"):
            todo = "Write it, or take the line out: reports show it."
            found.append(Finding(("experiment", key), "is still to be written", shown(text), todo))
    for position, metric in enumerate(metrics):
        at: KeyPath = ("metrics", position)
        superiority = metric.role == "primary" and metric.test == "superiority"
        if superiority and metric.mde is None:
            what = "a primary without mde: nothing says what size of effect matters"
            todo = "Add mde = 0.05, the relative effect the experiment is sized for."
            found.append(Finding((*at, "mde"), what, f"metric {quoted(metric.id)}", todo))
        if metric.weight != 1 and not superiority:
            what = "weight has no effect: alpha is shared over superiority primaries only"
            found.append(Finding((*at, "weight"), what, shown(metric.weight), "Leave it out."))
    return found + list(_too_early(experiment, metrics))


def _too_early(
    experiment: ExperimentSection, metrics: Sequence[MetricDefinition]
) -> Iterator[Finding]:
    """Yield the horizons up to which no unit is watched when the experiment is judged."""
    start, closes = experiment.start, closes_at(experiment.end, metrics)
    if start is None or closes is None:
        return
    longest = (closes - start) / timedelta(days=1)
    for position, metric in enumerate(metrics):
        window = metric.window_days
        if isinstance(metric, FollowedMetric) and window is not None and window[1] >= longest:
            what = (
                "no unit is watched as long when the experiment is judged, "
                f"{longest:g} days after its start"
            )
            later = "a larger follow_up_days, or " if metric.decides else ""
            yield Finding(
                ("metrics", position, "window_days"),
                what,
                f"window_days = [0, {window[1]:g}]",
                f"Give it {later}a shorter window.",
            )
