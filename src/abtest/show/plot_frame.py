"""What the figures of distributions share: heading, axes, direct labels, a table under the axis.

Everything is drawn on axes that run from 0 to 1: `AxisScale` says where numbers stand, so that
values of any size are drawn alike.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width

from abtest.show import escape
from abtest.show.palette import PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from abtest.show.drawing import Chart

WIDTH, LEFT, RIGHT = 8.6, 1.65, 1.75
"""Inches: the whole, the column of names, the column of direct labels."""
EDGE, HEAD, FOOT = 0.12, 0.47, 0.5
"""Inches: at the sides, between sentences and axes, under the axes."""
PIXELS = 1.06
"""Letters on whole pixels are so much wider."""
LINE = 0.19
"""Inches of one line of text."""
LONGEST_HEADING, LONGEST_IN_SENTENCE = 90, 40


@dataclass(frozen=True)
class ArmStyle:
    """How an arm is told apart: by its colour, and by the pattern and width of its line."""

    role: str
    dashes: Any
    width: float

    @property
    def ink(self) -> str:
        """Its colour."""
        return PALETTE[self.role].light


CONTROL = ArmStyle("neutral", (0, (4.5, 1.5)), 1.6)
TREATMENT = ArmStyle("info", "-", 1.9)


@dataclass(frozen=True)
class Table:
    """Numbers under the axis: a title, and one row of texts per arm, aligned with its ticks."""

    title: str
    places: tuple[float, ...]
    rows: tuple[tuple[str, ArmStyle, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Words:
    """What is written about a figure: above the axes, under it, and for those who cannot see it.

    `below` names the horizontal axis, `axis` the vertical one.
    """

    heading: str
    said: tuple[str, ...]
    axis: str
    below: str
    caption: str
    alt: str

    @property
    def lines(self) -> list[str]:
        """The sentences under the heading, broken into lines."""
        return [part for text in self.said for part in wrapped(text, WIDTH - 2 * EDGE, 9.0)]


def framed(
    words: Words, body: float, table: Table | None = None, *, right: float = RIGHT
) -> tuple[Chart, Axes]:
    """Return a figure with its texts, and empty axes of `body` inches in height.

    `right` inches are free beside the axes.
    """
    from abtest.show.drawing import Chart

    lines = words.lines
    head = 0.36 + LINE * len(lines) + HEAD
    foot = (FOOT if words.below else EDGE) + (LINE * (len(table.rows) + 1) + 0.1 if table else 0.0)
    total = head + body + foot
    chart = Chart(WIDTH, total, alt=words.alt, caption=words.caption)
    across = WIDTH - LEFT - right
    axes = chart.add_axes((LEFT / WIDTH, foot / total, across / WIDTH, body / total))
    axes.set(xlim=(0.0, 1.0), ylim=(0.0, 1.0), xticks=[], yticks=[])
    axes.patch.set_visible(False)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(ink("muted"))
    axes.spines["bottom"].set_linewidth(0.8)
    heading = fitted(words.heading, WIDTH - 2 * EDGE, 11.0, LONGEST_HEADING)
    _write(chart, EDGE, total - 0.24, heading, size=11, weight="bold")
    for index, line in enumerate(lines):
        _write(chart, EDGE, total - 0.48 - LINE * index, line, size=9)
    axis = fitted(words.axis, WIDTH - LEFT - EDGE, 8.5, 120, weight="normal")
    _write(chart, LEFT, total - head + HEAD - 0.15, axis, size=8.5, role="muted")
    _write(
        chart,
        LEFT + across / 2,
        foot - 0.37,
        words.below,
        size=8.5,
        role="muted",
        ha="center",
    )
    if table:
        _write_table(chart, table, foot - FOOT, across)
    return chart, axes


def draw_ticks(
    axes: Axes,
    across: Sequence[tuple[float, str]],
    up: Sequence[tuple[float, str]],
    *,
    upright: bool = False,
) -> None:
    """Draw both axes' ticks, with lines across the axes at the vertical one's."""
    axes.set_xticks([place for place, _ in across], labels=[text for _, text in across])
    axes.set_yticks([place for place, _ in up], labels=[text for _, text in up])
    style: dict[str, Any] = {"color": ink("muted"), "labelsize": 8.5, "labelcolor": ink("muted")}
    axes.tick_params(axis="x", length=3.5, **style)
    axes.tick_params(axis="y", length=0, **style)
    for place, _ in up:
        axes.axhline(place, color=ink("line"), linewidth=0.7, zorder=0)
    if upright:
        for place, _ in across:
            axes.axvline(place, color=ink("line"), linewidth=0.7, zorder=0)


def label_lines(
    axes: Axes,
    labels: Sequence[tuple[float, str, str, ArmStyle]],
    body: float,
) -> None:
    """Write names beside the right ends of lines, moved apart where they would overlap.

    Parameters
    ----------
    axes
        Of `body` inches in height.
    labels
        Height of the line's end, name, a short text under it ("" for none), style.
    body
        Inches.
    """
    rows = 2 if any(note for _, _, note, _ in labels) else 1
    places = spread([height for height, _, _, _ in labels], (0.17 * rows + 0.05) / body)
    inch = 1.0 / (WIDTH - LEFT - RIGHT)
    right = 1.0 + 0.5 * inch
    lift = 0.08 / body if rows == 2 else 0.0
    for place, (_, name, note, style) in zip(places, labels, strict=True):
        keys: dict[str, Any] = {"va": "center", "clip_on": False}
        text = fitted(name, RIGHT - 0.62, 9.0)
        axes.plot(
            [1.0 + 0.12 * inch, 1.0 + 0.43 * inch],
            [place + lift] * 2,
            color=style.ink,
            linestyle=style.dashes,
            linewidth=style.width,
            clip_on=False,
        )
        axes.text(right, place + lift, text, color=style.ink, fontsize=9, weight="bold", **keys)
        axes.text(right, place - lift, note, color=ink("muted"), fontsize=8, **keys)


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Return places between 0 and 1 at least `gap` apart, each moved little.

    Their order stays; of equal ones the first is the highest.

    Examples
    --------
    >>> [round(place, 3) for place in spread([0.5, 0.52, 0.9], 0.1)]
    [0.46, 0.56, 0.9]
    """
    order = sorted(range(len(places)), key=lambda index: (places[index], -index))
    found = [min(max(places[index], 0.0), 1.0) for index in order]
    for _ in range(60):
        for i in range(len(found) - 1):
            missing = gap - (found[i + 1] - found[i])
            if missing > 0.0:
                found[i] -= missing / 2
                found[i + 1] += missing / 2
        if found and found[0] < 0.0:
            found[0] = 0.0
        if found and found[-1] > 1.0:
            found[-1] = 1.0
    result = [0.0] * len(places)
    for place, index in zip(found, order, strict=True):
        result[index] = place
    return result


def ink(role: str) -> str:
    """Return the colour of a role, as figures are drawn: by its light form."""
    return PALETTE[role].light


def shortened(text: object, longest: int) -> str:
    """Return a text on one line and at most so long, cut in its middle: ends tell names apart.

    Examples
    --------
    >>> shortened("checkout_new_button_blue", 15)
    'checkout…n_blue'
    """
    one_line = escape.line(text)
    if len(one_line) <= longest:
        return one_line
    tail = longest // 2 - 1
    return f"{one_line[: longest - tail - 1].rstrip()}…{one_line[-tail:].lstrip()}"


def in_sentence(name: object) -> str:
    r"""Return a name as sentences about a figure use it.

    One that is written from right to left ends with a mark, or it would draw the number that
    follows to its other side.

    Examples
    --------
    >>> ascii(in_sentence("خرید")), in_sentence("buy")
    ("'\\u062e\\u0631\\u06cc\\u062f\\u200e'", 'buy')
    """
    found = shortened(name, LONGEST_IN_SENTENCE)
    leftward = any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in found)
    return f"{found}\N{LEFT-TO-RIGHT MARK}" if leftward else found


def fitted(
    text: object, inches: float, size: float, longest: int = 24, *, weight: str = "bold"
) -> str:
    """Return a text, shortened to the room it has."""
    for length in range(longest, 3, -1):
        found = shortened(text, length)
        if text_width(found, size, weight) <= inches:
            break
    return found


def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Return the width of a text in inches; letters that our font lacks are as wide as high."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family="DejaVu Sans", weight=weight, size=size)
    points = text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]
    points += 0.4 * size * sum(east_asian_width(letter) in "WF" for letter in text)
    return float(points) * PIXELS / 72.0


def wrapped(text: object, inches: float, size: float) -> list[str]:
    """Return a text as lines that have room."""
    lines: list[str] = []
    for word in escape.line(text).split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= inches:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _write_table(chart: Chart, table: Table, top: float, across: float) -> None:
    _write(chart, EDGE, top - LINE / 2, table.title, size=8.5, role="muted")
    for index, (name, style, texts) in enumerate(table.rows):
        height = top - LINE * (index + 1.5)
        _write(
            chart,
            EDGE,
            height,
            fitted(name, LEFT - EDGE - 0.4, 8.5),
            size=8.5,
            role=style.role,
            weight="bold",
        )
        for place, text in zip(table.places, texts, strict=True):
            x = LEFT + place * across
            _write(chart, x, height, text, size=8.5, ha="center")


def _write(
    chart: Chart,
    x: float,
    y: float,
    text: str,
    *,
    size: float,
    role: str = "ink",
    weight: str = "normal",
    ha: str = "left",
) -> None:
    width, height = chart.get_size_inches()
    chart.text(
        x / width,
        y / height,
        escape.line(text),
        fontsize=size,
        color=ink(role),
        weight=weight,
        ha=ha,
        va="center",
    )
