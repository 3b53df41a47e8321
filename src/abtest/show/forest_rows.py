"""What a forest plot shows, worked out before anything is drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from abtest.show import effect_words as say
from abtest.show import words
from abtest.show.effect_table import levels_sentence, outcome, whole_effects
from abtest.show.effect_words import Row
from abtest.show.numbers import number, round_step
from abtest.show.words import Word

Scale = Literal["absolute", "relative"]
Stretch = tuple[float | None, float | None]
"""A stretch of the axis; None runs to its end."""

WIDEST = 3.0
"""An interval may be this many times as wide as the median one before the axis cuts it off."""


@dataclass(frozen=True)
class ForestRow:
    """One interval: where it is drawn and what is written beside it.

    `arm` is "" where there is one treatment. `stretches` holds one stretch of the axis, two
    for a set of two rays and none where nothing is known. `margin` and `mde` are signed
    positions on the axis.
    """

    name: str
    arm: str
    note: str
    estimate: float | None
    stretches: tuple[Stretch, ...]
    margin: float | None
    mde: float | None
    numbers: str
    word: Word
    is_shown_firm: bool

    @property
    def label(self) -> str:
        """Name of the metric, and of the arm where there are several."""
        return f"{self.name} · {self.arm}" if self.arm else self.name


@dataclass(frozen=True)
class Panel:
    """Rows that share an axis, its name and its ends."""

    title: str
    rows: tuple[ForestRow, ...]
    low: float
    high: float
    suffix: str


def forest_panels(document: Row, notes: Iterable[object], scale: Scale) -> list[Panel]:
    """Return the panels of a forest plot.

    Relative effects share one axis in per cent. Absolute effects have units: shares of
    units share an axis in percentage points, any other metric has its own; every one of
    these axes is symmetric, so that zero stands in one line down the page. A metric whose
    relative effect says nothing is among the absolute ones only.
    """
    labels = say.labels_of(notes)
    effects = [
        effect
        for effect in whole_effects(document)
        if scale == "absolute" or say.has_relative(effect)
    ]
    rows = [(effect, _row(effect, labels, document, scale)) for effect in effects]
    if not rows:
        return []
    if scale == "relative":
        shown = [row for _, row in rows]
        return [Panel("Relative effect", tuple(shown), *_ends(shown, symmetric=False), "%")]
    keys = dict.fromkeys(_axis(effect) for effect in effects)
    return [_panel(key, [row for e, row in rows if _axis(e) == key], labels) for key in keys]


def alt_text(document: Row, notes: Iterable[object], scale: Scale) -> str:
    """Return what the plot shows, as sentences made from the same numbers."""
    rows = [row for panel in forest_panels(document, notes, scale) for row in panel.rows]
    said = "; ".join(f"{row.label}: {row.numbers}, {row.word.text.lower()}" for row in rows)
    return f"Forest plot of {scale} effects. {said}." if said else f"No {scale} effects to plot."


def caption(document: Row, scale: Scale) -> str:
    """Return the caption: what is plotted, with which confidence, and how far to trust it."""
    rows = whole_effects(document)
    said = {
        "relative": "Relative effect of treatment on control",
        "absolute": "Absolute effect, treatment minus control; each axis has its own unit",
    }[scale]
    limits = {"invalid": " Not trustworthy: a check of the experiment failed."}
    early = " Provisional: not judged before the experiment is complete."
    standing = limits.get(
        document["verdict"], early if document["verdict"] == "keep_running" else ""
    )
    return f"{said}, with {levels_sentence(rows)}.{standing}"


def ticks(panel: Panel) -> list[tuple[float, str]]:
    """Return about five positions of an axis at round numbers, with their labels."""
    step = round_step((panel.high - panel.low) / 5)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    first, last = math.ceil(panel.low / step), math.floor(panel.high / step)
    return [
        (index * step, number(index * step, decimals, sign=True) + panel.suffix)
        for index in range(first, last + 1)
    ]


def _row(effect: Row, labels: dict[str, str], document: Row, scale: Scale) -> ForestRow:
    bounds = effect[scale]
    factor = 100.0 if scale == "relative" or say.is_share(effect) else 1.0
    worse = -1.0 if effect["direction"] == "increase" else 1.0
    margin = effect["margin" if scale == "relative" else "margin_absolute"]
    mde = effect["mde"] if scale == "relative" else None
    several = len(document["variants"]) > 2
    computed = effect["status"] == "ok"
    return ForestRow(
        name=say.label_of(effect["metric"], labels),
        arm=effect["variant"] if several else "",
        note=f"{effect['role']}, {words.DIRECTIONS[effect['direction']]}",
        estimate=_scaled(bounds["estimate"], factor) if computed else None,
        stretches=_stretches(bounds, factor, scale) if computed else (),
        margin=None if margin is None else worse * margin * factor,
        mde=None if mde is None else -worse * mde * factor,
        numbers=_numbers(effect, scale),
        word=outcome(effect, document),
        is_shown_firm=document["verdict"] != "invalid" and effect["outcome"] is not None,
    )


def _numbers(effect: Row, scale: Scale) -> str:
    if effect["status"] != "ok":
        return say.not_computed_reason(effect.get("reason"), effect.get("reason_values"))
    if scale == "absolute":
        return f"{say.absolute(effect)} ({say.absolute_interval(effect)})"
    if effect["relative"]["status"] == "undefined":
        return "not defined: control is 0"
    if effect["relative"]["status"] == "unbounded":
        return f"{say.relative(effect)} (no limits)"
    interval = say.relative_interval(effect).partition(", ")[0]  # not at the comma of 2,989%
    return f"{say.relative(effect)} ({interval})"


def _stretches(bounds: Row, factor: float, scale: Scale) -> tuple[Stretch, ...]:
    low, high = _scaled(bounds["lower"], factor), _scaled(bounds["upper"], factor)
    status = bounds["status"] if scale == "relative" else "bounded"
    if status == "undefined" or (status == "bounded" and low is None and high is None):
        return ()
    if status == "unbounded":
        return ((None, None),)
    if status == "two_rays":
        return ((None, low), (high, None))
    return ((low, high),)


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _axis(effect: Row) -> str:
    return "" if say.is_share(effect) else effect["metric"]


def _panel(key: str, rows: Sequence[ForestRow], labels: dict[str, str]) -> Panel:
    title = "Percentage points" if not key else f"{say.label_of(key, labels)}, in its own unit"
    return Panel(title, tuple(rows), *_ends(rows, symmetric=True), "")


def _ends(rows: Sequence[ForestRow], *, symmetric: bool) -> tuple[float, float]:
    """Return the ends of an axis that shows zero, all margins and all ordinary intervals.

    Rows without limits do not stretch the axis, unless there are no others.
    """
    bounded = [row for row in rows if _is_bounded(row)] or list(rows)
    reach = sorted(
        abs(end - row.estimate)
        for row in bounded
        for stretch in row.stretches
        for end in stretch
        if end is not None and row.estimate is not None
    )
    most = WIDEST * reach[len(reach) // 2] if reach else math.inf
    must = [position for row in rows for position in (row.margin, row.mde) if position is not None]
    must += [row.estimate for row in bounded if row.estimate is not None]
    may = [
        max(row.estimate - most, min(row.estimate + most, end))
        for row in bounded
        for stretch in row.stretches
        for end in stretch
        if end is not None and row.estimate is not None
    ]
    low, high = min([0.0, *must, *may]), max([0.0, *must, *may])
    if low == high:
        return -1.0, 1.0
    if symmetric:
        high = max(-low, high)
        low = -high
    width = high - low
    low, high = min(low, -width / 8), max(high, width / 8)  # zero never stands at the edge
    pad = 0.06 * width
    return low - pad, high + pad


def _is_bounded(row: ForestRow) -> bool:
    return len(row.stretches) == 1 and None not in row.stretches[0]
