"""Bad input to the comparison by ranks: a typed error or a stated answer, never silence."""

import math

import numpy as np
import pandas as pd
import pytest

from abtest.errors import UsageError
from abtest.stats import Moments, NotEstimable, ValueCounts, compare_ranks

GOOD = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


@pytest.fixture(params=["brunner_munzel", "mann_whitney"])
def compare(request):
    return lambda *arms, **call: compare_ranks(*arms, method=request.param, **call)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ([], "too_few_units"),
        ([1.0], "too_few_units"),
        ([math.nan, None, 2.0], "too_few_units"),
        (ValueCounts.from_table([1.0], [1]), "too_few_units"),
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


@pytest.mark.parametrize("value", [0.0, 3.0, 1e300])
def test_units_that_all_have_one_value_have_no_order(compare, value):
    with pytest.raises(NotEstimable) as caught:
        compare([value] * 6, [value] * 9)
    assert caught.value.code == "constant"


def test_two_constants_are_separated_arms(compare):
    got = compare([3.0] * 6, [4.0] * 6)
    assert got.warnings == ("separated_arms", "tied_shift")
    assert got.index.estimate == 1.0
    assert (got.shift.estimate, got.shift.lower, got.shift.upper) == (1.0, 1.0, 1.0)
    assert 0.0 < got.p_value < 0.05


def test_one_constant_arm_is_no_obstacle(compare):
    got = compare([3.0] * 6, GOOD)
    assert got.index.estimate == pytest.approx(3.5 / 6)
    assert 0.0 < got.p_value < 1.0


def test_two_units_give_an_answer_without_limits_of_the_shift(compare):
    got = compare([1.0, 3.0], [2.0, 4.0])
    assert 0.0 < got.p_value <= 1.0
    assert (got.shift.estimate, got.shift.lower, got.shift.upper) == (1.0, None, None)
    assert "without limits" in str(got)


@pytest.mark.parametrize(
    "values",
    [
        ["1", "2", "3"],
        [1.0, "2", 3.0],
        np.ones((3, 2)),
        3.0,
        None,
        {"a": 1},
        [1 + 2j, 2],
        pd.date_range("2020-01-01", periods=5),
        Moments.from_columns([np.array(GOOD)]),
    ],
)
def test_what_is_no_column_of_numbers_is_refused(compare, values):
    for arms in ((values, GOOD), (GOOD, values)):
        with pytest.raises(UsageError) as caught:
            compare(*arms)
        assert caught.value.todo


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "wilcoxon"},
        {"method": None},
        {"alternative": "bigger"},
        {"confidence_level": 1.0},
        {"confidence_level": 0},
        {"confidence_level": 95},
        {"confidence_level": math.nan},
        {"confidence_level": True},
        {"confidence_level": 0.4, "alternative": "less"},
        {"exact": 1},
        {"exact": None},
        {"continuity": "yes"},
    ],
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(UsageError) as caught:
        compare_ranks(GOOD, GOOD[1:], **wrong)
    assert caught.value.todo


@pytest.mark.parametrize(
    "kind",
    [
        lambda x: np.ma.array([*x, 99.0], mask=[0] * len(x) + [1]),
        lambda x: [*x, None],
        lambda x: pd.Series([*x, None], dtype="Float64"),
        lambda x: np.array([*x, math.nan], dtype=object),
        lambda x: pd.array([*map(int, x), None], dtype="Int64"),
    ],
)
def test_nulls_of_every_library_are_left_out_and_counted(compare, kind):
    got, want = compare(kind(GOOD), kind(GOOD[2:])), compare(GOOD, GOOD[2:])
    assert (got.nulls_control, got.nulls_treatment) == (1, 1)
    assert (got.p_value, got.index, got.shift) == (want.p_value, want.index, want.shift)


@pytest.mark.parametrize("scale", [1e300, 1e-300, 5e-324])
def test_extreme_values_have_the_order_of_others(compare, scale):
    arms = [1, 2, 2, 3, 5, 8], [2, 4, 4, 6, 9, 11]
    got = compare(*([scale * x for x in arm] for arm in arms))
    want = compare(*arms)
    assert (got.p_value, got.index) == (want.p_value, want.index)
    assert got.shift.estimate == pytest.approx(want.shift.estimate * scale, rel=1e-12)


def test_the_answer_shows_itself(compare):
    got = compare([*GOOD, None], [x + 1.0 for x in GOOD])
    assert got.estimate == got.index.estimate
    assert got.interval == (got.index.lower, got.index.upper)
    plain = got.to_dict()
    assert plain["index"]["estimate"] == got.estimate
    assert plain["warnings"] == []
    shown = got._repr_mimebundle_()[0]
    assert shown["text/plain"] == str(got)
    assert "units without a value" in shown["text/html"]
    assert "Hodges-Lehmann" in shown["text/markdown"]
