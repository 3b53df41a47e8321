"""Reasons of leaving: a worked example, a slow walk, and what must never be done to shares."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from abtest.cohorts import reasons
from abtest.errors import DataError, UsageError
from abtest.stats import association, compare_proportions
from abtest.stats.moments import Moments

GIVEN = {"unfit": 68, "indifferent": 14, "competitor": 9, "friends": 5, "moved": 3}
"""A published split whose shares sum to 99 of 100: one unit said nothing."""


def leaving(counts, *, extra=()):
    rows = [reason for reason, units in counts.items() for _ in range(units)]
    frame = pd.DataFrame({"user_id": range(len(rows)), "event": "cancel", "why": rows})
    frame["time"] = pd.Timestamp("2026-01-05") + pd.to_timedelta(frame["user_id"], unit="min")
    return pd.concat([frame, pd.DataFrame(list(extra))], ignore_index=True)


def test_shares_are_of_all_who_left_and_none_is_made_larger():
    silent = {"user_id": 999, "event": "cancel", "why": None, "time": pd.Timestamp("2026-01-06")}
    found = reasons(leaving(GIVEN, extra=[silent]), "cancel", property="why", as_of="2026-02-01")
    shares = found.table.set_index("reason")["share"]
    assert {name: shares[name] for name in GIVEN} == {n: x / 100 for n, x in GIVEN.items()}
    assert shares["no reason given"] == 0.01
    assert list(found.table["reason"])[:2] == ["unfit", "indifferent"]
    assert (found.differences, found.composition) == (None, None)


def test_the_last_event_of_a_unit_counts_once():
    again = [
        {"user_id": 0, "event": "cancel", "why": "price", "time": pd.Timestamp("2026-01-09")},
        {"user_id": 0, "event": "cancel", "why": "price", "time": pd.Timestamp("2026-01-09")},
        {"user_id": 0, "event": "open", "why": "else", "time": pd.Timestamp("2026-01-10")},
    ]
    found = reasons(leaving(GIVEN, extra=again), "cancel", property="why", as_of="2026-02-01")
    units = found.table.set_index("reason")["units"]
    assert (units["unfit"], units["price"], units.sum()) == (67, 1, 99)


def test_without_a_column_the_event_is_the_reason(dirty):
    found = reasons(dirty.events, ["cart", "buy"], as_of=dirty.as_of)
    rows = dirty.events.dropna(subset=["user_id"])
    rows = rows[rows["event"].isin(["cart", "buy"])]
    rows = rows[rows["occurred_at"] < pd.Timestamp(dirty.as_of)]
    # of two at one moment the first name is taken
    last = rows.sort_values(["occurred_at", "event"], ascending=[False, True])
    last = last.drop_duplicates("user_id")["event"].value_counts()
    assert found.table.set_index("reason")["units"].to_dict() == last.to_dict()


@pytest.mark.parametrize("days", [None, 7, 40])
def test_arms_equal_a_slow_walk_from_exposure(dirty, days):
    found = reasons(
        dirty.events, ["cart", "buy"], days=days, exposures=dirty.exposures, as_of=dirty.as_of
    )
    length, now = pd.Timedelta(days=days or 28), pd.Timestamp(dirty.as_of)
    events = dirty.events.dropna(subset=["user_id"])
    events = events[events["event"].isin(["cart", "buy"])]
    units = dirty.exposures.groupby("user_id").agg(
        start=("exposed_at", "min"), arm=("variant", "min"), other=("variant", "max")
    )
    counts, exposed = {}, {}
    for unit, row in units[units["arm"] == units["other"]].iterrows():
        start = row["start"].floor("us")
        if start + length > now:
            continue
        exposed[row["arm"]] = exposed.get(row["arm"], 0) + 1
        own = events[events["user_id"] == unit]
        own = own[(own["occurred_at"] >= start) & (own["occurred_at"] < start + length)]
        if len(own):
            why = own.sort_values(["occurred_at", "event"], ascending=[False, True])["event"]
            key = row["arm"], why.iloc[0]
            counts[key] = counts.get(key, 0) + 1
    for row in found.table.itertuples():
        assert (row.units, row.exposed) == (counts.get((row.arm, row.reason), 0), exposed[row.arm])
        assert row.of_exposed == row.units / row.exposed
        left = sum(n for (arm, _), n in counts.items() if arm == row.arm)
        assert (row.left, row.share) == (left, row.units / left)
    for row in found.differences.itertuples():
        one, two = (
            Moments.from_counts(exposed[arm], counts.get((arm, row.reason), 0))
            for arm in ("control", row.arm)
        )
        alone = compare_proportions(one, two).absolute
        assert (row.difference, row.lower) == pytest.approx((alone.estimate, alone.lower))
    wide = [[counts.get((arm, why), 0) for why in ("cart", "buy")] for arm in exposed]
    assert found.composition.p_value == pytest.approx(association(wide).p_value)


def test_nobody_leaving_after_exposure_is_said(dirty):
    early = dirty.events["occurred_at"].min() - pd.Timedelta(days=1)
    extra = pd.DataFrame({"user_id": ["u1"], "occurred_at": [early], "event": ["cancel"]})
    events = pd.concat([dirty.events, extra], ignore_index=True)
    found = reasons(events, "cancel", exposures=dirty.exposures, as_of=dirty.as_of)
    assert found.table.empty
    assert "No unit left" in found.plot().alt
    assert found.composition is None
    assert "<" in found.fragment().html


def test_too_many_reasons_are_refused():
    counts = {f"reason {number}": 1 for number in range(201)}
    with pytest.raises(DataError) as error:
        reasons(leaving(counts), "cancel", property="why", as_of="2026-02-01")
    assert error.value.code == "too_many_reasons"


@pytest.mark.parametrize(("choice", "name"), [({"days": 0}, "days"), ({"left": []}, "left")])
def test_choices_that_cannot_be_are_refused(dirty, choice, name):
    asked = {"left": "cart", "exposures": dirty.exposures, "as_of": dirty.as_of, **choice}
    with pytest.raises(UsageError, match=name):
        reasons(dirty.events, **asked)
    with pytest.raises(UsageError, match="days"):
        reasons(dirty.events, "cart", days=7, as_of=dirty.as_of)


def test_the_picture_says_the_numbers():
    found = reasons(leaving(GIVEN), "cancel", property="why", as_of="2026-02-01")
    chart = found.plot()
    assert "unfit 68.7%, 68 units" in chart.alt
    assert "of 99 who left" in chart.alt
    random = np.random.default_rng(1)
    log = leaving({"<b>price</b>": 60, "قیمت": 40})
    shown = pd.DataFrame(
        {
            "user_id": range(100),
            "variant": random.choice(["control", "new"], 100),
            "exposed_at": pd.Timestamp("2026-01-04"),
        }
    )
    arms = reasons(log, "cancel", property="why", exposures=shown, as_of="2026-02-10")
    assert "chi-square" in arms.plot().alt
    assert "<b>price" not in arms.fragment().html
