"""Lifecycle states against sets of units by period, and what must hold of them."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import pytest

from abtest.cohorts import active_units, lifecycle
from abtest.errors import DataError, UsageError

ZONE = "America/New_York"


def number(time, period):
    local = time.tz_convert(ZONE).date()
    if period == "day":
        return local.toordinal()
    if period == "week":
        return (local - timedelta(days=local.weekday())).toordinal() // 7
    return local.year * 12 + local.month - 1


def sets_by_period(dirty, period, names, *, arms):
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
        place = number(row.occurred_at, period)
        found.setdefault(cohort, {}).setdefault(place, set()).add(row.user_id)
    return found


@pytest.mark.parametrize("arms", [False, True])
@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_states_equal_sets_of_units(dirty, period, arms):
    names = ["open", "buy"]
    options = {"exposures": dirty.exposures} if arms else {}
    table = lifecycle(
        dirty.events, active=names, period=period, timezone=ZONE, as_of=dirty.as_of, **options
    ).table
    slow = sets_by_period(dirty, period, names, arms=arms)
    end = number(pd.Timestamp(dirty.as_of), period)
    assert set(table["cohort"]) == set(slow)
    for cohort, rows in table.groupby("cohort"):
        periods = slow[cohort]
        for place, row in zip(range(end - len(rows), end), rows.itertuples(), strict=True):
            now, last = periods.get(place, set()), periods.get(place - 1, set())
            earlier = set().union(*(units for key, units in periods.items() if key < place - 1))
            assert row.active == len(now)
            assert row.new == len(now - last - earlier)
            assert row.returning == len(now & last)
            assert row.resurrected == len((now & earlier) - last)
            if row.dormant is not pd.NA:
                assert row.dormant == len(last - now)
    assert table["dormant"].isna().sum() == (not arms)


def test_active_states_are_the_active_units_and_dormant_ones_those_that_did_not_return(dirty):
    table = lifecycle(dirty.events, period="day", as_of=dirty.as_of).table
    assert (table[["new", "returning", "resurrected"]].sum(axis=1) == table["active"]).all()
    missed = table["active"].shift() - table["returning"]
    assert table["dormant"].tolist()[1:] == missed.tolist()[1:]
    daily = active_units(dirty.events, as_of=dirty.as_of).table
    assert table["active"].tolist() == daily["dau"].tolist()
    assert table["resurrected"].sum() > 100


def test_four_states_by_hand():
    """A unit of weeks 1, 2 and 4, one of week 2 only: the states of common product analytics."""
    log = pd.DataFrame(
        {
            "user_id": ["a", "a", "a", "b"],
            "time": ["2026-01-05", "2026-01-18T23:59Z", "2026-01-26", "2026-01-12"],
        }
    )
    table = lifecycle(log, as_of="2026-02-09T08:00Z").table
    assert table["period"].tolist() == [
        "2026-01-05", "2026-01-12", "2026-01-19", "2026-01-26", "2026-02-02",
    ]  # fmt: skip
    assert table["new"].tolist() == [1, 1, 0, 0, 0]
    assert table["returning"].tolist() == [0, 1, 0, 0, 0]
    assert table["resurrected"].tolist() == [0, 0, 0, 1, 0]
    assert table["dormant"].tolist() == [pd.NA, 0, 2, 0, 1]


def test_no_order_of_rows_repeat_or_name_of_unit_changes_anything(dirty):
    first = lifecycle(dirty.events, as_of=dirty.as_of).table
    shuffled = pd.concat([dirty.events, dirty.events.head(50)]).sample(frac=1, random_state=1)
    renamed = shuffled.assign(user_id="x" + shuffled["user_id"])
    for other in (shuffled, renamed):
        pd.testing.assert_frame_equal(lifecycle(other, as_of=dirty.as_of).table, first)


def test_the_period_of_as_of_is_left_out_and_a_later_as_of_never_changes_another(dirty):
    early = lifecycle(dirty.events, as_of="2026-03-04T13:00:00Z").table
    late = lifecycle(dirty.events, as_of=dirty.as_of).table
    assert early["period"].iloc[-1] == "2026-02-23"
    pd.testing.assert_frame_equal(late.head(len(early)), early)


def test_what_the_log_cannot_know_is_said(dirty):
    notes = " ".join(lifecycle(dirty.events, as_of=dirty.as_of, period="month").notes)
    assert "units of before it look new" in notes
    assert "The first month is not whole" in notes
    arms = lifecycle(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of)
    assert "5 units that met two arms" in " ".join(arms.notes)
    assert arms.differences is None


def test_what_cannot_be_is_refused(dirty):
    with pytest.raises(UsageError) as caught:
        lifecycle(dirty.events, as_of=dirty.as_of, period="year")
    assert caught.value.code == "bad_choice"
    with pytest.raises(DataError) as missing:
        lifecycle(dirty.events, as_of=dirty.as_of, active="opened")
    assert missing.value.code == "unknown_event"
    with pytest.raises(DataError) as short:
        lifecycle(dirty.events, as_of="2026-01-07", period="week")
    assert short.value.code == "no_complete_period"


def test_the_picture_says_the_last_period_and_shows_the_arm_that_is_named(dirty):
    plain = lifecycle(dirty.events, as_of=dirty.as_of).plot()
    assert "Week 2026-03-23: 32 units active, 0 new, 18 returning, 14 resurrected" in plain.alt
    assert "of 51 active one week before, 33 (64.7%) did not come" in plain.alt
    arms = lifecycle(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of)
    assert "week, control" in arms.plot().alt
    assert "week, c," in arms.plot("c").alt
    with pytest.raises(UsageError) as caught:
        arms.plot("d")
    assert caught.value.code == "unknown_arm"


def test_one_unit_in_one_period_has_a_figure():
    log = pd.DataFrame({"user_id": [1], "time": ["2026-01-05T10:00Z"]})
    assert "1 unit active, 1 new" in lifecycle(log, period="day").plot().alt
