"""Bad input to bootstraps: a typed error or a stated answer, never silence."""

import math

import numpy as np
import pandas as pd
import pytest

from abtest.errors import UsageError
from abtest.stats import (
    Moments,
    NotEstimable,
    SampleQuantile,
    ValueCounts,
    WeightedStatistic,
    bootstrap,
)

GOOD = [1.0, 2.0, 3.0, 4.0, 5.0, 9.0]
METHODS = ["percentile", "basic", "bca", "studentized", "poisson"]


@pytest.fixture(params=METHODS)
def compare(request):
    return lambda *arms, **call: bootstrap(
        *arms, **{"seed": 1, "replicates": 299, "method": request.param, **call}
    )


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ([], "too_few_units"),
        ([1.0], "too_few_units"),
        ([math.nan, None, 2.0], "too_few_units"),
        ([1.0, 2.0, math.inf], "not_finite"),
        ([-1.7e308, 1.7e308], "not_finite"),
    ],
)
def test_data_that_cannot_answer_say_why(compare, values, code):
    for arms in ((values, GOOD), (GOOD, values)):
        with pytest.raises(NotEstimable) as caught:
            compare(*arms)
        assert caught.value.code == code
        assert caught.value.todo


@pytest.mark.parametrize("treatment", [3.0, 4.0, 0.0])
def test_arms_without_variation_are_refused(compare, treatment):
    with pytest.raises(NotEstimable) as caught:
        compare([3.0] * 6, [treatment] * 9)
    assert caught.value.code == "constant"


def test_one_constant_arm_is_no_obstacle(compare):
    got = compare([3.0] * 6, GOOD)
    assert got.absolute.lower < got.estimate < got.absolute.upper


@pytest.mark.parametrize(
    "values", [["1", "2"], np.ones((3, 2)), 3.0, None, Moments.from_columns([np.array(GOOD)])]
)
def test_what_is_no_column_of_numbers_is_refused(compare, values):
    for arms in ((values, GOOD), (GOOD, values)):
        with pytest.raises(UsageError):
            compare(*arms)


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "normal"},
        {"method": None},
        {"alternative": "bigger"},
        {"confidence_level": 1.0},
        {"confidence_level": 0.4, "alternative": "less"},
        {"seed": -1},
        {"seed": 1.0},
        {"seed": None},
        {"seed": "1"},
        {"seed": True},
        {"replicates": 0},
        {"replicates": 38},
        {"replicates": 1.5},
        {"replicates": None},
        {"replicates": 10**9},
        {"statistic": "median"},
        {"statistic": None},
        {"statistic": 0.5},
        {"statistic": SampleQuantile(0.5), "method": "bca"},
        {"statistic": SampleQuantile(0.5), "method": "studentized"},
        {"statistic": lambda values, weights: "x"},
        {"statistic": lambda values, weights: values},
        {"statistic": lambda values, weights: 1.0, "method": "studentized"},
        {"statistic": WeightedStatistic(lambda values, weights: 1.0, vectorized=True)},
    ],
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(UsageError) as caught:
        bootstrap(GOOD, GOOD[1:], **{"seed": 1, "replicates": 299, **wrong})
    assert caught.value.todo


@pytest.mark.parametrize("share", [0.0, 1.0, 90, "0.5", None, math.nan])
def test_quantiles_and_statistics_are_checked_when_made(share):
    with pytest.raises(UsageError):
        SampleQuantile(share)
    with pytest.raises(UsageError):
        WeightedStatistic(share)


def test_a_statistic_that_is_not_finite_says_in_how_many_samples():
    with pytest.raises(NotEstimable) as caught:
        bootstrap(
            GOOD,
            GOOD[1:],
            seed=1,
            statistic=lambda values, weights: math.nan if weights.max() > 2 else 1.0,
        )
    assert caught.value.code == "not_finite"


def test_bca_without_bias_to_measure_is_refused():
    with pytest.raises(NotEstimable) as caught:
        bootstrap(
            GOOD,
            range(30),
            seed=1,
            method="bca",
            statistic=lambda values, weights: float(len(values) == 30 and 0 in weights),
        )
    assert caught.value.code == "constant"


def test_a_control_of_one_unit_above_0_has_no_relative_limits_by_bca():
    got = bootstrap([0.0] * 9 + [5.0], [0.0] * 9 + [1.0], seed=1, method="bca", replicates=999)
    assert got.relative.estimate == pytest.approx(-0.8)
    assert got.relative.status == "unbounded"


def test_replicates_without_a_ratio_leave_no_relative_limits_where_treatment_has_no_error():
    control, treatment = [0.0] * 9 + [5.0], [0.0] * 10
    for method in ("studentized", "percentile"):
        got = bootstrap(control, treatment, seed=1, method=method, replicates=999)
        assert got.relative.estimate == -1.0
        assert got.relative.status == "unbounded"


@pytest.mark.parametrize("scale", [1e300, 1e-300])
def test_extreme_values_have_the_answer_of_others(compare, scale):
    arms = GOOD, [x + 3.0 for x in GOOD]
    got = compare(*([scale * x for x in arm] for arm in arms))
    want = compare(*arms)
    assert got.p_value == pytest.approx(want.p_value, abs=0.02)
    assert got.absolute.upper == pytest.approx(scale * want.absolute.upper, rel=1e-6)


def test_two_units_give_an_answer(compare):
    got = compare([1.0, 3.0], [2.0, 4.0])
    assert 0.0 < got.p_value <= 1.0


def test_nulls_are_left_out_and_counted(compare):
    column = pd.Series([*GOOD, None], dtype="Float64")
    got = compare(column, np.ma.masked_greater([*GOOD, 10], 9))
    assert (got.nulls_control, got.nulls_treatment, got.n_control) == (1, 1, 6)
    assert got.interval == compare(GOOD, GOOD).interval


def test_the_answer_shows_itself():
    got = bootstrap(ValueCounts.from_values(GOOD), GOOD, seed=5, replicates=299)
    plain = got.to_dict()
    assert (plain["seed"], plain["replicates"]) == (5, 299)
    assert "bootstrap_percentile" in str(got)
    assert "bootstrap_percentile" in got._repr_mimebundle_()[0]["text/html"]
