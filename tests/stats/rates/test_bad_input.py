"""Bad input to rates: a typed error or a stated answer, never silence."""

import math

import numpy as np
import pandas as pd
import pytest

from abtest.errors import UsageError
from abtest.stats import Moments, MomentsTable, NotEstimable, ValueCounts, compare_rates

METHODS = ("score", "exact", "mid_p", "quasi_poisson", "negative_binomial")
GOOD = [0, 1, 4, 2, 0, 3]


@pytest.fixture(params=METHODS)
def method(request):
    return request.param


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ([], "too_few_units"),
        ([None, math.nan], "too_few_units"),
        ([1, 2, -1], "not_a_count"),
        ([1, 2, 0.5], "not_a_count"),
        ([1, 2, math.inf], "not_finite"),
        (ValueCounts.from_table([0.5], [3]), "not_a_count"),
        (Moments.from_columns([[-1.0, 0.0]]), "not_a_count"),
        (Moments.from_columns([[0.5, 1.0]]), "not_a_count"),
        (Moments(0, np.zeros(1), np.zeros((1, 1))), "too_few_units"),
        (Moments(3, np.array([math.inf]), np.full((1, 1), math.inf)), "not_finite"),
    ],
)
def test_data_that_cannot_answer_say_why(method, values, code):
    for arms in ((values, GOOD), (GOOD, values)):
        with pytest.raises(NotEstimable) as caught:
            compare_rates(*arms, method=method)
        assert caught.value.code == code
        assert caught.value.todo


@pytest.mark.parametrize(
    ("exposure", "code"),
    [
        ([1, 1, 0, 1, 1, 1], "not_positive"),
        ([1, 1, -2, 1, 1, 1], "not_positive"),
        ([1, 1, math.inf, 1, 1, 1], "not_finite"),
        ([math.nan] * 6, "too_few_units"),
    ],
)
def test_exposures_are_above_zero_where_there_are_events(method, exposure, code):
    with pytest.raises(NotEstimable) as caught:
        compare_rates(GOOD, GOOD, exposure=([1] * 6, exposure), method=method)
    assert caught.value.code == code


def test_a_unit_never_exposed_says_nothing(method):
    got = compare_rates([*GOOD, 0], GOOD, exposure=([1] * 6 + [0], [1] * 6), method=method)
    if method in ("score", "exact", "mid_p"):
        assert got.p_value == compare_rates(GOOD, GOOD, method=method).p_value
    assert got.n_control == 7


@pytest.mark.parametrize(
    ("events", "exposure", "code"),
    [
        ((-1, 3), (10, 10), "not_a_count"),
        ((1.5, 3), (10, 10), "not_a_count"),
        ((math.inf, 3), (10, 10), "not_finite"),
        ((math.nan, 3), (10, 10), "not_a_count"),
        ((1, 3), (0, 10), "not_positive"),
        ((1, 3), (-5, 10), "not_positive"),
        ((1, 3), (math.nan, 10), "not_positive"),
        ((1, 3), (math.inf, 10), "not_finite"),
        ((1e300, 3), (1e-300, 10), "not_finite"),
    ],
)
def test_totals_that_cannot_be_say_why(events, exposure, code):
    for method in METHODS[:3]:
        with pytest.raises(NotEstimable) as caught:
            compare_rates(*events, exposure=exposure, method=method)
        assert caught.value.code == code


@pytest.mark.parametrize("exposure", [(1e300, 2e300), (1e-300, 2e-300), (1e-40, 1e40)])
def test_any_unit_of_exposure_will_do(exposure):
    for method in METHODS[:3]:
        got = compare_rates(30, 70, exposure=exposure, method=method)
        assert math.isfinite(got.log10_p)


@pytest.mark.parametrize("exposure", [(5e-324, 1.0), (1e-300, 1e300)])
def test_exposures_of_different_worlds_are_refused(exposure):
    for method in METHODS[:3]:
        with pytest.raises(NotEstimable) as caught:
            compare_rates(30, 70, exposure=exposure, method=method)
        assert caught.value.code == "not_finite"


def test_all_zeros(method):
    zeros = [0] * 8
    if method in METHODS[:3]:
        got = compare_rates(zeros, zeros, method=method)
        assert (got.p_value, got.relative.status) == (1.0, "unbounded")
        assert compare_rates(zeros, GOOD, method=method).relative.status == "half_line"
        return
    for arms in ((zeros, zeros), (zeros, GOOD), (GOOD, zeros)):
        with pytest.raises(NotEstimable) as caught:
            compare_rates(*arms, method=method)
        assert caught.value.code == "no_events"


def test_units_that_are_all_alike(method):
    if method in METHODS[:3]:
        assert compare_rates([3] * 5, [4] * 5, method=method).p_value > 0.3
    else:
        with pytest.raises(NotEstimable) as caught:
            compare_rates([3] * 5, [4] * 5, method=method)
        assert caught.value.code == "constant"
    got = compare_rates([3] * 5, GOOD, method=method)
    assert 0.0 < got.p_value <= 1.0


def test_one_unit_is_enough_for_poisson_alone(method):
    if method in METHODS[:3]:
        assert compare_rates([3], [9], method=method).n_control == 1
    else:
        with pytest.raises(NotEstimable) as caught:
            compare_rates([3], GOOD, method=method)
        assert caught.value.code == "too_few_units"


@pytest.mark.parametrize(
    "values",
    [
        ["1", "2"],
        "12",
        [[1, 2], [3, 4]],
        [1j],
        None,
        True,
        np.array(["2026-01-01"], dtype="datetime64[D]"),
        [object()],
    ],
)
def test_what_is_no_column_of_numbers_is_refused(method, values):
    with pytest.raises(UsageError):
        compare_rates(values, GOOD, method=method)


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([1, 0, 2, 3, None], dtype="Int64"),
        np.ma.masked_array([1, 0, 2, 3, 9], mask=[0, 0, 0, 0, 1]),
        np.array([1, 0, 2, 3, None], dtype=object),
        [True, False, 2, 3, None],
    ],
)
def test_arrays_of_every_library_give_one_answer(method, values):
    want = compare_rates([1, 0, 2, 3], GOOD, method=method)
    got = compare_rates(values, GOOD, method=method)
    assert (got.p_value, got.nulls_control) == (pytest.approx(want.p_value), 1)


@pytest.mark.parametrize(
    "arguments",
    [
        {"method": "poisson"},
        {"method": None},
        {"variance": "hc0"},
        {"variance": "model"},
        {"alternative": "larger"},
        {"confidence_level": 0.0},
        {"confidence_level": 1.0},
        {"confidence_level": "0.9"},
        {"exposure": 5},
        {"exposure": (1, 2, 3)},
        {"exposure": (10, 10)},
        {"exposure": ([1] * 6, [1] * 5)},
        {"exposure": ([1] * 6, "days")},
    ],
)
def test_impossible_arguments_are_refused(arguments):
    with pytest.raises(UsageError):
        compare_rates(GOOD, GOOD, **arguments)


def test_totals_need_totals_and_regressions_need_units():
    with pytest.raises(UsageError, match="total of exposure"):
        compare_rates(3, 5)
    with pytest.raises(UsageError, match="total of exposure"):
        compare_rates(3, 5, exposure=([1, 2], [1, 2]))
    with pytest.raises(UsageError, match="between units"):
        compare_rates(3, 5, exposure=(10, 10), method="quasi_poisson")
    moments = Moments.from_columns([GOOD])
    with pytest.raises(UsageError, match="values of the units"):
        compare_rates(moments, moments, method="negative_binomial")
    with pytest.raises(UsageError, match="summed up"):
        compare_rates(moments, moments, exposure=([1] * 6, [1] * 6))
    with pytest.raises(UsageError, match="Value counts"):
        compare_rates(
            ValueCounts.from_values(GOOD), ValueCounts.from_values(GOOD), exposure=([1], [1])
        )
    days = Moments.from_columns([GOOD, [1, 2, 3, 4, 5, 6]])
    with pytest.raises(UsageError, match="different exposures"):
        compare_rates(days, days, method="quasi_poisson", variance="model")
    table = MomentsTable.from_moments([moments])
    with pytest.raises(UsageError, match="values of the units"):
        compare_rates(table, table, method="negative_binomial")
    with pytest.raises(UsageError, match="row by row"):
        compare_rates(table, table, exposure=(1, 1))
    with pytest.raises(UsageError, match="row by row"):
        compare_rates(table, GOOD)
