"""Survival curves: the share without the event yet, and the mean time that the area between is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from abtest.show.axis_scale import AxisScale
from abtest.show.estimate_words import level_text, like, share_interval, signed
from abtest.show.numbers import count, percent, round_step
from abtest.show.plot_frame import Words, in_sentence
from abtest.show.step_curves import CurvePair, StepArm, curves

if TYPE_CHECKING:
    from abtest.show.drawing import Chart


def survival_plot(pair: CurvePair) -> Chart:
    """Return survival curves of control and one treatment.

    Each with its band and its units at risk; between them, up to the horizon, the area that is the
    difference of the restricted mean times. One figure holds two arms only: the area belongs to a
    pair, and four bands on one another show none.

    Parameters
    ----------
    pair
        Curves as shares from 0 to 1, starting at 1; `summary` and `difference` are mean times up
        to the horizon.
    """
    notes = tuple(_note(pair, arm) for arm in (pair.control, pair.treatment))
    return curves(
        pair, _words(pair), _ticks(pair), (notes[0], notes[1]), title="Units at risk", shaded=True
    )


def lowest_share(smallest: float) -> float:
    """Return where the vertical axis starts: at 0, or higher where all shares are large.

    Examples
    --------
    >>> lowest_share(0.3), lowest_share(0.93)
    (0.0, 0.92)
    """
    if smallest <= 0.5:
        return 0.0
    step = round_step((1.0 - smallest) / 4) if smallest < 1.0 else 0.01
    return max(0.0, 1.0 - step * -(-(1.0 - smallest) // step)) if smallest < 1.0 else 0.96


def _ticks(pair: CurvePair) -> list[tuple[float, str]]:
    scale = AxisScale(100.0 * pair.low, 100.0 * pair.high)
    return [(place, f"{text}%") for place, text in scale.ticks(5)]


def _note(pair: CurvePair, arm: StepArm) -> str:
    places = max(0, min(6, -math.floor(math.log10(pair.high - pair.low))))
    return f"{percent(arm.at_horizon.value, places)} at {pair.horizon:,.6g}"


def _words(pair: CurvePair) -> Words:
    control, treatment = (in_sentence(arm.name) for arm in (pair.control, pair.treatment))
    unit, level = in_sentence(pair.unit), level_text(pair.confidence_level)
    until = f"{pair.horizon:,.6g} {unit}"
    means = (
        f"Mean time without the event up to {until}: "
        f"{control} {like(pair.control.summary, pair.difference)}, "
        f"{treatment} {like(pair.treatment.summary, pair.difference)}."
    )
    difference = f"Difference {signed(pair.difference, pair.confidence_level, unit)}."
    starts = f", the axis starts at {100.0 * pair.low:.6g}%" if pair.low > 0.0 else ""
    shares = "; ".join(_said(pair, arm) for arm in (pair.control, pair.treatment))
    return Words(
        heading=pair.label,
        said=(means, difference),
        axis=f"Share of units without the event yet{starts}",
        below=f"Time, {unit}",
        caption=(
            f"{pair.label}: Kaplan–Meier curves with {level} intervals at each time. The area "
            f"between them up to the horizon is the difference of the mean times: blue where "
            f"{treatment} stays longer without the event, grey where {control} does. "
            f"{means} {difference}"
        ),
        alt=(
            f"Survival curves of {pair.label}. {means} {difference} "
            f"Without the event at {until}: {shares}."
        ),
    )


def _said(pair: CurvePair, arm: StepArm) -> str:
    at_risk = arm.watched_at([pair.horizon])[0]
    return (
        f"{in_sentence(arm.name)} {share_interval(arm.at_horizon)}, "
        f"{count(at_risk)} of {count(arm.units)} units at risk"
    )
