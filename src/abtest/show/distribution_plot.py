"""How values are spread in two arms: shares of few distinct values, or distribution functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from abtest.show.axis_scale import AxisScale, power_below, tick_text
from abtest.show.numbers import count, percent
from abtest.show.plot_frame import (
    CONTROL,
    LEFT,
    RIGHT,
    TREATMENT,
    WIDTH,
    ArmStyle,
    Table,
    Words,
    draw_ticks,
    fitted,
    framed,
    in_sentence,
    ink,
    label_lines,
)
from abtest.show.step_line import Floats, step_vertices

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from abtest.show.drawing import Chart

FEW_VALUES = 12
"""So many distinct values are drawn as bars."""
BODY = 2.7
KEPT = 0.995
"""A long tail is cut off at this quantile."""
TAIL = 0.3
"""Share of the axis that a tail has to take before it is cut off."""
WIDE = 10.0
"""So many times the median, the 99% quantile asks for a logarithmic axis."""


@dataclass(frozen=True, eq=False)
class ValueShares:
    """One arm's distinct values, rising, with the units that have each.

    `nulls` are units without a value; `lower` and `upper` limits of each value's share, where
    they are wanted.
    """

    name: str
    values: Floats
    counts: NDArray[np.int64]
    nulls: int = 0
    lower: Floats | None = None
    upper: Floats | None = None

    @property
    def units(self) -> int:
        """Units with a value."""
        return int(self.counts.sum())

    def quantile(self, share: float) -> float:
        """Return the smallest value that at least this share of units does not exceed."""
        reached = np.cumsum(self.counts) >= share * self.units
        return float(self.values[int(np.argmax(reached))])


@dataclass(frozen=True, eq=False)
class ValuePair:
    """Control and one treatment.

    Figures of several treatments share `all_values`, those of all arms, rising, and `highest`, the
    end of the axis of bars as a share. `result` are sentences about what is compared.
    """

    label: str
    control: ValueShares
    treatment: ValueShares
    all_values: Floats
    highest: float
    confidence_level: float
    result: tuple[str, ...] = ()


def value_scale(arms: Sequence[ValueShares]) -> AxisScale:
    """Return the axis on which the values of some arms can be seen.

    It is logarithmic where the 99% quantile is more than ten times the median: from zero on it is
    nearly linear up to the smallest values. A tail that takes more than three tenths of the axis
    is cut at the 99.5% quantile of the arm where that is largest; below zero likewise.
    """
    low = min(float(arm.values[0]) for arm in arms)
    high = max(float(arm.values[-1]) for arm in arms)
    if low >= 0.0:
        positive = [_positive(arm) for arm in arms if arm.values[-1] > 0.0]
        typical = min((arm.quantile(0.5) for arm in positive), default=0.0)
        if typical and max(arm.quantile(0.99) for arm in positive) / typical > WIDE:
            smallest = min(arm.quantile(0.1) for arm in positive)
            bend = power_below(smallest)
            kind = AxisScale(low, high, "log") if low > 0.0 else AxisScale(low, high, "bent", bend)
            return _without_tails(kind, arms)
    pad = 0.02 * (high - low)
    return _without_tails(AxisScale(low - pad if low else low, high + pad), arms)


def distribution_plot(pair: ValuePair, scale: AxisScale | None) -> Chart:
    """Return both distribution functions, or the shares of values as bars where these are few.

    Parameters
    ----------
    pair
        What is drawn.
    scale
        The axis of values, as of `value_scale`. None: bars, for at most `FEW_VALUES` values.
    """
    from abtest.show.drawing import house_style

    with house_style():
        return _bars(pair) if scale is None else _functions(pair, scale)


def _functions(pair: ValuePair, scale: AxisScale) -> Chart:
    chart, axes = framed(_function_words(pair, scale), BODY)
    shares = AxisScale(0.0, 1.0)
    draw_ticks(axes, scale.ticks(8), [(x, f"{100 * x:.0f}%") for x in (0.0, 0.25, 0.5, 0.75, 1.0)])
    labels = []
    for arm, style in ((pair.control, CONTROL), (pair.treatment, TREATMENT)):
        cumulated = np.cumsum(arm.counts) / arm.units
        places = scale.place(arm.values)
        below = places < 0.0
        first = float(cumulated[below][-1]) if below.any() else 0.0
        x, (y,) = step_vertices(
            places[~below], cumulated[None, ~below], first=np.array([first]), end=1.0
        )
        axes.plot(
            x, shares.place(y), color=style.ink, linestyle=style.dashes, linewidth=style.width,
            zorder=4 if style is CONTROL else 3,
        )  # fmt: skip
        labels.append((1.0, arm.name, f"median {tick_text(arm.quantile(0.5))}", style))
    label_lines(axes, labels, BODY)
    return chart


def _bars(pair: ValuePair) -> Chart:
    arms = ((pair.control, CONTROL), (pair.treatment, TREATMENT))
    shares = [_shares(arm, pair.all_values) for arm, _ in arms]
    count_of = pair.all_values.size
    places = [(index + 0.5) / count_of for index in range(count_of)]
    up = AxisScale(0.0, pair.highest)
    rows = tuple(
        (arm.name, style, tuple(_short_share(x) for x in table[0]))
        for (arm, style), table in zip(arms, shares, strict=True)
    )
    chart, axes = framed(
        _bar_words(pair, shares), BODY, Table("Share of units", tuple(places), rows)
    )
    texts = [tick_text(float(value)) for value in pair.all_values]
    percents = AxisScale(0.0, 100.0 * pair.highest).ticks(5)
    draw_ticks(axes, list(zip(places, texts, strict=True)), [(y, f"{t}%") for y, t in percents])
    wide = min(0.36 / count_of, 0.3 / (WIDTH - LEFT - RIGHT))
    for (_, style), table, shift in zip(arms, shares, (-0.5, 0.5), strict=True):
        x = np.array(places) + shift * wide * 1.08
        _draw_bars(axes, x, up.place(table[0]), wide, style)
        if table.shape[0] == 3:
            axes.vlines(
                x, up.place(table[1]), up.place(table[2]), color=ink("ink"), linewidth=1.2, zorder=4
            )
    _draw_key(axes, arms)
    return chart


def _draw_bars(axes: Axes, x: Floats, heights: Floats, wide: float, style: ArmStyle) -> None:
    filled = style is TREATMENT
    axes.bar(
        x,
        heights,
        width=wide,
        facecolor=style.ink if filled else ink("neutral-soft"),
        edgecolor=style.ink,
        linewidth=1.0,
        alpha=0.8 if filled else 1.0,
        zorder=3,
    )


def _draw_key(axes: Axes, arms: Sequence[tuple[ValueShares, ArmStyle]]) -> None:
    """Write the arms beside the bars, each with a sample of its bar."""
    inch = 1.0 / (WIDTH - LEFT - RIGHT)
    for (arm, style), y in zip(arms, (0.95, 0.95 - 0.5 / BODY), strict=True):
        axes.bar(
            [1.0 + 0.27 * inch],
            [0.15 / BODY],
            bottom=y - 0.075 / BODY,
            width=0.2 * inch,
            facecolor=style.ink if style is TREATMENT else ink("neutral-soft"),
            edgecolor=style.ink,
            linewidth=1.0,
            alpha=0.8 if style is TREATMENT else 1.0,
            clip_on=False,
        )
        name, units = fitted(arm.name, RIGHT - 0.55, 9.0), f"{count(arm.units)} units"
        for text, lift, role, size, weight in (
            (name, 0.0, style.role, 9.0, "bold"),
            (units, -0.17 / BODY, "muted", 8.0, "normal"),
        ):
            axes.text(
                1.0 + 0.5 * inch, y + lift, text, color=ink(role), fontsize=size, weight=weight,
                va="center", clip_on=False,
            )  # fmt: skip


def _shares(arm: ValueShares, all_values: Floats) -> Floats:
    """Return the share of each value, and its limits where there are some, shape (1 or 3, k)."""
    rows = np.searchsorted(all_values, arm.values)
    columns = [arm.counts / arm.units]
    if arm.lower is not None and arm.upper is not None:
        columns += [arm.lower, arm.upper]
    table = np.zeros((len(columns), all_values.size))
    for index, column in enumerate(columns):
        table[index, rows] = column
    return table


def _positive(arm: ValueShares) -> ValueShares:
    kept = arm.values > 0.0
    return ValueShares(arm.name, arm.values[kept], arm.counts[kept])


def _without_tails(scale: AxisScale, arms: Sequence[ValueShares]) -> AxisScale:
    """Return the axis without tails that would take much of it."""
    high = max(arm.quantile(KEPT) for arm in arms)
    low = min(arm.quantile(1.0 - KEPT) for arm in arms)
    if not low < high:
        low, high = scale.low, scale.high
    left, right = scale.place([low, high])
    core = right - left
    ends = (
        low if left > TAIL * (core + left) and scale.low < 0.0 else scale.low,
        high if 1.0 - right > TAIL * (core + 1.0 - right) else scale.high,
    )
    return AxisScale(ends[0], ends[1], scale.kind, scale.bend)


def _function_words(pair: ValuePair, scale: AxisScale) -> Words:
    arms = (pair.control, pair.treatment)
    largest = max(float(arm.values[-1]) for arm in arms)
    smallest = min(float(arm.values[0]) for arm in arms)
    cuts = []
    if scale.low > smallest:
        below = max(float(a.counts[a.values < scale.low].sum()) / a.units for a in arms)
        cuts.append(_cut(scale.low, below, smallest))
    if scale.high < largest:
        beyond = max(float(a.counts[a.values > scale.high].sum()) / a.units for a in arms)
        cuts.append(_cut(scale.high, beyond, largest))
    kinds = {
        "linear": "",
        "log": "logarithmic",
        "bent": f"logarithmic above {tick_text(scale.bend, scale.bend)}",
    }
    how = ", ".join(part for part in (kinds[scale.kind], *cuts) if part)
    axis = f"The axis of values is {how}." if how else ""
    said = "; ".join(_spread(arm) for arm in arms)
    return Words(
        heading=pair.label,
        said=tuple(text for text in (*pair.result, axis, _all_missing(pair)) if text),
        axis="Share of units at or below the value",
        below="Value",
        caption=" ".join(
            text
            for text in (
                f"{pair.label}: share of units at or below each value.",
                *pair.result,
                axis,
            )
            if text
        ),
        alt=" ".join((f"Distribution of {pair.label}.", *pair.result, f"{said}.")),
    )


def _bar_words(pair: ValuePair, shares: Sequence[Floats]) -> Words:
    arms = (pair.control, pair.treatment)
    said = "; ".join(
        f"{in_sentence(arm.name)}, {count(arm.units)} units{_missing(arm)}: "
        + ", ".join(
            f"{tick_text(float(value))} {_short_share(share)}"
            for value, share in zip(pair.all_values, table[0], strict=True)
        )
        for arm, table in zip(arms, shares, strict=True)
    )
    level = f"{100.0 * pair.confidence_level:.6g}%"
    lines = f", with {level} intervals" if arms[0].lower is not None else ""
    return Words(
        heading=pair.label,
        said=tuple(text for text in (*pair.result, _all_missing(pair)) if text),
        axis="Share of units with a value" if _all_missing(pair) else "Share of units",
        below="Value",
        caption=" ".join((f"{pair.label}: share of units with each value{lines}.", *pair.result)),
        alt=" ".join((f"Shares of each value of {pair.label}.", *pair.result, f"{said}.")),
    )


def _spread(arm: ValueShares) -> str:
    quantiles = ", ".join(
        f"{100.0 * share:g}% of units at or below {tick_text(arm.quantile(share))}"
        for share in (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
    )
    return f"{in_sentence(arm.name)}, {count(arm.units)} units{_missing(arm)}: {quantiles}"


def _cut(end: float, share: float, last: float) -> str:
    beyond = f"at most {percent(share, 1)} of an arm lie beyond, as far as {tick_text(last)}"
    return f"cut at {tick_text(end)} ({beyond})"


def _all_missing(pair: ValuePair) -> str:
    """Say how many units have no value."""
    arms = (pair.control, pair.treatment)
    if not any(arm.nulls for arm in arms):
        return ""
    said = ", ".join(
        f"{in_sentence(arm.name)} {count(arm.nulls)} of {count(arm.units + arm.nulls)} units"
        for arm in arms
    )
    return f"Without a value: {said}."


def _missing(arm: ValueShares) -> str:
    return f" ({count(arm.nulls)} without a value)" if arm.nulls else ""


def _short_share(share: float) -> str:
    places = 1 if share < 0.995 and share > 0.0 else 0
    return "< 0.1%" if 0.0 < share < 0.0005 else percent(share, places)
