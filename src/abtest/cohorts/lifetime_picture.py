"""Pictures of value by age: cohorts, and two arms with their difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from abtest.cohorts.chosen import chosen_arm
from abtest.show.arm_curves import ArmLines, Line, arm_curves
from abtest.show.estimate_words import Estimate, interval, level_text, like, signed
from abtest.show.line_plot import NamedLine, line_plot
from abtest.show.numbers import count
from abtest.show.plot_frame import Words, in_sentence

if TYPE_CHECKING:
    import pandas as pd

    from abtest.cohorts.lifetime_value import LifetimeValue
    from abtest.show.drawing import Chart

_MOST = 5


def cohorts(found: LifetimeValue) -> Chart:
    """Return the curve of all units, and those of the largest cohorts."""
    assert found.pooled is not None
    sizes = found.table.drop_duplicates("cohort").set_index("cohort")["units"]
    largest = set(sizes.sort_values(ascending=False, kind="stable").index[:_MOST])
    shown = [name for name in sizes.index if name in largest] if len(sizes) > 1 else []
    lines = [_named("All units", found.pooled)]
    lines += [_named(str(name), found.table[found.table["cohort"] == name]) for name in shown]
    known = found.pooled[found.pooled["per_unit"].notna()]
    said = "No age is known yet."
    if len(known):
        row = known.iloc[-1]
        value = _estimate(row)
        said = (
            f"By day {row['age']:g} a unit has brought {like(value.value, value)} on average "
            f"({interval(value, found.confidence_level, sign=False)})."
        )
    more = len(sizes) - len(shown)
    left = f" The {_MOST} largest of {len(sizes)} cohorts." if more and shown else ""
    words = Words(
        heading=found.title,
        said=(said + left,),
        axis=f"Value per unit so far, by {found.asked.cohort} of the start",
        below="Age, days",
        caption=f"{found.title}: cohorts by the {found.asked.cohort} of their start. {said}{left}",
        alt=f"{found.title}. {said} {_each(found, shown)}".rstrip(),
    )
    return line_plot(words, _ticks(found.pooled["age"]), lines)


def _each(found: LifetimeValue, shown: list[str]) -> str:
    parts = []
    for name in shown:
        own = found.table[(found.table["cohort"] == name) & found.table["per_unit"].notna()]
        if len(own):
            last = own.iloc[-1]
            value = _estimate(last)
            parts.append(f"{name}: {like(value.value, value)} by day {last['age']:g}")
    return f"{'; '.join(parts)}." if parts else ""


def arms(found: LifetimeValue, arm: str | None) -> Chart:
    """Return the curves of control and one treatment, and their difference under them."""
    assert found.differences is not None
    treatment = chosen_arm(found.differences, arm)
    rows = found.differences[found.differences["arm"] == treatment]
    control = str(rows["control"].iloc[0])
    level = found.confidence_level
    said = _said(rows, control, treatment, level)
    words = Words(
        heading=found.title,
        said=(said, f"{level_text(level)} intervals, each for its age alone."),
        axis="Value per unit so far",
        below="Days since exposure",
        caption=f"{found.title} of {in_sentence(control)} and {in_sentence(treatment)}. {said}",
        alt=f"{found.title} of {in_sentence(control)} and {in_sentence(treatment)}. {said}",
    )
    parts = [_line(found.table[found.table["cohort"] == name], "per_unit")
             for name in (control, treatment)]  # fmt: skip
    lines = ArmLines(
        ticks=_ticks(rows["age"]),
        names=(control, treatment),
        control=parts[0],
        treatment=parts[1],
        difference=_line(rows, "difference"),
        percent=False,
        below=f"Difference, {in_sentence(treatment)} minus {in_sentence(control)}",
    )
    return arm_curves(words, lines)


def _said(rows: pd.DataFrame, control: str, treatment: str, level: float) -> str:
    known = rows[rows["status"] == "ok"]
    if known.empty:
        return "No age is known of both arms, or nobody brought anything."
    last = known.iloc[-1]
    found = Estimate(last["difference"], last["lower"], last["upper"])
    differ = int((known["p_adjusted"] < 0.05).sum())
    together = "none differs" if not differ else f"{differ} differ{'s' if differ == 1 else ''}"
    return (
        f"By day {last['age']:g}: {in_sentence(treatment)} {like(last['value'], found)} per unit, "
        f"{in_sentence(control)} {like(last['control_value'], found)}, difference "
        f"{signed(found, level)}. Of {len(known)} ages read together, {together} at the level 0.05 "
        "(Holm)."
    )


def _estimate(row: pd.Series) -> Estimate:
    limits = (row[name] if np.isfinite(row[name]) else None for name in ("lower", "upper"))
    return Estimate(row["per_unit"], *limits)


def _named(name: str, part: pd.DataFrame) -> NamedLine:
    units = int(part["units"].iloc[0])
    note = f"{count(units)} unit{'' if units == 1 else 's'}"
    return NamedLine(name, note, part["per_unit"].to_numpy(dtype=np.float64))


def _ticks(ages: pd.Series) -> tuple[str, ...]:
    return tuple(f"{age:g}" for age in ages)


def _line(part: pd.DataFrame, value: str) -> Line:
    columns = (part[name].to_numpy(dtype=np.float64) for name in (value, "lower", "upper"))
    return Line(*columns)
