import math

import numpy as np
import pandas as pd
import pytest

from abtest.errors import UsageError
from abtest.stats import (
    Moments,
    MomentsTable,
    NotEstimable,
    ValueCounts,
    compare_odds,
    compare_proportions,
)

METHODS = (
    "agresti_caffo",
    "barnard",
    "boschloo",
    "fisher",
    "fisher_central",
    "fisher_midp",
    "newcombe",
    "pooled_z",
    "score",
    "wald",
    "welch",
)
GOOD = [0.0, 1.0, 1.0, 0.0]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("values", "code"),
    [
        ([], "too_few_units"),
        ([1.0], "too_few_units"),
        ([None, float("nan")], "too_few_units"),
        ([0.0, 2.0, 1.0], "not_binary"),
        ([0.5, 0.5], "not_binary"),
        ([-1.0, 0.0, 1.0], "not_binary"),
        ([1e300, 1e300, 0.0], "not_finite"),
        ([1e-300, 1.0, 0.0], "ok"),
        ([float("inf"), 1.0], "not_finite"),
        ([float("inf"), float("-inf")], "not_finite"),
    ],
)
def test_data_that_are_no_proportion_say_why(method, values, code):
    for arms in ((values, GOOD), (GOOD, values)):
        if code == "ok":  # as near to 0 as numbers come
            assert 0.0 <= compare_proportions(*arms, method=method).p_value <= 1.0
            continue
        with pytest.raises(NotEstimable) as error:
            compare_proportions(*arms, method=method)
        assert error.value.code == code


@pytest.mark.parametrize("function", [compare_proportions, compare_odds])
@pytest.mark.parametrize(
    "values",
    [
        ["0", "1"],
        np.array(["a", "b"]),
        np.zeros((2, 2)),
        np.array(5.0),
        "text",
        None,
        np.array([0, 1], dtype="datetime64[D]"),
        [1 + 2j, 0j],
        [object(), object()],
        [{}, {}],
    ],
)
def test_what_is_no_column_of_numbers_is_refused(function, values):
    for arms in ((values, GOOD), (GOOD, values)):
        with pytest.raises(UsageError):
            function(*arms)


@pytest.mark.parametrize("method", METHODS)
def test_arrays_of_every_kind_answer_the_same(method):
    want = compare_proportions(GOOD, [1.0, 1.0, 0.0, None], method=method).to_dict()
    for treatment in (
        [True, True, False, None],
        np.ma.MaskedArray([1.0, 1.0, 0.0, 7.0], mask=[0, 0, 0, 1]),
        np.array([1, 1, 0, None], dtype=object),
        pd.Series([1, 1, 0, None], dtype="Int64"),
        pd.Series([True, True, False, None], dtype="boolean"),
        pd.Series([1.0, 1.0, 0.0, np.nan]),
    ):
        assert compare_proportions(GOOD, treatment, method=method).to_dict() == want
    assert want["nulls_treatment"] == 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@pytest.mark.parametrize(
    "counts",
    [
        (0, 2, 0, 2),
        (2, 2, 2, 2),
        (0, 2, 2, 2),
        (2, 2, 0, 2),
        (0, 9, 3, 7),
        (9, 9, 3, 7),
        (3, 9, 0, 7),
        (3, 9, 7, 7),
        (0, 40, 0, 3),
    ],
)
def test_constant_and_empty_arms_have_a_stated_answer(method, alternative, counts):
    x0, n0, x1, n1 = counts
    arms = Moments.from_counts(n0, x0), Moments.from_counts(n1, x1)
    if method in ("wald", "welch") and x0 in (0, n0) and x1 in (0, n1):
        with pytest.raises(NotEstimable) as error:
            compare_proportions(*arms, method=method, alternative=alternative)
        assert error.value.code == "constant"
        return
    got = compare_proportions(*arms, method=method, alternative=alternative)
    numbers = [got.p_value, got.log10_p, got.control_value, got.treatment_value]
    for part in (got.absolute, got.relative):
        numbers += [part.estimate, part.lower, part.upper]
    assert all(number is None or math.isfinite(number) for number in numbers)
    assert 0.0 < got.p_value <= 1.0
    assert got.relative.status in ("bounded", "half_line", "two_rays", "unbounded", "undefined")
    same = x0 / n0 == x1 / n1 and method != "agresti_caffo"  # it adds units to both arms
    if same and alternative == "two-sided":
        assert got.p_value == 1.0
    assert f"({got.method}" in str(got)


@pytest.mark.parametrize("function", [compare_proportions, compare_odds])
@pytest.mark.parametrize(
    "options",
    [
        {"confidence_level": level}
        for level in (0.0, 1.0, 95, -0.1, float("nan"), float("inf"), None, "0.95", True)
    ]
    + [{"alternative": word} for word in ("both", "", None, 1)]
    + [{"method": word} for word in ("exact", "", None, 1, "miettinen_nurminen")]
    + [{"alternative": "greater", "confidence_level": 0.2}],
)
def test_arguments_that_mean_nothing_are_refused(function, options):
    with pytest.raises(UsageError):
        function(GOOD, GOOD, **options)


def test_counts_that_are_none_are_refused_at_the_door():
    for n, successes in ((10, 11), (10, -1), (10, 1.5)):
        with pytest.raises(UsageError):
            Moments.from_counts(n, successes)
    with pytest.raises(UsageError):
        ValueCounts.from_table([0.0, 1.0], [-1, 5])
    with pytest.raises(UsageError):
        compare_proportions(GOOD, Moments.from_counts(5, 2), covariates=([1.0] * 4, [2.0] * 5))


def test_tables_say_by_row_why_there_is_no_number():
    good = Moments.from_counts(10, 3)
    rows = [
        Moments.from_counts(0, 0),
        Moments.from_counts(1, 1),
        Moments(9, np.array([1.3]), np.array([[2.0]])),
        Moments(9, np.array([np.inf]), np.array([[np.nan]])),
        Moments(9, np.array([1e300]), np.array([[1e300]])),
        good,
    ]
    want = ["too_few_units", "too_few_units", "not_binary", "not_finite", "not_binary", "ok"]
    control = MomentsTable.from_moments([good] * len(rows))
    treatment = MomentsTable.from_moments(rows)
    for method in ("agresti_caffo", "newcombe", "pooled_z", "score", "wald", "welch"):
        table = compare_proportions(control, treatment, method=method)
        assert table.status.tolist() == want
        assert np.isnan(table.p_value[:-1]).all()
        assert np.isnan(table.lower[:-1]).all()
    with pytest.raises(UsageError, match="one pair at a time"):
        compare_proportions(control, treatment, method="fisher")
