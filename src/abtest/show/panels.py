"""Panels under each other: bars on a logarithmic axis, and numbers at a few settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from abtest.show.arm_curves import Line, places
from abtest.show.axis_scale import AxisScale
from abtest.show.plot_frame import (
    EDGE,
    LEFT,
    WIDTH,
    ArmStyle,
    Words,
    draw_ticks,
    fitted,
    framed,
    ink,
    label_lines,
    text_width,
)
from abtest.show.step_line import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from abtest.show.drawing import Chart

GAP = 0.72
"""Inches between panels: ticks of one, heading of the next."""
_ROOM = 5.2
"""Inches across in which ticks have room."""


@dataclass(frozen=True, eq=False)
class LogBars:
    """Shares of values between edges, on a logarithmic axis.

    Attributes
    ----------
    title
        Over the bars.
    edges
        Rising, above 0, shape (k + 1,).
    shares
        Of each class, shape (k,).
    ticks
        Values on the axis with their texts.
    marks
        Values that are marked by a line, with their texts.
    strong
        Whether the first of them stands out.
    height
        Inches.
    """

    title: str
    edges: Floats
    shares: Floats
    ticks: tuple[tuple[float, str], ...]
    marks: tuple[tuple[float, str], ...] = ()
    strong: bool = True
    height: float = 1.5


@dataclass(frozen=True, eq=False)
class DotPanel:
    """Numbers at a few settings, with limits where they have some.

    Attributes
    ----------
    title
        Over the numbers.
    ticks
        Texts of the k settings.
    lines
        Name, style and values of each line; points are connected where `connected`.
    percent
        Whether the values are shares.
    connected
        How many settings, from the first on, are steps of one scale.
    height
        Inches.
    """

    title: str
    ticks: tuple[str, ...]
    lines: tuple[tuple[str, ArmStyle, Line], ...]
    percent: bool = False
    connected: int = 0
    height: float = 1.5


def panels(words: Words, parts: Sequence[LogBars | DotPanel]) -> Chart:
    """Return the panels as one figure, from top to bottom; `words.axis` is over the first."""
    from abtest.show.drawing import house_style

    with house_style():
        body = sum(part.height for part in parts) + GAP * (len(parts) - 1)
        chart, first = framed(words, body)
        total = chart.get_size_inches()[1]
        box = first.get_position()
        top = box.y0 * total + body
        for index, part in enumerate(parts):
            place = (box.x0, (top - part.height) / total, box.width, part.height / total)
            if index == 0:
                axes = first
                axes.set_position(place)
            else:
                axes = chart.add_axes(place)
                _bare(axes)
                text = fitted(part.title, WIDTH - LEFT - EDGE, 8.5, 120, weight="normal")
                above = (top + 0.2) / total
                chart.text(box.x0, above, text, fontsize=8.5, color=ink("muted"), va="center")
            if isinstance(part, LogBars):
                _draw_bars(axes, part)
            else:
                _draw_dots(axes, part)
            top -= part.height + GAP
    return chart


def _bare(axes: Axes) -> None:
    axes.set(xlim=(0.0, 1.0), ylim=(0.0, 1.0), xticks=[], yticks=[])
    axes.patch.set_visible(False)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(ink("muted"))
    axes.spines["bottom"].set_linewidth(0.8)


def _draw_bars(axes: Axes, bars: LogBars) -> None:
    across = AxisScale(float(bars.edges[0]), float(bars.edges[-1]), "log")
    up = AxisScale(0.0, 100.0 * float(np.nan_to_num(bars.shares).max(initial=0.0)) or 100.0)
    shown = [(float(across.place([value])[0]), text) for value, text in bars.ticks]
    draw_ticks(axes, shown, [(place, f"{text}%") for place, text in up.ticks(4)])
    x = across.place(bars.edges)
    heights = np.clip(up.place(100.0 * np.nan_to_num(bars.shares)), 0.0, 1.0)
    axes.bar(
        x[:-1], heights, np.maximum(np.diff(x) - 0.004, 0.001), align="edge", color=ink("info"),
        alpha=0.55, linewidth=0, zorder=2,
    )  # fmt: skip
    marks = [(float(across.place([value])[0]), text) for value, text in bars.marks]
    _draw_marks(axes, marks, strong=bars.strong)


def _draw_marks(axes: Axes, marks: Sequence[tuple[float, str]], *, strong: bool) -> None:
    """Draw a line at every mark, and the text of the first and of those with room beside it."""
    inch = 1.0 / _ROOM
    taken: list[tuple[float, float]] = []
    for index, (place, text) in enumerate(marks):
        if not 0.0 <= place <= 1.0:
            continue
        first = strong and index == 0
        keys: dict[str, Any] = {"color": ink("ink" if first else "muted"), "zorder": 3}
        width, dashes, bold = (1.6, "-", "bold") if first else (0.9, (0, (3, 2)), "normal")
        axes.plot(
            [place] * 2, [0.0, 1.03], linewidth=width, linestyle=dashes, clip_on=False, **keys
        )
        half = text_width(text, 8.0, bold) / 2 * inch + 0.004
        if any(place - half < right and place + half > left for left, right in taken):
            continue
        taken.append((place - half, place + half))
        axes.text(place, 1.04, text, fontsize=8, weight=bold, ha="center", va="bottom", **keys)


def _draw_dots(axes: Axes, panel: DotPanel) -> None:
    factor = 100.0 if panel.percent else 1.0
    scale = _scale(panel, factor)
    at = places(len(panel.ticks))
    longest = max((text_width(text, 8.5) for text in panel.ticks), default=0.1) + 0.12
    every = max(1, int(np.ceil(longest * len(panel.ticks) / _ROOM)))
    shown = [(float(x), panel.ticks[i]) for i, x in enumerate(at) if i % every == 0]
    unit = "%" if panel.percent else ""
    draw_ticks(axes, shown, [(place, f"{text}{unit}") for place, text in scale.ticks(5)])
    ends = []
    shift = min(0.022, 0.2 / max(len(panel.ticks), 1))
    for index, (name, style, line) in enumerate(panel.lines):
        x = at + shift * (index - (len(panel.lines) - 1) / 2)
        y, low, high = (
            np.clip(scale.place(np.nan_to_num(part) * factor), 0.0, 1.0)
            for part in (line.values, line.lower, line.upper)
        )
        known = np.isfinite(line.values)
        limits = known & np.isfinite(line.lower) & np.isfinite(line.upper)
        keys: dict[str, Any] = {"color": style.ink}
        axes.vlines(x[limits], low[limits], high[limits], linewidth=1.8, alpha=0.5, **keys)
        steps = known & (np.arange(len(at)) < panel.connected)
        axes.plot(x[steps], y[steps], linestyle=style.dashes, linewidth=0.9, alpha=0.7, **keys)
        axes.plot(x[known], y[known], "o", markersize=4.5, zorder=4, clip_on=False, **keys)
        ends.append((float(y[known][-1]) if known.any() else 0.5, name, "", style))
    if any(name for _, name, _, _ in ends):
        label_lines(axes, ends, panel.height)


def _scale(panel: DotPanel, factor: float) -> AxisScale:
    parts = [part for _, _, line in panel.lines for part in (line.values, line.lower, line.upper)]
    known = np.concatenate([part[np.isfinite(part)] for part in parts]) * factor
    low, high = float(known.min(initial=0.0)), float(known.max(initial=0.0))
    if low == high:
        low, high = 0.0, 100.0 if panel.percent else 1.0
    margin = 0.06 * (high - low)
    top = high + margin
    if panel.percent and high <= 100.0:
        top = min(top, 100.0)
    return AxisScale(low if low >= 0.0 else low - margin, top)
