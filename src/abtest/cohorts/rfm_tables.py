"""Tables of RFM: units by cell, segment and arm, and differences of an outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from abtest.cohorts.differences import share_differences
from abtest.cohorts.log import EventLog
from abtest.cohorts.rfm_scores import NO_PURCHASE, OTHER, Question, with_outcome

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

_CELL = ["recency_score", "frequency_score"]


def counted_cells(log: EventLog, units: ir.Table) -> pd.DataFrame:
    """Return units and sums by arm, cell and segment."""
    found = units.group_by("arm", *_CELL, "segment").aggregate(
        units=units.count(),
        recency=units["recency_days"].sum(),
        frequency=units["frequency"].sum(),
        value=units["value"].sum(),
    )
    counted: pd.DataFrame = log.run(found.order_by("arm", *_CELL)).to_pandas()
    return counted


def _summed(counted: pd.DataFrame, by: str | list[str]) -> pd.DataFrame:
    """Return units, shares and means by cell or segment."""
    columns = ["units", "recency", "frequency", "value"]
    sums = counted.groupby(by, dropna=False)[columns].sum(min_count=1).reset_index()
    n = sums["units"].astype("float64")
    wide = sums.assign(
        share=n / n.sum(),
        mean_recency_days=sums["recency"].astype("float64") / n,
        mean_frequency=sums["frequency"].astype("float64") / n,
        mean_value=sums["value"].astype("float64") / n,
        total_value=sums["value"].astype("float64"),
    )
    kept: pd.DataFrame = wide.drop(columns=["recency", "frequency", "value"])
    return kept


def cell_table(counted: pd.DataFrame, asked: Question) -> pd.DataFrame:
    """Return one row per cell, the best first."""
    import pandas as pd

    bought = counted[counted["segment"] != NO_PURCHASE]
    found = _summed(bought.astype(dict.fromkeys(_CELL, "int64")), _CELL)
    ahead = range(asked.scores, 0, -1)
    every = pd.DataFrame([(r, f) for r in ahead for f in ahead], columns=_CELL)
    names = [asked.segments.get((r, f), OTHER) for r, f in every.itertuples(index=False)]
    table = every.assign(segment=names).merge(found, on=_CELL, how="left")
    table["units"] = table["units"].fillna(0).astype("int64")
    table["share"] = table["share"].astype("float64").fillna(0.0)
    return table


def segment_table(counted: pd.DataFrame) -> pd.DataFrame:
    """Return one row per segment, the largest first."""
    found = _summed(counted, "segment")
    return found.sort_values(["units", "segment"], ascending=[False, True], ignore_index=True)


def arm_table(counted: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return units and shares of each segment per arm."""
    found = counted.groupby(["segment", "arm"])["units"].sum().unstack(fill_value=0)
    found = found.reindex(columns=list(names), fill_value=0)
    wide = found.join((found / found.sum()).add_prefix("share_"))
    return wide.reset_index().rename_axis(columns=None)


def outcome_differences(
    log: EventLog, units: ir.Table, asked: Question, confidence_level: float
) -> pd.DataFrame:
    """Return treatment minus control in the outcome, by cell or segment."""
    assert log.arms is not None
    keys = ["segment"] if asked.compare == "segment" else [*_CELL, "segment"]
    known = with_outcome(log, units, asked)
    found = known.group_by("arm", *keys).aggregate(n=known.count(), met=known["met"].sum())
    rows = log.run(found).to_pylist()
    cells = sorted(
        {tuple(row[key] for key in keys) for row in rows},
        key=lambda cell: tuple((x is None, -x if isinstance(x, int) else x or 0) for x in cell),
    )
    counts = {(row["arm"], *(row[key] for key in keys)): (row["n"], row["met"]) for row in rows}
    arms: dict[str, tuple[Any, Any]] = {}
    for name in log.arms.names:
        pairs = [counts.get((name, *cell), (0, 0)) for cell in cells]
        arms[name] = ([n for n, _ in pairs], [met for _, met in pairs])
    columns = {key: [cell[i] for cell in cells] for i, key in enumerate(keys)}
    return share_differences(arms, columns, confidence_level=confidence_level)
