"""Step curves of two arms over time, with bands, a horizon, and the units still watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from abtest.show.axis_scale import AxisScale, tick_text, time_ticks
from abtest.show.estimate_words import Estimate
from abtest.show.numbers import count
from abtest.show.plot_frame import (
    CONTROL,
    LEFT,
    RIGHT,
    TREATMENT,
    WIDTH,
    ArmStyle,
    Table,
    Words,
    draw_ticks,
    framed,
    ink,
    label_lines,
)
from abtest.show.step_line import Floats, step_vertices, value_at

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from abtest.show.drawing import Chart

BODY = 3.1
BAND, AREA = 0.08, 0.34
"""How strongly bands and the area between the curves are filled."""


@dataclass(frozen=True, eq=False)
class StepArm:
    """One arm's curve.

    Attributes
    ----------
    name
        Of the arm, as it comes from data.
    times
        Rising, 0 or later, shape (k,).
    values, lower, upper
        The curve and its limits just after each time, shape (k,).
    first
        The curve before the first time; the same for all limits.
    watched_times, watched
        Times, and the units under observation just before each, shape (j,). The curve is drawn
        up to the last of them.
    units
        All units of the arm.
    summary
        What the curves are compared by, such as the mean time up to the horizon.
    at_horizon
        The curve at the horizon.
    """

    name: str
    times: Floats
    values: Floats
    lower: Floats
    upper: Floats
    first: float
    watched_times: Floats
    watched: NDArray[np.int64]
    units: int
    summary: float
    at_horizon: Estimate

    def watched_at(self, times: Sequence[float]) -> list[int]:
        """Return the units under observation just before given times."""
        later = np.concatenate([self.watched, [0]])
        return [int(x) for x in later[np.searchsorted(self.watched_times, times, side="left")]]

    @property
    def last(self) -> float:
        """The last time anything is known of."""
        return float(self.watched_times[-1])


@dataclass(frozen=True)
class LoneAxes:
    """Axes of one curve, as `CurvePair` has them."""

    unit: str
    horizon: float
    end: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class CurvePair:
    """Control and one treatment on common axes, which other treatments' figures may share.

    `label` names the metric, `unit` the unit of time, `end` the right end of the time axis,
    `low` and `high` those of the vertical one; `difference` is treatment - control in the
    arms' `summary`.
    """

    label: str
    unit: str
    horizon: float
    end: float
    low: float
    high: float
    control: StepArm
    treatment: StepArm
    difference: Estimate
    confidence_level: float


CurveAxes = LoneAxes | CurvePair


def curves(
    pair: CurvePair,
    words: Words,
    up: Sequence[tuple[float, str]],
    notes: tuple[str, str],
    *,
    title: str,
    shaded: bool,
) -> Chart:
    """Return the figure of both curves.

    Parameters
    ----------
    pair
        What is drawn.
    words
        What is written.
    up
        Ticks of the vertical axis.
    notes
        What is written under the names of control and treatment beside their lines.
    title
        Of the table of units.
    shaded
        Whether the area between the curves up to the horizon is.
    """
    arms = ((pair.control, CONTROL, notes[0]), (pair.treatment, TREATMENT, notes[1]))
    between = pair if shaded else None
    return _figure(pair, arms, words, up, title=title, between=between)


def lone_curve(
    around: CurveAxes,
    arm: StepArm,
    words: Words,
    up: Sequence[tuple[float, str]],
    note: str,
    *,
    title: str,
) -> Chart:
    """Return the figure of one curve; arguments as of `curves`."""
    return _figure(around, ((arm, TREATMENT, note),), words, up, title=title)


def _figure(
    around: CurveAxes,
    arms: Sequence[tuple[StepArm, ArmStyle, str]],
    words: Words,
    up: Sequence[tuple[float, str]],
    *,
    title: str,
    between: CurvePair | None = None,
) -> Chart:
    from abtest.show.drawing import house_style

    with house_style():
        ticks = _time_ticks(around, max(arm.units for arm, _, _ in arms))
        places = tuple(AxisScale(0.0, around.end).place(ticks).tolist())
        rows = tuple(
            (arm.name, style, tuple(count(units) for units in arm.watched_at(ticks)))
            for arm, style, _ in arms
        )
        chart, axes = framed(words, BODY, Table(title, places, rows))
        step = ticks[1] - ticks[0] if len(ticks) > 1 else None
        texts = [tick_text(tick, step) for tick in ticks]
        draw_ticks(axes, list(zip(places, texts, strict=True)), up)
        if between is not None:
            _draw_area(axes, between)
        labels = []
        for arm, style, note in arms:
            _draw_arm(axes, around, arm, style)
            end = float(_height(around, _value(arm, min(arm.last, around.end)))[0])
            labels.append((end, arm.name, note, style))
        _draw_horizon(axes, around)
        label_lines(axes, labels, BODY)
    return chart


def _time_ticks(around: CurveAxes, largest: int) -> list[float]:
    room = (WIDTH - LEFT - RIGHT) / (0.074 * len(count(largest)) + 0.2)
    return time_ticks(around.end, around.unit, max(2, min(8, int(room))))


def _draw_arm(axes: Axes, around: CurveAxes, arm: StepArm, style: ArmStyle) -> None:
    rows = np.stack([arm.values, arm.lower, arm.upper])
    last = min(arm.last, around.end)
    times, (line, low, high) = step_vertices(arm.times, rows, first=np.full(3, arm.first), end=last)
    x = AxisScale(0.0, around.end).place(times)
    edges = _height(around, low), _height(around, high)
    keys: dict[str, Any] = {"color": style.ink, "zorder": 1}
    axes.fill_between(x, *edges, alpha=BAND, linewidth=0, **keys)
    for edge in edges:
        axes.plot(x, edge, linewidth=0.6, alpha=0.6, **keys)
    keys |= {"linestyle": style.dashes, "linewidth": style.width, "zorder": 4}
    axes.plot(x, _height(around, line), **keys)


def _draw_area(axes: Axes, pair: CurvePair) -> None:
    """Shade the area between the curves; hatched where control is above."""
    arms = (pair.control, pair.treatment)
    times = np.unique(np.concatenate([arm.times for arm in arms]))
    both = np.stack([value_at(arm.times, arm.values, arm.first, times) for arm in arms])
    first = np.array([arm.first for arm in arms])
    corners, (control, treatment) = step_vertices(times, both, first=first, end=pair.horizon)
    x = AxisScale(0.0, pair.end).place(corners)
    low, high = _height(pair, control), _height(pair, treatment)
    keys: dict[str, Any] = {"alpha": AREA, "linewidth": 0.0, "zorder": 2}
    more, less = treatment >= control, treatment <= control
    if (treatment > control).any():
        axes.fill_between(x, low, high, where=more.tolist(), color=TREATMENT.ink, **keys)
    if (treatment < control).any():
        axes.fill_between(x, low, high, where=less.tolist(), color=CONTROL.ink, **keys)


def _draw_horizon(axes: Axes, around: CurveAxes) -> None:
    place = float(AxisScale(0.0, around.end).place([around.horizon])[0])
    axes.plot(
        [place, place], [0.0, 1.0], color=ink("muted"), linewidth=1.1, zorder=3, clip_on=False
    )
    side, shift = ("right", -0.008) if place > 0.5 else ("left", 0.008)
    axes.text(
        place + shift,
        1.025,
        f"horizon: {around.horizon:,.6g}",
        color=ink("muted"),
        fontsize=8.5,
        ha=side,
        va="bottom",
    )


def _value(arm: StepArm, time: float) -> float:
    return float(value_at(arm.times, arm.values, arm.first, np.array([time]))[0])


def _height(around: CurveAxes, values: Floats | float) -> Floats:
    placed = AxisScale(around.low, around.high).place(np.atleast_1d(np.asarray(values)))
    return np.asarray(np.clip(placed, 0.0, 1.0))
