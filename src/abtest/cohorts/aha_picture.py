"""Pictures of behaviours: phi by how often and how soon, and coming back by how often."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from abtest.cohorts.aha_ranking import behaviour_text
from abtest.show.arm_curves import Line
from abtest.show.estimate_words import Estimate, level_text, share_interval
from abtest.show.heatmap import HeatRow, heatmap
from abtest.show.numbers import count, number, percent
from abtest.show.panels import DotPanel, panels
from abtest.show.plot_frame import TREATMENT, Words, in_sentence

if TYPE_CHECKING:
    import pandas as pd

    from abtest.cohorts.aha import Aha
    from abtest.show.drawing import Chart

_NOT_EFFECT = "Association, not effect: only an experiment can say whether the behaviour helps."


def grid(found: Aha, event: str | None) -> Chart:
    """Return phi of one event by count and days, in the half that did not choose."""
    if found.candidates.empty:
        said = "No unit did anything that could be tried."
        return heatmap(_words(found, said, "", said), [], [])
    event, _ = found.chosen(event, None)
    own = found.candidates[found.candidates["event"] == event]
    phi = own.set_index(["count", "days"])["phi"]
    reach = own.set_index(["count", "days"])["reach"]
    asked = found.asked
    rows = []
    for times in asked.counts:
        values = [float(phi[times, days]) for days in asked.days]
        rows.append(
            HeatRow(
                "once or more" if times == 1 else f"{times} times or more",
                (percent(reach[times, asked.landmark], 0),),
                tuple(None if not np.isfinite(value) else value for value in values),
                tuple(number(value, 2) if np.isfinite(value) else "" for value in values),
            )
        )
    said = _best(found, event)
    columns = [f"{days:g} day{'' if days == 1 else 's'}" for days in asked.days]
    shown = "; ".join(
        f"{row.name} {', '.join(text or 'not known' for text in row.texts)}" for row in rows
    )
    words = _words(
        found,
        said,
        f"Correlation (phi) of {in_sentence(event)} within so many days with coming back",
        f"{said} Phi of {in_sentence(event)} within {', '.join(columns)}: {shown}.",
    )
    did = (f"did, {asked.landmark:g} d",)
    return heatmap(words, rows, columns, did, diverging=True, corner=in_sentence(event))


def curve(found: Aha, event: str | None, days: float | None) -> Chart:
    """Return the share that came back by how often units did one thing in their first days."""
    event, days = found.chosen(event, days)
    rows = found.by_count(event, days)
    most = int(rows["count"].max())
    ticks = tuple(f"{n}+" if n == most else str(n) for n in rows["count"])
    level = level_text(found.confidence_level)
    said = _from_to(rows, event, days, level)
    words = _words(
        found,
        said,
        "Share of the units with each count that came back",
        f"{said} {_by_count(rows, most)}",
        below=f"Times of {in_sentence(event)} {_within(days)}",
    )
    values = (rows[name].to_numpy(dtype=np.float64) for name in ("share", "lower", "upper"))
    line = Line(*values)
    units = rows["units"].to_numpy(dtype=np.float64)
    total = units.sum()
    nothing = np.full(len(units), np.nan)
    shares = Line(units / total if total else nothing, nothing, nothing)
    return panels(
        words,
        [
            DotPanel("", ticks, (("", TREATMENT, line),), percent=True, connected=len(ticks),
                     height=2.2),
            DotPanel("Share of all units with each count", ticks, (("", TREATMENT, shares),),
                     percent=True, height=1.0),
        ],
    )  # fmt: skip


def _words(found: Aha, said: str, axis: str, alt: str, below: str = "") -> Words:
    return Words(
        heading=found.title,
        said=(said, _NOT_EFFECT),
        axis=axis,
        below=below,
        caption=f"{found.title}. {said} {_NOT_EFFECT}",
        alt=f"{found.title}. {alt} {_NOT_EFFECT}",
    )


def _within(days: float) -> str:
    return f"within {days:g} day{'' if days == 1 else 's'}"


def _best(found: Aha, event: str) -> str:
    """Return the best behaviour of an event with its difference in words."""
    rows = found.table[found.table["event"] == event]
    if rows.empty:
        none = found.table.empty
        return "No behaviour goes with coming back." if none else (
            f"{in_sentence(event)} is not among the behaviours that go with coming back."
        )  # fmt: skip
    row = rows.iloc[0]
    what = behaviour_text(in_sentence(event), int(row["count"]), float(row["days"]))
    if not np.isfinite(row["difference"]):
        return f"Chosen: {what}; too few units to measure it in the other part."
    ends = [number(100.0 * row[name], 1, sign=True) for name in ("difference", "lower", "upper")]
    level = level_text(found.confidence_level)
    return (
        f"Chosen: {what}. Among {count(row['units'])} other units {percent(row['precision'], 1)} "
        f"of those who did came back, {percent(row['false_omission'], 1)} of the rest: "
        f"{ends[0]} percentage points ({level} interval {ends[1]} to {ends[2]}); "
        f"phi {number(row['phi'], 2)} ({row['strength']}), {number(row['explored_phi'], 2)} where "
        "it was chosen."
    )


def _from_to(rows: pd.DataFrame, event: str, days: float, level: str) -> str:
    known = rows[rows["units"] > 0]
    if known.empty:
        return "No unit is left to measure it in."
    first, last = known.iloc[0], known.iloc[-1]
    most = int(rows["count"].max())

    def told(row: pd.Series) -> str:
        times = f"{row['count']:g} times" + (" or more" if row["count"] == most else "")
        share = share_interval(Estimate(row["share"], row["lower"], row["upper"]))
        return f"{times}: {share}"

    return (
        f"Came back, by {in_sentence(event)} {_within(days)}: {told(first)}; {told(last)}. "
        f"{level} intervals (Wilson)."
    )


def _by_count(rows: pd.DataFrame, most: int) -> str:
    shown = ", ".join(
        f"{row['count']:g}{'+' if row['count'] == most else ''} {percent(row['share'], 0)} of "
        f"{count(row['units'])} units"
        for row in rows.to_dict("records")
    )
    return f"By count: {shown}."
