"""Value by age against a slow walk through every unit, and what must hold of any log."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from abtest.cohorts import lifetime_value
from abtest.errors import AbtestError, UsageError
from abtest.stats import compare_cumulative_means, cumulative_mean

DAYS, STEP = 35.0, 3.5


@pytest.fixture(scope="module")
def sold(dirty):
    """The dirty log where carts are worth something too, and views give money back."""
    events = dirty.events.copy()
    carts, views = events["event"] == "cart", events["event"] == "view"
    events.loc[carts, "value"] = 5.0 + events["occurred_at"].dt.hour
    events.loc[views, "value"] = -1.0 - events["occurred_at"].dt.day % 3
    return events


def known_events(events, as_of):
    events = events.dropna(subset=["user_id"]).drop_duplicates()
    return events[events["occurred_at"] < pd.Timestamp(as_of)]


def met_once(dirty):
    """Return unit -> (arm, start) of units that met one arm."""
    known = dirty.exposures[dirty.exposures["exposed_at"] < pd.Timestamp(dirty.as_of)]
    found = {}
    for unit, rows in known.groupby("user_id"):
        if rows["variant"].nunique() == 1:
            found[unit] = rows["variant"].iloc[0], rows["exposed_at"].min()
    return found


def walk(events, starts, as_of):
    """Return (end, unit, time, amount) of units, event by event, in whole steps of age."""
    by_unit = dict(iter(events.groupby("user_id")))
    step = pd.Timedelta(days=STEP)
    ends, rows = [], []
    for unit, start in starts.items():
        end = min((pd.Timestamp(as_of) - start) // step, round(DAYS / STEP))
        if end == 0:
            continue
        for row in by_unit.get(unit, events.head(0)).itertuples():
            if row.occurred_at < start or np.isnan(row.value):
                continue
            place = (row.occurred_at - start) // step + 1
            if place <= end:
                rows.append((len(ends), place * STEP, row.value))
        ends.append(end * STEP)
    return ends, *zip(*rows, strict=True)


def agrees(part, sample):
    curve = cumulative_mean(sample)
    at = {time: row for row, time in enumerate(curve.times)}
    known = part[part["per_unit"].notna()]
    assert len(known) > 3
    for row in known.itertuples():
        place = max(k for time, k in at.items() if time <= row.age)
        assert row.per_unit == pytest.approx(curve.mean[place], rel=1e-9)
        assert row.lower == pytest.approx(curve.lower[place], rel=1e-9)
        assert row.watched == sum(end >= row.age for end in sample[0])
    assert part["units"].iloc[0] == len(sample[0])


def test_arms_equal_a_slow_walk(dirty, sold):
    found = lifetime_value(
        sold, days=DAYS, step=STEP, exposures=dirty.exposures, as_of=dirty.as_of
    )  # fmt: skip
    events = known_events(sold, dirty.as_of)
    met = met_once(dirty)
    samples = {
        arm: walk(events, {u: start for u, (own, start) in met.items() if own == arm}, dirty.as_of)
        for arm in ("control", "b", "c")
    }
    for arm, sample in samples.items():
        agrees(found.table[found.table["cohort"] == arm], sample)
    rows = found.differences[found.differences["arm"] == "c"].set_index("age")
    for age in (3.5, 28.0):
        direct = compare_cumulative_means(samples["control"], samples["c"], horizon=age)
        assert rows.loc[age, "difference"] == pytest.approx(direct.absolute.estimate, rel=1e-9)
        assert rows.loc[age, "lower"] == pytest.approx(direct.absolute.lower, rel=1e-9)
        assert rows.loc[age, "p_value"] == pytest.approx(direct.p_value, rel=1e-7)
    assert (rows["p_adjusted"].dropna() >= rows["p_value"].dropna()).all()


def test_cohorts_equal_a_slow_walk(dirty, sold):
    found = lifetime_value(
        sold, purchase=["buy", "view"], start="open", days=DAYS, step=STEP, as_of=dirty.as_of
    )
    events = known_events(sold, dirty.as_of)
    starts = events[events["event"] == "open"].groupby("user_id")["occurred_at"].min()
    bought = events[events["event"].isin(["buy", "view"])]
    agrees(found.pooled, walk(bought, starts, dirty.as_of))
    january = starts[starts.dt.month == 1]
    sample = walk(bought, january, dirty.as_of)
    agrees(found.table[found.table["cohort"] == "2026-01"], sample)
    assert found.differences is None


def log_of(*rows):
    frame = pd.DataFrame(rows, columns=["user_id", "day", "value"])
    frame["time"] = pd.Timestamp("2026-01-05") + pd.to_timedelta(frame.pop("day"), "D")
    return frame


def test_an_age_is_half_open_and_refunds_are_taken_off():
    log = log_of((1, 0, 10.0), (1, 7, 5.0), (1, 13.99, -12.0), (2, 0, 20.0), (2, 0, None))
    found = lifetime_value(log, days=14, as_of="2026-01-25").table
    assert found["per_unit"].tolist() == [15.0, 11.5]


def test_units_watched_for_less_time_count_as_long_as_they_were():
    # Nelson's estimate by hand: (10 + 20 + 30) / 3 units, then 6 / 2, then 8 / 1
    log = log_of(
        (1, 0, 10.0), (1, 8, 6.0), (1, 15, 8.0), (2, 6, 20.0), (3, 13, 30.0), (3, 20, 99.0)
    )
    found = lifetime_value(log, days=21, as_of="2026-01-26").table
    assert found["watched"].tolist() == [3, 2, 1]
    assert found["per_unit"].tolist() == pytest.approx([20.0, 23.0, 31.0])


def test_repeats_order_and_names_do_not_matter(dirty, sold):
    asked = {"days": DAYS, "step": STEP, "as_of": dirty.as_of}
    found = lifetime_value(sold, exposures=dirty.exposures, **asked)
    again = pd.concat([sold, sold.head(99)]).sample(frac=1, random_state=1)
    renamed = lifetime_value(
        again.assign(user_id="x" + again["user_id"].astype("string")),
        exposures=dirty.exposures.assign(user_id="x" + dirty.exposures["user_id"]), **asked,
    )  # fmt: skip
    pd.testing.assert_frame_equal(renamed.differences, found.differences, rtol=1e-9)
    swapped = lifetime_value(sold, exposures=dirty.exposures, control="c", **asked)
    one = found.differences[found.differences["arm"] == "c"]
    two = swapped.differences[swapped.differences["arm"] == "control"]
    np.testing.assert_allclose(one["difference"], -two["difference"].to_numpy(), rtol=1e-9)


def test_a_later_as_of_changes_no_age_that_all_had_reached(dirty, sold):
    early = dirty.exposures[dirty.exposures["exposed_at"] < pd.Timestamp("2026-02-01", tz="UTC")]
    asked = {"days": 28, "exposures": early}
    one = lifetime_value(sold, as_of="2026-03-02T00:00Z", **asked).table
    two = lifetime_value(sold, as_of=dirty.as_of, **asked).table
    pd.testing.assert_frame_equal(one, two, rtol=1e-9)
    assert (one["watched"] == one["units"]).all()


def test_units_that_bring_nothing_count(dirty):
    log = log_of((1, 1, 50.0))
    exposures = pd.DataFrame({"user_id": range(1, 41), "variant": ["a", "b"] * 20,
                              "exposed_at": pd.Timestamp("2026-01-05")})  # fmt: skip
    found = lifetime_value(log, days=7, exposures=exposures, as_of="2026-01-20")
    assert found.table.set_index("cohort")["per_unit"].to_dict() == {"a": 2.5, "b": 0.0}
    assert found.table["units"].tolist() == [20, 20]


def test_one_unit_has_a_value_and_no_limits():
    found = lifetime_value(log_of((1, 0, -3.0)), days=14, as_of="2026-02-20")
    assert found.pooled["per_unit"].tolist() == [-3.0, -3.0]
    assert found.table[["lower", "upper"]].isna().all().all()
    assert "without limits" in found.plot().alt


def test_nobody_watched_so_long_is_not_known():
    log = log_of(*[(unit, unit % 20, 1.0) for unit in range(400)])
    found = lifetime_value(log, days=28, as_of="2026-01-26").pooled
    assert found["watched"].tolist() == [300, 160, 20, 0]
    assert found["per_unit"].isna().tolist() == [False, False, True, True]
    late = log.assign(variant=np.where(log["user_id"] % 2, "a", "b"), exposed_at=log["time"])
    arms = lifetime_value(log, days=28, as_of="2026-01-26", exposures=late.drop(columns="time"))
    assert arms.differences["status"].tolist()[-1] == "horizon_too_far"
    assert arms.differences["difference"].isna().tolist()[-1]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"days": 10}, "bad_choice"),
        ({"days": 0}, "bad_choice"),
        ({"step": -1}, "bad_choice"),
        ({"step": 0}, "bad_choice"),
        ({"days": 4000, "step": 1}, "bad_choice"),
        ({"cohort": "year"}, "bad_choice"),
        ({"confidence_level": 95}, "bad_choice"),
        ({"purchase": "sale"}, "unknown_event"),
        ({"as_of": "2026-01-09"}, "too_young"),
    ],
)
def test_what_cannot_be_is_refused(asked, code):
    with pytest.raises(AbtestError) as caught:
        lifetime_value(log_of((1, 0, 1.0), (2, 1, 3.0)), **({"as_of": "2026-02-20"} | asked))
    assert caught.value.code == code


def test_a_log_without_values_and_a_start_beside_arms_are_refused(dirty):
    with pytest.raises(AbtestError) as caught:
        lifetime_value(log_of((1, 0, 1.0)).drop(columns="value"), as_of="2026-02-20")
    assert caught.value.code == "missing_column"
    with pytest.raises(UsageError):
        lifetime_value(dirty.events, start="open", exposures=dirty.exposures, as_of=dirty.as_of)


def test_pictures_say_their_number(dirty, sold):
    found = lifetime_value(sold, days=28, as_of=dirty.as_of)
    last = found.pooled[found.pooled["per_unit"].notna()].iloc[-1]
    assert f"By day {last['age']:g} a unit has brought" in found.plot().alt
    arms = lifetime_value(sold, days=28, exposures=dirty.exposures, as_of=dirty.as_of)
    assert "control" in arms.plot("c").alt
    assert "difference" in arms.plot().alt
    assert "<table" in arms.fragment().html
    with pytest.raises(UsageError):
        arms.plot("nobody")
