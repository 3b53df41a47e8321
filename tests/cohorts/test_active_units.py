"""Active units against sets of units by day, and the identity of DAU over MAU."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import pytest

from abtest.cohorts import active_units, stickiness
from abtest.errors import DataError, UsageError

ZONE = "America/New_York"


def sets_by_day(dirty, names, *, arms=False):
    """Return {cohort: {day: units active}} from every event."""
    events = dirty.events.dropna(subset=["user_id"])
    events = events[events["occurred_at"] < pd.Timestamp(dirty.as_of)]
    events = events[events["event"].isin(names)]
    units = dirty.exposures.groupby("user_id").agg(
        start=("exposed_at", "min"), arm=("variant", "min"), other=("variant", "max")
    )
    units = units[units["arm"] == units["other"]]
    found = {}
    for row in events.itertuples():
        cohort = "all"
        if arms:
            if row.user_id not in units.index:
                continue
            unit = units.loc[row.user_id]
            if row.occurred_at < unit["start"].floor("us"):
                continue
            cohort = unit["arm"]
        day = row.occurred_at.tz_convert(ZONE).date()
        found.setdefault(cohort, {}).setdefault(day, set()).add(row.user_id)
    return found, units


def within(days, day, length):
    return set().union(*(days.get(day - timedelta(days=i), set()) for i in range(length)))


@pytest.mark.parametrize("arms", [False, True])
def test_counts_equal_sets_of_units(dirty, arms):
    options = {"exposures": dirty.exposures} if arms else {}
    names = ["view", "cart"]
    table = active_units(
        dirty.events, active=names, month=28, timezone=ZONE, as_of=dirty.as_of, **options
    ).table
    slow, units = sets_by_day(dirty, names, arms=arms)
    assert set(table["cohort"]) == set(slow)
    for cohort, rows in table.groupby("cohort"):
        days = slow[cohort]
        for place, row in enumerate(rows.itertuples()):
            day = pd.Timestamp(row.day).date()
            assert row.dau == len(days.get(day, set()))
            for name, length in (("wau", 7), ("mau", 28)):
                counted = getattr(row, name)
                if place < length - 1:
                    assert counted is pd.NA
                else:
                    assert counted == len(within(days, day, length))
            if arms:
                started = units[units["arm"] == cohort]["start"].dt.tz_convert(ZONE).dt.date
                assert row.exposed == (started <= day).sum()
    # the last date in New York is not over at midnight in London
    assert table["day"].iloc[-1] == "2026-03-28"


def test_dau_over_mau_is_the_share_of_days_on_which_active_units_were_active(dirty):
    for month in (14, 28):
        table = active_units(dirty.events, month=month, as_of=dirty.as_of).table
        means = stickiness(dirty.events, days=month, as_of=dirty.as_of).means
        assert table["dau_mau"].iloc[-1] == pytest.approx(means["rate"].iloc[0], rel=1e-12)
        assert table["mau"].iloc[-1] == means["eligible"].iloc[0]


def test_forty_of_a_hundred_a_day_is_a_ratio_of_two_fifths():
    """The share that DAU/MAU is commonly explained with: 40 a day of 100 a month."""
    begin = pd.Timestamp("2026-01-05", tz="UTC")
    rows = [
        (unit, begin + pd.Timedelta(days=day))
        for day in range(30)
        for unit in ((40 * day + i) % 100 for i in range(40))
    ]
    log = pd.DataFrame(rows, columns=["user_id", "time"])
    last = active_units(log, month=30).table.iloc[-1]
    assert (last["dau"], last["mau"], last["dau_mau"]) == (40, 100, pytest.approx(0.4))


def test_a_day_without_activity_is_zero_and_a_window_from_before_the_log_is_null():
    log = pd.DataFrame({"user_id": [1, 1], "time": ["2026-01-05", "2026-01-14"]})
    table = active_units(log, month=8).table
    assert table["dau"].tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert table["wau"].isna().tolist() == [True] * 6 + [False] * 4
    assert table["wau"].tolist()[6:] == [1, 0, 0, 1]
    assert table["mau"].tolist()[7:] == [1, 0, 1]
    assert table["wau_mau"].isna().tolist() == [True] * 7 + [False, True, False]
    assert table["dau_mau"].tolist()[9] == pytest.approx(1 / 8)


def test_units_exposed_before_the_log_begins_are_exposed_on_its_first_day():
    log = pd.DataFrame({"user_id": ["a", "a"], "time": ["2026-01-05T10:00Z", "2026-01-06T10:00Z"]})
    exposures = pd.DataFrame(
        {
            "user_id": ["a", "b", "c"],
            "variant": ["x", "y", "y"],
            "exposed_at": ["2026-01-01", "2026-01-02", "2026-01-06T05:00Z"],
        }
    )
    table = active_units(log, exposures=exposures).table
    assert table[["cohort", "day", "exposed", "dau"]].values.tolist() == [
        ["x", "2026-01-05", 1, 1],
        ["x", "2026-01-06", 1, 1],
        ["y", "2026-01-05", 1, 0],
        ["y", "2026-01-06", 2, 0],
    ]


def test_no_order_of_rows_repeat_or_name_of_unit_changes_anything(dirty):
    first = active_units(dirty.events, as_of=dirty.as_of).table
    shuffled = pd.concat([dirty.events, dirty.events.head(50)]).sample(frac=1, random_state=1)
    renamed = shuffled.assign(user_id="x" + shuffled["user_id"])
    for other in (shuffled, renamed):
        pd.testing.assert_frame_equal(active_units(other, as_of=dirty.as_of).table, first)


def test_a_later_as_of_never_changes_a_day(dirty):
    early = active_units(dirty.events, as_of="2026-03-01T13:00:00Z").table
    late = active_units(dirty.events, as_of=dirty.as_of).table
    assert len(early) == 55
    pd.testing.assert_frame_equal(late.head(len(early)), early)


def test_the_last_days_may_be_asked_for_alone(dirty):
    whole = active_units(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of).table
    part = active_units(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of, days=3).table
    last = whole.groupby("cohort", sort=False).tail(3).reset_index(drop=True)
    pd.testing.assert_frame_equal(part, last)


@pytest.mark.parametrize("asked", [{"days": 0}, {"month": 7}, {"month": 400}])
def test_choices_that_cannot_be_are_refused(dirty, asked):
    with pytest.raises(UsageError) as caught:
        active_units(dirty.events, as_of=dirty.as_of, **asked)
    assert caught.value.code == "bad_choice"


def test_a_log_without_a_complete_day_is_refused():
    log = pd.DataFrame({"user_id": [1], "time": ["2026-01-05T10:00Z"]})
    with pytest.raises(DataError) as caught:
        active_units(log, as_of="2026-01-05T12:00Z")
    assert caught.value.code == "no_complete_period"


def test_the_picture_says_the_main_number(dirty):
    plain = active_units(dirty.events, as_of=dirty.as_of)
    last = plain.table.iloc[-1]
    assert f"{100 * last['dau_mau']:.1f}%" in plain.plot().alt
    assert f"{last['mau']} in 28" in plain.plot().alt
    arms = active_units(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of)
    assert arms.differences is None
    ends = arms.table.groupby("cohort", sort=False).last()
    for name, row in ends.iterrows():
        assert f"{name} {row['wau']} of {row['exposed']} exposed" in arms.plot("wau").alt
    assert any("not a verdict" in note for note in arms.notes)
    with pytest.raises(UsageError, match="cannot be"):
        arms.plot("yau")


def test_short_and_quiet_logs_have_figures_that_say_so():
    one = pd.DataFrame({"user_id": [1], "event": ["open"], "time": ["2026-01-05T10:00Z"]})
    assert "no month is known" in active_units(one).plot().alt
    quiet = pd.DataFrame({"user_id": [1, 1], "event": "open", "time": ["2026-01-05", "2026-02-28"]})
    found = active_units(quiet, as_of="2026-02-28T10:00Z")
    assert "and none in 28 days" in found.plot().alt
