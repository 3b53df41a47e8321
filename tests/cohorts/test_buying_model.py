"""The model of buying: histories against a slow walk, and the model's numbers unit by unit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from abtest.cohorts import buying_model
from abtest.errors import AbtestError, UsageError
from abtest.stats import NotEstimable, fit_bg_nbd, fit_gamma_gamma

ZONE = "America/New_York"
END, HOLDOUT = pd.Timestamp("2026-03-30"), pd.Timestamp("2026-02-20")
NAMES = ["buy", "view"]


@pytest.fixture(scope="module")
def bought(dirty):
    """The dirty log with values of views too, so that enough units have some."""
    events = dirty.events.copy()
    views = events["event"] == "view"
    # the same value for repeats of a row
    seen = events.loc[views, "occurred_at"]
    events.loc[views, "value"] = 1.0 + seen.dt.day % 17 + seen.dt.minute / 10.0
    return events


@pytest.fixture(scope="module")
def walked(bought):
    """One row per unit: what happened before the hold-out, in it, and in all."""
    events = bought.dropna(subset=["user_id"]).drop_duplicates()
    events = events[events["event"].isin(NAMES)]
    local = events["occurred_at"].dt.tz_convert(ZONE).dt.tz_localize(None)
    events = events.assign(day=local.dt.normalize())
    # the day on which the log ends is not over in New York
    events = events[events["day"] < pd.Timestamp("2026-03-29")]
    rows = []
    for unit, own in events.groupby("user_id"):
        worth = own.groupby("day")["value"].sum()
        days = list(worth.index)
        before = [day for day in days if day < HOLDOUT]
        row = {"unit": unit, "first": days[0], "x": len(before) - 1 if before else 0,
               "ahead": len(days) - len(before), "whole_x": len(days) - 1,
               "whole_last": (days[-1] - days[0]).days,
               "whole_total": worth.iloc[1:].sum()}  # fmt: skip
        if before:
            row |= {"last": (before[-1] - before[0]).days, "age": (HOLDOUT - before[0]).days - 1,
                    "total": worth.iloc[1 : len(before)].sum()}  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def found(bought, dirty):
    return buying_model(
        bought, purchase=NAMES, calibration_end="2026-02-20", timezone=ZONE,
        as_of=dirty.as_of, horizon=100,
    )  # fmt: skip


def test_the_fits_are_those_of_a_slow_walk(walked, found):
    known = walked[walked["first"] < HOLDOUT]
    assert len(known) < len(walked)
    fit = fit_bg_nbd(known["x"], known["last"] / 7.0, known["age"] / 7.0)
    assert found.purchases.n == len(known)
    assert found.purchases.log_likelihood == pytest.approx(fit.log_likelihood, rel=1e-9)
    again = known[(known["x"] > 0) & (known["total"] > 0)]
    values = fit_gamma_gamma(again["x"], again["total"] / again["x"])
    assert found.values.n == len(again)
    assert found.values.log_likelihood == pytest.approx(values.log_likelihood, rel=1e-5)
    correlation = np.corrcoef(again["x"], again["total"] / again["x"])[0, 1]
    assert found.correlation == pytest.approx(correlation, abs=1e-4)


def test_the_hold_out_is_that_of_every_unit(walked, found):
    known = walked[walked["first"] < HOLDOUT]
    told = found.purchases.conditional_expected_purchases(
        (pd.Timestamp("2026-03-29") - HOLDOUT).days / 7.0,
        known["x"], known["last"] / 7.0, known["age"] / 7.0,
    )  # fmt: skip
    table = found.table.set_index("frequency")
    for name, own in [("0", known["x"] == 0), ("2", known["x"] == 2), ("7+", known["x"] >= 7),
                      ("all", known["x"] >= 0)]:  # fmt: skip
        row = table.loc[name]
        assert row["units"] == own.sum()
        assert row["actual"] == pytest.approx(known["ahead"][own].mean())
        assert row["predicted"] == pytest.approx(told[own.to_numpy()].mean())
    ahead = known["ahead"]
    half = 1.9695 * ahead.std() / np.sqrt(len(ahead))  # Student's t of some 240 units
    assert table.loc["all", "upper"] - ahead.mean() == pytest.approx(half, rel=2e-3)


def test_predictions_are_means_over_units(walked, found):
    told = found.purchases.conditional_expected_purchases(
        100.0 / 7.0, walked["whole_x"], walked["whole_last"] / 7.0,
        (pd.Timestamp("2026-03-28") - walked["first"]).dt.days / 7.0,
    )  # fmt: skip
    own = walked["whole_total"] / walked["whole_x"].where(walked["whole_x"] > 0)
    worth = found.values.expected_mean_value(walked["whole_x"], own)
    new, log = found.predictions.to_dict("records")
    assert (log["n"], log["days"]) == (len(walked), 100.0)
    assert log["purchases"] == pytest.approx(told.mean())
    assert log["value"] == pytest.approx((told * worth).mean())
    assert new["purchases"] == pytest.approx(found.purchases.expected_purchases([100 / 7])[0])
    assert new["value"] == pytest.approx(new["purchases"] * found.values.mean_value)


def test_tracking_counts_every_purchase_day_after_the_first(walked, found):
    known = walked[walked["first"] < HOLDOUT]
    last = found.tracking.iloc[-1]
    first = walked["first"].min()
    assert last["end"] == (first + pd.Timedelta(days=7 * int(last["period"]))).date()
    days = (pd.Timestamp(last["end"]) - known["first"]).dt.days - 1
    told = found.purchases.expected_purchases(np.maximum(days, 0) / 7.0).sum()
    assert last["predicted"] == pytest.approx(told)
    assert (found.tracking["actual"].diff().dropna() >= 0).all()
    assert last["actual"] <= known["x"].sum() + known["ahead"].sum()
    after = [day > HOLDOUT.date() for day in found.tracking["end"]]
    assert found.tracking["holdout"].tolist() == after
    assert 0 < sum(after) < len(after)


def test_frequencies_add_up(walked, found):
    known = walked[walked["first"] < HOLDOUT]
    assert found.frequency["actual"].sum() == len(known)
    assert found.frequency["predicted"].sum() == pytest.approx(len(known))
    assert found.frequency["actual"].tolist()[:3] == [(known["x"] == k).sum() for k in range(3)]


def test_rows_repeats_and_names_do_not_matter(bought, dirty, found):
    shuffled = pd.concat([bought, bought.head(50)]).sample(frac=1, random_state=9)
    shuffled["user_id"] = "z" + shuffled["user_id"].astype("string")
    again = buying_model(
        shuffled, purchase=NAMES, calibration_end="2026-02-20", timezone=ZONE,
        as_of=dirty.as_of, horizon=100,
    )  # fmt: skip
    pd.testing.assert_frame_equal(again.table, found.table, rtol=1e-6)
    pd.testing.assert_frame_equal(again.predictions, found.predictions, rtol=1e-6)


def test_what_follows_the_hold_outs_begin_does_not_change_the_fit(bought, dirty, found):
    early = bought[bought["occurred_at"] < pd.Timestamp("2026-03-10", tz="UTC")]
    again = buying_model(
        early, purchase=NAMES, calibration_end="2026-02-20", timezone=ZONE,
        as_of="2026-03-10T06:00Z",
    )  # fmt: skip
    assert again.purchases.parameters.tolist() == found.purchases.parameters.tolist()


def days_log(*units):
    rows = [(f"u{i}", pd.Timestamp("2026-01-05") + pd.Timedelta(days=d))
            for i, days in enumerate(units) for d in days]  # fmt: skip
    return pd.DataFrame(rows, columns=["user_id", "time"])


def test_a_day_counts_once_and_the_first_not_at_all():
    log = days_log((0, 0.2, 3, 3.5, 9), (1,), (0, 2, 2), (4, 5, 6))
    found = buying_model(log, calibration_end="2026-01-12", as_of="2026-01-20")
    assert found.frequency["actual"].tolist() == [1, 2, 1, 0, 0, 0, 0, 0]
    assert found.table.set_index("frequency").loc["1", "actual"] == 0.5
    assert found.values is None
    assert any("no values" in note for note in found.notes)
    assert np.isnan(found.predictions["value"]).all()


def test_buyers_that_do_not_seem_to_leave_are_said_to_be_unclear():
    random = np.random.default_rng(7)
    units = [np.flatnonzero(random.random(60) < 0.1) for _ in range(200)]
    found = buying_model(days_log(*units), as_of="2026-03-06")
    assert found.purchases.covariance is None
    assert any("do not fix every parameter" in note for note in found.notes)
    assert "do not fix every parameter" in found.plot("alive").alt
    row = found.table.iloc[-1]
    assert row["lower"] < row["predicted"] < row["upper"]


def test_a_large_correlation_is_said():
    rows = []
    random = np.random.default_rng(4)
    for unit in range(200):
        for day in np.flatnonzero(random.random(60) < (unit % 10 + 1) / 40):
            rows.append((unit, pd.Timestamp("2026-01-05") + pd.Timedelta(days=int(day)),
                         float(random.gamma(3.0)) * (1 + unit % 10)))  # fmt: skip
    log = pd.DataFrame(rows, columns=["user_id", "time", "value"])
    found = buying_model(log, as_of="2026-03-06")
    assert found.correlation > 0.2
    assert any("That is not small" in note for note in found.notes)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"period_days": 0}, "bad_choice"),
        ({"horizon": float("inf")}, "bad_choice"),
        ({"confidence_level": 1.0}, "bad_choice"),
        ({"calibration_end": "2026-01-05"}, "bad_choice"),
        ({"calibration_end": "2027-01-05"}, "bad_choice"),
        ({"calibration_end": "soon"}, "bad_time"),
        ({"purchase": "nothing"}, "unknown_event"),
    ],
)
def test_what_cannot_be_is_refused(asked, code):
    with pytest.raises(AbtestError) as caught:
        buying_model(days_log((0, 3, 9), (1, 2)), as_of="2026-01-20", **asked)
    assert caught.value.code == code


def test_arms_are_refused(dirty):
    with pytest.raises(UsageError) as caught:
        buying_model(dirty.events, exposures=dirty.exposures, as_of=dirty.as_of)
    assert caught.value.code == "bad_choice"
    assert "without exposures" in caught.value.todo


@pytest.mark.parametrize(
    ("log", "code"), [(days_log((0,), (1,), (2, 2.5), (9,)), "no_events"),
                      (days_log((0, 1, 9)), "too_few_units")],
)  # fmt: skip
def test_logs_that_tell_nothing_are_refused(log, code):
    with pytest.raises(NotEstimable) as caught:
        buying_model(log, calibration_end="2026-01-09", as_of="2026-01-20")
    assert caught.value.code == code


def test_pictures_say_their_number(found):
    row = found.table.iloc[-1]
    assert f"{row['actual']:.3f}" in found.plot().alt
    assert "did not buy again" in found.plot("frequency").alt
    assert "still buys with probability" in found.plot("alive").alt
    assert "<table" in found.fragment().html
    with pytest.raises(UsageError):
        found.plot("nothing")
