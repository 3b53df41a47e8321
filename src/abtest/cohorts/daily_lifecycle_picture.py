"""Pictures of the daily lifecycle: units by state, or the rates of two arms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from abtest.cohorts.chosen import chosen_arm
from abtest.cohorts.drawn_dates import drawn_dates
from abtest.show.arm_curves import Line
from abtest.show.bar_plot import Bars, arm_bars, stacked_bars
from abtest.show.estimate_words import level_text
from abtest.show.numbers import count, number, percent
from abtest.show.plot_frame import Words, in_sentence

if TYPE_CHECKING:
    from abtest.cohorts.daily_lifecycle import DailyLifecycle
    from abtest.show.drawing import Chart

LOOKS = (
    ("current", "Current", "info", "", 0.75),
    ("reactivated", "Reactivated", "warn", "///", 0.3),
    ("resurrected", "Resurrected", "bad", "xxx", 0.3),
    ("new", "New", "good", "", 0.5),
    ("at_risk_wau", "Away 1–6 days", "neutral", "...", 0.3),
    ("at_risk_mau", "Away 7–29 days", "neutral", "", 0.12),
)


def states(found: DailyLifecycle) -> Chart:
    """Return bars of units by state: active ones stand, those at risk hang."""
    table, cut = drawn_dates(found.table, "day", "active")
    rates = {row["state"]: row for row in found.rates.to_dict("records")}
    row = rates["current"]
    said = "No unit was current on a day whose next day is complete."
    if row["unit_days"]:
        limits = (
            f" ({level_text(found.confidence_level)} interval {percent(row['lower'], 1)} to "
            f"{percent(row['upper'], 1)})"
            if np.isfinite(row["lower"])
            else ""
        )
        said = (
            f"Current units were active again on the next day in {percent(row['value'], 1)} of "
            f"{count(row['unit_days'])} unit-days{limits}: CURR."
        )
    others = ", ".join(
        f"{rates[state]['rate']} {percent(rates[state]['value'], 1)}"
        for state in ("new", "reactivated", "resurrected")
    )
    dormant = count(table["dormant"].iloc[-1])
    words = Words(
        heading=found.title,
        said=(
            said,
            f"{others}. Dormant units ({dormant} at the end) are in the table only.",
            *([cut] if cut else []),
        ),
        axis="Units: active above zero, at risk below",
        below="Day",
        caption=f"{found.title}: units by state and day. {said}",
        alt=f"{found.title}, stacked bars over {len(table)} days. {said} {others}.",
    )
    layers = [
        Bars(name, (-1.0 if "risk" in state else 1.0) * table[state].to_numpy(np.float64), role,
             hatch, fill)
        for state, name, role, hatch, fill in LOOKS
    ]  # fmt: skip
    return stacked_bars(words, tuple(table["day"]), layers)


def rates(found: DailyLifecycle, arm: str | None) -> Chart:
    """Return the rates of control and one treatment, and their differences."""
    assert found.differences is not None
    treatment = chosen_arm(found.differences, arm)
    rows = found.differences[found.differences["arm"] == treatment]
    control = str(rows["control"].iloc[0])
    names = in_sentence(treatment), in_sentence(control)
    said = _said(found, treatment, names)
    words = Words(
        heading=found.title,
        said=(said, "Rates are of unit-days in a state; the treatment may change who is in it."),
        axis="Share of unit-days with activity on the next day",
        below="State today, in the order NURR, CURR, RURR, SURR",
        caption=f"{found.title}, rates of {names[1]} and {names[0]}. {said}",
        alt=f"{found.title}, rates of {names[1]} and {names[0]}. {said}",
    )
    of = {name: part["value"].to_numpy(np.float64) for name, part in found.rates.groupby("cohort")}
    bars = (
        Bars(control, of[control], "neutral", fill=0.15),
        Bars(treatment, of[treatment], "info"),
    )
    columns = (rows[name].to_numpy(np.float64) for name in ("difference", "lower", "upper"))
    ticks = tuple(str(state) for state in rows["state"])
    below = f"Difference in percentage points, {names[0]} minus {names[1]}"
    return arm_bars(words, ticks, bars, Line(*columns), below)


def _said(found: DailyLifecycle, treatment: str, names: tuple[str, str]) -> str:
    assert found.differences is not None
    rows = found.differences[found.differences["arm"] == treatment]
    row = rows[rows["state"] == "current"].to_dict("records")[0]
    if row["status"] != "ok":
        return "There are too few days of current units to compare their rates."
    known = rows[rows["status"] == "ok"]
    differ = int((known["p_adjusted"] < 0.05).sum())
    together = "none differs" if not differ else f"{differ} differ{'s' if differ == 1 else ''}"
    lower, upper = (number(100.0 * row[name], 1, sign=True) for name in ("lower", "upper"))
    return (
        f"CURR: {names[0]} {percent(row['value'], 1)}, {names[1]} "
        f"{percent(row['control_value'], 1)}, difference "
        f"{number(100.0 * row['difference'], 1, sign=True)} percentage points "
        f"({level_text(found.confidence_level)} interval {lower} to {upper}). Of {len(known)} "
        f"rates read together, {together} at the level 0.05 (Holm)."
    )
