"""The finished columns that metrics ask for, read once each and named; what fails, fails alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

import ibis.expr.types as ir

from abtest.data import reading
from abtest.data.caps import CapPlan
from abtest.data.counted import CountPlan
from abtest.data.detail import DetailPlan
from abtest.data.entry import EVERY_UNIT
from abtest.data.measured import Failure
from abtest.data.plan import MetricPlan, Spread
from abtest.data.request import ColumnValue, UnitRequest
from abtest.data.source import Source, Sources
from abtest.data.timed import TimePlan
from abtest.errors import UsageError


@dataclass
class FinishedColumns:
    """Columns of a units table by the short names under which they are summed.

    `aliases` maps a column to its short name, `text` are the columns that were text and may
    hold what is no number, `whole` the short names of columns of whole numbers, `failures` the
    metrics that ask for what cannot be had.
    """

    aliases: dict[str, str] = field(default_factory=dict)
    text: dict[str, str] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    failures: dict[str, Failure] = field(default_factory=dict)

    @classmethod
    def of(cls, requests: Sequence[UnitRequest], source: Source) -> FinishedColumns:
        """Return the columns of all requests."""
        found = cls()
        for request in requests:
            for name in _names(request):
                failure = column_failure(source, name)
                if failure is not None:
                    found.failures[request.metric] = failure
                    break
            else:
                for name in _names(request):
                    found.aliases.setdefault(name, f"v{len(found.aliases)}")
                    kind = source.table[name].type()
                    if kind.is_string():
                        found.text[name] = found.aliases[name]
                    elif kind.is_integer() or kind.is_boolean():
                        found.whole.add(found.aliases[name])
        return found

    def values(self, table: ir.Table) -> dict[str, ir.Value]:
        """Return the columns as numbers, with a flag per text column where it holds none."""
        found: dict[str, ir.Value] = {}
        for name, alias in self.aliases.items():
            read = reading.number(table[name])
            assert read is not None  # columns of other types have failed
            found[alias] = read
            if name in self.text:
                found[f"bad_{alias}"] = reading.is_unreadable(table[name], read)
        return found

    def plans(
        self,
        requests: Sequence[UnitRequest],
        spreads: Mapping[str, Spread],
        rows: int,
        capped: Mapping[tuple[str, str], str],
    ) -> list[MetricPlan]:
        """Return a plan for every metric of sums that has not failed.

        `capped` are the columns that stand in for winsorised ones, by metric and column.
        """
        plans = []
        for request in requests:
            if request.metric in self.failures or request.statistic != "moments":
                continue
            plain = [self.aliases[name] for name in _names(request)]
            names = tuple(capped.get((request.metric, name), name) for name in plain)
            size = len(request.variables)
            plans.append(
                MetricPlan(
                    request.metric,
                    names[:size],
                    names[size:],
                    tuple(spreads[name] for name in names),
                    rows,
                    binary=request.binary,
                )
            )
        return plans

    def cap_plans(self, requests: Sequence[UnitRequest]) -> list[CapPlan]:
        """Return the metrics whose values are winsorised: columns known before are used as is."""
        return [
            CapPlan(
                request.metric, (self.aliases[_names(request)[0]],), request.winsorize, EVERY_UNIT
            )
            for request in requests
            if request.winsorize is not None and request.metric not in self.failures
        ]

    def details(self, requests: Sequence[UnitRequest]) -> list[DetailPlan]:
        """Return a plan for every metric of value counts or times that has not failed."""
        plans: list[DetailPlan] = []
        for request in requests:
            if request.metric in self.failures:
                continue
            names = [self.aliases[name] for name in _names(request)]
            if request.statistic == "value_counts":
                plans.append(CountPlan(request.metric, names[0]))
            elif request.statistic == "event_times":
                plans.append(TimePlan(request.metric, names[0], names[1]))
        return plans

    def unreadable(
        self,
        requests: Sequence[UnitRequest],
        counts: Mapping[str, int],
        source: Source,
        sources: Sources,
    ) -> dict[str, Failure]:
        """Return failures for columns that hold text; `counts` are unreadable rows by alias."""
        failures: dict[str, Failure] = {}
        examples: dict[str, object] = {}
        for request in requests:
            for name in _names(request):
                alias = self.text.get(name)
                if request.metric in self.failures or not alias or not counts.get(alias):
                    continue
                if name not in examples:
                    raw = source.table[name]
                    read = reading.number(raw)
                    assert read is not None  # the column is text
                    bad = reading.is_unreadable(raw, read)
                    found = sources.run(source.table.aggregate(x=raw.min(where=bad)), source.label)
                    examples[name] = found["x"][0].as_py()
                failures[request.metric] = (
                    "not_numeric",
                    {"column": name, "rows": counts[alias], "example": examples[name]},
                )
                break
        return failures


def _names(request: UnitRequest) -> tuple[str, ...]:
    names = []
    for value in (*request.variables, *request.covariates):
        if not isinstance(value, ColumnValue):
            raise UsageError(
                "A table of units has no events",
                given=f"metric {request.metric!r}",
                todo="name a column of the table as the metric's value",
                code="events_on_units",
            )
        names.append(value.column)
    return tuple(names)


def column_failure(source: Source, name: str) -> Failure | None:
    """Return why a column gives no numbers, as its type tells; None when it may."""
    if name not in source.table.columns:
        close = get_close_matches(name, source.table.columns, n=1, cutoff=0.5)
        return "missing_column", {"column": name, "nearest": close[0] if close else None}
    kind = source.table[name].type()
    if reading.number(source.table[name]) is None:
        return "not_numeric", {"column": name, "type": str(kind)}
    return None
