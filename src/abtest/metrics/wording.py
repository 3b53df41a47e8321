"""How per-unit numbers are said in definitions."""

from __future__ import annotations

from abtest.data.request import Aggregate

_PHRASES: dict[Aggregate, str] = {
    "count": "number of {events}",
    "any": "having at least one {event}",
    "sum": "summed value of {events}",
    "max": "largest value of {events}",
    "distinct_days": "number of days with {events}",
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
    plural = "events of any name" if event == "*" else f'"{event}" events'
    return _PHRASES[aggregate].replace("{events}", plural).replace("{event}", event_name(event))
