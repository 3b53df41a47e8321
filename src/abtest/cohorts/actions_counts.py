"""What units did in a window, counted by event: sums over units that moments are made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir

from abtest.cohorts.active_days import first_day_of_window
from abtest.cohorts.log import EventLog
from abtest.cohorts.periods import first_date, unfinished
from abtest.cohorts.watched import Watched, watched
from abtest.data.clock import microseconds, midnight, utc_clock
from abtest.data.request import SessionValue
from abtest.data.session_edges import edge_values

if TYPE_CHECKING:
    import pandas as pd

ALL = "all"
"""Name of the one group where there are no arms."""
_MINUTE = 60_000_000


@dataclass(frozen=True)
class Question:
    """What is asked of a log; `names` are None for the most frequent."""

    names: tuple[str, ...] | None
    days: int
    most: int
    gap_minutes: float


@dataclass(frozen=True, eq=False)
class Counted:
    """Sums over units.

    Attributes
    ----------
    events
        Events in the order of how many units did them.
    sums
        One row per arm and event, each event in every arm: arm, event, units (with one at least),
        events, squares (of events of a unit), products (with its sessions).
    totals
        One row per arm, control first: arm, units (that count), active (with an event of any
        name), events, sessions, squares (of sessions of a unit).
    waiting
        Units of arms whose window has not ended.
    others
        How many further events there are.
    """

    events: tuple[str, ...]
    sums: pd.DataFrame
    totals: pd.DataFrame
    waiting: int
    others: int


def last_days(log: EventLog, days: int) -> tuple[datetime, datetime]:
    """Return the ends of the last complete days before `as_of`, as UTC wall clocks."""
    end = first_date(unfinished(log.as_of, log.timezone, "day"), "day")
    first, _ = first_day_of_window(log, days)
    begin, over = (utc_clock(midnight(day, log.timezone)) for day in (first, end))
    return begin, over


def counted(log: EventLog, asked: Question) -> Counted:
    """Return what the units of a log did."""
    import pandas as pd

    exposed = None if log.arms is None else watched(log, asked.days)
    scope = log.keep(_scope(log, exposed, asked))
    sessions = _sessions(scope, asked)
    per_unit = scope.group_by("arm", "uid", "event").aggregate(n=scope.count().cast("float64"))
    joined = log.keep(per_unit.left_join(sessions, "uid").drop("uid_right"))
    by_event = joined.group_by("arm", "event").aggregate(
        units=joined.count(),
        events=joined["n"].sum(),
        squares=(joined["n"] * joined["n"]).sum(),
        products=(joined["n"] * joined["sessions"]).fill_null(0.0).sum(),
    )
    arms = (ALL,) if exposed is None else tuple(exposed.counts)
    found = log.run(by_event).to_pandas()
    totals = _totals(log, scope, sessions, exposed)
    order = found.groupby("event")["units"].sum().reset_index()
    order = order.sort_values(["units", "event"], ascending=[False, True])
    known = [str(name) for name in order["event"]]
    events = tuple(known[: asked.most] if asked.names is None else asked.names)
    every = pd.MultiIndex.from_product([arms, events], names=["arm", "event"])
    sums = found.set_index(["arm", "event"]).reindex(every).fillna(0.0).reset_index()
    return Counted(
        events,
        sums.astype({"units": "int64", "events": "int64"}),
        totals,
        0 if exposed is None else exposed.waiting,
        len(set(known) - set(events)),
    )


def _scope(log: EventLog, exposed: Watched | None, asked: Question) -> ir.Table:
    """Return arm, uid, event, passed (microseconds) and session of the events that count."""
    once = log.once
    columns: dict[str, Any] = {"uid": once["unit"], "event": once["event"]}
    if "session" in once.columns:
        columns["session"] = once["session"]
    if exposed is None:
        begin, end = (ibis.literal(at, "timestamp(6)") for at in last_days(log, asked.days))
        rows = once.filter((once["time"] >= begin) & (once["time"] < end))
        passed = rows["time"].delta(begin, unit="microsecond")
        names = {"uid": "unit", **{name: name for name in columns if name != "uid"}}
        return rows.select(arm=ibis.literal(ALL), passed=passed, **names)
    joined = once.join(exposed.units, "unit")
    passed = joined["time"].delta(joined["start"], unit="microsecond")
    rows = joined.select(arm=joined["arm"], passed=passed, **columns)
    return rows.filter((rows["passed"] >= 0) & (rows["passed"] < microseconds(asked.days)))


def _sessions(scope: ir.Table, asked: Question) -> ir.Table:
    """Return uid and the number of sessions of each unit with events."""
    if "session" in scope.columns:
        return scope.group_by("uid").aggregate(sessions=scope["session"].nunique().cast("float64"))
    value = SessionValue("sessions", (0.0, float(asked.days) + 1.0))  # a day may have 25 hours
    return edge_values(scope, {value: "sessions"}, round(asked.gap_minutes * _MINUTE))


def _totals(
    log: EventLog,
    scope: ir.Table,
    sessions: ir.Table,
    exposed: Watched | None,
) -> pd.DataFrame:
    import pandas as pd

    units = scope.group_by("arm", "uid").aggregate(events=scope.count())
    joined = units.left_join(sessions, "uid")
    number = joined["sessions"].fill_null(0.0)
    found = log.run(
        joined.group_by("arm").aggregate(
            active=joined.count(),
            events=joined["events"].sum(),
            sessions=number.sum(),
            squares=(number * number).sum(),
        )
    )
    arms = [ALL] if exposed is None else list(exposed.counts)
    rows = found.to_pandas().set_index("arm").reindex(arms).fillna(0.0)
    rows.insert(0, "units", rows["active"] if exposed is None else pd.Series(exposed.counts))
    whole = dict.fromkeys(("units", "active", "events"), "int64")
    return pd.DataFrame(rows.astype(whole).rename_axis("arm").reset_index())
