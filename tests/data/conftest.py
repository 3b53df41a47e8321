"""A dirty event log and a second, plain computation of everything that is measured of it."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from abtest.data.request import (
    AllOf,
    ColumnValue,
    Design,
    EventValue,
    Phase,
    Times,
    Total,
    UnitRequest,
    Within,
    sources_of,
)
from abtest.data.settings import Events, EventsData, Exposures, UnitAttributes, UnitsData

START = datetime(2026, 3, 20, tzinfo=UTC)
END = datetime(2026, 4, 3, tzinfo=UTC)
PHASE = datetime(2026, 3, 27, 12, tzinfo=UTC)
AS_OF = datetime(2026, 4, 8, 9, 30, tzinfo=UTC)
NOW = datetime(2026, 4, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def _dated(aggregate, start, end):
    return EventValue(("*",), aggregate, (start, end), calendar=True)


def _bought(start, end):
    return EventValue(("buy",), "any", (start, end))


EVENT_REQUESTS = (
    UnitRequest("events", (EventValue(("*",), "count", (0, 7)),), matures_after=7),
    UnitRequest("bought", (EventValue(("buy",), "any", (0, 3)),), matures_after=3, binary=True),
    UnitRequest(
        "revenue",
        (EventValue(("buy",), "sum", (0, 3.5)),),
        (EventValue(("buy",), "sum", (-3.5, 0)),),
        matures_after=3.5,
    ),
    UnitRequest("largest", (EventValue(("*",), "max", (1, 5)),), matures_after=5),
    UnitRequest("days", (EventValue(("*",), "distinct_days", (0, 7)),), matures_after=7),
    UnitRequest(
        "per_buy",
        (EventValue(("*",), "sum", (0, 2)), EventValue(("buy",), "count", (0, 2))),
        (EventValue(("*",), "sum", (-2, 0)), EventValue(("buy",), "count", (-2, 0))),
        matures_after=2,
    ),
    UnitRequest("two_names", (EventValue(("buy", "open"), "count", (0, 5)),), matures_after=5),
    UnitRequest(
        "not_views", (EventValue(("*",), "count", (0, 5), ignored=("view",)),), matures_after=5
    ),
    UnitRequest("by_date", (_dated("count", 0, 4),), (_dated("count", -4, 0),), matures_after=4),
    UnitRequest("dates", (_dated("distinct_days", 0, 7),), matures_after=7),
    UnitRequest("second_date", (_dated("any", 1, 2),), matures_after=2, binary=True),
    UnitRequest(
        "often", (Within(EventValue(("*",), "count", (0, 7)), 2, 4),), matures_after=7, binary=True
    ),
    UnitRequest("quiet", (Within(EventValue(("*",), "count", (5, 7)), most=0),), matures_after=7),
    UnitRequest(
        "both",
        (AllOf((Within(EventValue(("view",), "count", (0, 3)), 2), _bought(3, 7))),),
        matures_after=7,
        binary=True,
    ),
    UnitRequest(
        "kinds",
        (Total(tuple(EventValue((name,), "any", (0, 5)) for name in ("buy", "view", "open"))),),
        matures_after=5,
    ),
    UnitRequest(
        "share_of_days",
        (Times(EventValue(("*",), "distinct_days", (0, 7)), 1 / 7),),
        matures_after=7,
    ),
    UnitRequest(
        "of_newcomers",
        (EventValue(("buy",), "sum", (0, 5)),),
        matures_after=5,
        among=Within(_bought(-5, 0), most=0),
    ),
)


def make_design(zone="UTC", *, segments=(), variants=("control", "treatment"), **kwargs):
    shares = tuple(1 / len(variants) for _ in variants)
    phases = kwargs.pop("phases", (Phase(None, shares), Phase(PHASE, shares)))
    return Design(
        variants[0],
        tuple(variants[1:]),
        phases,
        kwargs.get("start", START),
        kwargs.get("end", END),
        zone,
        tuple(segments),
    )


def make_log(seed, units=150):
    """Exposures, events and attributes with everything that can be wrong with them, in UTC."""
    rng = np.random.default_rng(seed)
    ids = np.array([f"{number:05d}" for number in range(units)])
    exposures, events = [], []

    def minute(low, high):
        return START + timedelta(minutes=int(rng.integers(low * 1440, high * 1440)))

    for name in ids:
        arm = str(rng.choice(["control", "treatment"]))
        first = minute(-1, 16) if rng.random() < 0.95 else minute(18, 25)
        exposures.append((name, arm, first))
        for _ in range(int(rng.integers(0, 3))):
            exposures.append((name, arm, first + timedelta(minutes=int(rng.integers(0, 9000)))))
        if rng.random() < 0.1:
            other = "treatment" if arm == "control" else "control"
            delay = int(rng.choice([0, 30, 2000, 20000]))
            exposures.append((name, other, first + timedelta(minutes=delay)))
        for _ in range(int(rng.poisson(8))):
            shift = timedelta(minutes=int(rng.integers(-6 * 1440, 9 * 1440)))
            value = None if rng.random() < 0.2 else float(np.round(rng.normal(5, 20), 2))
            events.append((name, str(rng.choice(["buy", "view", "open"])), first + shift, value))
        for exact in (0 * DAY, 3 * DAY, 3.5 * DAY, 7 * DAY, 3 * DAY - timedelta(microseconds=1)):
            if rng.random() < 0.15:
                events.append((name, "buy", first + exact, 1.25))
    for _ in range(20):
        pick = str(rng.choice(ids))
        exposures += [(None, "control", minute(0, 9)), (pick, None, minute(0, 9))]
        exposures += [(pick, "ghost", minute(0, 9)), (pick, "staff", minute(0, 9))]
        exposures += [(pick, "control", None), (pick, "treatment", NOW + DAY)]
        events += [(None, "buy", minute(0, 9), 1.0), (pick, None, minute(0, 9), 1.0)]
        events += [(pick, "buy", None, 1.0), (pick, "buy", NOW + DAY, 1.0)]
        events += [("stranger", "buy", minute(0, 9), 1.0)]
    exposures += [exposures[int(i)] for i in rng.integers(0, len(exposures), 25)]
    events += [events[int(i)] for i in rng.integers(0, len(events), 60)]
    shown = pd.DataFrame(exposures, columns=["unit", "variant", "time"])
    log = pd.DataFrame(events, columns=["unit", "name", "time", "value"])
    for frame in (shown, log):
        frame["time"] = pd.to_datetime(frame["time"], utc=True)
    people = pd.DataFrame(
        {
            "unit": ids,
            "country": rng.choice(["NL", "ایران", "'; drop"], len(ids)),
            "plan": [None if draw < 0.2 else "pro" for draw in rng.random(len(ids))],
        }
    ).iloc[: len(ids) - 5]
    shuffled = (frame.sample(frac=1, random_state=seed) for frame in (shown, log, people))
    return tuple(frame.reset_index(drop=True) for frame in shuffled)


def reference(shown, log, design, *, as_of=AS_OF, now=NOW, ignored=("staff",), first_event=None):
    """Units with their values and the counts, by loops over rows: nothing clever."""
    count = Counter()
    timed = first_event is None
    met, unknown = _exposures(shown, design, count, (as_of, now), ignored, timed)
    events = _events(log, count, as_of, now)
    units = []
    for unit, rows in met.items():
        own = events[unit]
        if timed:
            found = _exposed(rows, design, count)
        else:
            found = _exposed_by_event(rows, own, design, count, first_event)
        if found is None:
            continue
        zero, arm, crossover = found
        if first_event not in (None, "*"):
            own = [event for event in own if event[:2] != (first_event, zero)]
        repeated = [(n, t, v) for n, t, v, again in own if again]
        own = [(n, t, v) for n, t, v, again in own if not again]
        units.append(
            SimpleNamespace(
                unit=unit,
                variant=design.variants[arm],
                zero=zero,
                crossover=crossover,
                phase=sum(zero >= phase.start for phase in design.phases[1:]),
                day=zero.tz_convert(ZoneInfo(design.timezone)).date(),
                events=own,
                repeated=repeated,
            )
        )
    return units, count, {name: len(ids) for name, ids in unknown.items()}


def _exposures(shown, design, count, clocks, ignored, timed):
    unknown, met, seen = defaultdict(set), defaultdict(list), set()
    for unit, variant, time in zip(shown["unit"], shown["variant"], shown["time"], strict=True):
        if variant in ignored:
            count["ignored_variant_rows"] += 1
        elif pd.isna(unit):
            count["null_unit_rows"] += 1
        elif pd.isna(variant):
            count["null_variant_rows"] += 1
        elif variant not in design.variants:
            count["unknown_variant_rows"] += 1
            unknown[variant].add(unit)
        elif timed and (trouble := _trouble(time, *clocks)):
            count[trouble] += 1
        else:
            stamp = time if timed else None
            key = (unit, variant, stamp)
            count["duplicate_exposure_rows"] += key in seen
            seen.add(key)
            met[unit].append((stamp, design.variants.index(variant)))
    return met, unknown


def _trouble(time, as_of, now):
    if pd.isna(time):
        return "null_time_rows"
    if time > now:
        return "future_rows"
    return "late_rows" if time >= as_of else None


def _events(log, count, as_of, now):
    events, once = defaultdict(list), set()
    for row in log.itertuples(index=False):
        if pd.isna(row.unit) or pd.isna(row.name) or pd.isna(row.time):
            count["null_event_rows"] += 1
        elif trouble := _trouble(row.time, as_of, now):
            count[trouble] += 1
        else:
            value = None if pd.isna(row.value) else row.value
            key = (row.unit, row.name, row.time, value)
            events[row.unit].append((row.name, row.time, value, key in once))
            once.add(key)
    return events


def _exposed(rows, design, count):
    inside = [row for row in rows if row[0] < design.end]
    if not inside:
        count["after_end"] += 1
        return None
    zero, arm = min(inside)
    if zero < design.start:
        count["before_start"] += 1
        return None
    return zero, arm, len({index for _, index in inside}) > 1


def _exposed_by_event(rows, own, design, count, first_event):
    times = [t for n, t, *_ in own if first_event in ("*", n)]
    arms = {index for _, index in rows}
    if not times:
        count["never_exposed"] += 1
    elif min(times) < design.start:
        count["before_start"] += 1
    elif min(times) >= design.end:
        count["after_end"] += 1
    else:
        return min(times), min(arms), len(arms) > 1
    return None


def value_of(unit, wanted, zone):
    """One number of one unit."""
    if not isinstance(wanted, EventValue):
        return _derived_value(unit, wanted, zone)
    inside = [(t, v) for n, t, v in unit.events if _is_inside(unit, n, t, wanted, zone)]
    numbers = [v for _, v in inside if v is not None]
    match wanted.aggregate:
        case "count":
            return float(len(inside))
        case "any":
            return float(bool(inside))
        case "sum":
            return float(sum(numbers))
        case "max":
            return max(numbers, default=0.0)
    return float(len({t.tz_convert(ZoneInfo(zone)).date() for t, _ in inside}))


def _is_inside(unit, name, time, wanted, zone):
    named = name in wanted.events or ("*" in wanted.events and name not in wanted.ignored)
    return named and _in_window(unit.zero, time, wanted, ZoneInfo(zone))


def _of_events(requests):
    """Every value of events of some metrics."""
    values = [value for request in requests for value in request.values]
    return [source for value in values for source in sources_of(value)]


def repeats_of(units, requests, zone):
    """Repeated rows among the events that some metrics count or sum."""
    added = [value for value in _of_events(requests) if value.aggregate in ("count", "sum")]
    return sum(
        any(_is_inside(unit, name, time, value, zone) for value in added)
        for unit in units
        for name, time, _ in unit.repeated
    )


def is_idle(unit, requests):
    """Whether a unit has no event until the longest window of some metrics is over."""
    days = max(value.window[1] for value in _of_events(requests))
    return not any(unit.zero <= t < unit.zero + timedelta(days=days) for _, t, _ in unit.events)


def _derived_value(unit, wanted, zone):
    if isinstance(wanted, AllOf):
        return float(all(value_of(unit, part, zone) for part in wanted.values))
    if isinstance(wanted, Total):
        return sum(value_of(unit, part, zone) for part in wanted.values)
    inner = value_of(unit, wanted.value, zone)
    if isinstance(wanted, Times):
        return wanted.factor * inner
    return float(wanted.least <= inner <= wanted.most)


def _in_window(zero, time, wanted, zone):
    start, end = (timedelta(days=days) for days in wanted.window)
    if not wanted.calendar:
        return zero + start <= time < zero + end
    day = time.tz_convert(zone).date() - zero.tz_convert(zone).date()
    return start <= day < end and (time >= zero or start < 0 * DAY)


def is_mature(unit, request, zone, as_of=AS_OF):
    """Whether the window of a unit has closed."""
    if not request.calendar:
        return unit.zero + timedelta(days=request.matures_after) <= as_of
    after = unit.zero.tz_convert(ZoneInfo(zone)).date() + timedelta(days=request.matures_after)
    return datetime(after.year, after.month, after.day, tzinfo=ZoneInfo(zone)) <= as_of


def moments_of(units, request, design, as_of=AS_OF):
    """Units, mean and centred products of the mature units; those who wait or are outside."""
    zone = design.timezone
    mature = [unit for unit in units if is_mature(unit, request, zone, as_of)]
    wanted = (*request.variables, *request.covariates)
    inside = [u for u in mature if request.among is None or value_of(u, request.among, zone)]
    values = np.array([[value_of(u, w, zone) for w in wanted] for u in inside])
    values = values.reshape(len(inside), len(wanted))
    mean = values.mean(axis=0) if inside else np.zeros(len(wanted))
    centred = values - mean
    waiting = len(units) - len(mature)
    return len(inside), mean, centred.T @ centred, waiting, len(mature) - len(inside)


EVENTS_DATA = EventsData(
    kind="events",
    exposures=Exposures(unit="unit", variant="variant", time="time", ignore_variants=("staff",)),
    events=Events(unit="unit", time="time", name="name", value="value"),
    units=UnitAttributes(unit="unit"),
)


@pytest.fixture(scope="session")
def kit():
    """Everything above, for tests."""
    return SimpleNamespace(
        make_log=make_log,
        make_design=make_design,
        reference=reference,
        moments_of=moments_of,
        is_mature=is_mature,
        value_of=value_of,
        repeats_of=repeats_of,
        is_idle=is_idle,
        requests=EVENT_REQUESTS,
        settings=EVENTS_DATA,
        as_of=AS_OF,
        now=NOW,
        column=lambda metric, *names, covariates=(), binary=False: UnitRequest(
            metric,
            tuple(ColumnValue(name) for name in names),
            tuple(ColumnValue(name) for name in covariates),
            binary=binary,
        ),
        units_data=lambda **keys: UnitsData(kind="units", **{"variant": "variant", **keys}),
        plain=lambda **keys: make_design(
            start=None, end=None, phases=(Phase(None, (0.5, 0.5)),), **keys
        ),
        write=_write,
    )


def _write(folder: Path, name: str, text: str | bytes) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return name
