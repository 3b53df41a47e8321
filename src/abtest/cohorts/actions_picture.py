"""The picture of actions: a bar per event, and the difference of two arms beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from abtest.cohorts.chosen import chosen_arm
from abtest.cohorts.rows import Row, records
from abtest.show.estimate_words import Estimate, signed
from abtest.show.funnel_bars import MOST_STEPS, FunnelBar, FunnelStep, funnel_bars
from abtest.show.numbers import count, number, percent
from abtest.show.plot_frame import Words, in_sentence

if TYPE_CHECKING:
    import pandas as pd

    from abtest.cohorts.actions import Actions
    from abtest.show.drawing import Chart

_WORDS = {
    "per_unit": "Events per unit",
    "per_session": "Events per session",
    "share": "Share of units",
}


def picture(found: Actions, arm: str | None, measure: str) -> Chart:
    """Return the bars of a measure."""
    arms = [str(name) for name in dict.fromkeys(found.table["arm"])]
    rows: pd.DataFrame | None = None
    if found.differences is not None and len(found.differences):
        arms = [arms[0], chosen_arm(found.differences, arm)]
        own = found.differences
        rows = own[(own["arm"] == arms[1]) & (own["measure"] == measure)]
    names = [str(name) for name in dict.fromkeys(found.table["event"])]
    by = {(row["arm"], row["event"]): row for row in records(found.table)}
    compared = {} if rows is None else {row["event"]: row for row in records(rows)}
    steps = [
        FunnelStep(
            name,
            tuple(_bar(by[arm, name], measure) for arm in arms),
            None if rows is None else _difference(compared[name], measure),
        )
        for name in names
    ]
    said = _said(found, names) if rows is None else _said_arms(found, rows, measure)
    listed = " ".join(
        f"{in_sentence(name)} {' and '.join(_bar(by[arm, name], measure).text for arm in arms)}."
        for name in names[:MOST_STEPS]
    )
    heading = f"{found.title}: {_WORDS[measure].lower()}"
    words = Words(
        heading=heading,
        said=(said,),
        axis="",
        below="",
        caption=f"{heading}. {said}",
        alt=f"{heading}, a bar for each event. {said} {listed}".strip(),
    )
    factor = ", points" if measure == "share" else ""
    strip = "" if rows is None else f"Difference{factor}"
    return funnel_bars(words, steps, arms if rows is not None else (), strip)


def _bar(row: Row, measure: str) -> FunnelBar:
    value = float(row[measure])
    if not np.isfinite(value):
        return FunnelBar(None, "no units")
    if measure == "share":
        return FunnelBar(value, f"{percent(value, 1)}, {count(row['units'])} units")
    return FunnelBar(value, f"{number(value, 2)}, {percent(row['share'], 1)} of units")


def _difference(row: Row, measure: str) -> tuple[float, float, float] | None:
    factor = 100.0 if measure == "share" else 1.0
    ends = tuple(factor * float(row[name]) for name in ("difference", "lower", "upper"))
    return (ends[0], ends[1], ends[2]) if all(np.isfinite(ends)) else None


def _said(found: Actions, names: list[str]) -> str:
    if found.table.empty:
        return "No unit did anything in the window, or none is over yet."
    row = records(found.table)[0]
    return (
        f"Most frequent: {in_sentence(names[0])}, by {percent(row['share'], 1)} of "
        f"{count(row['eligible'])} units, {number(row['per_unit'], 2)} times per unit and "
        f"{number(row['per_session'], 2)} times per session."
    )


def _said_arms(found: Actions, rows: pd.DataFrame, measure: str) -> str:
    assert found.differences is not None
    treatment = str(rows["arm"].iloc[0])
    own = found.differences[found.differences["arm"] == treatment]
    known = own[own["p_adjusted"].notna()]
    if known.empty:
        return f"{in_sentence(treatment)} cannot be compared yet: too few units."
    differ = int((known["p_adjusted"] < 0.05).sum())
    together = "none differs" if not differ else f"{differ} differ{'s' if differ == 1 else ''}"
    row = records(rows)[0]
    first = ""
    if row["status"] == "ok":
        factor, unit = (100.0, "percentage points") if measure == "share" else (1.0, "")
        ends = (factor * float(row[name]) for name in ("difference", "lower", "upper"))
        told = signed(Estimate(*ends), found.confidence_level, unit)
        control = in_sentence(row["control"])
        first = (
            f"{_WORDS[measure]} with {in_sentence(row['event'])}: "
            f"{in_sentence(treatment)} minus {control} {told}. "
        )
    return (
        f"{first}Of {len(known)} comparisons read together, {together} at a false discovery rate "
        "of 5%."
    )
