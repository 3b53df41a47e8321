"""Bad input to comparisons of quantiles: a typed error or a stated answer, never silence."""

import math

import numpy as np
import pandas as pd
import pytest

from abtest.errors import UsageError
from abtest.stats import Moments, NotEstimable, ValueCounts, compare_quantiles

GOOD = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]


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
def test_data_that_cannot_answer_say_why(values, code):
    for arms in ((values, GOOD), (GOOD, values)):
        with pytest.raises(NotEstimable) as caught:
            compare_quantiles(*arms)
        assert caught.value.code == code
        assert caught.value.todo


@pytest.mark.parametrize(
    "values",
    [["1", "2"], np.ones((3, 2)), 3.0, None, {"a": 1}, Moments.from_columns([np.array(GOOD)])],
)
def test_what_is_no_column_of_numbers_is_refused(values):
    for arms in ((values, GOOD), (GOOD, values)):
        with pytest.raises(UsageError):
            compare_quantiles(*arms)


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantile": 0.0},
        {"quantile": 1},
        {"quantile": 50},
        {"quantile": -0.1},
        {"quantile": math.nan},
        {"quantile": "0.5"},
        {"quantile": True},
        {"quantile": None},
        {"quantile": [0.5]},
        {"alternative": "bigger"},
        {"confidence_level": 1.0},
        {"confidence_level": 95},
        {"confidence_level": 0.4, "alternative": "less"},
    ],
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(UsageError) as caught:
        compare_quantiles(GOOD, GOOD, **wrong)
    assert caught.value.todo


def test_two_units_have_no_limits():
    got = compare_quantiles([1.0, 3.0], [2.0, 4.0])
    assert (got.interval, got.p_value) == ((None, None), 1.0)
    assert got.relative.status == "unbounded"
    assert "without limits" in str(got)


def test_constants_are_tied_quantiles():
    got = compare_quantiles([3.0] * 40, [3.0] * 40)
    assert (got.interval, got.p_value, got.warnings) == ((0.0, 0.0), 1.0, ("tied_quantile",))
    apart = compare_quantiles([3.0] * 40, [4.0] * 40)
    assert apart.interval == (1.0, 1.0)
    assert apart.p_value < 1e-9


@pytest.mark.parametrize("scale", [1e300, 1e-300])
def test_extreme_values_have_the_answer_of_others(scale):
    arms = GOOD, [x + 3.0 for x in GOOD]
    got = compare_quantiles(*([scale * x for x in arm] for arm in arms))
    want = compare_quantiles(*arms)
    assert got.p_value == want.p_value
    assert got.interval == pytest.approx([scale * limit for limit in want.interval], rel=1e-9)
    assert got.relative.upper == pytest.approx(want.relative.upper)


def test_nulls_are_left_out_and_counted():
    for column in (pd.Series([*GOOD, None], dtype="Float64"), np.ma.masked_greater([*GOOD, 9], 8)):
        got = compare_quantiles(column, column)
        assert (got.n_control, got.nulls_control, got.nulls_treatment) == (8, 1, 1)


def test_the_answer_shows_itself():
    got = compare_quantiles(ValueCounts.from_values(GOOD), GOOD, quantile=0.75)
    assert "Quantile of treatment" in str(got)
    assert got.details == {"quantile": 0.75}
    assert "quantile | 0.75" in got._repr_mimebundle_()[0]["text/markdown"]
