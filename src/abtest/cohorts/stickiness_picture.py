"""Pictures of active days: a histogram, or those of two arms with their difference."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from abtest.cohorts.chosen import chosen_arm
from abtest.show.arm_curves import Line
from abtest.show.bar_plot import Bars, arm_bars, plain_bars
from abtest.show.estimate_words import Estimate, level_text, signed
from abtest.show.numbers import count, number, percent
from abtest.show.plot_frame import Words, in_sentence

if TYPE_CHECKING:
    import pandas as pd

    from abtest.cohorts.stickiness import Stickiness
    from abtest.show.drawing import Chart

ENOUGH = 100
"""With fewer active units a shape is not put into words."""
PLAIN = 1.5
"""So many times the middle makes an end of the histogram stand out."""


def histogram(found: Stickiness) -> Chart:
    """Return the share of units by active days."""
    table, mean = found.table, found.means.iloc[0]
    units = int(mean["eligible"])
    who = "unit" if units == 1 else "units"
    who += " active in the window" if found.over == "active" else " of the log"
    often = max(1, ceil(found.days / 4))
    row = table[table["days"] == often].iloc[0]
    said = (
        "No unit was active in the window."
        if not units
        else f"{count(units)} {who} had {number(mean['mean'], 1)} active days of {found.days} on "
        f"average; {percent(row['at_least_share'], 1)} had {often} or more "
        f"({level_text(found.confidence_level)} interval {percent(row['at_least_lower'], 1)} to "
        f"{percent(row['at_least_upper'], 1)})."
    )
    reading = shape(table, found.days)
    words = Words(
        heading=found.title,
        said=tuple(text for text in (said, reading) if text),
        axis="Share of units, by the exact number of days",
        below="Active days",
        caption=f"{found.title}: share of units active on exactly so many days. {said}",
        alt=" ".join(text for text in (f"{found.title}, a histogram.", said, reading) if text),
    )
    bars = Bars("Units", table["share"].to_numpy(dtype=np.float64), "info")
    return plain_bars(words, tuple(str(day) for day in table["days"]), [bars], percent=True)


def histograms(found: Stickiness, arm: str | None) -> Chart:
    """Return the shares of control and one treatment, and the difference in "at least"."""
    assert found.differences is not None
    assert found.mean_differences is not None
    treatment = chosen_arm(found.differences, arm)
    rows = found.differences[found.differences["arm"] == treatment]
    means = found.mean_differences[found.mean_differences["arm"] == treatment].iloc[0]
    control = str(means["control"])
    parts = {name: found.table[found.table["cohort"] == name] for name in (control, treatment)}
    names = in_sentence(treatment), in_sentence(control)
    said = _said(means, rows, found, names)
    reading = shape(parts[control], found.days)
    words = Words(
        heading=found.title,
        said=tuple(
            text
            for text in (*said, reading and f"{names[1]}: {reading[0].lower()}{reading[1:]}")
            if text
        ),
        axis="Share of units, by the exact number of days",
        below="Active days",
        caption=f"{found.title}, of {names[1]} and {names[0]}. {said[0]}",
        alt=f"{found.title}, histograms of {names[1]} and {names[0]}. {' '.join(said)}",
    )
    shares = {name: part["share"].to_numpy(dtype=np.float64) for name, part in parts.items()}
    arms = (
        Bars(control, shares[control], "neutral", fill=0.15),
        Bars(treatment, shares[treatment], "info"),
    )
    # nobody has fewer than 0 days: there is no difference in "at least 0"
    columns = (rows[name].to_numpy(dtype=np.float64) for name in ("difference", "lower", "upper"))
    line = Line(*(np.concatenate([[np.nan], column]) for column in columns))
    below = f"At least so many days, difference in percentage points, {names[0]} minus {names[1]}"
    return arm_bars(words, tuple(str(day) for day in range(found.days + 1)), arms, line, below)


def _said(
    means: pd.Series, rows: pd.DataFrame, found: Stickiness, names: tuple[str, str]
) -> tuple[str, ...]:
    if means["status"] != "ok":
        return ("No window is over yet for enough units of both arms, or nobody was active.",)
    estimate = Estimate(means["difference"], means["lower"], means["upper"])
    first = (
        f"Mean active days of {found.days}: {names[0]} {number(means['value'], 2)}, {names[1]} "
        f"{number(means['control_value'], 2)}, difference "
        f"{signed(estimate, found.confidence_level)}."
    )
    known = rows[rows["status"] == "ok"]
    differ = int((known["p_adjusted"] < 0.05).sum())
    together = "none differs" if not differ else f"{differ} differ{'s' if differ == 1 else ''}"
    return (
        first,
        f'Of {len(known)} shares "at least k days" read together, {together} at the level 0.05 '
        "(Holm).",
    )


def shape(table: pd.DataFrame, days: int) -> str:
    """Return what a histogram plainly looks like; "" where it is not plain.

    Ends are the lowest and the highest quarter of days; the shares of days are averaged in each,
    and in between.
    """
    active = table[table["days"] > 0]
    units = active["units"].to_numpy(dtype=np.float64)
    if days < 8 or units.sum() < ENOUGH:
        return ""
    end = days // 4
    low, middle, high = units[:end].mean(), units[end:-end].mean(), units[-end:].mean()
    if low > PLAIN * middle and high > PLAIN * middle:
        return "A smile: many units come rarely, many on nearly every day, fewer in between."
    if low > PLAIN * middle and units[:end].sum() > units.sum() / 2:
        return f"Left-heavy: most active units come on {end} days or fewer."
    if high > PLAIN * middle and units[-end:].sum() > units.sum() / 2:
        return f"Right-heavy: most active units come on {days - end + 1} days or more."
    return ""
