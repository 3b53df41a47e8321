"""Units whose window is over, against a slow walk through their starts."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from abtest.cohorts import maturity, stickiness
from abtest.errors import DataError, UsageError

ZONE = "America/New_York"


def midnight(day):
    return pd.Timestamp(datetime.combine(day, datetime.min.time(), tzinfo=ZoneInfo(ZONE)))


def starts_of(dirty, as_of, *, arms):
    """Return {cohort: starts}."""
    if arms:
        met = dirty.exposures[dirty.exposures["exposed_at"] < pd.Timestamp(as_of)]
        units = met.groupby("user_id").agg(
            start=("exposed_at", "min"), arm=("variant", "min"), other=("variant", "max")
        )
        units = units[units["arm"] == units["other"]]
        return {arm: rows["start"].dt.floor("us").tolist() for arm, rows in units.groupby("arm")}
    events = dirty.events.dropna(subset=["user_id"])
    events = events[(events["occurred_at"] < pd.Timestamp(as_of)) & (events["event"] == "view")]
    return {"all": events.groupby("user_id")["occurred_at"].min().tolist()}


def is_over(start, days, moment, windows):
    if windows == "rolling":
        return start + pd.Timedelta(days=days) <= moment
    begun = start.tz_convert(ZONE).date()
    return midnight(begun + timedelta(days=days)) <= moment


@pytest.mark.parametrize("arms", [False, True])
@pytest.mark.parametrize("windows", ["rolling", "calendar"])
def test_counts_equal_a_slow_walk(dirty, arms, windows):
    as_of = "2026-03-03T15:30:00Z"
    options = {"exposures": dirty.exposures} if arms else {"start": "view"}
    found = maturity(
        dirty.events, days=[28, 7], windows=windows, timezone=ZONE, as_of=as_of, **options
    )
    starts = starts_of(dirty, as_of, arms=arms)
    now = pd.Timestamp(as_of)
    assert found.days == (7, 28)
    for row in found.table.itertuples():
        over = [is_over(start, row.days, now, windows) for start in starts[row.cohort]]
        assert (row.units, row.mature) == (len(over), sum(over))
        assert row.share == sum(over) / len(over)
        last = midnight(date.fromisoformat(row.complete_on))
        assert all(is_over(x, row.days, last, windows) for x in starts[row.cohort])
        before = midnight(date.fromisoformat(row.complete_on) - timedelta(days=1))
        assert not all(is_over(x, row.days, before, windows) for x in starts[row.cohort])
    assert found.table["mature"].min() > 0
    for row in found.by_date.iloc[::5].itertuples():
        moment = midnight(date.fromisoformat(row.date))
        over = [is_over(start, row.days, moment, windows) for start in starts[row.cohort]]
        assert row.mature == sum(over)
        assert row.ahead == (moment > now)
    dates = found.by_date["date"].unique()
    assert dates[-1] == found.table["complete_on"].max()
    assert found.by_date["ahead"].any()
    assert (found.by_date.groupby(["cohort", "days"])["mature"].diff().dropna() >= 0).all()


def test_a_window_that_ends_at_midnight_or_at_as_of_is_over():
    """By hand: [start, start + 2 days) has ended when that moment comes."""
    log = pd.DataFrame(
        {"user_id": [1, 2, 3], "time": ["2026-01-05", "2026-01-05T00:00:00.000001", "2026-01-06"]}
    )
    found = maturity(log, days=2, as_of="2026-01-07")
    assert found.table[["units", "mature"]].values.tolist() == [[3, 1]]
    shown = found.by_date.set_index("date")["mature"]
    assert shown.to_dict() == {"2026-01-06": 0, "2026-01-07": 1, "2026-01-08": 3}
    assert found.table["complete_on"].tolist() == ["2026-01-08"]


def test_windows_of_dates_hold_when_clocks_change():
    # 29 March 2026 has 23 hours in Berlin: 24 hours after 23:30 it is 00:30, on the 30th
    log = pd.DataFrame({"user_id": [1], "time": ["2026-03-28T23:30:00+01:00"]})
    asked = {"days": 1, "timezone": "Europe/Berlin", "as_of": "2026-03-29T23:00:00+02:00"}
    rolling = maturity(log, **asked).table
    assert rolling[["mature", "complete_on"]].values.tolist() == [[0, "2026-03-31"]]
    calendar = maturity(log, windows="calendar", **asked).table
    assert calendar[["mature", "complete_on"]].values.tolist() == [[1, "2026-03-29"]]


def test_mature_units_are_those_that_active_days_are_counted_of(dirty):
    for windows in ("rolling", "calendar"):
        asked = {"exposures": dirty.exposures, "as_of": "2026-03-01T09:00Z", "windows": windows}
        mature = maturity(dirty.events, days=14, **asked).table["mature"]
        assert (
            mature.tolist() == stickiness(dirty.events, days=14, **asked).means["eligible"].tolist()
        )


def test_a_later_as_of_knows_what_was_ahead(dirty):
    early = maturity(dirty.events, days=7, exposures=dirty.exposures, as_of="2026-03-20").by_date
    late = maturity(dirty.events, days=7, exposures=dirty.exposures, as_of=dirty.as_of).by_date
    both = early.merge(late, on=["cohort", "days", "date"])
    assert len(both) > 100
    assert (both["mature_x"] == both["mature_y"]).all()  # the last exposure is of 8 March


def test_no_order_of_rows_repeat_or_name_of_unit_changes_anything(dirty):
    first = maturity(dirty.events, as_of=dirty.as_of)
    shuffled = pd.concat([dirty.events, dirty.events.head(50)]).sample(frac=1, random_state=1)
    renamed = shuffled.assign(user_id="x" + shuffled["user_id"])
    for other in (shuffled, renamed):
        found = maturity(other, as_of=dirty.as_of)
        pd.testing.assert_frame_equal(found.table, first.table)
        pd.testing.assert_frame_equal(found.by_date, first.by_date)


def test_swapping_control_flips_the_signs(dirty):
    asked = {"exposures": dirty.exposures, "as_of": "2026-03-02"}
    one = maturity(dirty.events, control="control", **asked).differences
    two = maturity(dirty.events, control="b", **asked).differences
    one, two = one[one["arm"] == "b"], two[two["arm"] == "control"]
    assert np.allclose(one["difference"], -two["difference"].to_numpy())
    assert np.allclose(one["p_value"], two["p_value"].to_numpy())


@pytest.mark.parametrize(
    "asked",
    [{"days": 0}, {"days": []}, {"days": [7, 1001]}, {"days": [2.5]}, {"windows": "sliding"},
     {"confidence_level": 2.0}],
)  # fmt: skip
def test_choices_that_cannot_be_are_refused(dirty, asked):
    with pytest.raises(UsageError) as caught:
        maturity(dirty.events, as_of=dirty.as_of, **asked)
    assert caught.value.code == "bad_choice"


def test_a_start_beside_exposures_and_an_unknown_event_are_refused(dirty):
    with pytest.raises(UsageError, match="cannot be"):
        maturity(dirty.events, start="view", exposures=dirty.exposures, as_of=dirty.as_of)
    with pytest.raises(DataError) as caught:
        maturity(dirty.events, start="vew", as_of=dirty.as_of)
    assert caught.value.code == "unknown_event"


def test_the_pictures_say_how_many_and_when(dirty):
    plain = maturity(dirty.events, as_of=dirty.as_of)
    assert "Of 280 units" in plain.plot().alt
    assert "28 days 278 (99.3%)" in plain.plot().alt
    arms = maturity(dirty.events, exposures=dirty.exposures, as_of="2026-03-02")
    row = arms.table.set_index(["cohort", "days"]).loc[("c", 14)]
    assert f"c {100 * row['share']:.1f}% of {row['units']}" in arms.plot(14).alt
    assert "28 days" in arms.plot().alt
    assert "By date" in arms.fragment().html
    with pytest.raises(UsageError, match="cannot be"):
        arms.plot(3)


def test_units_of_today_only_have_a_figure():
    log = pd.DataFrame({"user_id": [1], "time": ["2026-01-05T10:00Z"]})
    found = maturity(log, days=28)
    assert found.table["mature"].tolist() == [0]
    assert "Of 1 unit, so many have completed: 28 days 0 (0.0%)" in found.plot().alt
