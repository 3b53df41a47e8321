"""Bad input to everything that compares means: a typed error or a stated answer, never silence."""

import math

import numpy as np
import pandas as pd
import pytest

from abtest.errors import UsageError
from abtest.stats import (
    Moments,
    NotEstimable,
    compare_capped_means,
    compare_geometric_means,
    compare_means,
    compare_trimmed_means,
)

FUNCTIONS = {
    "means": compare_means,
    "student": lambda a, b, **k: compare_means(a, b, method="student", **k),
    "z": lambda a, b, **k: compare_means(a, b, method="z", **k),
    "trimmed": compare_trimmed_means,
    "capped": compare_capped_means,
    "capped at": lambda a, b, **k: compare_capped_means(a, b, threshold=1e9, **k),
    "geometric": compare_geometric_means,
}
GOOD = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


@pytest.fixture(params=FUNCTIONS)
def compare(request):
    return FUNCTIONS[request.param]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ([], "too_few_units"),
        ([1.0], "too_few_units"),
        ([math.nan, None, 2.0], "too_few_units"),
        ([1.0, 2.0, math.inf], "not_finite"),
        ([1.0, 2.0, -math.inf, math.inf], "not_finite"),
    ],
)
def test_data_that_cannot_answer_say_why(compare, values, code):
    for arms in ((values, GOOD), (GOOD, values)):
        with pytest.raises(NotEstimable) as caught:
            compare(*arms)
        assert caught.value.code == code
        assert caught.value.todo


def test_arms_without_variation_have_no_test(compare):
    with pytest.raises(NotEstimable) as caught:
        compare([3.0] * 6, [4.0] * 6)
    assert caught.value.code == "constant"
    with pytest.raises(NotEstimable) as caught:
        compare([0.0] * 6, [0.0] * 6)
    assert caught.value.code in ("constant", "not_positive")


def test_one_constant_arm_is_no_obstacle(compare):
    got = compare([3.0] * 6, GOOD)
    assert math.isfinite(got.p_value)
    assert got.p_value > 0.0


def test_two_units_are_enough(compare):
    if compare is compare_trimmed_means:
        assert compare([1.0, 2.0], [2.0, 4.0]).details["kept_control"] == 2.0
    got = compare([1.0, 2.0], [2.0, 4.0])
    assert 0.0 < got.p_value <= 1.0


@pytest.mark.parametrize(
    "values",
    [
        ["1", "2", "3"],
        [1.0, "2", 3.0],
        [[1.0, 2.0], [3.0, 4.0]],
        [1j, 2.0],
        np.array(["2026-01-01", "2026-01-02"], dtype="datetime64[D]"),
        [object(), object()],
        pd.Series(["a", "b"]),
        5.0,
        None,
    ],
)
def test_what_is_no_column_of_numbers_is_refused(compare, values):
    with pytest.raises(UsageError):
        compare(values, GOOD)
    with pytest.raises(UsageError):
        compare(GOOD, values)


@pytest.mark.parametrize(
    "values",
    [
        [True, False, 2, 3, 4, None],
        np.ma.masked_array([1, 0, 2, 3, 4, 9], mask=[0, 0, 0, 0, 0, 1]),
        pd.Series([1, 0, 2, 3, 4, None], dtype="Int64"),
        pd.Series([1, 0, 2, 3, 4, None], dtype="Float64"),
        np.array([1, 0, 2, 3, 4, None], dtype=object),
    ],
)
def test_arrays_of_every_library_give_one_answer(values):
    want = compare_means([1.0, 0.0, 2.0, 3.0, 4.0], GOOD)
    for function in (compare_means, lambda a, b: compare_capped_means(a, b, threshold=99)):
        got = function(values, GOOD)
        assert got.p_value == want.p_value
        assert got.nulls_control == 1


@pytest.mark.parametrize(
    "arguments",
    [
        {"confidence_level": 0.0},
        {"confidence_level": 1.0},
        {"confidence_level": 95},
        {"confidence_level": math.nan},
        {"confidence_level": "0.95"},
        {"confidence_level": True},
        {"alternative": "larger"},
        {"alternative": None},
    ],
)
def test_impossible_arguments_are_refused(compare, arguments):
    with pytest.raises(UsageError):
        compare(GOOD, [v + 1 for v in GOOD], **arguments)


def test_values_too_large_to_square_are_no_numbers():
    huge = [v * 1e300 for v in GOOD]
    for compare in (compare_means, compare_trimmed_means, compare_capped_means):
        with pytest.raises(NotEstimable) as caught:
            compare(huge, [2 * v for v in huge])
        assert caught.value.code == "not_finite"
    ratio = compare_geometric_means(huge, [2 * v for v in huge])
    assert ratio.relative.estimate == pytest.approx(1.0)


def test_a_cap_can_save_values_too_large_to_square():
    got = compare_capped_means([*GOOD, 1e300], GOOD, threshold=10)
    assert got.absolute.estimate == pytest.approx(3.5 - 31 / 7)
    assert got.uncapped is None


def test_an_upper_limit_beyond_every_float_has_no_end():
    got = compare_geometric_means([1e-300, 1e-100], [1e100, 1e-100, 1e5])
    assert got.relative.upper is None
    assert got.relative.status == "half_line"


def test_moments_are_refused_where_values_are_needed():
    moments = Moments.from_columns([GOOD])
    for compare in (compare_trimmed_means, compare_capped_means, compare_geometric_means):
        with pytest.raises(UsageError, match="Moments do not tell"):
            compare(moments, moments)
    with pytest.raises(UsageError, match="Moments do not tell"):
        compare_capped_means(moments, moments, threshold=3)


@pytest.mark.parametrize("covariates", [5, (GOOD,), GOOD, (["a"] * 6, GOOD), (None, None)])
def test_covariates_that_are_no_pair_of_columns_are_refused(covariates):
    for compare in (compare_means, compare_capped_means):
        with pytest.raises(UsageError):
            compare(GOOD, [*GOOD[:5], 9.0], covariates=covariates)


def test_words_for_methods_are_checked():
    with pytest.raises(UsageError, match="method"):
        compare_means(GOOD, GOOD, method="Welch")
    with pytest.raises(UsageError, match="method"):
        compare_capped_means(GOOD, GOOD, method=None)
