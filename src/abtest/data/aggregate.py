"""One aggregation over units: from a table with one row per unit to cells of sums."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from abtest.data.detail import LARGEST, DetailPlan, Query, fetch_details
from abtest.data.measured import Cells, Failure
from abtest.data.plan import MetricPlan, Spread, Values
from abtest.data.request import Design
from abtest.data.samples import MetricCells, MetricSums
from abtest.data.source import Sources
from abtest.errors import DataError

MAX_CELLS = 200_000
"""Cells of variant x phase x day x segments that are fetched at most."""
SAMPLE_ROWS = 1000
"""Rows from which pilots of a table that is read only once are taken."""
UNSEEN_REACH = 1024.0
"""Reach assumed of a column whose sample holds nothing but its pilot."""


@dataclass(frozen=True)
class UnitTable:
    """A table with one row per unit, and which of its columns mean what.

    `table` has ``status`` (index of the variant, negative for rows that do not enter),
    ``phase`` and the columns named here. `segments` maps a segment to its column; `flags`
    are Boolean columns by which cells are split further; `counts` Boolean columns that are
    counted per cell.
    """

    table: ir.Table
    label: str
    day: str | None
    segments: Mapping[str, str]
    flags: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """Cells in a fixed order, with the flags and counts of the unit table."""

    status: NDArray[np.int64]
    units: NDArray[np.int64]
    phase: NDArray[np.int64]
    day: NDArray[np.object_]
    segments: Mapping[str, NDArray[np.object_]]
    extra: Mapping[str, NDArray[np.int64]]
    metrics: Mapping[str, MetricCells]
    failures: Mapping[str, Failure] = field(default_factory=dict)

    def cells(
        self, keep: NDArray[np.bool_], variants: Sequence[str], without: Collection[str] = ()
    ) -> Cells:
        """Return the kept cells with the names of their variants, without some metrics."""
        names = np.array(variants, dtype=object)
        return Cells(
            variant=names[self.status[keep]],
            phase=self.phase[keep],
            day=self.day[keep],
            segments={name: values[keep] for name, values in self.segments.items()},
            units=self.units[keep],
            metrics={
                name: sums.at(keep) for name, sums in self.metrics.items() if name not in without
            },
        )


def aggregate(
    sources: Sources,
    units: UnitTable,
    plans: Sequence[MetricPlan],
    details: Sequence[DetailPlan] = (),
) -> Answer:
    """Return every metric in every cell.

    One aggregation answers all that sums can say; metrics whose pilots turn out badly placed are
    aggregated once more about better ones, and what `details` need is fetched beside. A metric
    that cannot be had becomes a failure.
    """
    answer = _order(_query(sources, units, plans, details))
    metrics, failures = _read(plans, answer)
    base = _base(answer, units)
    enter = base.status >= 0
    better = []
    for plan in plans:
        if plan.metric in metrics:
            kept = metrics[plan.metric].at(enter)
            plan_again = plan.improved(kept, base.status[enter].astype(object))
            if plan_again is not None:
                better.append(plan_again)
    if better:
        again, failed = _read(better, _order(_query(sources, units, better)))
        metrics |= again
        failures |= failed
        metrics = {name: sums for name, sums in metrics.items() if name not in failures}
    query = Query(sources, units.table, _keys(units), answer, units.label)
    found, failed = fetch_details(query, {f"c{i}_": plan for i, plan in enumerate(details)})
    return replace(base, metrics={**metrics, **found}, failures=failures | failed)


def _keys(units: UnitTable) -> dict[str, ir.Value]:
    """Return what makes a cell."""
    table = units.table
    by: dict[str, ir.Value] = {"status": table["status"], "phase": table["phase"]}
    if units.day is not None:
        by["day"] = table[units.day]
    by |= {f"segment_{i}": table[name] for i, name in enumerate(units.segments.values())}
    return by | {f"flag_{name}": table[name] for name in units.flags}


def _query(
    sources: Sources,
    units: UnitTable,
    plans: Sequence[MetricPlan],
    details: Sequence[DetailPlan] = (),
) -> pa.Table:
    table = units.table
    by = _keys(units)
    asked: dict[str, ir.Value] = {"units": table.count()}
    asked |= {f"count_{name}": table[name].sum().fill_null(0) for name in units.counts}
    for number, plan in enumerate(plans):
        asked |= plan.expressions(table, f"m{number}_")
    for number, detail in enumerate(details):
        asked |= detail.expressions(table, f"c{number}_")
    found = sources.run(table.group_by(**by).aggregate(**asked).limit(MAX_CELLS + 1), units.label)
    if found.num_rows > MAX_CELLS:
        raise DataError(
            "There are too many combinations of days and segment values",
            given=f"more than {MAX_CELLS:,} cells; segments: {', '.join(units.segments)}",
            todo="name segments with few values each",
            code="too_many_segments",
        )
    return found


def _order(found: pa.Table) -> pa.Table:
    """Return the cells in an order that does not depend on the engine's threads."""
    keys = [
        name
        for name in found.column_names
        if name in ("status", "phase", "day") or name.startswith(("segment_", "flag_"))
    ]
    return found.sort_by([(name, "ascending") for name in keys])


def _numbers(found: pa.Table) -> Values:
    return {
        name: found[name].to_numpy().astype(np.float64)
        for name in found.column_names
        if name.startswith("m")
    }


def _read(
    plans: Sequence[MetricPlan], found: pa.Table
) -> tuple[dict[str, MetricSums], dict[str, Failure]]:
    answer = _numbers(found)
    status = found["status"].to_numpy()
    per_cell = found["units"].to_numpy().astype(np.int64)
    metrics: dict[str, MetricSums] = {}
    failures: dict[str, Failure] = {}
    enter = status >= 0
    for number, plan in enumerate(plans):
        prefix = f"m{number}_"
        with np.errstate(invalid="ignore"):
            sums = plan.read(answer, prefix, per_cell)
        wrong = plan.not_binary(answer, prefix, enter)
        finite = np.isfinite(sums.products[enter]).all() and np.isfinite(sums.sums[enter]).all()
        if wrong:
            failures[plan.metric] = ("not_binary", {"units": wrong})
        elif not finite:
            failures[plan.metric] = ("infinite_values", {})
        elif sums.n[enter].sum() == 0 and sums.nulls[enter].sum() > 0:
            failures[plan.metric] = ("all_null", {"units": int(sums.nulls[enter].sum())})
        else:
            metrics[plan.metric] = sums
    return metrics, failures


def _base(found: pa.Table, units: UnitTable) -> Answer:
    def whole(name: str) -> NDArray[np.int64]:
        return np.asarray(found[name].to_numpy(), dtype=np.int64)

    def objects(name: str) -> NDArray[np.object_]:
        values = np.empty(found.num_rows, dtype=object)
        values[:] = found[name].to_pylist()
        return values

    none = np.full(found.num_rows, None, dtype=object)
    return Answer(
        status=whole("status"),
        units=whole("units"),
        phase=whole("phase"),
        day=none if units.day is None else objects("day"),
        segments={name: objects(f"segment_{i}") for i, name in enumerate(units.segments)},
        extra={name: whole(f"flag_{name}") for name in units.flags}
        | {name: whole(f"count_{name}") for name in units.counts},
        metrics={},
    )


def sampled_spreads(
    sources: Sources, table: ir.Table, names: Sequence[str], label: str, whole: Collection[str]
) -> dict[str, Spread]:
    """Return a spread per column from the first rows of a table: the pilot is their median.

    `whole` names the columns of whole numbers.

    The median is a value of the column, so that a constant column has variance 0 exactly.
    """
    found = sources.run(table.select(*names).limit(SAMPLE_ROWS), label)
    spreads = {}
    for name in names:
        values = found[name].drop_null().to_numpy().astype(np.float64)
        values = np.sort(values[np.isfinite(values)])
        if len(values) == 0:
            spreads[name] = Spread(0.0, UNSEEN_REACH, name in whole)
            continue
        low, middle, high = (float(values[i]) for i in (0, len(values) // 2, -1))
        spread = Spread.of(low, high, middle)
        spreads[name] = Spread(spread.pilot, 16.0 * spread.reach or UNSEEN_REACH, name in whole)
    return spreads


def known_spreads(
    sources: Sources, table: ir.Table, names: Sequence[str], label: str, whole: Collection[str]
) -> dict[str, Spread]:
    """Return a spread per column about 0 from its smallest and largest value.

    `whole` names the columns of whole numbers.
    """
    if not names:
        return {}
    ends: dict[str, ir.Value] = {}
    for number, name in enumerate(names):
        ends[f"low{number}"] = table[name].min()
        ends[f"high{number}"] = table[name].max()
        ends[f"gap{number}"] = table[name].isnull().any()
    found = sources.run(table.aggregate(**ends), label).to_pylist()[0]
    spreads = {}
    for number, name in enumerate(names):
        low, high = found[f"low{number}"] or 0.0, found[f"high{number}"] or 0.0
        complete = found[f"gap{number}"] is False
        spreads[name] = Spread.of(low, high, 0.0, whole=name in whole, complete=complete)
    return spreads


def explained(
    sources: Sources, table: ir.Table, answer: Answer, plans: Sequence[MetricPlan], label: str
) -> dict[str, Failure]:
    """Return the failures of an aggregation; infinite sums say how many values are infinite."""
    failures: dict[str, Failure] = {}
    for metric, (code, values) in answer.failures.items():
        plan = next((plan for plan in plans if plan.metric == metric), None)
        if code != "infinite_values" or plan is None:
            failures[metric] = (code, values)
            continue
        infinite = ibis.or_(
            *(table[name].abs() > LARGEST for name in plan.values + plan.covariates)
        )
        rows = (infinite & (table["status"] >= 0)).sum().fill_null(0)
        units = int(sources.run(table.aggregate(rows=rows), label)["rows"][0].as_py())
        failures[metric] = (code, {"units": units}) if units else ("values_too_large", {})
    return failures


def exposed(
    answer: Answer, design: Design
) -> tuple[dict[str, int], dict[tuple[int, date | None], dict[str, int]]]:
    """Return exposed units by variant, and the same by phase and local day."""
    total = dict.fromkeys(design.variants, 0)
    by_day: dict[tuple[int, date | None], dict[str, int]] = {}
    for row in range(len(answer.status)):
        if answer.status[row] < 0:
            continue
        variant = design.variants[answer.status[row]]
        key = (int(answer.phase[row]), answer.day[row])
        day = by_day.setdefault(key, dict.fromkeys(design.variants, 0))
        units = int(answer.units[row])
        total[variant] += units
        day[variant] += units
    ordered = sorted(by_day, key=lambda key: (key[0], key[1] or date.min))
    return total, {key: by_day[key] for key in ordered}
