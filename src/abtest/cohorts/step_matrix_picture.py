"""The picture of a step matrix: where paths are at each step, or how arms differ there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from abtest.cohorts.chosen import chosen_arm
from abtest.cohorts.path_steps import END
from abtest.cohorts.paths_picture import (
    EVENT_WORDS,
    FALSE_DISCOVERIES,
    MOST_NODES,
    points_text,
    share_text,
    tested_difference,
)
from abtest.cohorts.rows import records
from abtest.show.estimate_words import Estimate, signed
from abtest.show.heatmap import HeatRow, heatmap
from abtest.show.numbers import percent
from abtest.show.plot_frame import Words, in_sentence

if TYPE_CHECKING:
    import pandas as pd

    from abtest.cohorts.paths import Paths
    from abtest.show.drawing import Chart


def steps_picture(found: Paths, arm: str | None) -> Chart:
    """Return events by step: shares of all paths, or with arms one treatment minus control."""
    if found.step_differences is None:
        return _shares(found)
    own = found.step_differences
    own = own[own["arm"] == chosen_arm(own, arm)]
    treatment, control = str(own["arm"].iloc[0]), str(own["control"].iloc[0])
    names = f"{in_sentence(treatment)} minus {in_sentence(control)}"
    cells = _cells(own)
    rows = [
        HeatRow(
            EVENT_WORDS.get(name, name),
            (),
            tuple(tested_difference(cell) for cell in line),
            tuple(" " if cell is None else points_text(cell) for cell in line),
        )
        for name, line in cells.items()
    ]
    said = _said(own, treatment, control, found.confidence_level)
    words = Words(
        heading=f"{found.title}: steps, {names}",
        said=(
            said,
            "*: differs at a false discovery rate of 5% over all steps and events. Who has left "
            "stays at (end).",
        ),
        axis="Difference in percentage points of all paths, by step",
        below="",
        caption=f"{found.title}: shares of paths at each event by step, {names}. {said}",
        alt=f"{found.title}, differences of the step matrix, {names}. {said}",
    )
    return heatmap(words, rows, _steps(own), diverging=True, corner="Event")


def _shares(found: Paths) -> Chart:
    cells = _cells(found.steps)
    rows = [
        HeatRow(
            EVENT_WORDS.get(name, name),
            (),
            tuple(None if cell is None else float(cell["share"]) for cell in line),
            tuple(" " if cell is None else share_text(cell["share"]) for cell in line),
        )
        for name, line in cells.items()
    ]
    last = found.steps[found.steps["event"] == END]["share"]
    left = percent(float(last.iloc[-1]), 1) if len(last) and last.notna().iloc[-1] else "no"
    said = f"At step {found.asked.steps}, {left} of paths have ended."
    words = Words(
        heading=f"{found.title}: steps",
        said=(said, "Every step sums to 100%: who has left stays at (end)."),
        axis="Share of all paths, by step",
        below="",
        caption=f"{found.title}: shares of paths at each event by step. {said}",
        alt=f"{found.title}, the step matrix. {said}",
    )
    return heatmap(words, rows, _steps(found.steps), corner="Event")


def _cells(table: pd.DataFrame) -> dict[str, list[dict[str, Any] | None]]:
    """Return the cells of every event by step, the most frequent events first, the end last."""
    found = {(str(row["event"]), int(row["step"])): row for row in records(table)}
    names = [name for name in dict.fromkeys(table["event"].astype(str)) if name != END]
    steps = sorted({step for _, step in found})
    return {
        name: [found.get((name, step)) for step in steps] for name in (*names[:MOST_NODES], END)
    }


def _steps(table: pd.DataFrame) -> list[str]:
    return [str(step) for step in sorted(set(table["step"].tolist()))]


def _said(own: pd.DataFrame, treatment: str, control: str, level: float) -> str:
    """Return how many cells differ, and the one that does most clearly."""
    tested = own[own["status"] == "ok"]
    if not len(tested):
        return "Too few units to compare any step."
    differ = int((tested["p_adjusted"] <= FALSE_DISCOVERIES).sum())
    row = records(tested.sort_values("p_value", kind="stable"))[0]
    points = Estimate(*(100.0 * float(row[name]) for name in ("difference", "lower", "upper")))
    event = in_sentence(EVENT_WORDS.get(row["event"], row["event"]))
    return (
        f"Of {len(tested)} cells tested together, {differ or 'none'} "
        f"differ{'s' if differ <= 1 else ''} at a false discovery rate of 5%. Clearest: {event} at "
        f"step {row['step']}, {in_sentence(treatment)} {percent(row['value'], 1)}, "
        f"{in_sentence(control)} {percent(row['control_value'], 1)}, difference "
        f"{signed(points, level, 'percentage points')}."
    )
