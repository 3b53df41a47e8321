"""From a dirty log to values per unit, one unit and one event at a time.

Written from the rules of the guide, not from the library: lists, dicts and loops, no engine.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import pandas as pd

DAY = pd.Timedelta(days=1)


@dataclass
class Person:
    """One exposed unit: the variant it met first, when, and whether it met another."""

    unit: str
    variant: str
    t0: pd.Timestamp
    phase: int
    crossed: bool
    attributes: dict[str, str | None] = field(default_factory=dict)
    events: list[dict] = field(default_factory=list)


@dataclass
class Log:
    """What an experiment's log says as of a moment."""

    as_of: pd.Timestamp
    people: list[Person]


def moment(value, zone):
    """Time in UTC; without a zone it is read in ``zone``; None when missing."""
    if value is None or pd.isna(value):
        return None
    stamp = pd.Timestamp(value)
    return (stamp.tz_localize(zone) if stamp.tzinfo is None else stamp).tz_convert("UTC")


def text(value):
    return None if value is None or pd.isna(value) else str(value)


def midnight_after(time, zone):
    day = time.tz_convert(zone).date()
    return pd.Timestamp(day + pd.Timedelta(days=1)).tz_localize(zone).tz_convert("UTC")


def phase_of(time, starts):
    """Number of the last phase that began at or before ``time``."""
    return sum(time >= start for start in starts)


def rows_of(frame, columns, zone):
    """Rows as dicts with the keys of ``columns``, exact repeats once."""
    rows, seen = [], set()
    for record in frame.to_dict("records"):
        row = {}
        for key, column in columns.items():
            value = record[column] if column else None
            if key == "time":
                row[key] = moment(value, zone)
            elif key == "value":
                row[key] = None if value is None or pd.isna(value) else float(value)
            else:
                row[key] = text(value)
        if (identity := tuple(row.values())) in seen:
            continue
        seen.add(identity)
        rows.append(row)
    return rows


def read_log(spec, data, as_of=None):
    """Everyone who was exposed, with their events before ``as_of``."""
    zone = spec["experiment"].get("timezone", "UTC")
    start, end = (moment(spec["experiment"][key], zone) for key in ("start", "end"))
    arms = [spec["variants"]["control"], *spec["variants"]["treatments"]]
    phases = [moment(phase["from"], zone) for phase in spec["variants"].get("phases", [])]
    given, e = spec["data"]["exposures"], spec["data"]["events"]
    columns = {"unit": given["unit"], "variant": given["variant"], "time": given["time"]}
    exposures = rows_of(data["exposures"], columns, zone)
    columns = {key: e.get(key) for key in ("unit", "time", "name", "value", "session")}
    events = rows_of(data["events"], columns, zone)
    if as_of is None:
        as_of = midnight_after(
            max(row["time"] for row in exposures + events if row["time"] is not None), zone
        )
    people = {}
    for unit, rows in met_by_unit(exposures, arms, end, as_of).items():
        t0, variant = min(rows, key=lambda row: (row[0], arms.index(row[1])))
        if t0 >= start:
            crossed = len({name for _, name in rows}) > 1
            people[unit] = Person(unit, variant, t0, phase_of(t0, phases), crossed)
    for row in events:
        whole = None not in (row["unit"], row["time"], row["name"])
        if whole and row["time"] < as_of and row["unit"] in people:
            people[row["unit"]].events.append(row)
    segments = spec.get("analysis", {}).get("segments", [])
    if segments:
        key = spec["data"]["units"]["unit"]
        for record in data["units"].to_dict("records"):
            if (person := people.get(text(record[key]))) is not None:
                person.attributes = {name: text(record[name]) for name in segments}
    return Log(as_of, list(people.values()))


def met_by_unit(exposures, arms, end, as_of):
    """(time, variant) of the believed exposures to arms of the experiment, by unit."""
    met = defaultdict(list)
    for row in exposures:
        known = None not in (row["unit"], row["time"]) and row["variant"] in arms
        if known and row["time"] < min(as_of, end):
            met[row["unit"]].append((row["time"], row["variant"]))
    return met


def value_in(person, event, aggregate, window, zone):
    """One number of one unit: its events named ``event`` in days [a, b) after exposure."""
    begin, close = (person.t0 + days * DAY for days in window)
    inside = [
        row
        for row in person.events
        if begin <= row["time"] < close and (event == "*" or row["name"] == event)
    ]
    values = [row["value"] for row in inside if row["value"] is not None]
    match aggregate:
        case "count":
            return float(len(inside))
        case "any":
            return float(len(inside) > 0)
        case "sum":
            return float(sum(values))
        case "max":
            return max(values, default=0.0)
        case "distinct_days":
            return float(len({row["time"].astimezone(ZoneInfo(zone)).date() for row in inside}))
    raise AssertionError(aggregate)


def values_of_log(spec, log, metric):
    """Rows (person, values) of the mature units that count, and exclusions by reason and arm."""
    zone = spec["experiment"].get("timezone", "UTC")
    a, b = metric["window_days"]
    before = (-min(b - a, 28), 0)
    if metric["kind"] == "ratio":
        parts = [metric["numerator"], metric["denominator"]]
    else:
        parts = [{"aggregate": "any", **metric}]
        if metric["kind"] == "proportion":
            parts[0]["aggregate"] = "any"
    rows, excluded = [], defaultdict(Counter)
    for person in log.people:
        if person.crossed:
            excluded["crossover"][person.variant] += 1
        elif person.t0 + b * DAY > log.as_of:
            excluded["immature"][person.variant] += 1
        else:
            windows = [(a, b), before] if metric["adjusted"] else [(a, b)]
            values = [
                value_in(person, part["event"], part["aggregate"], window, zone)
                for window in windows
                for part in parts
            ]
            rows.append((person, values))
    return rows, excluded
