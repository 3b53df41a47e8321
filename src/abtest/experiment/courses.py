"""What a report draws over time since exposure: coming back, the steps of a funnel, effects by age.

Each is a row of metrics that are measured in the same pass as those of the experiment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from abtest.data.measured import Measured
from abtest.data.request import UnitRequest
from abtest.experiment.effects import Comparison, Row, estimate_row
from abtest.experiment.levels import Level
from abtest.experiment.spec import ExperimentSpec
from abtest.metrics import MetricDefinition
from abtest.metrics.activity import Activity, EventNames
from abtest.metrics.days import day_range
from abtest.metrics.mean import MeanMetric
from abtest.metrics.proportion import ProportionMetric

CourseKind = Literal["retention", "funnel", "age"]
MOST_PLACES = 13
"""Points of a course."""
WEEK = 7.0
_FUNNEL = ("view", "cart", "purchase")
"""Roles that make a funnel where no metric has steps."""
_SPLIT = ("count", "sum", "distinct_days", "any", None)
"""Aggregates that mean the same in a part of the window."""


@dataclass(frozen=True)
class Course:
    """Metrics in the order of ages since exposure, or of steps.

    Attributes
    ----------
    kind
        What it shows.
    title
        What it is called.
    what
        What the numbers are, for an axis.
    places
        Name of each point.
    metrics
        One for each; their ids are none that a file can have.
    until
        Days after which all units of an age are known; None where each point knows its own.
    """

    kind: CourseKind
    title: str
    what: str
    places: tuple[str, ...]
    metrics: tuple[MetricDefinition, ...]
    until: float | None = None

    @property
    def is_share(self) -> bool:
        """Whether the numbers are shares of units."""
        return all(metric.kind_name == "proportion" for metric in self.metrics)


def courses(spec: ExperimentSpec) -> tuple[Course, ...]:
    """Return what can be drawn over time since exposure; nothing without an event log."""
    if spec.data.kind != "events":
        return ()
    found = [_retention(spec), _funnel(spec), *map(_by_age, spec.metrics)]
    return tuple(course for course in found if course is not None)


def course_requests(course: Course) -> dict[str, UnitRequest]:
    """Return what each point of a course asks of the data, by its id."""
    found = {}
    for metric in course.metrics:
        request = metric.request("events", cuped=False, covariates=())
        assert isinstance(request, UnitRequest)  # events data
        until = request.matures_after if course.until is None else course.until
        found[metric.id] = replace(request, among=metric.group, matures_after=until)
    return found


def course_rows(spec: ExperimentSpec, measured: Measured, course: Course) -> tuple[Row, ...]:
    """Return the rows of a course, each with its own interval, by treatment and place."""
    requests: Mapping[str, Any] = course_requests(course)
    level = Level(spec.analysis.alpha, "individual")
    return tuple(
        estimate_row(
            measured,
            Comparison(metric, requests[metric.id], spec.variants.control, variant),
            level,
        )
        for variant in spec.variants.treatments
        for metric in course.metrics
    )


def _retention(spec: ExperimentSpec) -> Course | None:
    """Return who was active in each week since exposure, or on each day of a short experiment."""
    active = spec.events.active
    horizon = max((m.window_days[1] for m in spec.metrics if m.window_days), default=0.0)
    if active is None or horizon < 2:
        return None
    days = WEEK if horizon >= 3 * WEEK else 1.0
    windows = [(k * days, (k + 1) * days) for k in range(1, int(horizon // days))][:MOST_PLACES]
    if not windows:
        return None
    metrics = tuple(
        _metric(f"retention {number}", event=active, window_days=window)
        for number, window in enumerate(windows, 1)
    )
    title = f"Active again, by {'week' if days == WEEK else 'day'} since exposure"
    return Course("retention", title, "Share of units active", _days(windows), metrics)


def _funnel(spec: ExperimentSpec) -> Course | None:
    """Return the share of exposed units that took each step: of the longest way in a metric."""
    ways = [
        (steps, metric.window_days)
        for metric in spec.metrics
        for steps in _ways(metric)
        if metric.window_days is not None
    ]
    roles = [getattr(spec.events, role) for role in _FUNNEL]
    if not ways and all(roles):
        horizon = max((m.window_days[1] for m in spec.metrics if m.window_days), default=0.0)
        ways = [(tuple(roles), (0.0, horizon))] if horizon > 0 else []
    if not ways:
        return None
    steps, window = max(ways, key=lambda way: len(way[0]))
    numbers = range(1, min(len(steps), MOST_PLACES) + 1)
    metrics = tuple(
        _metric(f"funnel {number}", steps=steps[:number], window_days=window) for number in numbers
    )
    names = tuple(_step_name(step) for step in steps[:MOST_PLACES])
    title = f"Steps taken in order, {day_range(window)}"
    return Course("funnel", title, "Share of exposed units", names, metrics)


def _ways(metric: MetricDefinition) -> Iterator[tuple[EventNames, ...]]:
    """Yield the steps in a metric, and in the activities that it is made of."""
    if isinstance(metric, ProportionMetric) and metric.steps:
        yield metric.steps
    for part in dict(metric).values():
        if isinstance(part, Activity) and part.steps:
            yield part.steps
        if isinstance(part, tuple):
            yield from (one.steps for one in part if isinstance(one, Activity) and one.steps)


def _step_name(step: EventNames) -> str:
    return step if isinstance(step, str) else " or ".join(step)


def _by_age(metric: MetricDefinition) -> Course | None:
    """Return a primary metric in the parts of its window: while units are new, and later.

    All parts are of the same units, those whose whole window has closed. What is left of the
    window after the last whole week is not shown.
    """
    window = metric.window_days
    if metric.role != "primary" or window is None or not _is_plain(metric):
        return None
    parts = _parts(*window)
    if len(parts) < 2:
        return None
    own: dict[str, Any] = {
        "role": "diagnostic",
        "mde": None,
        "margin": None,
        "margin_absolute": None,
    }
    own |= {"cuped": False, "covariates": None, "strata": (), "winsorize": None}
    own = {key: value for key, value in own.items() if hasattr(metric, key)}
    metrics = tuple(
        metric.model_copy(update={**own, "id": f"{metric.id} part {number}", "window_days": part})
        for number, part in enumerate(parts, 1)
    )
    share = metric.kind_name == "proportion"
    return Course(
        "age",
        f"{metric.label}: effect by time since exposure",
        "Share of units" if share else "Mean per unit",
        _days(parts),
        metrics,
        until=window[1],
    )


def _is_plain(metric: MetricDefinition) -> bool:
    """Return whether a metric means the same in a part of its window."""
    if metric.among is not None and metric.among.window_days is None:
        return False
    if isinstance(metric, ProportionMetric):
        limits = (metric.at_least, metric.at_most, metric.every_days, metric.up_to)
        plain = metric.event is not None and all(one is None for one in limits)
        return plain and metric.aggregate in (None, "any")
    if isinstance(metric, MeanMetric):
        return metric.event is not None and metric.aggregate in _SPLIT and metric.up_to is None
    return False


def _parts(start: float, end: float) -> list[tuple[float, float]]:
    """Return the weeks of a window, or its days where it is shorter than two weeks.

    Examples
    --------
    >>> _parts(0.0, 28.0)
    [(0.0, 7.0), (7.0, 14.0), (14.0, 21.0), (21.0, 28.0)]
    >>> _parts(0.0, 2.5)
    []
    """
    days = end - start
    if start < 0 or days != int(days):
        return []
    length = WEEK if days >= 2 * WEEK else 1.0
    while days / length > MOST_PLACES:
        length *= 2
    count = int(days // length)
    return [(start + length * k, start + length * (k + 1)) for k in range(count)]


def _days(windows: Sequence[tuple[float, float]]) -> tuple[str, ...]:
    return tuple(
        f"day {start:g}" if end - start == 1 else f"days {start:g}–{end - 1:g}"
        for start, end in windows
    )


def _metric(name: str, **keys: Any) -> MetricDefinition:
    """Return a share of units, under an id that no file can have."""
    found = ProportionMetric(
        id="course", kind="proportion", role="diagnostic", direction="increase", **keys
    )
    return found.model_copy(update={"id": name})
