"""Metric kinds: what they need from the data and how they say it."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from abtest.data.request import ColumnValue, EventValue, TotalsRequest, UnitRequest
from abtest.metrics import AnyMetric, day_range

ADAPTER = TypeAdapter(AnyMetric)
BASE = {"id": "m", "role": "primary", "direction": "increase"}


def make(**keys):
    return ADAPTER.validate_python(BASE | keys)


def test_a_mean_on_events_asks_for_one_number_and_its_pre_exposure_twin():
    metric = make(kind="mean", event="visit", aggregate="count", window_days=[0, 7])
    assert metric.request("events", cuped=True, covariates=()) == UnitRequest(
        "m",
        (EventValue(("visit",), "count", (0.0, 7.0)),),
        (EventValue(("visit",), "count", (-7.0, 0.0)),),
        matures_after=7.0,
    )
    assert metric.request("events", cuped=False, covariates=()).covariates == ()


@pytest.mark.parametrize(
    ("window", "before"), [([0, 60], -28.0), ([7, 14], -7.0), ([0, 1.5], -1.5)]
)
def test_the_pre_window_is_as_long_as_the_window_at_most_28_days(window, before):
    metric = make(kind="proportion", event="visit", window_days=window)
    request = metric.request("events", cuped=True, covariates=())
    assert request.covariates[0].window == (before, 0.0)


def test_a_ratio_takes_its_own_pre_period_denominator():
    metric = make(
        kind="ratio",
        numerator={"event": "action"},
        denominator={"event": "visit", "aggregate": "distinct_days"},
        window_days=[0, 14],
    )
    request = metric.request("events", cuped=True, covariates=())
    assert [value.events for value in request.covariates] == [("action",), ("visit",)]
    assert [value.aggregate for value in request.covariates] == ["count", "distinct_days"]


def test_units_and_totals_name_columns():
    flag = make(kind="proportion", value="came_back")
    assert flag.request("units", cuped=True, covariates=("before",)) == UnitRequest(
        "m", (ColumnValue("came_back"),), (ColumnValue("before"),), binary=True
    )
    share = make(kind="proportion", successes="Enrollments", trials="Clicks")
    assert share.request("totals", cuped=False, covariates=()) == TotalsRequest(
        "m", trials="Clicks", successes="Enrollments"
    )


@pytest.mark.parametrize(
    ("keys", "data", "wrong"),
    [
        ({"kind": "mean", "event": "a", "window_days": [0, 1]}, "events", {"aggregate"}),
        ({"kind": "mean", "value": "a"}, "events", {"event", "aggregate", "value"}),
        ({"kind": "mean", "value": "a", "window_days": [0, 1]}, "units", {"window_days"}),
        ({"kind": "proportion", "value": "a", "trials": "n"}, "units", {"trials"}),
        (
            {"kind": "proportion", "value": "a", "margin_absolute": 2.0},
            "units",
            {"margin_absolute"},
        ),
        ({"kind": "mean", "n": "n", "mean": "m"}, "totals", {"variance"}),
        ({"kind": "ratio", "numerator": "a", "denominator": "b"}, "totals", {"kind"}),
        ({"kind": "ratio", "numerator": "a", "denominator": "b"}, "events", {"numerator"}),
        ({"kind": "mean", "n": "n", "sum": "s", "sum_squares": "q"}, "totals", set()),
    ],
)
def test_keys_that_do_not_fit_the_data_are_named(keys, data, wrong):
    assert {misfit.key for misfit in make(**keys).misfits(data)} == wrong


def test_a_margin_makes_non_inferiority():
    assert make(kind="mean", value="a").test == "superiority"
    assert make(kind="mean", value="a", margin=0.1).test == "non_inferiority"
    assert make(kind="mean", value="a", margin_absolute=2.0).test == "non_inferiority"


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ((0.0, 28.0), "days 0 to 27 after exposure"),
        ((1.0, 2.0), "day 1 after exposure"),
        ((7.0, 14.0), "days 7 to 13 after exposure"),
        ((0.0, 0.5), "hours 0 to 12 after exposure"),
        (None, ""),
    ],
)
def test_the_day_range_is_said_from_day_0(window, words):
    assert day_range(window) == words


def test_braces_in_event_names_are_text():
    metric = make(kind="mean", event="{event}{0}", aggregate="count", window_days=[0, 1])
    assert '"{event}{0}" events' in metric.definition()


def test_a_ratio_says_what_is_divided_by_what():
    parts = {"numerator": {"event": "buy", "aggregate": "sum"}, "denominator": {"event": "visit"}}
    on_events = make(kind="ratio", window_days=[0, 7], **parts)
    said = 'Summed value of "buy" events divided by number of "visit" events, each summed over all '
    assert on_events.definition() == said + "units."
    on_columns = make(kind="ratio", numerator="orders", denominator="visits")
    assert on_columns.definition() == "Sum of orders divided by sum of visits."


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"kind": "quantile", "quantile": 0.9}, "90th percentile of the unit's largest value of "),
        ({"kind": "mean"}, "Mean of the unit's largest value of "),
    ],
)
def test_a_largest_value_says_what_units_without_one_count_with(keys, said):
    metric = make(event="load", aggregate="max", window_days=[0, 7], **keys)
    assert metric.definition() == said + '"load" events, 0 for units without any.'
