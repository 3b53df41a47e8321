"""Several lines over places in order, named at their ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from abtest.show.arm_curves import Line, places, scale_of, tick_texts, ticks_across
from abtest.show.plot_frame import ArmStyle, Words, draw_ticks, framed, ink, label_lines
from abtest.show.step_line import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from abtest.show.drawing import Chart

BODY = 3.0
STYLES = (
    ArmStyle("neutral", (0, (4.5, 1.5)), 1.6),
    ArmStyle("info", "-", 1.9),
    ArmStyle("warn", (0, (1.5, 1.2)), 1.9),
    ArmStyle("good", (0, (6.0, 1.5, 1.2, 1.5)), 1.6),
    ArmStyle("bad", "-", 1.2),
    ArmStyle("ink", (0, (2.5, 2.5)), 1.2),
)
"""Lines in their order; more are not drawn."""
_DOTS = 40
"""So few places have their points marked."""


@dataclass(frozen=True, eq=False)
class NamedLine:
    """A line: its name, a short text under it, and values; NaN where nothing is known."""

    name: str
    note: str
    values: Floats


def line_plot(
    words: Words,
    ticks: tuple[str, ...],
    lines: Sequence[NamedLine],
    *,
    percent: bool = False,
    mark: tuple[int, str] | None = None,
) -> Chart:
    """Return lines from zero up; they are broken where nothing is known.

    Parameters
    ----------
    words
        What is written.
    ticks
        Texts of the k places.
    lines
        At most as many as there are `STYLES` are drawn.
    percent
        Whether values are shares.
    mark
        A place that stands out, with its name.
    """
    from abtest.show.drawing import house_style

    with house_style():
        chart, axes = framed(words, BODY)
        shown = list(zip(lines, STYLES, strict=False))
        empty = np.full(1, np.nan)
        spans = [Line(line.values, empty, empty) for line, _ in shown]
        scale = scale_of(spans, from_zero=True, percent=percent)
        draw_ticks(axes, ticks_across(ticks), tick_texts(scale, percent=percent))
        x, ends = places(len(ticks)), []
        for line, style in shown:
            known = np.isfinite(line.values)
            y = scale.place(np.nan_to_num(line.values) * (100.0 if percent else 1.0))
            axes.plot(
                x, np.where(known, y, np.nan), color=style.ink, linestyle=style.dashes,
                linewidth=style.width, marker="o" if len(ticks) <= _DOTS else None, markersize=2.6,
                zorder=4,
            )  # fmt: skip
            ends.append((float(y[known][-1]) if known.any() else 0.5, line.name, line.note, style))
        label_lines(axes, ends, BODY)
        if mark is not None:
            _draw_mark(axes, float(x[mark[0]]), mark[1])
    return chart


def _draw_mark(axes: Axes, place: float, name: str) -> None:
    axes.plot(
        [place, place], [0.0, 1.0], color=ink("muted"), linewidth=1.1, zorder=3, clip_on=False
    )
    side, shift = ("right", -0.008) if place > 0.5 else ("left", 0.008)
    axes.text(place + shift, 1.025, name, color=ink("muted"), fontsize=8.5, ha=side, va="bottom")
