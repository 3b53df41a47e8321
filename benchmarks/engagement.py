"""Values per unit from an event log, sessions and cohort helpers, against queries by hand.

``ABTEST_BENCH_EVENTS`` is the number of events; there is a unit for every twenty.
"""

import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import duckdb

import abtest
from abtest.data.measured import Measured as MeasuredData
from abtest.data.measurement import measure as measure_data
from abtest.experiment.analysis import Experiment
from abtest.experiment.requests import metric_requests
from benchmarks import log_queries as by_hand
from benchmarks.helpers import HELPERS
from benchmarks.log_queries import EVENTS, FEW
from benchmarks.peak import alone
from benchmarks.timing import Measured

RATIO = 1.5
HELPER_RATIO = 2.0
MEMORY = 6e9
REPEATS = 3
LONG = 180.0
"""Seconds of a round after which there is no other one."""
METRICS = tuple(by_hand.VALUES)
SESSIONS = ("sessions_per_unit", "time_in_app", "session_duration")
OVERRIDES: dict[str, dict[str, object]] = {
    "repeat_purchase": {"window_days": [0, 28]},
    **{name: {"window_days": [0, 28], "direction": "increase"} for name in SESSIONS},
}


def experiment(metrics: Sequence[str], events: int) -> Experiment:
    """Return an experiment of some metrics of the catalogue over the log.

    Those of sessions are not adjusted: the query by hand looks at no time before exposure.
    """
    folder, metrics = by_hand.folder(events), tuple(metrics)  # JSON has lists only
    chosen = [
        {"use": name, "role": "secondary" if place else "primary", **OVERRIDES.get(name, {})}
        for place, name in enumerate(metrics)
    ]
    chosen[0]["mde"] = 0.05
    return abtest.load(
        {
            "experiment": {
                "name": "log",
                "title": "An event log",
                "hypothesis": "It is fast.",
                "owner": "benchmarks",
                "timezone": "UTC",
                "start": datetime(2025, 1, 15, tzinfo=UTC),
                "end": datetime(2025, 1, 29, tzinfo=UTC),
            },
            "variants": {
                "control": "control",
                "treatments": ["new"],
                "allocation": {"control": 0.5, "new": 0.5},
            },
            "events": {"active": ["open", "search"], "purchase": "order", "goal": "order"},
            "data": {
                "kind": "events",
                "exposures": {
                    "source": str(folder / "exposures.parquet"),
                    "unit": "user_id",
                    "variant": "variant",
                    "time": "exposed_at",
                },
                "events": {
                    "source": str(folder / "events.parquet"),
                    "unit": "user_id",
                    "time": "occurred_at",
                    "name": "event",
                    "value": "value",
                },
            },
            "analysis": {"cuped": metrics != SESSIONS},
            "metrics": chosen,
        },
        root=folder,
    )


def seconds_of(call: Callable[[], object]) -> float:
    """Return the seconds of a call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def query_seconds(query: str) -> float:
    """Return the seconds of a query whose answer stays in the engine."""
    with duckdb.connect() as connection:
        return seconds_of(lambda: connection.execute(f"CREATE TEMP TABLE found AS {query}"))


def analysis_seconds(metrics: Sequence[str]) -> float:
    """Return the seconds of an analysis, from the dict to the finished document.

    Modules are imported before, by the analysis of a small log.
    """
    _ = experiment(metrics, FEW).analyze().document
    return seconds_of(lambda: experiment(metrics, EVENTS).analyze().document)


def helper_seconds(name: str) -> float:
    """Return the seconds of a helper; modules are imported by one over a small log."""
    HELPERS[name].run(FEW)
    return seconds_of(lambda: HELPERS[name].run(EVENTS))


def medians(*sides: tuple[Callable[..., float], object]) -> list[tuple[float, int]]:
    """Return the median seconds of each call and its largest peak, each in a process, in turn.

    There are `REPEATS` rounds, or one if it is long.
    """
    found: list[list[tuple[float, int]]] = [[] for _ in sides]
    for _ in range(REPEATS):
        for place, (function, argument) in enumerate(sides):
            found[place].append(alone(function, argument))
        if sum(one[-1][0] for one in found) > LONG:
            break
    return [(statistics.median(s for s, _ in one), max(peak for _, peak in one)) for one in found]


def measured_data(metrics: Sequence[str]) -> MeasuredData:
    """Return what the data layer gives of the small log."""
    resolved = experiment(metrics, FEW).resolved
    requests = tuple(metric_requests(resolved.spec).values())
    return measure_data(resolved.spec.data, requests, resolved.spec.design(), root=resolved.root)


def same_moments(
    metrics: Sequence[str], query: str, columns: Mapping[str, tuple[str, ...]]
) -> bool:
    """Return whether means and products of values on the small log are those of a query by arm.

    `columns` are the query's, by metric: of outcomes and, if they are to be compared, their twins
    before exposure.
    """
    data = measured_data(metrics)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TEMP TABLE found AS {query}")
        for metric, names in columns.items():
            size = len(names)
            sums = [f"avg({name})" for name in names]
            sums += [f"covar_pop({a}, {b}) * count(*)" for a in names for b in names]
            for arm, *numbers in connection.execute(
                f"SELECT variant, {', '.join(sums)} FROM found GROUP BY variant"
            ).fetchall():
                (sample,) = data.samples(metric, arm)
                own = [*sample.mean[:size], *sample.m2[:size, :size].ravel()]
                if not all(
                    math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-6)
                    for a, b in zip(own, numbers, strict=True)
                ):
                    return False
    return True


def row(
    what: str,
    own: tuple[float, int],
    hand: tuple[float, int],
    most: float,
    same: bool,
    *,
    memory: float | None = MEMORY,
) -> Measured:
    """Return one comparison; without `memory` no peak is promised, and the query's stands by."""
    ratio = own[0] / hand[0]
    figure = (
        f"{ratio:.2f} x ({own[0]:.2f} s, by hand {hand[0]:.2f} s), peak of the whole process "
        f"{own[1] / 1e9:.1f} GB, by hand {hand[1] / 1e9:.1f}; {'the same' if same else 'OTHER'} "
        "values"
    )
    small = "" if memory is None else f"below {memory / 1e9:.0f} GB, "
    promise = f"at most {most:g} x, {small}the same values"
    kept = ratio <= most and same and (memory is None or own[1] < memory)
    return Measured(what, figure, promise, kept)


def values_row() -> Measured:
    """Return metrics of the catalogue beside one pass by hand."""
    (own, hand) = medians(
        (analysis_seconds, METRICS), (query_seconds, by_hand.values_by_hand(EVENTS))
    )
    columns = {name: (name, f"{name}_before") for name in METRICS}
    same = same_moments(METRICS, by_hand.values_by_hand(FEW), columns)
    return row(
        f"analysis of {len(METRICS)} catalogue metrics with CUPED, {EVENTS:,} events of "
        f"{EVENTS // by_hand.PER_UNIT:,} units from Parquet, over one pass for the same values "
        "by hand in DuckDB SQL",
        own,
        hand,
        RATIO,
        same,
    )


def sessions_row() -> Measured:
    """Return metrics of sessions beside the bare window query."""
    (own, hand) = medians(
        (analysis_seconds, SESSIONS), (query_seconds, by_hand.sessions_by_hand(EVENTS))
    )
    exposures = by_hand.folder(FEW) / "exposures.parquet"
    units = (
        "SELECT variant, coalesce(sessions, 0) AS sessions, coalesce(seconds, 0) AS seconds FROM "
        f"'{exposures}' LEFT JOIN ({by_hand.sessions_by_hand(FEW)}) USING (user_id)"
    )
    plain = {"sessions_per_unit": ("sessions",), "time_in_app": ("seconds",)}
    same = same_moments(SESSIONS, units, plain)
    return row(
        f"analysis of {len(SESSIONS)} metrics of sessions of the same log, over the window query "
        "by hand",
        own,
        hand,
        RATIO,
        same,
    )


def helper_rows() -> Iterator[Measured]:
    """Yield every cohort helper beside its query."""
    for name, helper in HELPERS.items():
        own, hand = medians((helper_seconds, name), (query_seconds, helper.query(EVENTS)))
        with duckdb.connect() as connection:
            rows = connection.execute(helper.query(FEW)).fetchall()
        same = helper.agrees(FEW, rows)
        what = f"`cohorts.{name}` of the same log, over the same counts by hand"
        yield row(what, own, hand, HELPER_RATIO, same, memory=None)


def measure() -> list[Measured]:
    """Return the ratios to queries by hand."""
    for events in (FEW, EVENTS):
        by_hand.generate(events)
    return [values_row(), sessions_row(), *helper_rows()]
