"""What is wrong with an activity by itself, and with its window beside that of its metric."""

from __future__ import annotations

import math
from collections.abc import Iterator

from abtest.metrics.activity import (
    Activity,
    OfCosts,
    OfSessions,
    Window,
    is_of_costs,
    is_of_sessions,
)
from abtest.metrics.misfit import Misfit

_FAR = 36_500.0
"""Longer than any experiment, in days."""


def activity_misfits(key: str, activity: Activity, window: Window | None) -> Iterator[Misfit]:
    """Yield what does not fit in an activity that is part of an outcome.

    Parameters
    ----------
    key
        Where it stands in the metric.
    activity
        The activity.
    window
        That of the metric: what counts happens in it, so that the metric is known when it closes.
    """
    yield from _by_itself(key, activity)
    own = activity.window_days
    if own is not None and window is not None and not window[0] <= own[0] < own[1] <= window[1]:
        what = "its window must be part of the metric's"
        todo = (
            f"write window_days = [start, end] with {window[0]:g} <= start < end <= {window[1]:g}"
        )
        yield Misfit(key, what, todo)
    for part in activity.all:
        yield from _no_costs(key, part)
        yield from activity_misfits(key, part, own or window)


def group_misfits(key: str, activity: Activity, *, outer: bool = False) -> Iterator[Misfit]:
    """Yield what does not fit in the activity that says which units a metric is about.

    Parameters
    ----------
    key
        Where it stands in the metric.
    activity
        The activity.
    outer
        Whether an activity around it has a window already.
    """
    yield from _by_itself(key, activity)
    yield from _no_costs(key, activity)
    own = activity.window_days
    if own is None and not outer and not activity.all:
        todo = "add window_days, such as [-28, 0]: the 28 days before exposure"
        yield Misfit(key, "nothing says when units of the group must have done it", todo)
    if own is not None and not (math.isfinite(sum(own)) and -_FAR <= own[0] < own[1] <= _FAR):
        todo = "write window_days = [-28, 0]: the 28 days before exposure"
        yield Misfit(key, "its window must be [start, end) with start < end, in days", todo)
    for part in activity.all:
        yield from group_misfits(key, part, outer=outer or own is not None)


def _by_itself(key: str, activity: Activity) -> Iterator[Misfit]:
    sessions = is_of_sessions(activity.aggregate)
    if sessions:
        yield from session_misfits(key, activity)
    elif is_of_costs(activity.aggregate) and not (activity.all or activity.steps):
        yield from cost_misfits(key, activity)
        if activity.at_least is not None or activity.at_most is not None:
            yield Misfit(key, "costs take no limits", "leave at_least and at_most out")
    elif sum((activity.event is not None, bool(activity.all), bool(activity.steps))) != 1:
        what = "counts an event, or units that meet conditions or take steps: one of the three"
        yield Misfit(key, what, "write event = ..., all = [{ event = ... }, ...], or steps = [...]")
    if activity.all and (activity.at_least is not None or activity.at_most is not None):
        what = "is 1 where all conditions are met, and takes no limits of its own"
        yield Misfit(key, what, "write at_least and at_most in the conditions")
    least, most = activity.at_least, activity.at_most
    if least is not None and most is not None and least > most:
        yield Misfit(key, "at_least is above at_most, which no unit can meet", "exchange the two")


def _no_costs(key: str, part: Activity) -> Iterator[Misfit]:
    if is_of_costs(part.aggregate):
        todo = "count events, or take costs as the metric's own number"
        yield Misfit(key, f"{part.aggregate} is no condition that units meet", todo)


def cost_misfits(key: str, part: OfCosts) -> Iterator[Misfit]:
    """Yield what does not fit in a number that is made of costs."""
    if part.aggregate == "profit" and part.event is None:
        todo = 'add event = "purchase": the events whose value comes in'
        yield Misfit(key, "profit needs an event", todo)
    if part.aggregate == "profit" and part.cost_each is not None:
        todo = "leave it out, or look at cost beside it"
        yield Misfit(key, "cost_each means nothing for profit", todo)
    if part.aggregate == "cost" and (part.event is None) != (part.cost_each is None):
        what = "an event that costs needs cost_each, and cost_each an event"
        todo = 'write both, such as event = "push_sent", cost_each = 0.02, or none of them'
        yield Misfit(key, what, todo)


_NEED_VIEWS = (
    "single_view_sessions",
    "sessions_with",
    "sessions_without_key",
    "engaged_sessions",
)
_NEED_KEY = ("sessions_without_key",)
_TAKE_KEY = ("engaged_sessions", *_NEED_KEY)
_NEED_LIMIT = ("followed_sessions", "days_between_sessions")


def session_misfits(key: str, part: OfSessions) -> Iterator[Misfit]:
    """Yield what does not fit in a number that is made of sessions."""
    aggregate = str(part.aggregate)
    if aggregate in _NEED_VIEWS and part.event is None:
        todo = 'add event = "page_view", the name in the log, or a role such as "@view"'
        yield Misfit(key, f"{aggregate} needs an event", todo)
    if aggregate in _NEED_KEY and part.key is None:
        todo = 'add key = "purchase": the events that take a session out'
        yield Misfit(key, f"{aggregate} needs a key", todo)
    if (aggregate in _NEED_LIMIT) != (part.limit_days is not None):
        if part.limit_days is None:
            todo = "add limit_days = 14: how long the next session is waited for"
            yield Misfit(key, f"{aggregate} needs a limit", todo)
        else:
            todo = "leave it out"
            yield Misfit(key, f"limit_days means nothing for {aggregate}", todo)
    if aggregate not in _NEED_VIEWS and part.event is not None:
        todo = "leave the event out: data.sessions says which events make sessions"
        yield Misfit(key, f"{aggregate} counts sessions of any event", todo)
    if aggregate not in _TAKE_KEY and part.key is not None:
        yield Misfit(key, f"key means nothing for {aggregate}", "leave it out")
