"""A number by period for control and one treatment, with the difference under it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from abtest.show.axis_scale import AxisScale
from abtest.show.plot_frame import (
    CONTROL,
    LEFT,
    TREATMENT,
    WIDTH,
    ArmStyle,
    Words,
    draw_ticks,
    framed,
    ink,
    label_lines,
    wrapped,
)
from abtest.show.step_line import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from abtest.show.drawing import Chart

TOP, GAP, BOTTOM = 2.5, 0.5, 1.25
"""Inches: the panel of the arms, between, the panel of the difference."""
BAND = 0.13


@dataclass(frozen=True, eq=False)
class Line:
    """Values with limits at places; NaN where there are none. All of shape (k,)."""

    values: Floats
    lower: Floats
    upper: Floats


@dataclass(frozen=True, eq=False)
class ArmLines:
    """What is drawn.

    Attributes
    ----------
    ticks
        Texts of the k places, in order.
    names
        Control and treatment.
    control, treatment, difference
        Their lines; the difference is treatment - control.
    percent
        Whether the values are shares: then ticks are per cent and percentage points.
    below
        What the difference is called.
    """

    ticks: tuple[str, ...]
    names: tuple[str, str]
    control: Line
    treatment: Line
    difference: Line
    percent: bool
    below: str


def arm_curves(words: Words, lines: ArmLines) -> Chart:
    """Return the figure: both arms above, their difference with its intervals below."""
    from abtest.show.drawing import house_style

    with house_style():
        chart, axes, lower = two_panels(words)
        across = ticks_across(lines.ticks)
        scale = scale_of([lines.control, lines.treatment], from_zero=True, percent=lines.percent)
        up = tick_texts(scale, percent=lines.percent)
        draw_ticks(axes, [(x, "") for x, _ in across], up)
        factor = 100.0 if lines.percent else 1.0
        ends = []
        for name, line, style in (
            (lines.names[0], lines.control, CONTROL),
            (lines.names[1], lines.treatment, TREATMENT),
        ):
            ends.append((_draw(axes, line, scale, style, factor), name, "", style))
        label_lines(axes, ends, TOP)
        draw_difference(chart, lower, lines.ticks, lines.difference, lines.below, lines.percent)
    return chart


def two_panels(words: Words) -> tuple[Chart, Axes, Axes]:
    """Return a figure with empty axes for the arms and, under them, for their difference."""
    chart, axes = framed(words, TOP + GAP + BOTTOM)
    height = chart.get_size_inches()[1]
    box = axes.get_position()
    lower = chart.add_axes((box.x0, box.y0, box.width, BOTTOM / height))
    axes.set_position((box.x0, box.y0 + (BOTTOM + GAP) / height, box.width, TOP / height))
    for panel in (axes, lower):
        panel.set(xlim=(0.0, 1.0), ylim=(0.0, 1.0))
        panel.patch.set_visible(False)
        for side in ("left", "right", "top"):
            panel.spines[side].set_visible(False)
        panel.spines["bottom"].set_color(ink("muted"))
        panel.spines["bottom"].set_linewidth(0.8)
    return chart, axes, lower


def draw_difference(
    chart: Chart,
    lower: Axes,
    ticks: tuple[str, ...],
    difference: Line,
    name: str,
    percent: bool,
) -> None:
    """Draw differences with their intervals on the lower axes, and their name above these."""
    beneath = scale_of([difference], from_zero=False, percent=percent)
    draw_ticks(lower, ticks_across(ticks), tick_texts(beneath, percent=percent, sign=True))
    zero = float(beneath.place([0.0])[0])
    lower.axhline(zero, color=ink("muted"), linewidth=1.0, zorder=1)
    _draw(lower, difference, beneath, TREATMENT, 100.0 if percent else 1.0, bars=True)
    height, box = chart.get_size_inches()[1], lower.get_position()
    y = (box.y0 * height + BOTTOM + 0.14) / height
    for text in wrapped(name, WIDTH - LEFT, 8.5)[:1]:
        chart.text(box.x0, y, text, fontsize=8.5, color=ink("muted"), va="center")


def places(count: int) -> Floats:
    """Return where `count` points stand between 0 and 1."""
    return np.asarray((np.arange(count) + 0.5) / max(count, 1), dtype=np.float64)


def ticks_across(ticks: tuple[str, ...]) -> list[tuple[float, str]]:
    """Return the places and texts of as many ticks as there is room for."""
    longest = max((len(text) for text in ticks), default=1)
    most = max(1, int(5.2 / (0.075 * longest + 0.12)))
    every = -(-len(ticks) // most)
    at = places(len(ticks))
    return [(float(at[i]), ticks[i]) for i in range(0, len(ticks), every)]


def scale_of(lines: list[Line], *, from_zero: bool, percent: bool) -> AxisScale:
    """Return the axis on which lines and their limits have room."""
    known = np.concatenate(
        [
            part[np.isfinite(part)]
            for line in lines
            for part in (line.values, line.lower, line.upper)
        ]
    )
    factor = 100.0 if percent else 1.0
    low = float(known.min(initial=0.0)) * factor
    high = float(known.max(initial=0.0)) * factor
    if low == high:
        low, high = (0.0, 1.0) if from_zero else (-1.0, 1.0)
    margin = 0.06 * (high - low)
    return AxisScale(low if from_zero and low >= 0.0 else low - margin, high + margin)


def tick_texts(scale: AxisScale, *, percent: bool, sign: bool = False) -> list[tuple[float, str]]:
    """Return the ticks of an axis of values; those of differences have a sign."""
    unit = ("" if sign else "%") if percent else ""
    found = scale.ticks(4 if sign else 5)
    return [(place, f"{_plus(text) if sign else text}{unit}") for place, text in found]


def _plus(text: str) -> str:
    return text if (text[0] in "−0" and not text.strip("0.−")) or text[0] == "−" else f"+{text}"


def _draw(
    axes: Axes, line: Line, scale: AxisScale, style: ArmStyle, factor: float, *, bars: bool = False
) -> float:
    """Draw a line, its values times `factor`, and return the height of its end."""
    x = places(len(line.values))
    y, low, high = (
        np.clip(scale.place(np.nan_to_num(part) * factor), 0.0, 1.0)
        for part in (line.values, line.lower, line.upper)
    )
    known = np.isfinite(line.values)
    limits = known & np.isfinite(line.lower) & np.isfinite(line.upper)
    keys: dict[str, Any] = {"color": style.ink}
    if bars:
        axes.vlines(x[limits], low[limits], high[limits], linewidth=1.6, alpha=0.55, **keys)
        axes.plot(x[known], y[known], "o", markersize=4.0, zorder=4, **keys)
    else:
        axes.fill_between(x, low, high, where=limits.tolist(), alpha=BAND, linewidth=0, **keys)
        keys |= {"linestyle": style.dashes, "linewidth": style.width, "zorder": 4}
        axes.plot(x[known], y[known], marker="o", markersize=3.0, **keys)
    return float(y[known][-1]) if known.any() else 0.5
