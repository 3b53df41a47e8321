"""Bars over places in order: the arms side by side, or layers on top of each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from abtest.show.arm_curves import (
    TOP,
    Line,
    draw_difference,
    places,
    tick_texts,
    ticks_across,
    two_panels,
)
from abtest.show.axis_scale import AxisScale
from abtest.show.plot_frame import LEFT, RIGHT, WIDTH, Words, draw_ticks, fitted, framed, ink
from abtest.show.step_line import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from abtest.show.drawing import Chart

BODY = 3.0
MANY = 60
"""More bars in layers are drawn as one area with steps."""
LEVEL = 0.24
"""Inches from one line of the key to the next."""


@dataclass(frozen=True, eq=False)
class Bars:
    """One colour of bars.

    Attributes
    ----------
    name
        In the key.
    values
        Heights at the k places; NaN where nothing is known. Below 0 they hang.
    role
        Of the colour, see `PALETTE`.
    hatch
        Pattern that tells them apart without colour.
    fill
        Strength of the colour inside.
    """

    name: str
    values: Floats
    role: str
    hatch: str = ""
    fill: float = 0.75


def arm_bars(
    words: Words, ticks: tuple[str, ...], arms: Sequence[Bars], difference: Line, below: str
) -> Chart:
    """Return shares of two arms as bars side by side, with a difference under them.

    Parameters
    ----------
    words
        What is written.
    ticks
        Texts of the k places.
    arms
        Control and treatment.
    difference
        Treatment minus control at the k places.
    below
        What the difference is called.
    """
    from abtest.show.drawing import house_style

    with house_style():
        chart, axes, lower = two_panels(words)
        across = [(x, "") for x, _ in ticks_across(ticks)]
        _side_by_side(axes, across, arms, percent=True, body=TOP)
        draw_difference(chart, lower, ticks, difference, below, percent=True)
    return chart


def plain_bars(
    words: Words, ticks: tuple[str, ...], bars: Sequence[Bars], *, percent: bool = False
) -> Chart:
    """Return bars side by side without a panel under them; a key only for more than one."""
    from abtest.show.drawing import house_style

    with house_style():
        chart, axes = framed(words, BODY)
        _side_by_side(axes, ticks_across(ticks), bars, percent=percent, body=BODY)
    return chart


def stacked_bars(
    words: Words,
    ticks: tuple[str, ...],
    layers: Sequence[Bars],
    *,
    unknown: NDArray[np.bool_] | None = None,
) -> Chart:
    """Return layers on top of each other, from 0 up; those with values below 0 hang.

    Parameters
    ----------
    words
        What is written.
    ticks
        Texts of the k places.
    layers
        From the axis outwards.
    unknown
        Places that are hatched over the whole height: there is nothing where something could be.
    """
    from abtest.show.drawing import house_style

    with house_style():
        chart, axes = framed(words, BODY)
        table = np.nan_to_num(np.stack([layer.values for layer in layers]))
        up, down = np.maximum(table, 0.0).sum(axis=0), np.minimum(table, 0.0).sum(axis=0)
        low, high = float(down.min(initial=0.0)), float(up.max(initial=0.0)) or 1.0
        scale = AxisScale(1.06 * low, 1.06 * high)
        draw_ticks(axes, ticks_across(ticks), tick_texts(scale, percent=False))
        wide = min(0.8 / max(len(ticks), 1), 0.12)
        if unknown is not None:
            _draw_unknown(axes, unknown)
        _draw_layers(axes, scale, table, layers, wide)
        zero = float(scale.place([0.0])[0])
        axes.axhline(zero, color=ink("muted"), linewidth=1.0, zorder=4)
        if len(layers) > 1:
            hangs = table.sum(axis=1) < 0.0
            above = [one for one, low in zip(layers, hangs, strict=True) if not low]
            hanging = [one for one, low in zip(layers, hangs, strict=True) if low]
            _draw_key(axes, above[::-1] + hanging, BODY)
    return chart


def _side_by_side(
    axes: Axes,
    across: list[tuple[float, str]],
    bars: Sequence[Bars],
    *,
    percent: bool,
    body: float,
) -> None:
    factor = 100.0 if percent else 1.0
    table = factor * np.nan_to_num(np.stack([one.values for one in bars]))
    scale = AxisScale(0.0, 1.06 * (float(table.max(initial=0.0)) or factor))
    draw_ticks(axes, across, tick_texts(scale, percent=percent))
    x = places(table.shape[1])
    wide = min(0.8 / max(len(x), 1), 0.16) / len(bars)
    for index, (one, values) in enumerate(zip(bars, table, strict=True)):
        shift = (index - (len(bars) - 1) / 2) * wide
        _draw_bars(axes, x + shift, scale.place(values), 0.0, 0.92 * wide, _looks(one))
    if len(bars) > 1:
        _draw_key(axes, bars, body)


def _draw_layers(
    axes: Axes, scale: AxisScale, table: Floats, layers: Sequence[Bars], wide: float
) -> None:
    x = places(table.shape[1])
    above, below = np.zeros(len(x)), np.zeros(len(x))
    for layer, values in zip(layers, table, strict=True):
        start = np.where(values >= 0.0, above, below)
        bottom, top = scale.place(start), scale.place(start + values)
        if len(x) > MANY:
            _draw_steps(axes, bottom, top, _looks(layer))
        else:
            _draw_bars(axes, x, top - bottom, bottom, wide, _looks(layer))
        above, below = above + np.maximum(values, 0.0), below + np.minimum(values, 0.0)


def _draw_bars(
    axes: Axes,
    x: Floats,
    heights: Floats,
    bottom: Floats | float,
    wide: float,
    looks: Sequence[dict[str, Any]],
) -> None:
    """Draw bars on paper of their own, so that no line of the axes shines through."""
    axes.bar(x, heights, bottom=bottom, width=wide, zorder=2, facecolor=ink("paper"), linewidth=0.0)
    for look in looks:
        axes.bar(x, heights, bottom=bottom, width=wide, zorder=3, **look)


def _draw_steps(axes: Axes, bottom: Floats, top: Floats, looks: Sequence[dict[str, Any]]) -> None:
    """Draw bars without room between them as one area with steps."""
    edges = np.linspace(0.0, 1.0, len(top) + 1)
    x, low, high = np.repeat(edges, 2)[1:-1], np.repeat(bottom, 2), np.repeat(top, 2)
    axes.fill_between(x, low, high, zorder=2, facecolor=ink("paper"), linewidth=0.0)
    for look in looks:
        axes.fill_between(x, low, high, zorder=3, **(look | {"linewidth": 0.0}))


def _draw_unknown(axes: Axes, unknown: NDArray[np.bool_]) -> None:
    """Hatch places over the whole height; at least a pixel wide."""
    x = places(len(unknown))[unknown]
    wide = max(1.0 / max(len(unknown), 1), 0.003)
    looks: list[dict[str, Any]] = [
        {"facecolor": ink("warn-soft")},
        {"facecolor": "none", "edgecolor": ink("warn"), "hatch": "////"},
    ]
    for look in looks:
        axes.bar(x, np.ones(len(x)), width=wide, linewidth=0.0, zorder=1, **look)


def _looks(bars: Bars) -> list[dict[str, Any]]:
    """Return how bars are filled and, over it, hatched.

    Each by itself: in SVG one drawing of both has the lines in the colour and strength of the face.
    """
    from matplotlib.colors import to_rgba

    colour = ink(bars.role)
    filled = {"facecolor": to_rgba(colour, bars.fill), "edgecolor": colour, "linewidth": 0.6}
    hatched = {"facecolor": "none", "edgecolor": colour, "hatch": bars.hatch, "linewidth": 0.0}
    return [filled, hatched] if bars.hatch else [filled]


def _draw_key(axes: Axes, bars: Sequence[Bars], body: float) -> None:
    """Write the names beside the bars, each with a sample of its bar."""
    inch = 1.0 / (WIDTH - LEFT - RIGHT)
    for index, one in enumerate(bars):
        y = 0.96 - index * LEVEL / body
        for look in _looks(one):
            axes.bar(
                [1.0 + 0.25 * inch], [0.14 / body], bottom=y - 0.07 / body, width=0.2 * inch,
                clip_on=False, **look,
            )  # fmt: skip
        axes.text(
            1.0 + 0.45 * inch,
            y,
            fitted(one.name, RIGHT - 0.5, 9.0),
            color=ink("ink"),
            fontsize=9,
            weight="bold",
            va="center",
            clip_on=False,
        )
