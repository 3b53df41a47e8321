"""Purchases in order against a slow walk through every unit's dates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from abtest.cohorts import repeat_progression
from abtest.errors import AbtestError, UsageError
from abtest.stats import compare_proportions, survival_curve
from abtest.stats.moments import Moments

ZONE = "America/New_York"
NAMES = ["buy", "cart", "view"]
LAST_DAY = pd.Timestamp("2026-03-28")
"""As the log of the fixture ends at midnight in UTC, the 29th is not over in New York."""


def dates_of(dirty, names=NAMES):
    events = dirty.events.dropna(subset=["user_id"])
    events = events[events["event"].isin(names)]
    events = events[events["occurred_at"] < pd.Timestamp(dirty.as_of)]
    local = events["occurred_at"].dt.tz_convert(ZONE).dt.tz_localize(None).dt.normalize()
    return events.assign(date=local)


def kaplan_meier(waits, days):
    """Return the share that waits longer than some days, factor by factor."""
    share = 1.0
    for time in sorted({time for time, observed in waits if observed and time <= days}):
        at_risk = sum(other >= time for other, _ in waits)
        share *= 1.0 - sum(o and other == time for other, o in waits) / at_risk
    return share


def test_a_log_equals_a_slow_walk(dirty):
    found = repeat_progression(
        dirty.events, purchase=NAMES, within_days=9, timezone=ZONE, as_of=dirty.as_of
    ).table.set_index("purchase")
    waits = {k: [] for k in range(1, 6)}
    for _, own in dates_of(dirty).groupby("user_id"):
        dates = sorted(date for date in own["date"].unique() if date <= LAST_DAY)
        for k, date in enumerate(dates[:5], start=1):
            if k < len(dates):
                waits[k].append(((dates[k] - date).days, True))
            else:
                waits[k].append(((LAST_DAY - date).days, False))
    for k, own in waits.items():
        row = found.loc[k]
        again = sum(observed for _, observed in own)
        assert (row["reached"], row["again"]) == (len(own), again)
        assert row["share"] == again / len(own)
        assert row["within"] == pytest.approx(1.0 - kaplan_meier(own, 9), abs=1e-12)
        curve = survival_curve(tuple(zip(*own, strict=True))).at(9)
        assert row["within_lower"] == pytest.approx(1.0 - curve.upper, abs=1e-12)
        assert row["within_upper"] == pytest.approx(1.0 - curve.lower, abs=1e-12)
    assert len(waits[5]) > 30


def walk_arms(dirty, days):
    """Return arm -> purchase dates per exposed unit whose days are over."""
    exposures = dirty.exposures[dirty.exposures["exposed_at"] < pd.Timestamp(dirty.as_of)]
    by_unit = dict(iter(dates_of(dirty).groupby("user_id")))
    found = {"control": [], "b": [], "c": []}
    length = pd.Timedelta(days=days)
    for unit, rows in exposures.groupby("user_id"):
        start = rows["exposed_at"].min()
        if rows["variant"].nunique() > 1 or start + length > pd.Timestamp(dirty.as_of):
            continue
        own = by_unit.get(unit)
        dates = 0
        if own is not None:
            inside = (own["occurred_at"] >= start) & (own["occurred_at"] < start + length)
            dates = own.loc[inside, "date"].nunique()
        found[rows["variant"].iloc[0]].append(dates)
    return {arm: np.array(counts) for arm, counts in found.items()}


def test_arms_equal_a_slow_walk(dirty):
    found = repeat_progression(
        dirty.events, purchase=NAMES, days=30, up_to=4, timezone=ZONE, as_of=dirty.as_of,
        exposures=dirty.exposures,
    )  # fmt: skip
    slow = walk_arms(dirty, 30)
    for row in found.table.itertuples():
        counts = slow[row.arm]
        assert row.units == len(counts)
        assert row.reached == (counts >= row.purchase).sum()
        before = (counts >= row.purchase - 1).sum()
        assert row.after_previous == pytest.approx(row.reached / before)
    rows = found.differences[found.differences["arm"] == "b"].set_index(["kind", "purchase"])

    def share(counts, k, below):
        n, successes = (counts >= below).sum(), (counts >= k).sum()
        p = successes / n
        return Moments(int(n), np.array([p]), np.array([[n * p * (1 - p)]]))

    for kind, k, below in (("exposed", 2, 0), ("conditional", 2, 1), ("conditional", 3, 2)):
        direct = compare_proportions(
            share(slow["control"], k, below), share(slow["b"], k, below), method="score"
        )
        row = rows.loc[kind, k]
        assert row["difference"] == pytest.approx(direct.absolute.estimate, abs=1e-12)
        assert row["lower"] == pytest.approx(direct.absolute.lower, abs=1e-9)
    assert ("conditional", 1) not in rows.index


def log_of(*units):
    rows = [(f"u{i}", pd.Timestamp("2026-01-05") + pd.Timedelta(days=d))
            for i, days in enumerate(units) for d in days]  # fmt: skip
    return pd.DataFrame(rows, columns=["user_id", "time"])


def test_dates_count_once_whatever_their_order():
    log = log_of((9, 0, 0.3, 0.9), (1, 1), (2, 3, 4, 4.5)).sample(frac=1, random_state=1)
    found = repeat_progression(log, up_to=4, as_of="2026-02-01").table
    assert found[["reached", "again"]].values.tolist() == [[3, 2], [2, 1], [1, 0]]
    assert found["share"].tolist() == pytest.approx([2 / 3, 1 / 2, 0.0])


def test_who_was_watched_for_less_counts_as_long_as_he_was():
    # waits of 2 and 5 days, one unit watched for 3 and one for 9 days without a second purchase:
    # 1 - (1 - 1/4) (1 - 1/2) within 7 days
    log = log_of((0, 2), (0, 5), (6,), (0,))
    found = repeat_progression(log, up_to=2, within_days=7, as_of="2026-01-15").table
    assert found["within"].tolist() == pytest.approx([1.0 - 0.75 * 0.5])
    longer = repeat_progression(log, up_to=2, within_days=30, as_of="2026-01-15").table
    assert longer["within"].isna().all()  # nobody was watched so long
    all_again = repeat_progression(log_of((0, 2), (0, 5)), up_to=2, within_days=30,
                                   as_of="2026-01-15").table  # fmt: skip
    assert all_again["within"].tolist() == [1.0]


def test_a_purchase_that_nobody_made_is_not_known():
    found = repeat_progression(log_of((0,), (1,)), within_days=3, as_of="2026-02-01")
    assert found.table["reached"].tolist() == [2, 0, 0, 0, 0]
    assert found.table["share"].isna().tolist() == [False, True, True, True, True]
    assert "not known" in found.plot().alt


def test_repeats_order_and_names_do_not_matter_and_arms_may_be_swapped(dirty):
    asked = {"days": 30, "as_of": dirty.as_of}
    found = repeat_progression(dirty.events, exposures=dirty.exposures, **asked)
    again = pd.concat([dirty.events, dirty.events.head(80)]).sample(frac=1, random_state=2)
    renamed = repeat_progression(
        again.assign(user_id="x" + again["user_id"].astype("string")),
        exposures=dirty.exposures.assign(user_id="x" + dirty.exposures["user_id"]), **asked,
    )  # fmt: skip
    pd.testing.assert_frame_equal(renamed.table, found.table)
    swapped = repeat_progression(dirty.events, exposures=dirty.exposures, control="c", **asked)
    one = found.differences[found.differences["arm"] == "c"]
    two = swapped.differences[swapped.differences["arm"] == "control"]
    np.testing.assert_allclose(one["difference"], -two["difference"].to_numpy(), atol=1e-12)


def test_windows_are_half_open_and_begin_at_exposure():
    log = log_of((-1, 0, 6.999), (0.5, 7.5), (7,))
    exposures = pd.DataFrame({"user_id": ["u0", "u1", "u2", "u3"], "variant": ["a", "b", "a", "b"],
                              "exposed_at": pd.Timestamp("2026-01-05")})  # fmt: skip
    found = repeat_progression(log, exposures=exposures, days=7, up_to=2, as_of="2026-02-01")
    table = found.table.set_index(["arm", "purchase"])
    assert table["units"].tolist() == [2, 2, 2, 2]
    assert table["reached"].tolist() == [1, 1, 1, 0]


def test_days_that_have_not_ended_leave_no_share():
    log = log_of((0, 1), (0,))
    exposures = pd.DataFrame({"user_id": ["u0", "u1"], "variant": ["a", "b"],
                              "exposed_at": pd.Timestamp("2026-01-05")})  # fmt: skip
    found = repeat_progression(log, exposures=exposures, days=90, as_of="2026-02-01")
    assert found.table["units"].tolist() == [0] * 12
    assert found.table["share"].isna().all()
    assert any("2 units still wait" in note for note in found.notes)
    assert "ended" in found.plot().alt


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"up_to": 1}, "bad_choice"),
        ({"up_to": 2.5}, "bad_choice"),
        ({"within_days": 0}, "bad_choice"),
        ({"within_days": float("nan")}, "bad_choice"),
        ({"days": 7}, "bad_choice"),
        ({"confidence_level": 0}, "bad_choice"),
        ({"purchase": "sale"}, "unknown_event"),
        ({"as_of": "2026-01-05T12:00Z"}, "no_events"),
    ],
)
def test_what_cannot_be_is_refused(asked, code):
    with pytest.raises(AbtestError) as caught:
        repeat_progression(log_of((0, 1), (0,)), **({"as_of": "2026-02-01"} | asked))
    assert caught.value.code == code


def test_the_waits_of_logs_and_the_days_of_arms_do_not_mix(dirty):
    with pytest.raises(UsageError):
        repeat_progression(
            dirty.events, within_days=7, exposures=dirty.exposures, as_of=dirty.as_of
        )


def test_pictures_say_their_number_and_that_it_is_no_effect(dirty):
    found = repeat_progression(dirty.events, within_days=7, as_of=dirty.as_of)
    assert f"{100 * found.table['share'].iloc[0]:.1f}%" in found.plot().alt
    assert "Selection, not effect" in found.plot().alt
    arms = repeat_progression(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of)
    assert "percentage points" in arms.plot("b").alt
    assert "<table" in arms.fragment().html
