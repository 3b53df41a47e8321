"""Event logs, compared with a second computation in plain Python."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from abtest.data import measure
from abtest.data.request import EventValue, UnitRequest
from abtest.data.settings import Events, EventsData, Exposures
from abtest.errors import DataError, UsageError

ZONES = ("UTC", "Asia/Tehran", "Europe/Berlin")


def run(kit, tmp_path, frames, design, requests=None, settings=None, **keys):
    keys = {"as_of": kit.as_of, "now": kit.now, **keys}
    settings = kit.settings if settings is None else settings
    requests = kit.requests if requests is None else requests
    return measure(settings, requests, design, root=tmp_path, frames=frames, **keys)


def frames_of(log):
    return dict(zip(("exposures", "events", "units"), log, strict=True))


def local_text(frame, zone):
    local = frame["time"].dt.tz_convert(zone).dt.tz_localize(None)
    return frame.assign(time=local.astype("string").str.replace(" ", "T"))


def same(moments, n, mean, m2):
    assert moments.n == n
    if n:
        np.testing.assert_allclose(moments.mean, mean, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(moments.m2, m2, rtol=1e-10, atol=1e-9)


def agrees(kit, measured, design, units):
    for request in kit.requests:
        for variant in design.variants:
            arm = [u for u in units if u.variant == variant]
            straight = [u for u in arm if not u.crossover]
            found = measured.samples(request.metric, variant)
            both = measured.samples(request.metric, variant, with_crossovers=True)
            immature = outside = 0
            for phase in (0, 1):
                part = [u for u in straight if u.phase == phase]
                n, mean, m2, waiting, others = kit.moments_of(part, request, design)
                same(found[phase], n, mean, m2)
                immature += waiting
                outside += others
                part = [u for u in arm if u.phase == phase]
                same(both[phase], *kit.moments_of(part, request, design)[:3])
            assert measured.excluded(request.metric)[variant] == {
                "immature": immature,
                "outside": outside,
                "missing": 0,
                "crossover": len(arm) - len(straight),
            }


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("seed", [1, 2])
def test_moments_and_counts_are_those_of_a_plain_computation(kit, tmp_path, zone, seed):
    log = kit.make_log(seed)
    design = kit.make_design(zone)
    measured = run(kit, tmp_path, frames_of(log), design)
    units, counts, unknown = kit.reference(log[0], log[1], design)
    agrees(kit, measured, design, units)
    tally = measured.tally
    assert {name: getattr(tally, name) for name in counts} == dict(counts)
    assert tally.duplicate_event_rows == kit.repeats_of(units, kit.requests, zone) > 0
    assert tally.unknown_variant == unknown
    later = int((log[0]["time"] >= measured.as_of).sum())
    assert (tally.rows, tally.event_rows) == (len(log[0]) - later, len(log[1]))
    for variant in design.variants:
        arm = [u for u in units if u.variant == variant]
        assert tally.exposed[variant] == len(arm)
        assert tally.crossover[variant] == sum(u.crossover for u in arm)
        assert tally.without_events[variant] == sum(kit.is_idle(u, kit.requests) for u in arm)
        for (phase, day), by_variant in tally.exposed_by_day.items():
            here = [u for u in arm if (u.phase, u.day) == (phase, day)]
            assert by_variant[variant] == len(here)


@pytest.mark.parametrize("first_event", ["*", "open"])
def test_the_first_event_is_time_zero_where_exposures_have_no_time(kit, tmp_path, first_event):
    log = kit.make_log(3)
    design = kit.make_design("Europe/Berlin")
    settings = kit.settings.model_copy(
        update={
            "exposures": Exposures(
                unit="unit",
                variant="variant",
                first_event=first_event,
                ignore_variants=("staff",),
            )
        }
    )
    measured = run(kit, tmp_path, frames_of(log), design, settings=settings)
    units, counts, _ = kit.reference(log[0], log[1], design, first_event=first_event)
    agrees(kit, measured, design, units)
    assert {name: getattr(measured.tally, name) for name in counts} == dict(counts)
    repeats = kit.repeats_of(units, kit.requests, design.timezone)
    assert measured.tally.duplicate_event_rows == repeats > 0


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    "form", ["zoned", "naive", "nanoseconds", "arrow", "text", "csv", "parquet"]
)
def test_times_mean_the_same_in_every_form(kit, tmp_path, zone, form):
    log = kit.make_log(4)
    design = kit.make_design(zone)
    units, _, _ = kit.reference(log[0], log[1], design)
    shown, events, people = log
    settings, frames = kit.settings, None
    if form in ("text", "csv"):
        shown, events = local_text(shown, zone), local_text(events, zone)
    elif form in ("naive", "nanoseconds", "parquet"):
        shown, events = (
            frame.assign(time=frame["time"].dt.tz_convert(zone).dt.tz_localize(None))
            for frame in (shown, events)
        )
        if form == "nanoseconds":
            shown["time"] = shown["time"].astype("datetime64[ns]")
    elif form == "zoned":
        shown = shown.assign(time=shown["time"].dt.tz_convert("America/New_York"))
    if form in ("csv", "parquet"):
        update = {}
        for role, frame in (("exposures", shown), ("events", events), ("units", people)):
            name = f"{role}.csv.gz" if form == "csv" else f"{role}.parquet"
            if form == "csv":
                frame.to_csv(tmp_path / name, index=False)
            else:
                frame.to_parquet(tmp_path / name)
            update[role] = getattr(settings, role).model_copy(update={"source": name})
        settings = settings.model_copy(update=update)
    elif form == "arrow":
        frames = {"exposures": pa.Table.from_pandas(shown), "events": pa.Table.from_pandas(events)}
        settings = settings.model_copy(update={"units": None})
    else:
        frames = {"exposures": shown, "events": events, "units": people}
    measured = run(kit, tmp_path, frames, design, settings=settings)
    agrees(kit, measured, design, units)


def test_dates_start_at_local_midnight(kit, tmp_path):
    shown = pd.DataFrame(
        {"unit": [1, 2], "variant": ["control", "treatment"], "time": [date(2026, 3, 29)] * 2}
    )
    at = [
        "2026-03-28T22:59:59Z",
        "2026-03-28T23:00:00Z",
        "2026-03-29T22:59:59Z",
        "2026-03-29T23:00Z",
    ]
    events = pd.DataFrame({"unit": [1] * 4, "name": ["a"] * 4, "time": at, "value": [1.0] * 4})
    requests = [
        UnitRequest("n", (EventValue(("a",), "count", (0, 1)),), matures_after=1),
        UnitRequest("before", (EventValue(("a",), "count", (-1, 0)),), matures_after=0),
        UnitRequest("days", (EventValue(("a",), "distinct_days", (0, 1)),), matures_after=1),
    ]
    settings = kit.settings.model_copy(update={"units": None})
    frames = {"exposures": shown, "events": events}
    # the day has 23 hours in Berlin, the window 24: 23:00Z is the last hour of the window but one
    design = kit.make_design("Europe/Berlin")
    measured = run(kit, tmp_path, frames, design, requests, settings)
    assert measured.samples("n", "control")[1].mean[0] == 2
    assert measured.samples("before", "control")[1].mean[0] == 1
    assert measured.samples("days", "control")[1].mean[0] == 2
    assert measured.days == (date(2026, 3, 29),)


def test_segments_split_the_units_by_their_attributes(kit, tmp_path):
    log = kit.make_log(5)
    design = kit.make_design(segments=("country", "plan"))
    measured = run(kit, tmp_path, frames_of(log), design)
    units, _, _ = kit.reference(log[0], log[1], design)
    agrees(kit, measured, design, units)
    people = log[2].set_index("unit")
    for column in ("country", "plan"):
        of = {u.unit: people[column].get(u.unit) for u in units}
        of = {unit: "" if pd.isna(value) else value for unit, value in of.items()}
        assert set(measured.segment_values(column)) == set(of.values())
        for value, by_variant in measured.segment_values(column).items():
            for variant in design.variants:
                part = [
                    u
                    for u in units
                    if (u.variant, of[u.unit]) == (variant, value) and not u.crossover
                ]
                assert by_variant[variant] == len(part)
                found = measured.samples("revenue", variant, segment=(column, value))
                for phase in (0, 1):
                    here = [u for u in part if u.phase == phase]
                    same(found[phase], *kit.moments_of(here, kit.requests[2], design)[:3])
    with pytest.raises(UsageError, match="not split"):
        measured.samples("revenue", "control", segment=("age", "1"))


def test_units_exposed_through_a_day_are_those_mature_then(kit, tmp_path):
    log = kit.make_log(6)
    design = kit.make_design("Asia/Tehran")
    whole = run(kit, tmp_path, frames_of(log), design)
    units, _, _ = kit.reference(log[0], log[1], design)
    through = date(2026, 3, 26)
    for request in kit.requests:
        found = whole.samples(request.metric, "treatment", exposed_through=through)
        part = [
            u for u in units if u.variant == "treatment" and not u.crossover and u.day <= through
        ]
        for phase in (0, 1):
            here = [u for u in part if u.phase == phase]
            same(found[phase], *kit.moments_of(here, request, design)[:3])


def test_the_answer_has_the_same_bits_in_any_order_of_rows(kit, tmp_path):
    log = kit.make_log(7, units=400)
    design = kit.make_design(segments=("country",))
    first = run(kit, tmp_path, frames_of(log), design)
    again = tuple(frame.sample(frac=1, random_state=9) for frame in log)
    second = run(kit, tmp_path, frames_of(again), design)
    for name, sums in first.cells.metrics.items():
        other = second.cells.metrics[name]
        assert sums.pilot.tobytes() == other.pilot.tobytes()
        assert sums.sums.tobytes() == other.sums.tobytes()
        assert sums.products.tobytes() == other.products.tobytes()
    assert first.tally == second.tally


def test_parts_of_the_units_add_up_to_the_whole(kit, tmp_path):
    log = kit.make_log(8)
    design = kit.make_design()
    whole = run(kit, tmp_path, frames_of(log), design)
    lot = log[0]["unit"].fillna("").map(lambda unit: sum(map(ord, unit)) % 3)
    parts = [
        run(kit, tmp_path, frames_of((log[0][lot == i], log[1], log[2])), design) for i in range(3)
    ]
    for request in kit.requests:
        for variant in design.variants:
            total = parts[0].samples(request.metric, variant)
            for part in parts[1:]:
                more = part.samples(request.metric, variant)
                total = tuple(a + b for a, b in zip(total, more, strict=True))
            for a, b in zip(total, whole.samples(request.metric, variant), strict=True):
                same(a, b.n, b.mean, b.m2)


def simple(kit, tmp_path, events, requests, shown=None, **keys):
    if shown is None:
        at = [datetime(2026, 3, 21, tzinfo=UTC)] * 2
        shown = pd.DataFrame({"unit": ["a", "b"], "variant": ["control", "treatment"], "time": at})
    settings = kit.settings.model_copy(update={"units": None})
    if "session" in events:
        update = {"events": settings.events.model_copy(update={"session": "session"})}
        settings = settings.model_copy(update=update)
    frames = {"exposures": shown, "events": events}
    return run(kit, tmp_path, frames, kit.make_design(), requests, settings, **keys)


def test_repeats_differ_when_the_session_does(kit, tmp_path):
    at = datetime(2026, 3, 22, tzinfo=UTC)
    events = pd.DataFrame(
        {"unit": ["a"] * 3, "name": "x", "time": at, "value": 1.0, "session": ["s", "s", "t"]}
    )
    request = UnitRequest("n", (EventValue(("x",), "count", (0, 7)),), matures_after=7)
    measured = simple(kit, tmp_path, events, [request])
    assert measured.samples("n", "control")[0].mean[0] == 2
    assert measured.tally.duplicate_event_rows == 1


def test_one_metric_without_values_does_not_stop_the_others(kit, tmp_path):
    at = datetime(2026, 3, 22, tzinfo=UTC)
    events = pd.DataFrame({"unit": ["a"], "name": "x", "time": at})
    requests = [
        UnitRequest("n", (EventValue(("x",), "count", (0, 7)),), matures_after=7),
        UnitRequest("total", (EventValue(("x",), "sum", (0, 7)),), matures_after=7),
    ]
    measured = simple(kit, tmp_path, events, requests)
    assert measured.failures["total"][0] == "missing_column"
    assert measured.samples("n", "control")[0].mean[0] == 1
    with pytest.raises(DataError) as caught:
        measured.samples("total", "control")
    assert caught.value.code == "missing_column"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (["1", "many"], "not_numeric"),
        ([1.0, np.inf], "infinite_values"),
        ([1e200, 2], "values_too_large"),
    ],
)
def test_values_that_cannot_be_summed_fail_their_metric_only(kit, tmp_path, values, code):
    at = datetime(2026, 3, 22, tzinfo=UTC)
    events = pd.DataFrame({"unit": ["a", "b"], "name": "x", "time": at, "value": values})
    requests = [
        UnitRequest("n", (EventValue(("x",), "count", (0, 7)),), matures_after=7),
        UnitRequest("total", (EventValue(("x",), "sum", (0, 7)),), matures_after=7),
    ]
    measured = simple(kit, tmp_path, events, requests)
    assert measured.failures["total"][0] == code
    assert "total" not in measured.cells.metrics
    assert measured.samples("n", "control")[0].n == 1


def test_whole_number_ids_meet_text_ids(kit, tmp_path):
    at = datetime(2026, 3, 22, tzinfo=UTC)
    shown = pd.DataFrame({"unit": [1.0, 2.0], "variant": ["control", "treatment"], "time": at})
    events = pd.DataFrame({"unit": ["1", "2"], "name": "x", "time": at, "value": 1.0})
    request = UnitRequest("n", (EventValue(("x",), "count", (0, 7)),), matures_after=7)
    measured = simple(kit, tmp_path, events, [request], shown)
    assert measured.samples("n", "control")[0].mean[0] == 1


def test_ids_that_never_meet_are_refused(kit, tmp_path):
    at = datetime(2026, 3, 22, tzinfo=UTC)
    events = pd.DataFrame({"unit": ["0a"], "name": "x", "time": at, "value": 1.0})
    request = UnitRequest("n", (EventValue(("x",), "count", (0, 7)),), matures_after=7)
    with pytest.raises(DataError) as caught:
        simple(kit, tmp_path, events, [request])
    assert caught.value.code == "no_common_units"


@pytest.mark.parametrize(
    ("now", "as_of", "late"),
    [
        ("2026-03-26T00:00Z", "2026-03-25T20:30:00Z", 0),
        ("2026-03-25T18:00Z", "2026-03-24T20:30:00Z", 1),
    ],
)
def test_data_are_believed_up_to_a_local_midnight_that_has_passed(kit, tmp_path, now, as_of, late):
    events = pd.DataFrame(
        {
            "unit": ["a", "b"],
            "name": "x",
            "time": pd.to_datetime(["2026-03-25T10:00Z", "2027-01-01T00:00Z"]),
            "value": 1.0,
        }
    )
    shown = pd.DataFrame(
        {
            "unit": ["a", "b"],
            "variant": ["control", "treatment"],
            "time": pd.to_datetime(["2026-03-21T00:00Z"] * 2),
        }
    )
    settings = kit.settings.model_copy(update={"units": None})
    request = UnitRequest("n", (EventValue(("x",), "count", (0, 1)),), matures_after=1)
    measured = measure(
        settings,
        [request],
        kit.make_design("Asia/Tehran"),
        root=tmp_path,
        frames={"exposures": shown, "events": events},
        now=datetime.fromisoformat(now),
    )
    assert measured.as_of == datetime.fromisoformat(as_of)
    assert measured.as_of.utcoffset() == timedelta(hours=3, minutes=30)
    assert (measured.tally.late_rows, measured.tally.future_rows) == (late, 1)


def test_odd_column_names_and_table_names_are_only_names(kit, tmp_path):
    import duckdb

    at = datetime(2026, 3, 22)
    unit, name, value, time = 'the "unit"; drop table x', "select", "va lue'", "from"
    path = tmp_path / "o'dd.duckdb"
    with duckdb.connect(str(path)) as con:
        for table in ("or der", "group"):
            columns = '"the ""unit""; drop table x" int, "select" text, "va lue\'" decimal(9,2)'
            con.execute(f'create table "{table}" ({columns}, "from" timestamp)')
        con.executemany(
            'insert into "or der" values (?, ?, ?, ?)', [(1, "control", 0, at), (2, "it's", 0, at)]
        )
        con.executemany(
            'insert into "group" values (?, ?, ?, ?)', [(1, "bu'y", 2.99, at), (2, "bu'y", 3.0, at)]
        )
    settings = EventsData(
        kind="events",
        source=path.name,
        exposures=Exposures(table="or der", unit=unit, variant=name, time=time),
        events=Events(table="group", unit=unit, time=time, name=name, value=value),
    )
    request = UnitRequest("total", (EventValue(("bu'y",), "sum", (0, 7)),), matures_after=7)
    design = kit.make_design(variants=("control", "it's"))
    measured = run(kit, tmp_path, None, design, [request], settings)
    assert measured.samples("total", "control")[0].mean[0] == 2.99
    assert measured.samples("total", "it's")[0].mean[0] == 3.0


def test_attributes_that_contradict_each_other_are_refused(kit, tmp_path):
    log = kit.make_log(5)
    people = pd.concat([log[2], log[2].iloc[:3]])
    design = kit.make_design(segments=("country",))
    measured = run(kit, tmp_path, frames_of((log[0], log[1], people)), design)
    assert measured.tally.duplicate_unit_rows == 3
    people = pd.concat([log[2], log[2].iloc[:3].assign(country="FR")])
    with pytest.raises(DataError) as caught:
        run(kit, tmp_path, frames_of((log[0], log[1], people)), design)
    assert caught.value.code == "conflicting_rows"
    assert caught.value.what.startswith("3 units")


def test_an_event_log_needs_its_frames_by_name(kit, tmp_path):
    log = kit.make_log(1)
    with pytest.raises(UsageError) as caught:
        run(kit, tmp_path, log[1], kit.make_design())
    assert caught.value.code == "frames_by_role"


def test_enrolment_and_belief_end_just_before_their_moment(kit, tmp_path):
    design = kit.make_design()
    inside = design.start
    at = [inside, inside, design.end, design.start - timedelta(microseconds=1), kit.as_of]
    arms = ["control", "treatment", "control", "control", "control"]
    shown = pd.DataFrame({"unit": list("abcde"), "variant": arms, "time": pd.to_datetime(at)})
    times = pd.to_datetime([kit.as_of, kit.as_of - timedelta(microseconds=1)])
    events = pd.DataFrame({"unit": ["a", "a"], "name": "x", "time": times, "value": 1.0})
    days = (kit.as_of - inside) / timedelta(days=1)
    request = UnitRequest("n", (EventValue(("x",), "count", (0, days)),), matures_after=days)
    measured = simple(kit, tmp_path, events, [request], shown)
    tally = measured.tally
    assert (tally.before_start, tally.after_end, tally.late_rows) == (1, 1, 2)
    assert tally.exposed == {"control": 1, "treatment": 1}
    assert tally.without_events == {"control": 0, "treatment": 1}
    assert measured.samples("n", "control")[0].mean[0] == 1


def test_units_are_counted_whose_events_lack_the_value_to_sum(kit, tmp_path):
    start = datetime(2026, 3, 21, tzinfo=UTC)
    rows = [
        ("a", 1, "buy", None),
        ("a", 2, "buy", 5.0),
        ("b", 1, "buy", 2.0),
        ("b", 9, "buy", None),
    ]
    rows += [("c", 1, "open", None), ("d", 1, "buy", None)]
    events = pd.DataFrame(
        [(unit, start + timedelta(days=day), name, value) for unit, day, name, value in rows],
        columns=["unit", "time", "name", "value"],
    )
    exposures = pd.DataFrame({"unit": list("abcd"), "variant": ["control"] * 2 + ["treatment"] * 2})
    exposures["time"] = start
    design = kit.make_design()
    window = (0.0, 7.0)
    requests = (
        UnitRequest("spend", (EventValue(("buy",), "sum", window),), matures_after=7),
        UnitRequest("largest", (EventValue(("buy",), "max", window),), statistic="value_counts"),
        UnitRequest(
            "total", (EventValue(("buy",), "sum", window),), statistic="repeated_events", horizon=7
        ),
        UnitRequest("orders", (EventValue(("buy",), "count", window),), matures_after=7),
        UnitRequest("anything", (EventValue(("*",), "sum", window),), matures_after=7),
    )
    frames = {"exposures": exposures, "events": events}
    measured = run(kit, tmp_path, frames, design, requests, kit.settings)
    lost = {"control": 1, "treatment": 1}
    assert measured.tally.valueless == {"spend": lost, "largest": lost, "total": lost}
