"""Pictures of paths: flows over the first steps, and what follows each event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from abtest.cohorts.chosen import chosen_arm
from abtest.cohorts.path_steps import ALL, END, OTHER, START
from abtest.cohorts.rows import records
from abtest.data.source import nearest_of
from abtest.errors import UsageError
from abtest.show.estimate_words import Estimate, level_text, signed
from abtest.show.heatmap import HeatRow, heatmap
from abtest.show.numbers import count, number, percent
from abtest.show.plot_frame import Words, in_sentence
from abtest.show.sankey import MOST_STEPS, Flow, FlowBlock, FlowStep, sankey

if TYPE_CHECKING:
    import pandas as pd

    from abtest.cohorts.paths import Paths
    from abtest.show.drawing import Chart

EVENT_WORDS = {START: "(start)", END: "(end)"}
_ROLES = {END: "warn", OTHER: "neutral"}
MOST_NODES = 30
_LETTERS = 7
"""Longer names are numbers in the headings over cells."""
FALSE_DISCOVERIES = 0.05


def flows_picture(found: Paths, arm: str | None) -> Chart:
    """Return the first steps of one arm as flows."""
    chosen = _chosen(found, arm)
    paths = next(int(row["paths"]) for row in records(found.sizes) if row["arm"] == chosen)
    last = min(found.asked.steps, MOST_STEPS)
    matrix = found.steps[(found.steps["arm"] == chosen) & (found.steps["step"] <= last)]
    counts = {(int(row["step"]), row["event"]): int(row["count"]) for row in records(matrix)}
    blocks, flows = _blocks(found, chosen, counts, paths, last)
    things = "unit" if found.asked.by == "unit" else "session"
    of = "" if chosen == ALL else f" of {in_sentence(chosen)}"
    said = _said_flows(found, matrix, paths, f"{things}{'' if paths == 1 else 's'}{of}", last)
    words = Words(
        heading=found.title + of,
        said=(
            said,
            "Shares are of all paths. The lowest block, (end), is paths that ended just before.",
        ),
        axis="",
        below="",
        caption=f"{found.title}{of}. {said}",
        alt=f"{found.title}{of}, {last} steps. {said} {_listed(matrix)}",
    )
    return sankey(words, blocks, flows)


def _chosen(found: Paths, arm: str | None) -> str:
    names = [str(name) for name in found.sizes["arm"]]
    if arm is not None and arm not in names:
        raise UsageError(
            "There is no such arm",
            given=f"arm={arm!r}",
            todo=nearest_of(arm, names, "arms"),
            code="unknown_arm",
        )
    return arm or names[0]


def _blocks(
    found: Paths, arm: str, counts: dict[tuple[int, str], int], paths: int, last: int
) -> tuple[list[FlowStep], list[Flow]]:
    """Return the steps with their blocks, and the flows between them; ends are drawn once."""
    new = {s: counts[s, END] - (counts[s - 1, END] if s > 1 else 0) for s in range(1, last + 1)}
    steps: list[FlowStep] = []
    places: dict[tuple[int, str], int] = {}
    for step in range(1, last + 1):
        blocks: list[FlowBlock] = []
        for name in (*found.nodes, END):
            n = new[step] if name == END else counts[step, name]
            if n:
                places[step, name] = len(blocks)
                share = n / paths
                role = _ROLES.get(name, "info")
                blocks.append(
                    FlowBlock(EVENT_WORDS.get(name, name), share, share_text(share), role)
                )
        steps.append(FlowStep(f"Step {step}", tuple(blocks)))
    rows = found.flows[(found.flows["arm"] == arm) & (found.flows["step"] < last)]
    flows = []
    for row in records(rows):
        after = row["after"] if isinstance(row["after"], str) else END
        step = int(row["step"])
        source, target = places[step, str(row["node"])], places[step + 1, after]
        flows.append(Flow(step - 1, source, target, int(row["n"]) / paths))
    return steps, flows


def share_text(share: float) -> str:
    """Return a share in whole per cent; one that is too small for that is not 0%."""
    return "< 1%" if 0.0 < share < 0.005 else percent(share, 0)


def _said_flows(found: Paths, matrix: pd.DataFrame, paths: int, things: str, last: int) -> str:
    if not paths:
        return "No path is known yet."
    first = matrix[matrix["step"] == 1].sort_values("count", ascending=False, kind="stable")
    begin = records(first)[0]
    ended = records(matrix[(matrix["step"] == last) & (matrix["event"] == END)])[0]
    limits = _limits(ended, found.confidence_level)
    opens = (
        f"most have no event ({percent(begin['share'], 1)})"
        if begin["event"] == END
        else f"the most frequent first event is {in_sentence(begin['event'])} "
        f"({percent(begin['share'], 1)})"
    )
    return (
        f"Of {count(paths)} {things}, {opens}; {percent(ended['share'], 1)}{limits} end "
        f"before step {last}."
    )


def _limits(row: dict[str, Any], level: float) -> str:
    if not np.isfinite(row["lower"]) or not np.isfinite(row["upper"]):
        return ""
    low, high = percent(row["lower"], 1), percent(row["upper"], 1)
    return f" ({level_text(level)} interval {low} to {high})"


def _listed(matrix: pd.DataFrame) -> str:
    """Return the three largest shares of every step, for those who cannot see them."""
    parts = []
    for step, rows in matrix[matrix["count"] > 0].groupby("step"):
        best = rows.sort_values("count", ascending=False, kind="stable").head(3)
        shown = ", ".join(
            f"{in_sentence(EVENT_WORDS.get(row['event'], row['event']))} {share_text(row['share'])}"
            for row in records(best)
        )
        parts.append(f"Step {step}: {shown}.")
    return " ".join(parts)


def matrix_picture(found: Paths, arm: str | None) -> Chart:
    """Return what follows each event; with arms the differences of a treatment from control."""
    if found.differences is None:
        _chosen(found, arm)
        return _shares(found)
    arms = [str(name) for name in found.sizes["arm"]]
    if not len(found.differences):
        return _differences(found, _chosen(found, arm or arms[1]), arms[0])
    return _differences(found, chosen_arm(found.differences, arm), arms[0])


def _drawn(found: Paths) -> tuple[list[str], list[str]]:
    """Return the events of the rows and of the columns; the least frequent may be left out."""
    nodes = [*found.nodes[:MOST_NODES]]
    return [START, *nodes], [*nodes, END]


def _headings(rows: list[str], columns: list[str]) -> tuple[list[str], list[str]]:
    """Return numbers of rows and headings of columns: these numbers where names are too long."""
    names = [EVENT_WORDS.get(name, name) for name in columns]
    if len(columns) <= 12 and max(map(len, names)) <= _LETTERS:
        return [], names
    numbers = {name: str(place) for place, name in enumerate(rows) if place}
    return ["", *numbers.values()], [numbers.get(name, EVENT_WORDS[END]) for name in columns]


def _row(name: str, number: list[str], units: float, values: Any, texts: Any) -> HeatRow:
    return HeatRow(
        EVENT_WORDS.get(name, name), (*number, count(units)), tuple(values), tuple(texts)
    )


def _shares(found: Paths) -> Chart:
    rows, columns = _drawn(found)
    table = {(row["source"], row["target"]): row for row in records(found.table)}
    numbers, headings = _headings(rows, columns)
    total = found.table.groupby("source")["count"].sum().to_dict()
    drawn = []
    for place, source in enumerate(rows):
        cells = [table.get((source, target)) for target in columns]
        values = tuple(None if cell is None else float(cell["p"]) for cell in cells)
        texts = tuple(" " if value is None else share_text(value) for value in values)
        drawn.append(_row(source, numbers[place : place + 1], total.get(source, 0), values, texts))
    inner = found.table[~found.table["source"].isin([START]) & (found.table["target"] != END)]
    said = "Nobody does anything after anything else."
    if len(inner):
        row = records(inner.sort_values("count", ascending=False, kind="stable"))[0]
        said = (
            f"Most frequent: {in_sentence(row['source'])}, then {in_sentence(row['target'])} "
            f"({count(row['count'])} times), which is {percent(row['p'], 1)}"
            f"{_limits(row, found.confidence_level)} of what follows "
            f"{in_sentence(row['source'])}."
        )
    words = Words(
        heading=f"{found.title}: what follows what",
        said=(said,),
        axis="Share of what follows the event; rows sum to 100%",
        below="",
        caption=f"{found.title}: shares of what follows each event; rows sum to 100%. {said}",
        alt=f"{found.title}, what follows each of {count(len(rows) - 1)} events. {said}",
    )
    facts = (*([""] if numbers else []), "Times")
    return heatmap(words, drawn, headings, facts, corner="Event")


def _differences(found: Paths, treatment: str, control: str) -> Chart:
    assert found.differences is not None
    own = found.differences[found.differences["arm"] == treatment]
    table = {(str(r["source"]), str(r["target"])): r for r in records(own)}
    rows, columns = _drawn(found)
    numbers, headings = _headings(rows, columns)
    drawn = []
    for place, source in enumerate(rows):
        cells = [table.get((source, target)) for target in columns]
        met = [cell for cell in cells if cell is not None]
        units = met[0]["units_control"] + met[0]["units"] if met else 0
        values = tuple(tested_difference(cell) for cell in cells)
        texts = tuple(" " if cell is None else points_text(cell) for cell in cells)
        drawn.append(_row(source, numbers[place : place + 1], units, values, texts))
    names = f"{in_sentence(treatment)} minus {in_sentence(control)}"
    said = _said_differences(own, treatment, control, found.confidence_level)
    words = Words(
        heading=f"{found.title}: what follows what, {names}",
        said=(
            said,
            "*: differs at a false discovery rate of 5% over all transitions. Hatched: too few "
            "units to test.",
        ),
        axis="Difference in percentage points of what follows the event",
        below="",
        caption=f"{found.title}: shares of what follows each event, {names}. {said}",
        alt=f"{found.title}, differences of transitions, {names}. {said}",
    )
    facts = (*([""] if numbers else []), "Units")
    return heatmap(words, drawn, headings, facts, diverging=True, corner="Event")


def tested_difference(cell: dict[str, Any] | None) -> float | None:
    """Return the difference of a cell; None where it is not tested."""
    if cell is None or cell["status"] != "ok":
        return None
    return float(cell["difference"])


def points_text(cell: dict[str, Any]) -> str:
    """Return the difference of a cell in points, with a star where it is a discovery."""
    if cell["status"] != "ok":
        return ""
    star = "*" if cell["p_adjusted"] <= FALSE_DISCOVERIES else ""
    return f"{number(100.0 * cell['difference'], 1, sign=True)}{star}"


def _said_differences(own: pd.DataFrame, treatment: str, control: str, level: float) -> str:
    """Return how many transitions differ, and the one that does most clearly."""
    tested = own[own["status"] == "ok"]
    if not len(tested):
        return "Too few units to compare any transition."
    n = len(tested)
    differ = int((tested["p_adjusted"] <= FALSE_DISCOVERIES).sum())
    row = records(tested.sort_values("p_value", kind="stable"))[0]
    points = Estimate(*(100.0 * float(row[name]) for name in ("difference", "lower", "upper")))
    source, target = (
        in_sentence(EVENT_WORDS.get(row[name], row[name])) for name in ("source", "target")
    )
    return (
        f"Of {n} transition{'' if n == 1 else 's'} tested together, "
        f"{differ or 'none'} differ{'s' if differ <= 1 else ''} at a false discovery rate of 5%. "
        f"Clearest: {target} after {source}, {in_sentence(treatment)} "
        f"{percent(row['value'], 1)}, {in_sentence(control)} {percent(row['control_value'], 1)}, "
        f"difference {signed(points, level, 'percentage points')}."
    )
