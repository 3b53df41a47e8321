"""Cohort helpers over a log of events, each beside a query by hand that counts the same."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from abtest import cohorts
from benchmarks import helper_queries as by_hand
from benchmarks.log_queries import folder, retention_by_hand

Rows = Iterable[tuple[Any, ...]]
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Helper:
    """A helper, the query, and what of the helper's answer the query's rows must equal."""

    call: Callable[[cohorts.EventLog], Any]
    query: Callable[[int], str]
    read: Callable[[Any], Rows]
    arms: bool = False

    def run(self, events: int) -> Any:
        """Return the helper's answer over a log that it opens."""
        place = folder(events)
        shown = {"exposures": str(place / "exposures.parquet")} if self.arms else {}
        return self.call(cohorts.open_log(str(place / "events.parquet"), **shown))

    def agrees(self, events: int, rows: Rows) -> bool:
        """Return whether the helper's answer has the query's rows."""
        own, hand = _sorted(self.read(self.run(events))), _sorted(rows)
        return len(own) == len(hand) > 0 and all(
            len(a) == len(b) and all(map(_same, a, b)) for a, b in zip(own, hand, strict=True)
        )


def _sorted(rows: Rows) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in rows), key=lambda row: tuple(map(str, row)))


def _same(one: Any, other: Any) -> bool:
    try:
        return math.isclose(float(one), float(other), rel_tol=1e-6, abs_tol=1e-6)
    except (TypeError, ValueError):
        return str(one) == str(other)


def _number(day: Any) -> int:
    return (date.fromisoformat(str(day)[:10]) - _EPOCH).days


def _columns(*names: str) -> Callable[[Any], Rows]:
    def read(found: Any) -> Rows:
        return found.table[list(names)].itertuples(index=False, name=None)  # type: ignore[no-any-return]

    return read


def _active(found: Any) -> Rows:
    known = found.table[found.table["mau"].notna()]
    return [(_number(r.day), r.dau, r.wau, r.mau) for r in known.itertuples()]


def _daily(found: Any) -> Rows:
    return [
        (_number(r.day), r.active, r.new, r.current, r.at_risk_wau)
        for r in found.table.itertuples()
    ]


def _sessions(found: Any) -> Rows:
    rows = found.sensitivity.set_index(["minutes", "measure"])["value"]
    units = int(found.table["units"].iloc[0])
    for minutes in by_hand.TIMEOUTS:
        many = rows[minutes, "sessions_per_unit"] * units
        yield minutes, many, many * rows[minutes, "mean_seconds"], rows[minutes, "median_seconds"]


def _retained(found: Any) -> Rows:
    table = found.table[found.table["period"] > 0]
    return [(arm, *part["retained"]) for arm, part in table.groupby("cohort")]


def _paths(found: Any) -> Rows:
    names = ["source", "target", "count", "units", "median_seconds"]
    yield from found.table[names].fillna({"median_seconds": 0.0}).itertuples(index=False, name=None)
    for step, event, count in found.steps[["step", "event", "count"]].itertuples(index=False):
        if count and not event.startswith("path_"):
            yield str(step), event, count, count, 0.0  # a unit has one path


def _behaviours(found: Any) -> Rows:
    rows = found.candidates[["event", "count", "days", "explored_reach", "explored_phi"]]
    return rows[rows["explored_reach"] > 0].itertuples(index=False, name=None)  # type: ignore[no-any-return]


def _gaps(found: Any) -> Rows:
    names = {"own gaps": True, "all gaps": False}
    rows = found.table[found.table["threshold_from"].isin(names)]
    return [(names[r.threshold_from], r.units) for r in rows.itertuples()]


def _lifetime(found: Any) -> Rows:
    """Return the cohorts that were all watched: later ones have units that the query leaves out."""
    by_age = {age: part.set_index("cohort") for age, part in found.table.groupby("age")}
    whole = by_age[28.0]["watched"] == by_age[28.0]["units"]
    for cohort in whole.index[whole]:
        units = by_age[28.0]["units"][cohort]
        yield cohort, units, units * by_age[7.0]["per_unit"][cohort]


def _tiers(found: Any) -> Rows:
    tier = {"silver": 1, "gold": 2}
    rows = found.table[found.table["tier"].isin(tier)]
    return [(f"{r.period}-01", tier[r.tier], r.units) for r in rows.itertuples()]


def _health(found: Any) -> Rows:
    tied = int(found.table.set_index("check")["value"]["events tied in time"])
    return [(r.event, r.events, r.units, tied) for r in found.names.itertuples()]


HELPERS = {
    "open_log": Helper(
        lambda log: log,
        by_hand.opening,
        lambda log: [(log.facts.rows, log.facts.incomplete, log.facts.first, log.facts.last)],
    ),
    "actions": Helper(
        cohorts.actions, by_hand.actions, _columns("event", "units", "events", "sessions")
    ),
    "active_units": Helper(cohorts.active_units, by_hand.active_users, _active),
    "stickiness": Helper(
        lambda log: cohorts.stickiness(log, days=28),
        by_hand.stickiness,
        lambda found: [(r.days, r.units) for r in found.table.itertuples() if r.units],
    ),
    "lifecycle": Helper(
        lambda log: cohorts.lifecycle(log, period="week"),
        by_hand.lifecycle,
        _columns("period", "active", "new", "returning", "resurrected"),
    ),
    "daily_lifecycle": Helper(cohorts.daily_lifecycle, by_hand.daily_lifecycle, _daily),
    "retention": Helper(
        lambda log: cohorts.retention(log, back="open", period="day", periods=27),
        retention_by_hand,
        _retained,
        arms=True,
    ),
    "sessions": Helper(cohorts.sessions, by_hand.sessions, _sessions),
    "funnel": Helper(
        lambda log: cohorts.funnel(log, ["open", "cart", "order"], within=7),
        by_hand.funnel,
        lambda found: [(*found.table["reached"], *found.table["median_seconds"][1:])],
    ),
    "paths": Helper(cohorts.paths, by_hand.paths, _paths),
    "aha": Helper(
        lambda log: cohorts.aha(log, outcome="open", days=(1, 3, 7), outcome_window=(7, 14)),
        by_hand.aha,
        _behaviours,
    ),
    "churn": Helper(
        cohorts.churn,
        by_hand.churn,
        lambda found: [(found.table["at_risk"].iloc[0], found.table["events"].sum())],
    ),
    "reasons": Helper(
        lambda log: cohorts.reasons(log, ["order", "cart"]),
        by_hand.reasons,
        _columns("reason", "units"),
    ),
    "inactivity_alarm": Helper(cohorts.inactivity_alarm, by_hand.inactivity, _gaps),
    "repeat_progression": Helper(
        lambda log: cohorts.repeat_progression(log, purchase="order"),
        by_hand.repeats,
        _columns("purchase", "reached", "again"),
    ),
    "lifetime_value": Helper(
        lambda log: cohorts.lifetime_value(log, purchase="order", days=28),
        by_hand.lifetime,
        _lifetime,
    ),
    "rfm": Helper(
        lambda log: cohorts.rfm(log, purchase="order"),
        by_hand.rfm,
        lambda found: [(found.table["units"].sum(), found.table["total_value"].sum())],
    ),
    "tiers": Helper(
        lambda log: cohorts.tiers(log, thresholds={"silver": 5, "gold": 10}),
        by_hand.tiers,
        _tiers,
    ),
    "log_health": Helper(cohorts.log_health, by_hand.health, _health),
}
"""By name. `maturity` reads no events once a log is open, and `buying_model` fits models."""
