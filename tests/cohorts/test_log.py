"""Opening a log: columns by common names, one meaning for times, three-part errors."""

from __future__ import annotations

from datetime import date

import ibis
import pandas as pd
import pyarrow as pa
import pytest

from abtest.cohorts import open_log, retention
from abtest.errors import DataError, UsageError


def frame(**columns):
    return pd.DataFrame(columns)


LOG = frame(
    user_id=["a", "b", None],
    event=["open", "buy", "open"],
    time=["2026-01-05T10:00Z", "2026-01-06T23:30:00-02:00", "2026-01-05"],
)


def test_a_frame_a_table_and_a_path_give_the_same_log(tmp_path):
    path = tmp_path / "log.parquet"
    LOG.to_parquet(path)
    LOG.to_csv(tmp_path / "log.csv", index=False)
    seen = []
    for given in (LOG, ibis.memtable(pa.Table.from_pandas(LOG)), path, str(tmp_path / "log.csv")):
        log = open_log(given)
        rows = log.run(log.events.order_by("unit")).select(["unit", "event", "time"]).to_pylist()
        seen.append((rows, log.facts, log.as_of))
    assert all(one == seen[0] for one in seen)
    rows, facts, as_of = seen[0]
    assert [(row["unit"], row["event"]) for row in rows] == [("a", "open"), ("b", "buy")]
    assert (facts.rows, facts.incomplete, facts.later) == (3, 1, 0)
    assert as_of.isoformat() == "2026-01-08T00:00:00+00:00"


def test_rows_from_as_of_on_are_left_out_and_counted():
    log = open_log(LOG, as_of="2026-01-06")
    assert log.facts.later == 1
    assert log.run(log.events.count()).as_py() == 1


def test_rows_of_the_future_are_not_believed():
    future = frame(user_id=[1, 1], event="open", time=["2026-01-05T10:00Z", "2199-01-01T00:00Z"])
    log = open_log(future)
    assert log.as_of.isoformat() == "2026-01-06T00:00:00+00:00"
    assert log.facts.later == 1


def test_times_without_zone_are_of_the_logs_timezone():
    local = frame(user_id=[1], event="open", time=["2026-01-05T00:30:00"])
    log = open_log(local, timezone="Asia/Tehran")
    assert log.facts.first.isoformat() == "2026-01-04T21:00:00"
    assert log.as_of.isoformat() == "2026-01-06T00:00:00+03:30"


def test_a_log_without_names_of_events_is_all_one_event():
    log = open_log(frame(customer_id=[1], date=["1997-01-01"]))
    assert log.run(log.events)["event"].to_pylist() == ["event"]


@pytest.mark.parametrize(
    ("given", "options", "code", "says"),
    [
        (frame(a=[1]), {}, "missing_column", 'unit="..."'),
        (LOG, {"unit": "userid"}, "missing_column", "user_id"),
        (LOG.head(0), {}, "empty_table", "rows"),
        (LOG.assign(time="soon"), {}, "times_unreadable", "2026-01-05T10:00:00Z"),
        (LOG, {"as_of": "2020-01-01"}, "no_events", "as_of"),
        (LOG, {"value": "event"}, "numbers_unreadable", "12.5"),
        ("nothing.csv", {}, "file_missing", "check the name"),
        ([1, 2], {}, "not_a_frame", "DataFrame"),
        (LOG, {"exposures": frame(user_id=["a"], variant="x", exposed_at="2026-01-01")},
         "one_arm", "columns"),
        (LOG, {"exposures": frame(user_id=["a", "b"], variant=["x", "y"])},
         "missing_column", "first_event"),
        (LOG, {"exposures": frame(user_id=["a", "b"], variant=["x", "y"], exposed_at="2026-01-01"),
               "control": "z"}, "unknown_control", "arms"),
        (LOG, {"exposures": frame(user_id=["u1", "u2"], variant=["x", "y"],
                                  exposed_at="2026-01-01")}, "no_common_units", "prefixes"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_in_three_parts(given, options, code, says):
    with pytest.raises(DataError) as caught:
        open_log(given, **options)
    assert caught.value.code == code
    assert caught.value.given
    assert says in caught.value.todo


@pytest.mark.parametrize(
    ("options", "code"),
    [({"units": "user_id"}, "unknown_option"), ({"as_of": "soon"}, "bad_time")],
)
def test_options_that_do_not_exist_are_refused(options, code):
    with pytest.raises(UsageError) as caught:
        open_log(LOG, **options)
    assert caught.value.code == code


def test_an_opened_log_has_its_options_already():
    log = open_log(LOG)
    assert open_log(log) is log
    with pytest.raises(UsageError, match="options already"):
        retention(log, timezone="UTC")


def test_an_unknown_event_is_told_with_the_nearest_name():
    with pytest.raises(DataError) as caught:
        retention(LOG, back="opne")
    assert caught.value.code == "unknown_event"
    assert "'open'" in caught.value.todo


def test_arms_leave_out_units_of_two_arms_and_start_at_the_first_exposure(dirty):
    log = open_log(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of)
    assert log.arms is not None
    assert log.arms.names == ("control", "b", "c")
    assert log.arms.crossover == 5
    first = dirty.exposures.groupby("user_id")["exposed_at"].min()
    units = log.run(log.arms.units).to_pandas().set_index("unit")
    assert len(units) == 295
    assert (units["start"] == first.dt.tz_localize(None).dt.floor("us").reindex(units.index)).all()


def test_numbers_of_one_table_meet_texts_of_the_other():
    events = frame(user_id=[1, 2], event="open", time="2026-01-05T10:00Z")
    exposures = frame(user_id=["1", "2"], variant=["x", "y"], exposed_at="2026-01-05T00:00Z")
    log = open_log(events, exposures=exposures)
    assert log.arms is not None
    assert sorted(log.run(log.arms.units)["unit"].to_pylist()) == [1, 2]


def test_exposures_without_times_start_at_a_named_event():
    events = frame(
        user_id=[1, 1, 2, 2],
        event=["open", "start", "start", "open"],
        time=["2026-01-05T09:00Z", "2026-01-05T10:00Z", "2026-01-05T11:00Z", "2026-01-05T12:00Z"],
    )
    exposures = frame(user_id=[1, 2, 3], variant=["x", "y", "x"])
    log = open_log(events, exposures=exposures, first_event="start")
    assert log.arms is not None
    hours = {row["unit"]: row["start"].hour for row in log.run(log.arms.units).to_pylist()}
    assert hours == {1: 10, 2: 11}


def test_headings_of_exports_are_found_with_spaces_and_capitals():
    headed = LOG.rename(columns={"user_id": "User ID", "event": "Event Name", "time": "Time"})
    log = open_log(headed)
    assert log.run(log.events).num_rows == 2


def test_as_of_may_be_a_date_and_not_a_number():
    assert open_log(LOG, as_of=date(2026, 1, 6)).facts.later == 1
    with pytest.raises(UsageError, match="not a date or time") as caught:
        open_log(LOG, as_of=20260106)
    assert caught.value.code == "bad_time"


def test_an_option_that_resembles_none_is_told_with_all_of_them():
    with pytest.raises(UsageError, match="options of a log are unit, time, event"):
        open_log(LOG, name="event")


def test_a_log_says_in_a_line_what_it_is():
    said = "<EventLog of the frame: 3 rows, up to 8 Jan 2026, 00:00 UTC>"
    assert repr(open_log(LOG)) == said
    assert repr(retention(LOG, period="day")) == "<Retention: Retention by day, 4 rows>"
