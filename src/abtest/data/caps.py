"""Winsorised values: what lies above a quantile of all arms together counts as that quantile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from abtest.data.detail import LARGEST
from abtest.data.entry import Entry
from abtest.data.measured import Cap
from abtest.data.source import Sources
from abtest.stats.means.ranks import rank_of_share


@dataclass(frozen=True)
class CapPlan:
    """One metric whose values are winsorised.

    Attributes
    ----------
    metric
        Its id.
    columns
        The outcome and, with CUPED, its pre-exposure twin, which has a threshold of its own.
    share
        Of the units that do not exceed the threshold.
    entry
        Which units enter.
    """

    metric: str
    columns: tuple[str, ...]
    share: float
    entry: Entry


def with_caps(
    sources: Sources,
    table: ir.Table,
    plans: Sequence[CapPlan],
    variants: Sequence[str],
    label: str,
) -> tuple[ir.Table, dict[tuple[str, str], str], dict[str, Cap]]:
    """Return the units with winsorised columns, their names, and the thresholds of outcomes.

    A column without any value, or with an infinite one, stays as it is: the metric then fails as
    it would without a threshold.

    Parameters
    ----------
    table
        One row per unit with ``status``, the index of its variant.
    plans
        The metrics.
    variants
        Names of the arms, control first.
    """
    capped: dict[str, ir.Value] = {}
    names: dict[tuple[str, str], str] = {}
    caps: dict[str, Cap] = {}
    for plan in plans:
        for place, column in enumerate(plan.columns):
            threshold = _threshold(sources, table, column, plan, label)
            if threshold is None:
                continue
            value = table[column]
            names[plan.metric, column] = f"w{len(capped)}"
            capped[f"w{len(capped)}"] = (value > threshold).ifelse(threshold, value)
            if place == 0:
                above = _above(sources, table, column, plan, threshold, label)
                caps[plan.metric] = Cap(
                    threshold, {name: above.get(arm, 0) for arm, name in enumerate(variants)}
                )
    return (table.mutate(**capped) if capped else table), names, caps


def _entering(table: ir.Table, column: str, plan: CapPlan) -> ir.BooleanValue:
    enters = (table["status"] >= 0) & table[column].notnull()
    if "crossover" in table.columns:  # units of two arms are in no effect
        enters = enters & ~table["crossover"]
    ready = plan.entry.condition(table)
    return enters if ready is None else enters & ready


def _threshold(
    sources: Sources, table: ir.Table, column: str, plan: CapPlan, label: str
) -> float | None:
    """Return the smallest value that at least the share of the entering units does not exceed."""
    enters = _entering(table, column, plan)
    value = table[column]
    asked = table.aggregate(n=enters.sum(), largest=value.abs().max(where=enters))
    size = sources.run(asked, label).to_pylist()[0]
    n, largest = int(size["n"] or 0), size["largest"]
    if not n or largest is None or not largest <= LARGEST:
        return None
    from_above = n - rank_of_share(plan.share, n) + 1
    chosen = table.filter(enters).select(value=value)
    top = chosen.order_by(ibis.desc("value")).limit(from_above)
    return float(sources.run(top.aggregate(x=top["value"].min()), label)["x"][0].as_py())


def _above(
    sources: Sources, table: ir.Table, column: str, plan: CapPlan, threshold: float, label: str
) -> Mapping[int, int]:
    met = table.filter(_entering(table, column, plan) & (table[column] > threshold))
    found = sources.run(met.group_by("status").aggregate(n=met.count()), label)
    return dict(
        zip(found["status"].to_pylist(), (int(n) for n in found["n"].to_pylist()), strict=True)
    )
