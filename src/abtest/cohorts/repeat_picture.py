"""Pictures of purchases in order: the share that bought once more, and two arms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from abtest.cohorts.chosen import chosen_arm
from abtest.show.arm_curves import ArmLines, Line, arm_curves
from abtest.show.estimate_words import Estimate, level_text, share_interval
from abtest.show.numbers import number, percent
from abtest.show.panels import DotPanel, panels
from abtest.show.plot_frame import CONTROL, TREATMENT, ArmStyle, Words, in_sentence

if TYPE_CHECKING:
    import pandas as pd

    from abtest.cohorts.repeat_progression import RepeatProgression
    from abtest.show.drawing import Chart

_NOT_EFFECT = "Selection, not effect: units that bought more often are other units."


def steps(found: RepeatProgression) -> Chart:
    """Return the share that bought once more after each purchase."""
    table, within = found.table, found.asked.within
    level = level_text(found.confidence_level)
    lines = [_line(table, "share", "lower", "upper")]
    named: tuple[tuple[str, ArmStyle, Line], ...] = (("", TREATMENT, lines[0]),)
    if within is not None:
        timed = _line(table, "within", "within_lower", "within_upper")
        named = (("By the end", CONTROL, lines[0]), (f"In {within:g} days", TREATMENT, timed))
    told = []
    for row in table[table["reached"] > 0].head(3).to_dict("records"):
        share = share_interval(Estimate(row["share"], row["lower"], row["upper"]))
        told.append(f"after purchase {row['purchase']}: {share}")
    said = f"Bought again, {'; '.join(told)}. {level} intervals (Wilson)."
    if within is not None:
        known = table[table["within"].notna()]
        ends = ", ".join(percent(share, 1) for share in known["within"][:3])
        said += f" Within {within:g} days: {ends or 'not known'}."
    every = "; ".join(
        f"{row['purchase']}: {row['again']:,} of {row['reached']:,}, "
        f"{percent(row['share'], 1) if row['reached'] else 'not known'}"
        for row in table.to_dict("records")
    )
    ticks = tuple(f"{k} → {k + 1}" for k in table["purchase"])
    words = _words(
        found,
        (said, _NOT_EFFECT),
        "Share of units with a purchase that made the next",
        "From one purchase to the next",
        f"{said} {_NOT_EFFECT} By purchase: {every}.",
    )
    return panels(
        words, [DotPanel("", ticks, named, percent=True, connected=len(ticks), height=2.4)]
    )


def arms(found: RepeatProgression, arm: str | None) -> Chart:
    """Return the shares of exposed units that made each purchase, and their difference."""
    assert found.differences is not None
    exposed = found.differences[found.differences["kind"] == "exposed"]
    treatment = chosen_arm(exposed, arm)
    rows = exposed[exposed["arm"] == treatment]
    control = str(rows["control"].iloc[0])
    level = level_text(found.confidence_level)
    said = _said(rows, control, treatment, level)
    names = f"{in_sentence(control)} and {in_sentence(treatment)}"
    words = _words(
        found,
        (said, f"{level} intervals, each for its purchase alone."),
        f"Share of exposed units that bought so often in {found.asked.days:g} days",
        "Purchases since exposure",
        f"{names}. {said}",
    )
    parts = [
        _line(found.table[found.table["arm"] == name], "share", "lower", "upper")
        for name in (control, treatment)
    ]
    lines = ArmLines(
        ticks=tuple(f"{k} or more" for k in rows["purchase"]),
        names=(control, treatment),
        control=parts[0],
        treatment=parts[1],
        difference=_line(rows, "difference", "lower", "upper"),
        percent=True,
        below=f"Difference in percentage points, {in_sentence(treatment)} minus "
        f"{in_sentence(control)}",
    )
    return arm_curves(words, lines)


def _said(rows: pd.DataFrame, control: str, treatment: str, level: str) -> str:
    """Return the second purchase in words, the first that is a repeat."""
    known = rows[rows["status"] == "ok"]
    if known.empty:
        return "No unit's days have ended yet, or nobody bought."
    repeats = known[known["purchase"] == 2]
    row = (repeats if len(repeats) else known).iloc[0]
    ends = [number(100.0 * row[name], 1, sign=True) for name in ("difference", "lower", "upper")]
    differ = int((known["p_adjusted"] < 0.05).sum())
    together = "none differs" if not differ else f"{differ} differ{'s' if differ == 1 else ''}"
    return (
        f"{row['purchase']} purchases or more: {in_sentence(treatment)} {percent(row['value'], 1)} "
        f"of exposed units, {in_sentence(control)} {percent(row['control_value'], 1)}, difference "
        f"{ends[0]} percentage points ({level} interval {ends[1]} to {ends[2]}). Of {len(known)} "
        f"rows read together, {together} at the level 0.05 (Holm)."
    )


def _words(
    found: RepeatProgression, said: tuple[str, ...], axis: str, below: str, alt: str
) -> Words:
    return Words(
        heading=found.title,
        said=said,
        axis=axis,
        below=below,
        caption=f"{found.title}. {' '.join(said)}",
        alt=f"{found.title}. {alt}",
    )


def _line(part: pd.DataFrame, *columns: str) -> Line:
    return Line(*(part[name].to_numpy(dtype=np.float64) for name in columns))
