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
