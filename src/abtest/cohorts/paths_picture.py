"""Pictures of paths: the streams of the first steps, and what follows what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from abtest.cohorts.chosen import chosen_arm
from abtest.cohorts.path_numbers import flow_rows
from abtest.cohorts.path_steps import ALL, END, OTHER, START
from abtest.data.source import nearest_of
from abtest.errors import UsageError
from abtest.show.estimate_words import Estimate, signed
from abtest.show.heatmap import HeatRow, heatmap
from abtest.show.numbers import count, number, percent
from abtest.show.plot_frame import Words, in_sentence
from abtest.show.sankey import Streams, sankey

if TYPE_CHECKING:
    import pandas as pd

    from abtest.cohorts.paths import Paths
    from abtest.show.drawing import Chart

_LAST = {OTHER: 1, END: 2}


def streams(found: Paths, arm: str | None) -> Chart:
    """Return the first steps of an arm as streams."""
    chosen = found.arms[0] if arm is None else arm
    if chosen not in found.arms:
        raise UsageError(
            "There is no such arm",
            given=f"arm={arm!r}",
            todo=nearest_of(str(arm), found.arms, "arms"),
            code="unknown_arm",
        )
    rows = found.steps[(found.steps["arm"] == chosen) & (found.steps["share"] > 0)]
    numbers = range(1, found.asked.steps + 1)
    nodes = [_ordered(rows[rows["step"] == step]) for step in numbers]
    paths = rows[rows["step"] == 1]["paths"].sum()
    flows: list[dict[tuple[str, str], float]] = [{} for _ in numbers[1:]]
    for row in flow_rows(found.found, chosen):
        flows[row["step"] - 1][row["event"], row["target"]] = row["n"] / paths
    for step in range(len(flows)):
        ended = nodes[step].get(END, 0.0)
        if ended:
            flows[step][END, END] = ended
    first = max(
        ((name, share) for name, share in nodes[0].items() if name != END),
        key=lambda pair: pair[1],
        default=None,
    )
    ended = nodes[-1].get(END, 0.0)
    things = "units" if found.asked.by == "unit" else "sessions"
    said = (
        "There are no paths."
        if first is None
        else f"{percent(first[1], 1)} of {count(int(paths))} {things} begin with "
        f"{in_sentence(first[0])}; before step {found.asked.steps} {percent(ended, 1)} have ended."
    )
    of = "" if chosen == ALL else f" of {in_sentence(chosen)}"
    words = Words(
        heading=f"{found.title}{of}",
        said=(said, "Grey: paths that have ended, and events without a name of their own."),
        axis="",
        below="",
        caption=f"{found.title}{of}: the first {found.asked.steps} steps. {said}",
        alt=f"{found.title}{of}, {found.asked.steps} steps. {said}",
    )
    titles = tuple(f"Step {step}" for step in numbers)
    return sankey(words, Streams(titles, tuple(nodes), tuple(flows), (END, OTHER)))


def _ordered(rows: pd.DataFrame) -> dict[str, float]:
    """Return shares by event: the largest first, the rest and the end last."""
    pairs = zip(rows["event"], rows["share"], strict=True)
    ordered = sorted(pairs, key=lambda pair: (_LAST.get(pair[0], 0), -pair[1], pair[0]))
    return {str(name): float(share) for name, share in ordered}


def matrix(found: Paths, arm: str | None) -> Chart:
    """Return P(target | source), or its differences between a treatment and control."""
    differences = found.differences
    if differences is None:
        rows = found.table
        value = "p"
        of = ""
        top = rows[rows["source"] != START].iloc[:1].to_dict("records")
        said = (
            "There are no transitions."
            if not top
            else f"Most often {in_sentence(top[0]['source'])} is followed by "
            f"{in_sentence(top[0]['target'])}: {count(int(top[0]['count']))} times, "
            f"{percent(top[0]['p'], 1)} of what follows."
        )
    else:
        treatment = chosen_arm(differences, arm)
        rows = differences[differences["arm"] == treatment]
        value = "difference"
        of = f", {in_sentence(treatment)} minus {in_sentence(found.arms[0])}"
        said = _said(rows, found.confidence_level)
    sources = _names(rows, "source", found)
    targets = _names(rows, "target", found)
    cells = {
        (str(a), str(b)): float(x)
        for a, b, x in zip(rows["source"], rows["target"], rows[value], strict=True)
    }
    counts = found.table.groupby("source")["count"].sum()
    shown = [_row(source, targets, cells, counts, signs=differences is not None)
             for source in sources]  # fmt: skip
    what = "Percentage points" if differences is not None else "Share of what follows"
    words = Words(
        heading=f"What follows what{of}",
        said=(said,),
        axis=f"{what}; rows are what it follows",
        below="",
        caption=f"{found.title}: what follows what{of}. {said}",
        alt=f"What follows what{of}, {len(sources)} events. {said}",
    )
    return heatmap(
        words, shown, targets, ("Count",), diverging=differences is not None, corner="After"
    )


def _row(
    source: str,
    targets: list[str],
    cells: dict[tuple[str, str], float],
    counts: pd.Series[int],
    *,
    signs: bool,
) -> HeatRow:
    values = [cells.get((source, target)) for target in targets]
    known = [None if value is None or not np.isfinite(value) else value for value in values]
    texts = tuple(
        " "
        if value is None
        else number(100.0 * value, 1, sign=True)
        if signs
        else percent(value, 0)
        for value in known
    )
    return HeatRow(source, (count(int(counts.get(source, 0))),), tuple(known), texts)


def _names(rows: pd.DataFrame, column: str, found: Paths) -> list[str]:
    counts = found.table.groupby(column)["count"].sum()
    names = [str(name) for name in dict.fromkeys(rows[column])]
    last = {START: -1, **_LAST}
    return sorted(names, key=lambda name: (last.get(name, 0), -int(counts.get(name, 0)), name))


def _said(rows: pd.DataFrame, level: float) -> str:
    """Return the clearest difference, and how many are found when all are read together."""
    known = rows[rows["status"] == "ok"]
    if not len(known):
        return "No transition can be compared yet."
    best = known.sort_values(["p_value", "source", "target"]).iloc[0]
    estimate = Estimate(*(100.0 * float(best[name]) for name in ("difference", "lower", "upper")))
    found = int((known["p_adjusted"] < 0.05).sum())
    return (
        f"After {in_sentence(best['source'])}, {in_sentence(best['target'])}: "
        f"{signed(estimate, level, 'percentage points')}. Of {len(known)} transitions {found} "
        f"differ{'s' if found == 1 else ''} with at most 5% false discoveries."
    )
