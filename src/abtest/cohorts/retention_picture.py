"""Pictures of retention: the triangle of cohorts, and the curves of two arms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from abtest.cohorts.chosen import chosen_arm
from abtest.show.arm_curves import ArmLines, Line, arm_curves
from abtest.show.estimate_words import Estimate, level_text
from abtest.show.heatmap import MOST_COLUMNS, HeatRow, heatmap
from abtest.show.numbers import count, number, percent
from abtest.show.plot_frame import Words, in_sentence

if TYPE_CHECKING:
    import pandas as pd

    from abtest.cohorts.retention import Retention
    from abtest.show.drawing import Chart


def triangle(found: Retention) -> Chart:
    """Return cohorts by period: the stronger a cell, the larger the share that came back."""
    later = found.pooled[found.pooled["period"] > 0]
    numbers = later["period"].tolist()
    rows = [_row("All", found.pooled, numbers, strong=True)]
    for name, part in found.table.groupby("cohort", sort=False):
        rows.append(_row(str(name), part, numbers))
    known = later[later["rate"].notna()]
    first = next(iter(known.to_dict("records")), None)
    said = (
        "No period has ended yet."
        if first is None
        else f"Of all units, {percent(first['rate'], 1)} came back {_when(first['label'])} "
        f"({level_text(found.confidence_level)} interval {percent(first['lower'], 1)} to "
        f"{percent(first['upper'], 1)})."
    )
    drawn = rows[:1] + rows[1:][-38:]
    dropped = len(rows) - len(drawn)
    more = f" The first {dropped} cohorts are in the table only." if dropped else ""
    if len(numbers) > MOST_COLUMNS:
        more += f" The first {MOST_COLUMNS} of {len(numbers)} periods are drawn."
    words = Words(
        heading=found.title,
        said=(f"{said} Hatched: the period has not ended.{more}",),
        axis=f"Share of the cohort that came back, by {found.asked.period} after the start",
        below="",
        caption=f"{found.title}: cohorts by the {found.asked.period} of their start. {said}",
        alt=f"{found.title}, {len(rows) - 1} cohorts by {len(numbers)} periods. {said}",
    )
    labels = [str(text).removeprefix("days ").removeprefix("day ") for text in later["label"]]
    if found.asked.windows == "calendar":
        labels = [text.split(" ")[-1] for text in labels]
    return heatmap(words, drawn, labels, ("Units",), corner="Start")


def _when(label: str) -> str:
    return f"{'on' if label.startswith('day') else 'in'} {label}"


def _row(name: str, part: pd.DataFrame, numbers: list[int], *, strong: bool = False) -> HeatRow:
    rates = dict(zip(part["period"], part["rate"], strict=True))
    values = [rates.get(number, np.nan) for number in numbers]
    values = [None if not np.isfinite(rate) else float(rate) for rate in values]
    size = int(part["eligible"].iloc[0])
    texts = tuple("" if value is None else percent(value, 0) for value in values)
    return HeatRow(name, (count(size),), tuple(values), texts, strong)


def curves(found: Retention, arm: str | None) -> Chart:
    """Return the curves of control and one treatment, and their difference under them."""
    assert found.differences is not None
    treatment = chosen_arm(found.differences, arm)
    rows = found.differences[found.differences["arm"] == treatment]
    control = str(rows["control"].iloc[0])
    parts = {
        name: found.table[(found.table["cohort"] == name) & (found.table["period"] > 0)]
        for name in (control, treatment)
    }
    level = level_text(found.confidence_level)
    said = _said(rows, control, treatment, level)
    words = Words(
        heading=found.title,
        said=(said, f"{level} intervals, each for its period alone."),
        axis="Share of units that came back",
        below="Time since exposure" if found.asked.windows == "rolling" else "Calendar period",
        caption=f"{found.title} of {in_sentence(control)} and {in_sentence(treatment)}. {said}",
        alt=f"{found.title} of {in_sentence(control)} and {in_sentence(treatment)}. {said}",
    )
    lines = ArmLines(
        ticks=tuple(str(text) for text in rows["label"]),
        names=(control, treatment),
        control=_line(parts[control], "rate"),
        treatment=_line(parts[treatment], "rate"),
        difference=_line(rows, "difference"),
        percent=True,
        below=f"Difference in percentage points, {in_sentence(treatment)} minus "
        f"{in_sentence(control)}",
    )
    return arm_curves(words, lines)


def _said(rows: pd.DataFrame, control: str, treatment: str, level: str) -> str:
    """Return the first period's difference, and how many differ when all are read together."""
    known = [row for row in rows.to_dict("records") if row["status"] == "ok"]
    if not known:
        return "No period has ended yet, or nobody came back in any."
    first = known[0]
    points = Estimate(*(100.0 * first[name] for name in ("difference", "lower", "upper")))
    differ = sum(row["p_adjusted"] < 0.05 for row in known)
    together = "none differs" if not differ else f"{differ} differ{'s' if differ == 1 else ''}"
    return (
        f"{first['label'].capitalize()}: {in_sentence(treatment)} {percent(first['value'], 1)}, "
        f"{in_sentence(control)} {percent(first['control_value'], 1)}, difference "
        f"{number(points.value, 1, sign=True)} percentage points ({level} interval "
        f"{number(points.lower, 1, sign=True)} to {number(points.upper, 1, sign=True)}). "
        f"Of {len(known)} periods read together, {together} at the level 0.05 (Holm)."
    )


def _line(part: pd.DataFrame, value: str) -> Line:
    columns = (part[name].to_numpy(dtype=np.float64) for name in (value, "lower", "upper"))
    return Line(*columns)
