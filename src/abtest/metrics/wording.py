"""How per-unit numbers are said in definitions."""

from __future__ import annotations

from abtest.data.request import Aggregate

_BEGINNINGS: dict[Aggregate, str] = {
    "count": "number of",
    "any": "having at least one",
    "sum": "summed value of",
    "max": "largest value of",
    "distinct_days": "number of days with",
}


def event_name(event: str) -> str:
    """Return the event as it stands in a sentence, singular."""
    return "event of any name" if event == "*" else f'"{event}" event'


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


def amount_of_unit(event: str, aggregate: Aggregate) -> str:
    """Return the aggregate of each unit, and what units without events count with.

    Examples
    --------
    >>> print(amount_of_unit("page load", "max"))
    the unit's largest value of "page load" events, 0 for units without any
    >>> print(amount_of_unit("page load", "count"))
    the unit's number of "page load" events
    """
    without = ", 0 for units without any" if aggregate in ("sum", "max") else ""
    return f"the unit's {number_of_events(event, aggregate)}{without}"


def number_of_events(event: str, aggregate: Aggregate) -> str:
    """Return the aggregate in words.

    Examples
    --------
    >>> number_of_events("purchase", "sum")
    'summed value of "purchase" events'
    """
    if aggregate == "any":
        return f"{_BEGINNINGS[aggregate]} {event_name(event)}"
    plural = "events of any name" if event == "*" else f'"{event}" events'
    return f"{_BEGINNINGS[aggregate]} {plural}"
