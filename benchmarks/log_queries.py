"""An event log of some size, and the queries that one would write over it by hand in DuckDB."""

import os
import tempfile
from pathlib import Path

import duckdb

EVENTS = int(os.environ.get("ABTEST_BENCH_EVENTS", "100_000_000"))
PER_UNIT = 20
PER_SESSION = 4
FEW = 200_000
"""Events of the small log, on which answers are compared."""
GAP = 30 * 60 * 1_000_000
_DAY = 86_400_000_000
_SPAN = 76
_FOLDER = Path(tempfile.gettempdir()) / "abtest-benchmarks"
_START = "TIMESTAMP '2024-12-18'"
_ENROLMENT = "TIMESTAMP '2025-01-15'"


def folder(events: int) -> Path:
    """Return where the log of so many events is."""
    return _FOLDER / f"log_{events}"


def generate(events: int) -> None:
    """Write log and exposures once: sessions of four events in 76 days, two weeks of enrolment.

    Draws are hashes of the row's number, so that every run has the same log. Rows lie in order
    of time, as logs do.
    """
    target, units, kind = folder(events), events // PER_UNIT, "hash(3 * range + 2) % 100"
    if target.exists():
        return
    unfinished = target.with_name(f"{target.name}.partial")
    unfinished.mkdir(parents=True, exist_ok=True)
    session = f"(range // {PER_SESSION})"
    begins = f"({session} * {PER_SESSION} / {events} * {_SPAN} * {_DAY})::BIGINT"
    later = f"(range % {PER_SESSION}) * 120000000 + (hash(range) % 120000000)::BIGINT"
    name = (
        f"CASE WHEN {kind} < 55 THEN 'open' WHEN {kind} < 80 THEN 'search'"
        f" WHEN {kind} < 92 THEN 'message' WHEN {kind} < 97 THEN 'cart' ELSE 'order' END"
    )
    amount = "round(-20 * ln((1 + hash(5 * range + 3) % 1000000) / 1000001.0), 2)"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT (hash(7 * {session} + 1) % {units})::BIGINT AS user_id, {name} AS event,"
            f" {_START} + to_microseconds({begins} + {later}) AS occurred_at,"
            f" CASE WHEN {kind} >= 97 THEN {amount} END AS value FROM range({events}))"
            f" TO '{unfinished}/events.parquet' (FORMAT parquet)"
        )
        connection.execute(
            f"COPY (SELECT range AS user_id, CASE WHEN hash(11 * range) % 2 = 0 THEN 'control'"
            f" ELSE 'new' END AS variant, {_ENROLMENT} + to_microseconds((hash(13 * range) %"
            f" (14 * {_DAY}))::BIGINT) AS exposed_at FROM range({units}))"
            f" TO '{unfinished}/exposures.parquet' (FORMAT parquet)"
        )
    unfinished.rename(target)


def _bit(place: str) -> str:
    return f"1::BIGINT << greatest(0, least(61, {place}))"


def _met(mask: str, first: int, end: int, low: int = 28) -> str:
    """Bits of a mask whose bit 0 is day -`low`, from one day up to another."""
    return f"{mask} & {((1 << (end - first)) - 1) << (first + low)}"


def _any(mask: str, first: int, end: int) -> str:
    return f"(coalesce({_met(mask, first, end)}, 0) <> 0)::INT"


def _days(mask: str, first: int, end: int) -> str:
    return f"bit_count(coalesce({_met(mask, first, end)}, 0))"


def _count(mask: str) -> str:
    return f"bit_count(coalesce({mask}, 0))"


VALUES: dict[str, tuple[str, str]] = {
    "active_any": (_any("rolling", 0, 28), _any("rolling", -28, 0)),
    "active_days": (_count("days_28"), _count("days_before")),
    "active_days_rate": (f"{_days('dates', 0, 28)} / 28", f"{_days('dates', -28, 0)} / 28"),
    "l7": (_days("dates", 21, 28), _days("dates", -7, 0)),
    "l14": (_days("dates", 14, 28), _days("dates", -14, 0)),
    "l28": (_days("dates", 0, 28), _days("dates", -28, 0)),
    "engagement_rate": (_any("rolling", 0, 7), _any("rolling", -7, 0)),
    "power_user": (
        f"({_days('dates', 0, 28)} >= 21)::INT",
        f"({_days('dates', -28, 0)} >= 21)::INT",
    ),
    "returning_visitor_rate": (
        f"({_count('days_30')} >= 2)::INT",
        f"({_count('days_before')} >= 2)::INT",
    ),
    "retained_day_1": (_any("rolling", 1, 2), _any("rolling", -1, 0)),
    "retained_day_7": (_any("rolling", 7, 8), _any("rolling", -1, 0)),
    "retained_day_14": (_any("rolling", 14, 15), _any("rolling", -1, 0)),
    "retained_week_1": (_any("rolling", 7, 14), _any("rolling", -7, 0)),
    "retained_week_2": (_any("rolling", 14, 21), _any("rolling", -7, 0)),
    "retained_week_3": (_any("rolling", 21, 28), _any("rolling", -7, 0)),
    "retained_unbounded_7": (_any("rolling", 7, 28), _any("rolling", -21, 0)),
    "conversion": (_any("bought", 0, 14), _any("bought", -14, 0)),
    "orders_per_unit": ("coalesce(orders, 0)", "coalesce(orders_before, 0)"),
    "revenue_per_unit": ("coalesce(revenue, 0)", "coalesce(revenue_before, 0)"),
    "repeat_purchase": (
        f"({_count('order_days')} >= 2)::INT",
        f"({_count('order_days_before')} >= 2)::INT",
    ),
}
"""Metrics of the catalogue: how a unit's value and its twin before exposure are told by hand."""


def _joined(events: int) -> str:
    log, shown = (folder(events) / f"{name}.parquet" for name in ("events", "exposures"))
    return f"'{log}' AS log JOIN '{shown}' AS shown USING (user_id)"


def values_by_hand(events: int) -> str:
    """Return the query that gives every unit's values of all metrics in one pass."""
    after, before = f"passed >= 0 AND passed < 28 * {_DAY}", "passed < 0"
    chosen = ", ".join(
        f"{value} AS {name}, {past} AS {name}_before" for name, (value, past) in VALUES.items()
    )
    return f"""
        WITH events AS (
            SELECT user_id, event IN ('open', 'search') AS active, event = 'order' AS buys, value,
                epoch_us(occurred_at) - epoch_us(exposed_at) AS passed,
                occurred_at::DATE - exposed_at::DATE AS day
            FROM {_joined(events)}
        ), placed AS (
            SELECT *, ((passed + 28 * {_DAY}) // {_DAY})::INT AS place FROM events
            WHERE passed >= -29 * {_DAY} AND passed < 30 * {_DAY}
        ), units AS (
            SELECT user_id,
                bit_or({_bit("place")}) FILTER (active AND place BETWEEN 0 AND 55
                    AND passed >= -28 * {_DAY}) AS rolling,
                bit_or({_bit("place")}) FILTER (buys AND place BETWEEN 0 AND 55
                    AND passed >= -28 * {_DAY}) AS bought,
                bit_or({_bit("day + 28")}) FILTER (active AND day BETWEEN -28 AND 27
                    AND (passed >= 0 OR day < 0)) AS dates,
                bit_or({_bit("day")}) FILTER (active AND {after}) AS days_28,
                bit_or({_bit("day")}) FILTER (active AND passed >= 0) AS days_30,
                bit_or({_bit("day + 29")}) FILTER (active AND {before}
                    AND passed >= -28 * {_DAY}) AS days_before,
                bit_or({_bit("day")}) FILTER (buys AND {after}) AS order_days,
                bit_or({_bit("day + 29")}) FILTER (buys AND {before}
                    AND passed >= -28 * {_DAY}) AS order_days_before,
                count(*) FILTER (buys AND {after}) AS orders,
                count(*) FILTER (buys AND {before} AND passed >= -28 * {_DAY}) AS orders_before,
                sum(value) FILTER (buys AND {after}) AS revenue,
                sum(value) FILTER (buys AND {before} AND passed >= -28 * {_DAY}) AS revenue_before
            FROM placed GROUP BY user_id
        )
        SELECT shown.user_id, variant, {chosen}
        FROM '{folder(events)}/exposures.parquet' AS shown LEFT JOIN units USING (user_id)
    """


def sessions_by_hand(events: int) -> str:
    """Return the query that gives every unit's sessions in 28 days and the seconds in them."""
    return f"""
        WITH beside AS (
            SELECT user_id, passed, passed - lag(passed) OVER (
                PARTITION BY user_id, passed >= 0 ORDER BY passed) AS pause
            FROM (SELECT user_id, epoch_us(occurred_at) - epoch_us(exposed_at) AS passed
                  FROM {_joined(events)})
        )
        SELECT user_id, count(*) FILTER (pause IS NULL OR pause > {GAP}) AS sessions,
            coalesce(sum(pause) FILTER (pause <= {GAP}), 0) / 1e6 AS seconds
        FROM beside WHERE passed >= 0 AND passed < 28 * {_DAY} GROUP BY user_id
    """


def retention_by_hand(events: int) -> str:
    """Return the query that counts by arm the units that were active on each of 27 days."""
    days = range(1, 28)
    counts = ", ".join(f"count(*) FILTER ((mask >> {day}) & 1 = 1) AS day_{day}" for day in days)
    return f"""
        SELECT variant, {counts} FROM (
            SELECT user_id, any_value(variant) AS variant, bit_or({_bit("place")})
                FILTER (event = 'open' AND place BETWEEN 0 AND 27) AS mask
            FROM (SELECT user_id, variant, event,
                    (epoch_us(occurred_at) - epoch_us(exposed_at)) // {_DAY} AS place
                  FROM {_joined(events)})
            GROUP BY user_id)
        GROUP BY variant ORDER BY variant
    """
