"""What the aggregation over the units of an event log computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import ibis.expr.types as ir

from abtest.data import aggregate as agg
from abtest.data import exposures
from abtest.data.activity import EventCounts
from abtest.data.asked_values import valueless_names
from abtest.data.attributes import segment_column
from abtest.data.caps import CapPlan
from abtest.data.counted import CountPlan
from abtest.data.detail import DetailPlan
from abtest.data.enrolment import Enrolment, enrolment_of
from abtest.data.entry import Entry
from abtest.data.event_job import Entered, EventJob, session_rule
from abtest.data.plan import MetricPlan, Spread
from abtest.data.repeated import RepeatPlan
from abtest.data.request import (
    EventValue,
    UnitRequest,
    UnitValue,
    time_step,
)
from abtest.data.timed import TimePlan
from abtest.data.values import Asked, Log, amounts_per_step, values_per_unit


@dataclass(frozen=True)
class Believed:
    """What is believed of the log: events before `as_of`, counted as `counts`."""

    job: EventJob
    entered: Entered
    counts: EventCounts
    as_of: datetime

    @property
    def log(self) -> Log:
        """The events of units."""
        job, entered = self.job, self.entered
        return Log(
            job.events,
            entered.units,
            job.design,
            self.counts,
            self.as_of,
            entered.exposed,
            job.first_event,
        )

    def values(self, asked: Asked) -> ir.Table:
        """Return a row per unit with its values, and whether events lack one."""
        return values_per_unit(self.log, asked, session_rule(self.job.settings))

    def amounts(self, value: EventValue, step: float) -> ir.Table:
        """Return a row per unit and step of time in which it has an amount."""
        return amounts_per_step(self.log, value, step)


@dataclass(frozen=True)
class Columns:
    """Columns of units: of every value, of the winsorised ones by metric, and how they spread.

    A threshold is one of the values: what is made of whole numbers is whole.
    """

    names: Mapping[UnitValue, str]
    capped: Mapping[tuple[str, str], str]
    spreads: Mapping[str, Spread]

    def of(self, request: UnitRequest, value: UnitValue) -> str:
        """Return the column of a metric's value."""
        name = self.names[value]
        return self.capped.get((request.metric, name), name)


def cap_plans(
    requests: Sequence[UnitRequest],
    columns: Mapping[UnitValue, str],
    entries: Mapping[Enrolment, Entry],
) -> list[CapPlan]:
    """Return what is to be winsorised: the first variable, and the first covariate."""
    return [
        CapPlan(
            request.metric,
            tuple(columns[value] for value in (*request.variables[:1], *request.covariates[:1])),
            request.winsorize,
            entries[enrolment_of(request)],
        )
        for request in requests
        if request.winsorize is not None
    ]


def aggregate_events(
    believed: Believed,
    table: ir.Table,
    requests: Sequence[UnitRequest],
    columns: Columns,
    entries: Mapping[Enrolment, Entry],
) -> tuple[agg.Answer, list[MetricPlan]]:
    """Return every metric in every cell, and the plans of those that are made of sums."""
    job = believed.job
    label = job.events.source.label
    summed = [request for request in requests if request.statistic == "moments"]
    plans = []
    for request in summed:
        names = tuple(columns.of(request, value) for value in request.variables)
        covariates = tuple(columns.of(request, value) for value in request.covariates)
        plans.append(
            MetricPlan(
                request.metric,
                names,
                covariates,
                tuple(columns.spreads[name] for name in names + covariates),
                believed.entered.fates[exposures.ENTERS],
                entry=entries[enrolment_of(request)],
                binary=request.binary,
            )
        )
    units = agg.UnitTable(
        table,
        label,
        day="day",
        segments={name: segment_column(job.design, name) for name in job.design.segments},
        flags=("crossover",),
        counts=("idle", "event_repeats", "event_rows", *valueless_names(requests).values()),
    )
    details = [
        _detail(believed, request, columns.names, entries[enrolment_of(request)])
        for request in requests
        if request.statistic != "moments"
    ]
    return agg.aggregate(job.sources, units, plans, details), plans


def _detail(
    believed: Believed,
    request: UnitRequest,
    values: Mapping[UnitValue, str],
    entry: Entry,
) -> DetailPlan:
    """Return the plan of a metric that needs more than sums."""
    metric = request.metric
    if request.statistic == "value_counts":
        return CountPlan(metric, values[request.variables[0]], entry)
    if request.statistic == "event_times":
        return TimePlan(metric, f"time_{metric}", f"seen_{metric}", entry)
    value = request.variables[0]
    assert isinstance(value, EventValue)
    assert request.horizon is not None  # repeated events have one
    step = time_step(request.statistic, request.horizon)
    return RepeatPlan(
        metric,
        believed.amounts(value, step),
        f"steps_{metric}",
        step,
        round(request.horizon / step),
        whole=value.aggregate == "count",
        entry=entry,
    )
