"""Steps of a funnel as bars, one per arm, with the difference of two arms beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from abtest.show.axis_scale import AxisScale
from abtest.show.plot_frame import (
    CONTROL,
    EDGE,
    TREATMENT,
    WIDTH,
    ArmStyle,
    Words,
    fitted,
    framed,
    ink,
    text_width,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from abtest.show.drawing import Chart

BAR, SPACE, HEADING = 0.21, 0.2, 0.3
"""Inches: a bar, between steps, the line of headings and of ticks."""
TEXTS, STRIP = 2.15, 1.75
"""Inches across: texts after the bars, the strip of differences."""
LEAST_NAMES, MOST_NAMES = 1.2, 2.4
"""Inches across for the names of steps."""
MOST_STEPS = 20


@dataclass(frozen=True)
class FunnelBar:
    """One arm at one step: its share (None where it is not known), and what is written after it."""

    share: float | None
    text: str


@dataclass(frozen=True)
class FunnelStep:
    """A step: its name, a bar per arm, and the difference with its limits in percentage points."""

    name: str
    bars: tuple[FunnelBar, ...]
    difference: tuple[float, float, float] | None = None


def funnel_bars(
    words: Words, steps: Sequence[FunnelStep], arms: Sequence[str], strip: str = ""
) -> Chart:
    """Return the figure.

    Parameters
    ----------
    words
        What is written; its axis is not drawn.
    steps
        From top to bottom.
    arms
        Names of the bars, control first; none where there is one bar.
    strip
        Heading of the differences; empty for none.
    """
    from abtest.show.drawing import house_style

    shown = list(steps[:MOST_STEPS])
    count = max((len(step.bars) for step in shown), default=1)
    row = count * BAR + SPACE
    body = HEADING * 2 + row * len(shown)
    with house_style():
        chart, axes = framed(words, body, right=EDGE)
        height = chart.get_size_inches()[1]
        across = WIDTH - 2 * EDGE
        box = axes.get_position()
        axes.set_position((EDGE / WIDTH, box.y0, across / WIDTH, body / height))
        axes.set(xlim=(0.0, across), ylim=(0.0, body), yticks=[])
        axes.spines["bottom"].set_visible(False)
        longest = max((text_width(step.name, 9.0) for step in shown), default=0.0) + 0.35
        names = min(max(longest, LEAST_NAMES), MOST_NAMES)
        room = across - names - TEXTS - (STRIP if strip else 0.0)
        largest = max((bar.share or 0.0 for step in shown for bar in step.bars), default=1.0)
        styles = (CONTROL, TREATMENT) if count > 1 else (TREATMENT,)
        _legend(axes, body, names, arms, styles)
        for index, step in enumerate(shown):
            top = body - HEADING - row * index
            _draw_step(axes, step, (names, top), room / max(largest, 1e-9), styles)
        if strip:
            _draw_strip(axes, shown, strip, body, row, across)
    return chart


def _legend(
    axes: Axes, body: float, left: float, arms: Sequence[str], styles: Sequence[ArmStyle]
) -> None:
    from matplotlib.patches import Rectangle

    x = left
    for name, style in zip(arms, styles, strict=False):
        axes.add_patch(
            Rectangle((x, body - 0.2), 0.14, 0.11, facecolor=style.ink, alpha=0.75, linewidth=0)
        )
        text = fitted(name, 1.5, 8.5, 30)
        axes.text(x + 0.2, body - 0.145, text, va="center", fontsize=8.5, color=ink("ink"))
        x += 1.8


def _draw_step(
    axes: Axes,
    step: FunnelStep,
    corner: tuple[float, float],
    scale: float,
    styles: Sequence[ArmStyle],
) -> None:
    """Draw the bars of a step, whose upper left corner is given."""
    from matplotlib.patches import Rectangle

    left, top = corner
    middle = top - len(step.bars) * BAR / 2
    name = fitted(step.name, left - 0.15, 9.0, 40)
    axes.text(0.0, middle, name, va="center", fontsize=9, color=ink("ink"))
    for number, (bar, style) in enumerate(zip(step.bars, styles, strict=False)):
        y = top - BAR * (number + 1)
        length = 0.0 if bar.share is None else bar.share * scale
        axes.add_patch(
            Rectangle(
                (left, y + 0.02), length, BAR - 0.04, facecolor=style.ink, alpha=0.75, linewidth=0
            )
        )
        axes.text(
            left + length + 0.07, y + BAR / 2, bar.text, va="center", fontsize=8,
            color=ink("ink"),
        )  # fmt: skip


def _draw_strip(
    axes: Axes, steps: Sequence[FunnelStep], title: str, body: float, row: float, across: float
) -> None:
    left, width = across - STRIP + 0.15, STRIP - 0.2
    ends = [end for step in steps if step.difference for end in step.difference]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    if low == high:
        low, high = -1.0, 1.0
    margin = 0.08 * (high - low)
    scale = AxisScale(low - margin, high + margin)

    def at(value: float) -> float:
        return left + width * float(scale.place([value])[0])

    axes.text(left, body - 0.145, title, va="center", fontsize=8, color=ink("muted"))
    bottom = body - HEADING - row * len(steps)
    axes.vlines(at(0.0), bottom, body - HEADING, color=ink("muted"), linewidth=1.0)
    for place, text in scale.ticks(4):
        shown = text if text.startswith("−") or not text.strip("0.") else f"+{text}"
        axes.text(
            left + width * place, bottom - 0.13, shown, ha="center", va="center", fontsize=8,
            color=ink("muted"),
        )  # fmt: skip
    for index, step in enumerate(steps):
        if step.difference is None:
            continue
        value, lower, upper = step.difference
        y = body - HEADING - row * index - len(step.bars) * BAR / 2
        axes.hlines(y, at(lower), at(upper), color=TREATMENT.ink, linewidth=1.6, alpha=0.6)
        axes.plot([at(value)], [y], "o", color=TREATMENT.ink, markersize=4.5, zorder=4)
