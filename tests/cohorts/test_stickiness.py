"""Active days against a slow walk through every unit, and what must hold of any histogram."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from abtest.cohorts import open_log, stickiness
from abtest.errors import DataError, UsageError
from abtest.stats import compare_means, compare_proportions
from abtest.stats.moments import Moments

ZONE = "America/New_York"


def known_events(dirty):
    events = dirty.events.dropna(subset=["user_id"])
    return events[events["occurred_at"] < pd.Timestamp(dirty.as_of)]


def walk_arms(dirty, names, days, windows):
    """Return {arm: [active days of each unit whose window is over]}."""
    events = known_events(dirty)
    events = events[events["event"].isin(names)]
    units = dirty.exposures.groupby("user_id").agg(
        start=("exposed_at", "min"), arm=("variant", "min"), other=("variant", "max")
    )
    units = units[units["arm"] == units["other"]]
    now = pd.Timestamp(dirty.as_of)
    found = {arm: [] for arm in ("control", "b", "c")}
    for unit, row in units.iterrows():
        start = row["start"].floor("us")
        times = events[(events["user_id"] == unit) & (events["occurred_at"] >= start)]
        if windows == "rolling":
            if start + pd.Timedelta(days=days) > now:
                continue
            met = {(time - start) // pd.Timedelta(days=1) for time in times["occurred_at"]}
        else:
            begun = start.tz_convert(ZONE).date().toordinal()
            if begun + days > now.tz_convert(ZONE).date().toordinal():
                continue
            local = times["occurred_at"].dt.tz_convert(ZONE).dt.date
            met = {day.toordinal() - begun for day in local}
        found[row["arm"]].append(sum(1 for day in met if 0 <= day < days))
    return found


@pytest.mark.parametrize("windows", ["calendar", "rolling"])
@pytest.mark.parametrize("days", [1, 14, 63])
def test_arms_equal_a_slow_walk_from_exposure(dirty, windows, days):
    names = ["open", "buy"]
    found = stickiness(
        dirty.events, active=names, days=days, windows=windows, timezone=ZONE,
        exposures=dirty.exposures, as_of=dirty.as_of,
    )  # fmt: skip
    slow = walk_arms(dirty, names, days, windows)
    table = found.table.set_index(["cohort", "days"])
    for arm, values in slow.items():
        assert len(values) > 10
        for day in range(days + 1):
            row = table.loc[arm, day]
            assert row["eligible"] == len(values)
            assert row["units"] == sum(value == day for value in values)
            assert row["at_least"] == sum(value >= day for value in values)
            assert row["share"] == row["units"] / len(values)
    control = Moments.from_columns([np.array(slow["control"], dtype=float)])
    for row in found.mean_differences.itertuples():
        alone = compare_means(control, Moments.from_columns([np.array(slow[row.arm], dtype=float)]))
        assert row.difference == pytest.approx(alone.absolute.estimate, abs=1e-12)
        assert (row.lower, row.upper) == pytest.approx(
            (alone.absolute.lower, alone.absolute.upper), abs=1e-12
        )
    for row in found.differences.itertuples():
        counts = [
            Moments.from_counts(len(slow[arm]), sum(value >= row.at_least for value in slow[arm]))
            for arm in ("control", row.arm)
        ]
        alone = compare_proportions(*counts)
        assert row.difference == pytest.approx(alone.absolute.estimate, abs=1e-12)
        assert row.p_value == pytest.approx(alone.p_value, rel=1e-9)


@pytest.mark.parametrize("over", ["active", "all"])
@pytest.mark.parametrize("as_of", ["2026-03-01T00:00:00Z", "2026-03-01T17:00:00Z"])
def test_the_last_complete_days_equal_a_slow_walk(dirty, over, as_of):
    found = stickiness(
        dirty.events, active="view", days=20, over=over, timezone=ZONE, as_of=as_of
    ).table
    events = dirty.events.dropna(subset=["user_id"])
    events = events[events["occurred_at"] < pd.Timestamp(as_of)]
    events = events.assign(day=events["occurred_at"].dt.tz_convert(ZONE).dt.date)
    end = pd.Timestamp(as_of).tz_convert(ZONE).date()
    begin = end - pd.Timedelta(days=20)
    slow = []
    for _, rows in events[events["day"] < end].groupby("user_id"):
        views = rows[(rows["event"] == "view") & (rows["day"] >= begin)]
        slow.append(views["day"].nunique())
    slow = [value for value in slow if value or over == "all"]
    assert found["days"].tolist() == list(range(1 if over == "active" else 0, 21))
    assert found["units"].tolist() == [slow.count(day) for day in found["days"]]
    assert set(found["eligible"]) == {len(slow)}


def test_units_by_the_number_of_days_with_activity():
    """Twice a day is one day; the unit of yesterday only is not of the window (by hand)."""
    log = pd.DataFrame(
        {
            "user_id": ["a", "a", "a", "b", "c"],
            "event": "open",
            "time": [
                "2026-01-06T08:00Z", "2026-01-06T09:00Z", "2026-01-07T23:59:59Z",
                "2026-01-07T12:00Z", "2026-01-05T23:59:59Z",
            ],
        }
    )  # fmt: skip
    found = stickiness(log, days=2, as_of="2026-01-08")
    assert found.table[["days", "units", "at_least"]].values.tolist() == [[1, 1, 2], [2, 1, 1]]
    assert found.means["mean"].tolist() == [1.5]
    everyone = stickiness(log, days=2, over="all", as_of="2026-01-08")
    assert everyone.table["units"].tolist() == [1, 1, 1]
    assert everyone.means["mean"].tolist() == [1.0]


def test_what_happens_before_exposure_or_when_the_window_is_over_does_not_count():
    log = pd.DataFrame(
        {
            "user_id": ["a", "a", "a", "b"],
            "event": "open",
            "time": ["2026-01-05T09:00Z", "2026-01-05T10:00Z", "2026-01-07T10:00Z", "2026-01-05"],
        }
    )
    exposures = pd.DataFrame(
        {"user_id": ["a", "b"], "variant": ["x", "y"], "exposed_at": "2026-01-05T10:00Z"}
    )
    asked = {"exposures": exposures, "days": 2, "as_of": "2026-01-10"}
    rolling = stickiness(log, windows="rolling", **asked)
    # at its very moment an exposed unit is active; 48 hours later the window is over
    assert rolling.table.set_index(["cohort", "days"])["units"]["x"].tolist() == [0, 1, 0]
    assert rolling.table.set_index(["cohort", "days"])["units"]["y"].tolist() == [1, 0, 0]
    longer = stickiness(log, windows="calendar", **(asked | {"days": 3}))
    assert longer.table.set_index(["cohort", "days"])["units"]["x"].tolist() == [0, 0, 1, 0]


def test_the_mean_is_the_sum_of_the_shares_of_at_least(dirty):
    found = stickiness(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of)
    for row in found.means.itertuples():
        part = found.table[(found.table["cohort"] == row.cohort) & (found.table["days"] > 0)]
        assert row.mean == pytest.approx(part["at_least_share"].sum())
        assert row.rate == pytest.approx(row.mean / 28)
    units = found.table.groupby("cohort")["units"].sum().to_dict()
    assert units == found.means.set_index("cohort")["eligible"].to_dict()


def test_no_order_of_rows_repeat_or_name_of_unit_changes_anything(dirty):
    first = stickiness(dirty.events, as_of=dirty.as_of).table
    shuffled = pd.concat([dirty.events, dirty.events.head(50)]).sample(frac=1, random_state=1)
    renamed = shuffled.assign(user_id="x" + shuffled["user_id"])
    for other in (shuffled, renamed):
        pd.testing.assert_frame_equal(stickiness(other, as_of=dirty.as_of).table, first)


def test_swapping_control_flips_the_signs(dirty):
    asked = {"exposures": dirty.exposures, "as_of": dirty.as_of}
    one, two = (stickiness(dirty.events, control=name, **asked) for name in ("control", "b"))
    for name in ("differences", "mean_differences"):
        first, second = getattr(one, name), getattr(two, name)
        first, second = first[first["arm"] == "b"], second[second["arm"] == "control"]
        assert np.allclose(first["difference"], -second["difference"].to_numpy())
        assert np.allclose(first["p_value"], second["p_value"].to_numpy())


def test_a_unit_without_events_changes_denominators_only(dirty):
    more = pd.concat(
        [
            dirty.exposures,
            pd.DataFrame(
                {
                    "user_id": ["idle"],
                    "variant": ["b"],
                    "exposed_at": [pd.Timestamp("2026-01-06", tz="UTC")],
                }
            ),
        ]
    )
    asked = {"as_of": dirty.as_of, "days": 7}
    before = stickiness(dirty.events, exposures=dirty.exposures, **asked).table
    after = stickiness(dirty.events, exposures=more, **asked).table
    is_b = before["cohort"] == "b"
    assert (after["eligible"] - before["eligible"]).tolist() == is_b.astype(int).tolist()
    zero = is_b & (before["days"] == 0)
    assert (after["units"] - before["units"]).tolist() == zero.astype(int).tolist()


def test_arms_whose_windows_are_not_over_have_no_shares_but_a_figure():
    log = pd.DataFrame({"user_id": [1], "event": "open", "time": ["2026-01-05T10:00Z"]})
    exposures = pd.DataFrame({"user_id": [1, 2], "variant": ["a", "b"], "exposed_at": "2026-01-05"})
    found = stickiness(log, exposures=exposures, days=5)
    assert found.table["eligible"].tolist() == [0] * 12
    assert found.table["share"].isna().all()
    assert found.means["mean"].isna().all()
    assert "No window is over yet" in found.plot().alt


@pytest.mark.parametrize(
    "asked",
    [
        {"days": 0},
        {"days": -3},
        {"days": 367},
        {"windows": "sliding"},
        {"windows": "rolling"},
        {"over": "some"},
        {"confidence_level": 0.0},
        {"days": 85},
    ],
)
def test_choices_that_cannot_be_are_refused(dirty, asked):
    with pytest.raises(UsageError) as caught:
        stickiness(dirty.events, as_of=dirty.as_of, **asked)
    assert caught.value.code == "bad_choice"


def test_a_window_as_long_as_the_log_is_taken_and_one_day_more_is_not(dirty):
    found = stickiness(dirty.events, as_of=dirty.as_of, days=84)
    assert found.table["units"].sum() == known_events(dirty)["user_id"].nunique()
    with pytest.raises(UsageError, match="at most 84"):
        stickiness(dirty.events, as_of=dirty.as_of, days=85)


def test_a_choice_of_units_beside_exposures_and_an_unknown_event_are_refused(dirty):
    log = open_log(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of)
    with pytest.raises(UsageError, match="cannot be"):
        stickiness(log, over="all")
    with pytest.raises(DataError) as caught:
        stickiness(log, active="vew")
    assert caught.value.code == "unknown_event"


def test_the_picture_says_the_main_number_and_the_arm(dirty):
    plain = stickiness(dirty.events, as_of=dirty.as_of)
    arms = stickiness(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of)
    assert "135 units active in the window" in plain.plot().alt
    assert "Left-heavy" in plain.plot().alt
    row = arms.mean_differences.set_index("arm").loc["c"]
    assert f"{row['value']:.2f}" in arms.plot(arm="c").alt
    assert "Differences of the means" in arms.fragment().html
    with pytest.raises(UsageError) as caught:
        arms.plot(arm="d")
    assert caught.value.code == "unknown_arm"


@pytest.mark.parametrize(
    ("share_of_days", "reading"),
    [((0.05, 0.95), "A smile"), ((0.05, 0.05), "Left-heavy"), ((0.95, 0.95), "Right-heavy")],
)
def test_plain_shapes_are_put_into_words(share_of_days, reading):
    random = np.random.default_rng(3)
    begin = pd.Timestamp("2026-01-05", tz="UTC")
    rows = [
        (unit, begin + pd.Timedelta(days=day))
        for unit in range(400)
        for day in range(28)
        if random.random() < share_of_days[unit % 2]
    ]
    log = pd.DataFrame(rows, columns=["user_id", "time"])
    assert reading in stickiness(log, as_of="2026-02-02").plot().alt
