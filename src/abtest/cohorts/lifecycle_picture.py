"""The picture of lifecycle states: bars that stand for active units, and hang for dormant ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from abtest.cohorts.chosen import chosen_cohort
from abtest.cohorts.drawn_dates import drawn_dates
from abtest.show.bar_plot import Bars, stacked_bars
from abtest.show.numbers import count, percent
from abtest.show.plot_frame import Words, in_sentence

if TYPE_CHECKING:
    from abtest.cohorts.lifecycle import Lifecycle
    from abtest.show.drawing import Chart

LOOKS = (("Returning", "info", "", 0.75), ("Resurrected", "warn", "///", 0.3),
         ("New", "good", "", 0.5), ("Dormant", "neutral", "...", 0.2))  # fmt: skip


def stacked(found: Lifecycle, arm: str | None) -> Chart:
    """Return the states of one cohort by period."""
    name = chosen_cohort(found.table, arm)
    rows, cut = drawn_dates(found.table[found.table["cohort"] == name], "period", "active")
    last = rows.iloc[-1]
    active = int(last["active"])
    said = (
        f"{found.period.capitalize()} {last['period']}: {count(active)} "
        f"unit{'' if active == 1 else 's'} active, {count(last['new'])} new, "
        f"{count(last['returning'])} returning, {count(last['resurrected'])} resurrected"
    )
    if len(rows) > 1:
        before = int(rows["active"].iloc[-2])
        share = f" ({percent(last['dormant'] / before, 1)})" if before else ""
        said += (
            f"; of {count(before)} active one {found.period} before, {count(last['dormant'])}"
            f"{share} did not come"
        )
    heading = found.title if name == "all" else f"{found.title}, {in_sentence(name)}"
    words = Words(
        heading=heading,
        said=(f"{said}.", *([cut] if cut else [])),
        axis="Units: active above zero, dormant for the first period below",
        below=f"{found.period.capitalize()}",
        caption=f"{heading}: new, returning, resurrected and dormant units. {said}.",
        alt=f"{heading}, stacked bars over {len(rows)} {found.period}s. {said}.",
    )
    layers = [
        Bars(label, _heights(rows[label.lower()], label), role, hatch, fill)
        for label, role, hatch, fill in LOOKS
    ]
    return stacked_bars(words, tuple(rows["period"]), layers)


def _heights(values: object, label: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    import pandas as pd

    heights = np.asarray(pd.Series(values).astype("float64"), dtype=np.float64)
    return -heights if label == "Dormant" else heights
