"""Checks of a log against counting in a frame, and logs that are ill in known ways."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from abtest.cohorts import log_health, open_log
from abtest.errors import DataError, UsageError
from abtest.stats import compare_proportions
from abtest.stats.moments import Moments

ZONE = "America/New_York"


def values(found, column="value"):
    return found.table.set_index("check")[column].to_dict()


def healthy(days=20, units=30):
    """Return a log in which every unit has an event on every day, each at another time."""
    rows = [
        (unit, "open", pd.Timestamp("2026-01-05T08:00Z") + pd.Timedelta(days=day, minutes=unit))
        for unit in range(units)
        for day in range(days)
    ]
    return pd.DataFrame(rows, columns=["user_id", "event", "time"])


def test_counts_equal_those_of_a_frame(dirty):
    found = log_health(dirty.events, timezone=ZONE, as_of=dirty.as_of, exposures=dirty.exposures)
    shown = values(found)
    whole = dirty.events.dropna(subset=["user_id"])
    read = whole[whole["occurred_at"] < pd.Timestamp(dirty.as_of)]
    once = read.drop_duplicates()
    assert shown["rows"] == len(dirty.events)
    assert shown["incomplete rows"] == 3
    assert shown["rows from as_of on"] == len(whole) - len(read)
    assert shown["exact repeats"] == len(read) - len(once) > 50
    tied = once.groupby(["user_id", "occurred_at"])["event"].transform("size")
    assert shown["events tied in time"] == (tied > 1).sum() > 10
    local = read["occurred_at"].dt.tz_convert(ZONE)
    assert shown["events at midnight"] == (local == local.dt.normalize()).sum() > 10
    by_unit = once.groupby("user_id").size()
    assert shown["units"] == len(by_unit)
    assert shown["events of the busiest unit"] == by_unit.max()
    assert values(found, "share")["events of the busiest unit"] == by_unit.max() / len(once)
    daily = local.dt.date.value_counts()
    assert found.daily["events"].sum() == len(read)
    for row in found.daily[found.daily["events"] > 0].itertuples():
        assert row.events == daily[pd.Timestamp(row.day).date()]
    names = once.groupby("event").agg(events=("user_id", "size"), units=("user_id", "nunique"))
    for row in found.names.itertuples():
        assert (row.events, row.units) == tuple(names.loc[row.event])
    assert found.names["events"].is_monotonic_decreasing


def test_counts_beside_exposures_equal_those_of_a_frame(dirty):
    found = log_health(dirty.events, as_of=dirty.as_of, exposures=dirty.exposures)
    shown = values(found)
    read = dirty.events.dropna(subset=["user_id"])
    read = read[read["occurred_at"] < pd.Timestamp(dirty.as_of)].drop_duplicates()
    units = dirty.exposures.groupby("user_id").agg(
        start=("exposed_at", "min"), arm=("variant", "min"), other=("variant", "max")
    )
    units = units[units["arm"] == units["other"]]
    joined = read.merge(units, left_on="user_id", right_index=True)
    later = joined[joined["occurred_at"] >= joined["start"].dt.floor("us")]
    assert shown["events before exposure"] == len(joined) - len(later)
    silent = units[~units.index.isin(later["user_id"])]
    counts = {}
    for arm, rows in units.groupby("arm"):
        counts[arm] = Moments.from_counts(len(rows), (silent["arm"] == arm).sum())
        assert shown[f"exposed without events: {arm}"] == (silent["arm"] == arm).sum() > 5
    assert shown["units of two arms"] == 5
    assert shown["units without an arm"] == len(set(read["user_id"]) - set(units.index))
    assert shown["exposed before the log"] == (units["start"] < read["occurred_at"].min()).sum()
    for row in found.differences.itertuples():
        alone = compare_proportions(counts["control"], counts[row.arm])
        assert row.difference == pytest.approx(alone.absolute.estimate, abs=1e-12)
        assert row.p_value == pytest.approx(alone.p_value, rel=1e-9)


def test_a_healthy_log_asks_for_nothing():
    found = log_health(healthy())
    assert set(found.table["status"]) == {"ok"}
    assert "Nothing asks for a second look" in found.plot().alt
    assert found.differences is None


def ill_gap():
    log = healthy()
    return log[~log["time"].dt.day.isin([9, 10])]


def ill_quiet():
    log = healthy()
    return log[(log["time"].dt.day != 9) | (log["user_id"] < 2)]


def ill_robot():
    times = pd.date_range("2026-01-06T00:00:01Z", periods=500, freq="61s")
    return pd.concat([healthy(), pd.DataFrame({"user_id": 999, "event": "open", "time": times})])


def ill_epoch():
    return pd.concat([healthy(), healthy().head(2).assign(time=pd.Timestamp(0, tz="UTC"))])


def ill_future():
    later = healthy().head(1).assign(time=pd.Timestamp("2199-01-01", tz="UTC"))
    return pd.concat([healthy(), later])


def ill_dates():
    log = healthy()
    hours = pd.to_timedelta(log["user_id"] % 2, unit="h")
    return log.assign(time=log["time"].dt.normalize() + hours)


def ill_ties():
    return pd.concat([healthy(), healthy().assign(event="view")])


@pytest.mark.parametrize(
    ("log", "look", "value"),
    [
        (ill_gap, "days without events", 2),
        (ill_quiet, "quiet days", 1),
        (ill_robot, "events of the busiest unit", 500),
        (ill_epoch, "events before 2000", 2),
        (ill_future, "rows of the future", 1),
        (ill_dates, "events at midnight", 300),
        (ill_ties, "events tied in time", 1200),
    ],
)
def test_what_is_strange_is_to_be_looked_at(log, look, value):
    found = log_health(log())
    rows = found.table[found.table["status"] == "look"]
    assert look in rows["check"].tolist()
    assert values(found)[look] == value
    assert look in found.plot().alt


def test_a_robot_that_makes_much_of_the_log_is_extreme():
    times = pd.date_range("2026-01-06T00:00:01Z", periods=5000, freq="61s")
    robot = pd.DataFrame({"user_id": 999, "event": "open", "time": times})
    found = log_health(pd.concat([healthy(units=200), robot]))
    row = found.table.set_index("check").loc["units with extreme counts"]
    assert (row["value"], row["status"]) == (1, "look")
    assert "5,000 events" in row["reading"]


def test_gaps_are_named_and_marked():
    found = log_health(ill_gap())
    assert found.daily[found.daily["gap"]]["day"].tolist() == ["2026-01-09", "2026-01-10"]
    reading = found.table.set_index("check").loc["days without events", "reading"]
    assert "2026-01-09, 2026-01-10" in reading
    assert "20 days from the first event to the last, 2 of them without events" in found.plot().alt


def test_events_of_a_clock_never_set_do_not_stretch_the_days():
    found = log_health(ill_epoch())
    assert len(found.daily) == 20
    reading = found.table.set_index("check").loc["events before 2000", "reading"]
    assert "2 are of 1 January 1970" in reading
    only = log_health(healthy(1, 1).assign(time=pd.Timestamp(0, tz="UTC")))
    assert len(only.daily) == 0
    assert "no event of after the year 2000" in only.plot().alt


def test_units_exposed_before_the_log_are_counted():
    exposures = pd.DataFrame(
        {
            "user_id": [0, 1, 2],
            "variant": ["a", "b", "b"],
            "exposed_at": ["2026-01-01", "2026-01-06", "2027-01-01"],
        }
    )
    found = log_health(healthy(), exposures=exposures, as_of="2026-02-01")
    assert values(found)["exposed before the log"] == 1
    assert values(found)["units without an arm"] == 28


def test_no_order_of_rows_or_name_of_unit_changes_anything(dirty):
    first = log_health(dirty.events, as_of=dirty.as_of)
    shuffled = dirty.events.sample(frac=1, random_state=1)
    renamed = shuffled.assign(user_id="x" + shuffled["user_id"])
    for other in (shuffled, renamed):
        found = log_health(other, as_of=dirty.as_of)
        for name in ("table", "daily", "names"):
            pd.testing.assert_frame_equal(getattr(found, name), getattr(first, name))


def test_a_repeated_row_changes_only_what_counts_rows(dirty):
    first = log_health(dirty.events, as_of=dirty.as_of)
    again = dirty.events[dirty.events["occurred_at"] == dirty.events["occurred_at"].min()].head(1)
    found = log_health(pd.concat([dirty.events, again]), as_of=dirty.as_of)
    before, after = values(first), values(found)
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"rows", "exact repeats", "events at midnight"}
    assert after["exact repeats"] == before["exact repeats"] + 1
    pd.testing.assert_frame_equal(found.names, first.names)


def test_swapping_control_flips_the_signs(dirty):
    asked = {"exposures": dirty.exposures, "as_of": dirty.as_of}
    one = log_health(dirty.events, control="control", **asked).differences
    two = log_health(dirty.events, control="b", **asked).differences
    first = one[one["arm"] == "b"]["difference"].to_numpy()
    assert np.allclose(first, -two[two["arm"] == "control"]["difference"].to_numpy())


def test_the_page_has_all_its_tables(dirty):
    log = open_log(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of)
    html = log_health(log).fragment().html
    for text in ("Events by name", "Events by day", "Differences of the arms", "no error"):
        assert text in html
    assert "1 day from the first event" in log_health(healthy(1, 1)).plot().alt


def test_what_cannot_be_is_refused(dirty):
    with pytest.raises(UsageError) as caught:
        log_health(dirty.events, as_of=dirty.as_of, confidence_level=1.0)
    assert caught.value.code == "bad_choice"
    with pytest.raises(DataError) as empty:
        log_health(dirty.events.head(0))
    assert empty.value.code == "empty_table"


def test_a_log_that_fades_out_has_no_quiet_days():
    log = healthy(days=40, units=60)
    day = (log["time"] - log["time"].min()).dt.days
    fading = log[log["user_id"] < 60 * 0.9**day]
    assert not log_health(fading).daily["quiet"].any()
