"""Mean cumulative functions: events or amounts per unit up to each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from abtest.show.axis_scale import AxisScale
from abtest.show.estimate_words import interval, level_text, like, signed
from abtest.show.numbers import count
from abtest.show.plot_frame import Words, in_sentence
from abtest.show.step_curves import CurvePair, StepArm, curves

if TYPE_CHECKING:
    from abtest.show.drawing import Chart


def cumulative_plot(pair: CurvePair) -> Chart:
    """Return the mean cumulative functions of control and one treatment.

    Parameters
    ----------
    pair
        Curves per unit, starting at 0; `summary` and `difference` are those at the horizon.
    """
    notes = tuple(
        f"{like(arm.summary, pair.difference)} at {pair.horizon:,.6g}"
        for arm in (pair.control, pair.treatment)
    )
    return curves(
        pair,
        _words(pair),
        AxisScale(pair.low, pair.high).ticks(5),
        (notes[0], notes[1]),
        title="Units watched",
        shaded=False,
    )


def _words(pair: CurvePair) -> Words:
    control, treatment = (in_sentence(arm.name) for arm in (pair.control, pair.treatment))
    unit, level = in_sentence(pair.unit), level_text(pair.confidence_level)
    until = f"{pair.horizon:,.6g} {unit}"
    means = (
        f"Per unit up to {until}: {control} {like(pair.control.summary, pair.difference)}, "
        f"{treatment} {like(pair.treatment.summary, pair.difference)}."
    )
    difference = f"Difference {signed(pair.difference, pair.confidence_level)}."
    arms = "; ".join(_said(pair, arm) for arm in (pair.control, pair.treatment))
    return Words(
        heading=pair.label,
        said=(means, difference),
        axis="Per unit so far",
        below=f"Time, {unit}",
        caption=(
            f"{pair.label}: what a unit has had so far on average, as if all were watched as long "
            f"(mean cumulative function), with {level} intervals at each time. {means} {difference}"
        ),
        alt=(
            f"Mean cumulative functions of {pair.label}. {means} {difference} At {until}: {arms}."
        ),
    )


def _said(pair: CurvePair, arm: StepArm) -> str:
    watched = arm.watched_at([pair.horizon])[0]
    return (
        f"{in_sentence(arm.name)} {like(arm.summary, arm.at_horizon)} "
        f"({interval(arm.at_horizon, pair.confidence_level, sign=False)}), "
        f"{count(watched)} of {count(arm.units)} units watched"
    )
