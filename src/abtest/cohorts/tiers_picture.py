"""Pictures of tiers: units by tier and period, and who moved from where to where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from abtest.cohorts.drawn_dates import drawn_dates
from abtest.errors import UsageError
from abtest.show.bar_plot import Bars, stacked_bars
from abtest.show.estimate_words import level_text
from abtest.show.heatmap import HeatRow, heatmap
from abtest.show.numbers import count, percent
from abtest.show.plot_frame import Words, in_sentence, shortened

if TYPE_CHECKING:
    import pandas as pd

    from abtest.cohorts.tiers import Tiers
    from abtest.show.drawing import Chart

LOOKS = (("info", "", 0.8), ("good", "///", 0.4), ("warn", "...", 0.35), ("info", "xx", 0.25),
         ("good", "", 0.2), ("warn", "\\\\\\", 0.15))  # fmt: skip
"""Colour, pattern and strength of the tiers, the highest first."""
_BASE = ("neutral", "", 0.15)


def stacked(found: Tiers) -> Chart:
    """Return bars of units by tier, the highest tier at the axis; with arms in per cent."""
    of_arms = "arm" in found.table
    key = "arm" if of_arms else "period"
    table, cut = (found.table, "") if of_arms else drawn_dates(found.table, key, "units")
    places = tuple(str(name) for name in dict.fromkeys(table[key]))
    said = [_said(found, key, name) for name in (places if of_arms else places[-1:])]
    if not of_arms:
        said.append(_moves_said(found))
    if cut:
        said.append(cut)
    column = "share" if of_arms else "units"
    layers = []
    names = list(reversed(found.asked.names))
    for name, (role, hatch, fill) in zip(names, (*LOOKS[: len(names) - 1], _BASE), strict=True):
        values = table[table["tier"] == name][column].to_numpy(dtype=np.float64)
        layers.append(Bars(name, 100.0 * values if of_arms else values, role, hatch, fill))
    words = Words(
        heading=found.title,
        said=tuple(said),
        axis="Share of units, %" if of_arms else "Units",
        below="Arm" if of_arms else found.asked.period.capitalize(),
        caption=f"{found.title}. {' '.join(said)}",
        alt=f"{found.title}, stacked bars over {len(places)} {key}s. {' '.join(said)}",
    )
    room = max(4, 60 // max(len(places), 1))
    ticks = tuple(shortened(name, room) for name in places) if of_arms else places
    return stacked_bars(words, ticks, layers)


def _said(found: Tiers, key: str, place: str) -> str:
    rows = found.table[found.table[key] == place]
    total = int(rows["units"].sum())
    if not total:
        return f"No unit of {in_sentence(place)}."
    level = level_text(found.confidence_level)
    parts: list[str] = []
    for row in reversed(rows.to_dict("records")):
        limits = f"{percent(row['lower'], 1)} to {percent(row['upper'], 1)}"
        interval = f" ({level} interval {limits})" if not parts else ""
        parts.append(f"{in_sentence(row['tier'])} {percent(row['share'], 1)}{interval}")
    many = f"{count(total)} unit{'' if total == 1 else 's'}"
    return f"Of {many} {'of' if key == 'arm' else 'in'} {in_sentence(place)}: {', '.join(parts)}."


def _moves_said(found: Tiers) -> str:
    """Return how many rose and fell in the last period."""
    assert found.movements is not None
    last = found.movements[found.movements["period"] == found.movements["period"].iloc[-1]]
    order = {name: place for place, name in enumerate(found.asked.names)}
    old = last[last["from_tier"].isin(order)]
    step = old["to_tier"].map(order) - old["from_tier"].map(order)
    rose, fell = (int(old.loc[rows, "units"].sum()) for rows in (step > 0, step < 0))
    new = int(last["units"].sum() - old["units"].sum())
    since = f"Since the {found.asked.period} before"
    return f"{since}, {count(rose)} rose, {count(fell)} fell, {count(new)} are new."


def moved(found: Tiers) -> Chart:
    """Return from which tier to which units moved, over all periods together."""
    if found.movements is None:
        raise UsageError(
            "There are no movements to draw",
            given="tiers at exposure",
            todo="ask for tiers without exposures",
            code="bad_choice",
        )
    pooled = found.movements.groupby(["from_tier", "to_tier"])["units"].sum()
    names = list(reversed(found.asked.names))
    rows = [_row(pooled, name, names) for name in (*names, "new")]
    stayed = sum(int(pooled.loc[(name, name)]) for name in names)
    steps = int(found.movements.loc[found.movements["from_tier"] != "new", "units"].sum())
    kept = f", {percent(stayed / steps, 1)} of these stayed in their tier" if steps else ""
    said = f"{count(steps)} steps from one {found.asked.period} to the next{kept}."
    cells = "; ".join(f"from {row.name}: {', '.join(row.texts)}" for row in rows)
    words = Words(
        heading=f"{found.title}: movements",
        said=(said,),
        axis=f"Share of the tier before that is in this tier a {found.asked.period} later",
        below="",
        caption=f"{found.title}: from which tier to which units moved. {said}",
        alt=f"{found.title}: movements to {', '.join(names)}. {said} {cells}.",
    )
    return heatmap(words, rows, names, ("Units",), corner="From")


def _row(pooled: pd.Series, name: str, names: list[str]) -> HeatRow:
    units = [int(pooled.loc[(name, to)]) for to in names]
    total = sum(units)
    shares = tuple(n / total if total else None for n in units)
    texts = tuple("" if share is None else percent(share, 1) for share in shares)
    return HeatRow(name, (count(total),), shares, texts)
