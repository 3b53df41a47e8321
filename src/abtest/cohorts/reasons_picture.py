"""The picture of reasons: a bar for each, as long as its share of all who left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from abtest.cohorts.chosen import chosen_arm
from abtest.cohorts.rows import Row, records
from abtest.show.estimate_words import Estimate, level_text, share_interval
from abtest.show.funnel_bars import MOST_STEPS, FunnelBar, FunnelStep, funnel_bars
from abtest.show.numbers import count, number, percent
from abtest.show.plot_frame import Words, in_sentence

if TYPE_CHECKING:
    import pandas as pd

    from abtest.cohorts.reasons import Reasons
    from abtest.show.drawing import Chart


def picture(found: Reasons, arm: str | None) -> Chart:
    """Return the bars."""
    arms = [str(name) for name in dict.fromkeys(found.table["arm"])]
    rows: pd.DataFrame | None = None
    if found.differences is not None and len(found.differences):
        arms = [arms[0], chosen_arm(found.differences, arm)]
        rows = found.differences[found.differences["arm"] == arms[1]]
    names = [str(name) for name in dict.fromkeys(found.table["reason"])]
    by = {(row["arm"], row["reason"]): row for row in records(found.table)}
    compared = {} if rows is None else {row["reason"]: row for row in records(rows)}
    steps = [
        FunnelStep(
            name,
            tuple(_bar(by[one, name]) for one in arms),
            None if rows is None else _difference(compared[name]),
        )
        for name in names
    ]
    said = _said(found, names, arms)
    listed = " ".join(
        f"{in_sentence(name)} {' and '.join(_bar(by[one, name]).text for one in arms)}."
        for name in names[:MOST_STEPS]
    )
    words = Words(
        heading=found.title,
        said=said,
        axis="",
        below="",
        caption=f"{found.title}: share of each reason among all who left. {said[0]}",
        alt=f"{found.title}, a bar for each reason. {' '.join(said)} {listed}".strip(),
    )
    strip = "" if rows is None else "Of all exposed, points"
    return funnel_bars(words, steps, arms if rows is not None else (), strip)


def _bar(row: Row) -> FunnelBar:
    share = float(row["share"])
    if not np.isfinite(share):
        return FunnelBar(None, "nobody left")
    return FunnelBar(share, f"{percent(share, 1)}, {count(row['units'])} units")


def _difference(row: Row) -> tuple[float, float, float] | None:
    ends = tuple(100.0 * float(row[name]) for name in ("difference", "lower", "upper"))
    return (ends[0], ends[1], ends[2]) if all(np.isfinite(ends)) else None


def _said(found: Reasons, names: list[str], arms: list[str]) -> tuple[str, ...]:
    if not names:
        return ("No unit left in the window.",)
    own = found.table[found.table["arm"].isin(arms)]
    first = own[own["reason"] == names[0]]
    told = []
    for row in records(first):
        of = f"{in_sentence(row['arm'])}: " if len(arms) > 1 else ""
        if not row["left"]:
            told.append(f"{of}nobody left")
            continue
        share = share_interval(Estimate(row["share"], row["lower"], row["upper"]))
        told.append(f"{of}{share} of {count(row['left'])} who left")
    level = level_text(found.confidence_level)
    lines = [f"Most frequent: {in_sentence(names[0])}. {'; '.join(told)} ({level} limits)."]
    if found.composition is not None:
        p = found.composition.p_value
        lines.append(
            "Among those who left, reasons of all arms compared: p = "
            f"{number(p, 3) if p >= 0.001 else 'below 0.001'} (chi-square)."
        )
    return tuple(lines)
