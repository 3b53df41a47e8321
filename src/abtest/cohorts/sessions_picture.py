"""The picture of sessions: pauses between events, and what the timeout changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from abtest.cohorts.chosen import chosen_arm
from abtest.cohorts.sessions_runs import EDGES
from abtest.show.arm_curves import Line
from abtest.show.estimate_words import Estimate, interval, level_text, like, signed
from abtest.show.numbers import count, number, percent
from abtest.show.panels import DotPanel, LogBars, panels
from abtest.show.plot_frame import CONTROL, TREATMENT, ArmStyle, Words, in_sentence

if TYPE_CHECKING:
    import pandas as pd

    from abtest.cohorts.sessions import Sessions
    from abtest.show.drawing import Chart

_SHORTEST, _LONGEST = 0.5, 96.0 * 86_400
"""Ends of the axis of pauses, in seconds."""
_TICKS = (
    (1.0, "1 s"),
    (8.0, "8 s"),
    (60.0, "1 min"),
    (480.0, "8 min"),
    (3_600.0, "1 h"),
    (28_800.0, "8 h"),
    (259_200.0, "3 d"),
    (1_036_800.0, "12 d"),
    (4_147_200.0, "48 d"),
)
_SHORT = {"column": "session id", "start_end": "start to end"}


def picture(found: Sessions, arm: str | None) -> Chart:
    """Return pauses between events, sessions per unit and their length by timeout."""
    if found.differences is None:
        arms: tuple[str, ...] = tuple(found.table["arm"])
        said = _said(found, arms[0])
    else:
        treatment = chosen_arm(found.differences, arm)
        arms = (str(found.differences["control"].iloc[0]), treatment)
        said = _said_arms(found, treatment)
    level = level_text(found.confidence_level)
    rules = found.sensitivity.drop_duplicates("rule").sort_values("minutes", kind="stable")
    names = [str(rule) for rule in rules["rule"]]
    ticks = tuple(
        f"{minutes:g} min" if np.isfinite(minutes) else _SHORT[found.asked.by]
        for minutes in rules["minutes"]
    )
    steps = int(np.isfinite(rules["minutes"]).sum())
    words = Words(
        heading=found.title,
        said=(said, f"{level} intervals by unit, each by itself."),
        axis="Share of the pauses between a unit's events, by length",
        below="Timeout" if steps == len(ticks) else "Timeout, or the rule asked for",
        caption=f"{found.title}: pauses between events, and sessions by timeout. {said}",
        alt=f"{found.title}. {said} {_by_timeout(found, arms, rules)}",
    )
    title = "Mean length of a session, minutes"
    title += ", and the median of all sessions" if len(arms) == 1 else ""
    return panels(
        words,
        [
            _bars(found),
            DotPanel("Sessions per unit", ticks, _lines(found, arms, names, "sessions_per_unit"),
                     connected=steps, height=1.25),
            DotPanel(title, ticks, _lines(found, arms, names, "mean_seconds"), connected=steps,
                     height=1.4),
        ],
    )  # fmt: skip


def _bars(found: Sessions) -> LogBars:
    marks = [(60.0 * minutes, f"{minutes:g} min") for minutes in found.asked.timeouts]
    if found.asked.by == "gap":
        main = (60.0 * found.asked.gap, f"{found.asked.gap:g} min")
        marks = [main, *(mark for mark in marks if mark != main)]
    return LogBars(
        title="",
        edges=np.array([_SHORTEST, *(float(seconds) for seconds, _ in EDGES), _LONGEST]),
        shares=found.pauses["share"].to_numpy(dtype=np.float64),
        ticks=_TICKS,
        marks=tuple(marks),
        strong=found.asked.by == "gap",
    )


def _lines(
    found: Sessions, arms: tuple[str, ...], rules: list[str], measure: str
) -> tuple[tuple[str, ArmStyle, Line], ...]:
    factor = 1.0 / 60.0 if measure.endswith("seconds") else 1.0
    styles = (CONTROL, TREATMENT)
    if len(arms) == 1:
        lone = measure == "mean_seconds"
        lines = [("mean" if lone else "", TREATMENT, _line(found, arms[0], rules, measure, factor))]
        if lone:
            median = _line(found, arms[0], rules, "median_seconds", factor)
            lines.append(("median", CONTROL, median))
        return tuple(lines)
    return tuple(
        (arm, style, _line(found, arm, rules, measure, factor))
        for arm, style in zip(arms, styles, strict=True)
    )


def _line(found: Sessions, arm: str, rules: list[str], measure: str, factor: float) -> Line:
    rows = found.sensitivity
    rows = rows[(rows["arm"] == arm) & (rows["measure"] == measure)].set_index("rule").loc[rules]
    columns = (
        factor * rows[name].to_numpy(dtype=np.float64) for name in ("value", "lower", "upper")
    )
    return Line(*columns)


def _row(found: Sessions, arm: str, measure: str) -> dict[str, float]:
    rows = found.sensitivity
    rows = rows[(rows["arm"] == arm) & (rows["measure"] == measure)]
    return {name: float(rows[name].iloc[0]) for name in ("value", "lower", "upper")}


def _said(found: Sessions, arm: str) -> str:
    row = found.table.iloc[0]
    if not row["sessions"]:
        return f"No session of {_many(row['units'], 'unit')}."
    per = _row(found, arm, "sessions_per_unit")
    return (
        f"{_many(row['units'], 'unit')}, {_many(row['sessions'], 'session')}: "
        f"{_with_limits(per, found.confidence_level)} per unit, "
        f"{_length(row['mean_seconds'])} long on average, half of them at most "
        f"{_length(row['median_seconds'])}; {percent(row['bounce_share'], 1)} have one view."
    )


def _many(n: int, what: str) -> str:
    return f"{count(n)} {what}{'' if n == 1 else 's'}"


def _length(seconds: float) -> str:
    """Return a length of time in words."""
    return (
        f"{count(seconds)} seconds" if seconds < 120.0 else f"{number(seconds / 60.0, 1)} minutes"
    )


def _with_limits(row: dict[str, float], level: float) -> str:
    if not np.isfinite(row["lower"]):
        return number(row["value"], 2)
    whole = Estimate(row["value"], row["lower"], row["upper"])
    return f"{like(row['value'], whole)} ({interval(whole, level, sign=False)})"


def _said_arms(found: Sessions, treatment: str) -> str:
    assert found.differences is not None
    rows = found.differences[found.differences["arm"] == treatment]
    row = rows.iloc[0].to_dict()
    if row["status"] != "ok":
        return f"Sessions per unit of {in_sentence(treatment)} cannot be compared: too few units."
    known = rows[rows["p_adjusted"].notna()]
    differ = int((known["p_adjusted"] < 0.05).sum())
    together = "none differs" if not differ else f"{differ} differ{'s' if differ == 1 else ''}"
    difference = Estimate(row["difference"], row["lower"], row["upper"])
    return (
        f"Sessions per unit: {in_sentence(treatment)} {number(row['value'], 2)}, "
        f"{in_sentence(row['control'])} {number(row['control_value'], 2)}, difference "
        f"{signed(difference, found.confidence_level)}. Of {len(known)} measures read together, "
        f"{together} at the level 0.05 (Holm)."
    )


def _by_timeout(found: Sessions, arms: tuple[str, ...], rules: pd.DataFrame) -> str:
    """Return sessions per unit of every rule, for those who cannot see them."""
    parts = []
    for arm in arms:
        rows = found.sensitivity
        rows = rows[(rows["arm"] == arm) & (rows["measure"] == "sessions_per_unit")]
        by_rule = rows.set_index("rule")["value"]
        shown = "; ".join(f"{rule} {number(by_rule[rule], 2)}" for rule in rules["rule"])
        parts.append(f"{in_sentence(arm)}: {shown}")
    return f"Sessions per unit by {'. '.join(parts)}."
