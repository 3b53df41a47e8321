"""Quantiles, times and cumulative means where windows, bounds and values are awkward."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

import abtest

START = pd.Timestamp("2026-01-05", tz="UTC")
HOUR = pd.Timedelta(hours=1)


def spec(*metrics, data=None):
    return {
        "experiment": {"name": "edges"}
        if data
        else {
            "name": "edges",
            "start": datetime(2026, 1, 5, tzinfo=UTC),
            "end": datetime(2026, 1, 6, tzinfo=UTC),
        },
        "variants": {
            "control": "a",
            "treatments": ["b"],
            "allocation": {"a": 0.5, "b": 0.5},
        },
        "data": data
        or {
            "kind": "events",
            "exposures": {"unit": "user", "variant": "arm", "time": "at"},
            "events": {"unit": "user", "time": "at", "name": "name", "value": "value"},
        },
        "metrics": [
            {"role": "primary", "direction": "increase", "event": "buy", **one} for one in metrics
        ],
    }


def log(length, amounts, n=400):
    """Each unit has up to 8 events, evenly over a window; their worth depends on its arm."""
    rng = np.random.default_rng(5)
    user, arm = np.arange(n), np.repeat(["a", "b"], n // 2)
    at = START + pd.to_timedelta(rng.integers(0, 86_400, n), "s")
    who = np.repeat(user, 8)
    after = (np.tile(np.arange(8), n) + rng.random(8 * n)) / 8 * length
    events = pd.DataFrame(
        {
            "user": who,
            "at": at[who] + pd.to_timedelta(np.floor(after * 86_400e6), "us"),
            "name": "buy",
            "value": np.array([amounts[one] for one in arm[who]]) * rng.integers(1, 4, 8 * n),
        }
    )
    events = events[rng.random(8 * n) < 0.6]
    return {"exposures": pd.DataFrame({"user": user, "arm": arm, "at": at}), "events": events}


def rows_of(analysis):
    return {row["metric"]: row for row in analysis.to_dict()["effects"]}


@pytest.mark.parametrize(
    "window",
    [
        5 / 1440,
        11 / 1440,
        45 / 1440,
        1 / 24,
        5 / 24,
        7 / 24,
        20 / 24,
        0.29166667,
        0.0416666667,
        3.0,
    ],
)
def test_a_window_of_hours_or_minutes_is_counted_to_its_end(window):
    data = log(window, {"a": 1.0, "b": 1.0})
    total = {"id": "total", "kind": "cumulative", "aggregate": "count", "mde": 0.1}
    first = {"id": "first", "kind": "time_to_event", "role": "secondary"}
    whole = spec(*({**one, "window_days": [0, window]} for one in (total, first)))
    analysis = abtest.load(whole, data=data).analyze("2026-01-20")
    rows = rows_of(analysis)
    ends = data["events"].merge(data["exposures"], on="user", suffixes=("", "_zero"))
    inside = ends["at"] < ends["at_zero"] + pd.Timedelta(microseconds=round(window * 86_400e6))
    own = ends[inside].groupby("arm").size() / 200
    assert rows["total"]["control_value"] == pytest.approx(own["a"])
    assert rows["total"]["treatment_value"] == pytest.approx(own["b"])
    assert rows["first"]["status"] == "ok"
    assert all(analysis.plot.metric(metric) for metric in ("total", "first"))


def test_amounts_of_one_arm_that_cannot_be_squared_are_a_row_and_no_crash():
    metric = {"id": "m", "kind": "cumulative", "aggregate": "sum", "window_days": [0, 2]}
    data = log(2, {"a": 1e-200, "b": 1.0})
    analysis = abtest.load(spec({**metric, "mde": 0.1}), data=data).analyze("2026-01-20")
    row = rows_of(analysis)["m"]
    assert (row["status"], row["reason"]) == ("not_computed", "too_small")
    assert (row["n_control"], row["n_treatment"]) == (200, 200)
    assert analysis.verdict.decision == "inconclusive"
    assert analysis.plot.metric("m") == ()


def units(values, metric):
    frame = pd.DataFrame({"arm": np.repeat(["a", "b"], 200), "v": np.concatenate(values)})
    whole = spec(
        {"id": "m", "kind": "quantile", "value": "v", "event": None, **metric},
        data={"kind": "units", "variant": "arm"},
    )
    del whole["metrics"][0]["event"]
    return abtest.load(whole, data={"units": frame}).analyze()


@pytest.mark.parametrize(
    ("control", "treatment", "margin"),
    [
        (0.1, 0.3, {"margin_absolute": 0.2}),
        (0.7, 0.8, {"margin_absolute": 0.1}),
        (100.0, 110.0, {"margin": 0.1}),
        (10.0, 11.0, {"margin": 0.1}),
        (50.0, 55.0, {"margin": 0.1}),
    ],
)
def test_a_quantile_that_lies_at_its_margin_is_not_within_it(control, treatment, margin):
    values = np.full(200, control), np.full(200, treatment)
    analysis = units(values, {"direction": "decrease", **margin})
    row = rows_of(analysis)["m"]
    assert row["p_value"] == 1.0
    assert row["outcome"] == "harmed"
    # a little less is within the margin
    values = values[0], values[1] - 0.01
    assert rows_of(units(values, {"direction": "decrease", **margin}))["m"]["outcome"] == (
        "within_margin"
    )


@pytest.mark.parametrize("judged", [{"margin": 0.3, "direction": "decrease"}, {"mde": 0.5}])
def test_values_near_the_largest_number_are_no_crash(judged):
    values = np.tile([1.0e308, 1.7e308], 100)
    row = rows_of(units((values, values), judged))["m"]
    expected = ("ok", "unclear") if "mde" in judged else ("not_computed", "unclear")
    assert (row["status"], row["outcome"]) == expected
