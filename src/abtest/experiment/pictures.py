"""Pictures of one metric, from what was measured of it."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import TYPE_CHECKING

from abtest.experiment.courses import Course
from abtest.experiment.effects import Row
from abtest.experiment.ruling import Ruled
from abtest.metrics import MetricDefinition
from abtest.stats import NotEstimable

if TYPE_CHECKING:
    from abtest.show.drawing import Chart


def metric_pictures(ruled: Ruled, metric: MetricDefinition, control: str) -> tuple[Chart, ...]:
    """Return the pictures of a metric, with intervals at the level of its rows.

    None where the allocation changed: an arm's curve over several phases mixes early and late
    units in other shares than the other arm's, and would show what the effect leaves out.
    """
    measured = ruled.measured
    if metric.id in measured.failures or measured.phases > 1:
        return ()
    level = next(
        (
            row.effect.confidence_level
            for row in ruled.rows
            if row.metric.id == metric.id and row.effect.segment is None
        ),
        None,
    )
    try:
        arms = {
            name: reduce(add, measured.samples(metric.id, name)) for name in measured.tally.exposed
        }
    except NotEstimable:  # the rows say why an arm is no sample
        return ()
    return metric.pictures(arms, control, 0.95 if level is None else level)


def course_pictures(ruled: Ruled) -> tuple[Chart, ...]:
    """Return what is drawn over time since exposure, by treatment; () without an event log."""
    found = []
    for course, rows in ruled.courses:
        for variant in dict.fromkeys(row.variant for row in rows):
            own = [row for row in rows if row.variant == variant]
            if any(row.effect.status == "ok" for row in own):
                found.append(_course(course, own))
    return tuple(found)


def _course(course: Course, rows: list[Row]) -> Chart:
    from abtest.show.course_plot import CoursePoint, course_bars, course_plot

    points = [
        CoursePoint(
            place=place,
            control=row.effect.control_value,
            treatment=row.effect.treatment_value,
            difference=row.effect.absolute.estimate,
            lower=row.effect.absolute.lower,
            upper=row.effect.absolute.upper,
        )
        for place, row in zip(course.places, rows, strict=True)
    ]
    first = rows[0].effect
    drawn = course_bars if course.kind == "funnel" else course_plot
    return drawn(
        course.title,
        course.what,
        (first.control, first.variant),
        points,
        level=1.0 if first.confidence_level is None else first.confidence_level,
        is_share=course.is_share,
        notes=(_NOTES[course.kind],),
    )


_NOTES = {
    "retention": "Units count in a period once it has ended for them.",
    "funnel": "Of all exposed units, so that the arms are comparable at every step.",
    "age": "The same units throughout: an effect that fades may be novelty, one that grows may be "
    "learning.",
}
