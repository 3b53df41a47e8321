"""Effects along a distribution: treatment - control at each quantile, with a band for all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from abtest.show.axis_scale import AxisScale, power_below, tick_text
from abtest.show.estimate_words import Estimate, level_text, like, signed
from abtest.show.plot_frame import (
    CONTROL,
    TREATMENT,
    Table,
    Words,
    draw_ticks,
    framed,
    in_sentence,
    ink,
)
from abtest.show.step_line import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from abtest.show.drawing import Chart

BODY, BESIDE = 2.7, 0.5
TICKS = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
STEPPED = 0.6
"""At most this share of different differences is drawn as steps."""
HEAVY = 6.0
"""So many times their median, the largest limits would flatten the others on a linear axis."""


@dataclass(frozen=True, eq=False)
class QuantileCurve:
    """Treatment - control at each quantile.

    Attributes
    ----------
    label, control, treatment
        Names of the metric and the arms.
    quantiles
        Shares of units, rising; they hold `tested`, shape (k,).
    estimates, lower, upper
        Differences with the limits that hold for all at once, infinite where there is none.
    control_values, treatment_values
        Quantiles of the arms.
    tested
        The quantile that the metric is about.
    difference
        Its difference with its own interval.
    confidence_level
        Of the whole band, and of that interval.
    """

    label: str
    control: str
    treatment: str
    quantiles: Floats
    estimates: Floats
    lower: Floats
    upper: Floats
    control_values: Floats
    treatment_values: Floats
    tested: float
    difference: Estimate
    confidence_level: float

    @property
    def row(self) -> int:
        """Where the tested quantile is."""
        return int(np.argmin(np.abs(self.quantiles - self.tested)))


def effect_scale(curves: Sequence[QuantileCurve]) -> AxisScale:
    """Return the vertical axis that shows zero and all limits of some curves."""
    ends = np.concatenate([np.concatenate([c.lower, c.upper, c.estimates]) for c in curves])
    ends = ends[np.isfinite(ends)]
    sizes = np.sort(np.abs(ends[ends != 0.0]))
    if not sizes.size:
        return AxisScale(-1.0, 1.0)
    low, high = min(float(ends.min()), 0.0), max(float(ends.max()), 0.0)
    if sizes[-1] <= HEAVY * sizes[sizes.size // 2]:
        pad = 0.07 * (high - low)
        return AxisScale(low - pad, high + pad)
    bend = power_below(float(sizes[sizes.size // 10]))
    return AxisScale(low * 1.4 - bend / 2, high * 1.4 + bend / 2, "bent", bend)


def quantile_plot(curve: QuantileCurve, scale: AxisScale) -> Chart:
    """Return the effect at each quantile with its band, the tested one with its own interval.

    Parameters
    ----------
    curve
        What is drawn.
    scale
        The vertical axis, as of `effect_scale`; figures of several treatments share it.
    """
    from abtest.show.drawing import house_style

    with house_style():
        across = AxisScale(0.0, 1.0)
        shown = [share for share in TICKS if np.isclose(curve.quantiles, share).any()]
        rows = [int(np.argmin(np.abs(curve.quantiles - share))) for share in shown]
        places = tuple(across.place(shown).tolist())
        table = Table(
            "Value at quantile",
            places,
            tuple(
                (name, style, tuple(tick_text(float(values[row])) for row in rows))
                for name, style, values in (
                    (curve.control, CONTROL, curve.control_values),
                    (curve.treatment, TREATMENT, curve.treatment_values),
                )
            ),
        )
        chart, axes = framed(_words(curve, scale), BODY, table, right=BESIDE)
        texts = [f"{100.0 * share:g}%" for share in shown]
        draw_ticks(axes, list(zip(places, texts, strict=True)), _signed_ticks(curve, scale))
        _draw_band(axes, curve, scale)
        _draw_tested(axes, curve, scale)
    return chart


def _draw_band(axes: Axes, curve: QuantileCurve, scale: AxisScale) -> None:
    x = curve.quantiles
    low, middle, high = (
        np.clip(scale.place(ends), 0.0, 1.0) for ends in (curve.lower, curve.estimates, curve.upper)
    )
    zero = float(scale.place([0.0])[0])
    stepped = _is_stepped(curve)
    keys: dict[str, Any] = {"color": TREATMENT.ink}
    axes.fill_between(
        x, low, high, alpha=0.16, linewidth=0, zorder=1, step="mid" if stepped else None, **keys
    )
    keys["drawstyle"] = "steps-mid" if stepped else "default"
    for edge in (low, high):
        axes.plot(x, edge, linewidth=0.7, alpha=0.7, zorder=2, **keys)
    axes.axhline(zero, color=ink("ink"), linewidth=1.1, zorder=3)
    axes.plot(x, middle, linewidth=1.7, marker=".", markersize=6, zorder=4, **keys)
    for limits, place, arrow in ((curve.lower, 0.018, "v"), (curve.upper, 0.982, "^")):
        open_ended = x[np.isinf(limits)]
        axes.plot(
            open_ended,
            np.full(open_ended.size, place),
            linestyle="none",
            marker=arrow,
            markersize=5,
            color=TREATMENT.ink,
            clip_on=False,
            zorder=5,
        )


def _draw_tested(axes: Axes, curve: QuantileCurve, scale: AxisScale) -> None:
    """Mark the tested quantile with its own interval, which is narrower than the band."""
    limits = (curve.difference.lower, curve.difference.upper)
    low, middle, high = (
        float(np.clip(scale.place([value]), 0.0, 1.0)[0])
        for value in (
            -math.inf if limits[0] is None else limits[0],
            curve.difference.value,
            math.inf if limits[1] is None else limits[1],
        )
    )
    x = curve.tested
    axes.plot(
        [x, x], [0.0, 1.0], color=ink("muted"), linewidth=0.8, linestyle=(0, (1, 2)), zorder=2
    )
    axes.plot([x, x], [low, high], color=ink("ink"), linewidth=2.2, zorder=6)
    for limit, place, arrow in ((limits[0], low, "v"), (limits[1], high, "^")):
        if limit is None:
            axes.plot(
                [x], [place], marker=arrow, markersize=7, color=ink("ink"), clip_on=False, zorder=6
            )
        else:
            axes.plot(
                [x - 0.008, x + 0.008], [place] * 2, color=ink("ink"), linewidth=1.6, zorder=6
            )
    axes.plot([x], [middle], marker="D", markersize=7, color=ink("ink"), zorder=7)
    side, shift = ("right", -0.01) if x > 0.5 else ("left", 0.01)
    axes.text(
        x + shift,
        1.025,
        "tested",
        color=ink("ink"),
        fontsize=8.5,
        weight="bold",
        ha=side,
        va="bottom",
    )


def _is_stepped(curve: QuantileCurve) -> bool:
    """Return whether many quantiles share their difference: nothing lies between these."""
    return bool(np.unique(curve.estimates).size <= STEPPED * curve.estimates.size)


def _signed_ticks(curve: QuantileCurve, scale: AxisScale) -> list[tuple[float, str]]:
    zero = float(scale.place([0.0])[0])
    whole = bool((curve.estimates == np.round(curve.estimates)).all())
    ticks = scale.ticks(6, whole=whole)
    return [(place, f"+{text}" if place > zero else text) for place, text in ticks]


def _words(curve: QuantileCurve, scale: AxisScale) -> Words:
    control, treatment = in_sentence(curve.control), in_sentence(curve.treatment)
    level, row = level_text(curve.confidence_level), curve.row
    values = (float(curve.control_values[row]), float(curve.treatment_values[row]))
    tested = (
        f"{quantile_name(curve.tested)[0].upper()}{quantile_name(curve.tested)[1:]}: "
        f"{control} {like(values[0], curve.difference)}, "
        f"{treatment} {like(values[1], curve.difference)}; "
        f"difference {signed(curve.difference, curve.confidence_level)}."
    )
    band = f"The band holds for all quantiles at once, at {level}"
    bent = (
        " The vertical axis is nearly linear within "
        f"±{tick_text(scale.bend, scale.bend)}, logarithmic beyond."
        if scale.kind == "bent"
        else ""
    )
    opened = np.isinf(curve.lower) | np.isinf(curve.upper)
    arrows = " Arrowheads: too few units for a limit." if opened.any() else ""
    return Words(
        heading=curve.label,
        said=(tested, f"{band}; {_outside(curve)}."),
        axis=f"Difference of quantiles, {treatment} − {control}"
        + (", logarithmic away from zero" if bent else ""),
        below="Quantile: share of units at or below the value",
        caption=(
            f"{curve.label}: difference of each quantile, {treatment} − {control}. {band}; the "
            f"diamond is the tested quantile with its own {level} interval.{bent}{arrows}"
        ),
        alt=f"Differences of quantiles of {curve.label}. {tested} {_listed(curve)}",
    )


def quantile_name(share: float) -> str:
    """Return what a quantile is called: ``the median``, ``the 90% quantile``."""
    return "the median" if share == 0.5 else f"the {100.0 * share:.6g}% quantile"


def _outside(curve: QuantileCurve) -> str:
    """Say at which quantiles the band leaves zero out."""
    above, below = curve.lower > 0.0, curve.upper < 0.0
    if not (above.any() or below.any()):
        return "nowhere does it leave zero out"
    parts = [
        f"{word} zero at {_stretches(curve.quantiles, out)}"
        for word, out in (("above", above), ("below", below))
        if out.any()
    ]
    return "it is " + " and ".join(parts)


def _stretches(quantiles: Floats, out: np.typing.NDArray[np.bool_]) -> str:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], out, [False]]).astype(int)))
    said = []
    for first, after in edges.reshape(-1, 2).tolist():
        low, high = (f"{100.0 * quantiles[i]:.6g}%" for i in (first, after - 1))
        said.append(low if low == high else f"{low} to {high}")
    return ", ".join(said)


def _listed(curve: QuantileCurve) -> str:
    """Say the differences at a few quantiles with their limits in the band."""
    parts = []
    for share in TICKS:
        near = np.flatnonzero(np.isclose(curve.quantiles, share))
        if near.size:
            row = int(near[0])
            ends = [
                "no limit" if math.isinf(x) else tick_text(x)
                for x in (float(curve.lower[row]), float(curve.upper[row]))
            ]
            value = tick_text(float(curve.estimates[row]))
            parts.append(f"{100.0 * share:g}%: {value} ({ends[0]} to {ends[1]})")
    band = f"With the {level_text(curve.confidence_level)} band of all"
    return f"{band}: {'; '.join(parts)}."
