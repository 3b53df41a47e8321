"""Both arms at ages since exposure, or at the steps of a funnel, with the difference under them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from abtest.show.arm_curves import ArmLines, Line, arm_curves
from abtest.show.estimate_words import Estimate, level_text, signed
from abtest.show.funnel_bars import FunnelBar, FunnelStep, funnel_bars
from abtest.show.numbers import number, percent
from abtest.show.plot_frame import Words, in_sentence

if TYPE_CHECKING:
    from abtest.show.drawing import Chart


@dataclass(frozen=True)
class CoursePoint:
    """A place of a course: both arms and their difference with its interval; None if unknown."""

    place: str
    control: float | None
    treatment: float | None
    difference: float | None
    lower: float | None
    upper: float | None


def course_plot(
    title: str,
    what: str,
    names: tuple[str, str],
    points: Sequence[CoursePoint],
    *,
    level: float,
    is_share: bool,
    notes: Sequence[str] = (),
) -> Chart:
    """Return the figure of ages since exposure.

    Parameters
    ----------
    title, what
        What it is, and what the numbers are.
    names
        Control and treatment.
    points
        In order.
    level
        Of every interval by itself.
    is_share
        Whether the numbers are shares of units, then shown as per cent and percentage points.
    notes
        Sentences on how to read it.
    """
    control, treatment = names
    said = _said(points, names, level, is_share=is_share)
    unit = " in percentage points" if is_share else ""
    words = Words(
        heading=title,
        said=(said, *notes),
        axis=what,
        below="Time since exposure",
        caption=f"{title}, {in_sentence(control)} and {in_sentence(treatment)}. {said}",
        alt=f"{title}, {in_sentence(control)} and {in_sentence(treatment)}. {said}",
    )
    nothing = np.full(len(points), np.nan)
    lines = ArmLines(
        ticks=tuple(point.place for point in points),
        names=names,
        control=Line(_array([p.control for p in points]), nothing, nothing),
        treatment=Line(_array([p.treatment for p in points]), nothing, nothing),
        difference=Line(
            _array([p.difference for p in points]),
            _array([p.lower for p in points]),
            _array([p.upper for p in points]),
        ),
        percent=is_share,
        below=f"Difference{unit}, {in_sentence(treatment)} minus {in_sentence(control)}",
    )
    return arm_curves(words, lines)


def course_bars(
    title: str,
    what: str,
    names: tuple[str, str],
    points: Sequence[CoursePoint],
    *,
    level: float,
    is_share: bool,
    notes: Sequence[str] = (),
) -> Chart:
    """Return the figure of the steps of a funnel; the parameters are those of `course_plot`."""
    said = _said(points, names, level, is_share=is_share)
    of = f"{in_sentence(names[0])} and {in_sentence(names[1])}"
    words = Words(
        heading=title,
        said=(said, *notes),
        axis="",
        below="",
        caption=f"{title}, {of}. {what}. {said}",
        alt=f"{title}, {of}. {said}",
    )
    steps = [
        FunnelStep(
            point.place,
            tuple(
                FunnelBar(share, "" if share is None else percent(share, 1))
                for share in (point.control, point.treatment)
            ),
            None
            if point.difference is None or point.lower is None or point.upper is None
            else (100.0 * point.difference, 100.0 * point.lower, 100.0 * point.upper),
        )
        for point in points
    ]
    return funnel_bars(words, steps, names, "Difference, points")


def _array(values: Sequence[float | None]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _said(
    points: Sequence[CoursePoint], names: tuple[str, str], level: float, *, is_share: bool
) -> str:
    """Return the first and the last place that are known, each with its difference."""
    known = [point for point in points if point.difference is not None]
    if not known:
        return "Nothing is known yet: no window has closed."
    chosen = [known[0]] if len(known) == 1 else [known[0], known[-1]]
    parts = [_of_point(point, names, level, is_share=is_share) for point in chosen]
    return f"{' '.join(parts)} Each {level_text(level)} interval is for its place alone."


def _of_point(point: CoursePoint, names: tuple[str, str], level: float, *, is_share: bool) -> str:
    assert point.difference is not None
    assert point.control is not None
    assert point.treatment is not None
    factor = 100.0 if is_share else 1.0
    limits = (None if end is None else factor * end for end in (point.lower, point.upper))
    estimate = Estimate(factor * point.difference, *limits)
    if is_share:
        values = [percent(value, 1) for value in (point.treatment, point.control)]
    else:
        values = [number(value, estimate.decimals) for value in (point.treatment, point.control)]
    control, treatment = map(in_sentence, names)
    place = point.place.replace("day", "Day", 1) if point.place.startswith("day") else point.place
    difference = signed(estimate, level, "percentage points" if is_share else "")
    return f"{place}: {treatment} {values[0]}, {control} {values[1]}, difference {difference}."
