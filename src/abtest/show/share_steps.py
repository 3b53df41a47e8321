"""Shares of values at or below each value, as steps, with values that are marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from abtest.show.axis_scale import AxisScale
from abtest.show.distribution_plot import ValueShares, value_scale
from abtest.show.plot_frame import (
    CONTROL,
    TREATMENT,
    Words,
    draw_ticks,
    framed,
    ink,
    label_lines,
)
from abtest.show.step_line import step_vertices

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from abtest.show.drawing import Chart

BODY = 2.7


def share_steps(
    words: Words, lines: Sequence[tuple[ValueShares, str]], mark: tuple[float, str] | None
) -> Chart:
    """Return the distribution functions of one or two samples.

    Parameters
    ----------
    words
        What is written.
    lines
        Values with their counts, and a note under the name; those of control first of two.
    mark
        A value that a line marks, with its text.
    """
    from abtest.show.drawing import house_style

    with house_style():
        chart, axes = framed(words, BODY)
        known = [(sample, note) for sample, note in lines if sample.units]
        scale = value_scale([sample for sample, _ in known]) if known else AxisScale(0.0, 1.0)
        if mark is not None and scale.place([mark[0]])[0] > 1.0:
            scale = AxisScale(scale.low, mark[0], scale.kind, scale.bend)
        percents = [(x, f"{100 * x:.0f}%") for x in (0.0, 0.25, 0.5, 0.75, 1.0)]
        draw_ticks(axes, scale.ticks(8) if known else [], percents)
        styles = (TREATMENT,) if len(lines) == 1 else (CONTROL, TREATMENT)
        labels = []
        for (sample, note), style in zip(lines, styles, strict=True):
            labels.append((1.0, sample.name, note, style))
            if not sample.units:
                continue
            shares = np.cumsum(sample.counts) / sample.units
            x, (y,) = step_vertices(
                np.clip(scale.place(sample.values), 0.0, None), shares[None, :],
                first=np.zeros(1), end=1.0,
            )  # fmt: skip
            axes.plot(
                x, y, color=style.ink, linestyle=style.dashes, linewidth=style.width, zorder=3
            )
        if mark is not None:
            _draw_mark(axes, float(scale.place([mark[0]])[0]), mark[1])
        label_lines(axes, labels, BODY)
    return chart


def _draw_mark(axes: Axes, place: float, text: str) -> None:
    axes.plot(
        [place, place], [0.0, 1.0], color=ink("muted"), linewidth=1.1, zorder=2, clip_on=False
    )
    side, shift = ("right", -0.008) if place > 0.5 else ("left", 0.008)
    axes.text(
        place + shift, 1.025, text, color=ink("muted"), fontsize=8.5, ha=side, va="bottom"
    )  # fmt: skip
