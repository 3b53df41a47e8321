"""Values, answers, times and amounts by cell, compared with a plain computation."""

from collections import Counter
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from abtest.data import measure
from abtest.data.detail import DIGITS
from abtest.data.request import ColumnValue, EventValue, UnitRequest, time_step
from abtest.data.settings import UnitsData
from abtest.stats import EventTimes, RepeatedEvents, ValueCounts

COUNTED = UnitRequest(
    "counted", (EventValue(("*",), "count", (0, 3)),), matures_after=3, statistic="value_counts"
)
ANSWER = UnitRequest(
    "answer",
    (EventValue(("buy",), "last_value", (0, 7)),),
    matures_after=7,
    statistic="value_counts",
)
HOURS = UnitRequest(
    "hours", (EventValue(("buy",), "first_time", (0, 7)),), statistic="event_times", horizon=7
)
DAYS = UnitRequest(
    "days", (EventValue(("*",), "first_time", (0, 18)),), statistic="event_times", horizon=18
)
ORDERS = UnitRequest(
    "orders", (EventValue(("buy",), "count", (0, 9)),), statistic="repeated_events", horizon=9
)
SPENT = UnitRequest(
    "spent", (EventValue(("buy",), "sum", (0, 9)),), statistic="repeated_events", horizon=9
)
HOURLY = UnitRequest(
    "hourly", (EventValue(("*",), "count", (0, 2)),), statistic="repeated_events", horizon=2
)
REQUESTS = (COUNTED, ANSWER, HOURS, DAYS, ORDERS, SPENT, HOURLY)


def inside(unit, wanted):
    start, end = (timedelta(days=days) for days in wanted.window)
    return [
        (t, v)
        for n, t, v in unit.events
        if set(wanted.events) & {"*", n} and unit.zero + start <= t < unit.zero + end
    ]


def watched_steps(unit, request, as_of):
    step = timedelta(days=time_step(request.statistic, request.horizon))
    return min((as_of - unit.zero) // step, round(timedelta(days=request.horizon) / step)), step


def expected(units, request, kit, design):
    wanted = request.variables[0]
    if request.statistic == "value_counts":
        mature = [u for u in units if u.zero + timedelta(days=wanted.window[1]) <= kit.as_of]
        if wanted.aggregate == "last_value":
            known = [sorted(e for e in inside(u, wanted) if e[1] is not None) for u in mature]
            return ValueCounts.from_values([e[-1][1] if e else np.nan for e in known])
        return ValueCounts.from_values([kit.value_of(u, wanted, design.timezone) for u in mature])
    if request.statistic == "event_times":
        times, seen = [], []
        for unit in units:
            steps, step = watched_steps(unit, request, kit.as_of)
            first = min((t - unit.zero for t, _ in inside(unit, wanted)), default=None)
            has = first is not None and first // step < steps
            times.append(((first // step + 0.5) if has else steps) * (step / timedelta(days=1)))
            seen.append(has)
        return EventTimes.from_values(times, seen)
    ends, whose, when, amounts = [], [], [], []
    for place, unit in enumerate(units):
        steps, step = watched_steps(unit, request, kit.as_of)
        days = step / timedelta(days=1)
        ends.append(steps * days)
        for time, value in inside(unit, wanted):
            if (time - unit.zero) // step < steps:
                whose.append(place)
                when.append(((time - unit.zero) // step + 1) * days)
                amounts.append(1.0 if wanted.aggregate == "count" else value or 0.0)
    return RepeatedEvents.from_values(ends, whose, when, amounts)


def same(found, wanted):
    assert (found.n, found.nulls) == (wanted.n, wanted.nulls)
    if isinstance(wanted, ValueCounts):
        np.testing.assert_array_equal(found.values, wanted.values)
        np.testing.assert_array_equal(found.counts, wanted.counts)
    elif isinstance(wanted, EventTimes):
        np.testing.assert_allclose(found.times, wanted.times, rtol=1e-12)
        np.testing.assert_array_equal(found.events, wanted.events)
        np.testing.assert_array_equal(found.censored, wanted.censored)
    else:
        place = [int(np.argmin(np.abs(found.times - time))) for time in wanted.times]
        np.testing.assert_allclose(found.times[place], wanted.times, atol=1e-9)
        for name in ("ended", "by_end", "products"):
            ours, theirs = getattr(found, name), getattr(wanted, name)
            grid = np.ix_(place, place) if ours.ndim == 2 else place
            np.testing.assert_allclose(ours[grid], theirs, rtol=1e-9, atol=1e-9)
            assert np.abs(ours).sum() == pytest.approx(np.abs(theirs).sum())


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tehran"])
@pytest.mark.parametrize("seed", [1, 2])
def test_details_are_those_of_a_plain_computation_in_every_arm_phase_and_segment(
    kit, tmp_path, zone, seed
):
    log = kit.make_log(seed)
    design = kit.make_design(zone, segments=("country",))
    frames = dict(zip(("exposures", "events", "units"), log, strict=True))
    measured = measure(
        kit.settings, REQUESTS, design, root=tmp_path, frames=frames, as_of=kit.as_of, now=kit.now
    )
    assert not measured.failures
    units, _, _ = kit.reference(log[0], log[1], design)
    country = dict(zip(log[2]["unit"], log[2]["country"], strict=True))
    compared = Counter()
    for request in REQUESTS:
        for variant in design.variants:
            arm = [u for u in units if u.variant == variant]
            for value in (None, *sorted(set(log[2]["country"]))):
                mine = [u for u in arm if value is None or country.get(u.unit) == value]
                segment = None if value is None else ("country", value)
                plain = measured.samples(request.metric, variant, segment=segment)
                crossed = measured.samples(
                    request.metric, variant, segment=segment, with_crossovers=True
                )
                for phase in (0, 1):
                    own = [u for u in mine if u.phase == phase]
                    straight = [u for u in own if not u.crossover]
                    same(plain[phase], expected(straight, request, kit, design))
                    same(crossed[phase], expected(own, request, kit, design))
                    compared[request.metric] += plain[phase].n
    assert min(compared.values()) > 50


def test_the_first_event_of_the_clock_is_no_event_of_the_metric(kit, tmp_path):
    day = pd.Timestamp("2026-03-21", tz="UTC")
    shown = pd.DataFrame({"unit": ["a", "b"], "variant": ["control", "treatment"]})
    events = pd.DataFrame(
        {
            "unit": ["a", "a", "b"],
            "name": ["open", "open", "open"],
            "time": [day, day + pd.Timedelta(hours=30), day],
            "value": [1.0, 2.0, 3.0],
        }
    )
    exposures = kit.settings.exposures.model_copy(update={"time": None, "first_event": "open"})
    settings = kit.settings.model_copy(update={"exposures": exposures, "units": None})
    asked = (
        UnitRequest(
            "t", (EventValue(("open",), "first_time", (0, 3)),), statistic="event_times", horizon=3
        ),
        UnitRequest(
            "m", (EventValue(("open",), "count", (0, 3)),), statistic="repeated_events", horizon=3
        ),
        UnitRequest(
            "v",
            (EventValue(("open",), "last_value", (0, 3)),),
            matures_after=3,
            statistic="value_counts",
        ),
    )
    measured = measure(
        settings,
        asked,
        kit.make_design(),
        root=tmp_path,
        frames={"exposures": shown, "events": events},
        as_of=kit.as_of,
        now=kit.now,
    )
    times = measured.samples("t", "control")[0]
    assert (times.times.tolist(), times.events.tolist()) == ([30.5 / 24], [1])
    lost = measured.samples("t", "treatment")[0]
    assert (lost.times.tolist(), lost.censored.tolist()) == ([3.0], [1])
    repeats = measured.samples("m", "control")[0]
    assert repeats.by_end.sum() == 1.0
    assert measured.samples("v", "control")[0].values.tolist() == [2.0]
    assert measured.samples("v", "treatment")[0].nulls == 1


def units_frame(seed=5, n=30_000):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "variant": rng.choice(["control", "treatment"], n),
            "value": np.where(rng.random(n) < 0.1, np.nan, rng.lognormal(2, 1, n)),
            "time": rng.exponential(5, n).round(1),
            "seen": rng.random(n) < 0.7,
            "plan": rng.choice(["pro", "free"], n),
        }
    )


UNITS = UnitsData(kind="units", variant="variant", source=None)
VALUE = UnitRequest("value", (ColumnValue("value"),), statistic="value_counts")
TIME = UnitRequest(
    "time", (ColumnValue("time"), ColumnValue("seen")), statistic="event_times", horizon=10
)


def measured_units(kit, tmp_path, frame, *requests):
    design = kit.plain(segments=("plan",))
    return measure(
        UNITS, requests, design, root=tmp_path, frames={"units": frame}, as_of=None, now=kit.now
    )


def test_more_than_ten_thousand_values_are_taken_to_four_digits_and_say_so(kit, tmp_path):
    frame = units_frame()
    measured = measured_units(kit, tmp_path, frame, VALUE, TIME)
    assert measured.rounded_to("value") == DIGITS
    assert measured.rounded_to("time") is None
    for arm in ("control", "treatment"):
        own = frame[frame["variant"] == arm]
        known = own["value"].dropna()
        rounded = ValueCounts.from_values([float(f"{one:.4g}") for one in known])
        found = measured.samples("value", arm)[0]
        assert found.nulls == own["value"].isna().sum()
        assert found.values.tolist() == rounded.values.tolist()
        assert found.counts.tolist() == rounded.counts.tolist()
        pro = own[own["plan"] == "pro"]
        same(
            measured.samples("time", arm, segment=("plan", "pro"))[0],
            EventTimes.from_values(pro["time"], pro["seen"]),
        )


@pytest.mark.parametrize(
    ("column", "bad", "code"),
    [
        ("value", np.inf, "infinite_values"),
        ("time", -1.0, "impossible_times"),
        ("time", np.inf, "infinite_values"),
        ("seen", 2, "not_binary"),
        ("seen", "perhaps", "not_numeric"),
    ],
)
def test_values_that_cannot_be_are_a_failure_of_their_metric_alone(
    kit, tmp_path, column, bad, code
):
    frame = units_frame(n=500)
    frame[column] = frame[column].astype(object)
    frame.loc[3, column] = bad
    if not isinstance(bad, str):
        frame[column] = pd.to_numeric(frame[column])
    else:
        frame[column] = frame[column].astype(str)
    measured = measured_units(kit, tmp_path, frame, VALUE, TIME)
    wrong = "value" if column == "value" else "time"
    assert measured.failures[wrong][0] == code
    assert set(measured.failures) == {wrong}


def test_a_column_without_values_is_a_failure(kit, tmp_path):
    frame = units_frame(n=200).assign(value=np.nan)
    measured = measured_units(kit, tmp_path, frame, VALUE)
    assert measured.failures["value"][0] == "all_null"


@pytest.mark.parametrize(
    ("statistic", "horizon", "step"),
    [
        ("event_times", 0.25, 1 / 1440),
        ("event_times", 15, 1 / 24),
        ("event_times", 15.5, 1.0),
        ("repeated_events", 4, 1 / 24),
        ("repeated_events", 5, 1.0),
    ],
)
def test_time_is_counted_in_minutes_hours_or_days(statistic, horizon, step):
    assert time_step(statistic, horizon) == step
