"""Matrices as cells of one colour: the stronger, the larger; what is not known is hatched."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from abtest.show.plot_frame import EDGE, WIDTH, Words, fitted, framed, ink, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from abtest.show.drawing import Chart

FAINTEST, STRONGEST = 0.04, 0.62
"""How strongly the smallest and largest cell are filled: text is legible on both."""
MOST_ROWS, MOST_COLUMNS = 40, 32
"""More are not drawn: the table has them."""
ROW = 0.235
"""Inches of a row."""


@dataclass(frozen=True)
class HeatRow:
    """A row of a matrix.

    Attributes
    ----------
    name
        Beside the row.
    facts
        Texts in the columns before the cells, such as the number of units.
    values
        One number per cell; None where nothing is known.
    texts
        What is written into the cells; where one has no room for its text, none is written.
    strong
        Whether it stands apart, as a total does.
    """

    name: str
    facts: tuple[str, ...]
    values: tuple[float | None, ...]
    texts: tuple[str, ...]
    strong: bool = False


def heatmap(
    words: Words,
    rows: Sequence[HeatRow],
    columns: Sequence[str],
    facts: Sequence[str] = (),
    *,
    diverging: bool = False,
    corner: str = "",
) -> Chart:
    """Return a matrix as a figure; `words.said` should name what the colour means.

    Parameters
    ----------
    words
        What is written; its axis stands over the columns.
    rows
        From top to bottom.
    columns
        Headings of the cells.
    facts
        Headings of the texts before the cells.
    diverging
        Whether values below and above 0 have colours of their own, as differences need.
    corner
        Heading of the rows' names.
    """
    from abtest.show.drawing import house_style

    shown = list(rows[:MOST_ROWS])
    width = min(len(columns), MOST_COLUMNS)
    with house_style():
        left = _widest([row.name for row in shown] + [corner], 2.3)
        middles = [
            _widest([row.facts[i] for row in shown] + [facts[i]], 1.3) for i in range(len(facts))
        ]
        body = ROW * (len(shown) + 1)
        chart, axes = framed(words, body, right=EDGE)
        height = chart.get_size_inches()[1]
        box = axes.get_position()
        across = WIDTH - 2 * EDGE
        axes.set_position((EDGE / WIDTH, box.y0, across / WIDTH, body / height))
        axes.set(xlim=(0.0, across), ylim=(0.0, body), yticks=[])
        axes.spines["bottom"].set_visible(False)
        begin = left + sum(middles)
        cell = min(0.75, (across - begin) / max(width, 1))
        place = _Places(left, tuple(middles), begin, cell, body)
        _headings(axes, place, corner, facts, columns[:width])
        written = all(text_width(text, 7.5) <= cell for row in shown for text in row.texts[:width])
        largest = max(
            (abs(v) for row in shown for v in row.values[:width] if v is not None), default=0.0
        )
        for index, row in enumerate(shown):
            _draw_row(axes, place, index, row, width, largest, diverging=diverging, written=written)
    return chart


@dataclass(frozen=True)
class _Places:
    """Inches: the column of names, those of facts, where cells begin, their width, the height."""

    left: float
    middles: tuple[float, ...]
    begin: float
    cell: float
    body: float


def _widest(texts: Sequence[str], most: float) -> float:
    return min(most, max((text_width(text, 8.5) for text in texts), default=0.0) + 0.16)


def _headings(
    axes: Axes, place: _Places, corner: str, facts: Sequence[str], columns: Sequence[str]
) -> None:
    y = place.body - ROW / 2
    keys: dict[str, Any] = {"va": "center", "fontsize": 8, "color": ink("muted")}
    axes.text(0.0, y, fitted(corner, place.left - 0.08, 8.0, weight="normal"), ha="left", **keys)
    right = place.left
    for width, text in zip(place.middles, facts, strict=True):
        right += width
        axes.text(right - 0.1, y, text, ha="right", **keys)
    widest = max((text_width(text, 8.0) for text in columns), default=0.1) + 0.08
    every = max(1, math.ceil(widest / place.cell)) if place.cell < 0.3 else 1
    for index, text in enumerate(columns):
        if index % every == 0:
            room = place.cell * every
            shown = fitted(text, room, 8.0, weight="normal")
            axes.text(place.begin + (index + 0.5) * place.cell, y, shown, ha="center", **keys)


def _draw_row(
    axes: Axes,
    place: _Places,
    index: int,
    row: HeatRow,
    width: int,
    largest: float,
    *,
    diverging: bool,
    written: bool,
) -> None:
    from matplotlib.patches import Rectangle

    top = place.body - ROW * (index + 1)
    y = top - ROW / 2
    weight = "bold" if row.strong else "normal"
    name = fitted(row.name, place.left - 0.1, 8.5, 40, weight=weight)
    axes.text(0.0, y, name, va="center", fontsize=8.5, color=ink("ink"), weight=weight)
    right = place.left
    for room, text in zip(place.middles, row.facts, strict=True):
        right += room
        axes.text(right - 0.1, y, text, va="center", ha="right", fontsize=8.5, color=ink("ink"))
    for column, (value, text) in enumerate(zip(row.values[:width], row.texts, strict=False)):
        x = place.begin + column * place.cell
        box = (x + 0.01, top - ROW + 0.012), place.cell - 0.02, ROW - 0.024
        if value is None:
            if text != " ":
                hatch = Rectangle(
                    *box, fill=False, hatch="/////", edgecolor=ink("line"), linewidth=0
                )
                axes.add_patch(hatch)
            continue
        role = "warn" if diverging and value < 0.0 else "info"
        strength = abs(value) / largest if largest else 0.0
        alpha = FAINTEST + (STRONGEST - FAINTEST) * strength
        if diverging and value == 0.0:
            alpha = 0.0
        axes.add_patch(Rectangle(*box, facecolor=ink(role), alpha=alpha, linewidth=0))
        if text and written:
            axes.text(
                x + place.cell / 2, y, text, va="center", ha="center", fontsize=7.5, weight=weight,
                color=ink("ink"),
            )  # fmt: skip
