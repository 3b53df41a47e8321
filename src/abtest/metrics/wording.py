"""How per-unit numbers are said in definitions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from abtest.metrics.activity import (
    ANY,
    Activity,
    Counted,
    OfCosts,
    OfSessions,
    UnitAggregate,
    Window,
    is_of_costs,
    is_of_sessions,
    names_of,
)
from abtest.metrics.days import day_range
from abtest.metrics.roles import role_of

_BEGINNINGS: dict[UnitAggregate, str] = {
    "count": "number of",
    "any": "having at least one",
    "sum": "summed value of",
    "max": "largest value of",
    "distinct_days": "number of days with",
    "distinct_events": "number of different ones among",
}


def event_name(event: str | Sequence[str], ignore: Sequence[str] = ()) -> str:
    """Return the event, or several, as they stand in a sentence, singular.

    Examples
    --------
    >>> event_name("open"), event_name(("like", "share", "save"))
    ('"open" event', '"like", "share" or "save" event')
    >>> event_name("*", ignore=["push_sent"])
    'event of any name but "push_sent"'
    """
    return _named(event, ignore, "event")


def events_name(event: str | Sequence[str], ignore: Sequence[str] = ()) -> str:
    """Return the events as they stand in a sentence, plural."""
    return _named(event, ignore, "events")


def _named(event: str | Sequence[str], ignore: Sequence[str], noun: str) -> str:
    names = names_of(event) if isinstance(event, str) else tuple(event)
    if ANY not in names:
        return f"{_listed(names)} {noun}"
    but = f" but {_listed(ignore)}" if ignore else ""
    return f"{noun} of any name{but}"


def _listed(names: Sequence[str]) -> str:
    quoted = [name if role_of(name) else f'"{name}"' for name in names]
    if len(quoted) == 1:
        return quoted[0]
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def quantile_name(quantile: float) -> str:
    """Return a quantile's name at the beginning of a sentence.

    Examples
    --------
    >>> quantile_name(0.5), quantile_name(0.9), quantile_name(0.999)
    ('Median', '90th percentile', '0.999 quantile')
    """
    if quantile == 0.5:
        return "Median"
    percent = round(100 * quantile, 6)
    if percent != int(percent):
        return f"{quantile:g} quantile"
    ending = {1: "st", 2: "nd", 3: "rd"}.get(int(percent) % 10, "th")
    if 10 < percent < 20:
        ending = "th"
    return f"{percent:g}{ending} percentile"


def winsorized(share: float, what: str = "Numbers") -> str:
    """Return the sentence on values above a quantile.

    Examples
    --------
    >>> winsorized(0.999)
    'Numbers above their 0.999 quantile over all arms count as that quantile.'
    """
    return f"{what} above their {share:g} quantile over all arms count as that quantile."


def amount_of_unit(
    event: str | Sequence[str],
    aggregate: UnitAggregate,
    ignore: Sequence[str] = (),
    ending: str = "",
) -> str:
    """Return the aggregate of each unit, and what units without events count with.

    `ending` is what ends the counting, with a space before it.

    Examples
    --------
    >>> print(amount_of_unit("page load", "max"))
    the unit's largest value of "page load" events, 0 for units without any
    >>> print(amount_of_unit("page load", "count"))
    the unit's number of "page load" events
    """
    without = ", 0 for units without any" if aggregate in ("sum", "max") else ""
    return f"the unit's {number_of_events(event, aggregate, ignore)}{ending}{without}"


def number_of_events(
    event: str | Sequence[str], aggregate: UnitAggregate, ignore: Sequence[str] = ()
) -> str:
    """Return the aggregate in words.

    Examples
    --------
    >>> number_of_events("purchase", "sum")
    'summed value of "purchase" events'
    >>> number_of_events(("like", "share"), "distinct_events")
    'number of different ones among "like" or "share" events'
    """
    noun = event_name if aggregate == "any" else events_name
    return f"{_BEGINNINGS[aggregate]} {noun(event, ignore)}"


def number_of(activity: Activity) -> str:
    """Return the number that an activity is, in words.

    Examples
    --------
    >>> number_of(Activity(event="view", aggregate="single_view_sessions"))
    'number of sessions with one "view" event'
    >>> number_of(Activity(aggregate="session_seconds"))
    'seconds in sessions'
    """
    if (
        activity.all
        or activity.steps
        or activity.at_least is not None
        or activity.at_most is not None
    ):
        return f"number of units with {condition(activity)}"
    if is_of_sessions(activity.aggregate):
        return of_sessions(activity)
    if is_of_costs(activity.aggregate):
        return of_costs(activity)
    assert activity.event is not None
    aggregate = cast("UnitAggregate", activity.aggregate)
    return number_of_events(activity.event, aggregate, activity.ignore)


COSTS = (
    "What a unit costs is the cost_per_unit of its arm and an equal part of the arm's fixed_cost, "
    "which is taken as known: it has no variance."
)


def of_costs(part: OfCosts) -> str:
    """Return a number that is made of costs, in words.

    Examples
    --------
    >>> of_costs(Activity(event="buy", aggregate="profit"))
    'summed value of "buy" events less the cost of the arm'
    >>> of_costs(Activity(event="push", aggregate="cost", cost_each=0.02))
    'cost of the arm and 0.02 for each "push" event'
    """
    if part.event is None:
        return "cost of the arm"
    if part.aggregate == "profit":
        return f"summed value of {events_name(part.event, part.ignore)} less the cost of the arm"
    each = event_name(part.event, part.ignore)
    return f"cost of the arm and {part.cost_each or 0:g} for each {each}"


def of_sessions(part: OfSessions) -> str:
    """Return a number that is made of sessions, in words."""
    views = "" if part.event is None else event_name(part.event)
    without = "" if part.key is None else event_name(part.key)
    own = "" if part.gap_minutes is None else f" (a pause of {part.gap_minutes:g} minutes ends one)"
    return _of_sessions(part, views, without) + own


def _of_sessions(part: OfSessions, views: str, without: str) -> str:
    key = "" if part.key is None else f" or one {event_name(part.key)}"
    return {
        "sessions": "number of sessions",
        "session_seconds": "seconds in sessions",
        "single_view_sessions": f"number of sessions with one {views}",
        "sessions_with": f"number of sessions with at least one {views}",
        "sessions_without_key": f"number of sessions with at least one {views} and no {without}",
        "engaged_sessions": f"number of sessions of 10 seconds, with two of {views}{key}",
        "followed_sessions": f"number of sessions followed for {part.limit_days or 0:g} days",
        "days_between_sessions": "days from sessions to the next ones, at most "
        f"{part.limit_days or 0:g} each",
    }[str(part.aggregate)]


def condition(activity: Activity, window: Window | None = None) -> str:
    """Return what a unit must have done, after "with" or "units with".

    Parameters
    ----------
    activity
        The condition.
    window
        The metric's own, whose days need not be said again.

    Examples
    --------
    >>> condition(Activity(event="open", aggregate="distinct_days", at_least=3))
    'at least 3 days with "open" events'
    >>> condition(Activity(event="open", at_most=0, window_days=(-28, 0)))
    'no "open" event (days 28 to 1 before exposure)'
    """
    when = ""
    if activity.window_days is not None and activity.window_days != window:
        when = f" ({day_range(activity.window_days)})"
    if activity.all:
        return " and ".join(condition(part, window) for part in activity.all) + when
    if activity.steps:
        missing = "not all of " if activity.at_most is not None else ""
        return f"{missing}{in_order(activity.steps)}{when}"
    if is_of_sessions(activity.aggregate):
        limits = activity.at_least, activity.at_most
        size = "above 0" if limits == (None, None) else f"of {_size(*limits)}"
        return f"a {number_of(activity)} {size}{when}"
    assert activity.event is not None
    events = Counted(names_of(activity.event), activity.ignore)
    aggregate = cast("UnitAggregate", activity.aggregate)
    return limited(events, aggregate, activity.at_least, activity.at_most) + when


def in_order(steps: Sequence[str | tuple[str, ...]]) -> str:
    """Return steps in words.

    Examples
    --------
    >>> in_order(["view", ("cart", "wish"), "buy"])
    '"view", then "cart" or "wish", then "buy"'
    """
    return ", then ".join(_listed(names_of(step)) for step in steps)


def limited(
    events: Counted, aggregate: UnitAggregate, least: float | None, most: float | None
) -> str:
    """Return a number of events with its limits in words; without any it is other than 0.

    Examples
    --------
    >>> limited(Counted(("buy",)), "count", 2, None), limited(Counted(("buy",)), "sum", None, 50)
    ('at least 2 "buy" events', 'a summed value of "buy" events of at most 50')
    """
    one, several = (named(*events) for named in (event_name, events_name))
    if least is None and most is None:
        return f"at least one {one}"
    if least is None and most == 0 and aggregate != "sum":
        return f"no {one}"
    size = _size(least, most)
    if aggregate == "count":
        return f"{size} {several}"
    if aggregate == "distinct_days":
        return f"{size} days with {several}"
    if aggregate == "distinct_events":
        return f"{size} different ones among {several}"
    return f"a {number_of_events(events.events, aggregate, events.ignored)} of {size}"


def _size(least: float | None, most: float | None) -> str:
    if most is None:
        return f"at least {least:g}"
    if least is None:
        return f"at most {most:g}"
    return f"exactly {least:g}" if least == most else f"{least:g} to {most:g}"
