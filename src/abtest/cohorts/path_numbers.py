"""Tables of paths: transitions, steps, exits, and differences of arms by unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from abtest.cohorts.differences import holm, moments_of, ratio_differences, share_differences
from abtest.cohorts.path_steps import END, Counted, Question
from abtest.cohorts.shares import share_limits

if TYPE_CHECKING:
    import pandas as pd

Cell = tuple[str, str]
FDR = "benjamini_hochberg"
"""Cells are many and depend on each other: false discoveries among them are what is held down."""


def transition_table(found: Counted) -> pd.DataFrame:
    """Return a row per arm, source and target."""
    import pandas as pd

    out = {(row["arm"], row["source"]): row["total"] for row in found.sources}
    every: dict[str, float] = {}
    for row in found.transitions:
        every[row["arm"]] = every.get(row["arm"], 0.0) + row["total"]
    rows = [
        {
            "arm": row["arm"],
            "source": row["source"],
            "target": row["target"],
            "count": int(row["total"]),
            "units": int(row["units"]),
            "p": row["total"] / out[row["arm"], row["source"]],
            "share": row["total"] / every[row["arm"]],
            "median_seconds": np.nan if row["seconds"] is None else float(row["seconds"]),
        }
        for row in found.transitions
    ]
    names = ["arm", "source", "target", "count", "units", "p", "share", "median_seconds"]
    table = pd.DataFrame(rows, columns=names)
    return table.sort_values(
        ["arm", "count", "source", "target"], ascending=[True, False, True, True],
        ignore_index=True,
    )  # fmt: skip


def step_table(found: Counted, arms: Sequence[str], asked: Question) -> pd.DataFrame:
    """Return the share of paths at each event by step; what has ended stays at the end."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for arm in arms:
        paths = _paths(found, arm, asked)
        own = [row for row in found.steps if row["arm"] == arm]
        for step in range(1, asked.steps + 1):
            here = {row["event"]: row["total"] for row in own if row["step"] == step}
            ended = paths - sum(here.values())
            for event, count in [*sorted(here.items()), (END, ended)]:
                rows.append(
                    {"arm": arm, "step": step, "event": event, "paths": int(count),
                     "share": count / paths if paths else np.nan}
                )  # fmt: skip
    return pd.DataFrame(rows, columns=["arm", "step", "event", "paths", "share"])


def _paths(found: Counted, arm: str, asked: Question) -> float:
    """Return the paths of an arm: of units, those without an event ended before they began."""
    if asked.by == "unit":
        return float(found.units.get(arm, 0))
    return found.paths.get(arm, {}).get("s", 0.0)


def top_table(found: Counted, arms: Sequence[str], asked: Question) -> pd.DataFrame:
    """Return the most frequent paths."""
    import pandas as pd

    rows = [
        {"arm": row["arm"], "path": row["way"], "paths": int(row["n"]),
         "share": row["n"] / _paths(found, row["arm"], asked)}
        for arm in arms
        for row in found.top
        if row["arm"] == arm
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["arm", "path", "paths", "share"])


def exit_table(transitions: pd.DataFrame) -> pd.DataFrame:
    """Return how often paths end after each event."""
    ends = transitions[transitions["target"] == END]
    found = ends[["arm", "source", "count", "units", "p"]].rename(columns={"source": "event"})
    return found.sort_values(["arm", "count", "event"], ascending=[True, False, True]).reset_index(
        drop=True
    )


def negative_table(
    found: Counted, arms: Sequence[str], asked: Question, confidence_level: float
) -> pd.DataFrame:
    """Return the share of units with each negative event."""
    import pandas as pd

    done = {(row["arm"], row["event"]): int(row["units"]) for row in found.negative}
    rows = []
    for arm in arms:
        for event in asked.negative:
            units = found.units.get(arm, 0)
            share, low, high = share_limits(done.get((arm, event), 0), units, confidence_level)
            rows.append(
                {"arm": arm, "event": event, "exposed": units,
                 "units": done.get((arm, event), 0), "share": share, "lower": low, "upper": high}
            )  # fmt: skip
    names = ["arm", "event", "exposed", "units", "share", "lower", "upper"]
    return pd.DataFrame(rows, columns=names)


def negative_differences(
    found: Counted, arms: Sequence[str], asked: Question, confidence_level: float
) -> pd.DataFrame | None:
    """Return treatment minus control in the share of units with each negative event."""
    if not asked.negative:
        return None
    done = {(row["arm"], row["event"]): int(row["units"]) for row in found.negative}
    counts = {
        arm: (
            [found.units.get(arm, 0)] * len(asked.negative),
            [done.get((arm, event), 0) for event in asked.negative],
        )
        for arm in arms
    }
    keys = {"event": list(asked.negative)}
    return share_differences(counts, keys, confidence_level=confidence_level)


def transition_differences(
    found: Counted, arms: Sequence[str], confidence_level: float
) -> pd.DataFrame:
    """Return treatment minus control of P(target | source): ratios of two totals over units."""
    n = {(row["arm"], row["source"], row["target"]): row for row in found.transitions}
    m = {(row["arm"], row["source"]): row for row in found.sources}
    cells = sorted({(row["source"], row["target"]) for row in found.transitions})
    tables = {}
    for arm in arms:
        rows = [n.get((arm, *cell), {}) for cell in cells]
        outs = [m.get((arm, source), {}) for source, _ in cells]
        tables[arm] = moments_of(
            [found.units.get(arm, 0)] * len(cells),
            [_of(rows, "total"), _of(outs, "total")],
            {(0, 0): _of(rows, "n_n"), (0, 1): _of(rows, "n_m"), (1, 1): _of(outs, "m_m")},
        )
    keys = {"source": [a for a, _ in cells], "target": [b for _, b in cells]}
    return _fdr(ratio_differences(tables, keys, confidence_level=confidence_level))


def _of(rows: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [float(row.get(name, 0.0)) for row in rows]


def step_differences(
    found: Counted, arms: Sequence[str], asked: Question, confidence_level: float
) -> pd.DataFrame:
    """Return treatment minus control in the share of paths at each event by step."""
    by = {(row["arm"], row["step"], row["event"]): row for row in found.steps}
    cells = sorted({(row["step"], row["event"]) for row in found.steps})
    keys = {"step": [step for step, _ in cells], "event": [event for _, event in cells]}
    if asked.by == "unit":
        counts = {
            arm: (
                [found.units.get(arm, 0)] * len(cells),
                _of([by.get((arm, *cell), {}) for cell in cells], "total"),
            )
            for arm in arms
        }
        return _fdr(share_differences(counts, keys, confidence_level=confidence_level))
    tables = {}
    for arm in arms:
        rows = [by.get((arm, *cell), {}) for cell in cells]
        paths = found.paths.get(arm, {"s": 0.0, "s_s": 0.0})
        tables[arm] = moments_of(
            [found.units.get(arm, 0)] * len(cells),
            [_of(rows, "total"), [paths["s"]] * len(cells)],
            {
                (0, 0): _of(rows, "n_n"),
                (0, 1): _of(rows, "n_s"),
                (1, 1): [paths["s_s"]] * len(cells),
            },
        )
    return _fdr(ratio_differences(tables, keys, confidence_level=confidence_level))


def _fdr(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with p-values adjusted over the cells of each treatment."""
    for arm in rows["arm"].unique():
        own = rows["arm"] == arm
        rows.loc[own, "p_adjusted"] = holm(rows.loc[own, "p_value"].to_numpy(), FDR)
    return rows


def flow_rows(found: Counted, arm: str) -> list[dict[str, Any]]:
    """Return how many paths of an arm went from one event to the next, by step."""
    return [row for row in found.flows if row["arm"] == arm]
