"""Pictures of RFM: units by recency and frequency, and differences of arms by cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from abtest.cohorts.chosen import chosen_arm
from abtest.cohorts.rfm_scores import NO_PURCHASE
from abtest.errors import UsageError
from abtest.show.heatmap import HeatRow, heatmap
from abtest.show.numbers import count, number, percent
from abtest.show.plot_frame import Words, in_sentence

if TYPE_CHECKING:
    from abtest.cohorts.rfm import Rfm
    from abtest.show.drawing import Chart

_LARGEST = 3
"""Segments that are named over the grid."""


def counts_grid(found: Rfm) -> Chart:
    """Return units by scores of recency, downwards, and frequency, across."""
    table = found.table
    total = int(table["units"].sum())
    bought = found.segments[found.segments["segment"] != NO_PURCHASE].head(_LARGEST)
    largest = ", ".join(
        f"{in_sentence(row['segment'])} {percent(row['units'] / total, 1)}"
        for row in bought.to_dict("records")
    )
    said = (
        f"{count(total)} unit{'' if total == 1 else 's'} with a purchase. Largest: {largest}."
        if total
        else "No unit has a purchase in the window."
    )
    scores = range(1, found.asked.scores + 1)
    by_cell = table.set_index(["recency_score", "frequency_score"])["units"]
    rows = []
    for recency in reversed(scores):
        own = [int(by_cell.loc[(recency, frequency)]) for frequency in scores]
        name = f"Recency {recency}"
        texts = tuple(count(units) for units in own)
        rows.append(HeatRow(name, (count(sum(own)),), tuple(float(x) for x in own), texts))
    return _grid(found, rows, said, "Units by score of frequency, the best on the right")


def differences_grid(found: Rfm, arm: str) -> Chart:
    """Return the differences of one treatment from control by cell, in percentage points."""
    if found.differences is None or found.asked.compare != "cell":
        raise UsageError(
            "There are no differences by cell to draw",
            given=f"arm={arm!r}",
            todo='ask rfm for an outcome, with compare="cell"',
            code="bad_choice",
        )
    treatment = chosen_arm(found.differences, arm)
    rows = found.differences[found.differences["arm"] == treatment]
    control = str(rows["control"].iloc[0])
    cells = rows[rows["recency_score"].notna()].set_index(["recency_score", "frequency_score"])
    scores = range(1, found.asked.scores + 1)
    drawn = []
    for recency in reversed(scores):
        own = [
            float(cells["difference"].get((recency, frequency), np.nan)) for frequency in scores
        ]  # fmt: skip
        n = [int(cells["n"].get((recency, frequency), 0)) for frequency in scores]
        texts = tuple(
            number(100.0 * x, 1, sign=True) if np.isfinite(x) else "" for x in own
        )  # fmt: skip
        values = tuple(x if np.isfinite(x) else None for x in own)
        drawn.append(HeatRow(f"Recency {recency}", (count(sum(n)),), values, texts))
    known = rows[rows["p_adjusted"].notna()]
    differ = int((known["p_adjusted"] < 0.05).sum())
    together = "none differs" if not differ else f"{differ} differ{'s' if differ == 1 else ''}"
    said = (
        f"Share with {' or '.join(found.asked.outcome)} within {found.asked.outcome_days:g} days, "
        f"{in_sentence(treatment)} minus {in_sentence(control)}. Of {len(known)} groups read "
        f"together, {together} at the level 0.05 (Holm). Hatched: not known."
    )
    axis = "Difference in percentage points by score of frequency, the best on the right"
    return _grid(found, drawn, said, axis, diverging=True)


def _grid(
    found: Rfm, rows: list[HeatRow], said: str, axis: str, *, diverging: bool = False
) -> Chart:
    cells = "; ".join(
        f"{row.name}: {', '.join(text or 'none' for text in row.texts)}" for row in rows
    )
    words = Words(
        heading=found.title,
        said=(said,),
        axis=axis,
        below="",
        caption=f"{found.title}. {said}",
        alt=f"{found.title}. {said} By frequency from 1 on: {cells}.",
    )
    columns = [str(score) for score in range(1, found.asked.scores + 1)]
    return heatmap(words, rows, columns, ("Units",), diverging=diverging)
