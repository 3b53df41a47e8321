"""Sessions: runs of a unit's events, and numbers per unit made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import ibis
import ibis.expr.types as ir

from abtest.data.clock import microseconds
from abtest.data.request import SessionValue
from abtest.data.session_edges import EDGE_MEASURES, edge_values
from abtest.data.windows import ANY, Span

COUNTING = frozenset({"single_view", "engaged"})
"""What a repeated row would change."""
ENGAGED_SECONDS = 10
"""A session that lasts as long is an engaged one."""
ENGAGED_VIEWS = 2
_MINUTE = 60_000_000
_SECOND = 1_000_000


@dataclass(frozen=True)
class SessionRule:
    """How events become sessions.

    Attributes
    ----------
    by
        ``gap``: an event later than `gap` minutes after the one before it starts a session.
        ``column``: events of one session id are a session. ``events``: one of the `starts` begins
        a session if none is open, one of the `ends` ends it; what lies between belongs to it.
    gap
        Minutes.
    ignored
        Names of events that neither open nor extend a session, such as messages sent.
    starts, ends
        Names of events.
    """

    by: Literal["gap", "column", "events"] = "gap"
    gap: float = 30.0
    ignored: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()


def session_values(
    rows: Callable[[Iterable[str], Span], ir.Table],
    values: Mapping[SessionValue, str],
    rule: SessionRule,
) -> Iterable[ir.Table]:
    """Yield tables of uid and columns of values, one for each way to make sessions.

    Parameters
    ----------
    rows
        Gives the events of some names and times: columns uid, name, passed (microseconds since
        exposure) and, where known, value and session.
    values
        Column name for every value.
    rule
        How events become sessions, where a value has no way of its own.
    """
    for way in dict.fromkeys(map(_way, values)):
        gap, names, ignored = way
        own = rule if gap is None else SessionRule(gap=gap, ignored=ignored)
        asked = {value: column for value, column in values.items() if _way(value) == way}
        chosen = rows((ANY,) if gap is None else names, _span(asked, own))
        if own.ignored:
            chosen = chosen.filter(chosen["name"].notin(own.ignored))
        if own.by == "gap" and all(value.measure in EDGE_MEASURES for value in asked):
            yield edge_values(chosen, asked, _gap(own))
        else:
            if any(value.measure in COUNTING for value in asked):
                chosen = chosen.distinct()
            yield _values(numbered(chosen, own), asked, own)


def _span(values: Iterable[SessionValue], rule: SessionRule) -> Span:
    """Return when events matter: exposure parts sessions, and a long pause does.

    How far back a session reaches that was under way when a window opened is not known, nor how
    far on the first one, or one that waits for its end, does.
    """
    start = None if any(value.window[0] < 0 for value in values) else 0
    if rule.by != "gap" or any(value.measure == "first_end" for value in values):
        return start, None
    return start, microseconds(max(value.window[1] for value in values)) + _gap(rule) + 1


def _way(value: SessionValue) -> tuple[float | None, tuple[str, ...], tuple[str, ...]]:
    return value.gap, value.events, value.ignored


def _gap(rule: SessionRule) -> int:
    return round(rule.gap * _MINUTE)


def numbered(events: ir.Table, rule: SessionRule) -> ir.Table:
    """Return the events of sessions with ``side`` (from exposure on?) and ``session``, a number.

    Parameters
    ----------
    events
        Columns uid, name, passed and, for sessions by column, session.
    rule
        How events become sessions.
    """
    events = events.mutate(side=(events["passed"] >= 0).cast("int8"))
    if rule.by == "column":
        return events.filter(events["session"].notnull())
    if rule.by == "events":
        return _between_markers(events, rule)
    unit = {"group_by": ["uid", "side"], "order_by": "passed"}
    before = events["passed"].lag().over(ibis.window(**unit))
    opens = before.isnull() | (events["passed"] - before > _gap(rule))
    events = events.mutate(opens=opens.cast("int64"))
    # events of one moment are in one session, whichever of them opens it
    moment = ibis.range_window(preceding=None, following=0, **unit)
    return events.mutate(session=events["opens"].sum().over(moment))


def _between_markers(events: ir.Table, rule: SessionRule) -> ir.Table:
    """Return the events from a start to the next end; a second start and a lone end are nothing.

    At one moment starts come first and ends last, so that the order of rows does not count: what
    opens and closes at once is a session of no length.
    """
    marker = events["name"].isin(rule.starts).ifelse(1, 0) - events["name"].isin(rule.ends).ifelse(
        1, 0
    )
    markers = events.mutate(marker=marker.cast("int64"))
    # among markers alone, a start opens a session unless a start is the marker before it
    alone = markers.filter(markers["marker"] != 0)
    order = [alone["passed"], alone["marker"].desc()]
    unit: Mapping[str, object] = {"group_by": ["uid", "side"], "order_by": order}
    before = alone["marker"].lag().over(ibis.window(**unit))
    opened = alone.mutate(
        opens=((alone["marker"] == 1) & (before.fill_null(-1) != 1)).cast("int64")
    )
    order = [opened["passed"], opened["marker"].desc()]
    unit = {"group_by": ["uid", "side"], "order_by": order}
    opened = opened.mutate(session=_running(opened["opens"], unit))
    spans = (
        opened.filter(opened["session"] > 0)
        .group_by("uid", "side", "session")
        .aggregate(
            begins=lambda t: t["passed"].min(),
            closes=lambda t: t["passed"].min(where=t["marker"] == -1),
            ended=lambda t: t["passed"].max(),
        )
    )
    following = (
        spans["begins"].lead().over(ibis.window(group_by=["uid", "side"], order_by="begins"))
    )
    spans = spans.mutate(following=following)
    inside = [
        events["uid"] == spans["uid"],
        events["side"] == spans["side"],
        events["passed"] >= spans["begins"],
    ]
    joined = events.join(spans, inside)
    kept = joined.filter(
        ((joined["passed"] <= joined["closes"]).fill_null(True))
        & ((joined["passed"] < joined["following"]).fill_null(True))
    )
    return kept.select(*events.columns, "session")


def _running(opens: ir.Value, unit: Mapping[str, object]) -> ir.Value:
    """Return how many sessions were opened up to and with each event."""
    return opens.sum().over(ibis.window(**unit, preceding=None, following=0))


def _values(events: ir.Table, values: Mapping[SessionValue, str], rule: SessionRule) -> ir.Table:
    """Return uid and the values: first by session, then by unit."""
    asked: dict[str, ir.Value] = {
        "first": events["passed"].min(),
        "last": events["passed"].max(),
    }
    ends = {end: f"{number}" for number, end in enumerate({value.window[1]: 0 for value in values})}
    for end, name in ends.items():
        known = events["passed"] < microseconds(end)
        asked[f"last{name}"] = events["passed"].max(where=known)
        for kind in ("views", "key"):
            for position, names in enumerate(_names(values, end, kind)):
                met = known & events["name"].isin(names)
                asked[f"{kind}{name}_{position}"] = met.sum().fill_null(0)
    sessions = events.group_by("uid", "side", "session").aggregate(**asked)
    following = (
        sessions["first"].lead().over(ibis.window(group_by=["uid", "side"], order_by="first"))
    )
    sessions = sessions.mutate(following=following)
    return sessions.group_by("uid").aggregate(
        **{
            column: _value(sessions, value, values, ends[value.window[1]], rule)
            for value, column in values.items()
        }
    )


def _names(
    values: Mapping[SessionValue, str], end: float, kind: str
) -> tuple[tuple[str, ...], ...]:
    """Return the distinct lists of events that values of one window's end count in sessions."""
    lists = (getattr(value, kind) for value in values if value.window[1] == end)
    return tuple(dict.fromkeys(names for names in lists if names))


def _value(
    sessions: ir.Table,
    value: SessionValue,
    values: Mapping[SessionValue, str],
    end: str,
    rule: SessionRule,
) -> ir.Value:
    first, last = sessions["first"], sessions[f"last{end}"]
    start, over = map(microseconds, value.window)
    counts = (first >= start) & (first < over)
    length = last - first

    def events_of(kind: str) -> ir.Value:
        names = getattr(value, kind)
        if not names:
            return ibis.literal(0)
        place = _names(values, value.window[1], kind).index(names)
        return sessions[f"{kind}{end}_{place}"]

    if value.measure == "first_end":
        opening = (sessions["side"] == 1) & (sessions["session"] == 1)
        return sessions["last"].max(where=opening & (first <= _gap(rule)))
    if value.measure == "seconds":
        return length.sum(where=counts).cast("float64") / _SECOND
    limit = microseconds(value.limit)
    followed = counts & (sessions["last"] < microseconds(value.window[1] - value.limit))
    if value.measure == "absence":
        away = sessions["following"] - sessions["last"]
        away = ibis.least(away.fill_null(limit), limit)
        return away.sum(where=followed).cast("float64") / microseconds(1.0)
    busy = (events_of("views") >= ENGAGED_VIEWS) | (events_of("key") >= 1)
    chosen = {
        "sessions": counts,
        "single_view": counts & (events_of("views") == 1),
        "with_view": counts & (events_of("views") >= 1),
        "without_key": counts & (events_of("views") >= 1) & (events_of("key") == 0),
        "engaged": counts & ((length >= ENGAGED_SECONDS * _SECOND) | busy),
        "followed": followed,
    }
    return chosen[value.measure].sum().cast("float64")
