"""The inactivity alarm against a slow walk through every unit's days."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from abtest.cohorts import inactivity_alarm, open_log, tiers
from abtest.errors import DataError, UsageError
from abtest.stats import proportion_interval

ZONE = "America/New_York"


def frame(table):
    found = table.to_pyarrow().to_pandas()
    return found.sort_values("unit").reset_index(drop=True)


def quantile_of(gaps, share):
    """The shortest gap that so large a share of the gaps does not exceed."""
    return sorted(gaps)[math.ceil(share * len(gaps) - 1e-9) - 1]


def walked(dirty, *, active=None, quantile=0.95, min_gaps=10, arms=False, zone="UTC"):
    """Return a row per unit with an active day, the pooled threshold, and all gaps."""
    events = dirty.events.dropna(subset=["user_id"])
    events = events[events["occurred_at"] < pd.Timestamp(dirty.as_of)]
    if active is not None:
        events = events[events["event"].isin(active)]
    exposed = dirty.exposures.groupby("user_id").agg(
        arms=("variant", "nunique"), arm=("variant", "first"), start=("exposed_at", "min")
    )
    today = pd.Timestamp(dirty.as_of).tz_convert(zone).date()
    rows = {}
    for unit, own in events.groupby("user_id"):
        times, arm = own["occurred_at"], "all units"
        if arms:
            if exposed.loc[unit, "arms"] > 1:
                continue
            times, arm = times[times >= exposed.loc[unit, "start"]], exposed.loc[unit, "arm"]
        days = sorted({time.tz_convert(zone).date() for time in times})
        if days:
            gaps = [(b - a).days for a, b in pairwise(days)]
            rows[unit] = (arm, days[-1], (today - days[-1]).days, gaps)
    pooled = quantile_of([gap for *_, gaps in rows.values() for gap in gaps], quantile)
    units = [
        {"unit": unit, "arm": arm, "last_active": last, "days_silent": silent, "gaps": len(gaps),
         "threshold": quantile_of(gaps, quantile) if len(gaps) >= min_gaps else pooled,
         "threshold_from": "own gaps" if len(gaps) >= min_gaps else "all gaps"}
        for unit, (arm, last, silent, gaps) in rows.items()
    ]  # fmt: skip
    frame = pd.DataFrame(units).sort_values("unit").reset_index(drop=True)
    frame["times"] = frame["days_silent"] / frame["threshold"]
    frame["over"] = frame["days_silent"] > frame["threshold"]
    return frame, pooled, rows


CASES = {
    "plain": ({}, {}),
    "chosen": (
        {"active": ["open", "buy"], "quantile": 0.8, "min_gaps": 3, "timezone": ZONE},
        {"active": ["open", "buy"], "quantile": 0.8, "min_gaps": 3, "zone": ZONE},
    ),
    "arms": ({"quantile": 0.9, "min_gaps": 5}, {"quantile": 0.9, "min_gaps": 5, "arms": True}),
}


@pytest.mark.parametrize("case", CASES)
def test_units_equal_a_slow_walk(dirty, case):
    keys, asked = CASES[case]
    if case == "arms":
        keys = keys | {"exposures": dirty.exposures}
    expected, pooled, rows = walked(dirty, **asked)
    found = inactivity_alarm(dirty.events, as_of=dirty.as_of, **keys)
    units = found.units.to_pyarrow().to_pandas().sort_values("unit").reset_index(drop=True)
    units["last_active"] = pd.to_datetime(units["last_active"]).dt.date
    pd.testing.assert_frame_equal(units, expected, check_dtype=False)
    assert found.pooled_threshold == pooled
    own = found.table[found.table["threshold_from"] == "both"].set_index("arm")
    for arm, part in expected.groupby("arm"):
        row = own.loc[arm]
        assert (row["units"], row["over"]) == (len(part), part["over"].sum())
        assert row["median_threshold"] == part["threshold"].median()
        low, high = proportion_interval(int(part["over"].sum()), len(part)).interval
        assert (row["lower"], row["upper"]) == (low, high)
        mine = found.table[found.table["arm"] == arm].set_index("threshold_from")
        assert mine.loc["own gaps", "over"] + mine.loc["all gaps", "over"] == row["over"]
        gaps = [gap for unit, (of, _, _, gaps) in rows.items() for gap in gaps if of == arm]
        by_days = found.gaps[found.gaps["arm"] == arm]
        assert dict(zip(by_days["days"], by_days["gaps"], strict=True)) == dict(
            pd.Series(gaps).value_counts()
        )
        assert by_days["share"].iloc[-1] == 1.0
    assert 0 < expected["over"].sum() < len(expected)


def test_arms_without_an_active_day_are_counted_apart(dirty):
    found = inactivity_alarm(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of)
    both = found.table[found.table["threshold_from"] == "both"].set_index("arm")
    exposed = dirty.exposures.groupby("user_id").agg(
        arms=("variant", "nunique"), arm=("variant", "first")
    )
    sizes = exposed[exposed["arms"] == 1]["arm"].value_counts()
    for arm, row in both.iterrows():
        assert row["units"] + row["never_active"] == sizes[arm]
        assert row["never_active"] > 0


def log_of(*days, unit=1):
    return pd.DataFrame({"user_id": unit, "event": "open", "time": [f"{d}T09:00Z" for d in days]})


def test_a_gap_as_long_as_the_threshold_is_no_alarm():
    log = log_of("2026-01-01", "2026-01-02", "2026-01-05", "2026-01-06")
    gaps = {"quantile": 0.99, "min_gaps": 3}
    for as_of, over in (("2026-01-09", 0), ("2026-01-10", 1)):
        found = inactivity_alarm(log, as_of=as_of, **gaps)
        assert found.units.to_pyarrow().to_pandas()["threshold"].tolist() == [3]
        assert found.table["over"].iloc[0] == over
        assert len(found.top) == over


def test_units_with_few_gaps_take_the_quantile_of_all():
    often = log_of(*(f"2026-01-{day:02}" for day in range(1, 21)))
    rarely = log_of("2026-01-01", "2026-01-11", unit=2)
    found = inactivity_alarm(pd.concat([often, rarely]), as_of="2026-01-21")
    assert found.pooled_threshold == 1
    rows = found.units.to_pyarrow().to_pandas().sort_values("unit")
    assert rows["threshold"].tolist() == [1, 1]
    assert rows["threshold_from"].tolist() == ["own gaps", "all gaps"]
    own = inactivity_alarm(pd.concat([often, rarely]), min_gaps=1, as_of="2026-01-21")
    assert own.units.to_pyarrow().to_pandas().sort_values("unit")["threshold"].tolist() == [1, 10]
    assert own.top.empty
    assert found.top["unit"].tolist() == [2]


def test_order_repeats_and_names_of_units_do_not_matter(dirty):
    keys = {"as_of": dirty.as_of}
    plain = inactivity_alarm(dirty.events, **keys)
    shuffled = pd.concat([dirty.events, dirty.events.head(500)]).sample(frac=1, random_state=1)
    again = inactivity_alarm(shuffled.assign(user_id="x" + shuffled["user_id"]), **keys)
    pd.testing.assert_frame_equal(plain.table, again.table)
    pd.testing.assert_frame_equal(plain.gaps, again.gaps)
    assert ("x" + plain.top["unit"]).tolist() == again.top["unit"].tolist()


def test_the_list_has_the_furthest_first(dirty):
    found = inactivity_alarm(dirty.events, top=5, as_of=dirty.as_of)
    units = found.units.to_pyarrow().to_pandas()
    best = units[units["over"]].sort_values(
        ["times", "days_silent", "unit"], ascending=[False, False, True]
    )
    assert found.top["unit"].tolist() == best["unit"].head(5).tolist()


def test_groups_of_units_are_counted_apart(dirty):
    log = open_log(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of)
    levels = tiers(log, thresholds={"silver": 2, "gold": 8})
    found = inactivity_alarm(log, by=levels.units)
    units = frame(found.units).drop(columns="group").merge(frame(levels.units)[["unit", "tier"]])
    for row in found.by_group.to_dict("records"):
        part = units[(units["arm"] == row["arm"]) & (units["tier"] == row["group"])]
        assert (row["units"], row["over"]) == (len(part), part["over"].sum())
        assert row["median_threshold"] == part["threshold"].median()
    assert len(found.by_group) == 9
    as_frame = inactivity_alarm(
        dirty.events, by=frame(levels.units), exposures=dirty.exposures, as_of=dirty.as_of
    )
    pd.testing.assert_frame_equal(found.by_group, as_frame.by_group)
    few = inactivity_alarm(log, by=frame(levels.units).head(5)).by_group
    assert few[few["group"] != "none"]["units"].sum() <= 5
    assert few["units"].sum() == len(units)
    plain = inactivity_alarm(log)
    pd.testing.assert_frame_equal(found.table, plain.table)
    assert plain.by_group is None
    with pytest.raises(UsageError) as caught:
        inactivity_alarm(log, by=levels.units.drop("tier"))
    assert caught.value.code == "bad_choice"


@pytest.mark.parametrize(
    "asked",
    [
        {"quantile": 0},
        {"quantile": 1},
        {"quantile": float("nan")},
        {"min_gaps": 0},
        {"min_gaps": 2.5},
        {"top": -1},
        {"confidence_level": 2},
    ],
)
def test_choices_that_cannot_be_are_refused(dirty, asked):
    with pytest.raises(UsageError) as caught:
        inactivity_alarm(dirty.events, as_of=dirty.as_of, **asked)
    assert caught.value.code == "bad_choice"
    assert caught.value.todo


def test_unknown_events_are_refused(dirty):
    with pytest.raises(DataError) as caught:
        inactivity_alarm(dirty.events, as_of=dirty.as_of, active="opne")
    assert caught.value.code == "unknown_event"


def test_without_gaps_there_is_no_threshold_and_no_alarm():
    found = inactivity_alarm(log_of("2026-01-01"), as_of="2026-06-01")
    assert found.pooled_threshold is None
    assert found.table["over"].tolist() == [0, 0, 0]
    assert np.isnan(found.table["median_threshold"].iloc[0])
    assert "no gap" in found.plot().alt
    assert any("no alarm" in note for note in found.notes)


def test_the_picture_and_the_page_say_what_they_show(dirty):
    plain = inactivity_alarm(dirty.events, as_of=dirty.as_of)
    assert "228 of 280 units are silent for longer" in plain.plot().alt
    assert "95% of all gaps last at most 11 days" in plain.plot().alt
    log = open_log(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of)
    arms = inactivity_alarm(log, quantile=0.9)
    row = arms.table[(arms.table["arm"] == "c") & (arms.table["threshold_from"] == "both")].iloc[0]
    assert f"{row['over']} of {row['units']} units of c" in arms.plot(arm="c").alt
    assert arms.differences is None
    assert "<table>" in arms.fragment().html
    with pytest.raises(UsageError) as caught:
        arms.plot(arm="d")
    assert caught.value.code == "unknown_arm"
