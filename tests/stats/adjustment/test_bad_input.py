"""Bad covariates in everything that adjusts: a typed error or a stated answer, never silence."""

import math

import numpy as np
import pandas as pd
import pytest

from abtest.errors import UsageError
from abtest.stats import (
    NotEstimable,
    compare_adjusted_means,
    compare_cupac_means,
    compare_means,
    compare_stratified_means,
    diagnose_adjustment,
)

N = 12
HALVES = ["a", "b"] * (N // 2)
FUNCTIONS = {
    "by arm": lambda y, x: compare_means(*y, covariates=x),
    "pooled": lambda y, x: compare_means(*y, covariates=x, slopes="pooled"),
    "regression": lambda y, x: compare_adjusted_means(*y, covariates=x),
    "strata": lambda y, x: compare_stratified_means(*y, strata=(HALVES, HALVES), covariates=x),
    "cupac": lambda y, x: compare_cupac_means(*y, features=x, folds=3),
    "diagnosis": lambda y, x: diagnose_adjustment(*y, covariates=x),
}
rng = np.random.default_rng(3)
OUTCOMES = [rng.normal(size=N), rng.normal(size=N) + 1.0]
GOOD = rng.normal(size=N)


@pytest.fixture(params=FUNCTIONS)
def adjust(request):
    return FUNCTIONS[request.param]


def number(result):
    """Return a number that depends on everything in the result."""
    return result.p_value if hasattr(result, "p_value") else result.balance.p_value


@pytest.mark.parametrize(
    "covariate",
    [
        ["x"] * N,
        [1.0] * (N - 1) + ["2"],
        np.ones((N, 2, 2)),
        [object()] * N,
        np.array(["2026-01-01"] * N, dtype="datetime64[D]"),
        np.ones(N) * 1j,
        5.0,
        GOOD[:-1],
        [],
    ],
)
def test_what_is_no_column_of_numbers_is_refused(adjust, covariate):
    with pytest.raises(UsageError):
        adjust(OUTCOMES, (covariate, GOOD))
    with pytest.raises(UsageError):
        adjust(OUTCOMES, (GOOD, covariate))


@pytest.mark.parametrize("covariates", [(GOOD,), (GOOD, GOOD, GOOD), ()])
def test_covariates_that_are_no_pair_are_refused(adjust, covariates):
    with pytest.raises(UsageError):
        adjust(OUTCOMES, covariates)


@pytest.mark.parametrize("value", [math.inf, -math.inf, 1e300])
def test_infinite_covariates_are_no_numbers(adjust, value):
    with pytest.raises(NotEstimable) as caught:
        adjust(OUTCOMES, (np.append(GOOD[:-1], value), GOOD))
    assert caught.value.code == "not_finite"


@pytest.mark.parametrize("scale", [1e-300, 1e-100, 1e100, -1.0])
def test_the_unit_of_a_covariate_does_not_matter(adjust, scale):
    want = adjust(OUTCOMES, (GOOD, GOOD[::-1]))
    try:
        got = adjust(OUTCOMES, (GOOD * scale, GOOD[::-1] * scale))
    except NotEstimable as error:
        why = error.code
    else:
        why = ""
        assert number(got) == pytest.approx(number(want), rel=1e-6)
        assert got.warnings == want.warnings
    # squares of 1e-300 underflow where they are summed into moments
    assert why in (("", "too_small") if scale == 1e-300 else ("",))


@pytest.mark.parametrize(
    "covariate",
    [
        [True, False, 1, 0, 2, 3, 4, 5, 6, 7, 8, None],
        np.ma.masked_array([1, 0, 1, 0, 2, 3, 4, 5, 6, 7, 8, 99], mask=[0] * (N - 1) + [1]),
        pd.Series([1, 0, 1, 0, 2, 3, 4, 5, 6, 7, 8, None], dtype="Int64"),
        np.array([1, 0, 1, 0, 2, 3, 4, 5, 6, 7, 8, None], dtype=object),
        pd.DataFrame({"x": pd.array([1, 0, 1, 0, 2, 3, 4, 5, 6, 7, 8, None], dtype="Float64")}),
    ],
)
def test_columns_of_every_library_give_one_answer(adjust, covariate):
    plain = [1.0, 0, 1, 0, 2, 3, 4, 5, 6, 7, 8, math.nan]
    want, got = adjust(OUTCOMES, (plain, GOOD)), adjust(OUTCOMES, (covariate, GOOD))
    assert number(got) == number(want)
    assert "covariate_missing" in got.warnings


def test_covariates_that_are_all_missing_leave_the_plain_result(adjust):
    nothing = [math.nan] * N
    got = adjust(OUTCOMES, (nothing, nothing))
    assert "covariate_missing" in got.warnings
    if hasattr(got, "p_value") and got.method == "welch":
        assert got.p_value == pytest.approx(compare_means(*OUTCOMES).p_value)


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_units_say_so(adjust, n):
    if adjust is FUNCTIONS["strata"]:
        with pytest.raises(NotEstimable) as caught:
            compare_stratified_means(
                OUTCOMES[0][:n],
                OUTCOMES[1],
                strata=(HALVES[:n], HALVES),
                covariates=(GOOD[:n], GOOD),
            )
    else:
        with pytest.raises(NotEstimable) as caught:
            adjust([OUTCOMES[0][:n], OUTCOMES[1]], (GOOD[:n], GOOD))
    assert caught.value.code == "too_few_units"


def test_one_constant_arm_is_no_obstacle(adjust):
    got = adjust([np.full(N, 2.0), OUTCOMES[1]], (GOOD, GOOD[::-1]))
    assert math.isfinite(number(got))
