"""The forest plot: every effect with its interval, its margin, and its outcome in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from abtest.show import escape
from abtest.show.effect_words import Row
from abtest.show.forest_rows import (
    ForestRow,
    Panel,
    Scale,
    Stretch,
    alt_text,
    caption,
    forest_panels,
    ticks,
)
from abtest.show.fragment import Fragment, section
from abtest.show.palette import PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from abtest.show.drawing import Chart

WIDTH, LABELS, NUMBERS = 8.6, 2.75, 2.55
"""Inches: the whole, the column of labels, the column of numbers."""
ROW, HEAD, FOOT, LEGEND = 0.5, 0.3, 0.34, 0.28
LONGEST_LABEL, LONGEST_NUMBERS = 34, 36
MARKERS = {"good": "o", "bad": "s", "warn": "o", "info": "o", "neutral": "o"}


def forest(document: Row, notes: Iterable[object], scale: Scale = "relative") -> Chart:
    """Return a figure of all effects that are not segments.

    Parameters
    ----------
    document
        A verdict as in `verdict.json`.
    notes
        Names of metrics, as rows with ``metric`` and ``label``.
    scale
        ``relative``: one axis in per cent, with margins and the effect the experiment was
        sized for. ``absolute``: shares in percentage points, other metrics on axes of their own.
    """
    from abtest.show.drawing import Chart, house_style

    kept = list(notes)
    panels = forest_panels(document, kept, scale)
    heights = [HEAD + ROW * len(panel.rows) + FOOT for panel in panels]
    total = max(sum(heights) + LEGEND, 1.0)
    with house_style():
        chart = Chart(
            WIDTH, total, alt=alt_text(document, kept, scale), caption=caption(document, scale)
        )
        top = total
        for panel, height in zip(panels, heights, strict=True):
            _draw_panel(chart, panel, top, total)
            top -= height
        _draw_legend(chart, panels, total)
    return chart


def forest_fragment(document: Row, notes: Iterable[object], scale: Scale) -> Fragment:
    """Return the forest plot under its heading; empty when there is nothing to plot."""
    if all(effect["segment"] is not None for effect in document["effects"]):
        return Fragment("", "No effects to plot.", "No effects to plot.")
    heading = "Relative effects" if scale == "relative" else "Absolute effects"
    return section(heading, forest(document, notes, scale).fragment(), name="forest")


def _draw_panel(chart: Chart, panel: Panel, top: float, total: float) -> None:
    body = ROW * len(panel.rows)
    axes = chart.add_axes(
        (
            LABELS / WIDTH,
            (top - HEAD - body) / total,
            (WIDTH - LABELS - NUMBERS) / WIDTH,
            body / total,
        )
    )
    axes.set_xlim(panel.low, panel.high)
    axes.set_ylim(len(panel.rows), 0)
    _draw_frame(axes, panel)
    y_title = (top - HEAD * 0.55) / total
    chart.text(
        LABELS / WIDTH,
        y_title,
        _short(panel.title, 60),
        fontsize=8.5,
        color=_ink("muted"),
        va="center",
    )
    for index, row in enumerate(panel.rows):
        _draw_interval(axes, row, index + 0.5)
        _write_row(chart, row, (top - HEAD - ROW * (index + 0.5)) / total, total)


def _draw_frame(axes: Axes, panel: Panel) -> None:
    axes.patch.set_visible(False)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_ink("line"))
    axes.set_yticks([])
    marks = ticks(panel)
    axes.set_xticks([position for position, _ in marks], labels=[text for _, text in marks])
    axes.tick_params(axis="x", length=3, color=_ink("line"), labelsize=8, labelcolor=_ink("muted"))
    for position, _ in marks:
        axes.axvline(position, color=_ink("line"), linewidth=0.5, zorder=0)
    axes.axvline(0, color=_ink("muted"), linewidth=1.2, zorder=1)
    for index in range(1, len(panel.rows)):
        axes.axhline(index, color=_ink("line"), linewidth=0.4, zorder=0)


def _draw_interval(axes: Axes, row: ForestRow, y: float) -> None:
    tone = _ink(row.word.tone)
    for stretch in row.stretches:
        _draw_stretch(axes, stretch, y, tone, dashed=not row.is_shown_firm)
    if row.margin is not None:
        axes.plot([row.margin] * 2, [y - 0.34, y + 0.34], color=_ink("warn"), linewidth=2, zorder=2)
    if row.mde is not None:
        axes.plot([row.mde], [y - 0.26], marker="v", markersize=4.5, color=_ink("muted"), zorder=2)
    low, high = axes.get_xlim()
    if row.estimate is not None and low <= row.estimate <= high:
        axes.plot(
            [row.estimate],
            [y],
            marker=MARKERS[row.word.tone],
            markersize=7,
            color=tone,
            markerfacecolor=tone if row.is_shown_firm else _ink("paper"),
            markeredgecolor=tone,
            markeredgewidth=1.4,
            zorder=4,
        )


def _draw_stretch(axes: Axes, stretch: Stretch, y: float, tone: str, *, dashed: bool) -> None:
    """Draw one stretch; an end beyond the axis, or without limit, is an arrowhead."""
    low, high = axes.get_xlim()
    start = low if stretch[0] is None else max(stretch[0], low)
    end = high if stretch[1] is None else min(stretch[1], high)
    style = (0, (3, 1.6)) if dashed else "-"
    axes.plot([start, end], [y, y], color=tone, linewidth=2, linestyle=style, zorder=3)
    for given, edge, arrow in ((stretch[0], low, "<"), (stretch[1], high, ">")):
        if given is None or not low <= given <= high:
            axes.plot([edge], [y], marker=arrow, markersize=6, color=tone, clip_on=False, zorder=3)
        else:
            axes.plot([given] * 2, [y - 0.1, y + 0.1], color=tone, linewidth=1.4, zorder=3)


def _write_row(chart: Chart, row: ForestRow, y: float, total: float) -> None:
    lift = 0.09 / total
    right = (WIDTH - NUMBERS + 0.18) / WIDTH
    texts = (
        (0.12 / WIDTH, y + lift, fitted(row), 9.5, "ink"),
        (0.12 / WIDTH, y - lift, row.note, 8, "muted"),
        (right, y + lift, _short(row.numbers, LONGEST_NUMBERS), 8.5, "ink"),
        (right, y - lift, str(row.word), 8.5, row.word.tone),
    )
    for x, height, text, size, role in texts:
        chart.text(x, height, escape.line(text), fontsize=size, color=_ink(role), va="center")


def _draw_legend(chart: Chart, panels: list[Panel], total: float) -> None:
    rows = [row for panel in panels for row in panel.rows]
    said = []
    if any(row.margin is not None for row in rows):
        said.append(("|", "warn", "margin: the interval must stay on its good side"))
    if any(row.mde is not None for row in rows):
        said.append(("v", "muted", "effect it was sized for"))
    if any(not row.is_shown_firm for row in rows):
        said.append(("o", "neutral", "dashed: does not decide"))
    x = 0.2
    for marker, role, text in said:
        y = LEGEND * 0.55 / total
        chart.add_artist(_legend_mark(marker, role, x / WIDTH, y, chart))
        chart.text((x + 0.13) / WIDTH, y, text, fontsize=8, color=_ink("muted"), va="center")
        x += 0.5 + 0.073 * len(text)


def _legend_mark(marker: str, role: str, x: float, y: float, chart: Chart) -> Line2D:
    from matplotlib.lines import Line2D

    return Line2D(
        [x],
        [y],
        color=_ink(role),
        marker=marker,
        markersize=8 if marker == "|" else 5,
        markeredgewidth=2 if marker == "|" else 1.2,
        markerfacecolor=_ink("paper") if marker == "o" else _ink(role),
        markeredgecolor=_ink(role),
        transform=chart.transFigure,
        linestyle="none",
    )


def _ink(role: str) -> str:
    return PALETTE[role].light


def fitted(row: ForestRow) -> str:
    """Return the label of a row in the room it has; of two parts the metric's is cut first."""
    arm = f" · {_short(row.arm, LONGEST_LABEL // 2)}" if row.arm else ""
    return _short(row.name, LONGEST_LABEL - len(arm)) + arm


def _short(text: str, longest: int) -> str:
    one_line = escape.line(text)
    return one_line if len(one_line) <= longest else one_line[: longest - 1].rstrip() + "…"
