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
    per_unit = log.keep(_per_unit(log, _scope(log, exposed, asked), asked))
    units = per_unit.group_by("arm", "uid").aggregate(
        events=per_unit["n"].sum(), sessions=per_unit["opens"].sum()
    )
    if "session" in log.events.columns:
        by_id = _scope(log, exposed, asked)
        of_ids = by_id.group_by("uid").aggregate(sessions=by_id["session"].nunique())
        joined = units.left_join(of_ids, "uid")
        units = joined.select("arm", "uid", "events", sessions=of_ids["sessions"].fill_null(0))
    units = log.keep(units)
    joined = per_unit.join(units, "uid")
    n, sessions = per_unit["n"].cast("float64"), units["sessions"].cast("float64")
    by_event = joined.select(per_unit["arm"], per_unit["event"], n=n, sessions=sessions)
    n, sessions = by_event["n"], by_event["sessions"]
    found = log.run(
        by_event.group_by("arm", "event").aggregate(
            units=by_event.count(),
            events=n.sum(),
            squares=(n * n).sum(),
            products=(n * sessions).sum(),
        )
    ).to_pandas()
    arms = (ALL,) if exposed is None else tuple(exposed.counts)
    order = found.groupby("event")["units"].sum().reset_index()
    order = order.sort_values(["units", "event"], ascending=[False, True])
    known = [str(name) for name in order["event"]]
    events = tuple(known[: asked.most] if asked.names is None else asked.names)
    every = pd.MultiIndex.from_product([arms, events], names=["arm", "event"])
    sums = found.set_index(["arm", "event"]).reindex(every).fillna(0.0).reset_index()
    return Counted(
        events,
        sums.astype({"units": "int64", "events": "int64"}),
        _totals(log, units, exposed),
        0 if exposed is None else exposed.waiting,
        len(set(known) - set(events)),
    )


def _per_unit(log: EventLog, scope: ir.Table, asked: Question) -> ir.Table:
    """Return arm, uid, event, n, and how many of these events open a session by a pause."""
    keys = ("arm", "uid", "event")
    if "session" in log.events.columns:
        return scope.group_by(*keys).aggregate(n=scope.count(), opens=scope.count() * 0)
    before = scope["passed"].lag().over(ibis.window(group_by="uid", order_by="passed"))
    beside = scope.select(*keys, "passed", before=before)
    pause = beside["passed"] - beside["before"]
    opens = pause.isnull() | (pause > round(asked.gap_minutes * _MINUTE))
    return beside.group_by(*keys).aggregate(n=beside.count(), opens=opens.sum())


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


def _totals(log: EventLog, units: ir.Table, exposed: Watched | None) -> pd.DataFrame:
    import pandas as pd

    sessions = units["sessions"].cast("float64")
    found = log.run(
        units.group_by("arm").aggregate(
            active=units.count(),
            events=units["events"].sum(),
            sessions=sessions.sum(),
            squares=(sessions * sessions).sum(),
        )
    )
    arms = [ALL] if exposed is None else list(exposed.counts)
    rows = found.to_pandas().set_index("arm").reindex(arms).fillna(0.0)
    rows.insert(0, "units", rows["active"] if exposed is None else pd.Series(exposed.counts))
    whole = dict.fromkeys(("units", "active", "events"), "int64")
    return pd.DataFrame(rows.astype(whole).rename_axis("arm").reset_index())
