"""Recency, frequency and value against a slow pandas computation, and what must hold of scores."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from abtest.cohorts import SEGMENTS, open_log, rfm
from abtest.errors import DataError, UsageError
from abtest.stats import compare_proportions

DAY = pd.Timedelta(days=1)
SCORES = ["recency_score", "frequency_score", "value_score"]


def frame(table):
    found = table.to_pyarrow().to_pandas()
    return found.sort_values("unit").reset_index(drop=True)


def placed(values, scores):
    """The class of each value: one more than the quantile bounds that it is above.

    The k-th bound is the smallest value that at least k of `scores` equal shares of units do not
    exceed.
    """
    ranked = sorted(values)
    bounds = [ranked[-(-k * len(ranked) // scores) - 1] for k in range(1, scores)]
    return [1 + sum(value > bound for bound in bounds) for value in values]


def walked(dirty, *, purchase=None, days=365, scores=5, arms=False, segments=SEGMENTS):
    events = dirty.events.dropna(subset=["user_id"]).drop_duplicates()
    events = events[events["occurred_at"] < pd.Timestamp(dirty.as_of)]
    if purchase is not None:
        events = events[events["event"].isin(purchase)]
    exposed = dirty.exposures.groupby("user_id").agg(
        arms=("variant", "nunique"), arm=("variant", "first"), start=("exposed_at", "min")
    )
    exposed = exposed[exposed["arms"] == 1]
    rows = []
    for unit, own in events.groupby("user_id"):
        if arms and unit not in exposed.index:
            continue
        end = exposed.loc[unit, "start"] if arms else pd.Timestamp(dirty.as_of)
        arm = exposed.loc[unit, "arm"] if arms else "all units"
        inside = own[(own["occurred_at"] < end) & (own["occurred_at"] >= end - days * DAY)]
        if len(inside):
            recency = (end - inside["occurred_at"].max()) // DAY
            rows.append((unit, arm, recency, len(inside), round(inside["value"].sum(), 6)))
    found = pd.DataFrame(rows, columns=["unit", "arm", "recency_days", "frequency", "value"])
    found["recency_score"] = scores + 1 - np.array(placed(found["recency_days"], scores))
    found["frequency_score"] = placed(found["frequency"], scores)
    found["value_score"] = placed(found["value"], scores)
    pairs = zip(found["recency_score"], found["frequency_score"], strict=True)
    found["segment"] = [segments.get(pair, "other") for pair in pairs]
    return found.sort_values("unit").reset_index(drop=True), exposed


@pytest.mark.parametrize(
    ("asked", "scores"),
    [({}, 5), ({"purchase": ["buy"]}, 5), ({"purchase": ["buy", "cart"], "days": 40}, 3)],
)
def test_units_equal_a_slow_computation(dirty, asked, scores):
    names = {(3, 3): "best", (1, 1): "worst"} if scores == 3 else None
    found = rfm(dirty.events, scores=scores, segments=names, as_of=dirty.as_of, **asked)
    expected, _ = walked(dirty, scores=scores, segments=names or SEGMENTS, **asked)
    pd.testing.assert_frame_equal(frame(found.units), expected, check_dtype=False, rtol=1e-12)
    assert len(expected) > 100
    cells = found.table.set_index(["recency_score", "frequency_score"])
    assert len(cells) == scores**2
    for cell, part in expected.groupby(["recency_score", "frequency_score"]):
        row = cells.loc[cell]
        assert row["units"] == len(part)
        assert row["mean_value"] == pytest.approx(part["value"].mean(), rel=1e-12)
        assert row["total_value"] == pytest.approx(part["value"].sum(), rel=1e-12)
        assert row["mean_frequency"] == pytest.approx(part["frequency"].mean())
        assert row["mean_recency_days"] == pytest.approx(part["recency_days"].mean())
    assert found.table["units"].sum() == len(expected)
    assert found.table["share"].sum() == pytest.approx(1.0)
    of = found.segments.set_index("segment")["units"]
    assert of.to_dict() == expected["segment"].value_counts().to_dict()


def test_arms_see_only_what_was_before_exposure(dirty):
    keys = {"exposures": dirty.exposures, "as_of": dirty.as_of, "days": 30}
    found = rfm(dirty.events, outcome="buy", outcome_days=10, **keys)
    expected, exposed = walked(dirty, arms=True, days=30)
    units = frame(found.units)
    assert len(units) == len(exposed)
    bought = units[units["segment"] != "no purchase"].reset_index(drop=True)
    pd.testing.assert_frame_equal(bought, expected, check_dtype=False, rtol=1e-12)
    rest = units[units["segment"] == "no purchase"]
    assert rest[SCORES].isna().all().all()
    assert (rest["frequency"] == 0).all()
    # nothing from exposure on moves a score
    starts = exposed["start"]
    events = dirty.events.dropna(subset=["user_id"])
    before = events[events["occurred_at"] < events["user_id"].map(starts)]
    again = rfm(pd.concat([before, events[events["event"] == "view"].assign(event="x")]),
                purchase=["open", "view", "cart", "buy"], **keys)  # fmt: skip
    pd.testing.assert_frame_equal(frame(again.units), units)
    assert found.arms.set_index("segment")["b"].to_dict() == {
        name: int((units[units["arm"] == "b"]["segment"] == name).sum())
        for name in units["segment"].unique()
    }


@pytest.mark.parametrize("compare", ["cell", "segment"])
def test_differences_equal_a_slow_computation(dirty, compare):
    found = rfm(
        dirty.events, outcome="buy", outcome_days=10, compare=compare, exposures=dirty.exposures,
        as_of=dirty.as_of,
    )  # fmt: skip
    _, exposed = walked(dirty, arms=True)
    events = dirty.events.dropna(subset=["user_id"])
    events = events[(events["occurred_at"] < pd.Timestamp(dirty.as_of))]
    buys = events[events["event"] == "buy"]
    units = frame(found.units).set_index("unit")
    ended = exposed[exposed["start"] + 10 * DAY <= pd.Timestamp(dirty.as_of)]
    units = units.loc[ended.index]
    since = buys["occurred_at"] - buys["user_id"].map(exposed["start"])
    inside = buys[(since >= 0 * DAY) & (since < 10 * DAY)]
    units["met"] = units.index.isin(inside["user_id"])
    keys = ["segment"] if compare == "segment" else ["recency_score", "frequency_score", "segment"]
    scores = dict.fromkeys(SCORES, 0)
    groups = dict(iter(units.fillna(scores).groupby(keys)))
    compared = 0
    for row in found.differences.fillna(scores).to_dict("records"):
        part = groups[tuple(row[name] for name in keys)]
        pair = [part[part["arm"] == arm]["met"] for arm in (row["control"], row["arm"])]
        assert (row["n_control"], row["n"]) == tuple(len(x) for x in pair)
        if min(len(x) for x in pair) < 2:
            assert row["status"] == "too_few_units"
            continue
        one = compare_proportions(*(x.to_numpy(dtype=float) for x in pair), method="score")
        assert row["difference"] == pytest.approx(one.estimate, abs=1e-12)
        assert row["p_value"] == pytest.approx(one.p_value, rel=1e-8)
        assert row["p_adjusted"] >= row["p_value"]
        compared += 1
    assert len(found.differences) == 2 * len(groups)
    assert compared >= 8
    assert "no purchase" in set(found.differences["segment"])


def log_of(*rows):
    return pd.DataFrame(rows, columns=["user_id", "event", "time", "value"])


def test_equal_values_have_equal_scores():
    """The worked example: of ten units six bought once, two twice, one thrice, one four times."""
    counts = [1, 1, 1, 1, 1, 1, 2, 2, 3, 4]
    rows = [
        (f"u{unit}", "buy", f"2026-01-0{place + 1}T00:00Z", 10.0)
        for unit, many in enumerate(counts)
        for place in range(many)
    ]
    found = frame(rfm(log_of(*rows), days=30, as_of="2026-01-10T00:00Z").units)
    # smaller: 0 of 10, 6 of 10, 8 of 10, 9 of 10 -> floor(5 x 0.9) + 1 = 5
    assert found["frequency_score"].tolist() == [1] * 6 + [4, 4, 5, 5]
    # fewer days: 4 of 10, 2 of 10, 1 of 10, 0 of 10 -> classes 3, 2, 1, 1
    assert found["recency_days"].tolist() == [9] * 6 + [8, 8, 7, 6]
    assert found["recency_score"].tolist() == [3] * 6 + [4, 4, 5, 5]


def test_the_window_is_half_open_and_repeats_are_one_purchase():
    rows = [
        ("a", "buy", "2026-01-01T00:00Z", 5.0),  # at the begin of the window
        ("a", "buy", "2026-01-01T00:00Z", 5.0),  # the same row again
        ("a", "buy", "2025-12-31T23:59Z", 7.0),  # before
        ("b", "buy", "2026-01-05T00:00Z", -2.0),  # a refund counts
        ("b", "buy", "2026-01-05T00:00Z", 4.0),
        ("c", "buy", "2026-01-11T00:00Z", 9.0),  # at as_of
    ]
    found = frame(rfm(log_of(*rows), days=10, scores=2, as_of="2026-01-11T00:00Z").units)
    columns = ["unit", "recency_days", "frequency", "value"]
    assert found[columns].values.tolist() == [["a", 10, 1, 5.0], ["b", 6, 2, 2.0]]


def test_order_and_names_of_units_do_not_matter_and_arms_swap(dirty):
    keys = {"as_of": dirty.as_of, "outcome": "buy"}
    plain = rfm(dirty.events, exposures=dirty.exposures, **keys)
    shuffled = pd.concat([dirty.events, dirty.events.head(500)]).sample(frac=1, random_state=1)
    renamed = shuffled.assign(user_id="x" + shuffled["user_id"].str[::-1])
    others = dirty.exposures.assign(user_id="x" + dirty.exposures["user_id"].str[::-1])
    again = rfm(renamed, exposures=others, **keys)
    pd.testing.assert_frame_equal(plain.table, again.table, rtol=1e-12)
    pd.testing.assert_frame_equal(plain.differences, again.differences)
    swapped = rfm(dirty.events, exposures=dirty.exposures, control="b", **keys).differences
    first = plain.differences[plain.differences["arm"] == "b"]["difference"].to_numpy()
    second = swapped[swapped["arm"] == "control"]["difference"].to_numpy()
    np.testing.assert_allclose(first, -second)


def test_more_scores_have_cells_as_names_and_a_log_without_values_has_none(dirty):
    found = rfm(dirty.events.drop(columns="value"), scores=4, as_of=dirty.as_of)
    assert set(found.table["segment"]) == {f"R{r} F{f}" for r in range(1, 5) for f in range(1, 5)}
    assert found.table["mean_value"].isna().all()
    assert frame(found.units)["value_score"].isna().all()
    assert any("no values" in note for note in found.notes)


def test_every_cell_has_a_common_name():
    assert len(SEGMENTS) == 25
    assert SEGMENTS[5, 5] == "champions"
    assert SEGMENTS[1, 1] == "hibernating"


@pytest.mark.parametrize(
    "asked",
    [
        {"days": 0},
        {"scores": 1},
        {"scores": 2.5},
        {"segments": {(6, 1): "x"}},
        {"segments": {(0, 1): "x"}},
        {"segments": {(1, 1): "no purchase"}},
        {"outcome": "buy"},
        {"outcome_days": -1},
        {"compare": "unit"},
        {"confidence_level": 0},
    ],
)
def test_choices_that_cannot_be_are_refused(dirty, asked):
    with pytest.raises(UsageError) as caught:
        rfm(dirty.events, as_of=dirty.as_of, **asked)
    assert caught.value.code == "bad_choice"
    assert caught.value.todo


def test_unknown_events_are_refused(dirty):
    with pytest.raises(DataError) as caught:
        rfm(dirty.events, purchase="by", as_of=dirty.as_of)
    assert caught.value.code == "unknown_event"


def test_a_window_without_a_purchase_is_empty_and_said():
    empty = rfm(log_of(("a", "buy", "2026-01-01T00:00Z", 5.0)), days=1, as_of="2026-02-01")
    assert empty.table["units"].tolist() == [0] * 25
    assert empty.table["mean_value"].isna().all()
    assert "No unit has a purchase" in empty.plot().alt


def test_the_picture_and_the_page_say_what_they_show(dirty):
    plain = rfm(dirty.events, purchase="buy", as_of=dirty.as_of)
    assert "175 units with a purchase. Largest: hibernating 22.3%" in plain.plot().alt
    log = open_log(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of)
    arms = rfm(log, purchase="buy", outcome="buy")
    assert "c minus control" in arms.plot(arm="c").alt
    assert "groups read together" in arms.plot(arm="c").alt
    assert "<table>" in arms.fragment().html
    with pytest.raises(UsageError) as caught:
        arms.plot(arm="d")
    assert caught.value.code == "unknown_arm"
    with pytest.raises(UsageError) as caught:
        plain.plot(arm="c")
    assert caught.value.code == "bad_choice"
